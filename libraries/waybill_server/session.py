"""One device's session: login, answers, pushes, end."""

from __future__ import annotations

import asyncio
import secrets

from waybill_server.client_frames import Bye, Hello, Operation, Proof, Typing
from waybill_server.clock import deadline_of, message_id, message_time
from waybill_server.codec import FaultyFrame
from waybill_server.connection import Connection
from waybill_server.feeder import Feeder
from waybill_server.limits import RETRY_AFTER_MS, WAITING_PUSHES
from waybill_server.login import Proving, capabilities_of, identify, welcome_of
from waybill_server.logs import log
from waybill_server.operations import OPERATIONS, begin_bye
from waybill_server.records import (
    NOT_ADMITTED,
    LoginRequest,
    Message,
    Place,
    Refusal,
    Request,
    Result,
    text_of,
)
from waybill_server.refusing import Refuse
from waybill_server.releases import NEWEST
from waybill_server.revocations import Admission
from waybill_server.server_frames import Closing, Deliver, Refused, ServerFrame
from waybill_server.services import Services
from waybill_server.store import StoreFailed
from waybill_server.token_check import Identity, TokenRefused

CLOSE_CODES = {
    "bye": 1000,
    "draining": 1001,
    "malformed": 1007,
    "too-large": 1009,
    "storage": 1011,
    "replaced": 4001,
    "idle": 4002,
    "slow-reader": 4003,
}
"""The WebSocket close code for each reason; 1008 (policy) for all others."""

UNAUTHENTICATED = "a valid access token of the issuer is needed in hello"
"""The one text for every failed login, so that it tells an attacker nothing."""


class Session:
    """A client's session, from its first byte.

    Attributes:
        user: Who logged in; empty before.
        device: The device that logged in.
        capabilities: What it wants pushed.
        codec: How its frames look: after login as the version has them that it speaks.
        roles: What the user may do.
        admission: By what the device was let in; None before.
        since: When the session opened, in milliseconds since 1970.
        open_operations: Operations that are not answered yet.
        ending: The client said bye.
    """

    def __init__(self, services: Services, connection: Connection) -> None:
        self.services = services
        self.connection = connection
        self.codec = services.codec
        self.name = secrets.token_hex(8)
        self.user = ""
        self.device = ""
        self.capabilities: frozenset[str] = frozenset()
        self.roles: frozenset[str] = frozenset()
        self.admission: Admission | None = None
        self.since = 0
        self.open_operations = 0
        self.ending = False
        self._proving = Proving()
        self._feeder: Feeder | None = None
        self._login: asyncio.Task[None] | None = None
        self._expires = 0.0
        self._pinged = False
        self._waiting: dict[tuple[str, ...], ServerFrame] = {}
        self._closed = False
        services.sessions.add(self)

    # What the client says.

    def received(self, data: bytes | bytearray) -> None:
        """One text message of the client."""
        if self._closed or self.ending:
            return
        try:
            frame = self.codec.decode(data)
        except FaultyFrame as fault:
            self._faulty(fault)
            return
        if isinstance(frame, Hello):
            if self._login is None:
                self._login = asyncio.get_running_loop().create_task(self._log_in(frame))
            else:
                self.close("malformed", "a second hello")
        elif self._feeder is None:
            if isinstance(frame, Proof) and self._proving.open:
                self._proving.proved(frame.signature)
            else:
                self._log_refused("an operation before welcome")
        elif isinstance(frame, Proof):
            self.close("malformed", "a proof without a challenge")
        elif isinstance(frame, Bye):
            begin_bye(self)
        else:
            self._operate(frame)

    def _operate(self, frame: Operation) -> None:
        ref = None if isinstance(frame, Typing) else frame.ref
        if self._expired():
            return
        try:
            if self.services.draining:
                text = "the node is shutting down"
                raise Refuse("draining", text, RETRY_AFTER_MS)
            OPERATIONS[type(frame)](self, frame)
        except Refuse as refuse:
            if ref is not None:
                self.refuse(ref, refuse.refusal)
        except StoreFailed as error:
            log("storage-failed", session=self.name, error=str(error))
            if ref is not None:
                self.refuse(ref, Refusal("storage", "the disk refused the read", retry_after=RETRY_AFTER_MS))

    def misspoke(self, code: str, text: str) -> None:
        """The client broke the wire's rules."""
        self.close(code, text)

    def _faulty(self, fault: FaultyFrame) -> None:
        if self._feeder is None:
            self._log_refused(str(fault))
        elif fault.ref is None:
            self.close("malformed", str(fault))
        else:
            self.refuse(fault.ref, Refusal("malformed", str(fault)))

    # Login.

    async def _log_in(self, hello: Hello) -> None:
        spoken = self.services.release.wire_versions
        version = self.services.common_version(hello, spoken)
        if version is None:
            self.close("unsupported-version", f"this server speaks wire versions {list(spoken)}")
            return
        try:
            identity = await identify(self.services, hello)
            if not self._closed:
                await self._proving.prove(self, identity, hello)
        except TokenRefused as refused:
            self._log_refused(str(refused))
            return
        if self._closed or self.services.draining:
            return
        self.connection.greeted()
        self._expires = deadline_of(self.services.clock, identity.expires)

        admission = Admission(identity, hello.device)

        def place_found(result: Result) -> None:
            self._open(identity, admission, version, hello, result)

        now = self.services.clock.wall_ms()
        self._hand_over(LoginRequest(place_found, identity.user, hello.device, hello.cursor, now), admission)

    def _log_refused(self, cause: str) -> None:
        log("login-refused", session=self.name, peer=self.connection.peer, cause=cause)
        self.close("unauthenticated", UNAUTHENTICATED)

    def _open(
        self, identity: Identity, admission: Admission, version: int, hello: Hello, result: Result
    ) -> None:
        self.open_operations -= 1
        services, user = self.services, identity.user
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
        self.user, self.device = user, hello.device
        self.capabilities = capabilities_of(hello, early=version < NEWEST.wire_versions[-1])
        if version < services.release.wire_versions[-1]:
            from waybill_server.early_codec import EarlyCodec

            self.codec = EarlyCodec(services.codec)
        first = not services.router.sessions(user)
        older = services.router.attach(self)
        if older is not None:
            older.replaced()
        self.answer(welcome_of(services, self, version, result))
        self._feeder = services.feeder(
            services.store,
            self,
            user,
            hello.device,
            result.cursor,
            result.head,
            services.limits.window,
            self._unreadable,
        )
        if first:
            services.presence.came(user)

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
        """An operation that was submitted has been answered."""
        self.open_operations -= 1
        self.connection.pace()
        if self.ending and not self.open_operations:
            self.close("bye", "goodbye")

    def answer(self, frame: ServerFrame) -> None:
        """Writes an answer; nothing holds it back."""
        if not self._closed:
            self.connection.send(self.codec.encode(frame))

    def refuse(self, ref: int, refusal: Refusal) -> None:
        """Answers an operation with a refusal."""
        self.answer(Refused(ref, refusal.code, refusal.definite, refusal.retry_after, refusal.text))

    def deliver(self, position: int, message: Message) -> None:
        """Writes a delivery."""
        number, conversation, sequence, sender, device, key, body = message
        self.answer(
            Deliver(
                cursor=position,
                id=message_id(number),
                conversation=conversation,
                sequence=sequence,
                sender=sender,
                device=device,
                key=key,
                body=text_of(body),
                time=message_time(number),
            )
        )

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
        """Passes a notice on at the next write, if the client keeps up; else it waits, the newest of its key."""
        if self._closed:
            return
        self._waiting[key] = frame
        if len(self._waiting) > WAITING_PUSHES:
            self.close("slow-reader", f"more than {WAITING_PUSHES} notices wait for this session")
        else:
            self.connection.flush_soon()

    def notice(self, frame: ServerFrame) -> None:
        """Passes a notice on, or drops it if the client does not keep up."""
        if self.writable():
            self.answer(frame)

    def writing(self) -> None:
        """The client keeps up: what waits may go."""
        while self._waiting and self.writable():
            self.answer(self._waiting.pop(next(iter(self._waiting))))
        if self._feeder is not None:
            self._feeder.wake()

    # The end.

    @property
    def opened(self) -> bool:
        """Whether the device is logged in."""
        return self._feeder is not None and not self._closed

    def _expired(self) -> bool:
        """Ends the session if its token is over. Asked before each operation, since `tick` comes only now and then."""
        if self.services.clock.seconds() < self._expires:
            return False
        self.close("expired", "the session's token has expired")
        return True

    def tick(self, now: float) -> None:
        """Looks after silence, stalling and expiry; called several times a second."""
        if self._closed or self._feeder is None:
            return
        timing = self.services.timing
        silent = now - self.connection.heard
        if self._expired():
            return
        if self.connection.stalled is not None:
            if now - self.connection.stalled > timing.stalled:
                self.close("slow-reader", f"answers were left unread for {timing.stalled:g} s")
        elif silent < timing.ping_interval:
            self._pinged = False
        elif not self._pinged:
            self._pinged = True
            self.connection.ping()
        elif silent > timing.ping_interval + timing.ping_timeout:
            self.close("idle", f"nothing was heard for {silent:.1f} s")

    def replaced(self) -> None:
        """A newer session of the same device took this one's place."""
        self.close("replaced", "the same device logged in again")

    def close(self, code: str, text: str) -> None:
        """Says why, and closes."""
        if self._closed:
            return
        self.answer(Closing(code, text))
        self._leave()
        self.connection.close(CLOSE_CODES.get(code, 1008), code)
        if code != "bye":
            log("session-closed", session=self.name, user=self.user, device=self.device, code=code, text=text)

    def lost(self) -> None:
        """The connection is down."""
        self._leave()
        self.services.ended(self)

    def _leave(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._proving.give_up()
        self._waiting.clear()
        services = self.services
        if self._feeder is not None:
            self._feeder.stop()
            services.presence.unwatch(self)
            if services.router.detach(self) and not services.router.sessions(self.user):
                services.presence.left(self.user)
        self.connection.greeted()
