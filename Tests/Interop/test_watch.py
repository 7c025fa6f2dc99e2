# SPDX-License-Identifier: Apache-2.0
"""`ports watch` on a real forest: what it shows to people, to Prometheus, to programs and to a webhook, and what it
finds out over time. The pages are looked at in Chromium, with and without scripts, by keyboard, and by axe."""
import contextlib
import http.client
import http.server
import itertools
import json
import select
import signal
import socket
import threading

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from prometheus_client.parser import text_string_to_metric_families

from environment import Product, wait_for
from network import Relay, blocked

LAB = ["--users", 20, "--groups", 2]


class Hook:
    """Takes posts, but for the first ones, which it refuses."""

    def __init__(self, refusals=0):
        self.refusals, self.bodies, self.tokens = refusals, [], set()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.tokens.add(self.headers["Authorization"])
                if hook.refusals > 0:
                    hook.refusals -= 1
                    self.send_response(500)
                else:
                    hook.bodies.append(json.loads(body))
                    self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def changes(self, **wanted):
        """What was told of some flow, as (verdict before, verdict after)."""
        found = [b["change"] for b in self.bodies]
        assert all(b["version"] == 1 for b in self.bodies)
        return [((c.get("before") or {}).get("verdict"), c["finding"]["verdict"]) for c in found
                if all(c["finding"].get(key) == value for key, value in wanted.items())]


class Watch:
    """A running watch, on a port of its own. It looks for the controllers at their addresses, or at another one."""

    ports = itertools.count(9463)

    def __init__(self, lab, directory, *options, every="1s", at=None):
        self.directory, self.options, self.every, self.authority = directory, options, every, lab.authority
        self.port = next(self.ports)
        directory.mkdir(parents=True, exist_ok=True)
        forest = lab.forest
        self.topology = directory / "topology.yaml"
        self.topology.write_text(yaml.safe_dump({
            "version": 1, "name": "lab", "features": ["import", "import-tls", "seamless-sso"],
            "connect": [{"name": "sync1", "addresses": ["127.0.0.1"]}],
            "resolvers": [{"name": "dns1", "addresses": [s.rsplit(":", 1)[0] for s in forest["dnsServers"]]}],
            "forests": [{"name": forest["name"], "domains": [{"name": forest["name"], "controllers": [
                {"name": c["host"], "addresses": [at or c["address"]], "globalCatalog": True}
                for c in forest["controllers"]]}]}]}))
        self.start()

    def start(self):
        self.log = (self.directory / "watch.log").open("a+")
        self.process = Product().start(
            "ports", "watch", "-f", self.topology, "--database", self.directory / "watch.sqlite", "--listen",
            f"127.0.0.1:{self.port}", "--every", self.every, "--deadline", "5", "--root", self.authority, *self.options,
            stdout=self.log, stderr=self.log)
        wait_for(self._answers, "the watch answers and has made a check")

    def _answers(self):
        assert self.process.poll() is None, self.text
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.flows()

    @property
    def text(self):
        return (self.directory / "watch.log").read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.text
        self.log.close()

    def get(self, target, method="GET", host=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, target, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def flows(self, kind="check"):
        status, text = self.get("/api/v1/flows")
        assert status == 200
        return [f for f in json.loads(text)["flows"] if f["kind"] == kind]

    def flow(self, row, transport="tcp", kind="check"):
        return next((f for f in self.flows(kind) if f["state"]["finding"]["row"] == row
                     and f["state"]["finding"]["transport"] == transport), None)

    def verdict(self, row, transport="tcp"):
        return self.flow(row, transport)["state"]["finding"]["verdict"]


@pytest.fixture
def hook():
    hook = Hook(refusals=1)
    yield hook
    hook.server.shutdown()


@pytest.fixture
def watch(lab, tmp_path, hook):
    token = tmp_path / "hook.token"
    token.touch(0o600)
    token.write_text("hook-secret\n")
    watch = Watch(lab, tmp_path / "watch", "--webhook", hook.url, "--webhook-token-file", token, "--no-idle")
    yield watch
    watch.stop()


def test_a_change_is_shown_and_told_once(watch, hook):
    works = ("works", "works-with-remark")
    assert watch.verdict("connect-ad/ldap") in works and watch.verdict("connect-ad/kerberos", "udp") in works
    before = watch.flow("connect-ad/ldap")["state"]
    told = len(hook.bodies)
    with blocked("tcp dport 389"):
        wait_for(lambda: watch.verdict("connect-ad/ldap") == "blocked", "the block is found")
        flow = watch.flow("connect-ad/ldap")
        assert flow["state"]["finding"]["remedy"]["owner"] == "firewall-administrator"
        assert watch.verdict("connect-ad/kerberos", "udp") in works, "nobody else is blamed"
        # Several checks later it is still the same state.
        wait_for(lambda: watch.flow("connect-ad/ldap")["state"]["checks"] >= 2, "another check")
        assert watch.flow("connect-ad/ldap")["state"]["since"] == flow["state"]["since"]
    wait_for(lambda: watch.verdict("connect-ad/ldap") in works, "it works again")
    wait_for(lambda: len(hook.changes(row="connect-ad/ldap", transport="tcp")) >= 2, "both changes are told")
    count = watch.flow("connect-ad/ldap")["state"]["checks"]
    wait_for(lambda: watch.flow("connect-ad/ldap")["state"]["checks"] > count, "another check")
    [down, up] = hook.changes(row="connect-ad/ldap", transport="tcp")
    assert down == (before["finding"]["verdict"], "blocked") and up[0] == "blocked" and up[1] in works
    assert hook.tokens == {"Bearer hook-secret"} and len(hook.bodies) > told
    assert "hook-secret" not in watch.text
    lines = [line for line in watch.text.splitlines() if "a flow changed" in line and "connect-ad/ldap " in line + " "
             and "transport=tcp" in line]
    assert len(lines) == 2, watch.text
    _, page = watch.get(f"/flows/{flow['id']}")
    assert page.count(">✗ blocked<") == 1 and "States, the latest first" in page


@pytest.fixture(scope="module")
def quiet(lab, tmp_path_factory):
    """A watch of a controller behind a device that cuts off connections after three quiet seconds. It begins before the tests
    that have nothing to do with it, for it takes its time."""
    controller, device = lab.forest["controllers"][0]["address"], "127.0.10.220"
    with IdleKiller(device, 389, (controller, 389), seconds=3) as killer:
        watch = Watch(
            lab, tmp_path_factory.mktemp("quiet"), "--idle-from", "1s", "--idle-to", "8s", every="2s", at=device)
        watch.killer = killer
        yield watch
        watch.stop()


@pytest.mark.usefixtures("quiet")
def test_the_history_outlives_the_program(watch):
    before = watch.flow("connect-ad/ldap")
    watch.stop()
    assert "stopped" in watch.text
    watch.start()
    wait_for(lambda: watch.flow("connect-ad/ldap")["state"]["checks"] > before["state"]["checks"], "another check")
    after = watch.flow("connect-ad/ldap")
    assert after["id"] == before["id"] and after["state"]["since"] == before["state"]["since"]
    # Two at once would write the same history.
    other = Product().run("ports", "watch", "-f", watch.topology, "--database", watch.directory / "watch.sqlite",
                          "--listen", "127.0.0.1:0", check=False)
    assert other.returncode == 1 and "Another run is at work" in other.stderr


def samples(text):
    return {(s.name, *sorted(s.labels.items())): s.value
            for family in text_string_to_metric_families(text) for s in family.samples}


def named(found, name, **labels):
    return {key: value for key, value in found.items() if key[0] == name and labels.items() <= dict(key[1:]).items()}


def test_prometheus_reads_metrics_and_probes(lab, watch):
    _, text = watch.get("/metrics")
    found = samples(text)
    controller = lab.forest["controllers"][0]["host"]
    [works] = named(found, "bridgehead_ports_flow_works", row="connect-ad/ldap", transport="tcp", kind="check").values()
    assert works == 1
    assert named(found, "bridgehead_ports_phase_duration_seconds", row="connect-ad/ldap", phase="connect")
    [(_, *labels)] = named(found, "bridgehead_ports_flow_finding", row="connect-ad/kerberos", transport="udp")
    assert dict(labels)["verdict"].startswith("works") and dict(labels)["target"] == controller
    assert named(found, "bridgehead_watch_checks_total", outcome="succeeded"), "the program's own metrics, too"
    status, text = watch.get(f"/probe?target={controller}&row=connect-ad/ldap")
    probe = samples(text)
    assert status == 200 and probe[("probe_success",)] == 1 and probe[("probe_duration_seconds",)] > 0
    assert {dict(key[1:])["row"] for key in named(probe, "bridgehead_ports_flow_finding")} == {"connect-ad/ldap"}
    with blocked("tcp dport 636"):
        _, text = watch.get(f"/probe?target={controller}&row=connect-ad/ldaps")
        assert samples(text)[("probe_success",)] == 0
    assert watch.get("/probe?target=192.0.2.1&row=connect-ad/ldap")[0] == 404, "nobody but the topology is probed"
    assert watch.get(f"/probe?target={controller}&row=nonsense")[0] == 400


def test_only_this_machine_and_only_looking(watch, lab, tmp_path):
    assert watch.get("/", host="evil.example")[0] == 421
    for method in ("POST", "PUT", "DELETE"):
        assert watch.get("/", method)[0] == 405
    assert watch.get("/" + "a" * 4000)[0] in (400, 414)
    for garbage in (b"\x00" * 100 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 500 + b"\r\n",
                    b"GET /\xff%00<script> HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", watch.port), timeout=10) as raw, contextlib.suppress(OSError):
            raw.sendall(garbage)
            assert b"<script" not in raw.recv(65536)
    assert watch.get("/")[0] == 200, "it is none the worse for that"
    refused = Product().run(
        "ports", "watch", "-f", watch.topology, "--database", tmp_path / "other.sqlite", "--listen", "0.0.0.0:9400",
        check=False)
    assert refused.returncode == 1 and "no sign-in and no TLS" in refused.stderr and "loopback" in refused.stderr


class IdleKiller(Relay):
    """Forgets a connection that was quiet for some seconds: what comes later is swallowed, nobody is told."""

    def __init__(self, *arguments, seconds):
        self.seconds, self.forgotten = seconds, 0
        super().__init__(*arguments)

    def serve(self, raw):
        onward = socket.create_connection(self.target, source_address=(self.address, 0), timeout=20)
        with onward:
            while True:
                ready = select.select([raw, onward], [], [], self.seconds)[0]
                if not ready:
                    self.forgotten += 1
                    while raw.recv(65536):
                        pass
                    return
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (onward if source is raw else raw).sendall(data)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def troubled(lab, tmp_path_factory):
    """A watch that has something to show: works, blocked, and a change."""
    watch = Watch(lab, tmp_path_factory.mktemp("troubled"), "--no-idle")
    with blocked("tcp dport 3268"):
        wait_for(lambda: watch.verdict("connect-ad/global-catalog") == "blocked", "the block is found")
        yield watch
    watch.stop()


def test_the_pages_need_no_script_and_no_mouse(troubled, chromium):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(troubled.url + "/")
    assert page.get_by_role("heading", level=1).inner_text() == "Flows now"
    table = page.get_by_role("table", name="To on-premises AD")
    controller = troubled.flow("connect-ad/ldap")["state"]["finding"]["target"]["host"]
    assert table.get_by_role("columnheader", name=controller).count() == 1
    assert table.get_by_role("rowheader", name="connect-ad/global-catalog").count() == 1
    cell = table.get_by_role("link", name=f"tcp: blocked, connect-ad/global-catalog to {controller}")
    # By keyboard: the first stop skips the navigation, then the flow that is in trouble is opened.
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("e => e === document.activeElement") and skip.is_visible()
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if cell.evaluate("e => e === document.activeElement"):
            break
    else:
        raise AssertionError("the cell cannot be reached by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/flows/*")
    assert "connect-ad/global-catalog" in page.get_by_role("heading", level=1).inner_text()
    assert page.get_by_role("table", name="What was sent and received").count() == 1
    assert page.get_by_role("img", name="The flow over time").count() == 1
    assert "firewall administrator" in page.inner_text("main")
    page.get_by_role("link", name="Over time").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Flows over time"
    assert page.get_by_role("img").count() == len(troubled.flows())
    page.get_by_role("link", name="7 days").click()
    assert page.get_by_role("link", name="7 days").get_attribute("aria-current") == "true"
    assert failed == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(troubled, chromium, scheme):
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    flow = troubled.flow("connect-ad/global-catalog")
    for path in ("/", "/timeline", f"/flows/{flow['id']}", "/nothing"):
        page.goto(troubled.url + path)
        result = Axe().run(page)
        found = [(v["id"], [n["target"] for n in v["nodes"]]) for v in result.response["violations"]]
        assert found == [], (path, found)
        assert len(result.response["passes"]) > 10, path
    assert [e for e in errors if "Content Security Policy" in e] == []
    # On a narrow screen the page itself does not scroll sideways (WCAG 2.2 1.4.10).
    page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/", "/timeline", f"/flows/{flow['id']}"):
        page.goto(troubled.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    context.close()


def test_a_device_that_cuts_off_quiet_connections_is_found(quiet):
    killer = quiet.killer

    def idle():
        flow = quiet.flow("connect-ad/ldap", kind="idle")
        return flow and flow["state"]["finding"]
    wait_for(lambda: (idle() or {}).get("diagnosis") == "killed-while-idle", "the long pause is not survived")
    finding = idle()
    assert {"idleKilled": {"seconds": 4}} in finding["observations"] and killer.forgotten >= 1
    assert finding["remedy"] is not None
    # Shorter pauses are survived, before and after, and that is no news: it stays one state.
    flow = quiet.flow("connect-ad/ldap", kind="idle")
    _, page = quiet.get(f"/flows/{flow['id']}")
    assert page.count(">✓ works<") == 1, "short pauses were survived at first"
    wait_for(lambda: killer.forgotten >= 2, "it is tried again")
    wait_for(lambda: quiet.flow("connect-ad/ldap", kind="idle")["state"]["checks"] >= 2, "and told")
    assert quiet.flow("connect-ad/ldap", kind="idle")["state"]["since"] == flow["state"]["since"]
    assert quiet.verdict("connect-ad/ldap") == "works", "a check sees nothing of it"
    assert list(named(samples(quiet.get("/metrics")[1]), "bridgehead_ports_idle_killed_seconds").values()) == [4]
