"""The writer of a node with peers: what it commits for them, and what comes of each request for the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.records import (
    Append,
    BlockListed,
    DeviceCursor,
    Entered,
    GroupState,
    RevokedAt,
    Ruled,
    SeenAt,
    Sent,
    Settled,
    Unread,
    Watermarks,
)
from waybill_server.cluster.requests import (
    AppliedRequest,
    ApplyRequest,
    Changed,
    ConfirmRequest,
    Effect,
    Ended,
    Expiring,
    Hidden,
    Noted,
    Produced,
    Published,
    QueueRequest,
    Receipted,
    Resolved,
    UseRequest,
)
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.records import (
    NOT_ADMITTED,
    Group,
    GroupRequest,
    Message,
    Regrouped,
    Request,
    Result,
)
from waybill_server.revocations import Revocation, Target
from waybill_server.writer import Answers, Writer


class ClusterWriter(Writer):
    """The writer thread of one node of several.

    Attributes:
        produced: The rows that came of each request that is committed and not handed over yet, by its identity.
        callers: The nodes that group changes were asked for by, by the identity of the request.
    """

    def __init__(self, ledger: Ledger, limits: Limits, answer: Callable[[Answers], None]) -> None:
        super().__init__(ledger, limits, answer)
        assert isinstance(ledger, ClusterLedger)
        self._state = ledger
        self.produced: dict[int, Produced] = {}
        self.callers: dict[int, str] = {}

    def _apply_all(self, group: Sequence[Request]) -> Answers:
        """One by one: each request's own rows are to be known."""
        answers: Answers = []
        for request in group:
            self._state.produced()
            answers.append((request, self._apply(request)))
            self.produced[id(request)] = self._state.produced()
        return answers

    def _apply(self, request: Request) -> Result:
        state = self._state
        match request:
            case ApplyRequest():
                request.effects = [*self._apply_record(request), *map(Expiring, state.expiring())]
                return None
            case QueueRequest():
                return state.queue(request) if state.admits(request) else NOT_ADMITTED
            case AppliedRequest():
                request.number = state.applied(request.origin, request.store)
                return None
            case ConfirmRequest():
                state.outbox.confirm(request.destination, request.number)
                return None
            case UseRequest():
                return None if state.use(request) else NOT_ADMITTED
        result = super()._apply(request)
        if isinstance(request, GroupRequest) and isinstance(result, Regrouped) and result.action:
            state.tell_group(result, self.callers.get(id(request), ""))
        return result

    def _apply_record(self, request: ApplyRequest) -> list[Effect]:  # noqa: PLR0911, PLR0912 - one for each record
        state, record = self._state, request.record
        if not state.outbox.advance(request.origin, request.store, request.number):
            return []
        match record:
            case Sent():
                message, positions = state.store_sent(request.origin, record)
                return self._published(message, positions, record.expires)
            case Settled():
                settled = state.settle(record)
                return [Resolved(record.user, record.key, settled, record.duplicate)] if settled else []
            case Append():
                message = state.insert_message(record.message, record.expires)
                return self._published(
                    message, state.place(message, (record.user,), record.expires), record.expires
                )
            case Entered():
                message = state.enter_copy(record)
                return self._published(message, ((record.user, record.position),), record.expires)
            case DeviceCursor():
                state.raise_cursor(record.user, record.device, record.cursor)
            case Watermarks():
                return [Receipted(state.raise_watermarks(record))]
            case GroupState():
                state.regroup(record)
                group = Group(record.conversation, record.name, record.members)
                return [] if record.told else [Changed(group, record.user, record.action)]
            case BlockListed():
                state.list_blocked(record)
                return [Hidden(record.user, record.other)]
            case Ruled():
                state.permissions.rule(record.sender, record.recipient, record.allowed)
            case Unread():
                state.keep(record)
            case RevokedAt():
                target = Target(record.token, record.user, record.device)
                return [Ended(Revocation(target, state.revocations.revoke(target, record.at).at))]
            case SeenAt():
                state.sighted(record.user, record.time)
                return [Noted(record.user, record.time)]
        return []

    def _published(
        self, message: Message, positions: tuple[tuple[str, int], ...], expires: int | None
    ) -> list[Effect]:
        """Sessions are told of a message, unless it was marked as over before it got here on this way."""
        if expires is not None and self._state.expiries.marked(message.number):
            return []
        return [Published(message, positions)]
