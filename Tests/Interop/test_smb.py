# SPDX-License-Identifier: Apache-2.0
"""The check of SMB against Samba, beside smbclient and rpcclient: both must see the same server."""
import contextlib
import json
import os
import pathlib
import re

import pytest

LAB = ["--users", 50, "--groups", 5]
# Samba's names of the dialects, and ours.
DIALECTS = {"SMB2_10": "SMB 2.1", "SMB3_00": "SMB 3.0", "SMB3_02": "SMB 3.0.2", "SMB3_11": "SMB 3.1.1"}


def controller(lab):
    return lab.forest["controllers"][0]


@pytest.fixture
def pinned(lab):
    """Gives smb.conf further lines for a while; each new connection reads a file whose time changed."""
    path = pathlib.Path(lab.description["directory"]) / "dc" / controller(lab)["host"] / "etc" / "smb.conf"
    original, times = path.read_text(), iter(range(1_100_000_000, 1_200_000_000, 10))

    @contextlib.contextmanager
    def pin(*lines):
        before = path.stat()
        path.write_text(original.replace("[global]\n", "[global]\n" + "".join(f"\t{line}\n" for line in lines), 1))
        moment = next(times)
        os.utime(path, (moment, moment))
        try:
            yield
        finally:
            path.write_text(original)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return pin


def check(lab, *options, status=0):
    host = controller(lab)["host"]
    done = lab.product.run(
        "ports", "check", "--to", host, "--row", "connect-ad/smb", "--dns", controller(lab)["address"], "--output", "json",
        *options, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert [f["row"] for f in findings] == ["connect-ad/smb"]
    return findings[0]


def note(finding):
    """What the server chose, in the words of the finding."""
    return next(o["note"]["_0"] for o in finding["observations"] if "note" in o)


def smbclient(lab, *options):
    """Connects IPC$ as the administrator, by NTLM, and tells what was negotiated."""
    done = lab.samba(
        "smbclient", "--debug-stdout", "-d", "4", "--command=exit", f"//{controller(lab)['address']}/IPC$", *options)
    found = re.search(r"negotiated dialect\[(\w+)\]", done.stdout + done.stderr)
    return done.returncode, found and found[1]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_both_see_the_same_dialect(lab, pinned, dialect):
    with pinned(f"server min protocol = {dialect}", f"server max protocol = {dialect}"):
        finding = check(lab)
        assert finding["verdict"] == "works" and finding["depth"]["reached"] == "service", finding
        assert note(finding).startswith(DIALECTS[dialect] + ", signing "), finding
        assert note(finding).endswith("signing required"), finding
        assert smbclient(lab) == (0, dialect)


def test_signs_in_and_opens_the_pipe(lab):
    account = lab.forest["plainAccount"]
    finding = check(lab, "--credentials", account["principal"], "--password-file", account["passwordFile"])
    assert finding["verdict"] == "works" and finding["depth"] == {"reached": "operation", "required": "operation"}, finding
    sign_in = next(p for p in finding["evidence"] if p["name"] == "authenticate" and "signed in" in p.get("received", ""))
    assert "signed in: SMB 3.1.1, signing AES-GMAC, encryption AES-" in sign_in["received"]
    # The pipe that was opened is the one through which rpcclient reads the domain.
    done = lab.samba("rpcclient", controller(lab)["address"], "-c", "lookupnames Administrator")
    assert f"{lab.forest['domainSID']}-500" in done.stdout, done.stdout + done.stderr


def test_a_server_of_smb_1(lab, pinned):
    with pinned("server min protocol = NT1", "server max protocol = NT1"):
        finding = check(lab, status=1)
        assert (finding["verdict"], finding["diagnosis"]) == ("broken", "smb1-only"), finding
        # smbclient wants nothing older than SMB 2 either.
        assert smbclient(lab)[0] != 0


def test_a_refused_sign_in_blames_the_credentials(lab, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("Not-The-Passw0rd!")
    secret.chmod(0o600)
    finding = check(
        lab, "--credentials", lab.forest["plainAccount"]["principal"], "--password-file", secret, status=1)
    assert (finding["verdict"], finding["diagnosis"]) == ("broken", "authentication-refused"), finding
    assert finding["depth"]["reached"] == "service"
    assert "Not-The-Passw0rd!" not in str(finding)
