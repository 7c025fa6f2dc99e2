# SPDX-License-Identifier: Apache-2.0
"""The faults of the matrix: each is really there, at a host and port drawn by chance, and names the diagnosis that is right.

A fault says which flows it is the cause of (`blamed`), what may be said of them, and which other flows it truly takes along
(`along`); of every other flow nothing new may be said.
"""
import contextlib
import dataclasses
import ssl
from datetime import timedelta

from cryptography.x509.oid import ExtendedKeyUsageOID

import peers
import pki
import wan
from fault_site import (
    CRL, FARM, FARM_ADDRESS, FARM_NODE, PORTS, PROXY_ADDRESS, PROXY_NODE, RESOLVER, RESOLVER_ADDRESS, SPARE, key)
from file_server import FileServer
from http_proxy import TinyProxy

AD = "connect-ad/"
MAPPER, RANGE = AD + "rpc-endpoint-mapper", AD + "rpc-dynamic"
BOTH = ("dns", "kerberos", "ldap")


@dataclasses.dataclass
class Fault:
    name: str
    # (row, transport, host)
    blamed: set
    diagnoses: set
    # A list of context managers that make it, entered in order.
    make: object
    rules: list = dataclasses.field(default_factory=list)
    # Flows that may change with it: (row, transport, host) to the diagnoses that are true of them. An empty set says that
    # nothing may change, but that no other fault may stand there at the same time.
    along: dict = dataclasses.field(default_factory=dict)
    # What it changes in the topology.
    change: object = lambda topology: None
    # Further arguments of the check.
    arguments: list = dataclasses.field(default_factory=list)
    # Whether a check waits for silence, beside where the path drops something.
    is_silent: bool = False

    @property
    def takes_long(self):
        return self.is_silent or any("icmp" not in rule for rule in self.rules)

    @property
    def touched(self):
        return self.blamed | set(self.along)


class Catalogue:
    """Every fault once, at places drawn from `chance`."""

    prefix = "_fault"

    def __init__(self, site, chance, baseline):
        self.site, self.chance, self.baseline = site, chance, baseline
        self.number = 0
        self.faults = [fault for name in sorted(dir(self)) if name.startswith(self.prefix)
                       for fault in getattr(self, name)() if fault]

    # Helpers

    def host(self):
        return self.chance.choice(sorted(self.site.controllers))

    def address(self, host):
        return self.site.addresses[host]

    def tcp_row(self, rows):
        """A row, its port, a host that has it."""
        row = AD + self.chance.choice(rows)
        return (row, 53, RESOLVER) if row == AD + "dns" else (row, PORTS[row], self.host())

    def spare(self):
        """A port for a server of one's own."""
        self.number += 1
        return 20000 + self.number

    def mapped_ports(self, host):
        return [f["target"]["port"] for f in self.baseline if f["row"] == RANGE and f["target"]["host"] == host]

    def replaced(self, name, row, host, address, port, diagnoses, server, protocol="tcp", along=None):
        """A fault in which another server stands at a port. `server` makes it, given an address and a port."""
        def make():
            spare = self.spare()
            with server(SPARE, spare), wan.led(protocol, address, port, SPARE, spare):
                yield
        return Fault(name, {(row, protocol, host)}, set(diagnoses), contextlib.contextmanager(make), along=along or {})

    def beside_mapper(self, row, host):
        """What the dynamic range may say when the endpoint mapper cannot be asked: nothing that blames it."""
        return {(RANGE, "tcp", host): {"inconclusive"}} if row == MAPPER else {}

    def beside_resolver(self, row):
        """Revocation lists are at names: without the resolver they cannot be had."""
        return dict.fromkeys(self.trusting(), {"revocation-list-unreachable"}) if row == AD + "dns" else {}

    # The path

    ONLY_TCP = ["rpc-endpoint-mapper", "smb", "ldaps", "winrm", "ad-web-services", "global-catalog"]

    def _fault_dropped(self):
        row, port, host = self.tcp_row(self.ONLY_TCP)
        yield Fault("SYNs dropped", {(row, "tcp", host)}, {"dropped"}, contextlib.nullcontext,
                    [{"protocol": "tcp", "server": self.address(host), "ports": [port, port]}],
                    self.beside_mapper(row, host))

    def _fault_reset(self):
        row, port, host = self.tcp_row(self.ONLY_TCP)
        yield Fault("rejected by RST", {(row, "tcp", host)}, {"rejected-by-reset"},
                    lambda: wan.firewall(f"ip daddr {self.address(host)} tcp dport {port} reject with tcp reset"),
                    along=self.beside_mapper(row, host))

    def _fault_icmp(self):
        for code in self.chance.sample([9, 10, 13], 1):
            row, port, host = self.tcp_row(self.ONLY_TCP)
            yield Fault(f"rejected by ICMP 3/{code}", {(row, "tcp", host)}, {"rejected-by-icmp"}, contextlib.nullcontext,
                        [{"protocol": "tcp", "server": self.address(host), "ports": [port, port], "icmp": [3, code]}],
                        self.beside_mapper(row, host))

    def _fault_host_down(self):
        host = self.host()
        yield self.whole("a router says: host unreachable", host, {"host-down"}, {"icmp": [3, 1]})

    def _fault_neighbour(self):
        host, nobody = self.host(), "10.66.0.9"

        def change(topology):
            for controller in self.controllers_of(topology, host):
                controller["addresses"] = [nobody]
        fault = self.whole("nobody on the link has the address", host, {"host-down"}, {})
        fault.rules, fault.change, fault.make = [], change, lambda: self.site.path.dead_link(nobody)
        fault.is_silent = True
        # The neighbour table gives up after three questions, one a second: a late SYN may end with the deadline.
        yield fault

    def _fault_no_route(self):
        kind, code = self.chance.choice([(3, 0), (3, 6), (11, 0)])
        yield self.whole(f"a router has no route: ICMP {kind}/{code}", self.host(), {"no-route"}, {"icmp": [kind, code]})

    def _fault_no_route_here(self):
        host, kind = self.host(), self.chance.choice(["unreachable", "throw"])
        fault = self.whole(f"the source has no route ({kind})", host, {"no-route"}, {})
        fault.rules, fault.make = [], lambda: self.site.path.unrouted(self.address(host), kind)
        yield fault

    def _fault_prohibited_here(self):
        host = self.host()
        fault = self.whole("the source's routing table prohibits the address", host, {"local-firewall"}, {})
        fault.rules, fault.make = [], lambda: self.site.path.unrouted(self.address(host), "prohibit")
        yield fault

    def _fault_no_answer(self):
        yield self.whole("everything dropped", self.host(), {"no-answer"}, {})

    def whole(self, name, host, diagnoses, rule):
        return Fault(name, {flow for flow in self.of(host) if flow[0] != RANGE}, diagnoses, contextlib.nullcontext, [{"server": self.address(host), **rule}],
                     {(RANGE, "tcp", host): diagnoses | {"inconclusive"}})

    def _fault_udp(self):
        row, port, host = self.tcp_row(BOTH)
        yield Fault("UDP dropped, TCP open", {(row, "udp", host)}, {"udp-blocked-tcp-open"}, contextlib.nullcontext,
                    [{"protocol": "udp", "server": self.address(host), "ports": [port, port]}],
                    {(row, "tcp", host): set(), **self.beside_resolver(row)})

    def _fault_tcp(self):
        row, port, host = self.tcp_row(BOTH)
        yield Fault("TCP dropped, UDP open", {(row, "tcp", host)}, {"tcp-blocked-udp-open"}, contextlib.nullcontext,
                    [{"protocol": "tcp", "server": self.address(host), "ports": [port, port]}],
                    {(row, "udp", host): set()})

    def _fault_udp_unreachable(self):
        # The LDAP ping is led to another address before a firewall sees it.
        row, port, host = self.tcp_row(("dns", "kerberos"))
        yield Fault("nobody listens on UDP", {(row, "udp", host)}, {"port-unreachable"},
                    lambda: wan.firewall(f"ip daddr {self.address(host)} udp dport {port} reject"),
                    along={(row, "tcp", host): set(), **self.beside_resolver(row)})

    def _fault_own_firewall_rejects(self):
        row, port, host = self.tcp_row(self.ONLY_TCP)
        yield Fault("the source's own firewall rejects", {(row, "tcp", host)}, {"local-firewall"},
                    lambda: self.site.path.own_firewall(f"ip daddr {self.address(host)} tcp dport {port} reject"),
                    along=self.beside_mapper(row, host))

    def _fault_own_firewall(self):
        row, port, host = self.tcp_row(("kerberos", "ldap"))
        yield Fault("the source's own firewall drops UDP", {(row, "udp", host)}, {"local-firewall"},
                    lambda: self.site.path.own_firewall(f"ip daddr {self.address(host)} udp dport {port} drop"),
                    along={(row, "tcp", host): set()})

    def _fault_killed(self):
        # A reset at the first word of TLS is what controllers without a certificate do: a fault of its own.
        rows = [row for row in self.ONLY_TCP if row != "ldaps"] + list(BOTH)
        # RPC's client is not the one of the other rows: it is asked every time.
        for choice in (rows, ["rpc-endpoint-mapper"]):
            row, port, host = self.tcp_row(choice)
            yield self.replaced(f"reset when the protocol is spoken ({port})", row, host, self.address(host), port,
                                {"connection-killed"}, lambda a, p: peers.hostile(a, p, "reset when asked"),
                                along=self.beside_mapper(row, host))

    def _fault_killed_in_handshake(self):
        row = self.chance.choice([AD + "ldaps", AD + "ldaps", "users-proxy/https"])
        host, name, address, port, along = self.tls_place(row)

        def server(a, p):
            chain, private, _ = self.site.issue(name)
            return peers.ResetInHandshake(a, p, peers.tls(chain, private))
        yield self.replaced(f"reset in the middle of TLS ({port})", row, host, address, port, {"connection-killed"}, server,
                            along={flow: {"connection-killed"} for flow in along})

    def _fault_own_firewall_drops(self):
        # No error reaches the sender of a SYN; that its repetitions never left the machine does.
        row, port, host = self.tcp_row(self.ONLY_TCP)
        yield Fault("the source's own firewall drops TCP", {(row, "tcp", host)}, {"local-firewall"},
                    lambda: self.site.path.own_firewall(f"ip daddr {self.address(host)} tcp dport {port} drop"),
                    along=self.beside_mapper(row, host), is_silent=True)

    def _fault_own_firewall_drops_range(self):
        host = self.host()
        yield Fault("the source's own firewall drops the dynamic range", {(RANGE, "tcp", host)}, {"local-firewall"},
                    lambda: self.site.path.own_firewall(
                        f"ip daddr {self.address(host)} tcp dport 49152-65535 drop"), is_silent=True)

    def _fault_fragments(self):
        host = self.host()
        yield Fault("UDP fragments dropped", {(AD + "kerberos", "udp", host)}, {"udp-fragments-dropped"},
                    contextlib.nullcontext, [{"fragments": True, "server": self.address(host)}])

    def _fault_half_open(self):
        row, port, host = self.tcp_row(self.ONLY_TCP + list(BOTH))
        yield Fault("half-open: SYN-ACK, then silence", {(row, "tcp", host)}, {"half-open"}, contextlib.nullcontext,
                    [{"data": True, "server": self.address(host), "ports": [port, port]}],
                    self.beside_mapper(row, host))

    # Names

    def _fault_no_forwarder(self):
        code, words = self.chance.choice([(3, "NXDOMAIN"), (5, "REFUSED")])
        foreign = self.chance.choice(sorted(self.site.domains.values()))
        fault = self.names(f"no forwarder for a forest: {words}", {"missing-conditional-forwarder"},
                           peers.names_refused(foreign, code=code))
        # Each forest's certificates name a list in its own zone.
        fault.along = dict.fromkeys(self.trusting(), {"revocation-list-unreachable"})
        yield fault

    def _fault_records_missing(self):
        domain = self.chance.choice(sorted(self.site.domains.values()))
        yield self.names("no SRV records in the domain's zone", {"records-missing"}, peers.names_refused(
            "_tcp.dc._msdcs." + domain, "_tcp." + domain, code=self.chance.choice([0, 3])))

    def _fault_name_not_found(self):
        host = self.host()
        flows = self.of(host)
        fault = self.names("the host's name does not exist", {"name-not-found"}, peers.names_refused(host))
        # The resolver is asked for the address of a controller, too.
        fault.along = {flow: fault.diagnoses for flow in fault.blamed}
        fault.blamed = flows
        fault.change = self.nameless(host)
        yield fault

    def _fault_resolver_silent(self):
        host = self.host()
        # Revocation lists are at names, too.
        along = dict.fromkeys(self.trusting(), {"revocation-list-unreachable"})
        along |= {flow: {"resolver-not-answering"} for flow in self.of(host)}
        yield Fault("the resolver does not answer", self.of(RESOLVER), {"no-answer"}, contextlib.nullcontext,
                    [{"server": RESOLVER_ADDRESS}], along, self.nameless(host))

    def of(self, host):
        """A host's flows."""
        return {flow for flow in self.flows() if flow[2] == host}

    @staticmethod
    def nameless(host):
        """A topology that leaves a controller's address to the DNS."""
        def change(topology):
            for controller in Catalogue.controllers_of(topology, host):
                del controller["addresses"]
        return change

    @staticmethod
    def controllers_of(topology, host):
        return [controller for forest in topology["forests"] for controller in forest["domains"][0]["controllers"]
                if controller["name"] == host]

    def names(self, name, diagnoses, change):
        address = RESOLVER_ADDRESS

        @contextlib.contextmanager
        def make():
            spare = self.spare()
            with peers.changed_datagrams(SPARE, spare, (address, 53), change), \
                    peers.Changed(SPARE, spare, (address, 53), change), \
                    wan.led("udp", address, 53, SPARE, spare), wan.led("tcp", address, 53, SPARE, spare):
                yield
        return Fault(name, {(AD + "dns", "udp", RESOLVER), (AD + "dns", "tcp", RESOLVER)}, diagnoses, make)

    # Who answers

    def _fault_wrong_domain(self):
        host = self.host()
        other = next(a for h, a in self.site.controllers.items() if h != host)
        yield Fault("another domain's controller", {(AD + "ldap", "tcp", host)}, {"wrong-domain"},
                    lambda: wan.led("tcp", self.address(host), 389, other))

    def _fault_wrong_domain_ping(self):
        host = self.host()
        yield self.ping("ping: the controller does not hold the domain", host, {"wrong-domain"}, peers.no_such_domain)

    def _fault_read_only(self):
        yield self.ping("ping without the flag WRITABLE", self.host(), {"read-only-controller"},
                        peers.ping_flags(clear=peers.WRITABLE))

    def ping(self, name, host, diagnoses, change):
        address = self.address(host)
        return self.replaced(
            name, AD + "ldap", host, address, 389, diagnoses,
            lambda a, p: peers.changed_datagrams(
                # On top of what the site itself changes.
                a, p, (address, 389), lambda data: change(peers.ping_flags(add=peers.WEB_SERVICES)(data))), "udp")

    def _fault_wrong_controller(self):
        host = self.host()
        address, other = self.address(host), b"DC9" + host[3:].encode()
        yield self.replaced(
            "the same domain's other controller", AD + "ldap", host, address, 389, {"wrong-controller"},
            lambda a, p: peers.Changed(a, p, (address, 389), lambda data: data.replace(
                b"DC1" + host[3:].encode(), other).replace(b"dc1" + host[3:].encode(), other.lower())))

    def _fault_other_protocol(self):
        words = self.chance.choice([
            b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", b"220 mail.corp.example ESMTP Postfix\r\n",
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"])
        row, port, host = self.tcp_row(["rpc-endpoint-mapper", "smb", "ldap", "global-catalog", "ad-web-services"])
        yield self.replaced(
            f"answered by another protocol: {words[:12]!r}", row, host, self.address(host), port, {"other-protocol"},
            lambda a, p: peers.Says(a, p, words, first=not words.startswith(b"HTTP"), then="close"),
            along=self.beside_mapper(row, host))

    # Samba's servers, asked in another server's protocol: what they make of its first bytes is all that can be seen.
    CROSSED = {(135, 389): "connection-killed", (135, 88): "half-open", (445, 135): "other-protocol",
               (445, 389): "connection-killed", (445, 88): "service-stopped", (3268, 135): "half-open",
               (3268, 88): "connection-killed"}

    def _fault_crossed_ports(self):
        port, there = self.chance.choice(sorted(self.CROSSED))
        row, host = next(row for row, own in PORTS.items() if own == port), self.host()
        address = self.address(host)
        yield Fault(f"port {port} leads to the service of {there}", {(row, "tcp", host)}, {self.CROSSED[port, there]},
                    lambda: wan.led("tcp", address, port, address, there), along=self.beside_mapper(row, host),
                    is_silent=self.CROSSED[port, there] == "half-open")

    def _fault_service_stopped(self):
        host = self.host()
        yield self.replaced("WinRM stopped behind http.sys (503)", AD + "winrm", host, self.address(host), 5985,
                            {"service-stopped"}, lambda a, p: peers.Web(a, p, peers.winrm(503)))
        host = self.host()
        yield self.replaced("LDAP accepts and hangs up", AD + "ldap", host, self.address(host), 389,
                            {"service-stopped"}, lambda a, p: peers.hostile(a, p, "close when asked"))

    def _fault_no_web_services(self):
        host = self.host()
        address = self.address(host)
        ping = self.ping("", host, {"none"}, peers.ping_flags(clear=peers.WEB_SERVICES))

        @contextlib.contextmanager
        def make():
            with ping.make(), wan.firewall(f"ip daddr {address} tcp dport 9389 reject with tcp reset"):
                yield
        yield Fault("no AD Web Services, and the ping says so", {(AD + "ad-web-services", "tcp", host)},
                    {"service-not-installed"}, make, along={(AD + "ldap", "udp", host): set()})

    def _fault_web_services_fault(self):
        host = self.host()
        yield self.replaced("AD Web Services: EndpointNotFound", AD + "ad-web-services", host, self.address(host), 9389,
                            {"service-stopped"}, lambda a, p: peers.WebServices(a, p, "EndpointNotFound"))

    def _fault_stand_in(self):
        host, address = self.host(), "10.20.3.2"

        @contextlib.contextmanager
        def make():
            with wan.addresses(address), self.site.stand_in(address, AD + "ad-web-services"), \
                    wan.led("tcp", self.address(host), 9389, address, 9389):
                yield
        yield Fault("a stand-in instead of AD Web Services", {(AD + "ad-web-services", "tcp", host)}, {"stand-in"}, make,
                    arguments=["--stand-in-code-file", self.site.stand_in_code])

    def _fault_http_error(self):
        yield self.farm("metadata: 403", {"http-error"}, peers.federation(metadata=403))

    def _fault_negotiate(self):
        host = self.host()
        yield self.replaced("WinRM offers Basic alone", AD + "winrm", host, self.address(host), 5985,
                            {"negotiate-not-offered"},
                            lambda a, p: peers.Web(a, p, peers.winrm(schemes=['Basic realm="WSMAN"'])))

    def _fault_catalog_not_ready(self):
        host = self.host()
        address = self.address(host)
        yield self.replaced("isGlobalCatalogReady: FALSE", AD + "global-catalog", host, address, 3268,
                            {"global-catalog-not-ready"},
                            lambda a, p: peers.Changed(a, p, (address, 3268), peers.catalog_not_ready))

    def _fault_green_probe(self):
        yield self.farm("probe green, metadata 503", {"probe-green-service-down"}, peers.federation(metadata=503))

    def farm(self, name, diagnoses, page):
        @contextlib.contextmanager
        def make():
            chain, private, _ = self.site.issue(FARM)
            spare = self.spare()
            with peers.Web(SPARE, spare, page, peers.tls(chain, private)), \
                    wan.led("tcp", FARM_ADDRESS, 443, SPARE, spare):
                yield
        return Fault(name, {("connect-federation/https", "tcp", FARM_NODE)}, diagnoses, make,
                     along={("proxy-federation/https", "tcp", FARM_NODE): diagnoses})

    # RPC and SMB

    def _fault_range(self):
        host = self.host()
        yield Fault("dynamic range dropped, 135 open", {(RANGE, "tcp", host)}, {"rpc-range-blocked"},
                    contextlib.nullcontext,
                    [{"protocol": "tcp", "server": self.address(host), "ports": [49152, 65535]}])

    def _fault_part_of_range(self):
        host = self.host()
        for port in self.mapped_ports(host)[:1]:
            yield Fault("the mapped port's part of the range dropped", {(RANGE, "tcp", host)},
                        {"rpc-range-partly-blocked"}, contextlib.nullcontext,
                        [{"protocol": "tcp", "server": self.address(host), "ports": [port - 64, port + 64]}])

    def _fault_mapped_elsewhere(self):
        yield self.mapper("mapped to an address that nobody reaches", {"rpc-unreachable-address"},
                          peers.mapped(address="198.51.100.99"))

    def _fault_unregistered(self):
        yield self.mapper("interface not registered", {"rpc-not-registered"}, peers.unregistered, of_mapper=True)

    def mapper(self, name, diagnoses, change, of_mapper=False):
        host = self.host()
        address = self.address(host)
        fault = self.replaced(name, RANGE, host, address, 135, diagnoses,
                              lambda a, p: peers.Changed(a, p, (address, 135), change))
        if of_mapper:
            # Its own row says so; the other one only that it cannot tell.
            fault.blamed, fault.along = {(MAPPER, "tcp", host)}, {(RANGE, "tcp", host): diagnoses | {"inconclusive"}}
        else:
            fault.is_silent = diagnoses == {"rpc-unreachable-address"}
            # Nothing may be said of the mapper, but no other fault may touch it meanwhile.
            fault.along[(MAPPER, "tcp", host)] = set()
        return fault

    def _fault_bind_refused(self):
        host = self.host()
        address = self.address(host)
        ports = self.mapped_ports(host)

        @contextlib.contextmanager
        def make():
            with contextlib.ExitStack() as stack:
                for port in range(49152, 49160):
                    spare = self.spare()
                    stack.enter_context(peers.Changed(SPARE, spare, (address, port), peers.bind_refused))
                    stack.enter_context(wan.led("tcp", address, port, SPARE, spare))
                yield
        if ports:
            yield Fault("bind_nak on the mapped port", {(RANGE, "tcp", host)}, {"rpc-bind-refused"}, make)

    def _fault_smb1(self):
        yield self.smb("SMB 1 alone", {"smb1-only"}, server_min_protocol="NT1", server_max_protocol="NT1")

    def _fault_unsigned(self):
        host = self.host()
        address = self.address(host)
        yield self.replaced("SMB without signing", AD + "smb", host, address, 445, {"signing-unavailable"},
                            lambda a, p: peers.Changed(a, p, (address, 445), peers.unsigned))

    def smb(self, name, diagnoses, **options):
        host = self.host()
        address = self.address(host)

        @contextlib.contextmanager
        def make():
            spare = self.spare()
            # Samba listens on loopback addresses only where they are an interface's.
            with FileServer(self.site.directory / f"smbd{spare}", address, spare, **options), \
                    wan.led("tcp", address, 445, address, spare):
                yield
        return Fault(name, {(AD + "smb", "tcp", host)}, diagnoses, make)

    # Certificates

    def _fault_certificates(self):
        day = timedelta(days=1)
        unknown = pki.Authority.new("Somebody Else's CA")
        kinds = {
            "expired": ({"certificate-expired"}, {"start": -3 * day, "end": -day}),
            "not yet valid": ({"certificate-not-yet-valid"}, {"start": day, "end": 30 * day}),
            "unknown issuer": ({"certificate-unknown-issuer"}, {"authority": unknown}),
            "wrong name": ({"certificate-wrong-name"}, {}),
            "revoked": ({"certificate-revoked"}, {}),
            "for clients": ({"certificate-invalid"}, {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}),
            "at its end": ({"certificate-expires-soon"}, {"end": 5 * day}),
        }
        for kind, (diagnoses, options) in kinds.items():
            row = self.chance.choice([AD + "ldaps", AD + "ldaps", "connect-federation/https", "users-proxy/https"])
            yield self.certificate(kind, row, diagnoses, options)

    def certificate(self, kind, row, diagnoses, options):
        host, name, address, port, along = self.tls_place(row)

        @contextlib.contextmanager
        def make():
            names = ["other.corp.example"] if kind == "wrong name" else [name]
            chain, private, _ = self.site.issue(*names, **options)
            spare = self.spare()
            with contextlib.ExitStack() as stack:
                if kind == "revoked":
                    self.site.revoke(chain)
                context = peers.tls(chain, private)
                stack.enter_context(
                    peers.Forwarding(SPARE, spare, context, (address, 389)) if row == AD + "ldaps"
                    else peers.Web(SPARE, spare, peers.federation(), context))
                stack.enter_context(wan.led("tcp", address, port, SPARE, spare))
                yield
        return Fault(f"certificate {kind}", {(row, "tcp", host)}, diagnoses, make,
                     along={flow: diagnoses for flow in along})

    def tls_place(self, row):
        """Host, name in the certificate, address, port, and the other rows that go to the same port."""
        if row == AD + "ldaps":
            host = self.host()
            return host, host, self.address(host), 636, []
        if row == "users-proxy/https":
            return PROXY_NODE, FARM, PROXY_ADDRESS, 443, [("connect-federation/https", "tcp", PROXY_NODE)]
        return FARM_NODE, FARM, FARM_ADDRESS, 443, [("proxy-federation/https", "tcp", FARM_NODE)]

    def _fault_tls_version(self):
        for words, options in (
                ("TLS 1.0 alone", {"lowest": ssl.TLSVersion.TLSv1, "highest": ssl.TLSVersion.TLSv1}),
                ("a cipher that nobody else has", {"highest": ssl.TLSVersion.TLSv1_2,
                                                   "ciphers": "ECDHE-ECDSA-AES256-CCM8"})):
            row = self.chance.choice([AD + "ldaps", "users-proxy/https"])
            host, name, address, port, along = self.tls_place(row)

            def server(a, p, name=name, options=options):
                chain, private, _ = self.site.issue(name)
                return peers.Web(a, p, peers.federation(), peers.tls(chain, private, **options))
            yield self.replaced(words, row, host, address, port, {"tls-mismatch"}, server,
                                along={flow: {"tls-mismatch"} for flow in along})

    def _fault_tls_alert(self):
        row = self.chance.choice([AD + "ldaps", "users-proxy/https"])
        host, name, address, port, along = self.tls_place(row)

        def server(a, p):
            chain, private, _ = self.site.issue(name)
            context = peers.tls(chain, private)
            context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return peers.Web(a, p, peers.federation(), context)
        yield self.replaced("TLS ended by an alert: unrecognized_name", row, host, address, port, {"tls-refused"}, server,
                            along={flow: {"tls-refused"} for flow in along})

    def _fault_no_certificate(self):
        for how in ("close", "reset"):
            host = self.host()
            yield self.replaced(f"LDAPS without a certificate: accepted, then {how}", AD + "ldaps", host,
                                self.address(host), 636, {"certificate-missing"},
                                lambda a, p, how=how: peers.hostile(a, p, f"{how} when asked"))

    def _fault_balancer(self):
        def server(a, p):
            chain, private, _ = self.site.issue(FARM)
            return peers.Web(a, p, peers.federation(), peers.tls(chain, private))
        yield self.replaced("a balancer ends TLS on 49443", "users-proxy/certificate-authentication", PROXY_NODE,
                            PROXY_ADDRESS, 49443, {"tls-ended-by-balancer"}, server)

    def _fault_interception(self):
        tenant = self.site.tenant
        inspection = pki.Authority.new("Corp Inspection CA")

        def server(a, p):
            chain, private, _ = self.site.issue(tenant.name, authority=inspection, crl=[])
            return peers.Web(a, p, peers.portal, peers.tls(chain, private))
        yield self.replaced("TLS interception", "connect-cloud/https", tenant.name, tenant.address, 443,
                            {"tls-interception"}, server,
                            # The certificate that names the list is not seen any more.
                            along={("connect-cloud/http", "tcp", CRL): {"inconclusive"}})

    def _fault_proxy(self):
        # Whatever that variable holds, it is not the password.
        account = {"user": "svc-sync", "password": {"environment": "PATH"}}
        for words, lines, sign_in, diagnoses in (
                ("the HTTP proxy wants a sign-in", ["BasicAuth svc-sync secret"], {}, {"proxy-authentication"}),
                ("the HTTP proxy refuses the account", ["BasicAuth svc-sync secret"], account, {"proxy-credentials-refused"}),
                ("the HTTP proxy forbids the way", ["ConnectPort 8443"], {}, {"proxy-refused"})):
            port = self.spare()

            def change(topology, port=port, sign_in=sign_in):
                topology["outboundProxy"] = {
                    "name": "proxy1.corp.example", "addresses": [SPARE], "port": port, **sign_in}
            yield Fault(words, {("connect-cloud/https", "tcp", self.site.tenant.name)}, diagnoses,
                        lambda port=port, lines=lines: TinyProxy(
                            self.site.directory / f"proxy{port}", SPARE, port, *lines), change=change,
                        along={("connect-cloud/http", "tcp", CRL): diagnoses | {"inconclusive", "http-error"}})

    # Revocation lists and HTTP

    def _fault_lists(self):
        day = timedelta(days=1)
        stale = self.site.authority.revocation_list(issued=-9 * day, due=-day)
        for words, diagnoses, page in (
                ("revocation list stale", {"revocation-list-stale"}, peers.revocation_list(stale)),
                ("captive portal instead of the revocation list", {"captive-portal"}, peers.portal),
                ("revocation list of somebody else", {"revocation-list-bad"}, peers.revocation_list(
                    pki.Authority.new("Somebody Else's CA").revocation_list()))):
            yield self.lists(words, diagnoses, lambda a, p, page=page: peers.Web(a, p, page))

    def _fault_list_unreachable(self):
        address = self.site.lab.forest["crlAddress"]
        fault = self.lists("revocation list dropped", {"revocation-list-unreachable"}, None)
        # The row itself says what is wrong with its path; it is the only one to that host.
        fault.diagnoses = {"no-answer"}
        fault.rules = [{"protocol": "tcp", "server": address, "ports": [80, 80]}]
        fault.make = contextlib.nullcontext
        yield fault

    def lists(self, name, diagnoses, server):
        """Every certificate of the site names the one list: all rows that need it may say so."""
        fault = self.replaced(
            name, "connect-cloud/http", CRL, self.site.lab.forest["crlAddress"], 80, diagnoses, server)
        fault.along = dict.fromkeys(
            self.trusting(),
            diagnoses | {"revocation-list-unreachable", "revocation-list-bad", "revocation-list-stale"})
        return fault

    def trusting(self):
        """The flows that trust a certificate."""
        return {flow for flow in self.flows() if flow[0] in (
            AD + "ldaps", "connect-cloud/https", "connect-federation/https", "proxy-federation/https",
            "users-proxy/https", "users-proxy/certificate-authentication")}

    def flows(self):
        return {key(finding) for finding in self.baseline}

    # Clocks

    def _fault_skew(self):
        host = self.host()
        address, skew = self.address(host), self.chance.choice([-3600, -420, 600, 86400])
        change = peers.skewed(skew)

        @contextlib.contextmanager
        def make():
            spare = self.spare()
            with peers.changed_datagrams(SPARE, spare, (address, 88), change), \
                    peers.Changed(SPARE, spare, (address, 88), change), \
                    wan.led("udp", address, 88, SPARE, spare), wan.led("tcp", address, 88, SPARE, spare):
                yield
        yield Fault(f"the KDC's clock off by {skew} s", {(AD + "kerberos", "udp", host), (AD + "kerberos", "tcp", host)},
                    {"clock-skew"}, make)
