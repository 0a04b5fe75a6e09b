"""What the claims of a token must say (RFC 9068, sections 2.2 and 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from waybill_server.conversations import legal_name
from waybill_server.identity import LONGEST_LIFETIME, Identity
from waybill_server.proof import confirmation_key
from waybill_server.roles import USER
from waybill_server.token_form import TokenRefused

REQUIRED_CLAIMS = ("iss", "sub", "aud", "iat", "exp", "jti", "client_id")

LEEWAY = 0.0
"""Seconds that the clocks of issuer and node may differ: none. A token is good from the second of its issue to the
one before its end."""


def identity_of(claims: Mapping[str, Any], issuer: str, audience: str, now: float) -> Identity:
    """Who these claims, whose signature is verified, speak for.

    Raises:
        TokenRefused: They are not for here, or not for now, or a required one is missing or of another kind.
    """
    for name in REQUIRED_CLAIMS:
        if name not in claims:
            raise TokenRefused(f"the claim {name} is missing")
    if claims["iss"] != issuer:
        raise TokenRefused("another issuer")
    if claims["aud"] != audience:
        raise TokenRefused("another audience, or not this one alone")
    if not _text(claims["jti"]) or not _text(claims["client_id"]):
        raise TokenRefused("jti or client_id is no text")
    user, device = claims["sub"], claims.get("device")
    if not isinstance(user, str) or not legal_name(user):
        raise TokenRefused("the subject is no legal user name")
    if not (device is None or isinstance(device, str)):
        raise TokenRefused("the device is no text")
    return Identity(
        user,
        _end(claims, now),
        device,
        roles=_roles(claims),
        token_id=claims["jti"],
        issued_at=_date(claims, "iat"),
        confirmation=confirmation_key(claims["cnf"]) if "cnf" in claims else None,
        once=_once(claims),
    )


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    roles = claims.get("roles", [USER])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenRefused("the roles are no list of texts")
    return frozenset(roles)


def _once(claims: Mapping[str, Any]) -> bool:
    once = claims.get("once", False)
    if not isinstance(once, bool):
        raise TokenRefused("the claim once is neither true nor false")
    return once


def _end(claims: Mapping[str, Any], now: float) -> float:
    """The end of the validity, which has begun and is not over."""
    issued, end = _date(claims, "iat"), _date(claims, "exp")
    begin = _date(claims, "nbf") if "nbf" in claims else issued
    if end <= now - LEEWAY:
        raise TokenRefused("expired")
    if max(issued, begin) > now + LEEWAY:
        raise TokenRefused("issued in the future, or not yet valid")
    if end - issued > LONGEST_LIFETIME:
        raise TokenRefused(f"good for more than {LONGEST_LIFETIME:g} s")
    return end


def _date(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519, section 2): a number, and one that is a moment."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"the claim {name} is no number")
    try:
        date = float(value)
    except OverflowError:
        date = math.inf
    if not 0 <= date < 2**53:
        raise TokenRefused(f"the claim {name} is no moment")
    return date


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""
