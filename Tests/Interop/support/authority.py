# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of a test's own, by openssl: certificates, lists, and all that can be wrong with them."""
import pathlib
import subprocess
import time


class Authority:
    """Issues for names; publishes a list. Everything is a file in its directory."""

    def __init__(self, directory, name="Test Root"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = self.directory / "ca.key", self.directory / "ca.pem"
        self.counter = 0
        self.configuration = self.directory / "ca.cnf"
        self.configuration.write_text(
            "[ca]\ndefault_ca=d\n[d]\n"
            f"database={self.directory}/index.txt\ncrlnumber={self.directory}/crlnumber\ndefault_md=sha256\n"
            "default_crl_days=30\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n"
            "[req]\ndistinguished_name=n\n[n]\n[root]\nbasicConstraints=critical,CA:TRUE\n"
            "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n")
        (self.directory / "index.txt").write_text("")
        (self.directory / "crlnumber").write_text("01\n")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                     "-out", self.certificate, "-days", "3650", "-subj", f"/CN={name}", "-config", self.configuration,
                     "-extensions", "root")

    def openssl(self, *arguments, faketime=None):
        command = ["openssl", *map(str, arguments)]
        if faketime:
            command = ["faketime", "-f", faketime, *command]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def issue(self, *names, crl=None, faketime=None):
        """The chain (leaf and root, as a server sends it) and the key."""
        self.counter += 1
        base = self.directory / f"{self.counter}"
        extensions = self.directory / f"{self.counter}.ext"
        extensions.write_text(
            "subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\nextendedKeyUsage=serverAuth,clientAuth\n"
            "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
            + (f"crlDistributionPoints=URI:{crl}\n" if crl else ""))
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{base}.key", "-out", f"{base}.csr", "-subj", f"/CN={names[0]}", "-config", self.configuration)
        self.openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.certificate, "-CAkey", self.key, "-days", "90",
                     "-set_serial", str(1000 + self.counter), "-extfile", extensions, "-out", f"{base}.leaf",
                     faketime=faketime)
        chain = pathlib.Path(f"{base}.pem")
        chain.write_text(pathlib.Path(f"{base}.leaf").read_text() + self.certificate.read_text())
        return chain, pathlib.Path(f"{base}.key")

    def revocation_list(self, days_from=-1, days_until=30):
        """DER; both times in days from now."""
        at = lambda days: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))  # noqa: E731
        pem, der = self.directory / "list.pem", self.directory / "list.der"
        self.openssl("ca", "-gencrl", "-config", self.configuration, "-keyfile", self.key, "-cert", self.certificate,
                     "-crl_lastupdate", at(days_from), "-crl_nextupdate", at(days_until), "-out", pem)
        self.openssl("crl", "-in", pem, "-outform", "DER", "-out", der)
        return der.read_bytes()
