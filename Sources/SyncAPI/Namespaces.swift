// SPDX-License-Identifier: Apache-2.0

/// The names of the interface, as public clients write them.
enum Namespace {
  /// SOAP 1.2 (W3C, part 1, 5).
  static let soap = "http://www.w3.org/2003/05/soap-envelope"
  /// WS-Addressing 1.0.
  static let addressing = "http://www.w3.org/2005/08/addressing"
  static let instance = "http://www.w3.org/2001/XMLSchema-instance"
  static let schema = "http://www.w3.org/2001/XMLSchema"
  /// Of the operations, and of the token's parts.
  static let change = "http://schemas.microsoft.com/online/aws/change/2010/01"
  /// Of objects and their results.
  static let objects = "http://schemas.microsoft.com/online/aws/change/2014/06"
  /// Of credentials.
  static let credentials = "http://schemas.datacontract.org/2004/07/Microsoft.Online.Coexistence.Schema"
  /// Of .NET's dictionaries and lists.
  static let arrays = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
  static let service = "urn:microsoft.online.administrativeservice"
}

/// What both ends agree on beside the messages.
package enum SyncEndpoint {
  /// MC-NBFS over HTTP, as .NET names it.
  package static let mediaType = "application/soap+msbin1"
  /// Below the service's origin.
  package static let path = "/provisioningservice.svc"
  /// Whom access tokens are for. Entra ID's name for it; the tenant knows its own service by the same name, so that clients
  /// need no other setting.
  package static let resource = "https://graph.windows.net"

  /// `wsa:Action` of an operation.
  static func action(_ operation: String) -> String { "\(Namespace.change)/IProvisioningWebService/\(operation)" }
}
