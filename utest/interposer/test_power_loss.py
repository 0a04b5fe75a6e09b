"""A power loss takes back what was not made durable, all of it and nothing else."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from children import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waybill.interposer import table as tables
from waybill.interposer.build import library
from waybill.interposer.power_loss import UndoIncomplete, lose_power, pending
from waybill.interposer.table import Action, Operation, Rule, Table

STORE = """
import os, sqlite3, sys
store = sqlite3.connect(sys.argv[1] + "/store.db", isolation_level=None)
store.execute("PRAGMA journal_mode=" + sys.argv[2])
store.execute("PRAGMA synchronous=" + sys.argv[3])
store.execute("CREATE TABLE message (body)")
for number in range(10):
    store.execute("INSERT INTO message VALUES (?)", (str(number),))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("journal", "synchronous", "left"),
    [
        ("wal", "off", None),
        ("wal", "normal", None),
        ("wal", "full", 10),
        ("delete", "off", None),
        ("delete", "full", 9),
        ("delete", "extra", 10),
    ],
)
def test_a_store_keeps_what_its_settings_promise(
    table: Table, journal: str, synchronous: str, left: int | None
) -> None:
    """With `delete` and `full` the removal of the last journal is not durable, as SQLite's documentation says."""
    table.keep_undo(True)
    run(table, STORE, table.watched, journal, synchronous, check=False)

    lose_power(table)

    store = sqlite3.connect(table.watched / "store.db")
    if left is None:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            store.execute("SELECT count(*) FROM message")
    else:
        assert store.execute("SELECT count(*) FROM message").fetchone() == (left,)
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_without_a_power_loss_a_killed_process_loses_nothing(table: Table) -> None:
    table.keep_undo(True)
    run(table, STORE, table.watched, "wal", "off", check=False)
    with contextlib.closing(sqlite3.connect(table.watched / "store.db")) as store:
        assert store.execute("SELECT count(*) FROM message").fetchone() == (10,)


def test_what_was_done_before_it_was_kept_stays(table: Table) -> None:
    program = "import sys; open(sys.argv[1] + '/file', 'w').write('kept')"
    run(table, program, table.watched)
    table.keep_undo(True)
    assert lose_power(table).writes == 0
    assert (table.watched / "file").read_text() == "kept"


CHANGES = """
import os, sys
os.chdir(sys.argv[1])
for change in eval(sys.argv[2]):
    kind, name, *more = change
    try:
        if kind in ("write", "append"):
            file = os.open(name, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if kind == "append" else 0))
            if kind == "write":
                os.pwrite(file, more[1].encode(), more[0])
            else:
                os.write(file, more[0].encode())
            os.close(file)
        elif kind == "replace":
            open(name, "w").write(more[0])
        elif kind == "truncate":
            os.truncate(name, more[0])
        elif kind == "rename":
            os.rename(name, more[0])
        elif kind == "remove":
            os.unlink(name)
        elif kind == "folder":
            os.mkdir(name)
        elif kind == "link":
            os.link(name, more[0])
    except OSError:
        pass
if sys.argv[3] == "sync":
    os.sync()
"""

NAMES = st.sampled_from(["a", "b", "c", "f/a", "f/b", "f"])
TEXTS = st.text("xyz", min_size=0, max_size=12)
CHANGE = st.one_of(
    st.tuples(st.just("write"), NAMES, st.integers(0, 20), TEXTS),
    st.tuples(st.just("append"), NAMES, TEXTS),
    st.tuples(st.just("replace"), NAMES, TEXTS),
    st.tuples(st.just("truncate"), NAMES, st.integers(0, 20)),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("folder"), st.just("f")),
    st.tuples(st.just("link"), NAMES, NAMES),
)


def content(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder: files with their bytes, folders with none."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(CHANGE, max_size=8), after=st.lists(CHANGE, min_size=1, max_size=10))
def test_whatever_is_done_after_the_last_sync_is_taken_back(
    tmp_path: Path, before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    with contextlib.closing(Table(folder / "faults.table", folder / "data")) as table:
        table.keep_undo(True)
        run(table, CHANGES, table.watched, before, "sync")
        durable = content(table.watched)
        run(table, CHANGES, table.watched, after, "-")

        lose_power(table)

        assert content(table.watched) == durable
        assert list(table.trash.iterdir()) == []


def test_syncing_a_folder_makes_its_names_durable_and_not_what_is_in_the_files(table: Table) -> None:
    program = """
import os, sys
os.chdir(sys.argv[1])
open("file", "w").write("never synced")
os.fsync(os.open(".", os.O_RDONLY))
"""
    table.keep_undo(True)
    run(table, program, table.watched)
    assert content(table.watched) == {"file": b"never synced"}
    lose_power(table)
    assert content(table.watched) == {"file": b""}


def test_a_folder_stays_with_what_was_synced_in_it(table: Table) -> None:
    program = """
import os, sys
os.mkdir(sys.argv[1] + "/f")
file = os.open(sys.argv[1] + "/f/file", os.O_WRONLY | os.O_CREAT)
os.write(file, b"synced")
os.fsync(file)
os.mkdir(sys.argv[1] + "/g")
"""
    table.keep_undo(True)
    run(table, program, table.watched)
    lose_power(table)
    assert content(table.watched) == {"f": None, "f/file": b"synced"}


def test_replacing_a_file_by_a_synced_one_is_durable(table: Table) -> None:
    program = """
import os, sys
os.chdir(sys.argv[1])
file = os.open("new", os.O_WRONLY | os.O_CREAT)
os.write(file, b"new")
os.fsync(file) if sys.argv[2] == "synced" else None
os.rename("new", "store")
os.fsync(os.open(".", os.O_RDONLY))
"""
    (table.watched / "store").write_bytes(b"old")
    table.keep_undo(True)
    run(table, program, table.watched, "synced")
    lose_power(table)
    assert content(table.watched) == {"store": b"new"}
    run(table, program, table.watched, "not synced")
    lose_power(table)
    assert content(table.watched) == {"store": b""}, (
        "the classic mistake: a durable name of what was not written"
    )


def test_some_of_the_oldest_changes_can_survive(table: Table) -> None:
    program = "import sys\nfor name in 'abc': open(sys.argv[1] + '/' + name, 'w').write(name)"
    table.keep_undo(True)
    run(table, program, table.watched)
    assert len(pending(table)) == 6
    lost = lose_power(table, survive=3)
    assert (lost.writes, lost.names, lost.survived) == (2, 1, 3)
    assert content(table.watched) == {"a": b"a", "b": b""}


def test_a_process_that_lies_about_syncing_loses_all(table: Table) -> None:
    table.arm(Rule(Operation.FSYNC, Action.DROP, path="*/data*"))
    table.keep_undo(True)
    run(table, STORE, table.watched, "wal", "full", check=False)
    lose_power(table)
    assert (table.watched / "store.db").exists() is False or (table.watched / "store.db").stat().st_size == 0


def test_more_than_the_log_holds_is_not_taken_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "UNDO_CAPACITY", 4096)
    (tmp_path / "data").mkdir()
    with contextlib.closing(Table(tmp_path / "faults.table", tmp_path / "data")) as table:
        table.keep_undo(True)
        program = "import sys\nfor name in range(99): open(f'{sys.argv[1]}/{name}', 'w').write('x')"
        run(table, program, table.watched)
        with pytest.raises(UndoIncomplete, match="more than the undo log"):
            lose_power(table)


BUFFERED = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/file", words[1]);
    FILE *file = fopen(path, "w+");
    if (!file) return 1;
    if (fprintf(file, "number %d\n", 7) < 0 || fflush(file)) return 2;
    if (count > 2 && !strcmp(words[2], "sync") && fsync(fileno(file))) return 3;
    rewind(file);
    char line[20];
    if (!fgets(line, sizeof line, file) || strcmp(line, "number 7\n")) return 4;
    return fclose(file) ? 5 : 0;
}
"""


@pytest.fixture(scope="module")
def buffered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that writes through the buffers of the C library."""
    library()
    folder = tmp_path_factory.mktemp("buffered")
    (folder / "buffered.c").write_text(BUFFERED)
    program = folder / "buffered"
    subprocess.run(["cc", "-O2", "-o", program, folder / "buffered.c"], check=True)
    return program


@pytest.mark.parametrize(("word", "left"), [("-", {}), ("sync", {"file": b"number 7\n"})])
def test_buffered_writes_are_taken_back_as_well(
    table: Table, buffered: Path, word: str, left: dict[str, bytes]
) -> None:
    table.keep_undo(True)
    subprocess.run([buffered, table.watched, word], env=os.environ | dict(table.environment), check=True)
    assert content(table.watched) == {"file": b"number 7\n"}
    lose_power(table)
    assert content(table.watched) == left


def test_buffered_writes_fail_by_rule(table: Table, buffered: Path) -> None:
    table.arm(Rule(Operation.WRITE, Action.FAIL, path="*/data/*", number=28))
    done = subprocess.run([buffered, table.watched], env=os.environ | dict(table.environment), check=False)
    assert done.returncode == 2
