from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from servers import DAY, OwnAuthority, Saying, serve, strong_server

from waybill.tls.authority import Certificate
from waybill.tls.certificate_check import CannotLook, certificate_faults, own_faults

SIGNED_WITH_SHA_1 = b"""-----BEGIN CERTIFICATE-----
MIIBkjCCATqgAwIBAgIUMz7WEy/qjQRz/YJTbwJMGwgcRG0wCQYHKoZIzj0EATAU
MRIwEAYDVQQDDAlsb2NhbGhvc3QwIBcNMjYxMTI1MjM1MTIxWhgPMjEyNjExMDEy
MzUxMjFaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABAPzKbaNko5hXtenIrIlMxQsHbpnGInYxbRVE+gCl+4wavMZA4/hnQzm
p0Q5O9/DhJiJ8CNLVwIG9HfGC1Rw7ICjaTBnMB0GA1UdDgQWBBSjC/8lHPGCaB6G
2xbrjWEHqVmSSjAfBgNVHSMEGDAWgBSjC/8lHPGCaB6G2xbrjWEHqVmSSjAPBgNV
HRMBAf8EBTADAQH/MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAJBgcqhkjOPQQBA0cA
MEQCIF8QrBHkTXkPwq13TR2fkaraNC2MZ2jyYc8IcaKlBO1bAiA8ScfyEfWEn7L4
6z+TG1ixR9/rr72cy+yc2eJTCA1pXg==
-----END CERTIFICATE-----
"""
"""Made with `openssl req -x509 -sha1`, for a library of today signs with SHA-1 no more."""

LOCALHOST = [x509.DNSName("localhost")]


def faults(certificate: Certificate, authority: Path) -> list[str]:
    with serve(certificate) as server:
        return certificate_faults(server.place, authority)


@pytest.fixture
def authority(tmp_path: Path) -> OwnAuthority:
    return OwnAuthority(tmp_path / "authority")


def test_a_good_certificate_has_no_fault(tmp_path: Path, authority: OwnAuthority) -> None:
    with strong_server(tmp_path) as server:
        assert certificate_faults(server.place, tmp_path / "ca.pem") == []
    assert faults(authority.issue(LOCALHOST), authority.certificate) == []
    key = rsa.generate_private_key(65537, 2048)
    assert faults(authority.issue(LOCALHOST, key=key), authority.certificate) == []
    assert faults(authority.issue([x509.DNSName("*.example"), *LOCALHOST]), authority.certificate) == []


def test_one_that_expired(authority: OwnAuthority) -> None:
    (fault,) = faults(authority.issue(LOCALHOST, since=-2 * DAY, until=-DAY), authority.certificate)
    assert fault.startswith("expired on ")


def test_one_that_is_not_valid_yet(authority: OwnAuthority) -> None:
    (fault,) = faults(authority.issue(LOCALHOST, since=DAY, until=2 * DAY), authority.certificate)
    assert fault.startswith("is not valid before ")


def test_one_that_expires_before_a_given_moment(tmp_path: Path) -> None:
    later = datetime.datetime.now(datetime.UTC) + 30 * DAY
    with strong_server(tmp_path) as server:
        (fault,) = certificate_faults(server.place, tmp_path / "ca.pem", now=later)
    assert fault.startswith("expired on ")


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName("another.example")],
        [x509.DNSName("*")],
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
    ],
)
def test_one_of_another_name(authority: OwnAuthority, names: list[x509.GeneralName]) -> None:
    (fault,) = faults(authority.issue(names), authority.certificate)
    assert fault.startswith("is not valid for localhost, only for ")


def test_one_with_the_name_as_common_name_alone(authority: OwnAuthority) -> None:
    (fault,) = faults(authority.issue(None), authority.certificate)
    assert fault == (
        "has no alternative names, so it is not valid for localhost; its common name localhost counts for nothing"
    )


def test_one_of_another_authority(tmp_path: Path, authority: OwnAuthority) -> None:
    other = OwnAuthority(tmp_path / "other")
    (fault,) = faults(authority.issue(LOCALHOST), other.certificate)
    assert fault.startswith("does not lead to the promised authority: ")


def test_one_that_signed_itself(authority: OwnAuthority) -> None:
    found = faults(authority.issue(LOCALHOST, self_signed=True), authority.certificate)
    assert found == ["is signed by itself and not the promised authority's"]


def test_one_that_signed_itself_and_is_what_was_promised(authority: OwnAuthority) -> None:
    issued = authority.issue(LOCALHOST, self_signed=True)
    assert faults(issued, issued.certificate) == []


def test_one_with_a_short_rsa_key(authority: OwnAuthority) -> None:
    found = faults(
        authority.issue(LOCALHOST, key=rsa.generate_private_key(65537, 1024)), authority.certificate
    )
    assert found == ["has an RSA key of 1024 bits; 2048 are the least"]


def test_one_on_a_small_curve(authority: OwnAuthority) -> None:
    issued = authority.issue(LOCALHOST, key=ec.generate_private_key(ec.SECP224R1()))
    shown = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    found = own_faults(shown, "localhost", datetime.datetime.now(datetime.UTC))
    assert found == ["has a key on the curve secp224r1; 256 bits are the least"]


def test_one_signed_with_sha_1() -> None:
    shown = x509.load_pem_x509_certificate(SIGNED_WITH_SHA_1)
    found = own_faults(shown, "localhost", shown.not_valid_before_utc + DAY)
    assert found == ["is signed with SHA1"]


def test_a_fault_of_the_certificate_does_not_hide_a_foreign_authority(
    tmp_path: Path, authority: OwnAuthority
) -> None:
    other = OwnAuthority(tmp_path / "other")
    found = faults(authority.issue([x509.DNSName("another.example")]), other.certificate)
    assert [fault.split(" ")[0] for fault in found] == ["is", "does"]


def test_a_server_without_tls_shows_none() -> None:
    with Saying(b"no TLS") as server, pytest.raises(CannotLook, match="the server shows no certificate"):
        certificate_faults(server.place, None)
