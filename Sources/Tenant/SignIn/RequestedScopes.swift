// SPDX-License-Identifier: Apache-2.0

import SyncAPI
import WebIdentity

/// What an application asks for: claims about the person, and access to at most one other application.
struct RequestedScopes: Sendable {
  private static let identity: Set<String> = ["openid", "profile", "email", "offline_access"]
  private static let wholeApplication = "/.default"

  /// As they were asked for, without repeats.
  let scopes: [String]
  /// The application that the access token is for; nil for the tenant's own userinfo.
  let resource: String?

  /// - Throws: ``WebIdentity/OAuthError`` `invalidScope` for what is neither, and for more than one application.
  init(_ scopes: [String]) throws(OAuthError) {
    var seen: Set<String> = []
    self.scopes = scopes.filter { seen.insert($0).inserted }
    var resources: [String] = []
    for scope in self.scopes where !Self.identity.contains(scope) {
      guard scope.hasSuffix(Self.wholeApplication) else {
        throw OAuthError(
          .invalidScope, "The scopes are openid, profile, email, offline_access and api://<client id>/.default.")
      }
      let name = scope.dropLast(Self.wholeApplication.count)
      resources.append(String(name.hasPrefix("api://") ? name.dropFirst(6) : name))
    }
    guard resources.count <= 1 else { throw OAuthError(.invalidScope, "A token can be for one application only.") }
    resource = resources.first
  }
}

extension SignInService {
  /// The scopes that this application gets of those it asks for. What it is not registered for is left out, not refused
  /// (RFC 6749 3.3); the answer says what is left.
  func scopes(_ asked: [String], for application: Application) async throws -> [String] {
    let requested = try RequestedScopes(asked)
    // The tenant's own synchronisation service is no application that anybody registers.
    if let resource = requested.resource, resource != SyncEndpoint.resource,
      try await directory.application(resource) == nil
    {
      throw OAuthError(.invalidScope, "There is no application of the identifier in the scope.")
    }
    return requested.scopes.filter { $0 != "offline_access" || application.grants.contains(.refreshToken) }
  }
}
