# SPDX-License-Identifier: Apache-2.0
"""Every system call by which a run changes the world is a place where it can end. Each is counted in an undisturbed run;
then runs are killed at chosen ones, without a hook in the product, and the next run must end in the same state.

BRIDGEHEAD_KILL_POINTS says how many of each cycle are tried, or `all`; BRIDGEHEAD_KILL_SHARE, as `1/2`, which share of them.
"""
import json
import os
import shutil
import signal


from comparison import assert_created_once, compare
from crashes import Changes, assert_same, choose, conclude, content, count_calls, kill_at, sweep
from environment import Connect

LAB = ["--users", 40, "--groups", 4]
WANTED = os.environ.get("BRIDGEHEAD_KILL_POINTS", "12")
SAMPLE = None if WANTED == "all" else int(WANTED)
SHARE = tuple(map(int, os.environ.get("BRIDGEHEAD_KILL_SHARE", "1/1").split("/")))


def test_a_full_cycle(capsys, lab, new_tenant, new_connect, tmp_path):
    pristine, trace = tmp_path / "pristine.sqlite", tmp_path / "trace"
    database = new_tenant.directory / "tenant.sqlite"
    new_tenant.stop()
    shutil.copy(database, pristine)

    def start_over():
        new_tenant.stop()
        for file in [*new_tenant.directory.glob("tenant.sqlite*"), *new_connect.directory.glob("connect.sqlite*")]:
            file.unlink()
        shutil.rmtree(new_connect.directory / "crl", ignore_errors=True)
        shutil.copy(pristine, database)
        new_tenant.start()

    start_over()
    counts = count_calls(new_connect, trace, "--full")
    assert counts["fdatasync"][0] >= 5 and counts["pwrite64"][0] > 100 and counts["write"][0] > 20
    compare(lab, new_tenant)
    expected = content(new_connect)

    def attempt(call, number):
        start_over()
        code = kill_at(new_connect, trace, call, number, "--full")
        conclude(code, lab, new_tenant, new_connect)
        assert_same(content(new_connect), expected)
        return code

    sweep(capsys, "full cycle", counts, choose(counts, SAMPLE, SHARE), attempt)


def test_a_delta_cycle(capsys, lab, new_tenant, new_connect, tmp_path):
    trace, changes = tmp_path / "trace", Changes(lab)
    new_connect.sync("--full")
    for _ in range(2):
        changes.make()
        counts = count_calls(new_connect, trace)
    assert counts["fdatasync"][0] >= 2 and counts["pwrite64"][0] > 10 and counts["write"][0] > 10

    def attempt(call, number):
        changes.make()
        code = kill_at(new_connect, trace, call, number)
        conclude(code, lab, new_tenant, new_connect)
        return code

    sweep(capsys, "delta cycle", counts, choose(counts, SAMPLE, SHARE), attempt)
    # What all these runs have made of the store is what a store that starts now learns at once.
    another = Connect(lab, new_tenant, tmp_path / "another")
    another.sync("--full")
    assert_same(content(new_connect), content(another))
    compare(lab, new_tenant)
    assert_created_once(new_tenant)


def test_enabling_seamless_sso(capsys, lab, new_tenant, new_connect, tmp_path):
    """A rerun ends as if nothing had happened, whatever the forest, the tenant and the store had of it."""
    token, administrator = tmp_path / "sso.token", lab.forest["administrator"]
    new_tenant.product.run("tenant", "token", "create", "--config", new_tenant.configuration, "--name", "sso", "--scope",
                           "sso", "--output", token)
    options = ["--token-file", token, "--principal", administrator["principal"], "--password-file",
               administrator["passwordFile"], "--json"]

    def sso(command, *more):
        done = new_connect.product.run(
            "connect", "sso", command, "--config", new_connect.configuration, *options, *more, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    trace, enable = tmp_path / "trace", ("sso", "enable")
    # The first run makes the store as well.
    for _ in range(2):
        counts = count_calls(new_connect, trace, *options, command=enable)
        sso("disable", "--end-tickets")
    assert counts["fdatasync"][0] >= 2 and counts["write"][0] > 20

    def attempt(call, number):
        code = kill_at(new_connect, trace, call, number, *options, command=enable)
        assert code in (0, -signal.SIGKILL), code
        sso("enable")
        status = sso("status")
        assert status["warnings"] == [] and status["account"]["marker"], status
        assert len([key for key in status["keys"] if "activated" in key and "retires" not in key]) == 1, status
        sso("disable", "--end-tickets")
        return code

    # Each costs three commands.
    sweep(capsys, "enabling Seamless SSO", counts, choose(counts, SAMPLE and max(4, SAMPLE // 3), SHARE), attempt)
