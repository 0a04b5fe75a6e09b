"""A user's device: its sessions, what it sends, what it was given, and waiting for either."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from waybill.devices import waits
from waybill.devices.conversation import Conversation
from waybill.devices.epoch import Call, Epoch
from waybill.devices.inbox import Inbox
from waybill.devices.policy import Acknowledge
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed, NoSession, OperationFailed, Signal
from waybill.drivers.base import (
    Capability,
    Credential,
    Delivery,
    Endpoint,
    Login,
    LoginRefused,
    Outcome,
    Presence,
    Receipt,
    Session,
    Welcome,
)
from waybill.history.events import Completion, CredentialKind, End, Operation, Transport

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario

SECONDS: Final = 10.0
"""The default deadline of a wait: ten times what a healthy server needs on a busy machine for the largest bulk."""
IN_FLIGHT: Final = 256
"""The most unanswered sends of one bulk: enough to keep a server's group commit busy, few enough to be bounded."""


class Device:
    """One client of a user, such as `alice/phone`. Made by `Scenario.user`.

    Attributes:
        name: `user/device`.
        user: Its user.
        inbox: What it holds, over all its sessions.
        acknowledge_policy: When it acknowledges what it is given.
        epoch: Its newest session; None before the first.
        epochs: All its sessions, oldest first.
        welcome: What the server said at the newest successful login.
        sent: Everything it ever sent, in order.
    """

    def __init__(self, scenario: Scenario, user: str, device: str, account: Any) -> None:
        self.scenario = scenario
        self.name = f"{user}/{device}"
        self.user = user
        self.device = device
        self.account = account
        self.inbox = Inbox(keyed=Capability.KEY_ON_DELIVERY in scenario.driver.capabilities)
        self.acknowledge_policy = Acknowledge.AUTO
        self.epoch: Epoch | None = None
        self.epochs: list[Epoch] = []
        self.welcome: Welcome | None = None
        self.sent: list[Sending] = []
        self.signal = Signal()
        self._numbers = itertools.count(1)
        self._node: str | None = None

    # -- sessions ---------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether it has a session that can be used."""
        return self.epoch is not None and self.epoch.alive

    @property
    def state(self) -> str:
        """Its session in words, for messages."""
        if self.epoch is None:
            return "never connected"
        if self.epoch.over is None:
            return f"connected (session {self.epoch.number})"
        reason = f": {self.epoch.reason}" if self.epoch.reason else ""
        return f"not connected (session {self.epoch.number} {self.epoch.over.name.lower()}{reason})"

    def connect(
        self,
        node: str | None = None,
        *,
        cursor: int | None = None,
        acknowledge: Acknowledge | None = None,
        takeover: bool = False,
        deadline: float = SECONDS,
        version: int | None = None,
        window: int | None = None,
        endpoint: Endpoint | None = None,
        credential: Credential | None = None,
        kind: CredentialKind = CredentialKind.VALID,
        transport: Transport = Transport.TLS,
    ) -> Welcome:
        """Connects and logs in: a new epoch of the device.

        Args:
            node: The node to connect to; None for the one of the last time, at first the target's default.
            cursor: The place in the log to go on from; None for the one that the server keeps for the device.
            acknowledge: When to acknowledge from now on; None leaves it as it is.
            takeover: Log in although the device has a session; the server decides what becomes of that one.
            deadline: Seconds for connecting and logging in together.
            version: The protocol version to offer; None for the newest.
            window: The most unacknowledged deliveries to ask for, where the protocol can say so.
            endpoint: Where to connect instead of the node, for example a proxy before it.
            credential: What to show instead of the account's own credential.
            kind: What that credential is worth; everything but VALID must not work.
            transport: What carries the session; everything but TLS must not work.

        Raises:
            LoginRefused: The login did not end in a session; it is recorded.
            RuntimeError: The device has a session.
        """
        if self.connected and not takeover:
            raise RuntimeError(f"{self.name} is {self.state}; close or cut it first, or connect with takeover=True.")
        scenario = self.scenario
        if acknowledge is not None:
            self.acknowledge_policy = acknowledge
        self._node = node or self._node or next(iter(scenario.target.nodes), None)
        login = Login(
            endpoint=endpoint or scenario.target.endpoint(self._node),
            credential=credential or scenario.target.credential(self.account, self.device),
            device=self.device,
            cursor=cursor,
            version=version,
            deadline=deadline,
            receipts=Capability.RECEIPTS in scenario.driver.capabilities,
            typing=Capability.TYPING in scenario.driver.capabilities,
            window=window,
        )
        recorder = scenario.recorder
        number = recorder.session(
            self.name, node=self._node or "", protocol=scenario.driver.name,
            version=version or scenario.driver.versions[-1], transport=transport, credential=kind,
        )  # fmt: skip
        operation = recorder.invoke(number, Operation.LOGIN, value=-1 if cursor is None else cursor)
        epoch = Epoch(self, number, operation)
        try:
            session = scenario.driver.connect(login, epoch)
        except LoginRefused as refused:
            if refused.outcome.completion is Completion.FAIL:
                recorder.fail(operation, refused.outcome.code)
            else:
                recorder.info(operation, refused.outcome.code)
            recorder.end(number, End.REFUSED if refused.outcome.text else End.LOST, str(refused))
            raise
        except BaseException:
            recorder.info(operation, "interrupted")
            recorder.end(number, End.CUT, "interrupted")
            raise
        self.epoch = epoch
        self.epochs.append(epoch)
        self.welcome = session.welcome
        epoch.opened(session)
        self.changed()
        return session.welcome

    def try_connect(self, node: str | None = None, **options: Any) -> Outcome:
        """Like `connect`, and says how the login ended instead of raising `LoginRefused`."""
        try:
            self.connect(node, **options)
        except LoginRefused as refused:
            return refused.outcome
        return Outcome(Completion.OK)

    def reconnect(self, node: str | None = None, **options: Any) -> Welcome:
        """Connects again where it was connected last; a session that is still there says goodbye first."""
        self.close()
        return self.connect(node, **options)

    def close(self, deadline: float = 5.0) -> None:
        """Says goodbye and waits until the session is over. Nothing happens without a session."""
        if self.epoch is not None and self.epoch.session is not None:
            self.epoch.session.close(deadline)

    def cut(self) -> None:
        """Ends the connection without goodbye, as a crash does. Nothing happens without a session."""
        if self.epoch is not None and self.epoch.session is not None:
            self.epoch.session.cut()

    def give_up(self, operation: int) -> None:
        """Records an operation without an outcome as unknown: its deadline passed."""
        for epoch in self.epochs:
            epoch.give_up(operation)

    def changed(self) -> None:
        """Wakes whoever waits for this device."""
        self.signal.changed()
        self.scenario.signal.changed()

    # -- sending ----------------------------------------------------------------------------------------------------

    def send(
        self,
        conversation: Conversation | str,
        body: bytes | str | None = None,
        *,
        key: str | None = None,
        size: int = 64,
        over_quota: bool = False,
    ) -> Sending:
        """Sends one message and returns at once; its outcome comes later.

        Args:
            conversation: Where it goes.
            body: Its body; None for one that is made from the seed and names the message.
            key: Its idempotency key; None for one of its own.
            size: The size of a made body in bytes.
            over_quota: The scenario knows that it is over a promised bound.
        """
        sending = self.compose(conversation, body, key=key, size=size, over_quota=over_quota)
        epoch, session = self.usable()
        session.send(
            epoch.sending(sending), sending.conversation.server_name, sending.key, sending.body
        )
        return sending

    def send_many(
        self,
        conversation: Conversation | str,
        count: int = 0,
        *,
        bodies: Sequence[bytes] | None = None,
        keys: Sequence[str] | None = None,
        size: int = 64,
        sizes: tuple[int, int] | None = None,
        in_flight: int = IN_FLIGHT,
        deadline: float = 60.0,
    ) -> list[Sending]:
        """Sends several messages back to back, at most `in_flight` of them unanswered at a time.

        Returns when the last one is written; the newest ones may still be unanswered. If the session ends meanwhile,
        the rest never leaves the client and is refused as `not-connected`.

        Args:
            conversation: Where they go.
            count: How many; as many as there are bodies or keys by default.
            bodies: Their bodies; made from the seed by default.
            keys: Their keys; made by default.
            size: The size of a made body in bytes.
            sizes: The smallest and largest size of made bodies, drawn from the scenario's seed, in place of `size`.
            in_flight: The most unanswered sends.
            deadline: Seconds until the last one must be written.

        Raises:
            DeadlinePassed: The server did not answer fast enough to send them all.
        """
        count = count or len(bodies or keys or ())
        randint = self.scenario.random.randint
        made = [
            self.compose(
                conversation,
                bodies[index] if bodies else None,
                key=keys[index] if keys else None,
                size=randint(*sizes) if sizes else size,
            )
            for index in range(count)
        ]
        self.send_composed(made, in_flight=in_flight, deadline=deadline)
        return made

    def compose(
        self,
        conversation: Conversation | str,
        body: bytes | str | None = None,
        *,
        key: str | None = None,
        size: int = 64,
        over_quota: bool = False,
    ) -> Sending:
        """Makes a message without sending it (`send_composed`)."""
        number = next(self._numbers)
        name = f"{self.name}#{number}"
        if body is None:
            body = self.scenario.bodies.make(name, size)
        elif isinstance(body, str):
            body = body.encode()
        sending = Sending(
            name, self.name, self.scenario.conversation(conversation), key or f"{self.device[:40]}-{number}", body,
            self.scenario.next_order(), over_quota=over_quota,
        )  # fmt: skip
        self.sent.append(sending)
        self.scenario.remember(sending)
        return sending

    def send_composed(
        self, sendings: Sequence[Sending], *, in_flight: int = IN_FLIGHT, deadline: float = 60.0
    ) -> None:
        """Sends messages, each as one more attempt, at most `in_flight` of them unanswered at a time."""
        epoch, session = self.usable()
        limit = Deadline(deadline)
        piece = max(1, in_flight // 2)
        waiting: list[Sending] = []
        for start in range(0, len(sendings), piece):
            part = sendings[start : start + piece]
            if len(waiting) + len(part) > in_flight:
                room = waits.Unanswered(waiting)
                if not self.signal.wait_until(lambda: room.count() + len(part) <= in_flight, limit):
                    raise DeadlinePassed(
                        f"{self.name} could not send {len(sendings)} messages within {deadline:g} s: {start} were sent, "
                        f"{room.count()} of them have no answer. {self.name} is {self.state}."
                    )
                waiting = room.left()
            session.send_many(
                [(epoch.sending(one), one.conversation.server_name, one.key, one.body) for one in part]
            )
            waiting.extend(part)

    def retry(self, sending: Sending, device: Device | None = None) -> Sending:
        """Sends a message once more under its key, from this device or another one of the user.

        It is one more attempt of the same message, recorded as such, whatever the earlier ones came to.
        """
        return (device or self).retry_many([sending])[0]

    def retry_many(
        self, sendings: Sequence[Sending], *, in_flight: int = IN_FLIGHT, deadline: float = 60.0
    ) -> list[Sending]:
        """Sends messages once more under their keys from this device."""
        self.send_composed(sendings, in_flight=in_flight, deadline=deadline)
        return list(sendings)

    def resend_unknown(self, *, deadline: float = 60.0) -> list[Sending]:
        """Retries every send of this device whose outcome is unknown, in the order of sending; returns them."""
        return self.retry_many([one for one in self.sent if one.unknown], deadline=deadline)

    # -- acknowledging, reading -------------------------------------------------------------------------------------

    def acknowledge(self, count: int | None = None, *, deadline: float = SECONDS) -> None:
        """Acknowledges the first `count` deliveries of the present session, all of them by default.

        Returns when the server confirmed it, where the protocol has confirmations.

        Raises:
            DeadlinePassed: No confirmation in time.
            OperationFailed: The server refused, or the outcome is unknown.
        """
        epoch, _ = self.usable()
        calls = epoch.acknowledge_given(count)
        if Capability.CONFIRMED_ACK in self.scenario.driver.capabilities:
            limit = Deadline(deadline)
            for call in calls:
                self._finish(epoch, call, limit)

    def sync(self, after: int = 0, limit: int = 500, *, final: bool = False, deadline: float = SECONDS) -> Page:
        """Reads one page of the log after a position."""
        epoch, call = self.begin_sync(after, limit, final=final)
        outcome = self._finish(epoch, call, Deadline(deadline))
        return Page(call.entries, outcome.cursor, outcome.complete)

    def begin_sync(self, after: int, limit: int, *, final: bool = False) -> tuple[Epoch, Call]:
        """Asks for one page without waiting for it."""
        epoch, session = self.usable()
        call = epoch.calling(Operation.SYNC, final=final, value=after)
        session.sync(call.operation, after, limit)
        return epoch, call

    def read_log(self, after: int = 0, page: int = 500, *, deadline: float = 30.0) -> list[Delivery]:
        """Reads the log page by page from a position until the server says that it is complete."""
        limit, entries = Deadline(deadline), []
        while True:
            read = self.sync(after, page, deadline=limit.remaining())
            entries.extend(read.entries)
            if read.complete:
                return entries
            after = read.cursor

    @property
    def cursor(self) -> int:
        """The highest log position that the device was given; -1 for none."""
        return max((item.delivery.cursor for item in self.inbox.items), default=-1)

    # -- presence, receipts, typing ---------------------------------------------------------------------------------

    def ask_presence(self, user: str, *, deadline: float = SECONDS) -> Presence:
        """Asks whether a user is online, and when last seen."""
        outcome = self.call(
            Operation.PRESENCE, lambda session, number: session.presence(number, self.scenario.names.account(user)),
            deadline=deadline, user=user,
        )  # fmt: skip
        presence = outcome.values["presence"]
        assert isinstance(presence, Presence)
        return dataclasses.replace(presence, user=user)

    def watch(self, *users: str, deadline: float = SECONDS) -> None:
        """Asks to be told when these users come and go, in place of any earlier such wish."""
        accounts = [self.scenario.names.account(user) for user in users]
        self.call(
            Operation.WATCH, lambda session, number: session.watch(number, accounts),
            deadline=deadline, user=users[0] if len(users) == 1 else "",
        )  # fmt: skip

    def wait_for_presence(self, user: str, online: bool, *, deadline: float = SECONDS) -> Presence:
        """Waits until the server says, unasked, that a watched user is online or offline."""
        return waits.wait_for_presence(self, user, online, Deadline(deadline))

    def mark_read(self, conversation: Conversation | str, sequence: int, *, deadline: float = SECONDS) -> Outcome:
        """Sets the user's read marker."""
        thread = self.scenario.conversation(conversation)
        return self.call(
            Operation.READ, lambda session, number: session.mark_read(number, thread.server_name, sequence),
            deadline=deadline, conversation=thread.name, value=sequence,
        )  # fmt: skip

    def markers(self, conversation: Conversation | str, *, deadline: float = SECONDS) -> list[Receipt]:
        """Asks how far all members of a conversation were given it and have read it."""
        thread = self.scenario.conversation(conversation)
        outcome = self.call(
            Operation.MARKERS, lambda session, number: session.markers(number, thread.server_name),
            deadline=deadline, conversation=thread.name,
        )  # fmt: skip
        receipts: Any = outcome.values.get("receipts", [])
        names = self.scenario.names
        return [dataclasses.replace(one, conversation=thread.name, user=names.user(one.user)) for one in receipts]

    def wait_for_receipt(
        self,
        conversation: Conversation | str,
        user: str,
        *,
        delivered: int = -1,
        read: int = -1,
        deadline: float = SECONDS,
    ) -> None:
        """Waits until this device saw that a user was given, and has read, a conversation up to these sequences."""
        thread = self.scenario.conversation(conversation)
        waits.wait_for_receipt(self, thread.name, user, delivered, read, Deadline(deadline))

    def typing(self, conversation: Conversation | str, active: bool = True) -> None:
        """Says that the user started or stopped typing. Nothing answers; it is known to have worked once another
        device saw it."""
        thread = self.scenario.conversation(conversation)
        epoch, session = self.usable()
        number = self.scenario.recorder.invoke(
            epoch.number, Operation.TYPING, conversation=thread.name, user=self.user, value=int(active)
        )
        self.scenario.typing_begun(thread.name, self.user, active, number)
        session.typing(thread.server_name, active)

    def wait_for_typing(
        self, conversation: Conversation | str, user: str, active: bool = True, *, deadline: float = SECONDS
    ) -> None:
        """Waits until this device saw that a user is typing, or no longer is."""
        thread = self.scenario.conversation(conversation)
        waits.wait_for_typing(self, thread.name, user, active, Deadline(deadline))

    # -- groups -----------------------------------------------------------------------------------------------------

    def create_group(self, name: str, members: Iterable[str], *, deadline: float = SECONDS) -> Conversation:
        """Makes a group of this user and others; the scenario knows it by its name from then on."""
        members = [member for member in members if member != self.user]
        accounts = [self.scenario.names.account(member) for member in members]
        outcome = self.call(
            Operation.CREATE, lambda session, number: session.create_group(number, name, accounts),
            deadline=deadline, conversation=name, key=name, members=members,
        )  # fmt: skip
        return self.scenario.add_group(name, outcome.conversation, [self.user, *members])

    def add_member(self, conversation: Conversation | str, user: str, *, deadline: float = SECONDS) -> None:
        """Adds a user to a group and waits for the confirmation."""
        thread, account = self.scenario.conversation(conversation), self.scenario.names.account(user)
        self.call(
            Operation.ADD, lambda session, number: session.add_member(number, thread.server_name, account),
            deadline=deadline, conversation=thread.name, user=user,
        )  # fmt: skip
        thread.joined(user, self.scenario.next_order())

    def remove_member(self, conversation: Conversation | str, user: str, *, deadline: float = SECONDS) -> None:
        """Removes a user from a group and waits for the confirmation."""
        thread, account = self.scenario.conversation(conversation), self.scenario.names.account(user)
        thread.left(user, self.scenario.next_order())
        self.call(
            Operation.REMOVE, lambda session, number: session.remove_member(number, thread.server_name, account),
            deadline=deadline, conversation=thread.name, user=user,
        )  # fmt: skip

    def leave_group(self, conversation: Conversation | str, *, deadline: float = SECONDS) -> None:
        """Leaves a group and waits for the confirmation."""
        thread = self.scenario.conversation(conversation)
        thread.left(self.user, self.scenario.next_order())
        self.call(
            Operation.LEAVE, lambda session, number: session.leave_group(number, thread.server_name),
            deadline=deadline, conversation=thread.name, user=self.user,
        )  # fmt: skip

    # -- waiting ----------------------------------------------------------------------------------------------------

    def wait_for_deliveries(
        self,
        sendings: Iterable[Sending] | None = None,
        *,
        count: int | None = None,
        in_session: bool = False,
        deadline: float = SECONDS,
    ) -> None:
        """Waits until the device was given these messages, or so many different ones.

        Without arguments: everything acknowledged so far that it must have.

        Args:
            sendings: The messages that must have come.
            count: How many different messages it must hold.
            in_session: Count what the present session was given, redeliveries included, instead.
            deadline: Seconds.

        Raises:
            DeadlinePassed: Saying what is missing.
        """
        limit = Deadline(deadline)
        if count is not None:
            waits.wait_for_count(self, count, in_session, limit)
        else:
            wanted = self.scenario.owed(self) if sendings is None else sendings
            waits.wait_for_messages(self, wanted, limit)

    # -- the ways to call -------------------------------------------------------------------------------------------

    def usable(self) -> tuple[Epoch, Session]:
        """The newest session; one that is over answers `not-connected` by itself.

        Raises:
            NoSession: The device never had one.
        """
        if self.epoch is None or self.epoch.session is None:
            raise NoSession(f"{self.name} never had a session; connect it first.")
        return self.epoch, self.epoch.session

    def call(
        self, what: Operation, start: Callable[[Session, int], None], *, deadline: float, **details: Any
    ) -> Outcome:
        """Performs an operation other than a send and waits for its outcome.

        Raises:
            DeadlinePassed: No outcome in time; it is recorded as unknown.
            OperationFailed: The outcome is not OK.
        """
        epoch, session = self.usable()
        call = epoch.calling(what, **details)
        start(session, call.operation)
        return self._finish(epoch, call, Deadline(deadline))

    def _finish(self, epoch: Epoch, call: Call, deadline: Deadline) -> Outcome:
        if not self.signal.wait_until(lambda: call.outcome is not None, deadline):
            epoch.give_up(call.operation)
        outcome = call.outcome
        assert outcome is not None
        if outcome.code == "deadline":
            raise DeadlinePassed(
                f"{self.name} expected an answer to {call.what.name.lower()} within {deadline.seconds:g} s and got none. "
                f"{self.name} is {self.state}."
            )
        if outcome.completion is not Completion.OK:
            raise OperationFailed(self.name, call.what.name.lower(), outcome)
        return outcome

    def __repr__(self) -> str:
        return f"<{self.name} {self.state}>"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of a log: its entries, the position it ends at, and whether the log ends there too."""

    entries: list[Delivery]
    cursor: int
    complete: bool
