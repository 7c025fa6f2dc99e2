# SPDX-License-Identifier: Apache-2.0
"""Rights that are taken away from the service account for a while, and what has to hold afterwards."""
import contextlib

import ldap3
from ldap3.protocol.microsoft import security_descriptor_control

from comparison import assert_created_once, compare, read, sid, users_of


def settled(lab, tenant):
    compare(lab, tenant)
    assert_created_once(tenant)


def retitle(lab, title, number=3):
    admin = lab.administrator()
    admin.modify(users_of(lab, admin)[number]["dn"], {"title": [(ldap3.MODIFY_REPLACE, [title])]})


def deletions(tenant):
    log = tenant.product.json("tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")
    return [entry["target"] for entry in log if entry["action"] == "delete"]


def folder(lab):
    """Where the domain controller keeps everything."""
    return lab.directory / "dc" / lab.forest["controllers"][0]["host"]


@contextlib.contextmanager
def denied(lab, name, right):
    """Takes a right on an object away from the service account, and gives it back."""
    admin, controller = lab.administrator(), folder(lab)
    account = lab.forest["serviceAccount"]["principal"].split("@")[0]
    trustee = sid(read(admin, [lab.forest["baseDN"]], f"(sAMAccountName={account})", ["objectSid"])[0])
    access = security_descriptor_control(sdflags=0x04)
    admin.search(name, "(objectClass=*)", ldap3.BASE, attributes=["nTSecurityDescriptor"], controls=access)
    before = admin.response[0]["raw_attributes"]["nTSecurityDescriptor"]
    lab.execute("samba-tool", "dsacl", "set", "-s", controller / "etc/smb.conf", "-H", controller / "private/sam.ldb",
                f"--objectdn={name}", f"--sddl=({right};{trustee})")
    try:
        yield
    finally:
        admin.modify(name, {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, before)]}, controls=access)
