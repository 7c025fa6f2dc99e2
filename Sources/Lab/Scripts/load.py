# SPDX-License-Identifier: Apache-2.0
"""Fill a stopped domain controller's database: service accounts and their rights, then the population in one transaction.

Job: dc_dir, domain, netbios, users, groups, seed, extended_schema, unverified_suffixes (list), user_password, accounts (list,
see accounts.py).
"""
import contextlib

import accounts
import ldb
import samba_job
from population import Population
from samba.dsdb import DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID

# Attributes of Exchange's schema that synchronisation rules name: syntax, oMSyntax, single-valued. The identifiers are our own,
# under the arc that Microsoft sets aside for everyone's generated ones (1.2.840.113556.1.8000.2554).
ARC = "1.2.840.113556.1.8000.2554.49152.22170.60127.18022.44970.1"
STRING, BOOLEAN, LARGE, SID = ("2.5.5.12", "64"), ("2.5.5.8", "1"), ("2.5.5.16", "65"), ("2.5.5.17", "4")
EXCHANGE_LIKE = [("mailNickname", STRING), ("targetAddress", STRING), ("msExchHideFromAddressLists", BOOLEAN)]
EXCHANGE_LIKE += [("extensionAttribute%d" % n, STRING) for n in range(1, 16)]
EXCHANGE_LIKE += [("msExchMasterAccountSid", SID), ("msExchRecipientTypeDetails", LARGE)]
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


def add(db, base, entry, secrets):
    attributes = dict(entry.attributes)
    for name, targets in entry.links.items():
        attributes[name] = ["%s,%s" % (target, base) for target in targets]
    controls = None
    if entry.kind in ("user", "externalUser"):
        attributes.update(secrets)
        controls = [READY_HASHES]
    db.add(samba_job.message(db, "%s,%s" % (entry.rdn, base), attributes), controls=controls)


@contextlib.contextmanager
def transaction(db):
    db.transaction_start()
    try:
        yield
    except BaseException:
        db.transaction_cancel()
        raise
    db.transaction_commit()


def load(job):
    db = samba_job.open_database(job["dc_dir"], index_cache=max(200000, 8 * (job["users"] + job["groups"])))
    base = str(db.domain_dn())
    population = Population(
        job["users"], job["groups"], job["domain"], job["unverified_suffixes"][0], job["seed"], job["extended_schema"])
    secrets = template_secrets(db, base, job["user_password"])
    with transaction(db):
        add_suffixes(db, job["unverified_suffixes"])
        for entry in population.units():
            add(db, base, entry, secrets)
        for account in job["accounts"]:
            accounts.create(db, base, job["domain"], account)
    # Rights stand before the people come: whoever is added inherits them, where a later right is written to each, at a price
    # and, with some 160,000 of them, in a transaction larger than LMDB takes (MDB_TXN_FULL).
    total, done = job["users"] + job["groups"], 0
    with transaction(db):
        for entry in population.inhabitants():
            add(db, base, entry, secrets)
            if entry.kind in ("user", "group"):
                done += 1
                if done % 500 == 0 or done == total:
                    samba_job.progress("load", done, total)
        samba_job.progress("commit", 0, 1)
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
