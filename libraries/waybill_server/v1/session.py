"""One v1 client's session: login, messages both ways, end."""

from __future__ import annotations

import asyncio
import secrets

from waybill_server.clock import deadline_of, message_id
from waybill_server.conversations import legal_name
from waybill_server.feeder import Feeder
from waybill_server.limits import RETRY_AFTER_MS
from waybill_server.logs import log
from waybill_server.records import NOT_ADMITTED, LoginRequest, Message, Place, Refusal, Request, Result
from waybill_server.refusing import Refuse
from waybill_server.revocations import Admission
from waybill_server.server_frames import ServerFrame, TypingNotice
from waybill_server.services import Services
from waybill_server.store import StoreFailed
from waybill_server.token_check import LARGEST_TOKEN, Identity, TokenRefused
from waybill_server.v1 import frames
from waybill_server.v1.connection import PacketConnection, StreamConnection
from waybill_server.v1.given import Given
from waybill_server.v1.operations import OPERATIONS
from waybill_server.v1.reading import FrameReader, Reader

DEVICE = "v1"
"""The device of a session whose token is for any device: wire v1 has no name for it."""


class V1Session:
    """A v1 client's session, from its first byte.

    Attributes:
        user: Who logged in; empty before.
        device: The device that the token is for.
        capabilities: What it can be told.
        roles: What the user may do.
        admission: By what the user was let in; None before.
        since: When the session opened, in milliseconds since 1970.
        open_operations: Operations that the store has not answered yet.
        given: What it was given and has not acknowledged.
    """

    def __init__(self, services: Services, connection: StreamConnection | PacketConnection) -> None:
        self.services = services
        self.connection = connection
        self.name = secrets.token_hex(8)
        self.user = ""
        self.device = ""
        self.capabilities = frozenset({"typing"})
        self.roles: frozenset[str] = frozenset()
        self.admission: Admission | None = None
        self.since = 0
        self.open_operations = 0
        self.given = Given(0)
        self._packets = isinstance(connection, PacketConnection)
        self._reader: Reader = (services.v1_reader or FrameReader)(self._packets)
        self._early: list[bytes] = []
        self._feeder: Feeder | None = None
        self._login: asyncio.Task[None] | None = None
        self._head = 0
        self._expires = 0.0
        self._pinged = False
        self._closed = False
        services.sessions.add(self)

    # What the client says.

    def received(self, data: bytes | bytearray) -> None:
        """Bytes of the stream, or one packet."""
        if self._closed:
            return
        if self._login is None:
            self._login = asyncio.get_running_loop().create_task(self._log_in(bytes(data)))
        elif self._feeder is None:
            self._early.append(bytes(data))
        else:
            self._work(data)

    def misspoke(self, code: str, text: str) -> None:
        """The client broke the wire's rules."""
        self.close(code, text)

    def _work(self, data: bytes | bytearray) -> None:
        """Does what whole frames ask for."""
        try:
            for frame in self._reader.read(data):
                self._operate(frame)
                if self._closed:
                    break
        except frames.Faulty as fault:
            self.close("malformed", str(fault))

    def _operate(self, frame: object) -> None:
        if self._expired():
            return
        try:
            if self.services.draining:
                raise Refuse("draining", "the node is shutting down", RETRY_AFTER_MS)
            OPERATIONS[type(frame)](self, frame)
        except Refuse as refuse:
            self.refuse(refuse.refusal)
        except StoreFailed as error:
            log("storage-failed", session=self.name, error=str(error))
            self.refuse(Refusal("storage", "the disk refused the read", retry_after=RETRY_AFTER_MS))

    # Login.

    async def _log_in(self, packet: bytes) -> None:
        try:
            identity = await self._identify(packet)
        except TokenRefused as refused:
            self._log_refused(str(refused))
            return
        if self._closed or self.services.draining:
            return
        self.connection.greeted()
        self._expires = deadline_of(self.services.clock, identity.expires)

        admission = Admission(identity, identity.device or DEVICE)

        def place_found(result: Result) -> None:
            self._open(identity, admission, result)

        now = self.services.clock.wall_ms()
        self._hand_over(LoginRequest(place_found, identity.user, admission.device, None, now), admission)

    async def _identify(self, packet: bytes) -> Identity:
        """Who logs in.

        Raises:
            TokenRefused: The packet is no login, or the token or a name is not valid.
        """
        limit = self.services.limits.name
        if packet[:1] != bytes((frames.LOGIN,)):
            raise TokenRefused("an operation before LOGIN")
        if len(packet) > LARGEST_TOKEN + limit + 2:
            raise TokenRefused(f"LOGIN has {len(packet)} bytes")
        user, _, token = packet[1:].decode("utf-8", "replace").partition(":")
        identity = await self.services.token_check.check(token)
        if identity.user != user:
            raise TokenRefused("the token is another user's")
        if identity.confirmation is not None:
            raise TokenRefused("the token names a key, and wire v1 has no way to prove it")
        for name in (user, identity.device or DEVICE):
            if not legal_name(name) or len(name) > limit:
                raise TokenRefused("the subject or the device is no legal name")
        return identity

    def _log_refused(self, cause: str) -> None:
        log("login-refused", session=self.name, peer=self.connection.peer, cause=cause)
        if not self._closed:
            self.connection.send(frames.AUTH_FAILED)
            self._leave()
            self.connection.close(1008, "unauthenticated")

    def _open(self, identity: Identity, admission: Admission, result: Result) -> None:
        self.open_operations -= 1
        services, user, device = self.services, identity.user, admission.device
        if result == NOT_ADMITTED:
            self._log_refused(NOT_ADMITTED.text)
            return
        if not isinstance(result, Place):
            self.close("storage", "the login could not be stored")
            return
        if self._closed:
            if not services.router.sessions(user):
                services.presence.left(user)
            return
        self.roles, self.admission, self.since = identity.roles, admission, services.clock.wall_ms()
        self.user, self.device, self._head = user, device, result.head
        self.given = Given(result.cursor)
        first = not services.router.sessions(user)
        older = services.router.attach(self)
        if older is not None:
            older.replaced()
        self.answer(frames.LOGIN_OK)
        self._feeder = services.feeder(
            services.store,
            self,
            user,
            device,
            result.cursor,
            result.head,
            services.limits.window,
            self._unreadable,
        )
        if first:
            services.presence.came(user)
        early, self._early = self._early, []
        for data in early:
            self._work(data)

    def _unreadable(self, error: Exception) -> None:
        log("storage-failed", session=self.name, error=str(error))
        self.close("storage", "the log cannot be read")

    # What the client gets.

    def submit(self, request: Request) -> None:
        """Hands an operation to the store; its `done` must lower `open_operations`, or call `answered`."""
        self._hand_over(request, self.admission)

    def _hand_over(self, request: Request, admission: Admission | None) -> None:
        request.admission = admission
        self.open_operations += 1
        self.services.store.submit(request)

    def answered(self) -> None:
        """An operation that was submitted is over."""
        self.open_operations -= 1
        self.connection.pace()

    def answer(self, packet: bytes) -> None:
        """Writes a frame; nothing holds it back."""
        if not self._closed:
            self.connection.send(packet)

    def refuse(self, refusal: Refusal) -> None:
        """Says that something was not done; wire v1 has no way to say what."""
        if refusal.code == "inbox-full":
            self.answer(frames.rate_limited(refusal.retry_after or RETRY_AFTER_MS))
        else:
            self.answer(frames.error(f"{refusal.code}: {refusal.text}"))

    def deliver(self, position: int, message: Message) -> None:
        """Gives one message. On WebSocket one that is new comes as its sender wrote it: without an id it cannot be
        acknowledged, so it comes again at the next login."""
        feeder = self._feeder
        assert feeder is not None
        if message.sender == self.user:
            # The wire could not say that the user wrote it on another device.
            if self.given.passed_over(position):
                feeder.acknowledged(position)
        elif self._packets and position > self._head:
            self.answer(message.body)
            feeder.acknowledged(position)
        else:
            name = message_id(message.number)
            self.given.add(position, name.encode())
            self.answer(frames.reliable(name, message.body))

    def writable(self) -> bool:
        """Whether the client keeps up with reading."""
        return not self._closed and self.connection.writable()

    def arrived(self, position: int, message: Message) -> None:
        """The user's log has a new entry."""
        if self._feeder is not None:
            self._feeder.arrived(position, message)

    def acknowledged(self, cursor: int) -> None:
        """The device's cursor is stored."""
        if self._feeder is not None:
            self._feeder.acknowledged(cursor)

    def push(self, key: tuple[str, ...], frame: ServerFrame) -> None:
        """Receipts, presence and group notices: wire v1 has no words for those of v2."""

    def notice(self, frame: ServerFrame) -> None:
        """Passes a typing notice on, or drops it if the client does not keep up."""
        if isinstance(frame, TypingNotice) and self.writable():
            self.answer(frames.typing(frame.user, active=frame.active))

    def writing(self) -> None:
        """The client keeps up: what waits may go."""
        if self._feeder is not None:
            self._feeder.wake()

    # The end.

    @property
    def opened(self) -> bool:
        """Whether the user is logged in."""
        return self._feeder is not None and not self._closed

    def _expired(self) -> bool:
        """Ends the session if its token is over. Asked before each operation, since `tick` comes only now and then."""
        if self.services.clock.seconds() < self._expires:
            return False
        self.close("expired", "the session's token has expired")
        return True

    def tick(self, now: float) -> None:
        """Looks after stalling and expiry, and on WebSocket after silence; called several times a second."""
        if self._closed or self._feeder is None:
            return
        timing = self.services.timing
        silent = now - self.connection.heard
        if self._expired():
            return
        if self.connection.stalled is not None:
            if now - self.connection.stalled > timing.stalled:
                self.close("slow-reader", f"answers were left unread for {timing.stalled:g} s")
        elif not self._packets or silent < timing.ping_interval:
            self._pinged = False
        elif not self._pinged:
            self._pinged = True
            self.connection.ping()
        elif silent > timing.ping_interval + timing.ping_timeout:
            self.close("idle", f"nothing was heard for {silent:.1f} s")

    def replaced(self) -> None:
        """A newer session of the same device took this one's place."""
        self.close("replaced", "the same user logged in again")

    def close(self, code: str, text: str) -> None:
        """Says why, and closes."""
        if self._closed:
            return
        self.answer(frames.error(f"{code}: {text}"))
        self._leave()
        self.connection.close(1008, code)
        log("session-closed", session=self.name, user=self.user, device=self.device, code=code, text=text)

    def lost(self) -> None:
        """The connection is down."""
        self._leave()
        self.services.ended(self)

    def _leave(self) -> None:
        if self._closed:
            return
        self._closed = True
        services = self.services
        if self._feeder is not None:
            self._feeder.stop()
            if services.router.detach(self) and not services.router.sessions(self.user):
                services.presence.left(self.user)
        self.connection.greeted()
