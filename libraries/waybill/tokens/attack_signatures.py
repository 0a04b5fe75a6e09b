"""Tokens that the issuer never signed: no signature, a secret that everybody knows, keys of the attacker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from waybill.tokens import forge
from waybill.tokens.attack import Attack, Falsehood, Materials, text

_SPELLINGS: Final = {
    "none": "none",
    "none-capitalised": "None",
    "none-in-capitals": "NONE",
    "none-in-mixed-letters": "nOnE",
}
_NO_ALGORITHM: Final[dict[str, Any]] = {"empty": "", "null": None, "a-list": ["none"], "a-number": 0}
Make = Callable[[Materials], str]


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [*_without_algorithm(), *_confused(), *_other_keys()]


def _attack(family: str, id_: str, what: str, why: str, make: Make) -> Attack:
    return Attack(id_, family, Falsehood.SIGNATURE, what, why, make)


def _without_algorithm() -> list[Attack]:
    made = []
    for name, algorithm in _SPELLINGS.items():
        for how, signature in (("without-signature", b""), ("with-a-signature", bytes(range(64)))):
            what = (
                f'The algorithm is "{algorithm}", and the signature is {"garbage" if signature else "empty"}.'
            )
            made.append(
                _attack(
                    "no algorithm",
                    f"{name}-{how}",
                    what,
                    "RFC 8725, 3.1 and 3.2",
                    _forged(algorithm, signature),
                )
            )
    for name, value in _NO_ALGORITHM.items():
        made.append(
            _attack(
                "no algorithm",
                f"algorithm-{name}",
                f"The algorithm is {name.replace('-', ' ')}, and there is no signature.",
                "RFC 7515, 4.1.1; RFC 8725, 3.1",
                _forged(value, b""),
            )
        )
    made.append(
        _attack(
            "no algorithm",
            "algorithm-missing",
            "The header names no algorithm, and there is no signature.",
            "RFC 7515, 4.1.1",
            lambda it: forge.join(
                text({name: it.header[name] for name in it.header if name != "alg"}),
                text(it.claims),
                forge.unsigned,
            ),
        )
    )
    return made


def _pem(it: Materials) -> bytes:
    return forge.pem(it.key)


def _coordinate(it: Materials) -> bytes:
    return forge.decode(it.jwk["n"] if isinstance(it.key, rsa.RSAPublicKey) else it.jwk["x"])


def _point(it: Materials) -> bytes:
    if isinstance(it.key, ec.EllipticCurvePublicKey):
        return b"\x04" + forge.decode(it.jwk["x"]) + forge.decode(it.jwk["y"])
    return forge.der(it.key)[-64:]


_SECRETS: Final[dict[str, tuple[str, Callable[[Materials], bytes]]]] = {
    "the-pem": ("the issuer's public key in PEM", _pem),
    "the-pem-without-line-end": (
        "the issuer's public key in PEM, without the last line end",
        lambda it: _pem(it).rstrip(b"\n"),
    ),
    "the-der": ("the issuer's public key in DER", lambda it: forge.der(it.key)),
    "the-jwk": ("the issuer's public key as a JWK", lambda it: text(it.jwk)),
    "the-coordinate": ("the x coordinate (or the modulus) of the issuer's public key", _coordinate),
    "the-point": ("the point of the issuer's public key, uncompressed", _point),
}


def _confused() -> list[Attack]:
    made = []
    for algorithm in ("HS256", "HS384", "HS512"):
        for name, (words, secret) in _SECRETS.items():
            made.append(
                _attack(
                    "confused algorithms",
                    f"{algorithm.lower()}-of-{name}",
                    f"It is signed with {algorithm}, whose secret is {words}.",
                    "RFC 8725, 2.1 and 3.1",
                    _confusing(algorithm, secret),
                )
            )
    for name, word in (("nothing", b""), ("a-weak-secret", b"secret"), ("the-audience", b"waybill")):
        made.append(
            _attack(
                "confused algorithms",
                f"hs256-of-{name}",
                f"It is signed with HS256, whose secret is {name.replace('-', ' ')}.",
                "RFC 8725, 2.2 and 3.5",
                _secret(word),
            )
        )
    return made


def _other_keys() -> list[Attack]:
    signs: dict[str, tuple[str, Callable[[Materials], forge.Sign]]] = {
        "ES256": ("own-key-on-p-256", lambda it: it.own.es256),
        "ES384": ("own-key-on-p-384", lambda it: it.own.es384),
        "RS256": ("own-rsa-key-rs256", lambda it: it.own.rs256),
        "PS256": ("own-rsa-key-ps256", lambda it: it.own.ps256),
        "EdDSA": ("own-ed25519-key", lambda it: it.own.eddsa),
    }
    made = [
        _attack(
            "wrong key",
            name,
            f"It is signed with a key of the attacker ({algorithm}) under the genuine key id.",
            "RFC 7515, 5.2; RFC 8725, 3.1",
            _own_key(algorithm, sign),
        )
        for algorithm, (name, sign) in signs.items()
    ]
    made += [
        _attack(
            "wrong key",
            "es256-labelled-es384",
            "It is signed with ES256 by a key of the attacker, and says ES384.",
            "RFC 8725, 3.1",
            lambda it: it.forged(it.own.es256, {"alg": "ES384"}),
        ),
        _attack(
            "wrong key",
            "own-issuer",
            "It comes from another issuer, with that one's key and name.",
            "RFC 8725, 3.8; RFC 9068, 4",
            lambda it: it.forged(it.own.es256, {"kid": "own"}, {"iss": "https://issuer.example"}),
        ),
    ]
    return made


def _forged(algorithm: object, signature: bytes) -> Make:
    return lambda it: it.forged(lambda _: signature, {"alg": algorithm})


def _confusing(algorithm: str, secret: Callable[[Materials], bytes]) -> Make:
    return lambda it: it.forged(forge.shared_secret(algorithm, secret(it)), {"alg": algorithm})


def _secret(secret: bytes) -> Make:
    return _confusing("HS256", lambda _: secret)


def _own_key(algorithm: str, sign: Callable[[Materials], forge.Sign]) -> Make:
    return lambda it: it.forged(sign(it), {"alg": algorithm})
