"""The driver `waybill` against a scripted server: the contract, and what only a misbehaving server shows."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from conformance import DriverConformance, Subject
from scripted_server import Client, Frame, ScriptedServer
from tape import Tape
from tcp_proxy import UP, TcpProxy
from websockets.sync.server import ServerConnection

from waybill.drivers.base import Credential, Driver, Endpoint, Login, LoginRefused, Session
from waybill.drivers.iris import IrisDriver
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history.events import Completion, End
from waybill.tls.authority import Authority
from waybill.tokens.device_keys import DeviceKey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    with ScriptedServer(Path(tmp_path_factory.mktemp("server"))) as running:
        yield running


@pytest.fixture
def subject(server: ScriptedServer) -> Subject:
    return Subject(
        driver=WaybillDriver(),
        endpoint=server.endpoint,
        account=lambda counter=_ACCOUNTS: f"user-{next(counter)}",
        credential=lambda account, _: server.credential(account),
        bad_credential=lambda account: Credential(account, token="forged"),
        name_of=str,
    )


_ACCOUNTS = itertools.count(1)


class TestConformance(DriverConformance):
    """Everything that every driver must pass."""


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits until a condition that nobody announces holds."""
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until, f"expected {what} within 5 s"
        os.sched_yield()


class TestMisbehaviour:
    """What a session does when the server, or the caller, does not keep to the protocol."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[ScriptedServer]:
        with ScriptedServer(tmp_path) as running:
            yield running

    @staticmethod
    def connect(own: ScriptedServer, user: str = "alice", **changes: Any) -> tuple[Session, Tape]:
        tape = Tape()
        login = Login(own.endpoint, own.credential(user), "phone", **changes)
        return WaybillDriver().connect(login, tape), tape

    def test_a_second_answer_is_reported_as_unmatched(self, own: ScriptedServer) -> None:
        def twice(client: Client, frame: Frame) -> bool:
            if frame["type"] == "send":
                own.on_send(client, frame)
            return False

        own.rules.append(twice)
        session, tape = self.connect(own)
        session.send(7, "d:alice:bob", "k", b"once")
        assert tape.outcome(7).completion is Completion.OK
        tape.wait(lambda: bool(tape.unmatched_outcomes), "the second answer")
        assert tape.unmatched_outcomes[0][0] == 7
        session.close()
        assert not tape.broken

    def test_a_refusal_that_is_not_definite_is_unknown(self, own: ScriptedServer) -> None:
        def storage(client: Client, frame: Frame) -> bool:
            client.say(
                "refused", ref=frame["ref"], code="storage", definite=False, retry_after=250, text="disk"
            )
            return True

        own.rules.append(storage)
        session, tape = self.connect(own)
        session.send(1, "d:alice:bob", "k", b"x")
        outcome = tape.outcome(1)
        assert (outcome.completion, outcome.code, outcome.retry_after) == (Completion.INFO, "storage", 0.25)
        session.cut()

    @pytest.mark.parametrize(
        "text",
        ["{", '"text"', '{"type":"nonsense"}', '{"type":"acked","ref":"1","cursor":1}', '{"type":"deliver"}'],
    )
    def test_a_malformed_frame_ends_the_session_with_the_reason(self, own: ScriptedServer, text: str) -> None:
        def nonsense(client: Client, frame: Frame) -> bool:
            client.socket.send(text)
            return True

        own.rules.append(nonsense)
        session, tape = self.connect(own)
        session.send(1, "d:alice:bob", "k", b"x")
        assert tape.wait_end() is End.LOST
        assert "malformed frame from the server" in tape.reason
        assert tape.outcomes[1].completion is Completion.INFO
        session.close()
        assert not tape.broken

    def test_a_binary_message_ends_the_session(self, own: ScriptedServer) -> None:
        own.rules.append(lambda client, frame: bool(client.socket.send(b"\0")) or True)
        session, tape = self.connect(own)
        session.send(1, "d:alice:bob", "k", b"x")
        assert tape.wait_end() is End.LOST
        assert "binary" in tape.reason
        session.cut()

    def test_a_fragmented_message_is_read_whole(self, own: ScriptedServer) -> None:
        def in_pieces(client: Client, frame: Frame) -> bool:
            text = json.dumps({"type": "acked", "ref": frame["ref"], "cursor": 3})
            client.socket.send([text[:5], text[5:9], text[9:]])
            return True

        own.rules.append(in_pieces)
        session, tape = self.connect(own)
        session.send(1, "d:alice:bob", "k", b"x")
        assert tape.outcome(1).cursor == 3
        session.close()

    @pytest.mark.parametrize(
        ("code", "end"),
        [
            ("replaced", End.REPLACED),
            ("draining", End.REFUSED),
            ("idle", End.REFUSED),
            ("unheard-of", End.REFUSED),
        ],
    )
    def test_the_servers_reason_for_closing_is_kept(self, own: ScriptedServer, code: str, end: End) -> None:
        def close(client: Client, frame: Frame) -> bool:
            client.say("closing", code=code, text="because")
            client.socket.close(4000)
            return True

        own.rules.append(close)
        session, tape = self.connect(own)
        session.send(1, "d:alice:bob", "k", b"x")
        assert tape.wait_end() is end
        assert "because" in tape.reason
        assert tape.outcomes[1].completion is Completion.INFO
        session.close()
        assert not tape.broken

    def test_pings_are_answered(self, own: ScriptedServer) -> None:
        session, _ = self.connect(own)
        eventually(lambda: bool(own.clients), "the server to know its client")
        assert own.clients[0].socket.ping().wait(5)
        session.close()

    def test_a_body_that_is_no_text_never_leaves(self, own: ScriptedServer) -> None:
        session, tape = self.connect(own)
        session.send_many([(1, "d:alice:bob", "k1", b"\xff"), (2, "d:alice:bob", "k2", b"text")])
        assert tape.outcomes[1].completion is Completion.FAIL
        assert tape.outcomes[1].code == "not-text"
        assert tape.outcome(2).completion is Completion.OK
        session.close()
        assert [frame["ref"] for _, frame in own.frames if frame["type"] == "send"] == [2]

    def test_a_session_without_login_says_nothing_by_itself(self, own: ScriptedServer) -> None:
        session, tape = self.connect(own, identify=False)
        session.send(1, "d:alice:bob", "k", b"let me in")
        assert tape.wait_end() is End.REFUSED
        assert tape.outcomes[1].completion is Completion.INFO
        session.close()
        assert own.frames == []

    def test_what_waits_behind_a_blocked_write_never_left(self, own: ScriptedServer) -> None:
        """A server that does not read: the first bulk is partly in the buffers, so unknown; a send that waits
        behind it left no byte, so it failed for good."""
        with TcpProxy("127.0.0.1", own.port) as proxy:
            url = f"wss://127.0.0.1:{proxy.port}/v2"
            tape = Tape()
            endpoint = dataclasses.replace(own.endpoint, url=url)
            session = WaybillDriver().connect(Login(endpoint, own.credential("alice"), "phone"), tape)
            proxy.hold()
            huge = (1, "d:alice:bob", "k1", b"x" * 30_000_000)
            bulk = [huge, *((n, "d:alice:bob", f"k{n}", b"x") for n in range(2, 11))]
            first = threading.Thread(target=session.send_many, args=(bulk,))
            first.start()
            stream = session._stream
            eventually(lambda: stream.writing.locked() and not stream.writable, "a blocked write")
            behind = threading.Thread(target=session.send, args=(1000, "d:alice:bob", "late", b"x"))
            behind.start()
            session.cut()
            for thread in (first, behind):
                thread.join(5)
                assert not thread.is_alive()
            assert tape.outcomes.pop(1).completion is Completion.INFO
            assert set(tape.outcomes) == {*range(2, 11), 1000}
            assert {outcome.completion for outcome in tape.outcomes.values()} == {Completion.FAIL}
            assert not tape.broken

    def test_a_signal_interrupts_a_blocked_write_and_every_wait(self, own: ScriptedServer) -> None:
        class Interrupted(BaseException):
            pass

        def interrupt(*_: object) -> None:
            raise Interrupted

        with TcpProxy("127.0.0.1", own.port) as proxy:
            tape = Tape()
            endpoint = dataclasses.replace(own.endpoint, url=f"wss://127.0.0.1:{proxy.port}/v2")
            session = WaybillDriver().connect(Login(endpoint, own.credential("alice"), "phone"), tape)
            proxy.hold()
            before = signal.signal(signal.SIGALRM, interrupt)
            try:
                main, stream = threading.get_ident(), session._stream

                def interrupt_once_blocked() -> None:
                    eventually(lambda: stream.writing.locked() and not stream.writable, "a blocked write")
                    signal.pthread_kill(main, signal.SIGALRM)

                threading.Thread(target=interrupt_once_blocked).start()
                with pytest.raises(Interrupted):
                    session.send(1, "d:alice:bob", "k1", b"x" * 30_000_000)
                assert tape.wait_end() is End.LOST
                proxy.release()
                other, _ = self.connect(own, "bob")
                other_stream = other._stream
                other_stream.writing.acquire()
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                with pytest.raises(Interrupted):
                    other.send(1, "d:alice:bob", "k", b"x")
                other_stream.writing.release()
                other.cut()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            assert tape.outcomes[1].completion is Completion.INFO
            assert not tape.broken

    def test_a_server_that_reads_only_while_it_is_read_from_is_served(self, own: ScriptedServer) -> None:
        """Bulk sends, answers and acknowledgements from the observer at the same time, with more in flight
        than the buffers of the connection hold."""
        session, tape = self.connect(own)
        other, given = self.connect(own, "bob")
        acknowledged = itertools.count(100_000)
        plain = given.idle

        def idle() -> None:
            plain()
            if given.deliveries:
                other.acknowledge(next(acknowledged), given.deliveries[-1])

        given.idle = idle  # type: ignore[method-assign]
        body = b"y" * 4000
        bulks = [
            [(n, "d:alice:bob", f"a{n}", body) for n in range(1, 1001)],
            [(n, "d:alice:bob", f"b{n}", body) for n in range(10_001, 11_001)],
        ]
        workers = [
            threading.Thread(target=one.send_many, args=(bulk,))
            for one, bulk in zip((session, other), bulks, strict=True)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive()
        tape.wait(lambda: len(tape.outcomes) == 1000 and len(tape.deliveries) == 1000, "everything", 30)
        session.close()
        other.close()
        assert not tape.broken
        assert not given.broken


class TestProof:
    """The proof that a device has the key that its token is bound to."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[ScriptedServer]:
        with ScriptedServer(tmp_path) as running:
            yield running

    @staticmethod
    def login(own: ScriptedServer, key: DeviceKey | None, **changes: Any) -> Session:
        credential = Credential("alice", token="token of alice", key=key)
        return WaybillDriver().connect(Login(own.endpoint, credential, "phone", **changes), Tape())

    def test_a_challenge_is_answered_with_the_signature_of_nonce_device_and_token(
        self, own: ScriptedServer
    ) -> None:
        key, proofs = DeviceKey.new(), []

        def challenge(socket: ServerConnection, _: Frame) -> bool:
            socket.send(json.dumps({"type": "challenge", "nonce": "n0nce_-"}))
            proofs.append(json.loads(socket.recv()))
            return False

        own.hello_rules.append(challenge)
        self.login(own, key).close()
        (proof,) = proofs
        assert sorted(proof) == ["signature", "type"]
        assert proof["type"] == "proof"
        signature = base64.urlsafe_b64decode(proof["signature"] + "==")
        assert len(signature) == 64
        digest = hashlib.sha256(b"token of alice").hexdigest()
        said = f"waybill-proof-v2\nn0nce_-\nphone\n{digest}".encode()
        public = jwt.PyJWK(key.public_jwk() | {"alg": "ES256"}).key
        assert jwt.get_algorithm_by_name("ES256").verify(said, public, signature)

    def test_a_key_is_not_shown_to_a_server_that_does_not_ask(self, own: ScriptedServer) -> None:
        hellos: list[Frame] = []
        own.hello_rules.append(lambda _, hello: bool(hellos.append(hello)))
        self.login(own, DeviceKey.new()).close()
        assert sorted(hellos[0]) == ["capabilities", "cursor", "device", "token", "type", "versions"]

    def test_without_the_key_nothing_is_answered(self, own: ScriptedServer) -> None:
        heard: list[object] = []

        def challenge(socket: ServerConnection, _: Frame) -> bool:
            socket.send(json.dumps({"type": "challenge", "nonce": "n"}))
            try:
                heard.append(socket.recv(timeout=0.5))
            except TimeoutError:
                heard.append(None)
            socket.send(json.dumps({"type": "closing", "code": "unauthenticated", "text": "no"}))
            socket.close(1008)
            return True

        own.hello_rules.append(challenge)
        with pytest.raises(LoginRefused) as refused:
            self.login(own, None)
        outcome = refused.value.outcome
        assert (outcome.completion, outcome.code) == (Completion.FAIL, "unauthenticated")
        assert heard == [None]

    def test_a_second_challenge_is_no_answer_to_a_proof(self, own: ScriptedServer) -> None:
        def again(socket: ServerConnection, _: Frame) -> bool:
            for _ in range(2):
                socket.send(json.dumps({"type": "challenge", "nonce": "n"}))
            socket.recv()
            return True

        own.hello_rules.append(again)
        with pytest.raises(LoginRefused) as refused:
            self.login(own, DeviceKey.new())
        assert (refused.value.outcome.completion, refused.value.outcome.code) == (
            Completion.INFO,
            "malformed",
        )


def test_an_untrusted_certificate_is_a_definite_failure(server: ScriptedServer, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    endpoint = dataclasses.replace(server.endpoint, authority=stranger.certificate)
    with pytest.raises(LoginRefused) as refused:
        WaybillDriver().connect(Login(endpoint, server.credential("alice"), "phone"), Tape())
    assert (refused.value.outcome.completion, refused.value.outcome.code) == (Completion.FAIL, "untrusted")


def test_a_server_without_websocket_is_a_definite_failure() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        client, _ = listener.accept()
        client.recv(4096)
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        client.close()
        listener.close()

    threading.Thread(target=answer, daemon=True).start()
    endpoint = Endpoint(f"ws://127.0.0.1:{listener.getsockname()[1]}/v2")
    with pytest.raises(LoginRefused) as refused:
        WaybillDriver().connect(Login(endpoint, ScriptedServer.credential("alice"), "phone"), Tape())
    assert (refused.value.outcome.completion, refused.value.outcome.code) == (Completion.FAIL, "http-404")


@pytest.mark.parametrize("driver", [WaybillDriver(), IrisDriver()], ids=lambda one: one.name)
def test_an_answer_that_leads_elsewhere_is_not_followed(driver: Driver) -> None:
    listener, elsewhere = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    there = f"ws://127.0.0.1:{elsewhere.getsockname()[1]}/v2"

    def answer() -> None:
        client, _ = listener.accept()
        client.recv(4096)
        client.sendall(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {there}\r\n\r\n".encode())
        client.close()
        listener.close()

    threading.Thread(target=answer, daemon=True).start()
    endpoint = Endpoint(f"ws://127.0.0.1:{listener.getsockname()[1]}/v2")
    with pytest.raises(LoginRefused) as refused:
        driver.connect(Login(endpoint, ScriptedServer.credential("alice"), "phone", deadline=2), Tape())
    assert (refused.value.outcome.completion, refused.value.outcome.code) == (Completion.FAIL, "no-websocket")
    elsewhere.setblocking(False)
    with elsewhere, pytest.raises(BlockingIOError):
        elsewhere.accept()


def test_a_cut_is_a_reset_without_goodbye(tmp_path: Path) -> None:
    """The server sees a reset, not an orderly end, and none of WebSocket or TLS closing."""
    with ScriptedServer(tmp_path) as own, TcpProxy("127.0.0.1", own.port) as proxy:
        tape = Tape()
        endpoint = dataclasses.replace(own.endpoint, url=f"wss://127.0.0.1:{proxy.port}/v2")
        session = WaybillDriver().connect(Login(endpoint, own.credential("alice"), "phone"), tape)
        before = proxy.passed(UP)
        session.cut()
        assert proxy.wait_end() == "reset"
        assert proxy.passed(UP) == before
        assert tape.end is End.CUT
