from __future__ import annotations

import dataclasses
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import Saying, TlsServer, strong_context, strong_server, until_closed

from waybill.tls import careless_servers, downgrades
from waybill.tls.authority import Authority
from waybill.tls.control_servers import ControlServer
from waybill.tls.downgrades import DOWNGRADES, run
from waybill.tls.places import Outcome, Place
from waybill.tls.proving import proven
from waybill.tls.starttls import xmpp

BY_NAME = {one.name: one for one in DOWNGRADES}
OVER_TLS = [one for one in DOWNGRADES if not one.starttls]
STREAM = b"<stream:stream from='localhost' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>"
OFFER = STREAM + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return strong_context(Authority(tmp_path).issue(tmp_path / "node", ["localhost", "127.0.0.1"]))


def test_every_downgrade_can_be_tried_from_here() -> None:
    known, missed = proven()
    assert known == list(DOWNGRADES)
    assert missed == []


def test_what_no_control_server_goes_along_with_says_nothing() -> None:
    never = dataclasses.replace(DOWNGRADES[0], attempt=lambda *_: (Outcome.REFUSED, "it cannot be said"))
    known, (missed,) = proven([never, DOWNGRADES[1]])
    assert known == [DOWNGRADES[1]]
    assert missed.outcome is Outcome.NOT_OFFERED
    assert "it cannot be said" in missed.detail


@pytest.mark.parametrize("name", [one.name for one in OVER_TLS])
def test_a_good_server_refuses(name: str, tmp_path: Path) -> None:
    with strong_server(tmp_path) as server:
        found = run(BY_NAME[name], server.place)
    assert found.outcome is Outcome.REFUSED, found


def test_a_server_of_tls_1_2_alone_has_nothing_to_lower(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsServer(context) as server:
        found = {one.name: run(one, server.place).outcome for one in OVER_TLS}
    nothing = {
        "TLS 1.2 as a fallback",
        "TLS 1.2 without the mark of a downgrade",
        "a session of TLS 1.3 taken up in TLS 1.2",
        "early data",
    }
    assert {name for name, outcome in found.items() if outcome is Outcome.NOT_OFFERED} == nothing
    assert {outcome for name, outcome in found.items() if name not in nothing} == {Outcome.REFUSED}


def test_a_server_of_tls_1_3_alone_refuses_all_that_is_older(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with TlsServer(context) as server:
        found = {one.name: run(one, server.place) for one in OVER_TLS}
    assert {one.outcome for one in found.values()} == {Outcome.REFUSED, Outcome.NOT_OFFERED}
    for name, one in found.items():
        if one.outcome is Outcome.NOT_OFFERED:
            assert "does not speak TLS 1.2" in one.detail, name


def test_a_server_without_tickets_lets_nothing_be_taken_up(context: ssl.SSLContext) -> None:
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    with TlsServer(context) as server:
        found = run(BY_NAME["early data"], server.place)
    assert found.outcome is Outcome.REFUSED
    assert found.detail == "it lets no session of TLS 1.3 be taken up again"


def test_early_data_that_is_taken_once_is_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(careless_servers, "_NO_ANTI_REPLAY", 0)
    with careless_servers.EagerServer() as server:
        found = run(BY_NAME["early data"], server.place)
    assert found.outcome is Outcome.ACCEPTED
    assert found.detail == "it took early data, though not the same bytes again"


def test_early_data_that_is_taken_twice_says_so() -> None:
    with careless_servers.EagerServer() as server:
        found = run(BY_NAME["early data"], server.place)
    assert found.detail == "it took early data, and took the same bytes again"


def test_a_server_that_goes_on_is_found_out() -> None:
    with careless_servers.GoingOnServer() as server:
        found = {one.name: run(one, server.place).outcome for one in DOWNGRADES[:4]}
    assert found == dict.fromkeys(found, Outcome.ACCEPTED)


def test_a_server_that_cannot_be_reached_refuses_nothing() -> None:
    place = Place("nobody", "127.0.0.1", 1, "localhost")
    assert {run(one, place, deadline=1).outcome for one in DOWNGRADES} == {Outcome.UNANSWERED}


def test_silence_is_no_answer() -> None:
    with Saying(b"", until_closed) as server:
        found = run(BY_NAME["a hello without its best suites"], server.place, deadline=0.2)
    assert found.outcome is Outcome.UNANSWERED


class HttpServer(TlsServer):
    """Answers every request over TLS with the same head."""

    head = b""

    def answer(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(self.head)


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        (b"HTTP/1.1 301 Moved\r\nlocation: http://localhost/v2\r\n\r\n", Outcome.ACCEPTED),
        (b"HTTP/1.1 200 OK\r\nRefresh: 0; url=ws://localhost/\r\n\r\n", Outcome.ACCEPTED),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://localhost/v2\r\n\r\n", Outcome.REFUSED),
        (b"HTTP/1.1 301 Moved\r\nLocation: /v2\r\n\r\n", Outcome.REFUSED),
        (b"HTTP/1.1 404 Not Found\r\nLink: http://localhost/\r\n\r\n", Outcome.REFUSED),
        (b"\x20\x02\x00\x05", Outcome.REFUSED),
        (b"", Outcome.REFUSED),
    ],
)
def test_only_an_address_without_tls_leads_away(
    head: bytes, outcome: Outcome, context: ssl.SSLContext
) -> None:
    HttpServer.head = head
    with HttpServer(context) as server:
        found = run(BY_NAME["an answer that leads away from TLS"], server.place, deadline=1)
    assert found.outcome is outcome, found


class StreamServer(ControlServer):
    """As much of a server of XMPP as comes before TLS, and a stream after it."""

    def __init__(
        self, context: ssl.SSLContext, behave: Callable[[socket.socket, bytes], bytes | None]
    ) -> None:
        self._context = context
        self._behave = behave
        super().__init__("the server of streams")
        self.place = dataclasses.replace(self.place, upgrade=xmpp("localhost"))

    def answer(self, connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(OFFER)
        wish = connection.recv(4096)
        answer = self._behave(connection, wish)
        if answer is not None:
            connection.sendall(answer)
            return
        connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        with self._context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(OFFER)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"<failure xmlns='urn:x'><encryption-required/></failure>", Outcome.REFUSED),
        (b"<stream:error><policy-violation/></stream:error></stream:stream>", Outcome.REFUSED),
        (b"", Outcome.REFUSED),
        (b"<failure xmlns='urn:x'><not-authorized/></failure>", Outcome.ACCEPTED),
        (b"<success xmlns='urn:x'/>", Outcome.ACCEPTED),
        (b"<challenge xmlns='urn:x'>cj0=</challenge>", Outcome.ACCEPTED),
    ],
)
def test_a_credential_before_tls_must_not_be_judged(
    answer: bytes, outcome: Outcome, context: ssl.SSLContext
) -> None:
    with StreamServer(context, lambda *_: answer) as server:
        assert run(BY_NAME["a login before TLS"], server.place).outcome is outcome


@pytest.mark.parametrize("forgets", ["by hanging up", "and goes on"])
def test_words_before_the_handshake_are_forgotten(forgets: str, context: ssl.SSLContext) -> None:
    def behave(_: socket.socket, wish: bytes) -> bytes | None:
        assert b"waybill-injected" in wish
        return None if forgets == "and goes on" else b"<failure/></stream:stream>"

    with StreamServer(context, behave) as server:
        found = run(BY_NAME["words behind the wish for TLS"], server.place)
    assert found.outcome is Outcome.REFUSED, found


def test_the_documentation_lists_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "downgrades.md").read_text(encoding="utf-8")
    assert downgrades.markdown() in page
