// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
import NIOCore

/// Fetches revocation lists over plain http (RFC 5280 4.2.1.13): they carry their own signature.
package struct HTTPRevocationListSource: RevocationListSource {
  /// For one list, redirects included.
  static let deadline = TimeAmount.seconds(10)
  static let maximumRedirects = 2

  private let client: HTTPClient

  /// - Parameter client: one without TLS, so that no list is needed to fetch a list (RFC 5280 8).
  package init(client: HTTPClient) { self.client = client }

  package var schemes: Set<String> { ["http"] }

  package func fetch(_ location: String) async throws(TrustError) -> [UInt8] {
    let response: HTTPResponse
    do throws(HTTPError) {
      var request = HTTPRequest("GET", try HTTPURL(location), fields: ["Accept": "application/pkix-crl, */*;q=0.1"])
      request.deadline = Self.deadline
      request.maximumResponseBytes = CertificateList.maximumBytes
      request.maximumRedirects = Self.maximumRedirects
      response = try await client.send(request)
    } catch {
      throw TrustError(
        .listUnreachable, "The CRL at \(location) cannot be fetched: \(error.message)", remedy: error.remedy)
    }
    guard response.status == 200 else {
      throw TrustError(
        .listUnreachable, "The CRL at \(location) cannot be fetched: the server answered \(response.status).",
        remedy: response.status == 407
          ? "Configure the proxy's user name and password."
          : "Let the certificate authority publish its CRL at this location.")
    }
    guard !Self.isWebPage(response) else {
      throw TrustError(
        .listUnreachable, "Instead of the CRL at \(location) a web page came back.",
        remedy: "Look for a captive portal or a filtering proxy on port 80.")
    }
    guard !response.body.isEmpty else {
      throw TrustError(.listUnreachable, "The CRL at \(location) is empty.")
    }
    return response.body
  }

  private static func isWebPage(_ response: HTTPResponse) -> Bool {
    let type = response.fields["Content-Type"]?.lowercased() ?? ""
    let start = response.body.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }.first
    return type.hasPrefix("text/html") || start == UInt8(ascii: "<")
  }
}
