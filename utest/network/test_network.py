"""Every disturbance of a link does what it says, to exactly the bytes that it names, and ends with `heal`."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.network.flow import Cut, Ending, Hook
from waybill.network.link import Link
from waybill.network.network import Network
from waybill.tls.authority import Authority


class Echo:
    """A server that says back what it hears, and remembers it."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.heard = bytearray()
        self.endings: list[str] = []
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            while part := connection.recv(65_536):
                self.heard += part
                connection.sendall(part)
            self.endings.append("fin")
        except OSError as error:
            self.endings.append(type(error).__name__)
        finally:
            connection.close()

    def close(self) -> None:
        # Closing alone leaves it listening as long as a thread waits in accept.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    with contextlib.suppress(OSError):
        echo.close()


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(seed=7) as network:
        yield network


@pytest.fixture
def link(network: Network, echo: Echo) -> Link:
    return network.link("client-node", echo.address)


@pytest.fixture
def client(link: Link) -> Iterator[socket.socket]:
    client = dial(link)
    yield client
    client.close()


def dial(link: Link) -> socket.socket:
    client = socket.create_connection((link.host, link.port), timeout=10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def hear(client: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (part := client.recv(count - len(got))):
        got += part
    return got


def hears_nothing(client: socket.socket, seconds: float = 0.2) -> bool:
    client.settimeout(seconds)
    try:
        return client.recv(1) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)


def until(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came"
        time.sleep(0.001)


def test_an_undisturbed_link_passes_everything(client: socket.socket, link: Link) -> None:
    sent = bytes(range(256)) * 1000
    threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
    assert hear(client, len(sent)) == sent
    assert link.up.passed == link.down.passed == len(sent)
    assert link.up.dropped == link.up.late == 0


@pytest.mark.parametrize("ending", Ending)
@pytest.mark.parametrize("after", [0, 1, 37])
def test_a_link_is_cut_after_so_many_bytes(
    network: Network, link: Link, client: socket.socket, echo: Echo, after: int, ending: Ending
) -> None:
    client.sendall(b"hello")
    assert hear(client, 5) == b"hello"
    cut = Cut(after, ending)
    network.do(lambda: link.up.cut(cut))

    client.sendall(b"x" * 100)

    assert network.wait(cut.done, 10)
    until(lambda: echo.endings)
    assert bytes(echo.heard) == b"hello" + b"x" * after
    assert echo.endings == ["ConnectionResetError" if ending is Ending.RESET else "fin"]
    if ending is Ending.RESET:
        with pytest.raises(ConnectionResetError):
            hear(client, 1000)
    until(lambda: link.connections == 0)


def test_a_link_is_cut_on_the_way_back(
    network: Network, link: Link, client: socket.socket, echo: Echo
) -> None:
    network.do(lambda: link.down.cut(Cut(3)))
    client.sendall(b"12345")
    with contextlib.suppress(ConnectionResetError):
        assert hear(client, 5) in (b"123", b"12", b"1", b"")
    assert bytes(echo.heard) == b"12345"
    assert link.down.passed == 3


def test_a_new_connection_works_after_a_cut(network: Network, link: Link, client: socket.socket) -> None:
    network.do(lambda: link.up.cut(Cut(0)))
    client.sendall(b"x")
    with dial(link) as other:
        other.sendall(b"again")
        assert hear(other, 5) == b"again"


def test_bytes_are_late_and_in_order(network: Network, link: Link, client: socket.socket) -> None:
    def slow() -> None:
        link.up.delay, link.up.jitter = 0.05, 0.05

    network.do(slow)
    begin = time.monotonic()
    for number in range(3):
        client.sendall(b"%d" % number)
    assert hear(client, 3) == b"012"
    assert time.monotonic() - begin >= 0.05
    assert link.up.late >= 1


def test_a_rate_bounds_how_fast_bytes_pass(network: Network, link: Link, client: socket.socket) -> None:
    network.do(lambda: setattr(link.down, "rate", 100_000.0))
    begin = time.monotonic()
    client.sendall(b"x" * 20_000)
    hear(client, 20_000)
    assert time.monotonic() - begin >= 0.1


def test_a_stalled_link_reads_on_after_it(network: Network, link: Link, client: socket.socket) -> None:
    network.do(link.up.stall)
    client.sendall(b"waits")
    assert hears_nothing(client)
    network.do(link.up.resume)
    assert hear(client, 5) == b"waits"


def test_one_way_can_vanish_while_the_other_passes(
    network: Network, link: Link, client: socket.socket, echo: Echo
) -> None:
    network.cut_off(link, ways=lambda link: (link.down,))
    client.sendall(b"stored, and never confirmed")
    until(lambda: len(echo.heard) == 27)
    assert hears_nothing(client)
    assert link.down.dropped == 27


def test_one_bit_is_turned_over(network: Network, link: Link, client: socket.socket, echo: Echo) -> None:
    network.do(lambda: link.up.flip(2))
    client.sendall(b"aaaa")
    hear(client, 4)
    assert bytes(echo.heard) == b"aa`a"
    assert link.up.flipped == 1


def test_a_call_is_made_on_a_frame_and_the_frame_waits(
    network: Network, link: Link, client: socket.socket, echo: Echo
) -> None:
    heard: list[bytes] = []
    hook = Hook(lambda part: part.count(b"\n"), 2, lambda: heard.append(bytes(echo.heard)))
    network.do(lambda: link.up.hook(hook))
    for line in (b"one\n", b"two\n", b"three\n"):
        client.sendall(line)
        assert hear(client, len(line)) == line
    assert heard == [b"one\n"]


def test_a_frame_is_withheld(network: Network, link: Link, client: socket.socket, echo: Echo) -> None:
    hook = Hook(lambda part: part.count(b"\n"), 2, lambda: None, withhold=True)
    network.do(lambda: link.down.hook(hook))
    client.sendall(b"one\n")
    assert hear(client, 4) == b"one\n"
    client.sendall(b"two\n")
    with pytest.raises(ConnectionResetError):
        hear(client, 4)
    assert bytes(echo.heard) == b"one\ntwo\n"


def test_new_connections_are_refused_and_taken_again_on_the_same_port(
    network: Network, link: Link, client: socket.socket
) -> None:
    port = link.port
    network.refuse(link)
    with pytest.raises(ConnectionRefusedError):
        dial(link)
    with pytest.raises(ConnectionResetError):
        hear(client, 1)
    network.heal(link)
    assert link.port == port
    with dial(link) as other:
        other.sendall(b"back")
        assert hear(other, 4) == b"back"


def test_new_connections_are_swallowed(network: Network, link: Link, echo: Echo) -> None:
    network.do(lambda: link.swallow(True))
    with dial(link) as other:
        other.sendall(b"anybody?")
        assert hears_nothing(other)
        assert link.refused == 1
        assert not echo.heard
        network.heal(link)
        with contextlib.suppress(ConnectionResetError):
            assert hear(other, 1) == b""
    with dial(link) as other:
        other.sendall(b"hello")
        assert hear(other, 5) == b"hello"


def test_a_node_that_is_down_refuses_through_its_link(network: Network, echo: Echo) -> None:
    echo.close()
    link = network.link("down", echo.address)

    def attempt() -> None:
        with socket.socket() as client:
            client.settimeout(10)
            client.connect((link.host, link.port))
            client.recv(1)

    with pytest.raises(ConnectionResetError):
        attempt()
    until(lambda: link.refused == 1)


def test_healing_undoes_everything(network: Network, link: Link, client: socket.socket) -> None:
    def disturb() -> None:
        for flow in (link.up, link.down):
            flow.delay, flow.rate, flow.piece, flow.dropping = 5.0, 1.0, 1, True
            flow.cut(Cut(0))
            flow.flip(0)
            flow.stall()

    network.do(disturb)
    network.do(link.heal)
    client.sendall(b"healthy")
    assert hear(client, 7) == b"healthy"


def test_tls_passes_through_untouched_and_feels_a_turned_bit(network: Network, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue(tmp_path / "node", ["node"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    echo = Echo(context)
    link = network.link("tls", echo.address)
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with trusting.wrap_socket(dial(link), server_hostname="node") as client:
        client.sendall(b"secret")
        assert client.recv(6) == b"secret"
        network.do(lambda: link.up.flip(10))
        client.sendall(b"secret")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            client.recv(6)
    assert bytes(echo.heard) == b"secret"
    echo.close()
