"""Tokens written in another way than tokens are, and things in a token's place that are none.

A token that can be written in two ways has two texts, of which a list of used or revoked tokens knows one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Final

from waybill.tokens import forge
from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried, text

_BASE64URL: Final = "RFC 7515, 2; RFC 4648, 3.2 to 3.5"
_COMPACT: Final = "RFC 7519, 1 and 7.2; RFC 7515, 7.1"
_BEARER: Final = "RFC 6750, 2.1"

FRAME: Final = 150_000
"""Characters of a token that no server has to look at, and that still fit into a message of most protocols."""

MEBIBYTE: Final = 1_048_576

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [*_spellings(), *_shapes(), *_sizes(), *_no_tokens()]


def _attack(family: str, id_: str, what: str, why: str, make: Callable[[Materials], str]) -> Attack:
    return Attack(id_, family, Falsehood.KEY, what, why, make)


def _spellings() -> list[Attack]:
    spelled: dict[str, tuple[str, str, Callable[[str], str]]] = {
        "padded-signature": ("its signature padded", _BASE64URL, lambda one: f"{one}=="),
        "padded-everywhere": ("all three parts padded", _BASE64URL, _padded),
        "standard-alphabet": ("its signature in the standard alphabet of base64", _BASE64URL, _standard),
        "trailing-bits": ("its last character saying the same with other bits", _BASE64URL, _trailing_bits),
        "line-break-inside": ("a line break in its signature", _BASE64URL, lambda one: _inside(one, "\r\n")),
        "space-inside": ("a space in its signature", _BASE64URL, lambda one: _inside(one, " ")),
        "foreign-character-inside": (
            "a character in its signature that base64 does not have",
            _BASE64URL,
            lambda one: _inside(one, "!"),
        ),
        "line-break-after": ("a line break after it", _BEARER, lambda one: f"{one}\n"),
        "space-before": ("a space before it", _BEARER, lambda one: f" {one}"),
        "tab-after": ("a tab after it", _BEARER, lambda one: f"{one}\t"),
        "quoted": ("quotation marks around it", _BEARER, lambda one: f'"{one}"'),
        "bearer-before": ('the word "Bearer" before it', _BEARER, lambda one: f"Bearer {one}"),
        "bearer-before-in-small-letters": ('"bearer" before it', _BEARER, lambda one: f"bearer {one}"),
        "dot-after": ("a dot after it", _COMPACT, lambda one: f"{one}."),
        "dot-before": ("a dot before it", _COMPACT, lambda one: f".{one}"),
        "escaped-dots": ("its dots escaped as in a URL", _COMPACT, lambda one: one.replace(".", "%2E")),
        "in-capitals": ("all of its letters in capitals", _COMPACT, str.upper),
        "in-small-letters": ("all of its letters small", _COMPACT, str.lower),
    }
    return [
        _attack(
            "spelling",
            name,
            f"It is a token of the victim with {words}.",
            why,
            _spelled(spell),
        )
        for name, (words, why, spell) in spelled.items()
    ]


def _shapes() -> list[Attack]:
    shaped: dict[str, tuple[str, Callable[[Materials], str]]] = {
        "two-tokens-with-a-comma": (
            "Two tokens of the victim stand side by side.",
            lambda it: f"{it.stolen},{it.stolen_too}",
        ),
        "two-tokens-with-a-dot": (
            "Two tokens, one of the attacker and one of the victim, are joined.",
            lambda it: f"{it.genuine}.{it.stolen}",
        ),
        "two-tokens-in-one": (
            "The header and the claims are the victim's, then come those of the attacker with their signature.",
            lambda it: f"{it.stolen.rpartition('.')[0]}.{it.genuine}",
        ),
        "json-serialization": ("The token is written as JSON, with a list of signatures.", _as_json),
        "json-flattened": ("The token is written as JSON, with one signature.", _as_flat_json),
        "encrypted-shape": (
            "It has five parts, as an encrypted token has.",
            lambda it: ".".join(
                (
                    forge.encode(text({"alg": "dir", "enc": "A256GCM", "typ": "at+jwt"})),
                    "",
                    forge.encode(bytes(12)),
                    forge.encode(text(it.claims)),
                    forge.encode(bytes(16)),
                )
            ),
        ),
        "token-in-a-token": (
            "Its claims are another token, of the victim (cty JWT).",
            lambda it: forge.join(text({**it.header, "cty": "JWT"}), it.stolen.encode(), it.own.es256),
        ),
        "claims-a-list": (
            "Its claims are a list.",
            lambda it: forge.join(text(it.header), json.dumps([it.claims]).encode(), it.own.es256),
        ),
        "header-a-list": (
            "Its header is a list.",
            lambda it: forge.join(json.dumps([it.header]).encode(), text(it.claims), it.own.es256),
        ),
        "claims-not-utf-8": (
            "Its claims are not UTF-8.",
            lambda it: forge.join(text(it.header), text(it.claims)[:-1] + b',"x":"\xff"}', it.own.es256),
        ),
        "claims-not-json": (
            "Its claims are no JSON.",
            lambda it: forge.join(text(it.header), b"sub=" + it.victim.encode(), it.own.es256),
        ),
    }
    return [_attack("shape", name, what, _COMPACT, make) for name, (what, make) in shaped.items()]


def _sizes() -> list[Attack]:
    return [
        _attack(
            "size",
            "header-nested-50-deep",
            "A member of its header is nested 50 deep.",
            "RFC 8259, 9; RFC 7515, 5.2",
            lambda it: it.forged(it.own.es256, {"x": _nested(50)}),
        ),
        _attack(
            "size",
            "claims-nested-50-deep",
            "A claim is nested 50 deep, under a signature of the attacker.",
            "RFC 8259, 9; RFC 7515, 5.2",
            lambda it: it.forged(it.own.es256, None, {"x": _nested(50)}),
        ),
        _attack(
            "size",
            "header-nested-too-deep-to-read",
            "Its header opens 5000 lists.",
            "RFC 8259, 9; RFC 7515, 5.2",
            lambda it: forge.join(b'{"alg":"ES256","x":' + b"[" * 5000, text(it.claims), it.own.es256),
        ),
        _attack(
            "size",
            "oversize",
            f"It has more than {FRAME:,} characters, under a signature of the attacker.",
            "RFC 8725, 2.8",
            lambda it: it.forged(it.own.es256, None, {"x": "x" * FRAME}),
        ),
        Attack(
            "oversize-of-a-mebibyte",
            "size",
            Falsehood.KEY,
            "It has more than a mebibyte, under a signature of the attacker.",
            "RFC 8725, 2.8",
            lambda it: it.forged(it.own.es256, None, {"x": "x" * MEBIBYTE}),
            outsize=True,
        ),
    ]


def _no_tokens() -> list[Attack]:
    words: dict[str, tuple[str, Callable[[Materials], str]]] = {
        "nothing": ("nothing at all", lambda _: ""),
        "one-word": ("a word", lambda _: "token"),
        "the-word-null": ('the word "null"', lambda _: "null"),
        "two-dots": ("two dots", lambda _: ".."),
        "random-text": ("random text of a token's length", lambda _: forge.encode(bytes(range(256)))),
        "the-account": ("the victim's name", lambda it: it.victim),
        "the-claims": ("the victim's claims as JSON", lambda it: text(it.claims).decode()),
    }
    return [
        _attack("no token", name, f"In the place of a token there is {what}.", "RFC 7519, 7.2", make)
        for name, (what, make) in words.items()
    ]


def _spelled(spell: Callable[[str], str]) -> Callable[[Materials], str]:
    return lambda it: spell(it.stolen)


def _padded(token: str) -> str:
    return ".".join(part + "=" * (-len(part) % 4) for part in token.split("."))


def _standard(token: str) -> str:
    body, _, signature = token.rpartition(".")
    return f"{body}.{base64.b64encode(forge.decode(signature)).decode()}"


def _trailing_bits(token: str) -> str:
    """The last character says 2 or 4 bits that belong to no byte; they are 0 in the one proper spelling."""
    signature = token.rpartition(".")[2]
    if len(signature) % 4 == 0:
        raise NotTried("the signature fills its last character")
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) + 1]


def _inside(token: str, foreign: str) -> str:
    return token[:-10] + foreign + token[-10:]


def _nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth - 1):
        found = [found]
    return found


def _as_json(it: Materials) -> str:
    header, claims, signature = forge.split(it.stolen)
    return json.dumps({"payload": claims, "signatures": [{"protected": header, "signature": signature}]})


def _as_flat_json(it: Materials) -> str:
    header, claims, signature = forge.split(it.stolen)
    return json.dumps({"payload": claims, "protected": header, "signature": signature})
