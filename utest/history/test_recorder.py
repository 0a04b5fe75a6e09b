"""The recorder: what it writes is what was told, whole lines at any moment, from any thread."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest

from waybill.history import End, Header, Mode, Operation, Recorder, RecordingError, check
from waybill.history.events import Completion
from waybill.history.reader import read

HEADER = Header(
    seed=7,
    scenario="story",
    target="reference",
    users={"alice": ["phone"], "bob": ["laptop"]},
    conversations={"ab": ["alice", "bob"]},
)


def talk(recorder: Recorder, messages: int) -> None:
    """Alice sends, Bob gets and acknowledges."""
    phone, laptop = recorder.session("alice/phone"), recorder.session("bob/laptop", version=2)
    for session in (phone, laptop):
        recorder.ok(recorder.invoke(session, Operation.LOGIN), value=0)
    for number in range(1, messages + 1):
        body = b"body %d" % number
        name = {"id": f"i{number:05d}", "sequence": number, "key": f"k{number}"}
        recorder.ok(recorder.send(phone, "ab", f"k{number}", body), **name)
        recorder.deliver(laptop, "ab", "alice", body, cursor=number, **name)
    recorder.ok(recorder.invoke(laptop, Operation.ACKNOWLEDGE, value=messages))
    recorder.end(laptop, End.CLOSED)
    recorder.final("alice/phone", True)
    recorder.final("bob/laptop", True)


def test_a_recorded_story_is_clean(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    talk(recorder, 2500)
    path = recorder.close()

    report = check(path)

    assert path.name == "history.jsonl.gz"
    assert not (tmp_path / "history.jsonl").exists()
    assert report.verdict == "clean", report.to_text()
    assert (report.seed, report.scenario, report.target) == (7, "story", "reference")
    assert report.figures["acknowledged"] == report.figures["delivered"] == 2500
    assert report.figures["deliveries"] == 2500


def test_close_twice_is_close_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)

    assert recorder.close() == recorder.close() == recorder.path


def test_the_file_depends_on_what_was_told_only(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        recorder = Recorder(tmp_path / f"{name}.jsonl", HEADER, clock=count(0, 1000).__next__)
        talk(recorder, 20)
        recorder.flush() if name == "one" else None
        files.append(recorder.close())

    assert check(files[0]).to_json() == check(files[1]).to_json()


def test_flush_makes_everything_readable(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    talk(recorder, 10)
    recorder.flush()

    history = read(recorder.path)

    assert len(history.deliveries.event) == 10
    assert not history.closed
    recorder.close()


def test_a_killed_process_leaves_a_readable_history(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_recorder import HEADER, talk
from waybill.history import Recorder
recorder = Recorder({str(path)!r}, HEADER)
talk(recorder, 500)
recorder.flush()
print("written", flush=True)
while True:
    talk(recorder, 500)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    report = check(path)

    assert report.figures["messages"] >= 500
    assert report.verdict == "unknown" or report.anomalies
    assert any("was not closed" in reason for reason in report.unknown_reasons)


def test_threads_lose_nothing_and_numbers_are_unique(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    phone, laptop = recorder.session("alice/phone"), recorder.session("bob/laptop")
    together = threading.Barrier(4)

    def work(worker: int) -> None:
        together.wait()
        for number in range(1000):
            key = f"{worker}-{number}"
            operation = recorder.send(phone, "ab", key, key.encode())
            recorder.deliver(laptop, "ab", "alice", key.encode(), key=key, id=key)
            # Only now: what is acknowledged but not delivered yet, another thread's message would overtake.
            recorder.ok(operation, id=key)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.final("alice/phone", True)
    recorder.final("bob/laptop", True)

    report = check(recorder.close())

    assert report.figures["acknowledged"] == report.figures["delivered"] == 4000
    assert report.verdict == "clean", report.to_text()


def test_what_cannot_be_written_is_told_and_never_clean(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    session = recorder.session("alice/phone")
    recorder.send(session, "ab", "k1", "not bytes")  # type: ignore[arg-type]

    with pytest.raises(RecordingError):
        recorder.flush()
    with pytest.raises(RecordingError):
        recorder.close()

    assert check(recorder.path).verdict == "unknown"


def test_deliveries_leave_out_what_is_as_sent(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    phone, laptop = recorder.session("alice/phone"), recorder.session("bob/laptop")
    recorder.ok(recorder.send(phone, "ab", "k1", b"one"))
    recorder.deliver(laptop, "ab", "alice", b"one", key="k1")
    recorder.deliver(laptop, "other", "alice", b"changed", key="k1", mode=Mode.BACKLOG)
    path = recorder.close()

    history = read(path)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    blocks = [json.loads(line) for line in lines if line.startswith('{"events"')]

    assert blocks[-1]["events"]["deliver"]["digest"][0] == -1
    assert history.deliveries.digest[0] == history.sends.digest[0] != history.deliveries.digest[1]
    assert history.deliveries.length.tolist() == [3, 7]
    assert [history.conversations[number] for number in history.deliveries.conversation] == ["ab", "other"]
    assert [history.users[number] for number in history.deliveries.sender] == ["alice", "alice"]


def test_groups_made_by_clients_have_members(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    phone, laptop = recorder.session("alice/phone"), recorder.session("bob/laptop")
    operation = recorder.invoke(phone, Operation.CREATE, key="party", members=["bob"])
    recorder.ok(operation, conversation="g:1")
    recorder.ok(recorder.send(phone, "g:1", "k1", b"welcome"))
    recorder.ok(recorder.invoke(phone, Operation.REMOVE, conversation="g:1", user="bob"))
    recorder.ok(recorder.send(phone, "g:1", "k2", b"gone"))
    recorder.deliver(laptop, "g:1", "alice", b"welcome", key="k1")
    recorder.final("alice/phone", True)
    recorder.final("bob/laptop", True)

    report = check(recorder.close())

    assert report.verdict == "clean", report.to_text()
    assert report.figures["members"] == 2


def test_a_group_that_was_refused_does_not_shift_the_names_of_others(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", HEADER)
    phone = recorder.session("alice/phone")
    recorder.ok(recorder.invoke(phone, Operation.LOGIN), value=0)
    recorder.fail(
        recorder.invoke(phone, Operation.CREATE, conversation="never", key="never", members=["bob"]), "no"
    )
    for name in ("crew", "club"):
        recorder.ok(
            recorder.invoke(phone, Operation.CREATE, conversation=name, key=name, members=["bob"]),
            conversation=name,
        )
        recorder.ok(recorder.send(phone, name, f"to-{name}", b"hello"), id=name, sequence=1, key=f"to-{name}")
    recorder.final("alice/phone", True)

    history = read(recorder.close())

    assert [history.conversations[place] for place in history.sends.conversation] == ["crew", "club"]
    made = history.invokes.conversation[history.invokes.what == Operation.CREATE]
    assert [history.conversations[place] for place in made] == ["never", "crew", "club"]


def test_recording_imports_no_numpy() -> None:
    program = "import sys, waybill.history.recorder; print('numpy' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


def test_administration_is_kept_with_whom_it_is_about(tmp_path: Path) -> None:
    with Recorder(tmp_path / "history.jsonl", HEADER) as recorder:
        session = recorder.session("bob/laptop", token=3)
        asked = [
            recorder.administration_start("revoke_user", user="bob"),
            recorder.administration_start("revoke_device", device="bob/laptop"),
            recorder.administration_start("revoke_token", token=3),
            recorder.administration_start("end_session", session=session),
            recorder.administration_start("rotate_key"),
        ]
        recorder.administration_end(asked[1], Completion.OK)
        recorder.administration_end(asked[0], Completion.FAIL, "forbidden")
        recorder.administration_end(asked[2], Completion.INFO)
    history = read(recorder.path)
    assert history.sessions.token.tolist() == [0, 3]
    assert [
        (one.operation, one.user, one.device, one.session, one.token, one.outcome)
        for one in history.administrations
    ] == [
        ("revoke_user", 1, -1, -1, 0, Completion.FAIL),
        ("revoke_device", -1, 1, -1, 0, Completion.OK),
        ("revoke_token", -1, -1, -1, 3, Completion.INFO),
        ("end_session", -1, -1, 1, 0, None),
        ("rotate_key", -1, -1, -1, 0, None),
    ]
    assert [one.event < one.done for one in history.administrations] == [True] * 5
    assert [one.confirmed for one in history.administrations] == [False, True, False, False, False]
