"""XMPP over TLS on slixmpp's codec: `xmpps://HOST:PORT/DOMAIN` (TLS from the first byte) and
`xmpp://HOST:PORT/DOMAIN` (STARTTLS, without which nothing secret is said). There is no WebSocket transport: slixmpp
has none.
"""

from __future__ import annotations

from typing import ClassVar

from waybill.drivers.base import Capability, Driver, Login, LoginRefused, Observer, Outcome, Session, Welcome
from waybill.drivers.byte_stream import Broken
from waybill.history.events import Completion


class XmppDriver(Driver):
    """XMPP 1.0."""

    name: ClassVar[str] = "xmpp"
    versions: ClassVar[tuple[int, ...]] = (1,)
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.SENDER_ACK,
            Capability.DEFINITE_REFUSAL,
            Capability.KEY_ON_DELIVERY,
            Capability.CONVERSATION_ON_DELIVERY,
            Capability.SENDER_ON_DELIVERY,
            Capability.RECIPIENT_ACK,
            Capability.CONFIRMED_ACK,
            Capability.SYNC,
            Capability.OWN_DEVICES,
            Capability.PRESENCE,
            Capability.PRESENCE_NOTICES,
            Capability.TYPING,
        }
    )

    def connect(self, login: Login, observer: Observer) -> Session:
        """Connects, logs in, and waits until the server has made the device known."""
        # slixmpp takes a while to import, which users of other protocols need not wait for.
        from waybill.drivers import xmpp_stanzas as stanzas
        from waybill.drivers.xmpp_session import XmppSession
        from waybill.drivers.xmpp_stream import XmppStream

        version = login.version or self.versions[-1]
        if version not in self.versions:
            raise ValueError(f"expected version {self.versions} of XMPP, found {version}")
        stream: XmppStream | None = None
        greeted = 0
        try:
            stream = XmppStream(login)
            if login.identify or stream.anonymous:
                stream.authenticate(identify=login.identify)
                stream.bind()
                greetings = stanzas.greetings()
                stream.greet(b"".join(greetings))
                greeted = len(greetings)
        except Broken as broken:
            completion = Completion.INFO if stream is not None and stream.asked else Completion.FAIL
            if stream is not None:
                stream.drop()
            raise LoginRefused(Outcome(completion, broken.code, str(broken))) from None
        except BaseException:
            if stream is not None:
                stream.drop()
            raise
        session = XmppSession(stream, observer, Welcome(version=version))
        session.start(greeted)
        return session

    def direct_conversation(self, one: str, other: str) -> str:
        """`direct/ONE/OTHER`, the names in order."""
        from waybill.drivers.xmpp_stanzas import conversation_of

        return conversation_of(one, other)
