/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CKERBEROS_H
#define BRIDGEHEAD_CKERBEROS_H
#include <krb5.h>
#include <profile.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

/* What Swift 6 cannot import: mutable globals (the OIDs), and macros with arguments or casts. */

static inline gss_OID bridgehead_gss_mech_krb5(void) { return (gss_OID)gss_mech_krb5; }

/* RFC 4178 3: 1.3.6.1.5.5.2. The library only reads it. */
static inline gss_OID bridgehead_gss_mech_spnego(void) {
  static gss_OID_desc oid = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};
  return &oid;
}

static inline gss_OID bridgehead_gss_nt_krb5_principal(void) { return (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME; }
static inline gss_OID bridgehead_gss_no_ci_flags(void) { return (gss_OID)GSS_KRB5_CRED_NO_CI_FLAGS_X; }
static inline gss_OID bridgehead_gss_inquire_session_key(void) { return GSS_C_INQ_SSPI_SESSION_KEY; }

static inline int bridgehead_gss_oid_equal(gss_OID a, gss_OID b) { return gss_oid_equal(a, b); }
static inline int bridgehead_gss_failed(OM_uint32 major) { return GSS_ERROR(major) != 0; }
static inline int bridgehead_gss_continues(OM_uint32 major) { return (major & GSS_S_CONTINUE_NEEDED) != 0; }
/* A replayed, late, reordered or missing message: RFC 2743 1.2.3. */
static inline int bridgehead_gss_out_of_order(OM_uint32 major) {
  return (major & (GSS_S_DUPLICATE_TOKEN | GSS_S_OLD_TOKEN | GSS_S_UNSEQ_TOKEN | GSS_S_GAP_TOKEN)) != 0;
}
static inline int bridgehead_gss_bad_bindings(OM_uint32 major) { return GSS_ROUTINE_ERROR(major) == GSS_S_BAD_BINDINGS; }
static inline int bridgehead_gss_expired(OM_uint32 major) {
  return GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED || GSS_ROUTINE_ERROR(major) == GSS_S_CONTEXT_EXPIRED;
}
#endif
