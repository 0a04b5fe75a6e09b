from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from servers import Saying, strong_server, until_closed

from waybill.tls.campaign import Campaign
from waybill.tls.control_servers import ReadingServer
from waybill.tls.places import Outcome
from waybill.tls.plaintext import GREETINGS, Greeting, speak
from waybill.tls.starttls import xmpp

HTTP, MQTT, XMPP, LINE = GREETINGS
FEATURES = (
    b"<?xml version='1.0'?><stream:stream from='localhost' version='1.0' "
    b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>%s</stream:features>"
)
ERROR = b"<stream:stream version='1.0'><stream:error><not-well-formed/></stream:error></stream:stream>"
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
MECHANISMS = b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"


@pytest.mark.parametrize("greeting", GREETINGS, ids=lambda greeting: greeting.name)
def test_a_server_that_echoes_plaintext_accepts_it_and_one_with_tls_refuses_it(
    tmp_path: Path, greeting: Greeting
) -> None:
    with ReadingServer() as echo, strong_server(tmp_path) as strong:
        assert speak(greeting, echo.place, speaks_tls=False).outcome is Outcome.ACCEPTED
        assert speak(greeting, strong.place, speaks_tls=True).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("greeting", "answer", "outcome"),
    [
        (HTTP, b"HTTP/1.1 404 Not Found\r\n\r\n", Outcome.ACCEPTED),
        (HTTP, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Outcome.ACCEPTED),
        (HTTP, b"HTTP/1.1 400 Bad Request\r\n\r\nuse https", Outcome.REFUSED),
        (HTTP, b"\x15\x03\x01\x00\x02\x02\x46", Outcome.REFUSED),
        (HTTP, b"", Outcome.REFUSED),
        (HTTP, b"\x15\x03\x01\xff\xffno alert", Outcome.ACCEPTED),
        (MQTT, b"\x20\x03\x00\x87\x00", Outcome.ACCEPTED),
        (XMPP, FEATURES % STARTTLS, Outcome.ACCEPTED),
        (LINE, b"220 mail.example\r\n", Outcome.ACCEPTED),
    ],
)
def test_what_an_answer_means_on_a_port_with_tls(greeting: Greeting, answer: bytes, outcome: Outcome) -> None:
    with Saying(answer) as server:
        found = speak(greeting, server.place, speaks_tls=True)
    assert found.outcome is outcome, found


@pytest.mark.parametrize(
    ("greeting", "answer", "outcome"),
    [
        (XMPP, FEATURES % STARTTLS, Outcome.REFUSED),
        (LINE, ERROR, Outcome.REFUSED),
        (XMPP, FEATURES % MECHANISMS, Outcome.ACCEPTED),
        (XMPP, FEATURES % (STARTTLS + MECHANISMS), Outcome.ACCEPTED),
        (HTTP, b"HTTP/1.1 200 OK\r\n\r\n", Outcome.ACCEPTED),
    ],
)
def test_where_tls_begins_with_starttls_nobody_may_log_in_before(
    greeting: Greeting, answer: bytes, outcome: Outcome
) -> None:
    with Saying(answer) as server:
        place = dataclasses.replace(server.place, upgrade=xmpp("localhost"))
        found = speak(greeting, place, speaks_tls=True)
    assert found.outcome is outcome, found


def test_a_port_without_tls_that_answers_400_speaks_plaintext() -> None:
    with Saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        assert speak(HTTP, server.place, speaks_tls=False).outcome is Outcome.ACCEPTED


def test_silence_is_no_refusal() -> None:
    with Saying(b"", until_closed) as server:
        found = speak(LINE, server.place, speaks_tls=False, deadline=0.2)
    assert found.outcome is Outcome.UNANSWERED


def test_a_campaign_names_what_was_accepted_and_where(tmp_path: Path) -> None:
    campaign = Campaign()
    with strong_server(tmp_path) as strong, ReadingServer() as echo:
        campaign.offer_weaker_tls(strong.place)
        campaign.speak_plaintext(strong.place, speaks_tls=True)
        campaign.require_refusals()
        assert campaign.decided >= 25
        assert not campaign.not_offered
        campaign.speak_plaintext(echo.place, speaks_tls=False)
    assert len(campaign.accepted) == len(GREETINGS)
    with pytest.raises(
        AssertionError, match=r"4 were not: plaintext \(HTTP\) was accepted by the reading control"
    ):
        campaign.require_refusals()


def test_a_campaign_without_an_attempt_or_an_answer_shows_nothing() -> None:
    campaign = Campaign()
    with pytest.raises(AssertionError, match="Nothing was tried"):
        campaign.require_refusals()
    with Saying(b"no TLS at all") as server, pytest.raises(AssertionError, match="to answer a good hello"):
        campaign.offer_weaker_tls(server.place)
    with Saying(b"") as gone:
        pass
    campaign.speak_plaintext(gone.place, speaks_tls=False)
    with pytest.raises(AssertionError, match=r"4 have no answer: plaintext \(HTTP\) was unanswered"):
        campaign.require_refusals()
    assert campaign.decided == 0


def test_what_could_not_be_offered_is_told_apart_and_never_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waybill.tls.campaign.GREETINGS", (Greeting("nothing", b""),))
    monkeypatch.setattr("waybill.tls.plaintext.ANSWER", 0.2)
    campaign = Campaign()
    with Saying(b"") as server:
        campaign.speak_plaintext(server.place, speaks_tls=False)
    assert campaign.results == []
    assert [one.outcome for one in campaign.not_offered] == [Outcome.NOT_OFFERED]
    assert "could not be offered on this machine" in campaign.not_offered[0].detail
