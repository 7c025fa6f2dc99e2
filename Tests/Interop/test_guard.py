# SPDX-License-Identifier: Apache-2.0
"""The guard: too many deletions stop an export before its first request, until that very difference is approved."""
import json

from comparison import users_of
from environment import Connect, Lab, Tenant


def test_a_mass_deletion_has_its_own_exit_code(tmp_path, tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"), "--users", 50, "--groups", 5)
    tenant = Tenant(lab, tmp_path / "tenant")
    try:
        connect = Connect(lab, tenant, tmp_path / "connect")
        connect.sync()
        admin = lab.administrator()
        for user in users_of(lab, admin)[:8]:
            admin.delete(user["dn"])
        done = connect.sync(check=False)
        assert done.returncode == 3, done.stderr
        assert len(tenant.list("Users")) == 50
        assert "connect approve" in done.stderr

        shown = connect.command("approve", "--json", check=False)
        assert shown.returncode == 3, shown.stderr
        [standing] = json.loads(shown.stdout)
        assert len(standing["deletions"]) == 8 and not any(d["isLeavingScope"] for d in standing["deletions"])
        fingerprint = standing["finding"]["fingerprint"]
        # Without a terminal it names the objects and asks nothing.
        text = connect.command("approve", check=False)
        assert text.returncode == 3 and all(d["name"] in text.stdout for d in standing["deletions"])
        assert fingerprint in text.stdout
        assert connect.command("approve", "0" * len(fingerprint), check=False).returncode == 1
        assert connect.sync(check=False).returncode == 3

        connect.command("approve", fingerprint)
        connect.sync()
        assert connect.command("approve").stdout == "Nothing stands before the guard.\n"
        assert len(tenant.list("Users")) == 42
    finally:
        tenant.stop()
        lab.down()
