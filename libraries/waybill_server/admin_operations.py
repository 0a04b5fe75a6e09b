"""What the calls of a node's interface of administration do."""

from __future__ import annotations

from waybill_server.admin_calls import Call, Failed, Outcome
from waybill_server.conversations import legal_name
from waybill_server.enforcement import NotAdmitted
from waybill_server.https_client import IssuerFailed
from waybill_server.issuer_client import IssuerForbids
from waybill_server.revocations import RevocationFaulty, Target, target_of
from waybill_server.roles import ADMIN, MODERATORS
from waybill_server.store import StoreFailed


async def list_sessions(call: Call) -> Outcome:
    """The open sessions, of one user or of all; a user sees their own only."""
    user = call.query.get("user")
    if call.query.keys() - {"user"} or (user is not None and not legal_name(user)):
        raise Failed(400, "malformed", "expected no query, or user=NAME")
    if user != call.caller.user and not call.caller.roles & MODERATORS:
        raise Failed(403, "forbidden")
    sessions = [
        {
            "user": session.user,
            "device": session.device,
            "session": session.name,
            "token": session.admission.token if session.admission else "",
            "since": session.since,
        }
        for session in call.services.sessions
        if session.opened and user in (None, session.user)
    ]
    return Outcome(200, {"sessions": sorted(sessions, key=lambda one: (one["since"], one["session"]))})


async def end_session(call: Call) -> Outcome:
    """Ends a session by its name."""
    for session in tuple(call.services.sessions):
        if session.opened and session.name == call.name:
            try:
                await call.enforcement.end(session, call.admission)
            except NotAdmitted:
                raise Failed(401, "unauthenticated") from None
            except StoreFailed as error:
                raise Failed(503, "storage", str(error)) from None
            return Outcome(200, {"at": call.services.clock.wall_ms(), "sessions_ended": 1})
    raise Failed(404, "not_found", "no such session is open")


async def list_links(call: Call) -> Outcome:
    """The links to other nodes; none for a node alone."""
    beyond = call.services.beyond
    return Outcome(200, {"links": beyond.links() if beyond is not None else []})


async def list_revocations(call: Call) -> Outcome:
    """What is revoked."""
    listed = [{**target.document(), "at": at} for target, at in call.services.store.revocations()]
    return Outcome(200, {"revocations": listed})


async def revoke(call: Call) -> Outcome:
    """Revokes a token, a user or a device. What the caller's token alone allows is enforced at once, before the issuer
    is told; for the rest the issuer, which knows the accounts, says whether the caller may."""
    try:
        target = target_of(call.body)
    except RevocationFaulty as faulty:
        raise Failed(400, "malformed", str(faulty)) from None
    ended, own = 0, _decided(call, target)
    try:
        if own:
            ended = (await call.enforcement.revoke(target, None, call.admission, everywhere=False)).ended
        elif target.user and not call.caller.roles & MODERATORS:
            raise Failed(403, "forbidden")
        told = await _told(call, target, own)
        # Once more: what the issuer gave between, for a refresh token that it had not ended yet, is concerned too.
        done = await call.enforcement.revoke(target, told, None if own else call.admission)
    except NotAdmitted:
        raise Failed(401, "unauthenticated") from None
    except StoreFailed as error:
        raise Failed(503, "storage", str(error)) from None
    if done.untold:
        raise Failed(
            503,
            "unavailable",
            f"could not tell yet, and will as soon as it can: {', '.join(done.untold)}. This node enforces it already; "
            "ask again to have it confirmed",
        )
    return Outcome(200, {"at": done.at, "sessions_ended": ended + done.ended})


def _decided(call: Call, target: Target) -> bool:
    """Whether the caller's token alone says that the caller may."""
    caller = call.caller
    return ADMIN in caller.roles or target.user == caller.user


async def _told(call: Call, target: Target, own: bool) -> int:
    try:
        return await call.enforcement.tell(call.issuer.informer(target, call.token))
    except IssuerForbids:
        if not own:
            raise Failed(403, "forbidden") from None
        reason = "it does not let the caller revoke this"
    except IssuerFailed as failed:
        reason = str(failed)
    done = "this node enforces it already" if own else "nothing is revoked"
    raise Failed(502, "issuer", f"the issuer was not told: {reason}; {done}")
