# SPDX-License-Identifier: Apache-2.0
"""The service accounts of a forest and what each may do. They have no password yet: each lab gives them its own.

An account is {name, replicate (bool), secrets (bool: password hashes too), writes: units, relative to the base, whose users'
passwords it may reset}. Beyond that it is an ordinary member of Domain Users.
"""
import ldb
import samba_job
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack

UNIT = "OU=Service Accounts"
GET_CHANGES = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"  # DS-Replication-Get-Changes, MS-ADTS 5.1.3.2.1
GET_CHANGES_ALL = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"  # DS-Replication-Get-Changes-All: secrets too
# What password writeback needs, for class user and what it inherits to (MS-ADTS 5.1.3.2.1, MS-ADA1, MS-ADA3).
RESET_PASSWORD = "CR;00299570-246d-11d0-a768-00aa006e0529"  # User-Force-Change-Password
WRITE_LAST_SET = "WP;bf967a0a-0de6-11d0-a285-00aa003049e2"  # pwdLastSet
WRITE_LOCKOUT = "WP;28630ebf-41d5-11d1-a9c1-0000f80367c1"  # lockoutTime
USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
AES_ONLY = "24"  # msDS-SupportedEncryptionTypes: AES128 | AES256


def account_dn(base, account):
    return "CN=%s,%s,%s" % (account["name"], UNIT, base)


def create(db, base, domain, account):
    dn = account_dn(base, account)
    db.add(samba_job.message(db, dn, {
        "objectClass": ["user"], "sAMAccountName": [account["name"]],
        "userPrincipalName": ["%s@%s" % (account["name"], domain)], "displayName": [account["name"]],
        "description": ["Reads the directory for synchronisation" if account["replicate"] else "Reads the directory"],
        "userAccountControl": [str(0x200 | 0x10000)], "msDS-SupportedEncryptionTypes": [AES_ONLY]}))
    found = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]
    sid = ndr_unpack(security.dom_sid, found["objectSid"][0])
    for unit in account["writes"]:
        delegate(db, "%s,%s" % (unit, base), ["(OA;CIIO;%s;%s;%s)" % (right, USER_CLASS, sid) for right in
                                              (RESET_PASSWORD, WRITE_LAST_SET, WRITE_LOCKOUT)])
    if account["replicate"]:
        rights = [GET_CHANGES] + ([GET_CHANGES_ALL] if account["secrets"] else [])
        delegate(db, base, ["(OA;;CR;%s;;%s)" % (right, sid) for right in rights])
        # Samba shows tombstones only to those who may list them: List Contents and Read Property.
        delegate(db, "CN=Deleted Objects,%s" % base, ["(A;;LCRP;;;%s)" % sid])
        # And foreign security principals only to those who may read them, those that come later included.
        delegate(db, "CN=ForeignSecurityPrincipals,%s" % base, ["(A;CI;LCRP;;;%s)" % sid])


def delegate(db, dn, aces):
    """Prepend access control entries (SDDL) to an object's list."""
    controls = ["sd_flags:1:%d" % security.SECINFO_DACL, "show_recycled:1"]
    found = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=controls)
    descriptor = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])
    domain = security.dom_sid(db.get_domain_sid())
    for ace in security.descriptor.from_sddl("D:" + "".join(aces), domain).dacl.aces:
        descriptor.dacl_add(ace, 0)
    change = samba_job.message(db, dn, {"nTSecurityDescriptor": [ndr_pack(descriptor)]}, ldb.FLAG_MOD_REPLACE)
    db.modify(change, controls=controls)
