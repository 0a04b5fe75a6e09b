"""One session of a device: everything that happens in it is recorded first, then kept for whoever waits."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from waybill.devices.notice import Notice
from waybill.devices.policy import Acknowledge
from waybill.devices.sending import Sending
from waybill.drivers.base import (
    ACCEPTED,
    Capability,
    Delivery,
    Membership,
    Outcome,
    Presence,
    Receipt,
    Session,
    Typing,
    Welcome,
)
from waybill.history.events import Completion, End, Mode, Operation

if TYPE_CHECKING:
    from waybill.devices.connection import Connection

ACKNOWLEDGE_AFTER = 128
"""Deliveries after which a device acknowledges although more keep coming: well below any window a server
grants, so that steady traffic never stalls for want of an acknowledgement."""


class Call:
    """An operation other than a send, and how it ended."""

    __slots__ = ("conversation", "entries", "operation", "outcome", "what")

    def __init__(self, operation: int, what: Operation, conversation: str = "") -> None:
        self.operation = operation
        self.conversation = conversation
        self.what = what
        self.outcome: Outcome | None = None
        self.entries: list[Delivery] = []

    def is_over(self) -> bool:
        """Whether it has an outcome."""
        return self.outcome is not None


class Epoch:
    """The observer of one session.

    Whatever the driver reports before the login was recorded waits for it, so that a history never shows a
    delivery before the login it belongs to.

    Attributes:
        number: The session's number in the history.
        deliveries: What this session was given, live and from the backlog, in wire order.
        acknowledged: How many of those were acknowledged, or are being acknowledged.
        over: How the session ended; None while it lasts.
        reason: Why it ended.
        sending_now: Held from the record of sends until they are handed to the session, so that several threads record
            them in the order of the wire.
    """

    def __init__(self, device: Connection, number: int, login: int) -> None:
        self.device = device
        self.number = number
        self.deliveries: list[Delivery] = []
        self._delivery_numbers: list[int] = []
        self.acknowledged = 0
        self.over: End | None = None
        self.reason = ""
        self.presences: dict[str, Presence] = {}
        self.session: Session | None = None
        self._recorder = device.scenario.recorder
        self._login = login
        self._names = device.scenario.names
        self._keyless = device.scenario.keyless
        self._open: dict[int, Sending | Call] = {}
        self._final: set[int] = set()
        self._acknowledging = -1
        self._acknowledging_now = threading.Lock()
        self.sending_now = threading.Lock()
        self._capabilities = device.driver.capabilities
        self._early: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = []
        self._opening = threading.RLock()

    # -- the device's side -----------------------------------------------------------------------------------

    def opened(self, session: Session, *, let_in: bool = True) -> None:
        """Records the login, unless it was refused, then everything that came before it could be recorded."""
        with self._opening:
            self.session = session
            welcome: Welcome = session.welcome
            if self._login >= 0 and let_in:
                self._recorder.ok(self._login, value=welcome.cursor)
            for report, arguments in self._early or ():
                report(*arguments)
            self._early = None

    @property
    def alive(self) -> bool:
        """Whether the session can be used."""
        return self.session is not None and self.over is None

    def sending(self, sending: Sending) -> int:
        """Records one attempt and expects its outcome; the caller holds `sending_now`, and hands it to the session."""
        operation: int = self._recorder.send(
            self.number, sending.conversation.name, sending.key, sending.body, over_quota=sending.over_quota,
            expires_ms=-1 if sending.ttl is None else sending.ttl,
        )  # fmt: skip
        sending.began(operation, self.device.name)
        self._open[operation] = sending
        return operation

    def calling(self, what: Operation, **details: Any) -> Call:
        """Records the invocation of another operation and expects its outcome.

        Raises:
            CapabilityMissing: The protocol has no such operation.
        """
        self.device.scenario.require(what)
        call = Call(
            self._recorder.invoke(self.number, what, **details), what, details.get("conversation", "")
        )
        self._open[call.operation] = call
        return call

    def reading(self, after: int, *, final: bool) -> Call:
        """Records that a page is asked for; with `final` it is part of the device's final read."""
        call = self.calling(Operation.SYNC, value=after)
        if final:
            self._final.add(call.operation)
        return call

    @property
    def at_rest(self) -> bool:
        """Whether every operation has an outcome."""
        return not self._open

    @property
    def settled(self) -> bool:
        """Whether, besides, everything that it was given is acknowledged."""
        if Capability.RECIPIENT_ACK in self._capabilities and self.acknowledged < len(self.deliveries):
            return False
        return self.at_rest

    def give_up_all(self) -> None:
        """Gives up every operation that has no outcome."""
        for operation in list(self._open):
            self.give_up(operation)

    def give_up(self, operation: int) -> None:
        """Records that an operation had no outcome by its deadline; whatever comes later changes nothing."""
        pending = self._open.pop(operation, None)
        if pending is None:
            return
        self._recorder.info(operation, "deadline")
        self._keep(operation, pending, Outcome(Completion.INFO, "deadline"))

    def acknowledge_given(self, count: int | None = None) -> list[Call]:
        """Acknowledges the first deliveries of this session (all by default), as the protocol can."""
        with self._acknowledging_now:
            return self._acknowledge(count)

    def _acknowledge(self, count: int | None) -> list[Call]:
        upto = len(self.deliveries) if count is None else min(count, len(self.deliveries))
        session = self.session
        if upto <= self.acknowledged or session is None or Capability.RECIPIENT_ACK not in self._capabilities:
            return []
        first, self.acknowledged = self.acknowledged, upto
        if Capability.CUMULATIVE_ACK in self._capabilities:
            first = upto - 1
        calls = []
        for delivery, number in zip(
            self.deliveries[first:upto], self._delivery_numbers[first:upto], strict=True
        ):
            if Capability.CUMULATIVE_ACK in self._capabilities:
                call = self.calling(Operation.ACKNOWLEDGE, value=delivery.cursor)
            else:
                call = Call(
                    self._recorder.invoke_acknowledge(self.number, delivery=number), Operation.ACKNOWLEDGE
                )
                self._open[call.operation] = call
            session.acknowledge(call.operation, delivery)
            calls.append(call)
        return calls

    # -- the session's side ----------------------------------------------------------------------------------

    def completed(self, operation: int, outcome: Outcome) -> None:
        """Records how an operation ended."""
        if self._early is not None and self._postponed(self.completed, operation, outcome):
            return
        pending = self._open.pop(operation, None)
        if pending is None:
            return
        if outcome.completion is Completion.OK:
            self._record_ok(operation, pending, outcome)
        elif outcome.completion is Completion.FAIL:
            self._recorder.fail(operation, outcome.code)
        else:
            self._recorder.info(operation, outcome.code)
        self._keep(operation, pending, outcome)

    def unmatched(self, operation: int, outcome: Outcome) -> None:
        """Records a second answer, so that the checker sees it."""
        if outcome.completion is Completion.OK:
            conversation = self._names.conversation(outcome.conversation) if outcome.conversation else ""
            self._recorder.ok(
                operation,
                id=outcome.id,
                sequence=outcome.sequence,
                conversation=conversation,
                key=outcome.key,
            )

    def delivered(self, delivery: Delivery) -> None:
        """Records and keeps a message."""
        if self._early is not None and self._postponed(self.delivered, delivery):
            return
        conversation = self._names.conversation(delivery.conversation)
        sender = self._names.user(delivery.sender)
        if sender in self._keyless:
            # What the sender's protocol has no word for the server made up.
            delivery = dataclasses.replace(delivery, key="")
        mode = delivery.mode
        if mode is Mode.PAGE and delivery.read in self._final:
            mode = Mode.FINAL
        number = self._recorder.deliver(
            self.number, conversation, sender, delivery.body, key=delivery.key, id=delivery.id,
            sequence=delivery.sequence, cursor=delivery.cursor, mode=mode, read=delivery.read,
            time_ms=delivery.time_ms,
        )  # fmt: skip
        self.device.inbox.add(conversation, sender, delivery)
        if mode is Mode.PAGE or mode is Mode.FINAL:
            call = self._open.get(delivery.read)
            if isinstance(call, Call):
                call.entries.append(delivery)
            return
        self._delivery_numbers.append(number)
        self.deliveries.append(delivery)
        if len(self.deliveries) - self.acknowledged >= ACKNOWLEDGE_AFTER:
            self.acknowledge_by_itself()

    def receipted(self, receipt: Receipt) -> None:
        """Records and keeps a receipt."""
        if self._early is not None and self._postponed(self.receipted, receipt):
            return
        conversation = self._names.conversation(receipt.conversation)
        if receipt.expired:
            owner = self.device.user
            self._recorder.receipt(self.number, conversation, owner, expired=receipt.expired)
            self.device.scenario.expiry_seen(owner, receipt.expired)
            self._notice("expired", conversation, owner, receipt.expired)
            return
        user = self._names.user(receipt.user)
        self._recorder.receipt(
            self.number, conversation, user, delivered=receipt.delivered, read=receipt.read, id=receipt.id
        )
        self.device.inbox.note_receipt(conversation, user, receipt)
        self._notice("receipt", conversation, user, str(receipt.read))

    def presence_changed(self, presence: Presence) -> None:
        """Records and keeps what the server says of a watched user."""
        if self._early is not None and self._postponed(self.presence_changed, presence):
            return
        user = self._names.user(presence.user)
        self._recorder.presence(self.number, user, presence.online)
        self.presences[user] = presence
        self._notice("presence", "", user, "online" if presence.online else "offline")

    def typed(self, typing: Typing) -> None:
        """Keeps a typing notice; it also shows that the typing itself took effect."""
        if self._early is not None and self._postponed(self.typed, typing):
            return
        conversation = self._names.conversation(typing.conversation)
        user = self._names.user(typing.user)
        self.device.inbox.typing[conversation, user] = typing.active
        self.device.scenario.typing_seen(conversation, user, typing.active)
        self._notice("typing", conversation, user, "active" if typing.active else "idle")

    def membership_changed(self, membership: Membership) -> None:
        """Keeps who is a member, as the server says."""
        if self._early is not None and self._postponed(self.membership_changed, membership):
            return
        conversation = self._names.conversation(membership.conversation)
        members = [self._names.user(member) for member in membership.members]
        self.device.inbox.members[conversation] = members
        self._notice("members", conversation, ",".join(members))

    def idle(self) -> None:
        """Acknowledges if that is the device's way, and wakes whoever waits."""
        if self._early is not None and self._postponed(self.idle):
            return
        self.acknowledge_by_itself()
        self.device.changed()

    def ended(self, end: End, reason: str) -> None:
        """Records the end."""
        if self._early is not None and self._postponed(self.ended, end, reason):
            return
        self._recorder.end(self.number, end, reason)
        self.reason = reason
        self.over = end
        self.device.changed()

    # -- in between ------------------------------------------------------------------------------------------

    def _notice(self, what: str, conversation: str, user: str, value: str = "") -> None:
        """Keeps what the device was told, if somebody wants to know."""
        if self.device.notices is not None:
            self.device.notices.append(Notice(what, conversation, user, value))

    def _postponed(self, report: Callable[..., None], *arguments: Any) -> bool:
        """Keeps a report for after the login; False if the login was recorded meanwhile."""
        with self._opening:
            if self._early is None or self.session is not None:
                return False
            self._early.append((report, arguments))
            return True

    def acknowledge_by_itself(self) -> None:
        """One cumulative acknowledgement at a time: while it is under way more deliveries gather for the
        next."""
        if self.device.acknowledge_policy is not Acknowledge.AUTO or self._acknowledging in self._open:
            return
        # The reader must not wait for a thread that acknowledges just now, and that may wait for room to
        # write.
        if not self._acknowledging_now.acquire(blocking=False):
            return
        try:
            calls = self._acknowledge(None)
            if calls and Capability.CUMULATIVE_ACK in self._capabilities:
                self._acknowledging = calls[-1].operation
        finally:
            self._acknowledging_now.release()

    def _record_ok(self, operation: int, pending: Sending | Call, outcome: Outcome) -> None:
        recorder, names = self._recorder, self._names
        if isinstance(pending, Sending):
            conversation = names.conversation(outcome.conversation) if outcome.conversation else ""
            recorder.ok(
                operation,
                id=outcome.id,
                sequence=outcome.sequence,
                conversation=conversation,
                key=outcome.key,
            )
            return
        match pending.what:
            case Operation.SYNC:
                recorder.ok(operation, value=outcome.cursor, complete=outcome.complete)
            case Operation.STATUS:
                recorder.ok(operation, value=int(outcome.values.get("expired") is True))
            case Operation.PRESENCE:
                presence = outcome.values.get("presence")
                if isinstance(presence, Presence):
                    recorder.ok(operation, value=int(presence.online), user=names.user(presence.user))
            case Operation.MARKERS:
                for receipt in cast("list[Receipt]", outcome.values.get("receipts", [])):
                    recorder.receipt(
                        self.number, names.conversation(receipt.conversation), names.user(receipt.user),
                        delivered=receipt.delivered, read=receipt.read, operation=operation,
                    )  # fmt: skip
                recorder.ok(operation)
            case Operation.CREATE:
                names.add_conversation(outcome.conversation, pending.conversation)
                recorder.ok(operation, conversation=pending.conversation)
            case _:
                recorder.ok(operation, value=outcome.cursor, sequence=outcome.sequence)

    def _keep(self, operation: int, pending: Sending | Call, outcome: Outcome) -> None:
        if isinstance(pending, Sending):
            pending.ended(operation, outcome)
            if len(pending.tried_by) > 1:
                # Its other devices do not hear of this session, and somebody may wait there.
                self.device.scenario.tell(pending.tried_by)
            if outcome.completion is Completion.OK or outcome.code == ACCEPTED:
                self.device.scenario.note_taken(pending)
        else:
            pending.outcome = outcome
