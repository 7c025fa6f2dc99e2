# SPDX-License-Identifier: Apache-2.0
"""Our SCIM client against scim2-server, a service that others wrote."""
import os
import pathlib
import socket
import subprocess
import sys

import pytest

from environment import ROOT, wait_for

TOKEN = "interop-token"
PORT = 18080


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    log = (tmp_path_factory.mktemp("scim2") / "log").open("w")
    command = pathlib.Path(sys.executable).with_name("scim2-server")
    process = subprocess.Popen(
        [command, "--hostname", "127.0.0.1", "--port", str(PORT), "--bearer-token", TOKEN], stdout=log, stderr=log)
    wait_for(lambda: process.poll() is not None or accepts(PORT), "scim2-server listens", seconds=30)
    assert process.poll() is None, "scim2-server ended at once"
    yield f"http://127.0.0.1:{PORT}/v2"
    process.terminate()
    process.wait()


def test_client_passes_against_scim2_server(service):
    bundle = ROOT / ".build/debug/bridgeheadPackageTests.xctest"
    done = subprocess.run(
        [bundle, "--testing-library", "swift-testing", "--filter", "SCIMClientInterop"], capture_output=True, text=True,
        timeout=120, env={**os.environ, "BRIDGEHEAD_SCIM2_SERVER": service, "BRIDGEHEAD_SCIM2_TOKEN": TOKEN})
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    # A suite that was skipped, or filtered away, proves nothing.
    assert "Suite SCIMClientInterop passed" in output, output
    assert "skipped" not in output, output
