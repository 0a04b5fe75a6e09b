"""Start, drain, kill, restart, and every start that must be refused."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from server_harness import DEADLINE, Client, Process, World, direct, refused_start

from waybill_server.cli import main

Device = Callable[..., Client]
Nodes = Callable[..., Process]


def test_a_killed_node_keeps_what_it_acknowledged(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    node = own_node()
    sender, receiver = device(alice, node=node), device(bob, node=node)
    accepted = {f"k{number}": sender.send(talk, f"k{number}", f"body {number}") for number in range(20)}
    receiver.delivered(20)
    assert receiver.ask("ack", cursor=12)["cursor"] == 12
    assert receiver.ask("read", conversation=talk, sequence=5)["sequence"] == 5
    group = sender.ask("group-create", name="crew", members=[bob])["conversation"]
    for number in range(20, 200):
        sender.say("send", ref=1000 + number, conversation=talk, key=f"k{number}", body=f"body {number}")
    sender.until("accepted", ref=1100)
    node.end(signal.SIGKILL)
    sender.the_end()
    for frame in sender.heard:
        if frame["type"] == "accepted":
            accepted[frame["key"]] = frame

    node = own_node()
    again, back = device(alice, node=node), device(bob, node=node)
    assert back.heard[0]["cursor"] == 12
    for key in ("k0", "k5", "k100"):
        retry = again.send(talk, key, f"body {key[1:]}")
        assert (retry["id"], retry["duplicate"]) == (accepted[key]["id"], True)
    entries = back.ask("sync", after=0, limit=500)["entries"]
    assert {key: answer["id"] for key, answer in accepted.items()}.items() <= {
        entry["key"]: entry["id"] for entry in entries
    }.items()
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert back.delivered(1)[0]["cursor"] == 13
    fresh = again.send(talk, "after")
    assert fresh["sequence"] == len(entries) + 1
    assert fresh["id"] > max(entry["id"] for entry in entries)
    assert again.ask("group-info", conversation=group)["members"] == [alice, bob]
    users = {user["user"]: user for user in again.ask("markers", conversation=talk)["users"]}
    assert (users[bob]["delivered"], users[bob]["read"]) == (12, 5)


def test_last_seen_survives_a_kill(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    before = time.time_ns() // 1_000_000
    node = own_node()
    device(alice, node=node)
    node.end(signal.SIGKILL)
    presence = device(bob, node=own_node()).ask("presence", user=alice)
    assert presence["online"] is False
    assert before <= presence["last_seen"] <= time.time_ns() // 1_000_000


def test_sigterm_drains(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    node = own_node()
    sender = device(alice, node=node)
    for number in range(200):
        sender.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="x")
    node.process.send_signal(signal.SIGTERM)
    assert sender.the_end() == ("draining", 1001)
    assert node.process.wait(DEADLINE) == 0
    accepted = [frame["key"] for frame in sender.heard if frame["type"] == "accepted"]
    refused = [frame for frame in sender.heard if frame["type"] == "refused"]
    assert all((frame["code"], frame["definite"]) == ("draining", True) for frame in refused)
    stored = device(bob, node=own_node()).ask("sync", after=0, limit=500)["entries"]
    assert [entry["key"] for entry in stored] == accepted


def test_a_second_writer_is_refused(world: World, own_node: Nodes, tmp_path: Path) -> None:
    first = own_node()
    code, text = refused_start(*world.node_arguments(tmp_path / "data"))
    assert code == 3
    assert f"in use by another node (pid {first.ready['pid']})" in text
    assert "Traceback" not in text
    first.end(signal.SIGKILL)
    assert own_node().ready["ready"] is True


def _nothing(data: Path) -> None:
    (data / "node.sqlite3").unlink()
    for name in ("node.sqlite3-wal", "node.sqlite3-shm"):
        (data / name).unlink(missing_ok=True)


def _empty(data: Path) -> None:
    (data / "node.sqlite3").write_bytes(b"")


def _garbage(data: Path) -> None:
    (data / "node.sqlite3").write_bytes(b"garbage" * 4096)


def _torn(data: Path) -> None:
    file = data / "node.sqlite3"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * 8192 + whole[12288:])


def _other(data: Path) -> None:
    with sqlite3.connect(data / "node.sqlite3") as connection:
        connection.execute("PRAGMA application_id = 7")
    connection.close()


def _newer(data: Path) -> None:
    with sqlite3.connect(data / "node.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _tableless(data: Path) -> None:
    with sqlite3.connect(data / "node.sqlite3") as connection:
        connection.execute("DROP TABLE marker")
    connection.close()


@pytest.mark.parametrize("damage", [_nothing, _empty, _garbage, _torn, _other, _newer, _tableless])
def test_damaged_data_is_refused_and_left_alone(
    world: World, own_node: Nodes, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    own_node().end()
    data = tmp_path / "data"
    damage(data)
    before = (data / "node.sqlite3").read_bytes() if (data / "node.sqlite3").exists() else None
    code, text = refused_start(*world.node_arguments(data))
    assert code == 3, text
    assert "Traceback" not in text
    assert "node.sqlite3" in text
    assert ((data / "node.sqlite3").read_bytes() if before is not None else None) == before


def test_options_that_cannot_work_are_said_in_one_line(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(each) for each in world.node_arguments(tmp_path / "data")]

    def start(*changes: str) -> object:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *changes])
        assert "waybill-server" in capsys.readouterr().err
        return ended.value.code

    assert start("--certificate", "/nowhere.pem") == 2
    assert start("--key", str(world.authority)) == 2
    assert start("--issuer", "http://127.0.0.1:1") == 2
    assert start("--host", "192.0.2.1") == 2
    assert start("--max-window", "0") == 2
    assert start("--max-window", "many") == 2
    assert start("--port", "70000") == 2
    assert start("--data", "/proc/nowhere") == 3
    with pytest.raises(SystemExit):
        main([])
    code, text = refused_start(*arguments, "--issuer", "https://127.0.0.1:1", "--issuer-deadline", "0.2")
    assert code == 4
    assert "gave no keys within 0.2 s" in text
    assert "Traceback" not in text


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "examples:" in text
    assert "exit codes:" in text
    assert main(["version"]) == 0
    assert "wire versions 2" in capsys.readouterr().out


def test_log_lines_are_json_and_hold_no_token(world: World, own_node: Nodes, tmp_path: Path) -> None:
    node = own_node()
    client = Client(world, node)
    token = world.token(world.users(1)[0])
    client.say("hello", versions=[2, 3], device='phone\n{"event": "forged"}', token=token)
    client.the_end()
    node.end()
    lines = (tmp_path / "data.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines if "refused" in line] == ["login-refused"]
    assert all(token not in line for line in lines)
    assert all(json.loads(line)["event"] != "forged" for line in lines)
