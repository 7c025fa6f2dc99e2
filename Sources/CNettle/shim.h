/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CNETTLE_H
#define BRIDGEHEAD_CNETTLE_H
#include <stdint.h>
#include <string.h>
/* What swift-crypto does not have and protocols of Active Directory demand. */
/* RPC: RC4, DES and MD4 for the secrets of DRSUAPI and SAMR. */
#include <nettle/arcfour.h>
#include <nettle/des.h>
#include <nettle/md4.h>

/* SMB. */
#include <nettle/ccm.h>

/* AES-CCM (RFC 3610) with a tag of 16 bytes behind the ciphertext. Nettle renames its functions by macros, and its
   contexts hold round keys that must not stay on the stack. */

static inline void bridgehead_aes128_ccm_encrypt(const uint8_t *key, size_t nonce_length, const uint8_t *nonce,
                                                 size_t data_length, const uint8_t *data, size_t length, uint8_t *out,
                                                 const uint8_t *in) {
  struct ccm_aes128_ctx context;
  ccm_aes128_set_key(&context, key);
  ccm_aes128_encrypt_message(&context, nonce_length, nonce, data_length, data, 16, length + 16, out, in);
  explicit_bzero(&context, sizeof context);
}

/* Returns 1 when the tag is right; the comparison takes the same time wherever it differs. */
static inline int bridgehead_aes128_ccm_decrypt(const uint8_t *key, size_t nonce_length, const uint8_t *nonce,
                                                size_t data_length, const uint8_t *data, size_t length, uint8_t *out,
                                                const uint8_t *in) {
  struct ccm_aes128_ctx context;
  ccm_aes128_set_key(&context, key);
  int right = ccm_aes128_decrypt_message(&context, nonce_length, nonce, data_length, data, 16, length, out, in);
  explicit_bzero(&context, sizeof context);
  return right;
}

static inline void bridgehead_aes256_ccm_encrypt(const uint8_t *key, size_t nonce_length, const uint8_t *nonce,
                                                 size_t data_length, const uint8_t *data, size_t length, uint8_t *out,
                                                 const uint8_t *in) {
  struct ccm_aes256_ctx context;
  ccm_aes256_set_key(&context, key);
  ccm_aes256_encrypt_message(&context, nonce_length, nonce, data_length, data, 16, length + 16, out, in);
  explicit_bzero(&context, sizeof context);
}

static inline int bridgehead_aes256_ccm_decrypt(const uint8_t *key, size_t nonce_length, const uint8_t *nonce,
                                                size_t data_length, const uint8_t *data, size_t length, uint8_t *out,
                                                const uint8_t *in) {
  struct ccm_aes256_ctx context;
  ccm_aes256_set_key(&context, key);
  int right = ccm_aes256_decrypt_message(&context, nonce_length, nonce, data_length, data, 16, length, out, in);
  explicit_bzero(&context, sizeof context);
  return right;
}
#endif
