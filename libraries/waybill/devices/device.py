"""A user's device: its sessions, what it sends, what it was given, and waiting for either."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from waybill.devices import waits
from waybill.devices.connection import SECONDS
from waybill.devices.conversation import Conversation
from waybill.devices.epoch import Call, Epoch
from waybill.devices.outbox import Outbox
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline
from waybill.drivers.base import Capability, Delivery, Outcome, Presence, Receipt, Welcome
from waybill.history.events import Operation


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of a log: its entries, the position it ends at, and whether the log ends there too."""

    entries: list[Delivery]
    cursor: int
    complete: bool


class Device(Outbox):
    """One client of a user, such as `alice/phone`. Made by `Scenario.user`."""

    def connect(self, node: str | None = None, *, catch_up: bool = True, **options: Any) -> Welcome:
        """Connects and logs in (see `Connection.connect`), then catches up as the target promises.

        Where a server pushes what a device missed, there is nothing to do. Where it promises `catch_up = "read"`, a
        device whose user has others reads its log from the place where it was, as clients of such servers do.

        Args:
            node: The node to connect to.
            catch_up: Catch up at all.
            options: As `Connection.connect` has them.
        """
        before = max(0, self.cursor)
        welcome = super().connect(node, **options)
        genuine = options.get("identify", True) and options.get("credential") is None
        if catch_up and genuine and self.catches_up:
            self.read_log(before)
        return welcome

    @property
    def catches_up(self) -> bool:
        """Whether the target leaves it to this device to read what it missed while others of its user were there."""
        return (
            len(self.scenario.users[self.user].devices) > 1
            and Capability.SYNC in self.driver.capabilities
            and self.scenario.target.promises.get("catch_up") == "read"
        )

    # -- acknowledging, reading ------------------------------------------------------------------------------

    def acknowledge(self, count: int | None = None, *, deadline: float = SECONDS) -> None:
        """Acknowledges the first `count` deliveries of the present session, all of them by default.

        Returns when the server confirmed it, where the protocol has confirmations; else, where the protocol can ask
        for presence, when the server answered what was asked after it, and so has read it.

        Raises:
            DeadlinePassed: No confirmation in time.
            OperationFailed: The server refused, or the outcome is unknown.
        """
        epoch, _ = self.usable()
        calls = epoch.acknowledge_given(count)
        if Capability.CONFIRMED_ACK in self.driver.capabilities:
            limit = Deadline(deadline)
            for call in calls:
                self.finish(epoch, call, limit)
        elif calls and self.scenario.can(Operation.PRESENCE):
            self.ask_presence(self.user, deadline=deadline)

    def sync(
        self, after: int = 0, limit: int = 500, *, final: bool = False, deadline: float = SECONDS
    ) -> Page:
        """Reads one page of the log after a position."""
        epoch, call = self.begin_sync(after, limit, final=final)
        outcome = self.finish(epoch, call, Deadline(deadline))
        return Page(call.entries, outcome.cursor, outcome.complete)

    def begin_sync(self, after: int, limit: int, *, final: bool = False) -> tuple[Epoch, Call]:
        """Asks for one page without waiting for it."""
        epoch, session = self.usable()
        call = epoch.reading(after, final=final)
        session.sync(call.operation, after, limit)
        return epoch, call

    def read_log(self, after: int = 0, page: int = 500, *, deadline: float = 30.0) -> list[Delivery]:
        """Reads the log page by page from a position until the server says that it is complete.

        While streams run the log may grow as fast as it is read; then the reading ends with the page that
        reaches the newest place that the server had told any device of the user when it began.
        """
        limit, entries = Deadline(deadline), []
        known = max(device.known_head for device in self.scenario.users[self.user].devices.values())
        while True:
            read = self.sync(after, page, deadline=limit.remaining())
            entries.extend(read.entries)
            if read.complete or (self.scenario.streams and read.cursor >= known):
                return entries
            after = read.cursor

    @property
    def known_head(self) -> int:
        """The newest place of the log that the server told this device, at login or with a delivery."""
        head = -1 if self.welcome is None else self.welcome.head
        return max(self.cursor, head)

    @property
    def cursor(self) -> int:
        """The highest log position that the device was given; -1 for none."""
        return self.inbox.cursor

    # -- presence, receipts, typing --------------------------------------------------------------------------

    def ask_presence(self, user: str, *, deadline: float = SECONDS) -> Presence:
        """Asks whether a user is online, and when last seen."""
        account = self.scenario.names.account(user)
        outcome = self.call(
            Operation.PRESENCE, lambda session, number: session.presence(number, account),
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

    def mark_read(
        self, conversation: Conversation | str, sequence: int, *, deadline: float = SECONDS
    ) -> Outcome:
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
        return [
            dataclasses.replace(one, conversation=thread.name, user=names.user(one.user)) for one in receipts
        ]

    def wait_for_receipt(
        self,
        conversation: Conversation | str,
        user: str,
        *,
        delivered: int = -1,
        read: int = -1,
        deadline: float = SECONDS,
    ) -> None:
        """Waits until this device saw that a user was given, and has read, a conversation up to these
        sequences."""
        thread = self.scenario.conversation(conversation)
        waits.wait_for_receipt(self, thread.name, user, delivered, read, Deadline(deadline))

    def typing(self, conversation: Conversation | str, active: bool = True) -> None:
        """Says that the user started or stopped typing. Nothing answers; it is known to have worked once
        another device saw it."""
        self.scenario.require(Operation.TYPING)
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

    # -- groups ----------------------------------------------------------------------------------------------

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

    def remove_member(
        self, conversation: Conversation | str, user: str, *, deadline: float = SECONDS
    ) -> None:
        """Removes a user from a group and waits for the confirmation."""
        thread, account = self.scenario.conversation(conversation), self.scenario.names.account(user)
        thread.left(user, self.scenario.next_order())
        self.call(
            Operation.REMOVE,
            lambda session, number: session.remove_member(number, thread.server_name, account),
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

    # -- block lists -----------------------------------------------------------------------------------------

    def block(self, user: str, *, deadline: float = SECONDS) -> None:
        """Blocks another user and waits for the confirmation."""
        account = self.scenario.names.account(user)
        self.call(
            Operation.BLOCK, lambda session, number: session.block(number, account),
            deadline=deadline, user=user,
        )  # fmt: skip

    def unblock(self, user: str, *, deadline: float = SECONDS) -> None:
        """Blocks another user no longer and waits for the confirmation."""
        account = self.scenario.names.account(user)
        self.call(
            Operation.UNBLOCK, lambda session, number: session.unblock(number, account),
            deadline=deadline, user=user,
        )  # fmt: skip

    # -- waiting ---------------------------------------------------------------------------------------------

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
