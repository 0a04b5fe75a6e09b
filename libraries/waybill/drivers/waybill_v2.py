"""The driver `waybill`: wire v2 over WebSocket and TLS, on websocket-client (docs/wire-v2.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import websocket

from waybill.drivers import waybill_frames as frames
from waybill.drivers.base import (
    Capability,
    Driver,
    Login,
    LoginRefused,
    Observer,
    Outcome,
    Session,
    Welcome,
)
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.drivers.waybill_inbound import FrameReader
from waybill.drivers.waybill_session import EARLY, WaybillSession
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.drivers.echo import Echo
    from waybill.drivers.frame_table import Cast, FrameTable

VERSIONS = (EARLY, 3)
NEWEST = VERSIONS[-1]


class WaybillDriver(Driver):
    """Speaks wire v2."""

    name: ClassVar[str] = "waybill"
    versions: ClassVar[tuple[int, ...]] = VERSIONS
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)
    additions: ClassVar[Mapping[int, frozenset[Operation]]] = {
        3: frozenset({Operation.BLOCK, Operation.UNBLOCK, Operation.BLOCKED, Operation.STATUS})
    }

    def connect(self, login: Login, observer: Observer) -> Session:
        """Connects and logs in."""
        asked, refusal = False, None
        try:
            stream = open_socket(login)
            try:
                reader = FrameReader(stream)
                asked = True
                welcome = log_in(stream, reader, login) if login.identify else Welcome(NEWEST)
            except LoginRefused as refused:
                if not login.insist:
                    stream.close()
                    raise
                welcome, refusal = Welcome(NEWEST), refused.outcome
            except BaseException:
                asked = asked and stream.handed
                with contextlib.suppress(OSError):
                    stream.close()
                raise
        except Broken as broken:
            completion = Completion.INFO if asked else Completion.FAIL
            raise LoginRefused(Outcome(completion, broken.code, str(broken))) from None
        session = WaybillSession(stream, reader, welcome, observer, login.extra, login.overheard)
        session.start()
        if refusal is not None:
            raise LoginRefused(refusal, session)
        return session

    def direct_conversation(self, one: str, other: str) -> str:
        """`d:` and the two accounts in order."""
        first, second = sorted((one, other))
        return f"d:{first}:{second}"

    def frame_table(self, cast: Cast) -> FrameTable:
        """The frames of the protocol."""
        from waybill.drivers.waybill_table import WaybillTable

        return WaybillTable(cast)

    def echo(self, table: FrameTable, guest: Login) -> Echo:
        """The exchanges of the protocol."""
        from waybill.drivers.waybill_echo import WaybillEcho

        return WaybillEcho(table, guest)


def open_socket(login: Login) -> ByteStream:
    """Connects and opens the WebSocket; nothing was said on it yet.

    Raises:
        Broken: That was not possible.
        LoginRefused: The server answered something else than a WebSocket.
    """
    stream = ByteStream(login.endpoint, login.deadline, login.piece)
    try:
        _upgrade(stream, login)
    except BaseException:
        with contextlib.suppress(OSError):
            stream.close()
        raise
    return stream


def _upgrade(stream: ByteStream, login: Login) -> None:
    """The WebSocket handshake.

    Raises:
        Broken: The connection ended.
        LoginRefused: The server answered something else.
    """
    url = urlsplit(login.endpoint.url)
    try:
        client = websocket.WebSocket(enable_multithread=False)
        # An answer that leads elsewhere is a refusal: who follows it says the token to whoever waits there.
        client.connect(  # type: ignore[no-untyped-call]
            login.endpoint.url, socket=stream, suppress_origin=True, host=url.netloc, redirect_limit=0
        )
    except websocket.WebSocketBadStatusException as error:
        raise LoginRefused(
            Outcome(Completion.FAIL, f"http-{error.status_code}", "the server refused the WebSocket")
        ) from None
    except (websocket.WebSocketException, ValueError, UnicodeError) as error:
        raise LoginRefused(
            Outcome(Completion.FAIL, "no-websocket", f"no WebSocket answer: {error}")
        ) from None


def offered_versions(login: Login) -> list[int]:
    """The versions that a client says it speaks: all of the driver's up to its own, or one that nobody knows."""
    if login.offers:
        return list(login.offers)
    if login.version is None or login.version in VERSIONS:
        return [version for version in VERSIONS if version <= (login.version or NEWEST)]
    return [login.version]


def log_in(stream: ByteStream, reader: FrameReader, login: Login) -> Welcome:
    """Sends the hello and reads the answer.

    Raises:
        Broken: The connection ended before an answer.
        LoginRefused: The server refused.
    """
    wanted = ["presence", "expiry"]
    if login.receipts:
        wanted.append("receipts")
    if login.typing:
        wanted.append("typing")
    offered = offered_versions(login)
    hello = frames.Hello(offered, login.credential.token, login.device, login.cursor, wanted)
    turns = _Turns(stream, login)
    turns.say(frames.encode(hello, login.extra))
    answer = _answer(reader)
    if isinstance(answer, frames.Challenge):
        # Without the key a device can only wait for what the server makes of its silence.
        if login.credential.key is not None:
            proof = frames.proof(login.credential.key, answer.nonce, login.device, login.credential.token)
            turns.say(frames.encode(proof, login.extra))
        elif login.replay is not None:
            turns.say(b"")
        answer = _answer(reader)
    match answer:
        case frames.Welcomed() if answer.version not in offered or answer.version not in VERSIONS:
            text = f"the server chose version {answer.version}; offered were {', '.join(map(str, offered))}"
            raise LoginRefused(Outcome(Completion.INFO, "version-not-offered", text))
        case frames.Welcomed():
            return Welcome(
                version=answer.version, cursor=answer.cursor, head=answer.head, limits=answer.limits
            )
        case frames.Closing():
            raise LoginRefused(Outcome(Completion.FAIL, answer.code, answer.text))
        case frames.Refused():
            completion = Completion.FAIL if answer.definite else Completion.INFO
            raise LoginRefused(Outcome(completion, answer.code, answer.text))
        case _:
            what = type(answer).__struct_config__.tag
            raise LoginRefused(
                Outcome(Completion.INFO, "malformed", f"the answer to the login is a {what} frame")
            )


class _Turns:
    """What a client says in a login: its own bytes, or those of a login that was overheard."""

    def __init__(self, stream: ByteStream, login: Login) -> None:
        self._stream = stream
        self._overheard = login.overheard
        self._replay = None if login.replay is None else iter(login.replay.said)

    def say(self, own: bytes) -> None:
        """Says what comes next; nothing where there was no more to be heard.

        Raises:
            Broken: The connection ended.
        """
        said = own if self._replay is None else next(self._replay, b"")
        if self._overheard is not None:
            self._overheard.said.append(said)
        if said:
            self._stream.send(said)


def _answer(reader: FrameReader) -> frames.ServerFrame:
    """The next frame of the server during a login.

    Raises:
        Broken: The connection ended.
        LoginRefused: It is not a frame.
    """
    opcode, payload = reader.read()
    if opcode == websocket.ABNF.OPCODE_CLOSE:
        raise LoginRefused(
            Outcome(Completion.FAIL, "closed", "the server closed the WebSocket instead of an answer")
        )
    try:
        answer: frames.ServerFrame = frames.decode(payload)
    except frames.Malformed as error:
        raise LoginRefused(
            Outcome(Completion.INFO, "malformed", f"the answer to the login: {error}")
        ) from None
    return answer
