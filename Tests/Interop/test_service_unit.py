# SPDX-License-Identifier: Apache-2.0
"""The unit of docs/operations/service.md, run by a real systemd with all the hardening that it asks for."""
import json
import pathlib

import ldap3
import pytest

from comparison import assert_created_once, compare, users_of
from environment import PRODUCT, wait_for
from service_manager import ServiceManager

LAB = ["--users", 40, "--groups", 4]
UNIT = "bridgehead-connect.service"

# Users of a namespace that an ordinary user made are all that user.
pytestmark = pytest.mark.skipif(
    int(pathlib.Path("/proc/self/uid_map").read_text().split()[2]) < 65_536, reason="a service manager needs root")


@pytest.fixture
def manager(lab, new_tenant, new_connect, tmp_path):
    """Everything that the service needs is where the guide puts it."""
    configuration = tmp_path / "bridgehead.yaml"
    new_connect.set("connect.database", "/var/lib/bridgehead/connect.sqlite", write=False)
    new_connect.set("trust.revocationCache", "/var/lib/bridgehead/crl", write=False)
    new_connect.set("trust.roots", ["/etc/bridgehead/root.pem"], write=False)
    new_connect.set("connect.forests.0.credentials.keytab", "/etc/bridgehead/connect.keytab", write=False)
    new_connect.set("connect.target.token", {"credential": "scim.token"}, write=False)
    configuration.write_text(json.dumps(new_connect.values))
    account = lab.forest["serviceAccount"]
    manager = ServiceManager(tmp_path, PRODUCT, "bridgehead", {
        "bridgehead.yaml": (configuration, None), "root.pem": (lab.authority, None),
        "scim.token": (new_tenant.token_file, "root"), "connect.keytab": (account["keytabFile"], "bridgehead")})
    yield manager
    manager.stop()


def process_of(manager):
    number = manager.show(UNIT, "MainPID")["MainPID"]
    text = manager.run("cat", f"/proc/{number}/status").stdout
    return number, dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_the_service_does_its_work_with_everything_taken_from_it(lab, new_tenant, manager):
    manager.run("systemctl", "start", UNIT)
    admin = lab.administrator()
    count = len(users_of(lab, admin))

    def synchronised():
        state = manager.show(UNIT, "ActiveState", "NRestarts", "Result")
        assert state == {"ActiveState": "active", "NRestarts": "0", "Result": "success"}, (state, manager.said())
        return new_tenant.request("GET", "/Users?count=1")[1]["totalResults"] == count

    wait_for(synchronised, "everybody is in the tenant", 120)
    person = users_of(lab, admin)[0]
    admin.modify(person["dn"], {"title": [(ldap3.MODIFY_REPLACE, ["Under guard"])]})
    wait_for(lambda: synchronised() and "Under guard" in str(new_tenant.list("Users")), "a change arrives", 60)

    number, status = process_of(manager)
    assert status["Uid"].split() == ["990"] * 4 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    mounts = {line.split()[4]: line.split()[5].split(",")
              for line in manager.run("cat", f"/proc/{number}/mountinfo").stdout.splitlines()}
    assert "ro" in mounts["/"] and "rw" in mounts["/var/lib/bridgehead"]
    # What it keeps is nobody else's to read, and no secret is on its command line or in its environment.
    modes = manager.run("find", "/var/lib/bridgehead/", "-printf", "%m %u %y %p\n").stdout.splitlines()
    assert len(modes) > 2 and all(mode.split()[0] in ("700", "600") and mode.split()[1] == "bridgehead" for mode in modes), modes
    shown = manager.run("cat", f"/proc/{number}/cmdline", f"/proc/{number}/environ").stdout
    assert new_tenant.token not in shown

    manager.run("systemctl", "stop", UNIT)
    ended = manager.show(UNIT, "Result", "ExecMainStatus", "ActiveState")
    assert ended == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}, ended
    compare(lab, new_tenant)
    assert_created_once(new_tenant)
