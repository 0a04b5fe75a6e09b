"""The driver `iris`: wire v1 over TCP or WebSocket (docs/wire-v1.md).

Wire v1 answers a send with nothing. A send is `accepted`, an unknown outcome, once all of it was handed to the
operating system, and that is all its sender ever learns. A message that is given to a device names neither its sender
nor its conversation; messages are recognised by their bodies.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import Capability, Driver, Login, LoginRefused, Observer, Outcome, Session, Welcome
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.drivers.iris_link import TCP, WEBSOCKET, Link, open_link
from waybill.drivers.iris_session import IrisSession, conversation_of
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.drivers.echo import Echo
    from waybill.drivers.frame_table import Cast, FrameTable

VERSION = 1


class IrisDriver(Driver):
    """Speaks wire v1: `iris://` and `iriss://` (TLS) over TCP, `ws://` and `wss://` over WebSocket."""

    name: ClassVar[str] = "iris"
    versions: ClassVar[tuple[int, ...]] = (VERSION,)
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.RECIPIENT_ACK, Capability.PRESENCE, Capability.TYPING}
    )

    def connect(self, login: Login, observer: Observer) -> Session:
        """Connects and logs in. Wire v1 knows no devices, so `Login.device` is not said."""
        scheme = urlsplit(login.endpoint.url).scheme
        if scheme not in TCP | WEBSOCKET:
            known = ", ".join(sorted(TCP | WEBSOCKET))
            raise ValueError(f"expected an address with one of {known}, found {login.endpoint.url!r}")
        if login.version not in (None, VERSION):
            raise ValueError(f"expected wire version {VERSION}, found {login.version}")
        asked = False
        try:
            stream = ByteStream(login.endpoint, login.deadline, login.piece)
            try:
                link = open_link(stream, login.endpoint.url)
                asked = True
                if login.identify:
                    _log_in(stream, link, login)
            except BaseException:
                asked = asked and stream.handed
                with contextlib.suppress(OSError):
                    stream.close()
                raise
        except Broken as broken:
            completion = Completion.INFO if asked else Completion.FAIL
            raise LoginRefused(Outcome(completion, broken.code, str(broken))) from None
        session = IrisSession(stream, link, Welcome(VERSION), login, observer)
        session.start()
        return session

    def direct_conversation(self, one: str, other: str) -> str:
        """`direct:ONE:OTHER`, the names in order; the wire knows only whom a message goes to."""
        return conversation_of(one, other)

    def frame_table(self, cast: Cast) -> FrameTable:
        """The frames of the protocol."""
        from waybill.drivers.iris_table import IrisTable

        return IrisTable(cast)

    def echo(self, table: FrameTable, guest: Login) -> Echo | None:
        """The exchanges of the protocol on TCP; on WebSocket a new message comes bare, so it tells nothing."""
        if urlsplit(guest.endpoint.url).scheme not in TCP:
            return None
        from waybill.drivers.iris_echo import IrisEcho

        return IrisEcho(table, (guest.credential.user, guest.credential.token or guest.credential.password))


def _log_in(stream: ByteStream, link: Link, login: Login) -> None:
    """Says who it is and reads the answer.

    Raises:
        Broken: The connection ended before an answer.
        LoginRefused: The server refused.
    """
    # The login ends with its packet: it is one write, whatever `Login.piece` asks for.
    credential = login.credential
    packet = link.wrap(frames.login(credential.user, credential.token or credential.password))
    with stream.writing:
        stream.write(packet, login.deadline, whole=True)
    try:
        answer = link.login_answer()
    except frames.Malformed as error:
        raise LoginRefused(Outcome(Completion.INFO, "malformed", str(error))) from None
    if answer != frames.LOGIN_OK:
        code = answer.decode().lower().replace("_", "-")
        raise LoginRefused(Outcome(Completion.FAIL, code, f"the server answered {answer.decode()}"))
