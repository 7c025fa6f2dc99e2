# SPDX-License-Identifier: Apache-2.0
"""The Sync API as a target that throttles, loses answers and sends its clients elsewhere, and a Connect that is killed in
mid-export: in the end everything is there, made once, and nothing is read more often than it has to be."""
import contextlib
import pathlib
import signal
import sqlite3

import pytest
from cryptography import x509

from comparison import assert_created_once, compare
from environment import Connect, Tenant
from faulty_proxy import BEHIND, FaultyProxy, answers, forward, reset_after, reset_before, too_slow, truncated
from pki import Authority
from sync_client import encode, register

PROVISION, READING = "ProvisionAzureADSyncObjects2", "ReadBackAzureADSyncObjects2"
CLOUD = "microsoftonline.com"


@pytest.fixture
def behind(small, tmp_path):
    tenant = Tenant(small, tmp_path / "tenant", port=BEHIND)
    yield tenant
    tenant.stop()


@pytest.fixture
def connect(small, behind, tmp_path):
    """Connect before its first run, with the Sync API alone as its target."""
    with FaultyProxy(small, behind, lambda *_: None):
        client, certificate, key = register(behind, tmp_path, "connect")
    connect = Connect(small, behind, tmp_path / "connect")
    target = connect.values["connect"].pop("target")
    connect.values["connect"]["targets"] = [{
        "name": "sync", "kind": "sync-api", "url": f"https://{behind.name}/provisioningservice.svc", "requestTimeout": "2s",
        "signIn": {"authority": f"https://{behind.name}/{behind.initial_domain}", "clientID": client,
                   "certificate": str(certificate), "key": str(key)},
        **{name: target[name] for name in ("verifiedDomains", "initialDomain")}}]
    connect.write()
    return connect


def provisions(request):
    return request.action == PROVISION


def end_quarantine(connect):
    """As if the time had passed after which refused objects are tried again."""
    with contextlib.closing(sqlite3.connect(connect.values["connect"]["database"])) as database, database:
        database.execute("UPDATE quarantine SET next_try = 0")


def soap_fault(reason="", detail=""):
    return encode(f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>
      <s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>{reason}</s:Text></s:Reason><s:Detail>{detail}</s:Detail>
      </s:Fault></s:Body></s:Envelope>""")


def says(status, body, *headers):
    def act(proxy, client, request):
        lines = [f"HTTP/1.1 {status} x", "Content-Type: application/soap+msbin1", *headers, f"Content-Length: {len(body)}"]
        client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return act


FAULTS = {
    "429 with Retry-After": answers(429, Retry_After=1), "busy": says(500, soap_fault("The server is too busy.")),
    "reset before": reset_before, "reset after": reset_after, "too slow": too_slow, "truncated": truncated,
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_kind_of_fault(small, behind, connect, name):
    """The first and the third batch meet the fault."""
    met, runs = [], []

    def fault(number, request):
        if number in (1, 3):
            met.append(number)
            return FAULTS[name]
        return None

    with FaultyProxy(small, behind, fault, provisions) as proxy:
        for _ in range(4):
            runs.append(connect.sync(check=False))
            if runs[-1].returncode == 0 and connect.status()["pending"] == []:
                break
            assert runs[-1].returncode == 4 or "remedy:" in runs[-1].stderr, runs[-1].stderr
            end_quarantine(connect)
        assert runs[-1].returncode == 0, [run.stderr for run in runs]
        compare(small, behind)
        assert_created_once(behind)
        # What was unanswered is looked up in one reading, however much it was.
        assert proxy.actions.count(READING) <= 1 + 2 * len(runs)
    assert met, "no request met the fault"


@pytest.mark.parametrize("is_done", [False, True], ids=["before it was done", "after it was done"])
def test_a_kill_in_mid_export(small, behind, connect, is_done):
    processes = []

    def fault(number, request):
        return kill if number == 2 else None

    def kill(proxy, client, request):
        if is_done:
            proxy.ask(request)
        processes[0].send_signal(signal.SIGKILL)
        return False

    with FaultyProxy(small, behind, fault, provisions):
        processes.append(connect.product.start("connect", "sync", "--config", connect.configuration))
        assert processes[0].wait(60) == -signal.SIGKILL
    with FaultyProxy(small, behind, lambda *_: None) as proxy:
        connect.sync()
        # One to find out what arrived, one because the target was never read before.
        assert proxy.actions.count(READING) <= 2
        proxy.actions.clear()
        report = connect.report("--full")
        assert report["requests"] == 0 and proxy.actions.count(READING) == 1, "one reading for all types of object"
    compare(small, behind)
    assert_created_once(behind)


def elsewhere(host, how):
    """Both ways of sending a client elsewhere: .NET's fault, and HTTP's own."""
    url = f"https://{host}.{CLOUD}/provisioningservice.svc"
    if how == "fault":
        return says(500, soap_fault("go", f"<BindingRedirectionFault><Url>{url}</Url></BindingRedirectionFault>"))
    return says(307, b"", f"Location: {url}")


@pytest.fixture(scope="module")
def cloud(small, tmp_path_factory):
    """Names below Microsoft's domain in the forest's own DNS, and a certificate for them of the lab's authority."""
    own = x509.load_pem_x509_certificate(pathlib.Path(small.forest["tenant"]["certificateChainFile"]).read_bytes())
    points = own.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    lists = [name.value for point in points for name in point.full_name]
    controller = small.forest["controllers"][0]["address"]
    password = pathlib.Path(small.forest["administrator"]["passwordFile"]).read_text().strip()
    signed = ["-U", f"Administrator%{password}"]
    small.execute("samba-tool", "dns", "zonecreate", controller, CLOUD, *signed)
    names = {"adminwebservice": "127.99.0.1", "relay": "127.99.0.2", "other": "127.99.0.3"}
    for name, address in names.items():
        small.execute("samba-tool", "dns", "add", controller, CLOUD, name, "A", address, *signed)
    chain, key, _ = Authority.of(small).issue(
        tmp_path_factory.mktemp("cloud"), *[f"{name}.{CLOUD}" for name in names], crl=lists)
    return names, (chain, key)


@pytest.mark.parametrize("how", ["fault", "location"])
def test_a_redirect_is_followed_to_its_end(small, behind, connect, cloud, how):
    names, certificate = cloud
    connect.set("connect.targets.0.url", f"https://adminwebservice.{CLOUD}/provisioningservice.svc")

    def front(name, action):
        return FaultyProxy(small, behind, lambda *_: action, lambda request: bool(request.action), names[name], certificate)

    own = FaultyProxy(small, behind, lambda *_: None)
    with own, front("adminwebservice", elsewhere("relay", how)) as first, front("relay", elsewhere("other", how)) as second, \
            front("other", forward) as last:
        connect.sync()
        # Once for each run, and then where the service is.
        assert len(first.actions) == len(second.actions) == 1 and len(last.actions) > 3, (
            first.actions, second.actions, last.actions)
        assert own.actions == []
        connect.sync()
        assert len(first.actions) == len(second.actions) == 2
    compare(small, behind)
    assert_created_once(behind)


def test_redirects_that_do_not_end(small, behind, connect, cloud):
    names, certificate = cloud
    connect.set("connect.targets.0.url", f"https://adminwebservice.{CLOUD}/provisioningservice.svc")
    around = lambda *_: elsewhere("adminwebservice", "fault")  # noqa: E731
    with FaultyProxy(small, behind, lambda *_: None), FaultyProxy(
            small, behind, around, lambda request: bool(request.action), names["adminwebservice"], certificate) as front:
        done = connect.sync(check=False)
        assert done.returncode != 0 and "elsewhere" not in done.stdout and "remedy:" in done.stderr, done.stderr
        assert len(front.actions) == 4, "three redirects are followed"
