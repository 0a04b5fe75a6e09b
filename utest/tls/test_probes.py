from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Saying, TlsServer, strong_context, strong_server, until_closed

from waybill.tls.authority import Authority
from waybill.tls.control_servers import ReadingServer, WeakServer
from waybill.tls.hello import TLS_1_2, TLS_1_3, Ending, NoHello, ServerHello
from waybill.tls.places import Outcome, Place
from waybill.tls.probes import Probe, Wrong, probes
from waybill.tls.probing import best_version, run
from waybill.tls.weak_suites import COMMON, STRONG, WEAK_SUITES

ALL = probes("1.3")
BY_THE_LIBRARY = {
    "TLS 1.0",
    "TLS 1.1",
    "TLS 1.2",
    "TLS 1.2 with TLS_RSA_WITH_NULL_MD5",
    "TLS 1.2 with TLS_RSA_WITH_NULL_SHA",
    "TLS 1.2 with TLS_RSA_WITH_NULL_SHA256",
    "TLS 1.2 with TLS_ECDHE_ECDSA_WITH_NULL_SHA",
    "TLS 1.2 with TLS_ECDHE_RSA_WITH_NULL_SHA",
    "TLS 1.2 with TLS_ECDH_anon_WITH_NULL_SHA",
    "TLS 1.2 with TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
    "TLS 1.2 with TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
    "renegotiation asked for by the client",
}
"""What the SSL library itself accepts at its lowest security level, a judge that nobody here wrote."""

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with strong_server(tmp_path_factory.mktemp("strong")) as server:
        assert isinstance(server, TlsServer)
        yield server


@pytest.fixture(scope="module")
def weak() -> Iterator[WeakServer]:
    with WeakServer() as server:
        assert isinstance(server, WeakServer)
        yield server


@pytest.fixture(scope="module")
def reading() -> Iterator[ReadingServer]:
    with ReadingServer() as server:
        assert isinstance(server, ReadingServer)
        yield server


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.name)
def test_every_probe_is_accepted_by_a_weak_server(
    weak: WeakServer, reading: ReadingServer, probe: Probe
) -> None:
    accepted = {server: run(probe, server.place).outcome is Outcome.ACCEPTED for server in (weak, reading)}
    assert any(accepted.values())
    if probe.name in BY_THE_LIBRARY:
        assert accepted[weak]


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.name)
def test_every_probe_is_refused_by_a_strong_server(strong: TlsServer, probe: Probe) -> None:
    found = run(probe, strong.place)
    assert found.outcome is Outcome.REFUSED, found


def test_a_strong_server_answers_the_good_hello_of_the_same_hand(strong: TlsServer) -> None:
    answer = best_version(strong.place)
    assert isinstance(answer, ServerHello)
    assert answer.version == TLS_1_3


def test_a_server_of_tls_1_2_breaks_a_floor_of_1_3_and_one_of_1_3_holds_it(
    strong: TlsServer, tmp_path: Path
) -> None:
    (below,) = [probe for probe in probes("1.3") if probe not in probes()]
    assert run(below, strong.place).outcome is Outcome.ACCEPTED
    context = strong_context(Authority(tmp_path).issue(tmp_path / "node", ["localhost"]))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with TlsServer(context) as newest:
        assert {run(probe, newest.place).outcome for probe in ALL} == {Outcome.REFUSED}
        assert isinstance(best_version(newest.place, "1.3"), ServerHello)


def test_there_are_enough_probes_and_each_has_a_reason_and_a_source() -> None:
    assert len(probes()) >= 25
    assert len({probe.name for probe in ALL}) == len(ALL)
    assert all(probe.why and probe.source for probe in ALL)
    assert not set(WEAK_SUITES) & {*STRONG, *COMMON}


@pytest.mark.parametrize(
    ("content", "ending", "words"),
    [
        (TLS_ALERT, Ending.ALERT, "protocol_version"),
        (b"", Ending.CLOSED, "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Ending.FOREIGN, "no TLS"),
        (b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", Ending.FOREIGN, "no ServerHello"),
        (b"\x16\x03\x03\x00\x08\x02\x00\x00\x04\x03\x03\x00\x00", Ending.FOREIGN, "no ServerHello"),
    ],
)
def test_what_comes_in_place_of_a_hello(content: bytes, ending: Ending, words: str) -> None:
    with Saying(content) as server:
        answer = best_version(server.place)
    assert isinstance(answer, NoHello)
    assert answer.ending is ending
    assert words in answer.detail


def test_a_warning_before_the_hello_is_no_refusal() -> None:
    """RFC 6066, 3: a server may warn of a name that it does not know and go on."""
    body = struct.pack(">H", TLS_1_2) + bytes(32) + b"\0" + struct.pack(">HB", ALL[6].offer.suites[0], 0)
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    warned = b"\x15\x03\x03\x00\x02\x01\x70" + struct.pack(">BHH", 22, TLS_1_2, len(hello)) + hello
    with Saying(warned) as server:
        found = run(ALL[6], server.place)
    assert found.outcome is Outcome.ACCEPTED, found


def test_a_reset_is_a_refusal() -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Saying(b"", reset) as server:
        found = run(ALL[0], server.place)
    assert found.outcome is Outcome.REFUSED
    assert "reset" in found.detail


def test_silence_is_no_refusal() -> None:
    for probe in (ALL[2], ALL[-1]):
        with Saying(b"", until_closed) as server:
            found = run(probe, server.place, deadline=0.2)
        assert found.outcome is Outcome.UNANSWERED, found


def test_what_is_no_tls_is_no_refusal() -> None:
    with Saying(b"hello, who is there?") as server:
        found = run(ALL[2], server.place)
    assert found.outcome is Outcome.UNANSWERED


def test_a_port_that_nobody_listens_on_is_no_refusal() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    for probe in ALL:
        assert run(probe, Place("nobody", "127.0.0.1", port, "localhost")).outcome is Outcome.UNANSWERED


def test_what_the_ssl_library_does_not_do_is_not_offered_and_no_refusal() -> None:
    """The library does not renegotiate with a server that does not signal RFC 5746: its own refusal, no server's."""
    (probe,) = [one for one in ALL if one.wrong is Wrong.RENEGOTIATION]
    with ReadingServer() as server:
        found = run(probe, server.place)
    assert found.outcome is Outcome.NOT_OFFERED, found


def test_a_server_that_does_not_shake_hands_again_is_told_from_one_that_does(
    weak: WeakServer, strong: TlsServer
) -> None:
    (probe,) = [one for one in ALL if one.wrong is Wrong.RENEGOTIATION]
    assert "2 times" in run(probe, weak.place).detail
    assert "no renegotiation" in run(probe, strong.place).detail
