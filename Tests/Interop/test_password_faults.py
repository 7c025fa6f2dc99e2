# SPDX-License-Identifier: Apache-2.0
"""Password hash synchronisation when something fails: controllers that die or are restored, rights that are missing, ciphers
and clocks that do not fit, peers that lie. Nothing is lost, nothing is sent twice, nothing older replaces what is newer."""
import contextlib
import json
import os
import random
import select
import shutil
import socket
import subprocess

import ldap3
import pytest

from environment import PRODUCT, wait_for
from network import Relay, end_session, redirected
from passwords import PasswordSite, anchor, attempt, held, set_password, status, sync

LAB = ["--users", 60, "--groups", 5, "--dcs", 2]
RELAY = "127.0.10.200"
SEED = os.environ.get("BRIDGEHEAD_FAULT_SEED", "1")
# Passes with changed answers; Scripts/verify asks for more.
MUTATIONS = int(os.environ.get("BRIDGEHEAD_FAULT_MUTATIONS", "8"))
# MiB; a pass over so small a forest takes a fraction.
MEMORY = 200
# A controller's database, of all that is private to it.
DATABASE = ("sam.ldb", "sam.ldb.d")
# MS-ADTS 5.1.3.2.1: control access rights on the naming context.
GET_CHANGES, GET_CHANGES_ALL = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = PasswordSite(tmp_path_factory.mktemp("faults"), *LAB)
    yield site
    site.close()


@pytest.fixture
def controllers(site):
    """Both alive at the start of each test, whatever the one before did, and of one mind."""
    up(site)
    return site.forest["controllers"]


@pytest.fixture
def connect(site, controllers, tmp_path):
    """A Connect of its own, that knows the users and has read no password."""
    return site.connect(tmp_path.name)


def use(connect, *controllers):
    connect.set("connect.forests.0.domainControllers", [c["host"] for c in controllers])


def leader(site, controller):
    """The first process of a controller's session; None when it is dead."""
    answer = site.product.run("lab", "status", "--dir", site.lab.directory, "--json", check=False)
    return next(s for s in json.loads(answer.stdout)["servers"] if s["name"] == controller["host"]).get("pid")


def end(site, controller):
    """A power cut: returns how many processes there were, once none is left."""
    first = leader(site, controller)
    ended = end_session(first)
    wait_for(lambda: not alive(first), "the controller is dead", 20)
    return ended


def alive(session):
    """Processes of a session that are more than an entry in the table, which nobody may have looked at yet."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getsid(int(pid)) == session:
                with open(f"/proc/{pid}/stat") as file:
                    found += [pid] if file.read().rsplit(")", 1)[1].split()[0] not in "ZX" else []
    return found


def up(site):
    site.product.run("lab", "up", "--dir", site.lab.directory, *LAB)


def samba(site, controller, *arguments, check=True):
    directory = site.lab.directory / "dc" / controller["host"]
    done = subprocess.run(["samba-tool", *arguments, f"--configfile={directory}/etc/smb.conf"],
                          capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def known(connect):
    """Those whose password Connect has read: the others wait for it."""
    return [name for name, (_, version) in held(connect).items() if version is not None]


def replicate(site, source, target):
    """Has one controller take from the other what it lacks."""
    site.lab.samba_tool(target, "drs", "replicate", target["address"], source["netbios"], site.forest["baseDN"])


def assert_whole(site, connect):
    """Every synchronised user's password is at the tenant, in the version that Connect knows."""
    people = site.people(site.lab.administrator(1))
    kept, known = site.versions(), held(connect)
    assert len(people) == len(known) > 40
    for person in people:
        state, version = known[person["dn"]]
        assert state == "sent" and kept[anchor(person)][:2] == (version, 1), (person["dn"], state, version)


def assert_sent_once(site):
    """The tenant took each version of each password once."""
    written = site.written()
    assert len(written) == len(set(written)), [entry for entry in written if written.count(entry) > 1]


def test_a_controller_that_dies_in_mid_replication(site, controllers, connect):
    """Killed with a part of the answer under way: the pass says so, and the next one reads the other controller."""
    first, second = controllers
    use(connect, first)
    sync(connect)
    port = next(f["port"] for f in connect.status()["flows"] if f["row"] == "connect-ad/rpc-dynamic")
    another = site.connect("another")
    use(another, first, second)
    killed = []
    with Relay(RELAY, 3900, (first["address"], port), after=6000,
               cut=lambda: killed.append(end(site, first))) as relay:
        with redirected(first["address"], port, relay):
            done = attempt(another)
    assert killed and killed[0] > 5 and relay.passed >= 6000
    assert done.returncode == 1 and "remedy:" in done.stderr and first["host"] in done.stderr, done.stderr
    report = sync(another)
    assert report["errors"] == [] and report["due"] == 0
    assert status(another)["domains"][0]["server"] == second["host"]
    # What the other Connect had sent before is there already: the same versions are not written again.
    assert_whole(site, another)
    assert_sent_once(site)


def test_the_other_controller_tells_only_what_is_new(site, controllers, connect):
    """The watermark of one controller means nothing to the other; what is known of all of them does."""
    first, second = controllers
    use(connect, first)
    everybody = sync(connect)["read"]
    assert everybody > 40
    replicate(site, second, first)
    sync(connect)
    admin = site.lab.administrator(1)
    people = site.people(admin)
    for person in people[:2]:
        set_password(admin, person["dn"], "Second-Controller-1!")
    end(site, first)
    use(connect, first, second)
    report = sync(connect)
    assert status(connect)["domains"][0]["server"] == second["host"]
    assert report["sent"] == 2, report
    assert report["read"] < everybody / 2, (report, everybody)
    assert_whole(site, connect)
    assert_sent_once(site)


def test_a_restored_controller_is_read_safely(site, controllers, connect):
    """Its database is an older one under a new invocation identifier: what it has forgotten stays at the tenant, what is
    new is sent, and nobody's password becomes an older one."""
    first, second = controllers
    use(connect, second)
    sync(connect)
    admin = site.lab.administrator(1)
    lost, kept, *_ = site.people(admin)
    private = site.lab.directory / "dc" / second["host"] / "private"
    copy = site.directory / "backup"
    copy.mkdir()

    end(site, second)
    for file in DATABASE:
        (shutil.copytree if (private / file).is_dir() else shutil.copy2)(private / file, copy / file)
    up(site)
    # What the other controller has learnt is kept from the one that is restored, as if it were alone.
    with mute(site, first):
        set_password(site.lab.administrator(1), lost["dn"], "Before-The-Restore-1!")
        assert sync(connect)["sent"] == 1
        before = site.versions()
        end(site, second)
        restore(site, second, copy)
        up(site)
        report = sync(connect)
        assert report["errors"] == [] and report["sent"] == 0, report
        assert site.versions() == before
        admin = site.lab.administrator(1)
        set_password(admin, kept["dn"], "After-The-Restore-1!")
        assert sync(connect)["sent"] == 1
        after = site.versions()
        assert after[anchor(kept)][0] == before[anchor(kept)][0] + 1
        assert after[anchor(lost)] == before[anchor(lost)]
        # The same number as the lost write had, but a later one.
        set_password(admin, lost["dn"], "After-The-Restore-2!")
        assert sync(connect)["sent"] == 1
        assert site.versions()[anchor(lost)][0] == before[anchor(lost)][0]
    assert [d["server"] for d in status(connect)["domains"]] == [second["host"]]


RESTORE = """
import ldb, sys, uuid
from samba.auth import system_session
from samba.ndr import ndr_pack
from samba.dcerpc import misc
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1] + "/etc/smb.conf")
db = SamDB(url=sys.argv[1] + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
change = ldb.Message(ldb.Dn(db, db.get_dsServiceName()))
identifier = ndr_pack(misc.GUID(str(uuid.uuid4())))
change["invocationId"] = ldb.MessageElement(identifier, ldb.FLAG_MOD_REPLACE, "invocationId")
db.modify(change, controls=["relax:0", "provision:0"])
"""


def restore(site, controller, copy):
    """Puts a copy of the database in place of the present one, with a new identifier, as a restore does
    (MS-DRSR 5.39 DSA_RPC_INST, `invocationId`)."""
    directory = site.lab.directory / "dc" / controller["host"]
    for file in DATABASE:
        target = directory / "private" / file
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        (shutil.copytree if (copy / file).is_dir() else shutil.copy2)(copy / file, target)
    done = subprocess.run(["/usr/bin/python3", "-c", RESTORE, str(directory)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def mute(site, controller):
    """A controller that tells others nothing (MS-ADTS 6.1.1.2.2.1.2.1.1, DISABLE_OUTBOUND_REPL)."""
    admin = site.lab.administrator(site.forest["controllers"].index(controller))
    admin.search(f"CN=Sites,CN=Configuration,{site.forest['baseDN']}", "(objectClass=nTDSDSA)", attributes=["options"])
    settings = next(e for e in admin.response if f",CN={controller['netbios']},".lower() in e["dn"].lower())
    before = int((settings["raw_attributes"]["options"] or [b"0"])[0])
    admin.modify(settings["dn"], {"options": [(ldap3.MODIFY_REPLACE, [str(before | 2)])]})
    try:
        yield
    finally:
        site.lab.administrator(site.forest["controllers"].index(controller)).modify(
            settings["dn"], {"options": [(ldap3.MODIFY_REPLACE, [str(before)])]})


@pytest.fixture(scope="module")
def accounts(site, tmp_path_factory):
    """One account for each set of rights."""
    up(site)
    made, secret = {}, "Right-Or-Wrong-1!"
    file = tmp_path_factory.mktemp("rights") / "password"
    file.write_text(secret)
    file.chmod(0o600)
    admin = site.lab.administrator()
    for name, rights in {"none": [], "changes": [GET_CHANGES], "all": [GET_CHANGES_ALL],
                         "both": [GET_CHANGES, GET_CHANGES_ALL]}.items():
        account, base = f"rights-{name}", site.forest["baseDN"]
        dn = f"CN={account},CN=Users,{base}"
        admin.add(dn, ["user"], {"sAMAccountName": account, "userPrincipalName": f"{account}@{site.forest['name']}"})
        set_password(admin, dn, secret)
        admin.modify(dn, {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["66048"])]})
        admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["objectSid"])
        sid = ldap3.protocol.formatters.formatters.format_sid(admin.response[0]["raw_attributes"]["objectSid"][0])
        for right in rights:
            directory = site.lab.directory / "dc" / site.forest["controllers"][0]["host"]
            samba(site, site.forest["controllers"][0], "dsacl", "set", f"--objectdn={base}", f"--sddl=(OA;;CR;{right};;{sid})",
                  "-H", str(directory / "private" / "sam.ldb"))
        made[name] = {"principal": f"{account}@{site.forest['realm']}", "passwordFile": str(file)}
    return made


@pytest.mark.parametrize("rights", ["none", "changes", "all"])
def test_each_missing_right_is_told(site, controllers, accounts, connect, rights):
    use(connect, controllers[0])
    site.use_account(connect, accounts[rights])
    done = attempt(connect)
    assert done.returncode == 1 and "8453" in done.stderr, done.stderr
    assert "Replicating Directory Changes" in done.stderr and "remedy:" in done.stderr, done.stderr
    assert status(connect)["domains"] == [] and not known(connect)


def test_both_rights_are_enough(site, controllers, accounts, connect):
    use(connect, controllers[0])
    site.use_account(connect, accounts["both"])
    report = sync(connect)
    assert report["read"] > 40 and report["errors"] == [] and report["due"] == 0
    assert_whole(site, connect)


def has_ticket(site, cache, kind):
    """Whether the controller gives out a ticket for its own directory service under a session key of that kind."""
    account, host = site.forest["passwordAccount"], site.forest["controllers"][0]["host"]
    environment = {"KRB5CCNAME": f"FILE:{cache}-{kind}"}
    site.lab.execute("kinit", "-k", "-t", account["keytabFile"], account["principal"], environment=environment)
    done = site.lab.execute("kvno", "-e", kind, f"ldap/{host}", environment=environment, check=False)
    return done.returncode == 0


def test_a_domain_without_rc4(site, controllers, connect, tmp_path):
    """Kerberos knows AES alone: the hashes' own layer of RC4 lies inside that and needs no ticket."""
    first = controllers[0]
    use(connect, first)
    assert has_ticket(site, tmp_path / "before", "rc4-hmac")
    original = (site.lab.directory / "dc" / first["host"] / "etc" / "smb.conf").read_text()
    strict = tmp_path / "smb.conf"
    strict.write_text(original.replace("[global]\n", "[global]\n\tkdc supported enctypes = aes128-cts aes256-cts\n", 1))
    end(site, first)
    # The lab writes a controller's file whenever it starts one: this one is started beside it.
    process = site.product.start("lab", "exec", "--dir", site.lab.directory, "--", "samba", "--foreground", "-s", strict,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: answers(site), "the controller answers")
        assert not has_ticket(site, tmp_path / "after", "rc4-hmac")
        assert has_ticket(site, tmp_path / "after", "aes256-cts")
        assert sync(connect)["errors"] == []
        flow = next(f for f in connect.status()["flows"] if f["row"] == "connect-ad/rpc-dynamic")
        assert "aes" in flow["protection"] and flow["address"] == first["address"], flow
        assert_whole(site, connect)
    finally:
        end_session(process.pid)
        process.wait(30)
        wait_for(lambda: not alive(process.pid), "the controller is dead", 20)


def answers(site):
    with contextlib.suppress(ldap3.core.exceptions.LDAPException):
        return site.lab.administrator()


@pytest.mark.parametrize("minutes", [-20, 20])
def test_clocks_that_differ(site, controllers, connect, minutes):
    use(connect, controllers[0])
    done = subprocess.run(
        ["faketime", "-f", f"{minutes:+}m", PRODUCT, "connect", "passwords", "sync", "--config", connect.configuration],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "clock" in done.stderr and "remedy:" in done.stderr, done.stderr
    assert f"{abs(minutes)} min {'behind' if minutes < 0 else 'ahead of'}" in done.stderr, done.stderr
    assert not known(connect)
    assert sync(connect)["errors"] == []


class Liar(Relay):
    """Changes some bytes of what the controller answers, on each connection from another answer on."""

    def __init__(self, *arguments, seed):
        self.seed, self.changed = seed, 0
        super().__init__(*arguments)

    def serve(self, raw):
        begins, chance = self.accepted % 4, random.Random(f"{self.seed}/{self.accepted}")
        with socket.create_connection(self.target, source_address=(self.address, 0), timeout=20) as onward:
            answers = 0
            while True:
                # Where a changed length has both sides wait for each other, the liar hangs up.
                ready = select.select([raw, onward], [], [], 2)[0]
                if not ready:
                    return
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is onward:
                        answers += 1
                        data = self._change(data, chance) if answers > begins else data
                    (onward if source is raw else raw).sendall(data)

    def _change(self, data, chance):
        self.changed += 1
        out = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            out[chance.randrange(len(out))] = chance.randrange(256)
        if chance.random() < 0.2:
            del out[chance.randrange(1, len(out) + 1):]
        return bytes(out)


class Pass:
    """One pass in the background, with what it said and its peak in MiB."""

    def __init__(self, connect, output):
        self.output = open(output, "w+")
        self.process = connect.product.start(
            "connect", "passwords", "sync", "--config", connect.configuration, stdout=self.output, stderr=self.output)

    def end(self):
        _, state, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(state)
        with self.output:
            self.output.seek(0)
            return self.process.returncode, self.output.read(), usage.ru_maxrss / 1024


def test_changed_answers(site, controllers, connect, tmp_path):
    """Of one controller's endpoint mapper, of the other one's handshake and sealed pages: an error in words, no crash, no
    wrong password. The passes wait for what never comes at the same time."""
    first, second = controllers
    use(connect, first)
    scout = site.connect(f"{tmp_path.name}-scout")
    use(scout, first)
    sync(scout)
    port = next(f["port"] for f in scout.status()["flows"] if f["row"] == "connect-ad/rpc-dynamic")
    before, passes = site.versions(), []
    with Liar(RELAY, 3910, (second["address"], 135), seed=SEED) as mapper, \
            redirected(second["address"], 135, mapper), \
            Liar(RELAY, 3911, (first["address"], port), seed=SEED) as pages, redirected(first["address"], port, pages):
        for number in range(MUTATIONS):
            # Each knows the users and has read no password: whatever is believed is sent.
            victim = site.connect(f"{tmp_path.name}-{number}", full=False)
            for file in connect.directory.glob("connect.sqlite*"):
                shutil.copy(file, victim.directory)
            use(victim, second if number % 4 == 0 else first)
            passes.append(Pass(victim, tmp_path / f"output-{number}"))
        ends = [each.end() for each in passes]
        assert mapper.changed and pages.changed
    for number, (code, text, peak) in enumerate(ends):
        assert peak < MEMORY, (SEED, number, peak)
        assert code in ((0, 1, 4) if number % 4 == 0 else (1, 4)), (SEED, number, code, text)
        assert code == 0 or "remedy:" in text, (SEED, number, text)
    assert site.versions() == before
