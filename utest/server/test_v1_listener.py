"""Wire v1: a bare client that says exactly what it is told to, against nodes of their own processes."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from server_harness import DEADLINE, Client, Process, World, direct, refused_start

from waybill_server.v1 import frames
from waybill_server.v1.given import Given

Nodes = Callable[..., Process]
Device = Callable[..., Client]
LOGIN_OK = b"\x03LOGIN_OK"


def str16(data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">H", len(data)) + data


def str32(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def send(target: str, body: bytes) -> bytes:
    return b"\x02" + str16(target) + str16(body)


class V1Client:
    """A client on TCP and TLS."""

    def __init__(self, world: World, node: Process) -> None:
        plain = socket.create_connection(("127.0.0.1", node.ready["v1_port"]), timeout=DEADLINE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = world.context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.buffer = b""
        world.clients.append(self)  # type: ignore[arg-type]

    def say(self, *packets: bytes) -> None:
        """Says packets, each in a write of its own."""
        for packet in packets:
            self.socket.sendall(packet)

    def hear(self, count: int) -> bytes:
        """The next bytes, exactly so many."""
        while len(self.buffer) < count:
            more = self.socket.recv(65_536)
            assert more, f"the server closed after {self.buffer!r}"
            self.buffer += more
        heard, self.buffer = self.buffer[:count], self.buffer[count:]
        return heard

    def text(self, shape: str = ">H") -> bytes:
        """The next field with a length."""
        (length,) = struct.unpack(shape, self.hear(struct.calcsize(shape)))
        return self.hear(length)

    def message(self) -> tuple[bytes, bytes]:
        """The next frame, which is a message: its id and body."""
        operation = self.hear(1)
        assert operation == b"\x10", operation + self.buffer[:80]
        return self.text(), self.text(">I")

    def error(self) -> str:
        """The next frame, which is an error."""
        assert self.hear(1) == b"\xfe"
        return self.text().decode()

    def status(self, user: str) -> tuple[int, int]:
        """Asks for a user's presence: online, last seen. What was said before is then read by the server."""
        self.say(b"\x05" + str16(user))
        assert self.hear(1) == b"\x06"
        assert self.text() == user.encode()
        online, seen = struct.unpack(">BQ", self.hear(9))
        return online, seen

    def the_end(self) -> bytes:
        """What the server says until it closes."""
        while more := self.socket.recv(65_536):
            self.buffer += more
        rest, self.buffer = self.buffer, b""
        return rest

    def leave(self) -> None:
        """Ends its side and waits for the server's end."""
        self.socket.shutdown(socket.SHUT_WR)
        self.the_end()
        self.socket.close()

    def cut(self) -> None:
        """Ends the connection without goodbye."""
        self.socket.close()


class PacketClient:
    """A client on WebSocket."""

    def __init__(self, world: World, node: Process) -> None:
        url = f"wss://127.0.0.1:{node.ready['v1_port'] + 1}/any/path"
        self.socket = websocket.create_connection(
            url, timeout=DEADLINE, sslopt={"context": world.context}, enable_multithread=False
        )
        world.clients.append(self)  # type: ignore[arg-type]

    def say(self, packet: bytes) -> None:
        """Says one packet."""
        self.socket.send_binary(packet)

    def hear(self) -> bytes:
        """The next packet."""
        opcode, packet = self.socket.recv_data()
        assert opcode == websocket.ABNF.OPCODE_BINARY, packet
        return packet

    def cut(self) -> None:
        """Ends the connection without goodbye."""
        self.socket.shutdown()


@pytest.fixture(scope="module")
def node(world: World) -> Iterator[Process]:
    """A node that serves wire v1 too; for the v2 devices of these tests as well."""
    node = world.start_node(world.folder / "v1-node", "--v1-port", 0, "--ping-timeout-seconds", 60)
    yield node
    assert node.end() == 0


def enter(
    world: World, node: Process, user: str, kind: type[V1Client] | type[PacketClient] = V1Client
) -> V1Client | PacketClient:
    """A connection on which the user has just said LOGIN."""
    client = kind(world, node)
    client.say(b"\x01" + f"{user}:{world.token(user)}".encode())
    return client


def log_in(world: World, node: Process, user: str) -> V1Client:
    """A client with an open session."""
    client = enter(world, node, user)
    assert isinstance(client, V1Client)
    assert client.hear(9) == LOGIN_OK
    return client


def log_in_packets(world: World, node: Process, user: str) -> PacketClient:
    """The same on WebSocket."""
    client = enter(world, node, user, PacketClient)
    assert isinstance(client, PacketClient)
    assert client.hear() == LOGIN_OK
    return client


# -- starting ------------------------------------------------------------------------------------------------------


def test_without_the_option_nothing_of_it_is_loaded() -> None:
    code = "import waybill_server.node, sys; assert not [m for m in sys.modules if '.v1' in m]"
    libraries = Path(__file__).parents[2] / "libraries"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(libraries)})


def test_a_taken_port_is_named(world: World, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, text = refused_start(*world.node_arguments(tmp_path / "data"), "--v1-port", port)
    assert code == 2
    assert text.startswith(
        f"waybill-server: cannot listen for wire v1 on 127.0.0.1:{port} and the next port: "
    )
    assert "address already in use" in text


@pytest.mark.parametrize("port", ["65535", "-1", "x"])
def test_a_port_without_a_next_one_is_refused(world: World, tmp_path: Path, port: str) -> None:
    code, text = refused_start(*world.node_arguments(tmp_path / "data"), "--v1-port", port)
    assert code == 2
    assert "--v1-port" in text


def test_plaintext_is_never_served(node: Process) -> None:
    for port in (node.ready["v1_port"], node.ready["v1_port"] + 1):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
            plain.sendall(b"\x01alice:token")
            try:
                answer = plain.recv(100)
            except ConnectionResetError:
                answer = b""
        assert LOGIN_OK not in answer
        assert b"AUTH_FAILED" not in answer


# -- login -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    [b"\x01USER", b"\x01USER:", b"\x01USER:forged", b"\x02\0\x01a\0\x01b", b"\x01" + b"x" * 9000, b"\x99"],
)
def test_whoever_does_not_log_in_is_refused_with_one_word(world: World, node: Process, login: bytes) -> None:
    client = V1Client(world, node)
    client.say(login.replace(b"USER", world.users(1)[0].encode()))
    assert client.the_end() == b"AUTH_FAILED"


def test_another_users_token_does_not_help(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    client = V1Client(world, node)
    client.say(f"\x01{alice}:{world.token(bob)}".encode())
    assert client.the_end() == b"AUTH_FAILED"
    packets = PacketClient(world, node)
    packets.say(f"\x01{alice}:{world.token(bob)}".encode())
    assert packets.hear() == b"AUTH_FAILED"


def test_a_client_that_says_nothing_is_sent_away(world: World, own_node: Nodes) -> None:
    node = own_node("--v1-port", 0, "--hello-seconds", 0.3)
    client = V1Client(world, node)
    assert client.the_end()[3:] == b"hello-timeout: no LOGIN within 0.3 s"


def test_packets_behind_the_login_wait_for_it(world: World, node: Process) -> None:
    (alice,) = world.users(1)
    client = enter(world, node, alice, PacketClient)
    assert isinstance(client, PacketClient)
    # Said before the answer to the login was read.
    client.say(b"\x05" + str16(alice))
    assert client.hear() == LOGIN_OK
    assert client.hear()[: 4 + len(alice)] == b"\x06" + str16(alice) + b"\x01"


def test_the_newest_session_of_a_user_wins(world: World, node: Process) -> None:
    (alice,) = world.users(1)
    older, newer = log_in(world, node, alice), log_in(world, node, alice)
    assert older.error() == "replaced: the same user logged in again"
    assert older.the_end() == b""
    assert newer.status(alice)[0] == 1


def test_a_token_for_a_device_is_that_devices_session(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    client = V1Client(world, node)
    client.say(f"\x01{bob}:{world.token(bob, device='tablet')}".encode())
    assert client.hear(9) == LOGIN_OK
    sender = device(alice)
    sender.send(direct(alice, bob), "k")
    name, _ = client.message()
    client.say(b"\x03" + name)
    client.status(bob)
    client.leave()
    tablet = device(bob, "tablet")
    assert next(frame for frame in tablet.heard if frame["type"] == "welcome")["cursor"] == 1


def test_an_expired_token_ends_the_session(world: World, tmp_path: Path) -> None:
    short = world.start_issuer("--issuer-name", world.url, "--lifetime", 3)
    node = world.start_node(tmp_path / "data", "--v1-port", 0)
    try:
        (alice,) = world.users(1)
        token = world.post(
            {"grant_type": "password", "username": alice, "password": "correct horse"},
            url=f"https://127.0.0.1:{short.ready['port']}",
        )[1]["access_token"]
        client = V1Client(world, node)
        client.say(f"\x01{alice}:{token}".encode())
        assert client.hear(9) == LOGIN_OK
        assert client.error() == "expired: the session's token has expired"
        client.cut()
    finally:
        node.end()
        short.end()


# -- messages ------------------------------------------------------------------------------------------------------


def test_v1_and_v2_clients_write_to_each_other(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    old, new = log_in(world, node, alice), device(bob)
    old.say(send(bob, "grüß dich".encode()))
    (delivery,) = new.delivered(1)
    assert (delivery["sender"], delivery["conversation"], delivery["body"], delivery["device"]) == (
        alice,
        direct(alice, bob),
        "grüß dich",
        "v1",
    )
    accepted = new.send(direct(alice, bob), "k", "and you")
    assert old.message() == (accepted["id"].encode(), b"and you")


def test_every_way_to_send_arrives_in_order(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    sender, receiver = log_in(world, node, alice), log_in(world, node, bob)
    binary = bytes(range(256))
    sender.say(
        send(bob, b"one")
        + b"\x04" + str16(bob) + str32(str16(b"two") + str16(b"") + str16(binary))
        + b"\x07" + str16(bob) + struct.pack(">Q", 2**64 - 1) + str16(b"three")
        + b"\x10" + str16(bob) + str32(b"\xa1\x41x\x01")
        + b"\x23" + str16(bob) + str16(b"\xa0") + str32(b"secret")
    )  # fmt: skip
    encrypted = b"\x24" + str16(alice) + str16(b"\xa0") + str32(b"secret")
    bodies = [receiver.message()[1] for _ in range(7)]
    assert bodies == [b"one", b"two", b"", binary, b"three", b"\xa1\x41x\x01", encrypted]


def test_frames_may_be_cut_anywhere(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    sender, receiver = log_in(world, node, alice), log_in(world, node, bob)
    whole = send(bob, b"in pieces") + b"\x70" + str16(bob)
    sender.say(*(whole[place : place + 1] for place in range(len(whole))))
    # A typing notice is passed on at once, a message once it is stored.
    heard = receiver.hear(1 + 2 + len(alice) + 1 + 1 + 2 + 16 + 4 + 9)
    assert b"in pieces" in heard
    assert b"\x72" + str16(alice) + b"\x01" in heard


def test_bytes_that_are_no_text_are_shown_to_v2_clients(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    old, new = log_in(world, node, alice), device(bob)
    old.say(send(bob, b"\xff ok"))
    assert new.delivered(1)[0]["body"] == "\\xff ok"
    page = new.ask("sync", after=0, limit=10)
    assert [entry["body"] for entry in page["entries"]] == ["\\xff ok"]


def test_what_was_not_acknowledged_comes_again_with_the_login(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    sender = log_in(world, node, alice)
    sender.say(b"".join(send(bob, b"body %d" % number) for number in range(6)))
    sender.status(alice)
    receiver = log_in(world, node, bob)
    given = [receiver.message() for _ in range(6)]
    assert [body for _, body in given] == [b"body %d" % number for number in range(6)]
    # In any order, joined by the network, and one that nobody gave: 4 is acknowledged behind a gap.
    ids = [name for name, _ in given]
    receiver.say(b"\x03" + ids[1] + b"\x03" + ids[0] + b"\x03" + ids[4] + b"\x03" + b"f" * 16)
    receiver.status(bob)
    receiver.cut()
    again = log_in(world, node, bob)
    assert [again.message()[0] for _ in range(4)] == ids[2:]
    again.say(*(b"\x03" + name for name in ids[2:]))
    again.status(bob)
    again.leave()
    assert log_in(world, node, bob).status(alice)[0] == 1


def test_everything_survives_a_kill(world: World, own_node: Nodes, tmp_path: Path) -> None:
    alice, bob = world.users(2)
    node = own_node("--v1-port", 0)
    sender, receiver = log_in(world, node, alice), log_in(world, node, bob)
    sender.say(send(bob, b"kept"))
    name, _ = receiver.message()
    node.end(signal.SIGKILL)
    again = log_in(world, own_node("--v1-port", 0), bob)
    assert again.message() == (name, b"kept")


def test_on_websocket_what_is_new_comes_bare_and_again_with_an_id(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    sender = log_in(world, node, alice)
    sender.say(send(bob, b"waited"))
    sender.status(alice)
    receiver = log_in_packets(world, node, bob)
    waited = receiver.hear()
    assert waited[:1] == b"\x10"
    assert waited.endswith(b"waited")
    receiver.say(b"\x03" + waited[3:19])
    for number in range(2000):  # more than the window of unacknowledged messages
        sender.say(send(bob, b"new %d" % number))
    assert [receiver.hear() for _ in range(2000)] == [b"new %d" % number for number in range(2000)]
    receiver.cut()
    again = log_in_packets(world, node, bob)
    first = again.hear()
    assert first[:1] == b"\x10"
    assert first.endswith(b"new 0")


def test_the_users_own_messages_are_not_given(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    old, new = log_in(world, node, alice), device(alice, "laptop")
    for number in range(1100):  # more than the window
        new.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="mine")
    for _ in range(1100):
        new.listen()
    device(bob).send(direct(alice, bob), "k", "yours")
    assert old.message()[1] == b"yours"


# -- presence, typing, receipts ------------------------------------------------------------------------------------


def test_presence_is_that_of_all_wires(world: World, node: Process, device: Device) -> None:
    alice, bob, carol = world.users(3)
    asking, watcher = log_in(world, node, alice), device(carol, capabilities=["presence"])
    watcher.ask("watch", users=[bob])
    watcher.until("presence", user=bob, online=False)
    assert asking.status(bob) == (0, 0)
    other = log_in(world, node, bob)
    watcher.until("presence", user=bob, online=True)
    before = int(time.time())
    assert asking.status(bob)[0] == 1
    other.leave()
    while watcher.listen()["online"]:
        pass
    online, seen = asking.status(bob)
    assert online == 0
    assert before <= seen <= time.time()


def test_typing_and_read_receipts_are_passed_on(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    one, other, new = (
        log_in(world, node, alice),
        log_in(world, node, bob),
        device(bob, capabilities=["typing"]),
    )
    one.say(b"\x70" + str16(bob), b"\x71" + str16(bob))
    for active in (True, False):
        assert other.hear(4 + len(alice)) == b"\x72" + str16(alice) + bytes((active,))
        new.until("typing", user=alice, conversation=direct(alice, bob), active=active)
    new.say("typing", conversation=direct(alice, bob), active=True)
    assert one.hear(4 + len(bob)) == b"\x72" + str16(bob) + b"\x01"
    other.say(b"\x74" + str16(b"some id") + str16(alice))
    assert one.hear(1) == b"\x75"
    assert (one.text(), one.text()) == (b"some id", bob.encode())
    (told,) = struct.unpack(">Q", one.hear(8))
    assert abs(told / 1000 - time.time()) < DEADLINE


def test_acknowledging_tells_v2_senders(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    new, old = device(alice, capabilities=["receipts"]), log_in(world, node, bob)
    new.send(direct(alice, bob), "k")
    name, _ = old.message()
    old.say(b"\x03" + name)
    new.until("receipt", user=bob, delivered=1)


def test_a_block_made_on_v2_holds(world: World, node: Process, device: Device) -> None:
    alice, bob = world.users(2)
    old, new = log_in(world, node, alice), device(bob, capabilities=["typing"])
    new.ask("block", user=alice)
    old.say(send(bob, b"unwanted"))
    assert old.error().startswith("not-permitted: ")
    old.say(b"\x70" + str16(bob))
    assert old.status(bob) == (0, 0)
    new.ask("unblock", user=alice)
    assert [frame["type"] for frame in new.heard] == ["welcome", "blocked", "blocked"]
    assert old.status(bob)[0] == 1
    old.say(send(bob, b"welcome"))
    assert [frame["body"] for frame in new.delivered(1)] == ["welcome"]


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (send("no such name!", b"x"), "malformed: a user name has"),
        (b"\x05" + str16("n" * 65), "name-too-long: "),
        (b"\x10" + str16("bob") + str32(b"x" * 65_537), "too-large: the body has 65537 bytes, at most 65536"),
        (b"\x04" + str16("bob") + str32(str16(b"x") * 257), "too-large: a batch has at most 256 messages"),
        (b"\x30" + str16("crew"), "not-supported: this server has groups on wire v2 only"),
        (b"\x32" + str16("g"), "not-supported: "),
        (b"\x33" + str16("g") + str16(b"\xa0") + str32(b"x"), "not-supported: "),
        (b"\x35" + str16("g"), "not-supported: "),
        (b"\x36" + str16("g") + str32(b"key"), "not-supported: "),
    ],
)
def test_what_is_refused_is_an_error_and_the_session_goes_on(
    world: World, node: Process, frame: bytes, error: str
) -> None:
    (alice,) = world.users(1)
    client = log_in(world, node, alice)
    client.say(frame)
    assert client.error().startswith(error)
    assert client.status(alice)[0] == 1


@pytest.mark.parametrize("frame", [b"\x20" + str32(b"\xa0"), b"\x21" + str16("bob")])
def test_the_prekey_service_is_off(world: World, node: Process, frame: bytes) -> None:
    client = log_in(world, node, world.users(1)[0])
    client.say(frame)
    assert client.hear(5) == b"\x22\0\0\0\0"


@pytest.mark.parametrize(
    "frame",
    [
        b"\x99",
        b"\x02" + str16("x" * 257) + str16(b""),
        b"\x04" + str16("bob") + str32(b"\0\x09short"),
        b"\x01again",
    ],
)
def test_what_is_no_frame_ends_the_session(world: World, node: Process, frame: bytes) -> None:
    client = log_in(world, node, world.users(1)[0])
    client.say(frame)
    assert client.error().startswith("malformed: ")
    assert client.the_end() == b""


def test_a_packet_that_is_no_frame_ends_the_session(world: World, node: Process) -> None:
    client = log_in_packets(world, node, world.users(1)[0])
    client.say(send("bob", b"whole")[:-1])
    assert client.hear()[3:] == b"malformed: the packet ends within a frame"


def test_a_full_inbox_asks_for_patience(world: World, own_node: Nodes) -> None:
    alice, bob = world.users(2)
    sender = log_in(world, own_node("--v1-port", 0, "--max-inbox", 2), alice)
    sender.say(send(bob, b"1") + send(bob, b"2") + send(bob, b"3"))
    assert sender.hear(5) == b"\xff" + struct.pack(">I", 1000)


def test_a_drain_says_so(world: World, own_node: Nodes) -> None:
    node = own_node("--v1-port", 0)
    client, packets = (log_in(world, node, world.users(1)[0]), log_in_packets(world, node, world.users(1)[0]))
    assert node.end() == 0
    assert client.error() == "draining: the node is shutting down; log in again later"
    assert packets.hear()[3:].startswith(b"draining: ")


# -- the parts -------------------------------------------------------------------------------------------------------


FRAME = st.sampled_from(
    [
        send("bob", b"body"), b"\x03" + b"i" * 16, b"\x04" + str16("bob") + str32(str16(b"a") + str16(b"b")),
        b"\x05" + str16("bob"), b"\x07" + str16("bob") + bytes(8) + str16(b"x"),
        b"\x10" + str16("bob") + str32(b"\xa0"),
        b"\x23" + str16("bob") + str16(b"\xa0") + str32(b"x"), b"\x74" + str16(b"id") + str16("bob"),
    ]
)  # fmt: skip


@given(FRAME, st.binary(max_size=30))
def test_a_frame_is_read_whole_or_not_at_all(data: bytes, rest: bytes) -> None:
    found = frames.decode(data + rest)
    assert found is not None
    frame, end = found
    assert end == len(data)
    for part in range(len(data)):
        assert frames.decode(data[:part]) is None
    assert frames.decode(rest + data, len(rest)) == (frame, len(rest) + len(data))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_frame_a_part_or_faulty(data: bytes) -> None:
    try:
        found = frames.decode(data)
    except frames.Faulty:
        return
    assert found is None or found[1] <= len(data)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_a_batch_is_its_bodies(bodies: list[bytes]) -> None:
    batch = b"".join(map(str16, bodies))
    assert frames.bodies_of(batch, len(bodies)) == bodies
    if batch:
        with pytest.raises(frames.Faulty):
            frames.bodies_of(batch + b"\0\x01", len(bodies))


def test_of_a_batch_with_too_many_bodies_no_more_are_read_than_show_it() -> None:
    assert len(frames.bodies_of(str16(b"x") * 100_000, 256)) == 257


def test_the_cursor_moves_over_what_is_acknowledged_without_a_gap() -> None:
    given_ = Given(3)
    for position, name in ((4, b"a"), (6, b"b"), (7, b"c")):
        given_.add(position, name)
    assert not given_.passed_over(8)
    assert given_.acknowledge(b"c") is None
    assert given_.acknowledge(b"x") is None
    assert given_.acknowledge(b"a") == 5
    assert given_.acknowledge(b"a") is None
    assert given_.acknowledge(b"b") == 8
    assert given_.passed_over(9)
