"""Two schemas: there and back again, cut off anywhere, and what must not be opened at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_harness import Client, Process, World, direct, refused_start
from test_store import ack, asked, of, send

from waybill_server.clock import HybridClock
from waybill_server.data_folder import DataRefused
from waybill_server.limits import Limits
from waybill_server.migrations import STEPS, Migration, MigrationFailed, steps
from waybill_server.records import Refusal, Stored
from waybill_server.router import LocalRouter
from waybill_server.schema import APPLICATION_ID, Schema
from waybill_server.store import SqliteStore
from waybill_server.tables import TABLES, table_names

Nodes = Callable[..., Process]
Device = Callable[..., Client]


def opened(folder: Path, version: int, *, migrate: bool = True, inbox: int = 1000) -> SqliteStore:
    limits = Limits(inbox=inbox)
    return SqliteStore(folder, HybridClock(), LocalRouter(), limits, version=version, migrate=migrate)


def made(version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(f"{TABLES[version]} PRAGMA user_version = {version};")
    return connection


def structure(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    return {name: " ".join(sql.split()) for name, sql in rows}


def content(connection: sqlite3.Connection, *tables: str) -> dict[str, list[Any]]:
    return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def filled(connection: sqlite3.Connection) -> None:
    """Two users, one of whom writes three times as often."""
    for number in range(1, 41):
        sender = "bob" if number % 4 == 0 else "alice"
        row = (number, "d:alice:bob", number, sender, "phone", f"k{number}", b"x")
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for user in ("alice", "bob"):
            connection.execute("INSERT INTO log VALUES (?, ?, ?)", (user, number, number))


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_a_migrated_database_has_the_structure_of_a_new_one() -> None:
    connection = made(1)
    Migration(connection).run(steps(1, 2))
    assert structure(connection) == structure(made(2))


def test_rows_read_the_same_after_going_forward_and_back_and_forward() -> None:
    connection = made(1)
    filled(connection)
    first = content(connection, "message", "log")
    Migration(connection).run(steps(1, 2))
    forward = content(connection, "message", "log")
    Migration(connection).run(steps(2, 1))
    assert content(connection, "message", "log") == first
    Migration(connection).run(steps(1, 2))
    assert content(connection, "message", "log") == forward
    assert forward["log"][39] == ("alice", 40, 40, 10)
    assert forward["log"][79] == ("bob", 40, 40, 30)


def test_what_schema_1_has_no_tables_for_is_there_again_afterwards() -> None:
    connection = made(2)
    connection.execute("INSERT INTO block (user, other) VALUES ('bob', 'alice')")
    Migration(connection).run(steps(2, 1))
    Migration(connection).run(steps(1, 2))
    assert content(connection, "block")["block"] == [(1, "bob", "alice")]


@pytest.mark.parametrize("step", STEPS, ids=[f"{step.start}-{step.end}" for step in STEPS])
def test_a_step_that_stops_at_any_statement_never_happened(step: Any) -> None:
    for count in range(len(step.statements)):

        class Stopping(Migration):
            def _statements(self, step: Any) -> Any:
                return [*step.statements[:count], "SELECT no_such_function()"]  # noqa: B023

        connection = made(1)
        filled(connection)
        if step.start == 2:
            Migration(connection).run(steps(1, 2))
        before = structure(connection), content(connection, "message", "log")
        with pytest.raises(MigrationFailed, match="rolled back: no such function"):
            Stopping(connection).run([step])
        assert (structure(connection), content(connection, "message", "log")) == before
        assert connection.execute("PRAGMA user_version").fetchone()[0] == step.start


def test_a_step_that_loses_a_row_is_rolled_back() -> None:
    connection = made(1)
    filled(connection)
    connection.execute("DELETE FROM message WHERE number = 7")
    with pytest.raises(MigrationFailed, match="80 rows of log became 78"):
        Migration(connection).run(steps(1, 2))
    assert len(content(connection, "log")["log"]) == 80


def test_there_is_no_way_to_a_schema_that_nobody_made() -> None:
    with pytest.raises(MigrationFailed, match="no way from schema 2 to schema 3"):
        steps(1, 3)


def test_both_schemas_count_what_waits_the_same(tmp_path: Path) -> None:
    async def tale() -> None:
        talk = "d:alice:bob"
        for version in (1, 2):
            store = opened(tmp_path / str(version), version, inbox=3)
            results = await asked(store, *(send("alice", talk, f"k{number}") for number in range(4)))
            assert [isinstance(one, Stored) for one in results] == [True, True, True, False]
            await asked(store, send("bob", talk, "own"), ack("bob", "phone", 2))
            again = await asked(store, send("alice", talk, "k4"), send("alice", talk, "k5"))
            assert isinstance(again[0], Stored)
            again += await asked(store, send("alice", talk, "k6"))
            assert of(Refusal, again[-1]).code == "inbox-full"
            store.close()

    asyncio.run(tale())


def test_an_old_database_is_brought_forward_at_start(tmp_path: Path) -> None:
    async def tale() -> None:
        talk = "d:alice:bob"
        store = opened(tmp_path, 1)
        await asked(store, *(send("alice", talk, f"k{number}") for number in range(5)))
        store.close()
        store = opened(tmp_path, 2)
        assert [entry.message.key for entry in store.entries("bob", 0, 9)] == [f"k{n}" for n in range(5)]
        (result,) = await asked(store, send("alice", talk, "next"))
        assert of(Stored, result).message.sequence == 6
        store.close()

    asyncio.run(tale())


@pytest.mark.parametrize(
    ("has", "wanted", "told"), [(1, 2, "--no-migrate"), (2, 1, "newer than this release")]
)
def test_another_schema_is_refused_untouched(tmp_path: Path, has: int, wanted: int, told: str) -> None:
    async def tale() -> None:
        opened(tmp_path, has).close()
        before = digests(tmp_path)
        with pytest.raises(DataRefused, match=told):
            opened(tmp_path, wanted, migrate=False)
        assert digests(tmp_path) == before

    asyncio.run(tale())


def test_a_first_start_that_ended_before_there_was_a_table_begins_again(tmp_path: Path) -> None:
    opening = Schema(tmp_path, 2)
    opening.folder.connect(writer=True).close()
    opening.folder.close()
    opening = Schema(tmp_path, 2)
    connection = opening.open()
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    connection.close()
    opening.folder.close()


def test_the_names_of_the_tables_are_those_of_their_texts() -> None:
    for version in TABLES:
        found = {name for name, sql in structure(made(version)).items() if sql.startswith("CREATE TABLE")}
        assert table_names(version) == found


def migrate(data: Path, to: int) -> tuple[int, str]:
    return refused_start("migrate", "--data", data, "--to", to)


def test_the_command_goes_back_and_forward(
    world: World, own_node: Nodes, device: Device, tmp_path: Path
) -> None:
    alice, bob = world.users(2)
    node = own_node("--release", 1)
    sender = device(alice, node=node)
    for number in range(20):
        sender.send(direct(alice, bob), f"k{number}")
    assert migrate(tmp_path / "data", 2)[0] == 3
    node.end()
    node = own_node()
    entries = device(bob, node=node).ask("sync", after=0, limit=100)["entries"]
    assert [entry["key"] for entry in entries] == [f"k{number}" for number in range(20)]
    node.end()
    before = digests(tmp_path / "data")
    code, text = refused_start(*world.node_arguments(tmp_path / "data"), "--release", 1)
    assert (code, "newer than this release knows" in text) == (3, True)
    assert digests(tmp_path / "data") == before
    assert migrate(tmp_path / "data", 1)[0] == 0
    assert migrate(tmp_path / "data", 1)[0] == 0
    again = device(bob, node=own_node("--release", 1)).ask("sync", after=0, limit=100)["entries"]
    assert again == entries


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    async def tale() -> None:
        store = opened(tmp_path, 1)
        await asked(store, send("alice", "d:alice:bob", "k"))
        store.close()

    asyncio.run(tale())
    done = subprocess.run(
        [sys.executable, "-m", "waybill_server", "migrate", "--data", str(tmp_path), "--to", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    del said["seconds"]
    assert said == {"from": 1, "to": 2, "steps": [[1, 2]], "rows": 2}


def test_the_command_makes_no_data_directory(tmp_path: Path) -> None:
    code, text = migrate(tmp_path / "nothing", 2)
    assert (code, "is no data directory" in text) == (3, True)
    assert not (tmp_path / "nothing").exists()
