from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from waybill.drivers.base import Endpoint
from waybill.tls.authority import Authority, Certificate


def handshake(certificate: Certificate, authority: Path, name: str) -> str:
    """Shakes hands over a socket pair; the protocol version that came out."""
    server_side, client_side = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    def serve() -> None:
        try:
            with context.wrap_socket(server_side, server_side=True) as tls:
                tls.recv(1)
        except OSError:
            server_side.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = Endpoint("wss://unused", authority).tls_context()
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        with client.wrap_socket(client_side, server_hostname=name) as tls:
            tls.sendall(b".")
            return str(tls.version())
    finally:
        client_side.close()
        thread.join()


@pytest.mark.parametrize("name", ["node-1", "localhost", "127.9.8.7", "::1"])
def test_a_certificate_is_good_for_every_name_and_address_it_was_issued_for(
    tmp_path: Path, name: str
) -> None:
    authority = Authority(tmp_path / "tls")
    certificate = authority.issue(tmp_path / "node", ["node-1", "localhost", "127.9.8.7", "::1"])
    assert handshake(certificate, authority.certificate, name) == "TLSv1.3"


def test_a_certificate_is_not_good_for_another_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue(tmp_path / "node", ["127.9.8.7"])
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        handshake(certificate, authority.certificate, "127.9.8.8")


def test_nobody_trusts_another_authority(tmp_path: Path) -> None:
    certificate = Authority(tmp_path / "one").issue(tmp_path / "node", ["localhost"])
    other = Authority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate, other.certificate, "localhost")


def test_only_the_owner_can_read_a_key_and_the_authority_keeps_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    certificate = authority.issue(tmp_path / "node", ["localhost"])
    assert stat.S_IMODE(certificate.key.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "tls").iterdir()] == ["ca.pem"]


def test_a_certificate_can_be_issued_again_under_the_same_or_another_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first = authority.issue(tmp_path / "node", ["localhost"])
    content = first.certificate.read_bytes()
    assert authority.issue(tmp_path / "node", ["localhost"]) == first
    assert first.certificate.read_bytes() != content
    other = authority.issue(tmp_path / "node", ["localhost"], file_name="short-lived")
    assert (other.certificate.name, other.key.name) == ("short-lived.pem", "short-lived-key.pem")


def test_a_certificate_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one host name"):
        Authority(tmp_path).issue(tmp_path, [])


def test_every_key_is_on_a_curve_whose_keys_are_made_at_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue(tmp_path / "node", ["localhost", "127.0.0.1"])
    for path in (authority.certificate, issued.certificate):
        public = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        assert public.curve.name == "secp256r1"
