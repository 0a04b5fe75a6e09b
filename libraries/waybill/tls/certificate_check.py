"""Whether the certificate that a server shows is good, as a careful client sees it."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from waybill.tls.places import ANSWER, Place

RSA_BITS, CURVE_BITS = 2048, 256
"""The smallest keys that are good enough (RFC 9325, 4.5)."""

_NO_SHORT_KEYS = "DEFAULT:@SECLEVEL=2"
"""The SSL library then refuses RSA keys below 2048 bits and SHA-1 anywhere in the chain."""

_SAID_ALREADY = frozenset({9, 10, 18, 66})
"""What the SSL library says of the certificate itself: not valid yet, expired, self-signed, a short key. The checks
here say it in more words."""


class CannotLook(Exception):
    """The server shows no certificate."""


def certificate_faults(
    place: Place, authority: Path | None, *, now: datetime.datetime | None = None, deadline: float = ANSWER
) -> list[str]:
    """What is wrong with the certificate of a place, each in a sentence without its subject; empty if it is good.

    The name must be among its alternative names (a common name counts for nothing, RFC 9525, 2), today among its days,
    the chain must end at the promised authority, its keys and signatures must be strong enough.

    Args:
        place: Where the server listens.
        authority: The promised authority (a PEM file); None for the system's own.
        now: The moment at which it must be in date; by default the present.
        deadline: Seconds for each handshake.

    Raises:
        CannotLook: There is no TLS handshake with it at all.
    """
    shown = x509.load_der_x509_certificate(_shown(place, deadline))
    faults = own_faults(shown, place.name, now or datetime.datetime.now(datetime.UTC))
    if shown.issuer == shown.subject and not _is_authority(shown, authority):
        faults.append("is signed by itself and not the promised authority's")
    code, reason = _refused(place, authority, deadline, name_matters=False)
    if reason and not (faults and code in _SAID_ALREADY):
        faults.append(f"does not lead to the promised authority: {reason}")
    if not faults:
        _, reason = _refused(place, authority, deadline, name_matters=True)
        faults += [f"is refused by the SSL library: {reason}"] if reason else []
    return faults


def own_faults(shown: x509.Certificate, name: str, now: datetime.datetime) -> list[str]:
    """What is wrong with a certificate whoever issued it: its names, its dates, its strength."""
    return [*_name_faults(shown, name), *_date_faults(shown, now), *_strength_faults(shown)]


def _shown(place: Place, deadline: float) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    try:
        with (
            place.connect(deadline) as connection,
            context.wrap_socket(connection, server_hostname=place.name) as tls,
        ):
            shown = tls.getpeercert(binary_form=True)
    except OSError as error:
        raise CannotLook(f"{place.title} shows no certificate: {error}") from None
    if shown is None:
        raise CannotLook(f"{place.title} shows no certificate: the handshake had none")
    return shown


def _name_faults(shown: x509.Certificate, name: str) -> list[str]:
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = [str(one.value) for one in shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        also = f"; its common name {', '.join(common)} counts for nothing" if common else ""
        return [f"has no alternative names, so it is not valid for {name}{also}"]
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    hosts = names.get_values_for_type(x509.DNSName)
    try:
        good = str(ipaddress.ip_address(name)) in addresses
    except ValueError:
        good = any(_matches(host.lower(), name.lower().rstrip(".")) for host in hosts)
    return (
        [] if good else [f"is not valid for {name}, only for {', '.join([*hosts, *addresses]) or 'nothing'}"]
    )


def _matches(pattern: str, name: str) -> bool:
    """Whether a name of a certificate covers a host name; `*` stands for exactly one whole leftmost label."""
    first, _, rest = pattern.partition(".")
    if first == "*" and "." in rest:
        return name.partition(".")[2] == rest
    return pattern == name


def _date_faults(shown: x509.Certificate, now: datetime.datetime) -> list[str]:
    if now > shown.not_valid_after_utc:
        return [f"expired on {shown.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"]
    if now < shown.not_valid_before_utc:
        return [f"is not valid before {shown.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"]
    return []


def _strength_faults(shown: x509.Certificate) -> list[str]:
    faults = []
    match shown.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits < RSA_BITS:
            faults.append(f"has an RSA key of {bits} bits; {RSA_BITS} are the least")
        case ec.EllipticCurvePublicKey(curve=curve) if curve.key_size < CURVE_BITS:
            faults.append(f"has a key on the curve {curve.name}; {CURVE_BITS} bits are the least")
        case (
            rsa.RSAPublicKey()
            | ec.EllipticCurvePublicKey()
            | ed25519.Ed25519PublicKey()
            | ed448.Ed448PublicKey()
        ):
            pass
        case other:
            faults.append(f"has a key of a kind that is no longer used: {type(other).__name__.strip('_')}")
    try:
        algorithm = shown.signature_hash_algorithm
    except Exception:  # an algorithm that the library does not know is not a good one
        return [*faults, "has a signature of an unknown kind"]
    if algorithm is not None and algorithm.name in {"md5", "sha1"}:
        faults.append(f"is signed with {algorithm.name.upper()}")
    return faults


def _is_authority(shown: x509.Certificate, authority: Path | None) -> bool:
    return authority is not None and shown in x509.load_pem_x509_certificates(authority.read_bytes())


def _refused(place: Place, authority: Path | None, deadline: float, *, name_matters: bool) -> tuple[int, str]:
    """Why the SSL library does not trust the place, as its number and in its words; 0 and nothing if it does."""
    context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    context.check_hostname = name_matters
    context.hostname_checks_common_name = False
    context.set_ciphers(_NO_SHORT_KEYS)
    try:
        with (
            place.connect(deadline) as connection,
            context.wrap_socket(connection, server_hostname=place.name),
        ):
            return 0, ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, str(error.verify_message)
    except OSError as error:
        raise CannotLook(f"{place.title} shakes hands with no careful client: {error}") from None
