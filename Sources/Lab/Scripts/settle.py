# SPDX-License-Identifier: Apache-2.0
"""Give a stopped, loaded domain controller what belongs to one lab only: its database's identity, passwords, keytabs, service names
and DNS records.

It can run again on the same database: what exists is brought up to date. On the forest's further controllers only the
database's identity is changed; they receive the rest by replication.

Job: dc_dir, first (bool), domain, netbios, dcs (list of {host, address}), site, hosts (list of {name, address}: further A
records), administrator_password, accounts (list of {name, password, keytab}: those that the load made).
"""
import os
import struct
import uuid

import accounts
import ldb
import samba_job
from samba.dcerpc import dnsp, misc
from samba.ndr import ndr_pack, ndr_unpack
from samba.provision.sambadns import ARecord, CNAMERecord, SRVRecord

AES128, AES256 = 17, 18


def set_password(db, dn, password):
    db.modify(samba_job.message(
        db, dn, {"unicodePwd": [('"%s"' % password).encode("utf-16-le")]}, ldb.FLAG_MOD_REPLACE))


def lookup(db, dn, attribute):
    """The object with one attribute, or nothing where it does not exist."""
    try:
        return db.search(dn, scope=ldb.SCOPE_BASE, attrs=[attribute])[0]
    except ldb.LdbError as error:
        if error.args[0] == ldb.ERR_NO_SUCH_OBJECT:
            return None
        raise


def keytab(job, account):
    """The AES keys of an account; Samba's export would add its RC4 key."""
    import samba.dckeytab  # noqa: F401 (it adds export_keytab to Net)
    from samba.net import Net
    from samba.credentials import Credentials
    lp = samba_job.load_parameters(job["dc_dir"])
    path = account["keytab"]
    if os.path.exists(path):
        os.unlink(path)
    net = Net(Credentials(), lp)
    net.export_keytab(keytab=path, principal="%s@%s" % (account["name"], job["domain"].upper()))
    keep_aes(path)


def keep_aes(path):
    """Rewrite a keytab (MIT's format 0x0502) with its AES entries only."""
    with open(path, "rb") as file:
        data = file.read()
    out, at = data[:2], 2
    while at + 4 <= len(data):
        size = struct.unpack_from(">i", data, at)[0]
        record = data[at + 4:at + 4 + abs(size)]
        if size > 0 and entry_type(record) in (AES128, AES256):
            out += data[at:at + 4] + record
        at += 4 + abs(size)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(out)
    os.chmod(path, 0o600)


def entry_type(record):
    components = struct.unpack_from(">H", record, 0)[0]
    at = 2
    for _ in range(components + 1):  # the realm, then the name's components
        at += 2 + struct.unpack_from(">H", record, at)[0]
    at += 4 + 4 + 1  # name type, timestamp, key version
    return struct.unpack_from(">H", record, at)[0]


class Zones:
    """DNS records in the directory, where Samba's own server finds them."""

    def __init__(self, db, job):
        self.db = db
        base = str(db.domain_dn())
        forest = str(db.get_root_basedn())
        self.domain = "DC=%s,CN=MicrosoftDNS,DC=DomainDnsZones,%s" % (job["domain"], base)
        self.msdcs = "DC=_msdcs.%s,CN=MicrosoftDNS,DC=ForestDnsZones,%s" % (job["domain"], forest)

    def put(self, zone, node, records):
        """Add records to a name; those that are there stay."""
        dn = "DC=%s,%s" % (node, zone)
        packed = [ndr_pack(record) for record in records]
        found = lookup(self.db, dn, "dnsRecord")
        if found is None:
            self.db.add(samba_job.message(self.db, dn, {"objectClass": ["top", "dnsNode"], "dnsRecord": packed}))
            return
        present = {content(bytes(value)) for value in found.get("dnsRecord", [])}
        missing = [value for value in packed if content(value) not in present]
        if missing:
            self.db.modify(samba_job.message(self.db, dn, {"dnsRecord": missing}, ldb.FLAG_MOD_ADD))


def content(packed):
    """A record without its serial and time stamp: type and data."""
    record = ndr_unpack(dnsp.DnssrvRpcRecord, packed)
    data = record.data
    if record.wType == dnsp.DNS_TYPE_SRV:
        return record.wType, data.nameTarget, data.wPort
    return record.wType, str(data)


def publish(db, job):
    """What a DC registers for itself (MS-ADTS 6.3.2), for each DC of the forest, and the lab's further hosts."""
    zones = Zones(db, job)
    domain, site = job["domain"], job["site"]
    guid = guid_text(lookup(db, db.domain_dn(), "objectGUID"))
    for dc in job["dcs"]:
        target = "%s.%s" % (dc["host"].lower(), domain)
        address = [ARecord(dc["address"])]
        for node in (dc["host"].lower(), "@", "DomainDnsZones", "ForestDnsZones"):
            zones.put(zones.domain, node, address)
        zones.put(zones.msdcs, "gc", address)
        # Controllers find each other by the identifier of their NTDS Settings object.
        settings = lookup(db, "CN=NTDS Settings,CN=%s,CN=Servers,CN=%s,CN=Sites,%s" % (
            dc["host"], site, db.get_config_basedn()), "objectGUID")
        if settings is not None:
            zones.put(zones.msdcs, guid_text(settings), [CNAMERecord(target)])
        services = {"_ldap._tcp": 389, "_kerberos._tcp": 88, "_kerberos._udp": 88, "_kpasswd._tcp": 464, "_kpasswd._udp": 464,
                    "_gc._tcp": 3268, "_ldap._tcp.%s._sites" % site: 389, "_kerberos._tcp.%s._sites" % site: 88,
                    "_gc._tcp.%s._sites" % site: 3268, "_ldap._tcp.DomainDnsZones": 389, "_ldap._tcp.ForestDnsZones": 389}
        for node, port in services.items():
            zones.put(zones.domain, node, [SRVRecord(target, port)])
        for node, port in {"_ldap._tcp.dc": 389, "_kerberos._tcp.dc": 88, "_ldap._tcp.%s._sites.dc" % site: 389,
                           "_kerberos._tcp.%s._sites.dc" % site: 88, "_ldap._tcp.gc": 3268,
                           "_ldap._tcp.%s._sites.gc" % site: 3268, "_ldap._tcp.%s.domains" % guid: 389}.items():
            zones.put(zones.msdcs, node, [SRVRecord(target, port)])
    for host in job["hosts"]:
        zones.put(zones.domain, host["name"].removesuffix("." + job["domain"]), [ARecord(host["address"])])


def guid_text(found):
    return str(ndr_unpack(misc.GUID, found["objectGUID"][0]))


def service_names(db, base, job, host):
    """The names that samba_spnupdate would register: without them no client gets a ticket for LDAP."""
    domain = job["domain"]
    full = "%s.%s" % (host.lower(), domain)
    names = ["ldap/" + full, "ldap/" + host, "ldap/%s/%s" % (full, domain), "ldap/%s/%s" % (full, job["netbios"]),
             "GC/%s/%s" % (full, domain), "HOST/%s/%s" % (full, domain)]
    dn = "CN=%s,OU=Domain Controllers,%s" % (host, base)
    found = lookup(db, dn, "servicePrincipalName")
    if found is None:
        return  # not joined yet
    present = {str(value).lower() for value in found["servicePrincipalName"]}
    missing = [name for name in names if name.lower() not in present]
    if missing:
        db.modify(samba_job.message(db, dn, {"servicePrincipalName": missing}, ldb.FLAG_MOD_ADD))


def renew_identity(dc_dir):
    """A new invocation identifier, as after a restore (MS-ADTS 3.1.1.1.9): trees are reused, and a reader that kept a watermark
    of another lab must not take this database for the one that it knows."""
    db = samba_job.open_database(dc_dir)
    db.modify(samba_job.message(
        db, db.get_dsServiceName(), {"invocationId": [ndr_pack(misc.GUID(str(uuid.uuid4())))]}, ldb.FLAG_MOD_REPLACE))


def settle(db, job):
    base = str(db.domain_dn())
    db.transaction_start()
    try:
        for dc in job["dcs"]:
            service_names(db, base, job, dc["host"])
        publish(db, job)
        set_password(db, "CN=Administrator,CN=Users," + base, job["administrator_password"])
        for account in job["accounts"]:
            set_password(db, accounts.account_dn(base, account), account["password"])
    except BaseException:
        db.transaction_cancel()
        raise
    db.transaction_commit()
    for account in job["accounts"]:
        keytab(job, account)


def main():
    job = samba_job.read_job()
    samba_job.progress("settle", 0, 1)
    renew_identity(job["dc_dir"])
    db = samba_job.open_database(job["dc_dir"])
    if job["first"]:
        settle(db, job)
    samba_job.progress("settle", 1, 1)
    samba_job.finish({
        "invocation_id": str(db.get_invocation_id()), "base": str(db.domain_dn()), "sid": str(db.get_domain_sid())})


main()
