# SPDX-License-Identifier: Apache-2.0
"""Fill a stopped domain controller's database with the population, in one transaction.

Job: dc_dir, domain, netbios, users, groups, seed, extended_schema, unverified_suffixes (list), user_password.
"""
import ldb
import samba_job
from population import Population
from samba.dsdb import DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID

# Attributes of Exchange's schema that synchronisation rules name: syntax, oMSyntax, single-valued. The identifiers are our own,
# under the arc that Microsoft sets aside for everyone's generated ones (1.2.840.113556.1.8000.2554).
ARC = "1.2.840.113556.1.8000.2554.49152.22170.60127.18022.44970.1"
STRING, BOOLEAN = ("2.5.5.12", "64"), ("2.5.5.8", "1")
EXCHANGE_LIKE = [("mailNickname", STRING), ("targetAddress", STRING), ("msExchHideFromAddressLists", BOOLEAN)]
EXCHANGE_LIKE += [("extensionAttribute%d" % n, STRING) for n in range(1, 16)]
SECRETS = ("unicodePwd", "ntPwdHistory", "supplementalCredentials", "pwdLastSet")
READY_HASHES = "local_oid:%s:0" % DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID


def extend_schema(job):
    db = samba_job.open_database(job["dc_dir"])
    db.lp.set("dsdb:schema update allowed", "yes")
    schema = str(db.get_schema_basedn())
    for number, (name, (syntax, om_syntax)) in enumerate(EXCHANGE_LIKE, start=1):
        db.add(samba_job.message(db, "CN=%s,%s" % (name, schema), {
            "objectClass": ["attributeSchema"], "lDAPDisplayName": [name], "attributeID": ["%s.%d" % (ARC, number)],
            "attributeSyntax": [syntax], "oMSyntax": [om_syntax], "isSingleValued": ["TRUE"]}))
    db.set_schema_update_now()
    for class_name in ("User", "Group", "Contact"):
        db.modify(samba_job.message(
            db, "CN=%s,%s" % (class_name, schema), {"mayContain": [name for name, _ in EXCHANGE_LIKE]}, ldb.FLAG_MOD_ADD))
    db.set_schema_update_now()


def add_suffixes(db, suffixes):
    partitions = "CN=Partitions,%s" % db.get_config_basedn()
    db.modify(samba_job.message(db, partitions, {"uPNSuffixes": suffixes}, ldb.FLAG_MOD_REPLACE))


def template_secrets(db, base, password):
    """Hashing a password costs 20 ms: it is done once, and every account gets the same hashes. Kerberos keys that are cloned
    keep the template's salt, which the KDC names to clients (ETYPE-INFO2)."""
    dn = "CN=lab-template,CN=Users," + base
    db.add(samba_job.message(db, dn, {
        "objectClass": ["user"], "sAMAccountName": ["lab-template"], "userAccountControl": ["512"],
        "unicodePwd": [('"%s"' % password).encode("utf-16-le")]}))
    found = db.search(dn, scope=ldb.SCOPE_BASE, attrs=list(SECRETS))[0]
    secrets = {name: [bytes(found[name][0])] for name in SECRETS}
    db.delete(dn)
    return secrets


def load(job):
    db = samba_job.open_database(job["dc_dir"], index_cache=max(200000, 8 * (job["users"] + job["groups"])))
    base = str(db.domain_dn())
    population = Population(
        job["users"], job["groups"], job["domain"], job["unverified_suffixes"][0], job["seed"], job["extended_schema"])
    secrets = template_secrets(db, base, job["user_password"])
    total, done = job["users"] + job["groups"], 0
    db.transaction_start()
    try:
        add_suffixes(db, job["unverified_suffixes"])
        for entry in population.entries():
            attributes = dict(entry.attributes)
            for name, targets in entry.links.items():
                attributes[name] = ["%s,%s" % (target, base) for target in targets]
            controls = None
            if entry.kind in ("user", "externalUser"):
                attributes.update(secrets)
                controls = [READY_HASHES]
            db.add(samba_job.message(db, "%s,%s" % (entry.rdn, base), attributes), controls=controls)
            if entry.kind in ("user", "group"):
                done += 1
                if done % 500 == 0 or done == total:
                    samba_job.progress("load", done, total)
    except BaseException:
        db.transaction_cancel()
        raise
    samba_job.progress("commit", 0, 1)
    db.transaction_commit()
    samba_job.progress("commit", 1, 1)
    return population.counts


def main():
    job = samba_job.read_job()
    if job["extended_schema"]:
        samba_job.progress("schema", 0, 1)
        extend_schema(job)
        samba_job.progress("schema", 1, 1)
    samba_job.finish({"counts": load(job)})


main()
