# SPDX-License-Identifier: Apache-2.0
"""Brings back what was deleted in Active Directory (MS-ADTS 3.1.1.5.3.7.2, tombstone reanimation)."""
import ldap3

# LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14).
SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)


def reanimate(connection, base, guid, dn):
    """guid: the objectGUID as bytes; dn: where it stood before. It comes back disabled."""
    name = "".join(f"\\{byte:02x}" for byte in guid)
    connection.search(base, f"(objectGUID={name})", attributes=["cn"], controls=[SHOW_DELETED])
    [tombstone] = [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]
    connection.modify(tombstone, {
        "isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])],
    }, controls=[SHOW_DELETED])
