from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import TlsServer, strong_server

from waybill.tls.authority import Authority
from waybill.tls.careless_servers import CarelessStreamServer
from waybill.tls.client_hello import ClientHello
from waybill.tls.hello import TLS_1_1, TLS_1_2
from waybill.tls.impostor import (
    Impostor,
    good_certificate,
    only_plain,
    own_certificates,
    stolen_certificates,
)
from waybill.tls.middle import Interrupting, Lowering, Middle
from waybill.tls.places import ANSWER, Place
from waybill.tls.records import CHANGE_CIPHER_SPEC, SERVER_HELLO, handshake_messages
from waybill.tls.starttls_middle import Answering, Pushing, Stripping

NAMES = ["localhost", "127.0.0.1"]
MECHANISMS = b"<mechanisms xmlns='urn:x'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with strong_server(tmp_path / "server") as running:
        yield running


def careful(folder: Path) -> ssl.SSLContext:
    """A client that trusts the server's authority alone."""
    return ssl.create_default_context(cafile=str(folder / "ca.pem"))


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ANSWER
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def say(context: ssl.SSLContext, middle: Middle, content: bytes = b"the secret") -> bytes:
    """What comes back to something said through the middle."""
    with (
        socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        tls.sendall(content)
        return tls.recv(100)


def test_a_middle_that_changes_nothing_is_no_obstacle_and_reads_nothing(
    server: TlsServer, tmp_path: Path
) -> None:
    with Middle(server.place) as middle:
        assert say(careful(tmp_path / "server"), middle) == b"the secret"
        assert say(careful(tmp_path / "server"), middle, b"x" * 100) == b"x" * 100
    assert middle.connections == 2
    assert middle.heard
    assert b"the secret" not in middle.heard


def test_a_closed_middle_ends_what_is_under_way(server: TlsServer) -> None:
    middle = Middle(server.place)
    with socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection:
        connection.sendall(b"\x16")
        wait_for(lambda: bool(middle.heard))
        middle.close()
        middle.close()
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((middle.host, middle.port), timeout=ANSWER)


def test_a_server_that_cannot_be_reached_ends_the_connection(tmp_path: Path) -> None:
    with (
        Middle(Place("nobody", "127.0.0.1", 1, "localhost")) as middle,
        socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection,
    ):
        assert connection.recv(1) == b""
        assert middle.attacked == 0


@pytest.mark.parametrize(("version", "goes_on"), [(TLS_1_2, True), (TLS_1_1, False)])
def test_a_lowered_hello_reaches_the_server_and_its_client_refuses(
    server: TlsServer, tmp_path: Path, version: int, goes_on: bool
) -> None:
    with (
        Lowering(server.place, lambda hello: hello.lowered(version)) as middle,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        say(careful(tmp_path / "server"), middle)
    assert middle.attacked == 1
    assert middle.asked is not None
    assert middle.asked.newest > version
    messages = list(handshake_messages(middle.answer))
    assert (SERVER_HELLO in messages) == goes_on
    assert CHANGE_CIPHER_SPEC not in messages


def test_a_hello_that_is_cut_in_pieces_is_changed_as_a_whole(server: TlsServer, tmp_path: Path) -> None:
    context = careful(tmp_path / "server")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    asked = outgoing.read()
    with (
        Lowering(server.place, lambda hello: hello.lowered(TLS_1_2)) as middle,
        socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(asked), 50):
            connection.sendall(asked[at : at + 50])
        assert connection.recv(3) == b"\x16\x03\x03"
    assert middle.asked == ClientHello.read(asked)


def test_a_hello_that_is_left_as_it_was_is_no_attack(server: TlsServer, tmp_path: Path) -> None:
    with Lowering(server.place, lambda hello: hello) as middle:
        assert say(careful(tmp_path / "server"), middle) == b"the secret"
    assert middle.attacked == 0


def test_who_interrupts_hears_what_comes_instead(server: TlsServer) -> None:
    with (
        Interrupting(server.place, b"HTTP/1.1 307 Temporary Redirect\r\n\r\n") as middle,
        socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection,
    ):
        connection.sendall(b"the secret")
        assert connection.recv(8) == b"HTTP/1.1"
        connection.sendall(b" and more")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(100):
            pass
    assert middle.asked == []
    assert middle.spoken_to
    assert middle.heard == b"the secret and more"


def test_every_bad_certificate_is_refused_for_what_is_wrong_with_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "server")
    certificate = authority.issue(tmp_path / "server", NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    shown = [
        *own_certificates(tmp_path / "own", NAMES),
        *stolen_certificates(tmp_path / "stolen", NAMES, authority),
    ]
    why = {}
    with TlsServer(context) as server:
        for one in shown:
            with Impostor(server.place, one.context, starttls=False) as middle:
                with pytest.raises(ssl.SSLCertVerificationError) as error:
                    say(careful(tmp_path / "server"), middle)
                assert middle.attacked == 1
                assert middle.heard == b""
            why[one.id] = error.value.verify_message
    assert why["self-signed"] == "self-signed certificate"
    assert why["other-authority"] == "unable to get local issuer certificate"
    assert why["other-host"].startswith("Hostname mismatch")
    assert why["expired"] == "certificate has expired"
    assert why["not-valid-yet"] == "certificate is not yet valid"


def test_with_a_good_certificate_everything_is_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "server")
    certificate = authority.issue(tmp_path / "server", NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    good = good_certificate(tmp_path / "good", NAMES, authority)
    with TlsServer(context) as server, Impostor(server.place, good.context, starttls=False) as middle:
        for _ in range(2):
            assert say(careful(tmp_path / "server"), middle) == b"the secret"
    assert middle.heard == b"the secret" * 2
    assert middle.said == b"the secret" * 2


def test_mechanisms_are_edited_however_they_are_cut() -> None:
    for cut in range(len(MECHANISMS)):
        edit = only_plain()
        done = edit(b"<features>" + MECHANISMS[:cut]) + edit(MECHANISMS[cut:] + b"</features>")
        assert done == (
            b"<features><mechanisms xmlns='urn:x'><mechanism>PLAIN</mechanism></mechanisms></features>"
        ), cut


def stream(middle: Middle, *says: bytes) -> bytes:
    """What comes back while a client of XMPP says these one after another, each after an answer."""
    heard = b""
    with socket.create_connection((middle.host, middle.port), timeout=ANSWER) as connection:
        for one in says:
            connection.sendall(one)
            heard += connection.recv(65_536)
    return heard


def test_the_offer_of_tls_is_taken_out() -> None:
    with CarelessStreamServer(offers_login=False) as server:
        with Stripping(server.place) as middle:
            said = stream(middle, b"<stream:stream>")
        assert b"<starttls" not in said
        assert b"<mechanism>PLAIN" in said
        with Stripping(server.place, offers_login=False) as middle:
            said = stream(middle, b"<stream:stream>")
        assert b"<starttls" not in said
        assert b"<mechanism" not in said
    assert middle.attacked == 1


def test_the_wish_for_tls_is_answered_by_the_middle() -> None:
    with CarelessStreamServer() as server, Answering(server.place, b"<proceed/>") as middle:
        said = stream(middle, b"<stream:stream>", b"<starttls/>", b"<auth>the secret</auth>")
        assert b"<proceed/>" in said
        assert said.count(b"<stream:features>") == 2
    assert b"the secret" in middle.heard
    assert middle.attacked == 1


def test_words_are_put_behind_the_go_ahead() -> None:
    with CarelessStreamServer() as server, Pushing(server.place) as middle:
        said = stream(middle, b"<stream:stream>", b"<starttls/>")
    assert said.partition(b"<proceed")[2].count(b"<stream:features>") == 1
    assert middle.attacked == 1


def test_the_middle_ends_tls_where_it_begins_after_the_protocol(tmp_path: Path) -> None:
    good = good_certificate(tmp_path / "good", NAMES, Authority(tmp_path / "ca"))
    with CarelessStreamServer() as server:
        with Impostor(server.place, good.context, starttls=True) as middle:
            there = dataclasses.replace(server.place, host=middle.host, port=middle.port)
            with (
                there.connect() as connection,
                careful(tmp_path / "ca").wrap_socket(connection, server_hostname="localhost") as tls,
            ):
                tls.sendall(b"<stream:stream>the secret")
                assert b"<mechanism>PLAIN" in tls.recv(4096)
        assert middle.heard.endswith(b"the secret")
