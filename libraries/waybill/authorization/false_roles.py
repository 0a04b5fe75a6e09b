"""Requests of administration with tokens that say more than the issuer did."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from waybill.authorization import table
from waybill.authorization.acts import NotTried
from waybill.authorization.administering import Bureau, Seen, request, rule
from waybill.authorization.checked import Trial
from waybill.authorization.office import Office
from waybill.authorization.table import Case
from waybill.devices import forging
from waybill.history.events import Completion
from waybill.history.promises import seconds
from waybill.tokens import forge
from waybill.tokens.reading import token_id

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario

CLAIM: Final = "roles"
"""The claim that says the roles (RFC 9068, section 2.2.3.1)."""


def try_false_roles(scenario: Scenario, office: Office, sender: str, recipient: str) -> Trial:
    """Tries every case of the part `false-role`, the genuine token first."""
    trial = Trial()
    cases = table.part("false-role").cases()
    try:
        if not office.operations:
            raise NotTried(f"the target {scenario.target.name} has no administration")
        bureau = Bureau(scenario, office, sender, recipient)
    except NotTried as reason:
        for case in cases:
            trial.skipped(case, str(reason))
        return trial
    for case in sorted(cases, key=lambda case: case.person != "genuine"):
        try:
            trial.saw(case, *_try(bureau, case))
        except NotTried as reason:
            trial.skipped(case, str(reason))
    return trial


def _try(bureau: Bureau, case: Case) -> Seen:
    token = _TOKENS[case.person](bureau)
    if case.operation == "forbid":
        return rule(bureau, token)
    if case.operation == "list_revocations":
        outcome = bureau.ask(case.operation, token, {})
        return outcome.completion is Completion.OK, outcome.code or "done"
    subject = bureau.subject(bureau.person("user", "other"))
    try:
        return request(bureau, case.operation, token, subject)
    finally:
        bureau.leave(subject)


def _own(bureau: Bureau) -> str:
    return bureau.token(bureau.callers["user"])


def _genuine(bureau: Bureau) -> str:
    return bureau.token(bureau.callers["admin"])


def _edited(
    bureau: Bureau, claims: Mapping[str, Any], header: Mapping[str, Any], sign: forge.Sign | None
) -> str:
    """The user's own token with other claims and another header; without `sign` under the signature that it had."""
    first, second, signature = forge.split(_own(bureau))
    heading = json.loads(forge.decode(first)) | dict(header)
    payload = json.loads(forge.decode(second)) | dict(claims)
    return forge.join(_text(heading), _text(payload), sign or (lambda _: forge.decode(signature)))


def _text(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _as_admin(bureau: Bureau, header: Mapping[str, Any], sign: forge.Sign | None) -> str:
    return _edited(bureau, {CLAIM: ["admin"]}, header, sign)


def _subject_edited(bureau: Bureau) -> str:
    account = bureau.scenario.users[bureau.callers["admin"]].account.user
    return _edited(bureau, {"sub": account, CLAIM: ["admin"]}, {}, None)


def _own_key(bureau: Bureau) -> str:
    keys = forge.own_keys()
    return _as_admin(bureau, {"alg": "ES256", "jwk": keys.jwk("mine")}, keys.es256)


def _shared_secret(bureau: Bureau) -> str:
    keys = forging.issuer_of(bureau.scenario).keys()
    kid = json.loads(forge.decode(forge.split(_own(bureau))[0])).get("kid")
    for key in keys:
        if key.get("kid") == kid:
            secret = forge.pem(forge.public_key(key))
            return _as_admin(bureau, {"alg": "HS256"}, forge.shared_secret("HS256", secret))
    raise NotTried("the issuer does not publish the key that it signs with")


def _signature_of_another(bureau: Bureau) -> str:
    head, payload, _ = forge.split(_genuine(bureau))
    return f"{head}.{payload}.{forge.split(_own(bureau))[2]}"


def _odd(bureau: Bureau, **oddities: object) -> str:
    if not bureau.scenario.target.odd_tokens:
        raise NotTried("the issuer gives no such token")
    more = {name: one if isinstance(one, str) else json.dumps(one) for name, one in oddities.items()}
    return forging.token_of(bureau.scenario, bureau.callers["admin"], more)


def _expired(bureau: Bureau) -> str:
    leeway = math.ceil(seconds(bureau.scenario.target.promises.get("token_leeway")) or 0.0)
    return _odd(bureau, lifetime=-leeway - 5, issued_at=-leeway - 600)


def _revoked(bureau: Bureau) -> str:
    token = _genuine(bureau)
    outcome = bureau.ask("revoke_token", _genuine(bureau), {"token_id": token_id(token)})
    if outcome.completion is not Completion.OK:
        raise NotTried(f"an administrator's own token cannot be revoked ({outcome.code})")
    return token


_TOKENS: Final[dict[str, Callable[[Bureau], str]]] = {
    "genuine": _genuine,
    "no-token": lambda _: "",
    "a-word": lambda _: "open-sesame",
    "of-a-user": _own,
    "role-edited": lambda bureau: _as_admin(bureau, {}, None),
    "subject-edited": _subject_edited,
    "unsigned": lambda bureau: _as_admin(bureau, {"alg": "none"}, forge.unsigned),
    "own-key": _own_key,
    "shared-secret": _shared_secret,
    "signature-of-another": _signature_of_another,
    "expired": _expired,
    "for-others": lambda bureau: _odd(bureau, audience="elsewhere"),
    "revoked": _revoked,
}
"""How each false token is made."""
