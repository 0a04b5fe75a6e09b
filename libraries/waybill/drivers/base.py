"""The driver contract: what a protocol module gives to the kit.

A driver turns one wire protocol into *sessions*. It never records, never retries, never reconnects and never
removes or reorders what the server sent: what it hides cannot be judged. The device layer records every
operation before it hands it to the session, and every event as the session reports it.

The rule that everything rests on: an operation ends in exactly one `Outcome`. `FAIL` means that it can never
take effect: either no byte of the request left the client, or the server said so in an answer that the
protocol declares definite. Everything else that is not an acknowledgement is `INFO`, an unknown outcome.
"""

from __future__ import annotations

import enum
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from waybill.history.events import ACCEPTED as ACCEPTED  # noqa: PLC0414 - part of the contract
from waybill.history.events import Completion, End, Mode, Operation

if TYPE_CHECKING:
    from waybill.drivers.echo import Echo
    from waybill.drivers.frame_table import Cast, FrameTable


class Capability(enum.Enum):
    """What a protocol can express; a guarantee that needs a missing one is BROKEN or WAIVED, never passed."""

    SENDER_ACK = "sender-ack"
    """The server answers a send when it has taken the message over."""
    DEFINITE_REFUSAL = "definite-refusal"
    """The server can say that a send can never take effect."""
    IDEMPOTENCY_KEY = "idempotency-key"
    """A send carries a key under which the server recognises its retry."""
    KEY_ON_DELIVERY = "key-on-delivery"
    """A delivery names the key of its send."""
    CONVERSATION_ON_DELIVERY = "conversation-on-delivery"
    """A delivery names its conversation."""
    SENDER_ON_DELIVERY = "sender-on-delivery"
    """A delivery names its sender."""
    SEQUENCE = "sequence"
    """Acknowledgements and deliveries carry the conversation's sequence number."""
    RECIPIENT_ACK = "recipient-ack"
    """A device acknowledges what it was given; what it did not acknowledge comes again."""
    CUMULATIVE_ACK = "cumulative-ack"
    """One acknowledgement covers everything up to a cursor."""
    CONFIRMED_ACK = "confirmed-ack"
    """The server confirms a device's acknowledgement."""
    CURSOR = "cursor"
    """A device can resume from a place in its log."""
    SYNC = "sync"
    """A device can read its log in pages."""
    OWN_DEVICES = "own-devices"
    """Several devices of one user are served at once, the sender's own other devices included."""
    PRESENCE = "presence"
    """Online and offline can be asked for."""
    PRESENCE_NOTICES = "presence-notices"
    """Changes of presence are told without asking again."""
    TYPING = "typing"
    """Typing notices are passed on."""
    RECEIPTS = "receipts"
    """Delivery and read receipts reach the sender."""
    READ_MARKERS = "read-markers"
    """A user's read marker is kept by the server and can be asked for."""
    GROUPS = "groups"
    """Conversations with more than two members, whose membership changes."""
    GROUP_MEMBERS = "group-members"
    """A group's members can be asked for."""
    TTL = "ttl"
    """A message can have a time to live, and its sender is told when that is over."""
    BLOCK_LISTS = "block-lists"
    """A user can block others, who then cannot write to the user."""
    EXTRA_MEMBERS = "extra-members"
    """A session can say more in each frame than the protocol knows, for probes."""
    OVERHEARING = "overhearing"
    """What a client says, at login and after it, can be kept byte for byte and said again on another connection, for
    probes."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node listens, and how a client must trust it.

    Attributes:
        url: Scheme, host, port and path, for example `wss://127.0.0.1:40123/v2` or `mqtts://127.9.1.1:8883`.
        authority: The certificate authority to trust (a PEM file); None for the system's own.
        server_name: The name that the certificate must carry; None for the host of the url.
        insecure: Skip certificate checks. Only probes use it.
    """

    url: str
    authority: Path | None = None
    server_name: str | None = None
    insecure: bool = False

    def tls_context(self) -> ssl.SSLContext:
        """A client context that trusts exactly the endpoint's authority, TLS 1.2 and up."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=self.authority)
        return context


class DeviceKey(Protocol):
    """The private key of a device, to which its token may be bound (RFC 7800): curve P-256, algorithm ES256."""

    def public_jwk(self) -> Mapping[str, str]:
        """The public half as a JSON Web Key."""

    def sign(self, content: bytes) -> bytes:
        """A signature of 64 bytes, r and s (RFC 7518, section 3.4)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a device shows at login; its secrets never appear in a repr, a log or a history.

    Attributes:
        user: The account name at the server.
        token: A bearer token, for protocols that take one; empty for a login without.
        password: A password, for protocols that take one.
        key: The key that the token is bound to, with which the device answers a server that asks for a proof; None for
            a token that whoever holds it may show.
    """

    user: str
    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    key: DeviceKey | None = field(default=None, repr=False)


@dataclass(slots=True)
class Overheard:
    """What a client said in one login and after it, as somebody has it who sees what TLS carries.

    Attributes:
        said: The bytes, one entry for each time that it was the client's turn.
        frames: What the client said on the session that followed, one entry for each write.
    """

    said: list[bytes] = field(default_factory=list, repr=False)
    frames: list[bytes] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Everything that one connection attempt needs.

    Attributes:
        endpoint: The node to connect to.
        credential: Who logs in.
        device: The device's name, unique for its user.
        cursor: The place in the log to go on from; None for the place that the server keeps for the device.
        version: The newest protocol version to offer, with those before it that the protocol can offer along; one that
            the driver does not speak is offered alone. None for the driver's newest.
        deadline: Seconds for connecting and logging in together.
        offers: Exactly the versions to offer, in place of those that follow from `version`, for probes; only for
            protocols in which a client lists what it speaks.
        receipts: Ask for receipts.
        typing: Ask for typing notices.
        window: The most deliveries the device will hold unacknowledged, where the protocol can say so.
        piece: Write what this session sends in pieces of at most so many bytes, each a write of its own, so that frames
            arrive split; 0 leaves writes whole. Frames that a protocol ends with the packet stay whole.
        extra: Members to put into every frame of the session, the login included, that does not have them anyway, by
            their names on the wire; for probes that say they are somebody else (EXTRA_MEMBERS).
        identify: Say who it is. Without it the driver connects and gives a session that never did, for probes; where
            the protocol has no operation before the login, it logs in without any credential; one that can do neither
            raises `LoginRefused` with FAIL and code `not-possible`.
        overheard: Where to put what is said in this login and on its session (OVERHEARING).
        replay: What to say in place of the login's own bytes, as it was said in another one (OVERHEARING).
        insist: Leave the connection open when the server refuses the login, and give what is left of it with the
            `LoginRefused`, for probes. A protocol that has nothing to say after a refusal ends it all the same.
    """

    endpoint: Endpoint
    credential: Credential
    device: str
    cursor: int | None = None
    version: int | None = None
    deadline: float = 10.0
    offers: tuple[int, ...] = ()
    receipts: bool = False
    typing: bool = False
    window: int | None = None
    piece: int = 0
    extra: Mapping[str, object] = field(default_factory=dict)
    identify: bool = True
    overheard: Overheard | None = None
    replay: Overheard | None = None
    insist: bool = False


# Outcome and Delivery are made once per message; freezing them would triple what that costs.
@dataclass(slots=True)
class Outcome:
    """How one operation ended. Not to be changed once made.

    Attributes:
        completion: OK, FAIL (can never take effect) or INFO (unknown).
        code: Why, in the protocol's own words, for FAIL and INFO; empty for OK.
        text: The server's explanation, if any.
        id: The server's id of the message, where the operation is a send.
        sequence: The conversation's sequence number; -1 where the protocol has none.
        key: The idempotency key that the acknowledgement named, where it names one.
        conversation: The conversation that the answer named, where it names one.
        cursor: A log position that the answer carried; -1 for none.
        duplicate: The server says that it had this send already.
        complete: A page that reached the end of the log.
        retry_after: Seconds after which a refused operation may be tried again.
        values: Further values of the answer by the contract's names (see each operation).
    """

    completion: Completion
    code: str = ""
    text: str = ""
    id: str = ""
    sequence: int = -1
    key: str = ""
    conversation: str = ""
    cursor: int = -1
    duplicate: bool = False
    complete: bool = False
    retry_after: float | None = None
    values: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """One message as the server gave it to a device. Not to be changed once made.

    Attributes:
        conversation: The conversation, in the server's own naming; empty where the protocol names none.
        body: The body, byte for byte.
        sender: The account that the server names as sender; empty where the protocol names none.
        key: The sender's idempotency key; empty where the protocol does not carry it.
        id: The server's id; empty where there is none.
        sequence: The conversation's sequence number; -1 where there is none.
        cursor: The place in the device's log; -1 where there is none.
        mode: LIVE, BACKLOG or PAGE.
        read: The operation number of the sync that asked for it, for PAGE; else -1.
        time_ms: The server's time of the message in milliseconds since 1970; -1 where there is none.
        redelivered: The protocol marks it as given before.
        receipt_handle: What the driver needs to acknowledge it; opaque to everybody else.
    """

    conversation: str
    body: bytes
    sender: str = ""
    key: str = ""
    id: str = ""
    sequence: int = -1
    cursor: int = -1
    mode: Mode = Mode.LIVE
    read: int = -1
    time_ms: int = -1
    redelivered: bool = False
    receipt_handle: object = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a member of a conversation was given, and has read, its messages (absolute watermarks; -1 for
    none); or that one of the device's own user has expired (`expired` is its key, `user` is empty)."""

    conversation: str
    user: str
    delivered: int = -1
    read: int = -1
    id: str = ""
    expired: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """What the server says of a user: online or not, and when last seen (milliseconds since 1970; -1 for
    unknown)."""

    user: str
    online: bool
    last_seen_ms: int = -1


@dataclass(frozen=True, slots=True)
class Typing:
    """A user started or stopped typing in a conversation."""

    conversation: str
    user: str
    active: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """A conversation's members after a change."""

    conversation: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the server said at login.

    Attributes:
        version: The protocol version that was chosen.
        cursor: Where deliveries go on from; -1 where the protocol has no cursor.
        head: The last position of the log at login; -1 where there is none.
        limits: The server's limits by name.
        resumed: The server kept state of an earlier session of this device.
    """

    version: int
    cursor: int = -1
    head: int = -1
    limits: dict[str, int] = field(default_factory=dict)
    resumed: bool = False


class Observer(Protocol):
    """What a session tells its device, from the session's own thread, one call at a time, in wire order.

    Calls must return quickly and must not wait for the session. Every operation number gets exactly one
    `completed`, also when the connection ends: the session completes what is open (FAIL if no byte of the
    request left, else INFO) before it calls `ended`. After `ended` nothing is called any more, but for one
    thing: an operation that is handed over later completes at once, in the caller's thread, as FAIL with code
    `not-connected`. In the same way a request that the protocol cannot express at all completes at once as
    FAIL. Only a call that an exception interrupts before the request was complete may leave its operation
    without an outcome.
    """

    def completed(self, operation: int, outcome: Outcome) -> None:
        """The operation ended."""

    def unmatched(self, operation: int, outcome: Outcome) -> None:
        """The server answered what is not open: a second answer, or one to an operation that was never
        asked. Operation -1: an answer that does not say to what."""

    def delivered(self, delivery: Delivery) -> None:
        """The server gave a message, live or from the backlog or as part of a page."""

    def receipted(self, receipt: Receipt) -> None:
        """A receipt arrived."""

    def presence_changed(self, presence: Presence) -> None:
        """A watched user came or went."""

    def typed(self, typing: Typing) -> None:
        """A typing notice arrived."""

    def membership_changed(self, membership: Membership) -> None:
        """The server announced the members of a conversation."""

    def idle(self) -> None:
        """Everything that had arrived so far was reported; a good moment for a cumulative acknowledgement."""

    def ended(self, end: End, reason: str) -> None:
        """The session is over."""


class LoginRefused(Exception):
    """The login did not end in a session.

    Attributes:
        outcome: FAIL if the server refused in an answer, or no byte of the login left the client (it could
            not be reached, TLS failed); INFO if the connection was lost before an answer. `text` explains.
        session: The connection that was refused, usable as far as the server leaves it so, where `Login.insist` asked
            for it. It tells its observer like any other session.
    """

    def __init__(self, outcome: Outcome, session: Session | None = None) -> None:
        super().__init__(f"{outcome.code}: {outcome.text}" if outcome.text else outcome.code)
        self.outcome = outcome
        self.session = session


class Session(ABC):
    """One logged-in connection of a device.

    Each operation is handed over with its operation number (from the recorder), returns as soon as the
    request is written, and completes through `Observer.completed`. A method whose capability the driver lacks
    is never called; its default completes nothing and raises `NotImplementedError`. Methods may be called
    from any thread.
    """

    welcome: Welcome

    @abstractmethod
    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        """Sends one message. OK carries id, sequence and key where the protocol has them.

        Without SENDER_ACK it completes as INFO with code `accepted` once all of it was written.
        """

    def send_many(self, sends: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Sends several messages back to back (operation, conversation, key, body), pipelined in one write if
        possible."""
        for operation, conversation, key, body in sends:
            self.send(operation, conversation, key, body)

    def send_expiring(self, operation: int, conversation: str, key: str, body: bytes, ttl: int) -> None:
        """Sends one message with a time to live in milliseconds, from the server's acceptance on. That it is over is a
        `Receipt` with `expired` on every session of its sender."""
        raise NotImplementedError("send_expiring")

    def status(self, operation: int, key: str) -> None:
        """Asks what became of a message of the user's. OK carries values["expired"], true or false."""
        raise NotImplementedError("status")

    def acknowledge(self, operation: int, delivery: Delivery) -> None:
        """Acknowledges a delivery; with CUMULATIVE_ACK everything up to it. Completes OK when the server
        confirmed (CONFIRMED_ACK), else INFO with code `unconfirmed` once written."""
        raise NotImplementedError("acknowledge")

    def sync(self, operation: int, after: int, limit: int) -> None:
        """Reads one page of the log after a position. Its entries come as deliveries with mode PAGE and
        `read=operation` before it completes; OK carries `cursor` and `complete`."""
        raise NotImplementedError("sync")

    def mark_read(self, operation: int, conversation: str, sequence: int) -> None:
        """Sets the user's read marker."""
        raise NotImplementedError("mark_read")

    def markers(self, operation: int, conversation: str) -> None:
        """Asks for all members' watermarks. OK carries values["receipts"], a list of `Receipt`."""
        raise NotImplementedError("markers")

    def presence(self, operation: int, user: str) -> None:
        """Asks for a user's presence. OK carries values["presence"], a `Presence`."""
        raise NotImplementedError("presence")

    def watch(self, operation: int, users: Sequence[str]) -> None:
        """Subscribes to presence changes of these users, in place of any earlier subscription."""
        raise NotImplementedError("watch")

    def typing(self, conversation: str, active: bool) -> None:
        """Says that the user started or stopped typing; nothing is answered."""
        raise NotImplementedError("typing")

    def create_group(self, operation: int, name: str, members: Sequence[str]) -> None:
        """Creates a group with the caller and these members. OK carries `conversation`."""
        raise NotImplementedError("create_group")

    def add_member(self, operation: int, conversation: str, user: str) -> None:
        """Adds a member."""
        raise NotImplementedError("add_member")

    def remove_member(self, operation: int, conversation: str, user: str) -> None:
        """Removes a member."""
        raise NotImplementedError("remove_member")

    def leave_group(self, operation: int, conversation: str) -> None:
        """Leaves a group."""
        raise NotImplementedError("leave_group")

    def group_members(self, operation: int, conversation: str) -> None:
        """Asks for a group's members. OK carries values["membership"], a `Membership`."""
        raise NotImplementedError("group_members")

    def block(self, operation: int, user: str) -> None:
        """Puts a user on the caller's block list."""
        raise NotImplementedError("block")

    def unblock(self, operation: int, user: str) -> None:
        """Takes a user off the caller's block list."""
        raise NotImplementedError("unblock")

    def blocked(self, operation: int) -> None:
        """Asks for the caller's block list. OK carries values["users"], a list of accounts."""
        raise NotImplementedError("blocked")

    @abstractmethod
    def close(self, deadline: float = 5.0) -> None:
        """Says goodbye, waits until the connection is down and the observer was told; idempotent."""

    @abstractmethod
    def cut(self) -> None:
        """Ends the connection without goodbye (TCP reset), waits until the observer was told; idempotent."""


PLAINTEXT_SCHEMES: Final = {"wss": "ws", "mqtts": "mqtt", "iriss": "iris"}
"""Which scheme means the same without TLS."""


class Driver(ABC):
    """One protocol. Third parties register theirs under the entry point group `waybill.drivers`."""

    name: ClassVar[str]
    """The name that target files use."""
    versions: ClassVar[tuple[int, ...]]
    """The protocol versions it can speak, oldest first."""
    capabilities: ClassVar[frozenset[Capability]]
    """What the protocol can express."""
    additions: ClassVar[Mapping[int, frozenset[Operation]]] = {}
    """The operations that a version added to those of the versions before it."""

    @abstractmethod
    def connect(self, login: Login, observer: Observer) -> Session:
        """Connects and logs in; returns when the session is usable.

        Deliveries may reach the observer before this returns.

        Raises:
            LoginRefused: The server refused, or the connection was lost, before the session was usable. The
                observer is then never called, unless the login insisted.
        """

    @abstractmethod
    def direct_conversation(self, one: str, other: str) -> str:
        """The server's name of the direct conversation of two accounts."""

    def plaintext(self, endpoint: Endpoint) -> Endpoint | None:
        """The same place without TLS, for probes: a login there says everything in plaintext and must not succeed.

        None where the driver never says a credential without TLS.
        """
        scheme, _, rest = endpoint.url.partition("://")
        plain = PLAINTEXT_SCHEMES.get(scheme)
        return None if plain is None else Endpoint(f"{plain}://{rest}")

    def frame_table(self, cast: Cast) -> FrameTable | None:
        """The protocol's frames as examples, from which inputs of every kind are made; None where there is none."""
        return None

    def echo(self, table: FrameTable, guest: Login) -> Echo | None:
        """What comes back of what is said, for the properties of the server's codec; None where that is not known.

        Args:
            table: The driver's own table; its cast talks.
            guest: As whom a third one logs in again and again.
        """
        return None
