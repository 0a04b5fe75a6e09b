"""XMPP over TLS on slixmpp's codec: `xmpps://HOST:PORT/DOMAIN` (TLS from the first byte) and
`xmpp://HOST:PORT/DOMAIN` (STARTTLS, without which nothing secret is said). There is no WebSocket transport: slixmpp
has none.

How messaging is laid onto XMPP:

- An account is `USER@DOMAIN`, a device one of its resources. The conversation of two users is called
  `direct/ONE/OTHER`; a message goes to the bare address of the other one. In a conversation of two others it goes as
  one of them would send it, for the server to refuse.
- slixmpp's SCRAM, addresses and escaping are used, and not its client: that would acknowledge by itself, count out of
  sight, and go on after a lost connection. Sessions are never resumed: a new one is a new session.
- A send is a message. Its acknowledgement is that of stream management (XEP-0198), which only says that the server took
  it over; an error comes after that. So a send is done with the second count that covers it, asked for when the first
  had been read: whatever the server has to say at once has come by then, and an error is a definite refusal. If the
  connection ends between the two, the outcome is unknown. A server without stream management only ever accepts (INFO).
- The idempotency key travels as origin-id (XEP-0359) and means nothing to the server.
- A recipient acknowledges by the count of XEP-0198 too. The count has no holes: what is not acknowledged holds back
  everything after it. The server answers that with nothing, so a question goes after it, whose answer confirms.
- The log of a user is their archive (XEP-0313), the place in it the archive's id, which must be a number. Archives are
  per user, so a message has no id that all its recipients see. A login is given what
  waited for its user, if no other device of the user was there; what it missed otherwise, a device reads.
- Other devices of a user are served by copies (XEP-0280). What came with a delay (XEP-0203) is backlog.
- A group is a room (XEP-0045) on `conference.DOMAIN`, and called by its address. It is persistent, for members only and
  hides nobody; its members subscribe to it (MUC/Sub, which ejabberd has), because a room as such forgets who is not
  there. Their nickname is the address of their account, so a message names its sender.
- A send to a room is done when the room has sent the message to its sender too (XEP-0045, section 7.4); an error of the
  room is a definite refusal. That reflection is no delivery on the session that sent, and one on every other. Room and
  archive give the message one id that everybody sees, if the room is archived.
- Who makes a group goes into its room for a moment, to set it up, and makes the others members and subscribers; a
  removal ends both. A change of which the server did a part has an unknown outcome (code `partly`). Nobody is told of
  changes.
- Presence is seen by those whom a user lets see it; a session of this driver lets everybody. The answer to a question
  is the last activity (XEP-0012), in whole seconds. Typing is that of XEP-0085.
- A body is text that XML can carry. Other bodies are refused before a byte leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from waybill.drivers.base import Capability, Driver, Login, LoginRefused, Observer, Outcome, Session, Welcome
from waybill.drivers.byte_stream import Broken
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.drivers.frame_table import Cast, FrameTable


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
            Capability.GROUPS,
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

    def frame_table(self, cast: Cast) -> FrameTable:
        """The elements of the stream."""
        from waybill.drivers.xmpp_table import XmppTable

        return XmppTable(cast)
