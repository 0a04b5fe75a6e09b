"""Text that XMPP carries, and the counts of XEP-0198."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st
from tape import Tape

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.xmpp_counting import Incoming, Outgoing
from waybill.drivers.xmpp_inbound import Inbound
from waybill.drivers.xmpp_stanzas import Names
from waybill.history.events import Completion, Mode

NAMES = Names("bob", "localhost")


def parsed(text: str | bytes) -> Element:
    """An element as it comes out of a stream."""
    data = text.encode() if isinstance(text, str) else text
    return fromstring(f"<s xmlns='{stanzas.CLIENT}'>{data.decode()}</s>")[0]


# -- bodies --------------------------------------------------------------------------------------------------


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "ignore")), st.text())
def test_a_body_is_carried_unchanged_or_not_at_all(body: bytes, key: str) -> None:
    text, name = stanzas.text_of(body), stanzas.text_of(key.encode("utf-8", "ignore"))
    if text is None or name is None:
        return
    element = parsed(stanzas.message("bob@localhost", "m1", name, text))
    element.set("from", "alice@localhost/phone")
    delivery = stanzas.delivery_of(element, NAMES, archived="", delay=None, read=-1, handle=None)
    assert delivery is not None
    assert (delivery.body, delivery.sender, delivery.mode) == (body, "alice", Mode.LIVE)
    assert delivery.conversation == "direct/alice/bob"


def test_what_xml_cannot_carry_is_no_text() -> None:
    for body in (b"\x00", b"\x1f", b"\x0c", b"\xff", "\ufffe".encode()):
        assert stanzas.text_of(body) is None
    for body in (b"", b"\t\r\n", "\x7f\u2028😀".encode()):
        assert stanzas.text_of(body) == body.decode()


def test_a_delayed_message_waited_and_says_when_it_was_sent() -> None:
    element = parsed(
        "<message from='alice@localhost/phone' to='bob@localhost' type='chat' id='m7'><body>x</body>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost' id='5'/>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='1795650585526002'/>"
        "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-25T23:49:45.500Z'/></message>"
    )
    archived = stanzas.archive_id(element, NAMES)
    delivery = stanzas.delivery_of(element, NAMES, archived=archived, delay=None, read=-1, handle=None)
    assert delivery is not None
    assert (delivery.mode, delivery.cursor, delivery.key) == (Mode.BACKLOG, 1795650585526002, "m7")
    assert delivery.time_ms == 1795650585500


# -- counts --------------------------------------------------------------------------------------------------


def test_a_message_is_done_with_the_answer_to_a_question_asked_after_the_one_that_covered_it() -> None:
    outgoing = Outgoing(managed=True)
    outgoing.add(1, "m1", forged=False)
    outgoing.ask(0)
    assert outgoing.answered(1) == ([], 0)
    outgoing.ask(0)
    done, _ = outgoing.answered(1)
    assert [send.operation for send in done] == [1]


def test_an_error_between_the_two_answers_is_the_outcome() -> None:
    outgoing = Outgoing(managed=True)
    for number in (1, 2):
        outgoing.add(number, f"m{number}", forged=False)
    outgoing.ask(0)
    outgoing.answered(2)
    outgoing.ask(0)
    refused = outgoing.refused("m1")
    assert refused is not None
    assert refused.operation == 1
    assert [send.operation for send in outgoing.answered(2)[0]] == [2]
    assert outgoing.refused("m2") is None


def test_nothing_is_done_that_the_server_does_not_cover() -> None:
    outgoing = Outgoing(managed=True)
    outgoing.add(1, "m1", forged=False)
    outgoing.add(2, "m2", forged=False)
    for _ in range(3):
        outgoing.ask(0)
        outgoing.answered(1)
    assert [send.operation for send in outgoing.waiting] == [2]


def test_a_message_that_is_not_acknowledged_holds_the_count_back() -> None:
    incoming = Incoming()
    incoming.take(hold=False)
    first, second = incoming.take(hold=True), incoming.take(hold=True)
    incoming.take(hold=False)
    assert incoming.handled == 1
    incoming.acknowledge(10, second)
    assert incoming.handled == 1
    assert not incoming.news
    incoming.acknowledge(11, first)
    assert incoming.handled == 4
    assert incoming.news
    assert incoming.confirmed(2) == [11]
    assert incoming.confirmed(4) == [10]


# -- what the server says ------------------------------------------------------------------------------------


def inbound(tape: Tape, replies: list[bytes] | None = None, *, managed: bool = True) -> Inbound:
    return Inbound(tape, NAMES, managed=managed, reply=(replies if replies is not None else []).append)


def test_more_acknowledged_than_sent_is_a_fault_of_the_server() -> None:
    one = inbound(Tape())
    one.outgoing.count = 3
    for handled in ("4", "-1", "x", ""):
        assert "malformed acknowledgement" in one.take(parsed(f"<a xmlns='{stanzas.SM}' h='{handled}'/>"))
    assert one.take(parsed(f"<a xmlns='{stanzas.SM}' h='3'/>")) == ""


def test_an_error_after_the_outcome_is_reported_as_unmatched() -> None:
    tape = Tape()
    one = inbound(tape)
    one.take(
        parsed(
            "<message type='error' id='m5' from='x@localhost'><error type='cancel'>"
            "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
    )
    assert [(number, outcome.code) for number, outcome in tape.unmatched_outcomes] == [
        (5, "service-unavailable")
    ]
    assert tape.outcomes == {}


COPY = (
    f"<message from='{{}}'><sent xmlns='{stanzas.CARBONS}'><forwarded xmlns='urn:xmpp:forward:0'>"
    f"<message xmlns='{stanzas.CLIENT}' from='bob@localhost/tablet' to='alice@localhost' type='chat' id='m1'>"
    "<body>hello</body></message></forwarded></sent></message>"
)


def test_a_copy_of_what_an_own_device_sent_is_a_delivery_and_a_forged_copy_is_none() -> None:
    tape = Tape()
    one = inbound(tape)
    one.take(parsed(COPY.format("mallory@localhost/x")))
    assert tape.deliveries == []
    one.take(parsed(COPY.format("bob@localhost")))
    assert [(delivery.sender, delivery.body) for delivery in tape.deliveries] == [("bob", b"hello")]
    assert one.incoming.handled == 1


def test_a_page_that_nobody_asks_for_shows_nothing() -> None:
    entry = (
        f"<message><result xmlns='{stanzas.ARCHIVE}' queryid='q3' id='17'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='{stanzas.CLIENT}' from='alice@localhost/x' to='bob@localhost'><body>hi</body></message>"
        "</forwarded></result></message>"
    )
    tape = Tape()
    one = inbound(tape)
    one.take(parsed(entry))
    assert tape.deliveries == []
    one.queries[3] = 0
    one.take(parsed(entry))
    assert [(delivery.read, delivery.cursor) for delivery in tape.deliveries] == [(3, 17)]
    end = "<iq type='result' id='q3'><fin xmlns='urn:xmpp:mam:2'{}><set xmlns='http://jabber.org/protocol/rsm'>{}</set></fin></iq>"
    one.take(parsed(end.format(" complete='true'", "<last>17</last>")))
    assert (tape.outcomes[3].completion, tape.outcomes[3].cursor, tape.outcomes[3].complete) == (
        Completion.OK,
        17,
        True,
    )
    one.queries[4] = 0
    one.take(parsed(end.format("", "<last>abc</last>").replace("q3", "q4")))
    assert (tape.outcomes[4].completion, tape.outcomes[4].code) == (Completion.FAIL, "archive-id-not-numeric")


def test_questions_of_the_server_are_answered() -> None:
    replies: list[bytes] = []
    one = inbound(Tape(), replies)
    one.take(parsed("<iq type='get' id='a' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"))
    one.take(parsed("<iq type='get' id='b' from='localhost'><query xmlns='jabber:iq:version'/></iq>"))
    one.take(parsed("<presence type='subscribe' from='alice@localhost'/>"))
    assert [parsed(reply).get("type") for reply in replies] == ["result", "error", "subscribed"]


def test_without_stream_management_a_send_is_accepted_and_no_more() -> None:
    tape = Tape()
    one = inbound(tape, managed=False)
    one.outgoing.add(1, "m1", forged=False)
    one.outgoing.ask(0)
    one.take(parsed("<iq type='result' id='barrier'/>"))
    assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.INFO, "accepted")


def test_presence_is_that_of_all_devices_together() -> None:
    tape = Tape()
    one = inbound(tape)
    one.watched = frozenset({"alice"})
    for device, kind in (("phone", ""), ("tablet", ""), ("phone", "unavailable"), ("tablet", "unavailable")):
        shown = f" type='{kind}'" if kind else ""
        one.take(parsed(f"<presence from='alice@localhost/{device}'{shown}/>"))
    one.take(parsed("<presence from='carol@localhost/phone'/>"))
    assert [(seen.user, seen.online) for seen in tape.presences] == [
        ("alice", True),
        ("alice", True),
        ("alice", True),
        ("alice", False),
    ]
