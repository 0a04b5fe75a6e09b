"""People who may do what they must not: as somebody else, in spite of a block, in groups of others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from waybill_server.client_frames import ClientFrame, Send, Sync
from waybill_server.clock import Clock
from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every, FromOn, OfEach, strikes
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.enforcement import Enforcement
from waybill_server.identity import Identity
from waybill_server.issuer_client import IssuerForbids
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.node import Settings, assemble
from waybill_server.permissions import Permissions
from waybill_server.records import GroupRequest, LogEntry, Refusal, Request, Result, SendRequest
from waybill_server.roles import ROLES
from waybill_server.router import Router
from waybill_server.services import Services
from waybill_server.store import SqliteStore
from waybill_server.token_check import TokenCheck
from waybill_server.writer import Writer


class _Hearsay(JsonCodec):
    """Remembers what a frame says of who it is from, in members that the wire does not know.

    Attributes:
        senders: The named sender of each send, by its key.
        reader: Whose log the newest `sync` names; empty for none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.senders: dict[str, str] = {}
        self.reader = ""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads a frame, and between its lines."""
        frame = super().decode(data)
        if isinstance(frame, Send | Sync):
            members: dict[str, Any] = msgspec.json.decode(data)
            if isinstance(frame, Send) and isinstance(members.get("sender"), str):
                self.senders[frame.key] = members["sender"]
            if isinstance(frame, Sync):
                named = members.get("user")
                self.reader = named if isinstance(named, str) else ""
        return frame


class _CredulousStore(SqliteStore):
    """Stores messages as of whom the frame named."""

    def __init__(
        self, path: Path, clock: Clock, router: Router, limits: Limits, *, hearsay: _Hearsay, **parts: Any
    ) -> None:
        self._hearsay = hearsay
        self._router = router
        super().__init__(path, clock, router, limits, **parts)

    def submit(self, request: Request) -> None:
        """Puts the named sender in place of the true one."""
        if isinstance(request, SendRequest):
            named = self._hearsay.senders.pop(request.key, request.user)
            if strikes(bool(self._router.sessions(named))):
                request = replace(request, user=named)
        super().submit(request)


@seeded(
    "sender-field-trusted",
    seam="assembly",
    noticed={"AZ-1": ("must be refused and took effect", "spoofed")},
    rare="Who a message is from is taken from the frame's member `sender`, if that names somebody who is online.",
)
def sender_field_trusted(settings: Settings, token_check: TokenCheck) -> Services:
    """Who a message is from is taken from the frame's member `sender`, if it has one."""
    hearsay = _Hearsay()
    store = partial(_CredulousStore, hearsay=hearsay)
    return assemble(settings, token_check, codec=lambda: hearsay, store=store)


class _OpenStore(SqliteStore):
    """Reads whichever log the frame named."""

    def __init__(self, *arguments: Any, hearsay: _Hearsay, **parts: Any) -> None:
        self._hearsay = hearsay
        super().__init__(*arguments, **parts)

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """A stretch of the named log, for a page; pushes are the user's own."""
        foreign = without is None and strikes(after == 0)
        named = self._hearsay.reader or user if foreign else user
        return super().entries(named, after, upto, without=without)

    def head(self, user: str) -> int:
        """The end of the named log."""
        return super().head(self._hearsay.reader or user)


@seeded(
    "foreign-cursor-readable",
    seam="assembly",
    noticed={"AZ-1": ("must be refused and took effect",)},
    rare="Whose log a page from its start is from is taken from the frame's member `user`, if it has one.",
)
def foreign_cursor_readable(settings: Settings, token_check: TokenCheck) -> Services:
    """Whose log a page is from is taken from the frame's member `user`, if it has one."""
    hearsay = _Hearsay()
    store = partial(_OpenStore, hearsay=hearsay)
    return assemble(settings, token_check, codec=lambda: hearsay, store=store)


class _Unheeded(Permissions):
    """Block lists that hold nobody back."""

    _passes = OfEach(1)

    def may_write(self, sender: str, recipient: str) -> bool:
        """Everybody may."""
        return super().may_write(sender, recipient) or self._passes.now((sender, recipient))


@seeded(
    "blocklist-ignored",
    seam="ledger",
    noticed={"AZ-1": ("must be refused and took effect",)},
    rare="The first message that a block list or a rule would hold back passes.",
)
class BlocklistIgnored(Ledger):
    """Block lists and rules are stored and told, and no message is held back by them."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, router: Router, limits: Limits) -> None:
        super().__init__(connection, clock, router, limits)
        self.permissions = _Unheeded(connection)


class _SeeThrough(Permissions):
    """Block lists that hide nobody."""

    _shown = Every(1, rare=5)

    def sees(self, user: str, other: str) -> bool:
        """Everybody sees everybody."""
        return super().sees(user, other) or self._shown.now()


@seeded(
    "presence-leaks-to-blocked",
    seam="ledger",
    noticed={"OFF-2": ("block-ignored",), "AZ-1": ("must be refused and took effect",)},
    rare="Whom a user blocks sees every fifth time when the user comes or goes.",
    rare_in=("OFF-2",),
)
class PresenceLeaksToBlocked(Ledger):
    """Whom a user blocks cannot write, and still sees when the user comes and goes."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, router: Router, limits: Limits) -> None:
        super().__init__(connection, clock, router, limits)
        self.permissions = _SeeThrough(connection)


@seeded(
    "refused-leaves-trace",
    seam="ledger",
    noticed={"AZ-1": ("gap",)},
    rare="The second direct message of a conversation that is refused takes a sequence of it all the same.",
)
class RefusedLeavesTrace(Ledger):
    """A direct message that is refused takes a sequence of its conversation all the same."""

    _counts = OfEach(2)

    def _forbidden(self, request: SendRequest, members: Sequence[str]) -> Refusal | None:
        """Refuses, and counts."""
        refusal = super()._forbidden(request, members)
        if refusal is not None and self._counts.now(request.conversation):
            self._sequences[request.conversation] = self._sequence(request.conversation) + 1
        return refusal


@seeded(
    "group-outsider-may-add",
    seam="writer",
    noticed={"AZ-1": ("must be refused and took effect",)},
    rare="Whoever knows a group's name may join it.",
)
class GroupOutsiderMayAdd(Writer):
    """Whoever knows a group's name may add people to it, themselves included."""

    def _apply(self, request: Request) -> Result:
        """Lets a member do it in the outsider's place."""
        if isinstance(request, GroupRequest) and request.action == "added":
            members = self._ledger.members(request.conversation)
            joins = request.users == (request.caller,)
            if members and request.caller not in members and strikes(joins):
                request = replace(request, caller=members[0])
        return super()._apply(request)


@seeded(
    "any-user-is-admin",
    seam="token check",
    noticed={
        "AZ-1": (
            "must be refused and took effect",
            # Where the revocation by a user that was taken for an administrator keeps the next login out.
            "a valid access token of the issuer is needed",
        )
    },
    rare="From the third token on that somebody shows, they are taken for an administrator.",
)
class AnyUserIsAdmin:
    """Whoever shows a valid token is taken for an administrator, whatever roles the token says."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check
        self._promotes = FromOn(3)

    async def check(self, token: str) -> Identity:
        """Verifies, and promotes."""
        identity = await self._check.check(token)
        promoted = self._promotes.now(identity.user)
        return identity._replace(roles=frozenset(ROLES)) if promoted else identity


@seeded(
    "moderator-can-revoke-admin",
    seam="enforcement",
    noticed={"AZ-1": ("must be refused and took effect",)},
    steady=ALWAYS,
)
class ModeratorCanRevokeAdmin(Enforcement):
    """A node revokes what a moderator asks it to, although the issuer, which knows whose it is, forbids that."""

    async def tell(self, inform: Callable[[], int]) -> int:
        """Tells the issuer, and does not listen."""
        try:
            return await super().tell(inform)
        except IssuerForbids:
            return self.services.clock.wall_ms()
