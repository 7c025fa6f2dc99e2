// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Signing in. Whatever a client or browser holds is here as a hash; what belongs to a user goes when the user is purged.
  static let signInMigration = Migration(
    name: "tenant-3-sign-in",
    statements: [
      """
      CREATE TABLE application (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, secret BLOB, redirects TEXT NOT NULL,
        logouts TEXT NOT NULL, grants TEXT NOT NULL, created BIGINT NOT NULL)
      """,
      """
      CREATE TABLE signing_key (
        id TEXT PRIMARY KEY, sealed BLOB NOT NULL, public TEXT NOT NULL, created BIGINT NOT NULL, active BIGINT NOT NULL)
      """,
      // method is how the person signed in: an Authentication Method Reference of RFC 8176.
      """
      CREATE TABLE session (
        id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
        resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE, created BIGINT NOT NULL,
        expires BIGINT NOT NULL, revoked BIGINT, source TEXT NOT NULL, agent TEXT NOT NULL,
        method TEXT NOT NULL DEFAULT 'pwd')
      """,
      "CREATE INDEX session_resource ON session (resource)",
      // What a person (or a device for a person) let an application do. Codes, refresh and access tokens belong to one.
      """
      CREATE TABLE token_grant (
        id TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
        resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE, session TEXT NOT NULL,
        scope TEXT NOT NULL, authenticated BIGINT NOT NULL, nonce TEXT, created BIGINT NOT NULL, expires BIGINT NOT NULL,
        revoked BIGINT, method TEXT NOT NULL DEFAULT 'pwd')
      """,
      "CREATE INDEX token_grant_application ON token_grant (application)",
      "CREATE INDEX token_grant_resource ON token_grant (resource)",
      "CREATE INDEX token_grant_session ON token_grant (session)",
      """
      CREATE TABLE authorization_code (
        hash BLOB PRIMARY KEY, token_grant TEXT NOT NULL REFERENCES token_grant (id) ON DELETE CASCADE,
        redirect TEXT NOT NULL, challenge TEXT, expires BIGINT NOT NULL, used BIGINT)
      """,
      "CREATE INDEX authorization_code_grant ON authorization_code (token_grant)",
      """
      CREATE TABLE refresh_token (
        hash BLOB PRIMARY KEY, token_grant TEXT NOT NULL REFERENCES token_grant (id) ON DELETE CASCADE,
        issued BIGINT NOT NULL, used BIGINT)
      """,
      "CREATE INDEX refresh_token_grant ON refresh_token (token_grant)",
      """
      CREATE TABLE device_request (
        hash BLOB PRIMARY KEY, user_code TEXT NOT NULL UNIQUE,
        application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE, scope TEXT NOT NULL,
        expires BIGINT NOT NULL, polled BIGINT, state INTEGER NOT NULL,
        token_grant TEXT REFERENCES token_grant (id) ON DELETE CASCADE)
      """,
      "CREATE INDEX device_request_application ON device_request (application)",
      "CREATE INDEX device_request_grant ON device_request (token_grant)",
    ])
}
