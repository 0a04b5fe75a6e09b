"""One scenario: its people, their devices, their conversations, and the one history of it all."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from waybill.devices import settling, waits
from waybill.devices.connection import SECONDS
from waybill.devices.conversation import Conversation
from waybill.devices.device import Device
from waybill.devices.goodbyes import close_all
from waybill.devices.names import Names
from waybill.devices.sending import Bodies, Sending
from waybill.devices.stream import Stream
from waybill.devices.target_access import TargetAccess
from waybill.devices.waiting import CapabilityMissing, Deadline, DeadlinePassed, Signal
from waybill.drivers import registry
from waybill.drivers.base import Capability, Delivery, Driver
from waybill.drivers.clients import Client
from waybill.history.events import Operation
from waybill.history.header import Header
from waybill.history.recorder import FaultWatch, Recorder

if TYPE_CHECKING:
    from waybill.devices.intrusion import Attempt
    from waybill.devices.replaying import Tapped
    from waybill.devices.trespassing import Trespass
    from waybill.history import Report


_NEEDED = {
    Operation.SYNC: Capability.SYNC,
    Operation.PRESENCE: Capability.PRESENCE,
    Operation.WATCH: Capability.PRESENCE_NOTICES,
    Operation.READ: Capability.READ_MARKERS,
    Operation.MARKERS: Capability.READ_MARKERS,
    Operation.CREATE: Capability.GROUPS,
    Operation.ADD: Capability.GROUPS,
    Operation.REMOVE: Capability.GROUPS,
    Operation.LEAVE: Capability.GROUPS,
    Operation.TYPING: Capability.TYPING,
    Operation.ROSTER: Capability.GROUP_MEMBERS,
    Operation.BLOCK: Capability.BLOCK_LISTS,
    Operation.UNBLOCK: Capability.BLOCK_LISTS,
    Operation.BLOCKED: Capability.BLOCK_LISTS,
    Operation.STATUS: Capability.TTL,
}
"""What a protocol must be able to express for each operation that not every protocol has."""


PATIENCE: Final = 30.0
"""Seconds that a server may take over the answers to a bulk of sends, where nobody says otherwise."""


class User:
    """A person of the scenario.

    Attributes:
        name: The scenario's name, such as `alice`.
        account: The account of the target's pool that plays it.
        devices: Its devices by their own names, such as `phone`.
    """

    def __init__(self, name: str, account: Any) -> None:
        self.name = name
        self.account = account
        self.devices: dict[str, Device] = {}

    @property
    def online(self) -> list[Device]:
        """Its devices that have a session."""
        return [device for device in self.devices.values() if device.connected]


class Scenario:
    """Everything that happens in one scenario, recorded in one history.

    The history file is opened with the first connection, so that its header knows who was invited by then.

    Args:
        target: The running target.
        path: The history file, `*.jsonl`.
        name: The scenario's name.
        seed: What reproduces it: bodies, sizes and everything drawn from `random` follow from it.
        guarantees: The ids of the guarantees it puts to the proof.
        declares: The operations that it promises to exercise; one without a single `ok` makes the history
            vacuous.
        watch: Who is told when faults begin and end.
        patience: Seconds that the server may take over the answers to a bulk of sends before more of them follow.

    Attributes:
        random: The scenario's source of choice.
        names: The scenario's names and the server's.
        users: Its people by name.
        keyless: Those of them whose clients cannot say a key.
        sendings: Every message that was composed, in order.
        bystanders: Devices that must notice nothing of what is done to others.
        attempts: What came of every false credential that was shown.
        tapped: Logins that somebody listened to, by the names of the devices.
        trespasses: What was tried on sessions on which nothing may work.
    """

    def __init__(
        self,
        target: TargetAccess,
        path: Path,
        *,
        name: str,
        seed: int,
        guarantees: Sequence[str] = (),
        declares: Sequence[Operation] = (),
        watch: FaultWatch | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.watch = watch
        self.patience = patience
        self.target = target
        self.path = Path(path)
        self.name = name
        self.seed = seed
        self.guarantees = tuple(guarantees)
        self.declares = tuple(declares)
        self.driver: Driver = (
            registry.find(target.driver) if isinstance(target.driver, str) else target.driver
        )
        self.random = random.Random(seed)
        self.bodies = Bodies(seed)
        self.names = Names()
        self.users: dict[str, User] = {}
        self.keyless: set[str] = set()
        self.attempts: list[Attempt] = []
        self.tapped: dict[str, Tapped] = {}
        self.trespasses: list[Trespass] = []
        self.conversations: dict[str, Conversation] = {}
        self.sendings: list[Sending] = []
        self.signal = Signal()
        self.streams: list[Stream] = []
        self.bystanders: list[Device] = []
        self._orders = itertools.count()
        self._places = itertools.count()
        self._recorder: Recorder | None = None
        self._opening = threading.Lock()
        self._taken: set[Sending] = set()
        self._accepted: set[Sending] = set()
        self._alarms: list[tuple[int, Callable[[], None]]] = []
        self._tokens: dict[str, int] = {}
        self._numbering = threading.Lock()
        self._typing: dict[tuple[str, str, bool], list[int]] = {}
        self._expiring: dict[tuple[str, str], Sending] = {}

    # -- people ----------------------------------------------------------------------------------------------

    def user(
        self,
        name: str,
        devices: Iterable[str] = ("phone",),
        *,
        role: str = "",
        client: Client | None = None,
    ) -> User:
        """The person with this name, who has at least these devices; invited on the first call.

        Args:
            name: The person.
            devices: Devices that the person must have.
            role: `moderator` or `admin` for an account with that role; it counts on the first call.
            client: What kind of client the devices are that are new; None for what the target's driver speaks.
        """
        person = self.users.get(name)
        if person is None:
            account = self.target.account(role=role) if role else self.target.account()
            person = self.users[name] = User(name, account)
            self.names.add_user(person.account.user, name)
        for device in devices:
            if device not in person.devices:
                person.devices[device] = Device(self, name, device, person.account, client)
                if client is not None and not client.keyed:
                    self.keyless.add(name)
        return person

    def device(self, name: str) -> Device:
        """The device with this name: `alice/phone`, or `alice` for her first one. It is made if it is new."""
        user, _, device = name.partition("/")
        if device:
            return self.user(user, [device]).devices[device]
        return next(iter(self.user(user, () if user in self.users else ("phone",)).devices.values()))

    def next_node(self) -> str:
        """The node for a new device, each of the target's in turn, so that what people do crosses nodes."""
        nodes = self.target.nodes
        return nodes[next(self._places) % len(nodes)]

    @property
    def devices(self) -> list[Device]:
        """Every device, in the order of invitation."""
        return [device for person in self.users.values() for device in person.devices.values()]

    @property
    def present(self) -> list[Device]:
        """The devices that have a session, in the order of invitation."""
        return [device for device in self.devices if device.connected]

    # -- conversations ---------------------------------------------------------------------------------------

    def direct(self, one: str, other: str) -> Conversation:
        """The direct conversation of two people, called `alice+bob` in the order of their names."""
        first, second = sorted((one, other))
        name = f"{first}+{second}"
        if name not in self.conversations:
            accounts = [self.user(person, ()).account.user for person in (first, second)]
            made = Conversation(name, self.driver.direct_conversation(*accounts))
            self._add(made, [first, second])
        return self.conversations[name]

    def add_group(self, name: str, server_name: str, members: Sequence[str]) -> Conversation:
        """A group that the server made; `Device.create_group` calls this."""
        made = Conversation(name, server_name, group=True)
        self._add(made, members)
        return made

    def conversation(self, name: Conversation | str) -> Conversation:
        """The conversation with this name.

        Raises:
            KeyError: There is none yet.
        """
        if isinstance(name, Conversation):
            return name
        if name not in self.conversations:
            known = ", ".join(self.conversations) or "none yet"
            raise KeyError(f"No conversation is called {name!r}; there are: {known}.")
        return self.conversations[name]

    # -- what the protocol can express --------------------------------------------------------------------------

    def can(self, operation: Operation) -> bool:
        """Whether the protocol has this operation."""
        needed = _NEEDED.get(operation)
        return needed is None or needed in self.driver.capabilities

    def require(self, operation: Operation) -> None:
        """Fails where the protocol does not have this operation.

        Raises:
            CapabilityMissing: Saying which capability the driver lacks.
        """
        if not self.can(operation):
            raise CapabilityMissing(self.driver.name, _NEEDED[operation].value)

    # -- the history -----------------------------------------------------------------------------------------

    @property
    def recorder(self) -> Recorder:
        """The recorder of the one history."""
        with self._opening:
            if self._recorder is None:
                self._recorder = Recorder(self.path, self._header(), watch=self.watch)
            return self._recorder

    @property
    def recording(self) -> bool:
        """Whether anything was recorded yet."""
        return self._recorder is not None

    # -- waiting ---------------------------------------------------------------------------------------------

    def wait_until_answered(
        self, sendings: Sequence[Sending] | None = None, *, deadline: float = SECONDS
    ) -> None:
        """Waits until each of these sends (all by default) has an outcome, whichever.

        Raises:
            DeadlinePassed: Some have none; they are recorded as unknown with code `deadline`.
        """
        waits.wait_until_answered(self.devices, self._sent(sendings), Deadline(deadline))

    def wait_until_acknowledged(
        self, sendings: Sequence[Sending] | None = None, *, deadline: float = SECONDS
    ) -> None:
        """Waits until each of these sends is acknowledged; by default all that were not refused.

        Raises:
            DeadlinePassed: Some have no outcome.
            NotAcknowledged: Some were refused, or their outcome is unknown.
        """
        all_sent = self._sent(sendings)
        waits.wait_until_answered(self.devices, all_sent, Deadline(deadline))
        waits.require_acknowledged([one for one in all_sent if sendings is not None or not one.refused])

    def wait_for_acknowledged_count(
        self, count: int, *, accepted: bool = True, deadline: float = SECONDS
    ) -> None:
        """Waits until so many messages of the scenario are acknowledged.

        Args:
            count: How many.
            accepted: Count what was accepted where the server answers with nothing, too.
            deadline: Seconds.

        Raises:
            DeadlinePassed: Saying how many there are.
        """

        def there() -> int:
            return self.acknowledged_count if accepted else self.answered_count

        if not self.signal.wait_until(lambda: there() >= count, Deadline(deadline)):
            states = "; ".join(f"{device.name} is {device.state}" for device in self.devices if device.sent)
            raise DeadlinePassed(
                f"Expected {count} acknowledged messages within {deadline:g} s; there are "
                f"{there()} of {len(self.sendings)} sent. {states}."
            )

    def on_acknowledged(self, count: int, action: Callable[[], None]) -> None:
        """Does something once, in the reading thread, on the acknowledgement that makes it so many in the
        scenario.

        Nothing lies between the arrival of that acknowledgement and the action; a wait would add the time of
        a wake-up.
        """
        self._alarms = [(count, action)]

    @property
    def acknowledged_count(self) -> int:
        """How many messages of the scenario are acknowledged, or accepted where the server answers with nothing."""
        return len(self._taken)

    @property
    def accepted_count(self) -> int:
        """How many of these were accepted without a word, and not acknowledged."""
        return len(self._accepted)

    @property
    def answered_count(self) -> int:
        """How many of these were acknowledged in words."""
        return len(self._taken) - len(self._accepted)

    def owed(self, device: Device) -> list[Sending]:
        """Everything acknowledged so far that a device must be given, in the order of sending."""
        return [one for one in self.sendings if one.taken and self.must_be_given(device, one)]

    def must_be_given(self, device: Device, sending: Sending) -> bool:
        """Whether the server must push this message to this device once it is acknowledged.

        A device that handed it over itself needs no copy; the sender's other devices do, where the protocol
        serves several devices of one user. Nobody needs one of a message that has expired.
        """
        if sending.expired:
            return False
        if device.name in sending.tried_by or not sending.conversation.had(device.user, sending.order):
            return False
        return device.user != sending.user or Capability.OWN_DEVICES in device.driver.capabilities

    # -- traffic in the background ---------------------------------------------------------------------------

    def start_sending(
        self,
        device: Device,
        conversation: Conversation | str,
        *,
        rate: float | None = None,
        in_flight: int = 32,
        size: int = 64,
        count: int | None = None,
    ) -> Stream:
        """Starts a stream of messages from a device in the background; `Stream.stop` ends it.

        Args:
            device: The sender.
            conversation: Where they go.
            rate: Messages per second; None for as fast as the server acknowledges.
            in_flight: The most unanswered sends.
            size: The size of their bodies in bytes.
            count: The most messages; None for no end but `stop`.
        """
        stream = Stream(device, self.conversation(conversation), rate, in_flight, size, count)
        self.streams.append(stream)
        stream.start()
        return stream

    def stop_sending(
        self, devices: Sequence[Device] | None = None, *, deadline: float = 30.0
    ) -> list[Sending]:
        """Stops the streams of these devices (all by default) and waits until each of their sends has an outcome;
        returns those sends."""
        limit = Deadline(deadline)
        sent: list[Sending] = []
        for stream in [one for one in self.streams if devices is None or one.device in devices]:
            sent.extend(stream.stop(deadline=limit.remaining()))
            self.streams.remove(stream)
        return sent

    # -- showing that something does not come ----------------------------------------------------------------

    def send_sentinel(
        self,
        device: Device,
        conversation: Conversation | str | None = None,
        *,
        sender: Device | None = None,
        deadline: float = SECONDS,
    ) -> list[Delivery]:
        """Sends a message that takes the same path as everything before it, waits until the device's present
        session was given it, and returns what that session was given before it.

        Args:
            device: Who must receive it.
            conversation: Where it goes; by default one that the device's user is a member of.
            sender: Who sends it; by default a connected device of another member.
            deadline: Seconds.
        """
        return settling.send_sentinel(self, device, conversation, sender, Deadline(deadline))

    def prove_absence(
        self,
        device: Device,
        unwanted: Iterable[Sending] | Callable[[Delivery], bool],
        conversation: Conversation | str | None = None,
        *,
        sender: Device | None = None,
        deadline: float = SECONDS,
    ) -> None:
        """Shows with a sentinel that the device's present session is not given these messages.

        Raises:
            AssertionError: It was given some of them.
            DeadlinePassed: The sentinel did not come, so nothing is shown.
        """
        settling.prove_absence(self, device, unwanted, conversation, sender, Deadline(deadline))

    # -- the end ---------------------------------------------------------------------------------------------

    def settle(self, *, deadline: float = 20.0) -> settling.Settlement:
        """Ends the traffic: reopens every device, reads until every stream's high-water mark has arrived
        wherever it must, and takes each device's complete final read. What is still missing at the deadline
        is recorded (the checker's `stuck`) and returned, not retried and not raised: the check of the history
        decides.
        """
        return settling.settle(self, Deadline(deadline))

    def finish(self) -> Report:
        """Closes every session and the history, and checks the history. `settle` comes first.

        Raises:
            RuntimeError: Nothing was ever recorded.
        """
        if self._recorder is None:
            raise RuntimeError(f"The scenario {self.name!r} has no history: no device was ever connected.")
        # Checking needs numpy, which a scenario that only records never loads.
        from waybill.history import check

        self.close()
        return check(self._recorder.path)

    def close(self) -> None:
        """Ends what is still open and closes the history, without a check; idempotent."""
        try:
            for stream in self.streams:
                stream.abandon()
            close_all(self.devices)
        finally:
            if self._recorder is not None:
                for number in [number for numbers in self._typing.values() for number in numbers]:
                    self._recorder.info(number, "unconfirmed")
                self._typing.clear()
                self.path = self._recorder.close()

    def token_number(self, token: str) -> int:
        """The number of a token in the history, the same for the same token; 0 for none."""
        with self._numbering:
            return self._tokens.setdefault(token, len(self._tokens) + 1) if token else 0

    # -- what devices tell -----------------------------------------------------------------------------------

    def next_order(self) -> int:
        """The place of the next send among all."""
        return next(self._orders)

    def remember(self, sending: Sending) -> None:
        """A message was composed."""
        self.sendings.append(sending)
        if sending.ttl is not None:
            self._expiring[sending.user, sending.key] = sending

    def expiry_seen(self, user: str, key: str) -> None:
        """A device was told that a message of its user's has expired."""
        sending = self._expiring.get((user, key))
        if sending is not None:
            sending.expired = True

    def note_taken(self, sending: Sending) -> None:
        """A send was acknowledged, or accepted where the server answers with nothing."""
        if not sending.acknowledged:
            self._accepted.add(sending)
        self._taken.add(sending)
        if sending.acknowledged:
            self._accepted.discard(sending)
        sending.conversation.note_taken(sending)
        if self._alarms and len(self._taken) >= self._alarms[0][0]:
            with self._opening:
                due = self._alarms.pop() if self._alarms else None
            if due is not None:
                due[1]()

    def tell(self, devices: Iterable[str]) -> None:
        """Wakes whoever waits for one of these devices."""
        for name in devices:
            self.device(name).signal.changed()

    def give_up(self, sending: Sending) -> None:
        """Records every open attempt of a send as unknown: its deadline passed."""
        for name in sending.tried_by:
            device = self.device(name)
            for operation in list(sending.open):
                device.give_up(operation)

    def typing_begun(self, conversation: str, user: str, active: bool, operation: int) -> None:
        """A device said that its user is typing; it is known to have worked once somebody saw it."""
        self._typing.setdefault((conversation, user, active), []).append(operation)

    def typing_seen(self, conversation: str, user: str, active: bool) -> None:
        """A device saw a typing notice."""
        for operation in self._typing.pop((conversation, user, active), ()):
            self.recorder.ok(operation)

    # -- inside ----------------------------------------------------------------------------------------------

    def _sent(self, sendings: Sequence[Sending] | None) -> list[Sending]:
        return [one for one in (self.sendings if sendings is None else sendings) if one.attempts]

    def _add(self, made: Conversation, members: Sequence[str]) -> None:
        order = self.next_order()
        for member in members:
            made.joined(member, order)
        self.conversations[made.name] = made
        self.names.add_conversation(made.server_name, made.name)
        if self._recorder is not None and not made.group:
            self._recorder.members(made.name, list(members))

    def _header(self) -> Header:
        return Header(
            seed=self.seed,
            scenario=self.name,
            target=self.target.name,
            users={name: list(person.devices) for name, person in self.users.items()},
            conversations={name: made.members for name, made in self.conversations.items()},
            promises=dict(self.target.promises),
            declares=[operation.name.lower() for operation in self.declares],
            guarantees=self.guarantees,
        )
