# SPDX-License-Identifier: Apache-2.0
"""Certificates and revocation lists that are wrong in one chosen way, made without the product."""
import datetime
import itertools
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
_numbers = itertools.count()


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    @classmethod
    def of(cls, lab):
        """The lab's own."""
        file = pathlib.Path(lab.authority)
        return cls(x509.load_pem_x509_certificate(file.read_bytes()),
                   serialization.load_pem_private_key(file.with_suffix(".key").read_bytes(), None))

    @classmethod
    def new(cls, name):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(name)).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now() - 2 * DAY)
            .not_valid_after(now() + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256()))
        return cls(certificate, key)

    def issue(self, directory, *names, start=-DAY, end=365 * DAY, crl=(), purpose=ExtendedKeyUsageOID.SERVER_AUTH):
        """A server's certificate with its chain, and its key: two files, and the certificate itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder().subject_name(_name(names[0])).issuer_name(self.certificate.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now() + start).not_valid_after(now() + end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        if crl:
            builder = builder.add_extension(
                x509.CRLDistributionPoints([
                    x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in crl]),
                critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        base = pathlib.Path(directory) / f"issued{next(_numbers)}"
        chain, private = base.with_suffix(".pem"), base.with_suffix(".key")
        pem = serialization.Encoding.PEM
        chain.write_bytes(certificate.public_bytes(pem) + self.certificate.public_bytes(pem))
        private.touch(mode=0o600)
        private.write_bytes(key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return chain, private, certificate

    def save(self, file):
        pathlib.Path(file).write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def revocation_list(self, *revoked, issued=-DAY, due=30 * DAY):
        """A list in DER."""
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
                   .last_update(now() + issued).next_update(now() + due)
                   .add_extension(x509.CRLNumber(1000 + next(_numbers)), critical=False)
                   .add_extension(
                       x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        for certificate in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
                .revocation_date(now() + issued).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
