"""What an attack is, and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from waybill.tokens import forge
from waybill.tokens.forge import Claims, OwnKeys, Sign


class Falsehood(Enum):
    """What is false about a token, in the large."""

    SIGNATURE = "signature"
    """The issuer never signed it."""
    KEY = "key"
    """It says itself which key it is to be verified with, or is written in another way than tokens are."""
    CLAIMS = "claims"
    """The issuer signed it, and it says what must not be accepted here and now."""


class NotTried(Exception):
    """An attack cannot be made against this target; the text says why."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One false token.

    Attributes:
        id: Its name.
        family: What it belongs to, in words.
        falsehood: What is false about it, in the large.
        what: What is false about it, in one sentence.
        why: The section of the standard that demands the refusal.
        make: Makes it.
        odd: The issuer has to sign it on request.
        outsize: It is larger than what a server has to read at all, so the end of the connection is an answer too.
    """

    id: str
    family: str
    falsehood: Falsehood
    what: str
    why: str
    make: Callable[[Materials], str]
    odd: bool = False
    outsize: bool = False


@dataclass(frozen=True)
class Materials:
    """What false tokens are made of.

    Attributes:
        genuine: A token that the issuer gave to the attacker.
        stolen: One that it gave to the victim, whose text the attacker got hold of.
        stolen_too: Another one of the victim.
        victim: The account to impersonate.
        keys: The issuer's public keys, as it publishes them.
        listener: Where the attacker listens, `127.0.0.1:PORT`.
        leeway: Seconds that the server promises to overlook at a token's end.
        sign_odd: Lets the issuer sign odd claims for the victim; None where no issuer does that.
    """

    genuine: str = field(repr=False)
    stolen: str = field(repr=False)
    stolen_too: str = field(repr=False)
    victim: str
    keys: list[Claims]
    listener: str
    leeway: float = 0.0
    sign_odd: Callable[[Mapping[str, str]], str] | None = None

    @property
    def own(self) -> OwnKeys:
        """The attacker's keys."""
        return forge.own_keys()

    @cached_property
    def header(self) -> Claims:
        """The header of a genuine token."""
        header: Claims = json.loads(forge.decode(forge.split(self.genuine)[0]))
        return header

    @cached_property
    def claims(self) -> Claims:
        """The claims of the victim, as the issuer writes them."""
        claims: Claims = json.loads(forge.decode(forge.split(self.stolen)[1]))
        return claims

    @cached_property
    def jwk(self) -> Claims:
        """The public key that the genuine token is verified with.

        Raises:
            NotTried: It is not in the issuer's set.
        """
        for key in self.keys:
            if key.get("kid") == self.header.get("kid"):
                return key
        raise NotTried("the issuer does not publish the key that it signs with")

    @cached_property
    def key(self) -> forge.PublicKey:
        """The same as a key."""
        try:
            return forge.public_key(self.jwk)
        except ValueError as error:
            raise NotTried(f"the issuer's key cannot be read: {error}") from None

    def forged(
        self, sign: Sign, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None
    ) -> str:
        """The victim's claims under a genuine header, both changed as given, signed by anybody."""
        return forge.join(
            text(self.header | dict(header or {})), text(self.claims | dict(claims or {})), sign
        )

    def signed(self, **oddities: object) -> str:
        """A token of the victim with these oddities, signed by the issuer.

        Raises:
            NotTried: No issuer of this target does that.
        """
        if self.sign_odd is None:
            raise NotTried("the issuer gives no such token")
        return self.sign_odd(
            {name: one if isinstance(one, str) else json.dumps(one) for name, one in oddities.items()}
        )


def text(members: Mapping[str, Any]) -> bytes:
    """Members as the JSON of a token."""
    return json.dumps(members, separators=(",", ":")).encode()
