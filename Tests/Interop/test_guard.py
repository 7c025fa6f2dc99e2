# SPDX-License-Identifier: Apache-2.0
"""The guard: too many deletions stop an export before its first request, until that very difference is accepted."""
import re

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
        fingerprint = re.search(r"--accept-deletions (\w+)", done.stderr)[1]
        assert connect.sync("--accept-deletions", "0" * len(fingerprint), check=False).returncode == 3
        connect.sync("--accept-deletions", fingerprint)
        assert len(tenant.list("Users")) == 42
    finally:
        tenant.stop()
        lab.down()
