"""Genuine tokens whose signature, or what is under it, was edited."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from waybill.tokens import forge
from waybill.tokens.attack import Attack, Falsehood, Materials, text

Make = Callable[[Materials], str]

_ECDSA: Final = "RFC 7515, 5.2; CVE-2022-21449"


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [*_edited_signatures(), *_edited_payloads()]


def _attack(family: str, id_: str, what: str, why: str, make: Make) -> Attack:
    return Attack(id_, family, Falsehood.SIGNATURE, what, why, make)


def _edited_signatures() -> list[Attack]:
    edits: dict[str, tuple[str, str, Callable[[bytes], bytes]]] = {
        "signature-stripped": ("The signature is empty.", "RFC 7515, 5.2", lambda _: b""),
        "signature-cut-in-half": (
            "Only the first half of the signature is there.",
            "RFC 7515, 5.2; RFC 7518, 3.4",
            lambda one: one[: len(one) // 2],
        ),
        "signature-without-last-byte": (
            "The last byte of the signature is missing.",
            "RFC 7515, 5.2; RFC 7518, 3.4",
            lambda one: one[:-1],
        ),
        "signature-with-a-byte-more": (
            "One byte follows the signature.",
            "RFC 7515, 5.2; RFC 7518, 3.4",
            lambda one: one + b"\0",
        ),
        "signature-twice": (
            "The signature is there twice.",
            "RFC 7515, 5.2; RFC 7518, 3.4",
            lambda one: one + one,
        ),
        "signature-bit-flipped": (
            "One bit in the middle of the signature is flipped.",
            "RFC 7515, 5.2",
            lambda one: _flipped(one, len(one) // 2),
        ),
        "signature-last-bit-flipped": (
            "The last bit of the signature is flipped.",
            "RFC 7515, 5.2",
            lambda one: _flipped(one, len(one) - 1),
        ),
        "signature-in-der": (
            "The signature is encoded in DER.",
            "RFC 7518, 3.4",
            forge.der_signature,
        ),
        "signature-halves-swapped": (
            "The two numbers of the signature have changed places.",
            "RFC 7515, 5.2",
            lambda one: one[len(one) // 2 :] + one[: len(one) // 2],
        ),
        "signature-of-zeros": (
            "Both numbers of the signature are 0, which a careless verifier takes for every message's.",
            _ECDSA,
            lambda one: bytes(len(one)),
        ),
        "signature-of-the-order": (
            "Both numbers of the signature are the order of the curve, which is 0 to a careless verifier.",
            _ECDSA,
            lambda _: forge.ORDER.to_bytes(32, "big") * 2,
        ),
    }
    made = [
        _attack(
            "edited signature",
            name,
            what,
            why,
            _with_signature(edit),
        )
        for name, (what, why, edit) in edits.items()
    ]
    made += [
        _attack(
            "edited signature",
            "signature-missing",
            "The token ends after its claims.",
            "RFC 7515, 7.1",
            lambda it: it.stolen.rpartition(".")[0],
        ),
        _attack(
            "edited signature",
            "signature-of-another-token",
            "The signature is the one of another token of the same user.",
            "RFC 7515, 5.2",
            lambda it: _resigned(it.stolen, forge.decode(forge.split(it.stolen_too)[2])),
        ),
    ]
    return made


def _edited_payloads() -> list[Attack]:
    def edited(**claims: Any) -> Make:
        return lambda it: _reworded(it.stolen, text(it.claims | claims))

    return [
        _attack(
            "edited claims",
            "subject-edited",
            "The attacker's own token names the victim, under the old signature.",
            "RFC 7519, 7.2; RFC 7515, 5.2",
            lambda it: _reworded(it.genuine, text(it.claims)),
        ),
        _attack(
            "edited claims",
            "end-edited",
            "A token of the victim ends a day later, under the old signature.",
            "RFC 7519, 7.2; RFC 7515, 5.2",
            lambda it: _reworded(it.stolen, text(it.claims | {"exp": int(time.time()) + 86_000})),
        ),
        _attack(
            "edited claims",
            "device-edited",
            "A token of the victim names another device, under the old signature.",
            "RFC 7519, 7.2; RFC 7515, 5.2",
            lambda it: _reworded(it.stolen, text({**it.claims, "device": "device-edited"})),
        ),
        _attack(
            "edited claims",
            "roles-edited",
            "A token of the victim has every role and scope, under the old signature.",
            "RFC 7519, 7.2; RFC 7515, 5.2",
            edited(roles=["admin"], scope="admin", admin=True),
        ),
        _attack(
            "edited claims",
            "claims-respaced",
            "The claims of a token of the victim are spaced in another way, under the old signature.",
            "RFC 7515, 5.2",
            lambda it: _reworded(it.stolen, b" " + forge.decode(forge.split(it.stolen)[1])),
        ),
        _attack(
            "edited claims",
            "header-edited",
            "The header of a token of the victim has a member more, under the old signature.",
            "RFC 7515, 5.2",
            lambda it: ".".join((forge.encode(text({**it.header, "x": 1})), *forge.split(it.stolen)[1:])),
        ),
    ]


def _with_signature(edit: Callable[[bytes], bytes]) -> Make:
    return lambda it: _resigned(it.stolen, edit(forge.decode(forge.split(it.stolen)[2])))


def _flipped(signature: bytes, place: int) -> bytes:
    return signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]


def _resigned(token: str, signature: bytes) -> str:
    return f"{token.rpartition('.')[0]}.{forge.encode(signature)}"


def _reworded(token: str, claims: bytes) -> str:
    header, _, signature = forge.split(token)
    return f"{header}.{forge.encode(claims)}.{signature}"
