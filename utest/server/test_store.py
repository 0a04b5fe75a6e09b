"""The store: dedup, positions, sequences, cursors and watermarks, over restarts, failures and any order of requests."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waybill_server import ledger as ledger_module
from waybill_server.clock import HybridClock
from waybill_server.limits import Limits
from waybill_server.records import (
    AckRequest,
    Done,
    ExpireRequest,
    GroupRequest,
    LoginRequest,
    Moved,
    Place,
    ReadRequest,
    Refusal,
    Regrouped,
    Request,
    Result,
    SeenRequest,
    SendRequest,
    Status,
    Stored,
)
from waybill_server.router import LocalRouter
from waybill_server.store import SqliteStore

Build = Callable[[Done], Request]
Wanted = TypeVar("Wanted")


def opened(folder: Path, limits: Limits | None = None) -> SqliteStore:
    return SqliteStore(folder, HybridClock(), LocalRouter(), limits or Limits())


async def asked(store: SqliteStore, *builds: Build) -> list[Result]:
    """Hands requests over together; gives their results in their order."""
    results: list[Result] = [None] * len(builds)

    def keep(place: int) -> Done:
        def done(result: Result) -> None:
            results[place] = result

        return done

    for place, build in enumerate(builds):
        store.submit(build(keep(place)))
    await store.settled()
    return results


def send(user: str, conversation: str, key: str, body: bytes = b"x", device: str = "phone") -> Build:
    return lambda done: SendRequest(done, user, device, conversation, key, body)


def ack(user: str, device: str, cursor: int) -> Build:
    return lambda done: AckRequest(done, user, device, cursor)


def read(user: str, conversation: str, sequence: int) -> Build:
    return lambda done: ReadRequest(done, user, conversation, sequence)


def login(user: str, device: str, cursor: int | None = None) -> Build:
    return lambda done: LoginRequest(done, user, device, cursor, 1)


def group(caller: str, action: str, conversation: str, *users: str) -> Build:
    return lambda done: GroupRequest(done, caller, action, conversation, users, "crew")


def of(kind: type[Wanted], result: Result) -> Wanted:
    assert isinstance(result, kind), result
    return result


def test_equal_keys_in_one_batch_are_one_message(tmp_path: Path) -> None:
    async def story() -> None:
        store = opened(tmp_path)
        results = await asked(
            store,
            send("a", "d:a:b", "k"),
            send("a", "d:a:b", "k"),
            send("b", "d:a:b", "k"),
            send("a", "d:a:b", "k", b"other"),
            send("a", "d:a:c", "k"),
        )
        first, again, other = (of(Stored, result) for result in results[:3])
        assert (first.duplicate, again.duplicate, other.duplicate) == (False, True, False)
        assert again.message == first.message
        assert [of(Refusal, result).code for result in results[3:]] == ["key-conflict", "key-conflict"]
        assert [entry.position for entry in store.entries("a", 0, 10)] == [1, 2]
        store.close()

    asyncio.run(story())


def test_a_page_leaves_out_what_the_device_sent_itself_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        store = opened(tmp_path)
        await asked(
            store,
            send("a", "d:a:b", "k1"),
            send("a", "d:a:b", "k2", device="pad"),
            send("b", "d:a:b", "k3"),
        )

        def keys(user: str, **which: str) -> list[str]:
            return [entry.message.key for entry in store.entries(user, 0, 10, **which)]

        assert keys("a") == ["k1", "k2", "k3"]
        assert keys("a", without="phone") == ["k2", "k3"]
        assert keys("a", without="pad") == ["k1", "k3"]
        assert keys("b", without="phone") == ["k1", "k2"]
        assert [entry.position for entry in store.entries("a", 1, 2)] == [2]
        store.close()

    asyncio.run(story())


def test_what_is_asked_of_the_store_is_what_was_put_into_it(tmp_path: Path) -> None:
    async def story() -> None:
        store = opened(tmp_path)
        made, first, second, short, *_ = await asked(
            store,
            group("a", "created", "", "b"),
            send("a", "d:a:b", "k1"),
            send("a", "d:a:b", "k2"),
            lambda done: SendRequest(done, "a", "phone", "d:a:b", "k3", b"x", 60_000),
            login("a", "phone"),
            login("b", "phone"),
            lambda done: SeenRequest(done, "a", 17),
            lambda done: SeenRequest(done, "b", 4),
        )
        crew = of(Regrouped, made).group
        assert store.group(crew.conversation) == crew
        assert store.group("g:nobody") is None
        assert (store.last_seen("a"), store.last_seen("b"), store.last_seen("c")) == (17, 4, None)

        stored, lasting = of(Stored, short).message, of(Stored, second).message
        assert of(Stored, first).message != lasting
        assert store.status("a", "k2") == Status(lasting, None, False)
        before = store.status("a", "k3")
        assert before is not None
        assert (before.message, before.expired) == (stored, False)
        assert before.expires is not None
        await asked(store, lambda done: ExpireRequest(done, (stored.number,)))
        after = store.status("a", "k3")
        assert after is not None
        assert after.expired
        assert store.status("b", "k3") is None
        store.close()

    asyncio.run(story())


def test_numbers_and_keys_survive_a_restart_and_a_clock_that_steps_back(tmp_path: Path) -> None:
    class BackThen(HybridClock):
        def wall_ms(self) -> int:
            return 1_000

    async def story() -> None:
        store = opened(tmp_path)
        first = of(Stored, (await asked(store, send("a", "d:a:b", "k")))[0])
        store.close()
        store = SqliteStore(tmp_path, BackThen(), LocalRouter(), Limits())
        again, fresh = await asked(store, send("a", "d:a:b", "k"), send("a", "d:a:b", "k2"))
        assert of(Stored, again).message == first.message
        assert of(Stored, again).duplicate
        assert of(Stored, fresh).message.number > first.message.number
        assert of(Stored, fresh).message.sequence == 2
        store.close()

    asyncio.run(story())


def test_a_node_that_was_killed_while_its_log_moved_into_the_database_opens_it_again(tmp_path: Path) -> None:
    lived, killed = tmp_path / "lived", tmp_path / "killed"

    async def story() -> None:
        store = opened(lived)
        await asked(store, *(send("a", "d:a:b", f"k{number}", b"x" * 4000) for number in range(200)))
        shutil.copytree(lived, killed)
        with closing(sqlite3.connect(lived / "node.sqlite3")) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        store.close()
        # The first page came over, with the new number of pages; those pages did not.
        first = (lived / "node.sqlite3").read_bytes()[:4096]
        with (killed / "node.sqlite3").open("r+b") as file:
            file.write(first)

        again = opened(killed)
        assert len(again.entries("b", 0, 1000)) == 200
        again.close()

    asyncio.run(story())


def test_a_request_that_breaks_its_transaction_breaks_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = ledger_module.insert_rows

    def full_disk(connection: sqlite3.Connection, statement: str, rows: list[tuple[object, ...]]) -> None:
        insert(connection, statement, rows)
        if any("poison" in row for row in rows):
            raise sqlite3.OperationalError("database or disk is full")

    async def story() -> None:
        store = opened(tmp_path)
        monkeypatch.setattr(ledger_module, "insert_rows", full_disk)
        keys = ["k1", "poison", "k2", "k3"]
        results = await asked(store, *(send("a", "d:a:b", key) for key in keys))
        refused = of(Refusal, results[1])
        assert (refused.code, refused.definite) == ("storage", True)
        stored = [of(Stored, results[place]).message for place in (0, 2, 3)]
        assert [message.sequence for message in stored] == [1, 2, 3]
        assert [entry.message for entry in store.entries("b", 0, 9)] == stored
        monkeypatch.undo()
        retried = of(Stored, (await asked(store, send("a", "d:a:b", "poison")))[0])
        assert (retried.duplicate, retried.message.sequence) == (False, 4)
        store.close()

    asyncio.run(story())


def test_a_failed_commit_is_not_called_definite(tmp_path: Path) -> None:
    class Failing:
        """A connection whose next commits fail as a full disk makes them fail."""

        def __init__(self, real: sqlite3.Connection, failures: int) -> None:
            self.real, self.failures = real, failures

        def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            if statement == "COMMIT" and self.failures:
                self.failures -= 1
                raise sqlite3.OperationalError("disk I/O error")
            return self.real.execute(statement, values)

        @property
        def in_transaction(self) -> bool:
            return self.real.in_transaction

    async def story() -> None:
        store = opened(tmp_path)
        ledger = store._writer._ledger
        ledger.connection = Failing(ledger.connection, 3)  # type: ignore[assignment]
        first = await asked(store, send("a", "d:a:b", "k1"))
        refused = of(Refusal, first[0])
        assert (refused.code, refused.definite) == ("storage", False)
        assert store.entries("b", 0, 9) == []
        results = await asked(store, send("a", "d:a:b", "k1"), send("a", "d:a:b", "k2"))
        assert any(isinstance(result, Stored) for result in results)
        sequences = [entry.message.sequence for entry in store.entries("b", 0, 9)]
        assert sequences == list(range(1, len(sequences) + 1))
        store.close()

    asyncio.run(story())


def test_members_get_what_is_sent_while_they_are_members(tmp_path: Path) -> None:
    async def story() -> None:
        store = opened(tmp_path)
        made = of(Regrouped, (await asked(store, group("a", "created", "", "b")))[0])
        crew = made.group.conversation
        await asked(
            store,
            send("a", crew, "k1"),
            group("a", "added", crew, "c"),
            send("a", crew, "k2"),
            group("a", "removed", crew, "b"),
            send("a", crew, "k3"),
            group("c", "left", crew, "c"),
            send("a", crew, "k4"),
        )

        def keys(user: str) -> list[str]:
            return [entry.message.key for entry in store.entries(user, 0, 99)]

        assert keys("a") == ["k1", "k2", "k3", "k4"]
        assert keys("b") == ["k1", "k2"]
        assert keys("c") == ["k2", "k3"]
        refused = await asked(store, send("b", crew, "k5"), group("b", "added", crew, "b"))
        assert [of(Refusal, result).code for result in refused] == ["not-a-member", "not-a-member"]
        store.close()

    asyncio.run(story())


def test_an_inbox_counts_what_others_sent_and_nobody_acknowledged(tmp_path: Path) -> None:
    async def story() -> None:
        store = opened(tmp_path, Limits(inbox=2))
        own = await asked(store, *(send("b", "d:b:z", f"own{number}") for number in range(2)))
        assert all(isinstance(result, Stored) for result in own)
        results = await asked(store, *(send("a", "d:a:b", f"k{number}") for number in range(3)))
        assert of(Refusal, results[2]).code == "inbox-full"
        await asked(store, ack("b", "phone", 3), ack("b", "laptop", 1))
        results = await asked(store, *(send("a", "d:a:b", f"m{number}") for number in range(2)))
        assert of(Stored, results[0]).message.sequence == 3
        assert of(Refusal, results[1]).code == "inbox-full"
        store.close()

    asyncio.run(story())


USERS = ("a", "b", "c")
DEVICES = ("phone", "laptop")
TALKS = ("d:a:b", "d:a:c", "d:b:c", "d:a:a")
REQUESTS = st.one_of(
    st.tuples(
        st.just("send"), st.sampled_from(USERS), st.sampled_from(TALKS), st.integers(0, 12), st.binary(max_size=1)
    ),
    st.tuples(st.just("ack"), st.sampled_from(USERS), st.sampled_from(DEVICES), st.integers(0, 12)),
    st.tuples(st.just("read"), st.sampled_from(USERS), st.sampled_from(TALKS), st.integers(0, 12)),
    st.tuples(st.just("login"), st.sampled_from(USERS), st.sampled_from(DEVICES), st.none() | st.integers(0, 12)),
    st.just(("restart",)),
)  # fmt: skip


class Model:
    """What the store must hold, in plain dictionaries."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, str], tuple[str, bytes, int]] = {}
        self.logs: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self.lengths: defaultdict[str, int] = defaultdict(int)
        self.cursors: dict[tuple[str, str], int] = {}
        self.marks: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])

    def check(self, step: tuple[object, ...], result: Result) -> None:
        getattr(self, "check_" + str(step[0]))(*step[1:], result)

    def check_send(self, user: str, talk: str, key: int, body: bytes, result: Result) -> None:
        known = self.sent.get((user, str(key)))
        if known is not None:
            if known[:2] == (talk, body):
                assert of(Stored, result).duplicate
                assert of(Stored, result).message.sequence == known[2]
            else:
                assert of(Refusal, result).code == "key-conflict"
            return
        members = talk.split(":")[1:]
        if user not in members:
            assert of(Refusal, result).code == "not-a-member"
            return
        self.lengths[talk] += 1
        assert not of(Stored, result).duplicate
        assert of(Stored, result).message.sequence == self.lengths[talk]
        self.sent[user, str(key)] = (talk, body, self.lengths[talk])
        for member in dict.fromkeys(members):
            self.logs[member].append((talk, self.lengths[talk]))
        assert dict(of(Stored, result).positions) == {member: len(self.logs[member]) for member in members}

    def check_ack(self, user: str, device: str, cursor: int, result: Result) -> None:
        if cursor > len(self.logs[user]):
            assert of(Refusal, result).code == "beyond-log"
            return
        stored = max(cursor, self.cursors.get((user, device), 0))
        assert of(Moved, result).value == stored
        self.cursors[user, device] = stored
        for talk, sequence in self.logs[user][:cursor]:
            mark = self.marks[talk, user]
            mark[0] = max(mark[0], sequence)

    def check_read(self, user: str, talk: str, sequence: int, result: Result) -> None:
        if user not in talk.split(":")[1:]:
            assert of(Refusal, result).code == "not-a-member"
        elif sequence > self.lengths[talk]:
            assert of(Refusal, result).code == "no-such-sequence"
        else:
            mark = self.marks[talk, user]
            mark[1] = max(mark[1], sequence)
            assert of(Moved, result).value == mark[1]

    def check_login(self, user: str, device: str, cursor: int | None, result: Result) -> None:
        place = of(Place, result)
        head = len(self.logs[user])
        stored = self.cursors.get((user, device))
        expected = min(each for each in (stored, cursor, head) if each is not None)
        if stored is None and cursor is None:
            expected = 0
        assert place == Place(expected, head)

    def check_all(self, store: SqliteStore) -> None:
        for user in USERS:
            entries = store.entries(user, 0, 10_000)
            assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
            assert [(each.message.conversation, each.message.sequence) for each in entries] == self.logs[user]
            for talk in TALKS:
                numbers = [entry.message.number for entry in entries if entry.message.conversation == talk]
                assert numbers == sorted(set(numbers))
                if user in talk.split(":")[1:]:
                    (mark,) = store.watermarks(talk, (user,))
                    assert [mark.delivered, mark.read] == self.marks[talk, user]


def _build(step: tuple[object, ...]) -> Build:
    makers: dict[str, Callable[..., Build]] = {"ack": ack, "read": read, "login": login}
    if step[0] == "send":
        _, user, talk, key, body = step
        return send(str(user), str(talk), str(key), bytes(body))  # type: ignore[call-overload]
    return makers[str(step[0])](*step[1:])


@settings(max_examples=40, deadline=None)
@given(st.lists(REQUESTS, max_size=60), st.integers(1, 20))
def test_any_requests_in_any_batches_keep_the_invariants(steps: list[tuple[object, ...]], batch: int) -> None:
    async def story(folder: Path) -> None:
        store = opened(folder)
        model = Model()
        waiting: list[tuple[object, ...]] = []

        async def flush() -> None:
            for step, result in zip(waiting, await asked(store, *map(_build, waiting)), strict=True):
                model.check(step, result)
            waiting.clear()

        for step in steps:
            if step == ("restart",):
                await flush()
                store.close()
                store = opened(folder)
            else:
                waiting.append(step)
                if len(waiting) >= batch:
                    await flush()
        await flush()
        model.check_all(store)
        store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))
