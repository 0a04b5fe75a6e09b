"""The sessions of a device: connecting, ending, and operations that wait for their outcome."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from waybill.devices.epoch import Call, Epoch
from waybill.devices.inbox import Inbox
from waybill.devices.notice import Notice
from waybill.devices.policy import Acknowledge
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed, NoSession, OperationFailed, Signal
from waybill.drivers.base import (
    Capability,
    Credential,
    Driver,
    Endpoint,
    Login,
    LoginRefused,
    Outcome,
    Overheard,
    Session,
    Welcome,
)
from waybill.drivers.clients import Client
from waybill.history.events import Completion, CredentialKind, End, Operation, Transport

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.scenario import Scenario

SECONDS: Final = 10.0
"""The default deadline of a wait: ten times what a healthy server needs on a busy machine for the largest
bulk."""


class Connection:
    """A device as far as its sessions go; `Device` is the whole of it.

    Attributes:
        name: `user/device`.
        user: Its user.
        client: What kind of client it is; None for what the target's driver speaks.
        driver: What speaks for it.
        inbox: What it holds, over all its sessions.
        acknowledge_policy: When it acknowledges what it is given.
        epoch: Its newest session; None before the first.
        epochs: All its sessions, oldest first.
        welcome: What the server said at the newest successful login.
        sent: Everything it ever sent, in order.
        notices: What it was told besides messages, from when somebody put a list here; None for nobody keeps it.
    """

    def __init__(
        self, scenario: Scenario, user: str, device: str, account: Any, client: Client | None = None
    ) -> None:
        self.scenario = scenario
        self.client = client
        self.driver: Driver = scenario.driver if client is None else client.driver
        self.name = f"{user}/{device}"
        self.user = user
        self.device = device
        self.account = account
        self._same_names = self.driver.name == scenario.driver.name
        self.inbox = Inbox(keyed=Capability.KEY_ON_DELIVERY in self.driver.capabilities)
        self.acknowledge_policy = Acknowledge.AUTO
        self.epoch: Epoch | None = None
        self.epochs: list[Epoch] = []
        self.welcome: Welcome | None = None
        self.sent: list[Sending] = []
        self.signal = Signal()
        self._numbers = itertools.count(1)
        self._node = scenario.next_node()
        self.notices: list[Notice] | None = None
        self._piece = 0

    @property
    def node(self) -> str:
        """The node of its newest session, or of its next one where it is not told another."""
        return self._node

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
        piece: int | None = None,
        extra: Mapping[str, object] | None = None,
        endpoint: Endpoint | None = None,
        credential: Credential | None = None,
        kind: CredentialKind = CredentialKind.VALID,
        transport: Transport = Transport.TLS,
        identify: bool = True,
        called: str | None = None,
        overheard: Overheard | None = None,
        replay: Overheard | None = None,
        insist: bool = False,
        offers: tuple[int, ...] = (),
    ) -> Welcome:
        """Connects and logs in: a new epoch of the device.

        Args:
            node: The node to connect to; None for the one of the last time, at first the one whose turn it was when the
                device was made: the devices of a scenario are spread over the target's nodes.
            cursor: The place in the log to go on from; None for the one that the server keeps for the device.
            acknowledge: When to acknowledge from now on; None leaves it as it is.
            takeover: Log in although the device has a session; the server decides what becomes of that one.
            deadline: Seconds for connecting and logging in together.
            version: The newest protocol version to offer; None for that of the device's client.
            window: The most unacknowledged deliveries to ask for, where the protocol can say so.
            piece: Write in pieces of at most so many bytes from now on, 0 for whole writes; None leaves it as it is.
            extra: Members to add to every frame of the session, for probes.
            endpoint: Where to connect instead of the node, for example a proxy before it.
            credential: What to show instead of the account's own credential.
            kind: What that credential is worth; everything but VALID must not work.
            transport: What carries the session; everything but TLS must not work.
            identify: Log in. Without it the session never says who it is, and nothing it tries may work.
            called: The name to say at login instead of the device's own, for somebody who pretends to be it.
            overheard: Where to put what is said in the login.
            replay: What to say at login instead, as it was overheard.
            offers: Exactly the versions to offer, for probes.
            insist: Keep the connection of a login that was refused, as far as the server leaves it open.

        Raises:
            LoginRefused: The login did not end in a session; it is recorded. Where it insisted, the device has the
                connection as its session, which was never let in.
            RuntimeError: The device has a session.
        """
        if self.connected and not takeover:
            raise RuntimeError(
                f"{self.name} is {self.state}; close or cut it first, or connect with takeover=True."
            )
        scenario = self.scenario
        if acknowledge is not None:
            self.acknowledge_policy = acknowledge
        if piece is not None:
            self._piece = piece
        self._node = node or self._node
        spoken = version or (None if self.client is None else self.client.version)
        login = Login(
            endpoint=endpoint or self._endpoint(),
            credential=credential or self._credential(),
            device=called or self.device,
            cursor=cursor,
            version=spoken,
            offers=offers,
            deadline=deadline,
            receipts=Capability.RECEIPTS in self.driver.capabilities,
            typing=Capability.TYPING in self.driver.capabilities,
            window=window,
            piece=self._piece,
            extra=extra or {},
            identify=identify,
            overheard=overheard,
            replay=replay,
            insist=insist,
        )
        recorder = scenario.recorder
        number = recorder.session(
            self.name, node=self._node, protocol=self.driver.name,
            version=max(offers, default=0) or spoken or self.driver.versions[-1],
            transport=transport, credential=kind,
            token=scenario.token_number(login.credential.token),
        )  # fmt: skip
        operation = -1
        if identify:
            operation = recorder.invoke(number, Operation.LOGIN, value=-1 if cursor is None else cursor)
        epoch = Epoch(self, number, operation)
        try:
            session = self.driver.connect(login, epoch)
        except LoginRefused as refused:
            refusal = refused.outcome.completion is Completion.FAIL
            if identify:
                (recorder.fail if refusal else recorder.info)(operation, refused.outcome.code)
            if refused.session is None:
                recorder.end(number, End.REFUSED if refusal else End.LOST, str(refused))
            else:
                self._take_up(epoch, refused.session, let_in=False)
            raise
        except BaseException:
            if identify:
                recorder.info(operation, "interrupted")
            recorder.end(number, End.CUT, "interrupted")
            raise
        self.welcome = session.welcome
        self._take_up(epoch, session)
        return session.welcome

    def _take_up(self, epoch: Epoch, session: Session, *, let_in: bool = True) -> None:
        self.epoch = epoch
        self.epochs.append(epoch)
        epoch.opened(session, let_in=let_in)
        self.changed()

    def _endpoint(self) -> Endpoint:
        own = self.client.endpoints.get(self._node) if self.client is not None else None
        return own or self.scenario.target.endpoint(self._node, self.name)

    def _credential(self) -> Credential:
        target = self.scenario.target
        if self.client is not None and not self.client.bound:
            return target.credential(self.account, self.device, bound=False)
        return target.credential(self.account, self.device)

    def server_name(self, conversation: Conversation) -> str:
        """What a conversation is called where this device connects to."""
        if self._same_names or conversation.group:
            return conversation.server_name
        accounts = [self.scenario.users[user].account.user for user in conversation.members]
        name = self.driver.direct_conversation(accounts[0], accounts[-1])
        self.scenario.names.add_conversation(name, conversation.name)
        return name

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

    def wait_until_idle(self, *, deadline: float = SECONDS) -> None:
        """Waits until no operation of the present session is open; those still open at the deadline are
        recorded as unknown."""
        epoch, _ = self.usable()
        if not self.signal.wait_until(lambda: epoch.at_rest, Deadline(deadline)):
            epoch.give_up_all()

    def give_up(self, operation: int) -> None:
        """Records an operation without an outcome as unknown: its deadline passed."""
        for epoch in self.epochs:
            epoch.give_up(operation)

    def changed(self) -> None:
        """Wakes whoever waits for this device."""
        self.signal.changed()
        self.scenario.signal.changed()

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
        return self.finish(epoch, call, Deadline(deadline))

    def finish(self, epoch: Epoch, call: Call, deadline: Deadline) -> Outcome:
        if not self.signal.wait_until(call.is_over, deadline):
            epoch.give_up(call.operation)
        outcome = call.outcome
        assert outcome is not None
        if outcome.code == "deadline":
            raise DeadlinePassed(
                f"{self.name} expected an answer to {call.what.name.lower()} within "
                f"{deadline.seconds:g} s and got none. {self.name} is {self.state}."
            )
        if outcome.completion is not Completion.OK:
            raise OperationFailed(self.name, call.what.name.lower(), outcome)
        return outcome

    def __repr__(self) -> str:
        return f"<{self.name} {self.state}>"
