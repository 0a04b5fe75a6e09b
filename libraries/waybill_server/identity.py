"""What a valid token says. Whoever only keeps it, or looks at it, needs nothing of cryptography."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from waybill_server.roles import USER

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

LONGEST_LIFETIME = 86_400.0
"""Seconds between a token's issue and its end: whoever steals one that is good for longer has stolen an account."""


class Identity(NamedTuple):
    """What a valid token says.

    Attributes:
        user: Who it speaks for.
        expires: The end of its validity, in seconds since 1970.
        device: The one device it is for; None for any.
        roles: What the user may do (RFC 9068, section 2.2.3.1); `user` alone where the token does not say.
        token_id: Its `jti`.
        issued_at: Its `iat`.
        confirmation: The key that its holder must prove to have; None for whoever holds the token.
        once: It is good for one login.
    """

    user: str
    expires: float
    device: str | None
    roles: frozenset[str] = frozenset({USER})
    token_id: str = ""
    issued_at: float = 0.0
    confirmation: EllipticCurvePublicKey | None = None
    once: bool = False
