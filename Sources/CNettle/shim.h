/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CNETTLE_H
#define BRIDGEHEAD_CNETTLE_H
/* What swift-crypto does not have and protocols of Active Directory demand. */
/* RPC: RC4, DES and MD4 for the secrets of DRSUAPI and SAMR. */
#include <nettle/arcfour.h>
#include <nettle/des.h>
#include <nettle/md4.h>
#endif
