"""The store of a node with peers: each request goes where it belongs, and is answered once the others know.

What the node's own clients ask is answered when every node that can be reached has what came of it (`settling`). What
is another node's to decide is asked of that node, and refused while it cannot be reached; a send is never refused for
that, it is queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from waybill_server.clock import Clock
from waybill_server.cluster.frames import (
    Call,
    ChangeBlock,
    ChangeGroup,
    ChangeRule,
    LinkBroken,
    Reply,
    UseToken,
)
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.link import CallFailed, Link
from waybill_server.cluster.outbox import LAST, OUTGOING, Row
from waybill_server.cluster.records import unpack_known
from waybill_server.cluster.requests import (
    AppliedRequest,
    ApplyRequest,
    Changed,
    ConfirmRequest,
    Effect,
    Expiring,
    Hidden,
    QueueRequest,
    Receipted,
    Resolved,
    UseRequest,
)
from waybill_server.cluster.settling import Settling
from waybill_server.cluster.writer import ClusterWriter
from waybill_server.limits import RETRY_AFTER_MS, Limits
from waybill_server.logs import log
from waybill_server.records import (
    Blocked,
    BlockRequest,
    Group,
    GroupRequest,
    LoginRequest,
    Moved,
    Queued,
    Refusal,
    Regrouped,
    Request,
    Result,
    Revoked,
    RevokeRequest,
    RuleRequest,
    SeenRequest,
    SendRequest,
    Stored,
)
from waybill_server.releases import Release
from waybill_server.router import Router
from waybill_server.store import MakeLedger, SqliteStore, StoreFailed


class Witness(Protocol):
    """Who does what there is to do on the event loop once a record is applied."""

    def take(self, effect: Effect) -> None:
        """Does it."""


class ClusterStore(SqliteStore):
    """The store of one node of several.

    Args:
        path: The data directory.
        clock: Numbers the messages.
        router: Is told of new messages.
        limits: The bounds.
        ledger: What requests do to the state.
        homes: Where users and conversations are at home.
        release: The release of the node.
        version: The schema that the directory is opened with.
        migrate: Bring an older database to it.

    Attributes:
        links: The links to the other nodes; filled before anybody logs in.
        settling: Who waits for them.
        witness: Who is told of what came from other nodes.
        name: The name of the data directory.
        release: The release of the node.
    """

    links: dict[str, Link]
    settling: Settling
    witness: Witness

    def __init__(
        self,
        path: Path,
        clock: Clock,
        router: Router,
        limits: Limits,
        *,
        ledger: MakeLedger,
        homes: Homes,
        release: Release,
        version: int,
        migrate: bool,
    ) -> None:
        super().__init__(
            path, clock, router, limits, ledger=ledger, writer=ClusterWriter, version=version, migrate=migrate
        )
        assert isinstance(self._writer, ClusterWriter)
        self._cluster_writer = self._writer
        self._router = router
        self.homes = homes
        self.release = release
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self._awaited: dict[tuple[str, str], int] = {}
        self._confirming: dict[str, int] = {}
        self._asking: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The name of the data directory."""
        return str(self._select("SELECT name FROM store", ())[0][0])

    def submit(self, request: Request) -> None:
        """Has a request done where it belongs."""
        homes = self.homes
        match request:
            case SendRequest() if homes.conversation(request.conversation) != homes.own:
                self._queue(request)
            case GroupRequest() if request.action != "created":
                self._at_home(request, homes.conversation(request.conversation))
            case BlockRequest():
                self._at_home(request, homes.user(request.user))
            case RuleRequest():
                self._at_home(request, homes.rules())
            case LoginRequest():
                self._log_in(request)
            case SeenRequest():
                self._write(request, patient=False)
            case _:
                self._write(request)

    async def settled(self) -> None:
        """Returns when every request so far is answered."""
        await super().settled()
        await asyncio.gather(*self._asking)
        await self.settling.quiet()

    # The outbox.

    def outgoing(self, destination: str, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """The next records for a destination."""
        try:
            return self._select(OUTGOING, (destination, after, limit))
        except StoreFailed as error:
            log("storage-failed", outbox=destination, error=str(error))
            return ()

    def last(self, destination: str) -> int:
        """The number of the last record for a destination; 0 for none.

        Raises:
            LinkBroken: The outbox cannot be read.
        """
        try:
            return int(self._select(LAST, (destination,))[0][0])
        except StoreFailed as error:
            raise LinkBroken(f"the outbox cannot be read: {error}") from None

    def waiting(self, destination: str, after: int) -> tuple[int, int | None]:
        """How many records wait for a destination, and since when the oldest does (milliseconds since 1970)."""
        query = "SELECT COUNT(*), MIN(at) FROM outbox WHERE destination = ? AND number > ?"
        count, oldest = self._select(query, (destination, after))[0]
        return int(count), oldest

    def confirm(self, destination: str, number: int) -> None:
        """The destination has applied everything up to this number."""
        busy = destination in self._confirming
        self._confirming[destination] = number
        if not busy:
            self._forget(destination, number)

    def _forget(self, destination: str, number: int) -> None:
        def done(result: Result) -> None:
            newest = self._confirming[destination]
            if newest > number and not isinstance(result, Refusal):
                self._forget(destination, newest)
            else:
                del self._confirming[destination]

        super().submit(ConfirmRequest(done, destination, number))

    # What other nodes tell and ask.

    def applied(self, origin: str, store: str, then: Callable[[int], None]) -> None:
        """Tells the number of the last record of an origin that was applied, once all before is."""
        request = AppliedRequest(lambda result: then(request.number), origin, store)
        super().submit(request)

    def apply(
        self,
        origin: str,
        store: str,
        number: int,
        record: bytes,
        committed: Callable[[bool], None],
        spread: Callable[[], None],
    ) -> None:
        """Applies a record of another node; tells when it is committed, or failed, and when it is everywhere."""

        def done(result: Result) -> None:
            rows = self._taken(request)
            if isinstance(result, Refusal):
                committed(False)
                return
            for effect in request.effects:
                if isinstance(effect, Resolved):
                    self._resolve(effect)
                else:
                    self.witness.take(effect)
            committed(True)
            self.settling.wait(rows, spread)

        request = ApplyRequest(done, origin, store, number, unpack_known(record, self.release.unknown))
        super().submit(request)

    def answer(self, origin: str, call: Call, reply: Callable[[Reply], None]) -> None:
        """Does what another node asks for, and replies once all that can be reached know."""
        if call.__struct_config__.tag in self.release.unknown:
            text = f"node {self.homes.own} runs release {self.release.number}, which does not know this"
            reply(Reply(call.call, refusal=("unavailable", text, True, RETRY_AFTER_MS)))
            return

        def done(result: Result) -> None:
            reply(_reply(call.call, result))

        def told(result: Result) -> None:
            if isinstance(result, Regrouped) and result.action:
                self.witness.take(Changed(*result))
            elif isinstance(result, Blocked) and isinstance(call, ChangeBlock):
                self.witness.take(Hidden(call.user, call.other))

        request: Request
        match call:
            case ChangeGroup():
                request = GroupRequest(
                    done, call.caller, call.action, call.conversation, call.users, moderates=call.moderates
                )
                self._cluster_writer.callers[id(request)] = origin
            case ChangeBlock():
                request = BlockRequest(done, call.user, call.other, call.blocked)
            case ChangeRule():
                request = RuleRequest(done, call.sender, call.recipient, call.allowed)
            case UseToken():
                request = UseRequest(done, call.user, call.token, call.expires)
        self._write(request, told=told)

    # The ways of a request.

    def _write(
        self, request: Request, *, patient: bool = True, told: Callable[[Result], None] | None = None
    ) -> None:
        """Has this node's writer do it; tells at once, and answers once the others know, if `patient`."""
        answer = request.done

        def committed(result: Result) -> None:
            rows = self._taken(request)
            if told is not None:
                told(result)
            # Sessions are told in the order of commits; only who asked waits.
            if isinstance(result, Stored) and result.positions:
                self._router.publish(result.message, result.positions)
                if result.expires:
                    self.witness.take(Expiring(result.message.number))
                result = result._replace(positions=(), expires=False)
            elif isinstance(result, Moved) and result.watermarks:
                admission = request.admission
                mover = (admission.user, admission.device) if admission else ("", "")
                self.witness.take(Receipted(result, *mover))
                result = result._replace(watermarks=())
            if isinstance(result, Revoked) and isinstance(request, RevokeRequest) and request.everywhere:
                revoked = result
                self.settling.confirm(rows, lambda nodes: answer(revoked._replace(untold=nodes)))
            elif patient and not isinstance(result, Refusal | Revoked):
                rights = isinstance(request, GroupRequest | BlockRequest | RuleRequest)
                self.settling.wait(rows, lambda: answer(result), rights=rights)
            else:
                answer(result)

        request.done = committed
        super().submit(request)

    def _taken(self, request: Request) -> Sequence[Row]:
        rows = self._cluster_writer.produced.pop(id(request), ())
        self._cluster_writer.callers.pop(id(request), None)
        for peer in {row.destination for row in rows}:
            self.links[peer].wake()
        return rows

    def _queue(self, request: SendRequest) -> None:
        """Accepts a message for another node; answers with what that made of it, or that it is on its way."""
        name = (request.user, request.key)

        def answered(result: Result) -> None:
            settled = self._resolved.get(name)
            self._release(name)
            if isinstance(result, Queued) and settled is not None:
                duplicate = settled.duplicate or result.duplicate
                result = Stored(settled.message, (), duplicate)
            request.done(result)

        self._awaited[name] = self._awaited.get(name, 0) + 1
        queued = QueueRequest(
            answered, request.user, request.device, request.conversation, request.key, request.body, request.ttl,
            admission=request.admission,
        )  # fmt: skip
        self._write(queued)

    def _resolve(self, effect: Resolved) -> None:
        if (effect.user, effect.key) in self._awaited:
            self._resolved[effect.user, effect.key] = effect

    def _release(self, name: tuple[str, str]) -> None:
        self._awaited[name] -= 1
        if not self._awaited[name]:
            del self._awaited[name]
            self._resolved.pop(name, None)

    def _at_home(self, request: GroupRequest | BlockRequest | RuleRequest, home: str) -> None:
        """Has a change made where it is decided."""
        if home == self.homes.own:
            self._write(request)
            return
        if (admission := request.admission) is not None and (
            admission.ended or self._revocations.concern(admission)
        ):
            request.done(Refusal("not-admitted", "the session was revoked or ended"))
            return

        async def ask() -> None:
            request.done(await self._asked(home, partial(_call, request)))

        self._start(ask())

    def _log_in(self, request: LoginRequest) -> None:
        """Logs in; a token that is good for one login is used up at its user's home first."""
        admission, home = request.admission, self.homes.user(request.user)
        if admission is None or not admission.once or home == self.homes.own:
            self._write(request, patient=False)
            return
        token, expires = admission.token, admission.expires

        async def ask() -> None:
            result = await self._asked(home, lambda number: UseToken(number, request.user, token, expires))
            if isinstance(result, Refusal):
                request.done(result)
            else:
                self._write(request, patient=False)

        self._start(ask())

    async def _asked(self, home: str, build: Callable[[int], Call]) -> Result:
        try:
            thresholds = self.links[home].breaker.thresholds
            async with asyncio.timeout(2 * thresholds.patience + thresholds.rights):
                return _result(await self.links[home].call(build))
        except CallFailed as failed:
            return Refusal("unavailable", str(failed), failed.definite, RETRY_AFTER_MS)
        except TimeoutError:
            text = f"node {home} did not answer in time"
            return Refusal("unavailable", text, definite=False, retry_after=RETRY_AFTER_MS)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


def _call(request: GroupRequest | BlockRequest | RuleRequest, number: int) -> Call:
    match request:
        case GroupRequest():
            return ChangeGroup(
                number, request.caller, request.action, request.conversation, request.users, request.moderates
            )
        case BlockRequest():
            return ChangeBlock(number, request.user, request.other, request.blocked)
        case RuleRequest():
            return ChangeRule(number, request.sender, request.recipient, request.allowed)


def _reply(number: int, result: Result) -> Reply:
    match result:
        case Refusal():
            return Reply(number, refusal=(result.code, result.text, result.definite, result.retry_after))
        case Regrouped((conversation, name, members), user, action):
            return Reply(number, group=(conversation, name, members), user=user, action=action)
        case Blocked():
            return Reply(number, users=result.users, user="blocked")
    return Reply(number)


def _result(reply: Reply) -> Result:
    if reply.refusal is not None:
        return Refusal(*reply.refusal)
    if reply.group is not None:
        return Regrouped(Group(*reply.group), reply.user, reply.action)
    return Blocked(reply.users) if reply.user else None
