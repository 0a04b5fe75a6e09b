"""A throw-away certificate authority: made for one target, trusted by nobody else, gone with its folder.

Its private key never leaves the memory of the process that made it. All keys are on the curve P-256, so that
making one costs well under a millisecond.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID: Final = datetime.timedelta(days=8)
"""Longer than any run, soak runs included."""

_SKEW: Final = datetime.timedelta(days=8)
"""Certificates count from days ago: the clock of who checks one may be behind, by accident or on purpose."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate and key, as PEM files.

    Attributes:
        certificate: The certificate.
        key: Its private key, readable by the owner only.
    """

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that can issue server certificates as long as this object lives.

    Attributes:
        certificate: Its own certificate, `ca.pem` in its folder; what clients are to trust.
    """

    def __init__(self, folder: Path, name: str = "Waybill throw-away authority") -> None:
        """Makes the authority.

        Args:
            folder: Where `ca.pem` is written; made if it is not there.
            name: Its name in certificates.
        """
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = self._key.public_key()
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        certificate = (
            _builder(self._name, self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(self._identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        file_name: str = "certificate",
        self_signed: bool = False,
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        connects: bool = False,
    ) -> Certificate:
        """Issues a server certificate.

        Args:
            folder: Where `certificate.pem` and `key.pem` are written; made if it is not there.
            names: Host names and IP addresses that it is good for; the first one is also its common name.
            file_name: Another name for `certificate.pem`; the key is then `NAME-key.pem`.
            self_signed: It is signed with its own key, which is what anybody can make.
            since: From when on it is valid; by default from an hour ago.
            until: Until when it is valid; by default longer than any run.
            connects: It is good for the side that connects as well, as servers need it that know each other by theirs.

        Returns:
            The paths of both files.
        """
        if not names:
            raise ValueError("expected at least one host name or IP address, found none")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        public = key.public_key()
        own = x509.SubjectKeyIdentifier.from_public_key(public)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        if connects:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        issuer, identifier, signer = (
            (subject, own, key) if self_signed else (self._name, self._identifier, self._key)
        )
        certificate = (
            _builder(subject, issuer, public, since, until)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(own, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        issued = Certificate(
            folder / f"{file_name}.pem",
            folder / ("key.pem" if file_name == "certificate" else f"{file_name}-key.pem"),
        )
        issued.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_private(
            issued.key,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        return issued


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or now - _SKEW)
        .not_valid_after(until or now + _VALID)
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_private(path: Path, content: bytes) -> None:
    """Writes a file that nobody else could read at any moment."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
