"""The driver `iris` against a server that says exactly what it is told to, in pieces as it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tape import Tape
from tcp_proxy import UP, TcpProxy

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import ACCEPTED, Credential, Delivery, Endpoint, Login, LoginRefused, Session
from waybill.drivers.iris import IrisDriver
from waybill.history.events import Completion, End, Mode

DEADLINE = 5.0
TALK = "direct:alice:bob"


class Line:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hear(self, count: int) -> bytes:
        """Exactly so many bytes."""
        heard = b""
        while len(heard) < count:
            more = self.socket.recv(count - len(heard))
            assert more, f"the client ended after {heard!r}"
            heard += more
        return heard

    def say(self, data: bytes, *, piece: int = 0) -> None:
        """Says something, in pieces of so many bytes."""
        for start in range(0, len(data), piece or len(data)):
            self.socket.sendall(data[start : start + (piece or len(data))])

    def heard_the_end(self) -> bool:
        """Whether the client has ended its side and says nothing more."""
        return self.socket.recv(1) == b""

    def end(self) -> None:
        """Ends the connection in good order."""
        self.socket.close()


Answer = Callable[[Line], None]


class IrisServer:
    """Answers each connection with what the test gives it, after it has heard a login."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint(f"iris://127.0.0.1:{self.listener.getsockname()[1]}")
        self.lines: list[Line] = []
        self.logins: list[bytes] = []

    def log_in(
        self, answer: bytes = frames.LOGIN_OK, *, piece: int = 0, **login: Any
    ) -> tuple[Session, Tape, Line]:
        """A session of alice whose server answered the login like this."""
        tape = Tape()

        def serve() -> None:
            line = Line(self.listener.accept()[0])
            self.lines.append(line)
            # One write of the client's, so one packet here.
            self.logins.append(line.socket.recv(4096))
            line.say(answer, piece=piece)

        server = threading.Thread(target=serve)
        server.start()
        try:
            session = IrisDriver().connect(
                Login(self.endpoint, Credential("alice", token="t.o.k"), "phone", **login), tape
            )
        finally:
            server.join(DEADLINE)
        return session, tape, self.lines[-1]


@pytest.fixture
def server() -> Iterator[IrisServer]:
    made = IrisServer()
    yield made
    for line in made.lines:
        line.end()
    made.listener.close()


def reliable(number: int) -> bytes:
    return frames.encode(frames.ReliableMessage(b"id-%d" % number, b"body %d" % number))


def bodies(tape: Tape) -> list[bytes]:
    return [delivery.body for delivery in tape.deliveries]


class TestWhatArrives:
    """Frames as the network may cut and join them."""

    def test_messages_in_the_packet_of_the_login_answer_are_delivered(self, server: IrisServer) -> None:
        queued = b"".join(map(reliable, range(3)))
        session, tape, _ = server.log_in(frames.LOGIN_OK + queued + reliable(3)[:7])
        tape.wait(lambda: len(tape.deliveries) == 3, "three messages")
        server.lines[-1].say(reliable(3)[7:])
        tape.wait(lambda: len(tape.deliveries) == 4, "the fourth")
        assert bodies(tape) == [b"body %d" % number for number in range(4)]
        first = tape.deliveries[0]
        assert (first.conversation, first.sender, first.key, first.id) == ("", "", "", "id-0")
        assert first.mode is Mode.LIVE
        session.cut()
        assert not tape.broken

    def test_byte_by_byte_it_is_all_the_same(self, server: IrisServer) -> None:
        said = [
            frames.ReliableMessage(b"id", b"a body"),
            frames.TypingNotice(b"bob", 1),
            frames.ReadReceipt(b"id", b"bob", 99),
            frames.ErrorReported(b"no"),
            frames.RateLimited(1500),
            frames.EncryptedDelivery(b"bob", b"\xa0", b"secret"),
            frames.GroupMessage(b"g1", b"\xa0", b"to all"),
            frames.PrekeyResponse(b""),
            frames.Roster(b"g1", b"\x80"),
        ]
        whole = frames.LOGIN_OK + b"".join(map(frames.encode, said))
        session, tape, _ = server.log_in(whole, piece=1)
        tape.wait(lambda: len(tape.deliveries) == 3, "three messages")
        assert [(one.conversation, one.sender, one.body) for one in tape.deliveries] == [
            ("", "", b"a body"),
            (TALK, "bob", b"secret"),
            ("group:g1", "", b"to all"),
        ]
        assert [(one.conversation, one.user, one.active) for one in tape.typings] == [(TALK, "bob", True)]
        assert [(one.id, one.user, one.read) for one in tape.receipts] == [("id", "bob", 1)]
        assert [(number, one.completion, one.code) for number, one in tape.unmatched_outcomes] == [
            (-1, Completion.INFO, "error"),
            (-1, Completion.INFO, "rate-limited"),
        ]
        assert tape.unmatched_outcomes[1][1].retry_after == 1.5
        session.cut()
        assert not tape.broken

    def test_a_frame_that_is_cut_off_is_no_delivery(self, server: IrisServer) -> None:
        _, tape, line = server.log_in(frames.LOGIN_OK + reliable(1) + reliable(2)[:-1])
        tape.wait(lambda: len(tape.deliveries) == 1, "the whole one")
        line.end()
        assert tape.wait_end() is End.LOST
        assert bodies(tape) == [b"body 1"]
        assert not tape.broken

    def test_what_is_no_frame_ends_the_session(self, server: IrisServer) -> None:
        _, tape, _ = server.log_in(frames.LOGIN_OK + reliable(1) + b"\x00 what is this")
        assert tape.wait_end() is End.LOST
        assert tape.reason.startswith("malformed frame from the server: no frame begins with")
        assert bodies(tape) == [b"body 1"]

    def test_the_last_error_is_told_with_the_end(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        session.send(1, TALK, "k", b"too much")
        line.say(frames.encode(frames.ErrorReported(b"replaced: elsewhere")))
        line.end()
        assert tape.wait_end() is End.LOST
        assert "its last error was 'replaced: elsewhere'" in tape.reason
        assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.INFO, ACCEPTED)


class TestLogin:
    """How a login ends."""

    def test_it_is_one_packet_however_small_the_pieces(self, server: IrisServer) -> None:
        session, _, line = server.log_in(piece=1)
        assert server.logins == [b"\x01alice:t.o.k"]
        session.cut()
        del line

    @pytest.mark.parametrize(
        ("answer", "code"), [(b"AUTH_FAILED", "auth-failed"), (b"RATE_LIMITED", "rate-limited")]
    )
    @pytest.mark.parametrize("piece", [0, 1])
    def test_a_bare_word_is_a_definite_refusal(
        self, server: IrisServer, answer: bytes, code: str, piece: int
    ) -> None:
        with pytest.raises(LoginRefused, match=f"the server answered {answer.decode()}") as refused:
            server.log_in(answer, piece=piece)
        assert (refused.value.outcome.completion, refused.value.outcome.code) == (Completion.FAIL, code)

    @pytest.mark.parametrize("answer", [b"", b"AUTH_FAILE", b"\x03LOGIN_O"])
    def test_half_an_answer_is_unknown(self, server: IrisServer, answer: bytes) -> None:
        def serve() -> None:
            line = Line(server.listener.accept()[0])
            line.hear(len(b"\x01alice"))
            line.socket.sendall(answer)
            line.end()

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(LoginRefused, match="connection-lost") as refused:
            IrisDriver().connect(Login(server.endpoint, Credential("alice"), "phone"), Tape())
        serving.join(DEADLINE)
        assert refused.value.outcome.completion is Completion.INFO

    @pytest.mark.parametrize("answer", [b"AUTH_FA", b"\x03LOGIN"])
    def test_an_answer_that_never_ends_is_unknown_at_the_deadline(
        self, server: IrisServer, answer: bytes
    ) -> None:
        with pytest.raises(LoginRefused, match="timeout: no answer in time") as refused:
            server.log_in(answer, deadline=0.2)
        assert refused.value.outcome.completion is Completion.INFO

    def test_another_answer_is_unknown(self, server: IrisServer) -> None:
        with pytest.raises(LoginRefused, match="malformed: the answer to the login begins with") as refused:
            server.log_in(b"220 mail.example.org")
        assert refused.value.outcome.completion is Completion.INFO

    def test_a_wrong_address_or_version_is_a_mistake_of_the_caller(self) -> None:
        login = Login(Endpoint("amqp://127.0.0.1"), Credential("alice"), "phone")
        with pytest.raises(ValueError, match="expected an address with one of iris, iriss, ws, wss"):
            IrisDriver().connect(login, Tape())
        login = Login(Endpoint("iris://127.0.0.1:1"), Credential("alice"), "phone", version=2)
        with pytest.raises(ValueError, match="expected wire version 1, found 2"):
            IrisDriver().connect(login, Tape())

    def test_a_session_that_never_logged_in_has_nothing_accepted(self, server: IrisServer) -> None:
        tape = Tape()
        login = Login(server.endpoint, Credential("alice"), "phone", identify=False)
        session = IrisDriver().connect(login, tape)
        line = Line(server.listener.accept()[0])
        server.lines.append(line)
        session.send(1, TALK, "k", b"hi")
        assert line.hear(8) == b"\x02\0\x03bob\0\x02"
        assert (tape.outcome(1).completion, tape.outcome(1).code) == (Completion.INFO, "unidentified")
        line.say(b"AUTH_FAILED", piece=3)
        assert (tape.wait_end(), tape.reason) == (End.REFUSED, "AUTH_FAILED")
        assert tape.deliveries == []

    def test_whatever_a_server_gives_without_a_login_is_reported(self, server: IrisServer) -> None:
        tape = Tape()
        login = Login(server.endpoint, Credential("alice"), "phone", identify=False)
        session = IrisDriver().connect(login, tape)
        line = Line(server.listener.accept()[0])
        server.lines.append(line)
        session.presence(1, "bob")
        line.say(reliable(1) + frames.encode(frames.Status(b"bob", 1, 0)) + frames.LOGIN_OK)
        assert tape.outcome(1).completion is Completion.OK
        assert tape.wait_end() is End.LOST
        assert "LOGIN_OK, and nobody had logged in" in tape.reason
        assert bodies(tape) == [b"body 1"]


class TestWhatIsSent:
    """What leaves the client, and how its operations end."""

    def test_sends_are_frames_back_to_back_to_the_other_one(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        session.send_many([(n, TALK, f"k{n}", b"x" * n) for n in range(1, 4)])
        wanted = b"".join(frames.encode(frames.Send(b"bob", b"x" * n)) for n in range(1, 4))
        assert line.hear(len(wanted)) == wanted
        assert {tape.outcome(n).code for n in range(1, 4)} == {ACCEPTED}
        assert tape.events[-1] == "idle"
        session.send(4, "direct:alice:alice", "k", b"me")
        assert line.hear(12) == b"\x02\0\x05alice\0\x02me"
        session.cut()
        assert not tape.broken

    def test_what_the_wire_cannot_say_fails_at_once(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        session.send(1, "direct:bob:carol", "k", b"x")
        session.send(2, "group:g1", "k", b"x")
        session.send(3, TALK, "k", b"x" * 65_536)
        session.presence(4, "b" * 70_000)
        codes = [(tape.outcome(n).completion, tape.outcome(n).code) for n in range(1, 5)]
        assert (
            codes == [(Completion.FAIL, "no-direct-conversation")] * 2 + [(Completion.FAIL, "too-large")] * 2
        )
        session.typing("direct:bob:carol", True)
        session.typing(TALK, False)
        assert line.hear(6) == b"\x71\0\x03bob"
        session.cut()

    def test_acknowledgements_are_packets_of_their_own_however_small_the_pieces(
        self, server: IrisServer
    ) -> None:
        session, tape, line = server.log_in(frames.LOGIN_OK + reliable(1) + reliable(2))
        tape.wait(lambda: len(tape.deliveries) == 2, "both")
        for number, delivery in enumerate(tape.deliveries, start=1):
            session.acknowledge(number, delivery)
            assert line.socket.recv(100) == b"\x03id-%d" % number
            assert (tape.outcome(number).completion, tape.outcome(number).code) == (
                Completion.INFO,
                "unconfirmed",
            )
        session.acknowledge(3, Delivery("", b"a bare body"))
        assert (tape.outcome(3).completion, tape.outcome(3).code) == (Completion.FAIL, "not-acknowledgeable")
        session.cut()
        session.acknowledge(4, tape.deliveries[0])
        session.acknowledge(5, Delivery("", b"a bare body"))
        assert {tape.outcomes[n].code for n in (4, 5)} == {"not-connected"}
        assert not tape.broken

    def test_presence_is_matched_by_user_and_an_unasked_status_is_a_notice(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        for number, user in enumerate(("bob", "carol", "bob"), start=1):
            session.presence(number, user)
        line.hear(6 + 8 + 6)
        for user, online, seen in ((b"carol", 0, 0), (b"bob", 1, 5), (b"bob", 0, 6), (b"bob", 1, 7)):
            line.say(frames.encode(frames.Status(user, online, seen)))
        found: list[Any] = [tape.outcome(number).values["presence"] for number in (1, 2, 3)]
        assert [(one.user, one.online, one.last_seen_ms) for one in found] == [
            ("bob", True, 5000),
            ("carol", False, -1),
            ("bob", False, 6000),
        ]
        tape.wait(lambda: len(tape.presences) == 1, "the notice")
        session.presence(9, "dave")
        session.cut()
        assert (tape.outcomes[9].completion, tape.outcomes[9].code) == (Completion.INFO, "connection-cut")
        assert not tape.broken

    def test_a_send_that_does_not_fit_is_unknown_or_never_left(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        done = threading.Event()

        def send() -> None:
            session.send_many([(n, TALK, "k", b"x" * 60_000) for n in range(400)])
            done.set()

        sender = threading.Thread(target=send)
        sender.start()
        tape.wait(lambda: len(tape.outcomes) >= 1, "a first one accepted")
        session.cut()
        sender.join(DEADLINE)
        assert done.is_set()
        assert len(tape.outcomes) == 400
        codes = [tape.outcomes[number].code for number in range(400)]
        accepted = codes.count(ACCEPTED)
        assert codes[:accepted] == [ACCEPTED] * accepted
        assert codes[accepted] in {"connection-cut", "not-sent", "not-connected"}
        unknown = [n for n in range(accepted, 400) if tape.outcomes[n].completion is Completion.INFO]
        assert unknown in ([], [accepted])
        assert not tape.broken
        del line

    def test_a_goodbye_lets_everything_written_arrive(self, server: IrisServer) -> None:
        session, tape, line = server.log_in(frames.LOGIN_OK + reliable(1))
        tape.wait(lambda: len(tape.deliveries) == 1, "a delivery")
        session.send(1, TALK, "k", b"last words")
        closing = threading.Thread(target=session.close)
        closing.start()
        assert line.hear(18) == frames.encode(frames.Send(b"bob", b"last words"))
        assert line.heard_the_end()
        line.say(reliable(2))
        line.end()
        closing.join(DEADLINE)
        assert tape.end is End.CLOSED
        assert bodies(tape) == [b"body 1", b"body 2"]
        assert not tape.broken

    def test_behind_a_goodbye_nothing_is_said_and_everything_is_heard(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        plain = tape.delivered

        def acknowledging(delivery: Delivery) -> None:
            plain(delivery)
            session.acknowledge(100 + len(tape.deliveries), delivery)

        tape.delivered = acknowledging  # type: ignore[method-assign]
        closing = threading.Thread(target=session.close)
        closing.start()
        assert line.heard_the_end()
        session.send(1, TALK, "k", b"too late")
        line.say(reliable(1))
        tape.outcome(101)
        line.say(reliable(2))
        tape.outcome(102)
        line.end()
        closing.join(DEADLINE)
        assert {operation: outcome.code for operation, outcome in tape.outcomes.items()} == dict.fromkeys(
            (1, 101, 102), "not-connected"
        )
        assert bodies(tape) == [b"body 1", b"body 2"]
        assert tape.end is End.CLOSED
        assert not tape.broken

    def test_the_reader_reads_on_while_a_writer_waits_for_room(self, server: IrisServer) -> None:
        session, tape, line = server.log_in()
        plain = tape.delivered

        def acknowledging(delivery: Delivery) -> None:
            plain(delivery)
            session.acknowledge(999 + len(tape.deliveries), delivery)

        tape.delivered = acknowledging  # type: ignore[method-assign]
        sender = threading.Thread(
            target=lambda: session.send_many([(n, TALK, "k", b"x" * 60_000) for n in range(200)])
        )
        sender.start()
        tape.wait(lambda: bool(tape.outcomes), "a first one accepted")
        line.say(b"".join(map(reliable, range(100))))
        tape.wait(lambda: len(tape.deliveries) == 100, "every delivery")
        heard = threading.Thread(target=lambda: line.hear(200 * 60_008 + 10 * 5 + 90 * 6))
        heard.start()
        sender.join(20)
        heard.join(20)
        tape.wait(lambda: len(tape.outcomes) == 300, "every outcome", 20)
        assert {tape.outcomes[number].code for number in range(1000, 1100)} == {"unconfirmed"}
        session.cut()
        assert not tape.broken


def test_a_cut_in_the_middle_of_a_frame_is_never_a_refusal(server: IrisServer) -> None:
    port = int(server.endpoint.url.rpartition(":")[2])
    whole = len(frames.encode(frames.Send(b"bob", b"x" * 16)))
    with TcpProxy("127.0.0.1", port) as proxy:
        direct, server.endpoint = server.endpoint, Endpoint(f"iris://127.0.0.1:{proxy.port}")
        for offset in range(whole):
            session, tape, _ = server.log_in()
            proxy.cut_after(UP, offset, reset=offset % 2 == 0)
            session.send(1, TALK, "k", b"x" * 16)
            assert tape.wait_end() is End.LOST
            assert tape.outcomes[1].completion is Completion.INFO
            assert not tape.broken
        server.endpoint = direct
