"""Rooms: what is said in them, and what the answers mean."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from tape import Tape

from waybill.drivers import xmpp_rooms as rooms
from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Delivery
from waybill.drivers.xmpp_inbound import Inbound
from waybill.drivers.xmpp_rooms import Change, Rooms
from waybill.drivers.xmpp_stanzas import Names
from waybill.history.events import Completion, Mode

NAMES = Names("bob", "localhost")
ROOM = "crew@conference.localhost"
FORBIDDEN = "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"


def parsed(text: str | bytes) -> Element:
    """An element as it comes out of a stream."""
    data = text.encode() if isinstance(text, str) else text
    return fromstring(f"<s xmlns='{stanzas.CLIENT}'>{data.decode()}</s>")[0]


def notice(
    sender: str, number: str, key: str, *, of: str = ROOM, body: str = "<body>hi</body>", rest: str = ""
) -> str:
    """What a subscriber is sent, as ejabberd writes it."""
    return (
        f"<message from='{of}' to='bob@localhost' id='1'>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='71'/>"
        "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mucsub:nodes:messages'>"
        f"<item id='1'><message xmlns='{stanzas.CLIENT}' type='groupchat' id='{number}' to='bob@localhost' "
        f"from='{ROOM}/{sender}'><stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='17'/>"
        f"<origin-id xmlns='urn:xmpp:sid:0' id='{key}'/>{body}</message></item></items></event>{rest}</message>"
    )


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def inbound(tape: Tape) -> Inbound:
    return Inbound(tape, NAMES, managed=True, reply=lambda data: None)


def given(tape: Tape) -> list[Delivery]:
    return [one for one in tape.deliveries if one.body == b"hi"]


# -- messages ------------------------------------------------------------------------------------------------


def test_a_notice_is_a_delivery_of_the_account_behind_the_nickname(inbound: Inbound, tape: Tape) -> None:
    inbound.take(parsed(notice("alice@localhost", "m1", "k1")))
    (delivery,) = given(tape)
    assert (delivery.conversation, delivery.sender, delivery.key, delivery.id) == (ROOM, "alice", "k1", "17")
    assert (delivery.mode, delivery.cursor) == (Mode.LIVE, 71)
    assert inbound.incoming.handled == 0, "the device has not acknowledged it"


def test_a_notice_that_waited_is_backlog(inbound: Inbound, tape: Tape) -> None:
    delay = "<delay xmlns='urn:xmpp:delay' stamp='2026-11-25T23:49:45.500Z'/>"
    inbound.take(parsed(notice("alice@localhost", "m1", "k1", rest=delay)))
    assert [(one.mode, one.time_ms) for one in given(tape)] == [(Mode.BACKLOG, 1795650585500)]


def test_a_notice_of_the_archive_is_a_page_entry(inbound: Inbound, tape: Tape) -> None:
    inner = notice("alice@localhost", "m1", "k1").replace(
        "<message ", f"<message xmlns='{stanzas.CLIENT}' ", 1
    )
    inbound.queries[3] = 0
    inbound.take(
        parsed(
            f"<message><result xmlns='{stanzas.ARCHIVE}' queryid='q3' id='71'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></result></message>"
        )
    )
    (delivery,) = given(tape)
    assert (delivery.mode, delivery.read, delivery.cursor) == (Mode.PAGE, 3, 71)
    assert (delivery.conversation, delivery.sender, delivery.id) == (ROOM, "alice", "17")


def test_a_notice_that_does_not_come_from_its_room_is_nothing(inbound: Inbound, tape: Tape) -> None:
    for forger in ("mallory@localhost", "mallory@localhost/x", "other@conference.localhost"):
        inbound.take(parsed(notice("alice@localhost", "m1", "k1", of=forger)))
    assert tape.deliveries == []
    assert inbound.incoming.handled == 3


def test_a_notice_of_somebody_who_types_is_no_delivery(inbound: Inbound, tape: Tape) -> None:
    state = f"<composing xmlns='{stanzas.STATES}'/>"
    for sender in ("alice@localhost", "bob@localhost"):
        inbound.take(parsed(notice(sender, "", "", body=state)))
    assert [(one.conversation, one.user, one.active) for one in tape.typings] == [(ROOM, "alice", True)]
    assert tape.deliveries == []


def test_the_reflection_is_the_answer_to_a_send(inbound: Inbound, tape: Tape) -> None:
    inbound.rooms.sent(ROOM, "m5", "k5", 5)
    inbound.take(parsed(notice("alice@localhost", "m5", "k5")))
    assert 5 not in tape.outcomes, "another sender's message with the same ids is none"
    inbound.take(parsed(notice("bob@localhost", "m5", "k5")))
    outcome = tape.outcomes[5]
    assert (outcome.completion, outcome.id, outcome.key) == (Completion.OK, "17", "k5")
    assert [one.sender for one in given(tape)] == ["alice"]
    assert inbound.rooms.sends == []


def test_a_second_reflection_is_reported_as_a_second_answer(inbound: Inbound, tape: Tape) -> None:
    inbound.rooms.sent(ROOM, "m5", "k5", 5)
    for _ in range(2):
        inbound.take(parsed(notice("bob@localhost", "m5", "k5")))
    assert [(number, one.completion) for number, one in tape.unmatched_outcomes] == [(5, Completion.OK)]


def test_what_another_device_or_an_earlier_session_sent_is_a_delivery(inbound: Inbound, tape: Tape) -> None:
    inbound.rooms.sent(ROOM, "m5", "k5", 5)
    inbound.take(parsed(notice("bob@localhost", "m4", "k4")))
    inbound.take(parsed(notice("bob@localhost", "m5", "another")))
    assert [(one.sender, one.key) for one in given(tape)] == [("bob", "k4"), ("bob", "another")]
    assert tape.outcomes == {}


def test_an_error_of_the_room_is_a_refusal(inbound: Inbound, tape: Tape) -> None:
    inbound.rooms.sent(ROOM, "m5", "k5", 5)
    inbound.take(
        parsed(f"<message type='error' id='m5' from='other@conference.localhost'>{FORBIDDEN}</message>")
    )
    assert 5 not in tape.outcomes
    inbound.take(parsed(f"<message type='error' id='m5' from='{ROOM}'>{FORBIDDEN}</message>"))
    assert (tape.outcomes[5].completion, tape.outcomes[5].code) == (Completion.FAIL, "forbidden")


# -- changes -------------------------------------------------------------------------------------------------


def answers(change: Change, refused: tuple[int, ...] = ()) -> list[str]:
    """What the server says to the steps of a change that are questions."""
    asked = [parsed(step) for step in change.steps]
    numbers = [one.get("id", "") for one in asked if one.tag == stanzas.IQ]
    return [
        f"<iq type='{'error' if place in refused else 'result'}' id='{number}' from='{change.room}'>"
        f"{FORBIDDEN if place in refused else ''}</iq>"
        for place, number in enumerate(numbers)
    ]


def own_presence(change: Change, status: str = "<status code='201'/>", kind: str = "", rest: str = "") -> str:
    return (
        f"<presence from='{change.room}/bob@localhost'{kind}>"
        f"<x xmlns='{rooms.MUC}#user'>{status}<status code='110'/></x>{rest}</presence>"
    )


def begun(inbound: Inbound, change: Change) -> Change:
    inbound.rooms.begin(change)
    return change


def test_a_new_group_has_a_room_of_its_own_with_all_members(tape: Tape) -> None:
    made = [Rooms(tape, NAMES).creation(1, "crew & co", ["alice", "carol@example.org"]) for _ in range(2)]
    assert made[0].room != made[1].room
    first, form, members, *subscriptions, last = [parsed(step) for step in made[0].steps]
    assert first.get("to") == last.get("to") == f"{made[0].room}/bob@localhost"
    assert (first.tag, last.get("type")) == (stanzas.PRESENCE, "unavailable")
    fields = {one.get("var"): one[0].text for one in form.iter("{jabber:x:data}field")}
    assert fields["muc#roomconfig_roomname"] == "crew & co"
    settings = ("persistentroom", "membersonly", "publicroom", "whois")
    assert [fields[f"muc#roomconfig_{one}"] for one in settings] == ["1", "1", "0", "anyone"]
    assert fields["allow_subscription"] == "1"
    items = list(members.iter(f"{{{rooms.MUC}#admin}}item"))
    assert [(one.get("jid"), one.get("affiliation")) for one in items] == [
        ("alice@localhost", "member"),
        ("carol@example.org", "member"),
    ]
    assert [(one[0].get("jid"), one[0].get("nick")) for one in subscriptions] == [
        (address, address) for address in ("bob@localhost", "alice@localhost", "carol@example.org")
    ]
    assert {one.get("to") for one in (form, members, *subscriptions)} == {made[0].room}


def test_a_group_is_made_when_every_step_is_answered(inbound: Inbound, tape: Tape) -> None:
    change = begun(inbound, inbound.rooms.creation(1, "crew", ["alice"]))
    for answer in answers(change):
        inbound.take(parsed(answer))
        assert tape.outcomes == {}
    inbound.take(parsed(own_presence(change)))
    assert (tape.outcomes[1].completion, tape.outcomes[1].conversation) == (Completion.OK, change.room)
    inbound.take(parsed(own_presence(change, kind=" type='unavailable'")))
    assert (len(tape.outcomes), inbound.rooms.changes, tape.presences) == (1, [], [])


def test_a_group_that_nothing_came_of_was_refused(inbound: Inbound, tape: Tape) -> None:
    change = begun(inbound, inbound.rooms.creation(1, "crew", ["alice"]))
    inbound.take(parsed(own_presence(change, kind=" type='error'", rest=FORBIDDEN)))
    for answer in answers(change, refused=(0, 1, 2, 3)):
        inbound.take(parsed(answer))
    assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.FAIL, "forbidden")


def test_a_change_of_which_a_part_took_effect_is_neither_done_nor_refused(
    inbound: Inbound, tape: Tape
) -> None:
    change = begun(inbound, inbound.rooms.addition(1, ROOM, "alice"))
    for answer in answers(change, refused=(1,)):
        inbound.take(parsed(answer))
    assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.INFO, "partly")
    assert "forbidden" in tape.outcomes[1].text


def test_a_room_that_was_there_already_is_no_new_group(inbound: Inbound, tape: Tape) -> None:
    change = begun(inbound, inbound.rooms.creation(1, "crew", []))
    inbound.take(parsed(own_presence(change, status="")))
    for answer in answers(change):
        inbound.take(parsed(answer))
    assert (tape.outcomes[1].completion, tape.outcomes[1].text) == (
        Completion.INFO,
        "conflict: the room was there already",
    )


def test_a_removal_ends_membership_and_subscription_and_leaving_the_own_subscription(tape: Tape) -> None:
    known = Rooms(tape, NAMES)
    membership, subscription = [parsed(step) for step in known.removal(1, ROOM, "alice").steps]
    (item,) = membership.iter(f"{{{rooms.MUC}#admin}}item")
    assert (item.get("affiliation"), item.get("jid")) == ("none", "alice@localhost")
    assert subscription[0].tag == f"{{{rooms.SUBSCRIPTION}}}unsubscribe"
    assert subscription[0].get("jid") == "alice@localhost"
    (left,) = [parsed(step) for step in known.leaving(2, ROOM).steps]
    assert (left[0].tag, left[0].get("jid")) == (f"{{{rooms.SUBSCRIPTION}}}unsubscribe", None)


def test_an_answer_to_no_change_is_unmatched(inbound: Inbound, tape: Tape) -> None:
    change = begun(inbound, inbound.rooms.leaving(1, ROOM))
    (answer,) = answers(change)
    for _ in range(2):
        inbound.take(parsed(answer))
    inbound.take(parsed(f"<iq type='error' id='g9.0' from='{ROOM}'>{FORBIDDEN}</iq>"))
    assert set(tape.outcomes) == {1}
    assert [(number, one.completion) for number, one in tape.unmatched_outcomes] == [
        (1, Completion.OK),
        (9, Completion.FAIL),
    ]
