/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CKERBEROS_H
#define BRIDGEHEAD_CKERBEROS_H
#include <krb5.h>
#include <profile.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#endif
