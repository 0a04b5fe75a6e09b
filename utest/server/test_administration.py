"""A node's interface of administration: who may call what, and that what is confirmed has happened."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import websocket
from server_harness import Client, ClosedError, Process, World, direct

Device = Callable[..., Client]
Nodes = Callable[..., Process]
Call = Callable[..., tuple[int, dict[str, Any]]]


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.fixture(scope="module")
def governed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    node = world.start_node(tmp_path_factory.mktemp("governed") / "data", "--admin-port", 0)
    yield node
    assert node.end() == 0


@pytest.fixture
def call(world: World, governed: Process) -> Call:
    """Calls the common node, or another one."""

    def make(
        caller: str, method: str, path: str, body: Any = None, *, node: Process = governed
    ) -> tuple[int, dict[str, Any]]:
        return world.administrate(node, method, path, world.token(caller), body)

    return make


def refused_login(world: World, node: Process, token: str, device: str = "phone") -> bool:
    """Whether a login is refused as every other that is not valid."""
    client = Client(world, node)
    client.say("hello", versions=[2, 3], device=device, token=token)
    first = client.listen()
    if first["type"] == "welcome":
        client.cut()
        return False
    assert client.the_end() == ("unauthenticated", 1008)
    assert first["text"] == "a valid access token of the issuer is needed in hello"
    return True


# Who is let in.


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_nobody_is_let_in_without_a_token(world: World, governed: Process, token: str) -> None:
    for path in ("/admin/sessions", "/admin/revocations", "/nowhere"):
        assert world.administrate(governed, "GET", path, token) == (401, {"error": "unauthenticated"})


def test_tokens_that_need_more_than_to_be_shown_are_refused(world: World, governed: Process) -> None:
    from test_proof import JWK

    for form in ({"once": "true"}, {"cnf_jwk": json.dumps(JWK)}):
        answer = world.administrate(governed, "GET", "/admin/sessions", world.token("root", **form))
        assert answer == (401, {"error": "unauthenticated"})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("GET", "/admin", None, 404),
        ("GET", "/admin/sessions/", None, 404),
        ("GET", "/admin/sessions/a/b", None, 404),
        ("POST", "/admin/sessions", {}, 405),
        ("PUT", "/admin/revocations", {}, 405),
        ("GET", "/admin/sessions/a", None, 405),
        ("HEAD", "/admin/sessions", None, 405),
        ("DELETE", "/admin/sessions/0123456789abcdef", None, 404),
        ("GET", "/admin/sessions?user=", None, 400),
        ("GET", "/admin/sessions?user=a&user=b", None, 400),
        ("GET", "/admin/sessions?other=a", None, 400),
        ("GET", "/admin/sessions?user", None, 400),
        ("POST", "/admin/revocations", None, 400),
        ("POST", "/admin/revocations", b"nonsense", 400),
        ("POST", "/admin/revocations", b"\xff", 400),
        ("POST", "/admin/revocations", b"[" * 5_000, 400),
        ("POST", "/admin/revocations", [], 400),
        ("POST", "/admin/revocations", {}, 400),
        ("POST", "/admin/revocations", {"user": 7}, 400),
        ("POST", "/admin/revocations", {"user": ""}, 400),
        ("POST", "/admin/revocations", {"user": "../a"}, 400),
        ("POST", "/admin/revocations", {"device": "phone"}, 400),
        ("POST", "/admin/revocations", {"user": "a", "token": "b"}, 400),
        ("POST", "/admin/revocations", {"user": "a", "other": "b"}, 400),
        ("POST", "/admin/revocations", {"token": "x" * 257}, 400),
        ("POST", "/admin/revocations", b"x" * 16_385, 413),
    ],
)
def test_what_is_no_call_is_refused(call: Call, method: str, path: str, body: Any, status: int) -> None:
    assert call("root", method, path, body)[0] == status


def test_the_body_is_read_before_the_next_request(world: World, governed: Process) -> None:
    import http.client

    connection = http.client.HTTPSConnection("127.0.0.1", governed.ready["admin_port"], context=world.context)
    for _ in range(3):
        connection.request("GET", "/admin/sessions", b"GET /smuggled HTTP/1.1\r\n\r\n")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (401, {"error": "unauthenticated"})
    connection.close()


def test_a_node_without_the_option_has_no_such_port(node: Process) -> None:
    assert "admin_port" not in node.ready


# Who may do what.

ALLOWED = {"root", "mod", "self"}


@pytest.mark.parametrize(
    ("caller", "method", "path", "status"),
    [
        ("root", "GET", "/admin/sessions", 200),
        ("mod", "GET", "/admin/sessions", 200),
        ("self", "GET", "/admin/sessions", 403),
        ("self", "GET", "/admin/sessions?user={self}", 200),
        ("self", "GET", "/admin/sessions?user=root", 403),
        ("root", "GET", "/admin/revocations", 200),
        ("mod", "GET", "/admin/revocations", 403),
        ("self", "GET", "/admin/revocations", 403),
        ("mod", "DELETE", "/admin/sessions/0000", 404),
        ("self", "DELETE", "/admin/sessions/0000", 403),
    ],
)
def test_the_roles_of_the_calls(
    world: World, call: Call, caller: str, method: str, path: str, status: int
) -> None:
    (alice,) = world.users(1)
    caller = alice if caller == "self" else caller
    assert call(caller, method, path.replace("{self}", alice))[0] == status


@pytest.mark.parametrize(
    ("caller", "whose", "what", "status"),
    [
        ("root", "user", "user", 200),
        ("root", "mod2", "user", 200),
        ("root", "root2", "device", 200),
        ("root", "nobody-at-all", "user", 200),
        ("mod", "user", "user", 200),
        ("mod", "user", "device", 200),
        ("mod", "user", "token", 200),
        ("mod", "mod2", "user", 403),
        ("mod", "mod2", "token", 403),
        ("mod", "root2", "device", 403),
        ("mod", "root2", "token", 403),
        ("mod", "nobody-at-all", "user", 403),
        ("self", "self", "device", 200),
        ("self", "self", "token", 200),
        ("self", "self", "user", 200),
        ("self", "user", "user", 403),
        ("self", "user", "device", 403),
        ("self", "user", "token", 403),
        ("self", "root2", "token", 403),
    ],
)
def test_who_may_revoke_whom(
    world: World, governed: Process, caller: str, whose: str, what: str, status: int
) -> None:
    alice, bob = world.users(2)
    victim = {"user": bob, "self": alice}.get(whose, whose)
    known = victim != "nobody-at-all"
    token = world.token(victim, device="tablet") if known else ""
    body = {
        "user": {"user": victim},
        "device": {"user": victim, "device": "tablet"},
        "token": {"token": claims(token)["jti"] if known else "x"},
    }[what]
    caller_token = world.token(alice if caller == "self" else caller)
    before = world.administrate(governed, "GET", "/admin/revocations", world.token("root"))[1]
    answer = world.administrate(governed, "POST", "/admin/revocations", caller_token, body)
    assert answer[0] == status, answer
    if status == 403:
        assert answer[1] == {"error": "forbidden"}
        after = world.administrate(governed, "GET", "/admin/revocations", world.token("root"))[1]
        assert before == after
    if known:
        assert refused_login(world, governed, token, "tablet") == (status == 200)


def test_an_id_that_was_put_into_ones_own_token_makes_no_other_token_ones_own(
    world: World, tmp_path: Path
) -> None:
    issuer = world.start_issuer("--odd-tokens", data=tmp_path / "issuer")
    url = issuer.ready["issuer"]
    arguments = [url if each == world.url else each for each in world.node_arguments(tmp_path / "data")]
    node = Process(*arguments, "--admin-port", 0)
    try:
        alice, bob = world.users(2)

        def token(user: str, **more: str) -> str:
            form = {"grant_type": "password", "username": user, "password": "correct horse", **more}
            return str(world.post(form, url=url)[1]["access_token"])

        victim = token(alice)
        body = {"token": claims(victim)["jti"]}
        forged = token(bob, claim=json.dumps({"jti": body["token"]}))
        for server in (node, issuer):
            assert world.administrate(server, "POST", "/admin/revocations", forged, body)[0] == 403
        assert not refused_login(world, node, victim)
        # What nobody was given is nobody's.
        own = token(bob, claim='{"jti": "of my own"}')
        body = {"token": "of my own"}
        assert world.administrate(node, "POST", "/admin/revocations", own, body)[0] == 200
        assert refused_login(world, node, own)
    finally:
        world.cut_all()
        node.end()
        issuer.end()


# What a revocation does.


def test_a_revoked_token_ends_its_sessions_and_opens_none(
    world: World, governed: Process, device: Device, call: Call
) -> None:
    alice, bob = world.users(2)
    token, another = world.token(alice), world.token(alice)
    phone = device(alice, "phone", node=governed, token=token)
    tablet = device(alice, "tablet", node=governed, token=token)
    laptop = device(alice, "laptop", node=governed, token=another)
    bystander = device(bob, node=governed)
    status, document = call("root", "POST", "/admin/revocations", {"token": claims(token)["jti"]})
    assert (status, document["sessions_ended"]) == (200, 2)
    assert document.keys() == {"at", "sessions_ended"}
    for ended in (phone, tablet):
        assert ended.the_end() == ("revoked", 1008)
    assert refused_login(world, governed, token)
    assert not refused_login(world, governed, another, "other")
    assert laptop.send(direct(alice, bob), "k1")["type"] == "accepted"
    assert bystander.delivered(1)[0]["key"] == "k1"


def test_a_revoked_user_loses_all_devices_and_may_come_back(
    world: World, governed: Process, device: Device, call: Call
) -> None:
    alice, bob = world.users(2)
    tokens = [world.token(alice), world.token(alice, device="laptop")]
    clients = [device(alice, "phone", node=governed), device(alice, "laptop", node=governed, token=tokens[1])]
    bystander = device(bob, node=governed)
    assert call("root", "POST", "/admin/revocations", {"user": alice})[1]["sessions_ended"] == 2
    fresh = world.token(alice)
    assert [client.the_end() for client in clients] == [("revoked", 1008)] * 2
    assert refused_login(world, governed, tokens[0])
    assert refused_login(world, governed, tokens[1], "laptop")
    again = device(alice, "phone", node=governed, token=fresh)
    assert again.send(direct(alice, bob), "k")["type"] == "accepted"
    assert bystander.delivered(1)


def test_a_revoked_device_leaves_the_others_alone(
    world: World, governed: Process, device: Device, call: Call
) -> None:
    (alice,) = world.users(1)
    shared, own = world.token(alice), world.token(alice, device="phone")
    phone = device(alice, "phone", node=governed, token=own)
    tablet = device(alice, "tablet", node=governed, token=shared)
    body = {"user": alice, "device": "phone"}
    assert call("root", "POST", "/admin/revocations", body)[1]["sessions_ended"] == 1
    assert phone.the_end() == ("revoked", 1008)
    assert tablet.ask("sync", after=0, limit=1)["type"] == "page"
    assert refused_login(world, governed, own)
    assert refused_login(world, governed, shared, "phone")
    assert not refused_login(world, governed, shared, "laptop")
    assert not refused_login(world, governed, world.token(alice, device="phone"))


def test_a_revocation_may_be_repeated_and_is_listed_once(world: World, governed: Process, call: Call) -> None:
    (alice,) = world.users(1)
    first = call("root", "POST", "/admin/revocations", {"user": alice})[1]
    again = call("root", "POST", "/admin/revocations", {"user": alice})[1]
    assert again["at"] >= first["at"]
    listed = call("root", "GET", "/admin/revocations")[1]["revocations"]
    assert [one for one in listed if one.get("user") == alice] == [{"user": alice, "at": again["at"]}]


def test_revocations_survive_a_kill(world: World, own_node: Nodes, device: Device, call: Call) -> None:
    (alice,) = world.users(1)
    token, other = world.token(alice), world.token(alice)
    node = own_node("--admin-port", 0)
    call("root", "POST", "/admin/revocations", {"token": claims(token)["jti"]}, node=node)
    call("root", "POST", "/admin/revocations", {"user": alice, "device": "tablet"}, node=node)
    listed = call("root", "GET", "/admin/revocations", node=node)
    node.end(signal.SIGKILL)
    node = own_node("--admin-port", 0)
    assert refused_login(world, node, token)
    assert refused_login(world, node, other, "tablet")
    assert not refused_login(world, node, other)
    assert call("root", "GET", "/admin/revocations", node=node) == listed


def test_administrators_can_be_revoked(world: World, governed: Process) -> None:
    token, victim = world.token("root2"), world.token("root2")
    body = {"token": claims(victim)["jti"]}
    assert world.administrate(governed, "POST", "/admin/revocations", token, body)[0] == 200
    assert world.administrate(governed, "GET", "/admin/sessions", victim)[0] == 401
    # Even the one that is used to do it.
    body = {"token": claims(token)["jti"]}
    assert world.administrate(governed, "POST", "/admin/revocations", token, body)[0] == 200
    assert world.administrate(governed, "GET", "/admin/sessions", token)[0] == 401


# Sessions.


def test_sessions_are_listed_and_ended(world: World, governed: Process, device: Device, call: Call) -> None:
    alice, bob = world.users(2)
    before = time.time() * 1000
    token = world.token(alice)
    phone = device(alice, "phone", node=governed, token=token)
    tablet = device(alice, "tablet", node=governed)
    device(bob, node=governed)
    status, document = call("mod", "GET", f"/admin/sessions?user={alice}")
    assert status == 200
    assert [one["device"] for one in document["sessions"]] == ["phone", "tablet"]
    first = document["sessions"][0]
    assert first == {
        "user": alice,
        "device": "phone",
        "session": phone.heard[0]["session"],
        "token": claims(token)["jti"],
        "since": first["since"],
    }
    assert before <= first["since"] <= time.time() * 1000
    assert {alice, bob} <= {one["user"] for one in call("root", "GET", "/admin/sessions")[1]["sessions"]}
    path = f"/admin/sessions/{first['session']}"
    assert call("mod", "DELETE", path)[0] == 200
    assert phone.the_end() == ("revoked", 1008)
    assert tablet.ask("sync", after=0, limit=1)["type"] == "page"
    assert call("mod", "DELETE", path)[0] == 404
    assert not refused_login(world, governed, token)


def test_sessions_of_wire_v1_end_too(world: World, own_node: Nodes, call: Call) -> None:
    from test_v1_listener import V1Client

    node = own_node("--admin-port", 0, "--v1-port", 0)
    (alice,) = world.users(1)
    token = world.token(alice)
    client = V1Client(world, node)
    client.say(f"\x01{alice}:{token}".encode())
    assert client.hear(9) == b"\x03LOGIN_OK"
    (session,) = call("root", "GET", "/admin/sessions", node=node)[1]["sessions"]
    assert (session["user"], session["device"]) == (alice, "v1")
    answer = call("root", "POST", "/admin/revocations", {"user": alice}, node=node)
    assert answer[1]["sessions_ended"] == 1
    assert b"revoked" in client.the_end()
    client = V1Client(world, node)
    client.say(f"\x01{alice}:{token}".encode())
    assert client.the_end() == b"AUTH_FAILED"


# The races.


def test_nothing_is_accepted_after_the_confirmation(
    world: World, governed: Process, device: Device, call: Call
) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    watching = device(bob, node=governed)
    root, cursor = world.token("root"), 0
    for round_ in range(5):
        busy = device(alice, node=governed)

        under_way = threading.Event()

        def send_on(busy: Client = busy, round_: int = round_, begun: threading.Event = under_way) -> None:
            with contextlib.suppress(ClosedError, OSError, websocket.WebSocketException):
                for number in itertools.count():
                    key = f"r{round_}-{number}"
                    busy.say("send", ref=number, conversation=talk, key=key, body="x")
                    if number >= 50:
                        # Fifty are always under way.
                        busy.until("accepted", ref=number - 50)
                        begun.set()

        sending = threading.Thread(target=send_on)
        sending.start()
        assert under_way.wait(10)
        body = {"user": alice}
        assert world.administrate(governed, "POST", "/admin/revocations", root, body)[0] == 200
        # The end of the log as it is now; then a sentinel, which waits in the writer's queue behind whatever is there.
        page = watching.ask("sync", after=cursor, limit=500)
        while not page["complete"]:
            page = watching.ask("sync", after=page["cursor"], limit=500)
        cursor = page["cursor"]
        assert watching.send(talk, f"sentinel {round_}")["type"] == "accepted"
        late = watching.ask("sync", after=cursor, limit=500)["entries"]
        assert [entry["key"] for entry in late] == [f"sentinel {round_}"]
        sending.join(10)
        assert not sending.is_alive()
        assert busy.the_end()[0] == "revoked"


def test_a_login_that_meets_its_revocation_opens_nothing(world: World, governed: Process, call: Call) -> None:
    for _ in range(5):
        (alice,) = world.users(1)
        token = world.token(alice)
        clients = [Client(world, governed) for _ in range(10)]
        for number, client in enumerate(clients):
            client.say("hello", versions=[2, 3], device=f"d{number}", token=token)
        assert call("root", "POST", "/admin/revocations", {"token": claims(token)["jti"]})[0] == 200
        sessions = call("root", "GET", f"/admin/sessions?user={alice}")[1]["sessions"]
        assert sessions == []
        ends = {client.the_end()[0] for client in clients}
        assert ends <= {"revoked", "unauthenticated"}


# The issuer is told.


def test_refresh_tokens_end_with_the_revocation(world: World, governed: Process, call: Call) -> None:
    (alice,) = world.users(1)

    def granted(**form: str) -> dict[str, Any]:
        form = {"grant_type": "password", "username": alice, "password": "correct horse", **form}
        return world.post({**form, "scope": "offline_access"})[1]

    def refreshed(refresh: str) -> int:
        return world.post({"grant_type": "refresh_token", "refresh_token": refresh})[0]

    one, other = granted(), granted()
    call("root", "POST", "/admin/revocations", {"token": claims(one["access_token"])["jti"]})
    assert (refreshed(one["refresh_token"]), refreshed(other["refresh_token"])) == (400, 200)
    phone, laptop, free = granted(device="phone"), granted(device="laptop"), granted()
    call("root", "POST", "/admin/revocations", {"user": alice, "device": "phone"})
    found = [refreshed(each["refresh_token"]) for each in (phone, laptop, free)]
    assert found == [400, 200, 400]
    every = [granted(device="phone"), granted()]
    call("root", "POST", "/admin/revocations", {"user": alice})
    assert [refreshed(each["refresh_token"]) for each in every] == [400, 400]


def test_an_issuer_that_cannot_be_told_is_said(world: World, tmp_path: Path, device: Device) -> None:
    accounts = world.folder / "accounts.jsonl"
    assert accounts.exists()
    issuer = world.start_issuer(data=tmp_path / "issuer")
    url = issuer.ready["issuer"]
    arguments = [url if each == world.url else each for each in world.node_arguments(tmp_path / "data")]
    node = Process(*arguments, "--admin-port", 0)
    try:
        alice, bob = world.users(2)

        def token(user: str) -> str:
            form = {"grant_type": "password", "username": user, "password": "correct horse"}
            return str(world.post(form, url=url)[1]["access_token"])

        root, mod, victim, other = token("root"), token("mod"), token(alice), token(bob)
        client = device(alice, node=node, token=victim)
        device(bob, node=node, token=other)
        issuer.end()
        status, document = world.administrate(node, "POST", "/admin/revocations", root, {"user": alice})
        assert (status, document["error"]) == (502, "issuer")
        assert "enforces it already" in document["text"]
        assert client.the_end() == ("revoked", 1008)
        assert refused_login(world, node, victim)
        # Whether a moderator may is the issuer's to say.
        status, document = world.administrate(node, "POST", "/admin/revocations", mod, {"user": bob})
        assert (status, document["error"]) == (502, "issuer")
        assert "nothing is revoked" in document["text"]
        assert not refused_login(world, node, other, "other")
    finally:
        world.cut_all()
        issuer.end()
        node.end()


def test_a_node_drains_while_administrators_hold_connections(
    world: World, own_node: Nodes, device: Device
) -> None:
    import http.client

    node = own_node("--admin-port", 0)
    client = device(world.users(1)[0], node=node)
    connection = http.client.HTTPSConnection("127.0.0.1", node.ready["admin_port"], context=world.context)
    connection.connect()
    assert node.end() == 0
    assert client.the_end() == ("draining", 1001)
    connection.close()
    with pytest.raises(ClosedError):
        client.listen()
