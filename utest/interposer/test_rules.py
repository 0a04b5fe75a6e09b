"""Rules act on exactly the calls that they name, and on no other."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from children import run, stopped

from waybill.interposer.table import Action, Operation, Rule, Table

WRITER = """
import os, sys
file = os.open(sys.argv[1] + "/file", os.O_RDWR | os.O_CREAT)
for number in range(int(sys.argv[2])):
    try:
        os.write(file, b"0123456789")
        os.fsync(file)
        print("ok", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


def test_with_nothing_armed_nothing_happens(table: Table) -> None:
    done = run(table, WRITER, table.watched, 3)
    assert done.stdout.split() == ["ok"] * 3


@pytest.mark.parametrize("operation", [Operation.WRITE, Operation.FSYNC])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_the_calls_that_a_rule_names_fail(table: Table, operation: Operation, error: int) -> None:
    rule = table.arm(Rule(operation, Action.FAIL, path="*/data/*", number=error, first=3, last=4))

    done = run(table, WRITER, table.watched, 6)

    assert done.stdout.split() == ["ok", "ok", str(error), str(error), "ok", "ok"]
    assert (table.matched(rule), table.acted(rule)) == (6, 2)


def test_a_disarmed_rule_does_nothing(table: Table) -> None:
    table.disarm(table.arm(Rule(Operation.WRITE, Action.FAIL, number=errno.EIO)))
    assert run(table, WRITER, table.watched, 2).stdout.split() == ["ok", "ok"]


def test_a_rule_is_about_the_paths_of_its_pattern(table: Table) -> None:
    rule = table.arm(Rule(Operation.WRITE, Action.FAIL, path="*/other", number=errno.EIO))
    assert run(table, WRITER, table.watched, 2).stdout.split() == ["ok", "ok"]
    assert table.matched(rule) == 0


def test_opening_fails_by_its_path_before_the_file_is_there(table: Table) -> None:
    table.arm(Rule(Operation.OPEN, Action.FAIL, path="*/data/file", number=errno.EROFS))
    done = run(table, WRITER, table.watched, 1, check=False)
    assert f"Errno {errno.EROFS}" in done.stderr
    assert not (table.watched / "file").exists()


@pytest.mark.parametrize(
    ("action", "number", "size"),
    [(Action.KILL_BEFORE, 0, 20), (Action.KILL_AFTER, 0, 30), (Action.TORN_KILL, 4, 24)],
)
def test_a_process_is_killed_at_one_write(table: Table, action: Action, number: int, size: int) -> None:
    table.arm(Rule(Operation.WRITE, action, path="*/data/*", number=number, first=3))
    done = run(table, WRITER, table.watched, 5, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["ok", "ok"]
    assert (table.watched / "file").stat().st_size == size


def test_a_short_write_says_what_it_wrote(table: Table) -> None:
    table.arm(Rule(Operation.WRITE, Action.SHORT, path="*/data/*", number=3, first=1, last=1))
    run(table, WRITER, table.watched, 2)
    assert (table.watched / "file").read_bytes() == b"0120123456789"


def test_a_dropped_write_says_that_it_wrote(table: Table) -> None:
    table.arm(Rule(Operation.WRITE, Action.DROP, path="*/data/*", first=1, last=1))
    assert run(table, WRITER, table.watched, 2).stdout.split() == ["ok", "ok"]
    assert (table.watched / "file").stat().st_size == 10


def test_a_delayed_sync_takes_so_much_longer(table: Table) -> None:
    table.arm(Rule(Operation.FSYNC, Action.DELAY, path="*/data/*", number=150, first=2, last=2))
    begin = time.monotonic()
    run(table, WRITER, table.watched, 2)
    assert time.monotonic() - begin >= 0.15


def test_a_process_goes_on_in_other_threads_until_a_held_call_kills_it(table: Table) -> None:
    program = """
import os, sys, threading
file = os.open(f"{sys.argv[1]}/file", os.O_RDWR | os.O_CREAT)
threading.Thread(target=os.write, args=(file, b"held"), daemon=True).start()
for number in range(sys.maxsize):
    if os.path.exists(sys.argv[1]):
        print(number, flush=True)
"""
    rule = table.arm(Rule(Operation.WRITE, Action.HOLD_KILL, path="*/data/*", number=300, first=1, last=1))
    done = run(table, program, table.watched, check=False)
    assert done.returncode == -signal.SIGKILL
    assert table.acted(rule) == 1
    assert len(done.stdout.split()) > 1, "the other thread went on"
    assert (table.watched / "file").stat().st_size == 0


def test_a_process_stands_still_exactly_at_a_sync_and_goes_on(table: Table) -> None:
    table.arm(Rule(Operation.FSYNC, Action.STOP_BEFORE, path="*/data/*", first=2, last=2))
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(table.watched), "3"],
        env=os.environ | dict(table.environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stopped(process)
    assert (table.watched / "file").stat().st_size == 20
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=20)[0].split() == ["ok"] * 3


def test_calls_of_all_threads_count_together(table: Table) -> None:
    program = """
import os, sys, threading
failed = []
def work(name):
    file = os.open(f"{sys.argv[1]}/{name}", os.O_RDWR | os.O_CREAT)
    for number in range(50):
        try:
            os.write(file, b"x")
        except OSError:
            failed.append(name)
threads = [threading.Thread(target=work, args=(str(name),)) for name in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(failed))
"""
    rule = table.arm(
        Rule(Operation.WRITE, Action.FAIL, path="*/data/*", number=errno.EIO, first=100, last=100)
    )
    assert run(table, program, table.watched).stdout.strip() == "1"
    assert (table.matched(rule), table.acted(rule)) == (200, 1)


def test_renaming_and_removing_fail(table: Table) -> None:
    program = """
import os, sys
os.chdir(sys.argv[1])
open("one", "w").close()
for change in (lambda: os.rename("one", "two"), lambda: os.unlink("one")):
    try:
        change()
        print("ok")
    except OSError as error:
        print(error.errno)
print(*sorted(os.listdir()))
"""
    table.arm(Rule(Operation.RENAME, Action.FAIL, path="*/two", number=errno.EIO))
    table.arm(Rule(Operation.UNLINK, Action.FAIL, path="*/one", number=errno.ENOSPC))
    found = run(table, program, table.watched).stdout.split()
    assert found == [str(errno.EIO), str(errno.ENOSPC), "one"]


def test_sockets_send_and_receive_by_rule(table: Table) -> None:
    program = """
import socket
one, other = socket.socketpair()
other.settimeout(0.2)
for number in range(4):
    try:
        one.send(b"%d" % number)
    except BrokenPipeError:
        print("broken")
got = b""
try:
    while len(got) < 4:
        got += other.recv(1)
except TimeoutError:
    pass
print(got.decode())
"""
    table.arm(Rule(Operation.SEND, Action.FAIL, path="socket:*", number=errno.EPIPE, first=2, last=2))
    table.arm(Rule(Operation.SEND, Action.DROP, path="socket:*", first=3, last=3))
    assert run(table, program).stdout.split() == ["broken", "03"]


def test_there_is_room_for_so_many_rules_and_no_more(table: Table) -> None:
    numbers = [table.arm(Rule(Operation.READ, Action.COUNT)) for _ in range(16)]
    with pytest.raises(ValueError, match="16 rules are in force"):
        table.arm(Rule(Operation.READ, Action.COUNT))
    table.disarm(numbers[5])
    assert table.arm(Rule(Operation.READ, Action.COUNT)) == 5
