# SPDX-License-Identifier: Apache-2.0
"""Other people's replication clients, which read the same password hashes from the same domain controller."""
import pathlib
import subprocess

from impacket.dcerpc.v5 import drsuapi
from impacket.examples.secretsdump import NTDSHashes, RemoteOperations
from impacket.nt_errors import STATUS_MORE_ENTRIES
from impacket.smbconnection import SMBConnection


class Operations(RemoteOperations):
    """secretsdump's, with a prefix table that Samba takes: it wants the schema's signature as the last entry (MS-DRSR
    5.16.2), which Windows does without."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        table, wanted = [], drsuapi.PARTIAL_ATTR_VECTOR_V1_EXT()
        wanted["dwVersion"], wanted["cAttrs"] = 1, len(NTDSHashes.ATTRTYP_TO_ATTID)
        for identifier in NTDSHashes.ATTRTYP_TO_ATTID.values():
            wanted["rgPartialAttr"].append(drsuapi.MakeAttid(table, identifier))
        signature = drsuapi.PrefixTableEntry()
        signature["ndx"], signature["prefix"]["length"] = 0, 21
        signature["prefix"]["elements"] = [b"\xff"] + [b"\x00"] * 20
        self._RemoteOperations__prefixTable = table + [signature]
        self._RemoteOperations__ppartialAttrSet = wanted


def impacket_hashes(forest, account):
    """NT hashes by relative identifier, in secretsdump's way: accounts by SAMR, then each one by DRSUAPI.

    Its last step is done here, with impacket's own functions: secretsdump expects an LM hash with every account, which Samba
    does not send."""
    controller = forest["controllers"][0]
    name, password = account["principal"].split("@")[0], pathlib.Path(account["passwordFile"]).read_text().strip()
    connection = SMBConnection(controller["address"], controller["address"])
    connection.login(name, password, forest["netbios"])
    operations = Operations(connection, doKerberos=False)
    try:
        operations.connectSamr(forest["netbios"])
        domain, context, found = operations.getDomainSid(), 0, {}
        while True:
            page = operations.getDomainUsers(context)
            for user in page["Buffer"]["Buffer"]:
                identifier = user["RelativeId"]
                digest = _hash(operations, operations.DRSGetNCChangesSid(f"{domain}-{identifier}"), identifier)
                if digest is not None:
                    found[identifier] = digest
            context = page["EnumerationContext"]
            if page["ErrorCode"] != STATUS_MORE_ENTRIES:
                return found
    finally:
        operations.finish()
        connection.close()


def _hash(operations, record, identifier):
    reply = record["pmsgOut"][f"V{record['pdwOutVersion']}"]
    table = reply["PrefixTableSrc"]["pPrefixEntry"]
    for attribute in reply["pObjects"]["Entinf"]["AttrBlock"]["pAttr"]:
        if drsuapi.OidFromAttid(table, attribute["attrTyp"]) == NTDSHashes.ATTRTYP_TO_ATTID["unicodePwd"] \
                and attribute["AttrVal"]["valCount"]:
            sealed = b"".join(attribute["AttrVal"]["pAVal"][0]["pVal"])
            return drsuapi.removeDESLayer(drsuapi.DecryptAttributeValue(operations.getDrsr(), sealed), identifier)


SAMBA = """
import hashlib, sys
from samba.credentials import Credentials, DONT_USE_KERBEROS
from samba.dcerpc import drsuapi, misc, security
from samba.drs_utils import drsuapi_connect
from samba.ndr import ndr_unpack
from samba.net import Net
from samba.param import LoadParm

host, netbios, name, context = sys.argv[1:]
lp = LoadParm()
lp.load_default()
credentials = Credentials()
credentials.guess(lp)
credentials.set_username(name)
credentials.set_domain(netbios)
credentials.set_password(sys.stdin.readline().strip())
credentials.set_kerberos_state(DONT_USE_KERBEROS)
connection, handle, _ = drsuapi_connect(host, lp, credentials)
net = Net(credentials, lp, server=host)
wanted = drsuapi.DsPartialAttributeSet()
wanted.version, wanted.attids = 1, [drsuapi.DRSUAPI_ATTID_unicodePwd]
wanted.num_attids = 1
request = drsuapi.DsGetNCChangesRequest8()
request.destination_dsa_guid = misc.GUID()
request.source_dsa_invocation_id = misc.GUID()
request.naming_context = drsuapi.DsReplicaObjectIdentifier()
request.naming_context.dn = context
request.highwatermark = drsuapi.DsReplicaHighWaterMark()
request.replica_flags = drsuapi.DRSUAPI_DRS_INIT_SYNC | drsuapi.DRSUAPI_DRS_WRIT_REP
request.max_object_count = 1000
request.partial_attribute_set = wanted
while True:
    level, reply = connection.DsGetNCChanges(handle, 8, request)
    item = reply.first_object
    while item is not None:
        sid = item.object.identifier.sid
        for attribute in item.object.attribute_ctr.attributes:
            if attribute.attid == drsuapi.DRSUAPI_ATTID_unicodePwd and attribute.value_ctr.num_values:
                rid = int(str(sid).rsplit("-", 1)[1])
                net.replicate_decrypt(connection, attribute, rid)
                print(rid, hashlib.sha256(bytes(attribute.value_ctr.values[0].blob)).hexdigest())
        item = item.next_object
    if not reply.more_data:
        break
    request.highwatermark = reply.new_highwatermark
"""


def samba_digests(forest, account):
    """SHA-256 of NT hashes by relative identifier, as Samba's own client replicates them. No hash is printed."""
    done = subprocess.run(
        ["/usr/bin/python3", "-c", SAMBA, forest["controllers"][0]["address"], forest["netbios"],
         account["principal"].split("@")[0], forest["baseDN"]],
        input=pathlib.Path(account["passwordFile"]).read_text(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {int(line.split()[0]): line.split()[1] for line in done.stdout.splitlines() if line}
