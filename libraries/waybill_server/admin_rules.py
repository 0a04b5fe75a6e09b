"""The calls of administration about who may write to whom."""

from __future__ import annotations

from waybill_server.admin_calls import Call, Failed, Outcome
from waybill_server.conversations import legal_name
from waybill_server.enforcement import NotAdmitted
from waybill_server.permissions import ANYBODY
from waybill_server.records import RuleRequest
from waybill_server.store import StoreFailed

MEMBERS = frozenset({"sender", "recipient"})


async def list_rules(call: Call) -> Outcome:
    """All rules."""
    rules = [rule._asdict() for rule in call.services.store.permissions.rules()]
    return Outcome(200, {"rules": rules})


async def put_rule(call: Call) -> Outcome:
    """Makes a rule, in place of an earlier one for the same pair."""
    allowed = call.body.get("allowed")
    if not isinstance(allowed, bool) or call.body.keys() != MEMBERS | {"allowed"}:
        raise Failed(400, "malformed", 'expected {"sender", "recipient", "allowed": true or false}')
    return await _ruled(call, allowed)


async def delete_rule(call: Call) -> Outcome:
    """Takes a rule away; one that is not there is gone already."""
    if call.body.keys() != MEMBERS:
        raise Failed(400, "malformed", 'expected {"sender", "recipient"}')
    return await _ruled(call, None)


async def _ruled(call: Call, allowed: bool | None) -> Outcome:
    sender, recipient = (_name(call, member) for member in ("sender", "recipient"))
    try:
        await call.enforcement.store(
            lambda done: RuleRequest(done, sender, recipient, allowed), call.admission
        )
    except NotAdmitted:
        raise Failed(401, "unauthenticated") from None
    except StoreFailed as error:
        raise Failed(503, "storage", str(error)) from None
    return await list_rules(call)


def _name(call: Call, member: str) -> str:
    name = call.body.get(member)
    legal = isinstance(name, str) and (name == ANYBODY or legal_name(name))
    if isinstance(name, str) and legal and len(name) <= call.services.limits.name:
        return name
    raise Failed(400, "malformed", f"{member} is no user's name, and not '{ANYBODY}'")
