// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Rows that can serve nobody any more.
  ///
  /// - Returns: how many.
  package func purgeSignIns() async throws -> Int {
    let now = environment.now().milliseconds
    return try await store.write { transaction in
      // A revoked grant stays until its time is over, so that what belongs to it is known when it is used again. One that
      // brought a code and no refresh token ends with the access token that the code was good for.
      let ended = try transaction.run(
        """
        DELETE FROM token_grant WHERE id IN (
          SELECT c.token_grant FROM authorization_code c WHERE c.expires <= ?
          AND NOT EXISTS (SELECT 1 FROM refresh_token f WHERE f.token_grant = c.token_grant))
        """, [.integer(now - Int64(SignInLifetime.accessToken) * 1000)])
      return try [
        "DELETE FROM token_grant WHERE expires <= ?", "DELETE FROM device_request WHERE expires <= ?",
        "DELETE FROM session WHERE expires <= ?",
      ].reduce(ended) { try $0 + transaction.run($1, [.integer(now)]) } + Self.purgeServiceKeys(at: now, transaction)
    }
  }
}
