# SPDX-License-Identifier: Apache-2.0
"""Configurations of other products become one of ours: what it says, what the notes say, and that no secret comes along."""
import json

import pytest
import yaml

SECRET = "hunter2-SECRET"

POLICY = {
    "policyMetadata": {"type": "exported", "azureADConnectVersion": "2.3.20.0"},
    "deploymentMetadata": {"hostName": "sync01", "serviceAccount": "CORP\\ADSync"},
    "onpremisesDirectoryPolicy": [{
        "fullyQualifiedDomainName": "corp.example",
        "partitionFilters": [
            {"distinguishedName": "DC=corp,DC=example",
             "containerInclusions": ["OU=People,DC=corp,DC=example", "OU=Sales\\, Marketing,DC=corp,DC=example"],
             "containerExclusions": ["OU=Interns,OU=People,DC=corp,DC=example"]},
            {"distinguishedName": "DC=DomainDnsZones,DC=corp,DC=example", "containerInclusions": []}],
        "standardSynchronizationRules": [
            {"name": "In from AD - User Join", "precedence": 102},
            {"name": "In from AD - Contact Join", "precedence": 105, "disabled": True}],
        "customSynchronizationRules": [{
            "name": "In from AD - Title in capitals", "direction": "inbound", "source": "user", "target": "person",
            "precedence": 50, "attributeMappings": [{"destination": "title", "source": ["title"]}]}]}],
    "azureDirectoryPolicy": {"customSynchronizationRules": []},
    "synchronizationPolicy": {
        "exportDeletionThresholdValue": 250, "stagingMode": True, "passwordHashSync": True, "sharedSecret": SECRET,
        "filters": {"innerSecret": SECRET}},
}

CONNECTOR = {
    "Name": "corp.example", "Type": "AD",
    "ConnectivityParameters": [
        {"Name": "forest-name", "Value": "corp.example"}, {"Name": "forest-login-domain", "Value": "corp.example"},
        {"Name": "forest-login-user", "Value": "MSOL_1a2b"}, {"Name": "forest-login-password", "Value": SECRET}],
    "Partitions": [
        {"DN": "DC=corp,DC=example", "Selected": True, "PreferredDCs": ["dc1.corp.example"],
         "ConnectorPartitionScope": {"ContainerInclusionList": "DC=corp,DC=example",
                                     "ContainerExclusionList": ["CN=Users,DC=corp,DC=example"]}},
        {"DN": "DC=sub,DC=corp,DC=example", "Selected": True,
         "ConnectorPartitionScope": {"ContainerInclusionList": ["DC=sub,DC=corp,DC=example"]}},
        {"DN": "DC=old,DC=corp,DC=example", "Selected": False},
        {"DN": "CN=Configuration,DC=corp,DC=example", "Selected": False}]}

SETTINGS = {"Parameters": [
    {"Name": "Microsoft.OptionalFeature.ExportDeletionThreshold", "Value": "True"},
    {"Name": "Microsoft.OptionalFeature.ExportDeletionThresholdValue", "Value": "750"},
    {"Name": "Microsoft.SynchronizationOption.AnchorAttribute", "Value": "mS-DS-ConsistencyGuid"},
    {"Name": "Microsoft.SynchronizationOption.UPNAttribute", "Value": "userPrincipalName"},
    {"Name": "Microsoft.Synchronize.StagingMode", "Value": "True"},
    {"Name": "Microsoft.Synchronize.TimeInterval", "Value": "1.02:30:00"},
    {"Name": "Microsoft.SynchronizationOption.JoinCriteria", "Value": "employeeID"},
    {"Name": "Microsoft.OptionalFeature.DeviceWriteBack", "Value": "False"},
    {"Name": "Microsoft.UserSignIn.DesktopSsoEnabled", "Value": "True"}]}

SAMBA = """\
[common]
azureadname = corp.example.com
tenant_id = 00000000-0000-0000-0000-000000000000
url = ldaps://dc1.corp.example:636
; who reads the directory
user_ad = CORP\\svc-read
password_ad = hunter2-SECRET
basedn_user  = OU=People,DC=corp,DC=example|OU=Staff,DC=corp,DC=example
basedn_group: OU=Groups,DC=corp,DC=example
proxy = http://anna:hunter2-SECRET@proxy.corp.example:3128
verify = /root/ca.crt
do_delete = False
hash_synchronization = True
sync_device = False
SourceAnchorAttr = objectSID_str
dry_run = True
my_own_token = hunter2-SECRET
"""


def migrate(bridgehead, tmp_path, source):
    """The result as values, and everything that was printed; the result must be a valid configuration."""
    result = tmp_path / "bridgehead.yaml"
    done = bridgehead.run("connect", "import-config", source, "--output", result, "--force")
    text = result.read_text()
    assert SECRET not in text + done.stdout + done.stderr
    assert "is fine" in bridgehead.run("config", "validate", "--config", result).stdout
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert notes and all(note.removeprefix("note: ") in text for note in notes), "the notes stand in the file, too"
    printed = bridgehead.run("connect", "import-config", source)
    assert printed.stdout == text
    return yaml.safe_load(text), notes


def noted(notes, *words):
    assert any(all(word in note for word in words) for note in notes), (words, notes)


def test_the_wizards_export(bridgehead, tmp_path):
    source = tmp_path / "Exported-SynchronizationPolicy-1.JSON"
    source.write_text("\ufeff" + json.dumps(POLICY, indent=2))
    values, notes = migrate(bridgehead, tmp_path, source)
    [forest] = values["connect"]["forests"]
    assert forest["name"] == "corp.example" and "domains" not in forest
    assert forest["organizationalUnits"] == {
        "include": ["OU=People,DC=corp,DC=example", "OU=Sales\\, Marketing,DC=corp,DC=example"],
        "exclude": ["OU=Interns,OU=People,DC=corp,DC=example"]}
    assert forest["credentials"] == {"principal": "svc-sync@CORP.EXAMPLE", "keytab": "/etc/bridgehead/corp.example.keytab"}
    assert values["connect"]["guard"] == {"deletions": 250}
    assert values["connect"]["mode"] == "staging"
    line = source.read_text().splitlines().index('          "name": "In from AD - Title in capitals",')
    noted(notes, "In from AD - Title in capitals", "precedence 50", "sets title", f"{source}:{line}")
    noted(notes, "In from AD - Contact Join", "switched off")
    noted(notes, "stagingMode", "staging")
    noted(notes, "passwordHashSync", "not synchronised")
    noted(notes, "synchronizationPolicy.filters", "innerSecret", "has no counterpart")
    noted(notes, "verifiedDomains")
    noted(notes, "names no account")
    assert not any("User Join" in note for note in notes), "the standard rules have a counterpart"


def folder(tmp_path, encoding="utf-8"):
    """As PowerShell writes it: a list of one element is that element."""
    root = tmp_path / "Exported-ServerConfiguration-1"
    for name, values in {
        "Connectors/corp.json": CONNECTOR,
        "Connectors/aad.json": {"Name": "corp.onmicrosoft.com - AAD", "Type": "Extensible2"},
        "Connectors/hr.json": {"Name": "HR", "Type": "GenericSql"}, "GlobalSettings/settings.json": SETTINGS,
        "SynchronizationRules/1.json": {"Name": "In from AD - Pilot", "IsStandardRule": False, "Direction": "Inbound"},
        "SynchronizationRules/2.json": {"Name": "In from AD - User Join", "IsStandardRule": True},
        "MigratedPolicy.json": {"policyMetadata": {"type": "migration"}, "deploymentMetadata": {}},
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(json.dumps(values, indent=4).encode(encoding))
    return root


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("named", [".", "MigratedPolicy.json"])
def test_a_folder_of_powershell_objects(bridgehead, tmp_path, encoding, named):
    source = folder(tmp_path, encoding) / named
    values, notes = migrate(bridgehead, tmp_path, source)
    [forest] = values["connect"]["forests"]
    assert forest["domains"] == ["corp.example", "sub.corp.example"]
    assert forest["domainControllers"] == ["dc1.corp.example"]
    assert forest["organizationalUnits"] == {"exclude": ["CN=Users,DC=corp,DC=example"]}
    assert forest["credentials"]["principal"] == "MSOL_1a2b@CORP.EXAMPLE"
    assert values["connect"]["guard"] == {"deletions": 750} and values["connect"]["mode"] == "staging"
    assert values["connect"]["schedule"] == {"interval": "1590m"} and values["connect"]["joinUsersBy"] == ["employeeID"]
    assert forest["writeSourceAnchors"] is True and "devices" not in values["connect"]
    for words in (["MSOL_1a2b", "password"], ["AnchorAttribute", "writeSourceAnchors", "right to write"],
                  ["StagingMode", "connect.mode"], ["JoinCriteria", "employeeID"],
                  ["DesktopSsoEnabled"], ["In from AD - Pilot"], ["HR", "GenericSql"]):
        noted(notes, *words)
    assert not any("DeviceWriteBack" in note or "User Join" in note or "- AAD" in note for note in notes)


def test_azure_conf(bridgehead, tmp_path):
    source = tmp_path / "azure.conf"
    source.write_text(SAMBA)
    values, notes = migrate(bridgehead, tmp_path, source)
    [forest] = values["connect"]["forests"]
    assert forest == {
        "name": "corp.example", "domainControllers": ["dc1.corp.example"], "transport": "ldaps",
        "credentials": {"principal": "svc-read@CORP.EXAMPLE", "password": {"file": "/etc/bridgehead/corp.example.password"}},
        "organizationalUnits": {"include": ["OU=People,DC=corp,DC=example", "OU=Staff,DC=corp,DC=example",
                                            "OU=Groups,DC=corp,DC=example"]}}
    assert values["httpProxy"] == {"address": "proxy.corp.example:3128", "user": "anna",
                                   "password": {"file": "/etc/bridgehead/proxy.password"}}
    assert values["trust"] == {"roots": ["/root/ca.crt"]}
    assert values["connect"]["target"]["verifiedDomains"] == ["corp.example.com"]
    assert values["connect"]["mode"] == "staging" and "schedule" not in values["connect"]
    assert "devices" not in values["connect"]
    for words in (["azure.conf:7:", "password_ad", "was not copied"], ["azure.conf:10:", "proxy", "was not copied"],
                  ["do_delete"], ["hash_synchronization"], ["sourceanchorattr", "made anew"], ["dry_run", "connect preview"],
                  ["my_own_token", "left out"], ["basedn_user", "users and groups alike"]):
        noted(notes, *words)
    assert not any("sync_device" in note for note in notes), "what is off needs no counterpart"


# Each one changes [common]: the new lines, then what the result says about the forest.
SAMBA_VARIANTS = [
    ("azureadname = corp.example\nurl = /var/lib/samba/private/sam.ldb", "corp.example", None, "a local Samba database"),
    ("azureadname = corp.example\nbasedn = DC=ad,DC=corp,DC=example", "ad.corp.example", None, "no account is named"),
    ("url = ldap://dc7.ad.example", "ad.example", None, "no account is named"),
    ("basedn = OU=All,DC=ad,DC=example", "ad.example", ["OU=All,DC=ad,DC=example"], "no account is named"),
    ("basedn_user = OU=All,DC=ad,DC=example", "ad.example", None, "the whole domain"),
    ("azureadname = corp.example\nverify = False", "corp.example", None, "always verified"),
    ("azureadname = corp.example\nuser_ad = administrator", "corp.example", None, "is not needed"),
    ("azureadname = corp.example\nsynchronization_interval_service = soon", "corp.example", None, "no number of seconds"),
    ("azureadname = corp.example\ncustom_filter_user = (a=1)\n  (b=2)", "corp.example", None, "needs a rule"),
]


@pytest.mark.parametrize("lines,name,include,note", SAMBA_VARIANTS, ids=[v[0].split(" =")[0] + str(i) for i, v in
                                                                        enumerate(SAMBA_VARIANTS)])
def test_variants_of_azure_conf(bridgehead, tmp_path, lines, name, include, note):
    source = tmp_path / "azure.conf"
    source.write_text(f"[common]\r\n{lines}\n".replace("\n", "\r\n"))
    values, notes = migrate(bridgehead, tmp_path, source)
    [forest] = values["connect"]["forests"]
    assert forest["name"] == name
    assert forest.get("organizationalUnits", {}).get("include") == include
    noted(notes, note)


def test_settings_of_azure_conf_with_a_place_here(bridgehead, tmp_path):
    source = tmp_path / "azure.conf"
    source.write_text("[common]\nbasedn = OU=All,DC=ad,DC=example\nbasedn_computer = OU=PCs,DC=ad,DC=example\n"
                      "sync_device = True\nsynchronization_interval_service = 120\ndry_run = False\n"
                      "write_msdsconsistencyguid_if_empty = True\nuse_msdsconsistencyguid_if_exist = True\n")
    values, notes = migrate(bridgehead, tmp_path, source)
    [forest] = values["connect"]["forests"]
    assert forest["organizationalUnits"]["include"] == ["OU=All,DC=ad,DC=example", "OU=PCs,DC=ad,DC=example"]
    assert forest["writeSourceAnchors"] is True
    assert values["connect"]["devices"] is True and values["connect"]["schedule"] == {"interval": "2m"}
    assert "mode" not in values["connect"]
    noted(notes, "write_msdsconsistencyguid_if_empty", "right to write")
    for key in ("sync_device", "synchronization_interval_service", "basedn_computer", "use_msds", "dry_run"):
        assert not any(key in note for note in notes), "what has a place needs no note"


# The setting of Entra Connect, what connect says then, and words of the note.
ENTRA_VARIANTS = [
    ("TimeInterval", "00:30:00", {}, None),
    ("TimeInterval", "02:00:00", {"schedule": {"interval": "2h"}}, None),
    ("TimeInterval", "00:00:00", {}, "none that is understood"),
    ("TimeInterval", "-01:00:00", {}, "none that is understood"),
    ("JoinCriteria", "AlwaysProvision", {}, None),
    ("JoinCriteria", "Mail", {"joinUsersBy": ["mail"]}, "joinUsersBy is mail"),
    ("JoinCriteria", "ObjectSIDAndMsExchMasterAccountSID", {"joinUsersBy": ["objectSid"]}, "joinUsersBy is objectSid"),
    ("JoinCriteria", "SAMAccountNameAndMailNickname", {}, "name the attribute"),
    ("JoinCriteria", "my attribute: x", {}, "name the attribute"),
    ("AnchorAttribute", "objectGUID", {}, None), ("AnchorAttribute", "employeeID", {}, "keep the anchors"),
    ("StagingMode", "False", {}, None), ("OptionalFeature.DeviceWriteUp", "True", {"devices": True}, None),
]


@pytest.mark.parametrize("name,value,expected,note", ENTRA_VARIANTS, ids=[f"{v[0]}-{v[1]}" for v in ENTRA_VARIANTS])
def test_settings_of_entra_connect(bridgehead, tmp_path, name, value, expected, note):
    root = folder(tmp_path)
    (root / "GlobalSettings/settings.json").write_text(json.dumps({"Parameters": [{"Name": name, "Value": value}]}))
    values, notes = migrate(bridgehead, tmp_path, root)
    places = ("mode", "schedule", "joinUsersBy", "devices")
    assert {key: values["connect"][key] for key in places if key in values["connect"]} == expected
    assert "writeSourceAnchors" not in values["connect"]["forests"][0]
    if note:
        noted(notes, name, note)
    else:
        assert not any(name in n for n in notes)


# What the file holds, the line that is named (None: the file as a whole), words of the cause, words of the remedy.
FAULTS = [
    ("basedn = DC=a\n", 1, "no section above", "[common]"),
    ("[other]\nbasedn = DC=a\n", 1, "no section [common]", "azure.conf"),
    ("[common]\nbasedn\n", 2, "no '='", "key = value"),
    ("[common]\nproxy =\nproxy = x\n", 3, "a second time", "keep one"),
    ("[common]\ndo_delete = True\n", None, "tells the domain's name", "basedn = DC=corp"),
    ("[common]\nurl = ldap://dc1\n", 2, "no server by its full name", "DNS name"),
    ("[common]\nbasedn_user = DC=a,DC=example\nbasedn_group = DC=b,DC=example\n", 2, "several domains", "one file for each"),
    ("[common]\nazureadname = a.example\nproxy = http://\n", 3, "the proxy has no host", "http://host:port"),
    ('{"onpremisesDirectoryPolicy": [\n{"friendlyName": "a.example"},\n{"a": }]]', 3, "not valid JSON", "export it again"),
    ('{"a": 1}', 1, "no onpremisesDirectoryPolicy", "wizard"),
    ('{"onpremisesDirectoryPolicy": []}', 1, "names no forest", "server that synchronises"),
    ('{"onpremisesDirectoryPolicy":\n [{"a": 1}]}', 2, "no fullyQualifiedDomainName", "export it again"),
    ('{"onpremisesDirectoryPolicy": [{"friendlyName": "a.example",\n "partitionFilters": [\n{}]}]}', 3,
     "no distinguishedName", "export it again"),
    ('{"onpremisesDirectoryPolicy": [{"friendlyName": "a..example"}]}', None, "must be a DNS name", "config init"),
    ("<saved-ma-configuration/>", 1, "this is XML", "View or export"),
    ("", 1, "no section [common]", "azure.conf"),
]


@pytest.mark.parametrize("text,line,cause,remedy", FAULTS, ids=[str(i) for i in range(len(FAULTS))])
def test_a_source_that_cannot_be_used(bridgehead, tmp_path, text, line, cause, remedy):
    source, result = tmp_path / "source", tmp_path / "result.yaml"
    source.write_text(text)
    done = bridgehead.run("connect", "import-config", source, "--output", result, check=False)
    assert done.returncode == 78, done.stderr
    assert (f"{source}:{line}: " if line else f"{source}:") in done.stderr, done.stderr
    assert cause in done.stderr and remedy in done.stderr and not result.exists()


def test_a_file_is_replaced_only_by_force(bridgehead, tmp_path):
    source, result = tmp_path / "azure.conf", tmp_path / "result.yaml"
    source.write_text(SAMBA)
    result.write_text("mine")
    done = bridgehead.run("connect", "import-config", source, "--output", result, check=False)
    assert done.returncode == 1 and "is there already" in done.stderr and "--force" in done.stderr
    assert result.read_text() == "mine"
    bridgehead.run("connect", "import-config", source, "--output", result, "--force")
    assert "version: 1" in result.read_text()


def test_a_source_that_is_not_there(bridgehead, tmp_path):
    done = bridgehead.run("connect", "import-config", tmp_path / "none", check=False)
    assert done.returncode == 78 and "no such file" in done.stderr and "remedy:" in done.stderr
    (tmp_path / "empty").mkdir()
    done = bridgehead.run("connect", "import-config", tmp_path / "empty", check=False)
    assert done.returncode == 78 and "Connectors" in done.stderr
