// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WebIdentity

/// A request to the sign-in service that has passed the pipeline.
struct SignInCall: Sendable {
  let place: SignInPlace
  /// What follows the place in the path, as it was sent.
  let target: String?
  let method: String
  /// The query as it was sent, for forms that continue with it.
  let queryText: String
  let query: FormParameters
  /// The body's parameters; none for GET. For a place whose forms act for a person (``SignInPlace/Kind/form``) none, unless
  /// the form was made here for this browser: who forgets to ask ``isGenuine`` has nothing to act on.
  let form: FormParameters
  /// The body's parameters, whoever made the form: to show them again, and to look things up; never to act on them.
  let sent: FormParameters
  /// Whether the body is a form that was made here, for this browser and this place.
  let isGenuine: Bool
  /// What the body was, for an authorization request that was posted.
  let formText: String
  /// The body as it was sent, for places that take no form.
  let body: [UInt8]
  let authorization: String?
  let cookies: String?
  /// The client's address, or its network where one client has many.
  let source: String
  let agent: String
  /// `https://tenant.example`, and below it the tenant: the issuer.
  let origin: String
  let issuer: String
  let now: Date
  let request: String

  func url(_ place: SignInPlace) -> String { issuer + place.rawValue }

  /// The path that links and forms use.
  func path(_ place: SignInPlace) -> String { issuer.dropFirst(origin.count) + place.rawValue }

  /// For the audit log, before anybody is known.
  var actor: Actor { Actor(who: "source:\(source)", request: request) }

  func actor(_ application: Application) -> Actor { Actor(who: "application:\(application.id)", request: request) }
}
