"""The part of the logs that belongs to a scenario: what is kept, what is hidden, and which errors are unexpected."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import pytest

from waybill.history.header import Header
from waybill.history.recorder import Recorder
from waybill.targets import server_logs
from waybill.targets.errors import TargetFileError
from waybill.targets.log_rules import read_log_rules
from waybill.targets.model import LogRules
from waybill.targets.server_logs import KEPT, ServerLogs
from waybill.targets.toml_table import parse

RULES = LogRules("ERROR", expected=("harmless",), during={"disk-full": ("no space",)})


class Target:
    """A target with one process, whose log the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "node" / "output.log"
        self.log.parent.mkdir()
        self.write("ERROR before the scenario\n")

    def write(self, text: str) -> None:
        """The process prints something."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(text)

    def logs(self) -> list[Path]:
        return sorted(self.folder.rglob("*.log"))

    def secrets(self) -> list[str]:
        return ["correct horse battery"]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "target").mkdir()
    return Target(tmp_path / "target")


def test_keeps_what_was_written_since_and_nothing_before(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.write("one\ntwo\n")

    kept = logs.keep(tmp_path / "logs")

    assert kept.files == (tmp_path / "logs" / "node-output.log.txt",)
    assert kept.files[0].read_text(encoding="utf-8") == "one\ntwo\n"
    assert kept.errors == 0


def test_a_log_that_grows_as_fast_as_it_is_read_has_an_end(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = ServerLogs(target, LogRules("ERROR", time=r"(\d+)"))
    target.write("1\n2\n")
    read: list[bytes] = []

    def reading(_: ServerLogs, line: bytes, before: float | None) -> float | None:
        assert len(read) < 10
        read.append(line)
        target.write("later\n" * 20_000)
        return before

    monkeypatch.setattr(ServerLogs, "_time", reading)
    kept = logs.keep(tmp_path / "logs")
    assert kept.files[0].read_text(encoding="utf-8") == "1\n2\n"


def test_keeps_nothing_where_nothing_was_written(target: Target, tmp_path: Path) -> None:
    assert ServerLogs(target, RULES).keep(tmp_path / "logs").files == ()
    assert not (tmp_path / "logs").exists()


def test_counts_errors_that_nobody_expects(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.write("fine\nERROR of the server\nERROR that is harmless\nERROR again\n")

    kept = logs.keep(tmp_path / "logs")

    assert kept.errors == 2
    assert kept.first == ("node/output.log: ERROR of the server", "node/output.log: ERROR again")


def test_without_rules_nothing_is_judged(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, None)
    target.write("ERROR\n")

    kept = logs.keep(tmp_path / "logs")

    assert len(kept.files) == 1
    assert kept.errors is None


def test_an_error_is_expected_only_during_a_fault_of_its_kind(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    header = Header(users={"alice": ["phone"]}, conversations={})
    with Recorder(tmp_path / "history.jsonl", header, watch=logs) as recorder:
        target.write("ERROR no space 1\n")
        full = recorder.fault_start("disk-full", "node")
        target.write("ERROR no space 2\nERROR of another sort\n")
        recorder.fault_end(full)
        target.write("ERROR no space 3\n")
        paused = recorder.fault_start("pause", "node")
        target.write("ERROR no space 4\n")
        recorder.fault_end(paused)
        recorder.fault_start("disk-full", "node")
        target.write("ERROR no space 5\n")

    kept = logs.keep(tmp_path / "logs")

    assert [line.removeprefix("node/output.log: ERROR ") for line in kept.first] == [
        "no space 1",
        "of another sort",
        "no space 3",
        "no space 4",
    ]


@pytest.mark.parametrize("form", ["{:.6f}", "iso"])
def test_the_time_in_a_line_tells_its_fault_where_logs_are_late(
    target: Target, tmp_path: Path, form: str
) -> None:
    logs = ServerLogs(target, LogRules("ERROR", during={"disk-full": ("no space",)}, time=r"^<(.*?)>"))

    def now() -> str:
        seconds = time.time()
        if form == "iso":
            return f"<{datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(sep=' ')}>"
        return f"<{form.format(seconds)}>"

    before = now()
    logs.begins(1, "disk-full")
    meanwhile = now()
    logs.ends(1)
    target.write(f"{before} ERROR no space, before\n{meanwhile} ERROR no space\n    ERROR no space, too\n")
    target.write(f"{now()} ERROR no space, after\n<nonsense> ERROR no space, without a time\n")

    kept = logs.keep(tmp_path / "logs")

    assert [line.rpartition("no space, ")[2] for line in kept.first] == ["before", "after", "without a time"]


def test_judges_only_the_files_that_are_named(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, LogRules("ERROR", files=("*/main.log",)))
    target.write("ERROR twice\n")
    (target.folder / "node" / "main.log").write_text("ERROR twice\n", encoding="utf-8")

    kept = logs.keep(tmp_path / "logs")

    assert kept.errors == 1
    assert len(kept.files) == 2


def test_hides_passwords_and_tokens(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.write(
        "ERROR correct horse battery\nERROR eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln of alice\n"
        "ERROR Authorization: Bearer 0123456789abcdef\n"
    )

    kept = logs.keep(tmp_path / "logs")

    text = kept.files[0].read_text(encoding="utf-8")
    for told in (text, "\n".join(kept.first)):
        assert "horse" not in told
        assert "eyJ" not in told
        assert "0123456789abcdef" not in told
        assert "[hidden] of alice" in told
    assert kept.errors == 3


def test_leaves_out_the_middle_of_a_huge_log_and_counts_all_of_it(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.write("first\n" + "ERROR of the server, which goes on\n" * 60_000 + "last\n")

    kept = logs.keep(tmp_path / "logs")
    text = kept.files[0].read_text(encoding="utf-8")

    assert kept.errors == 60_000
    assert len(kept.first) == 5
    assert len(text) <= 2 * KEPT + 200
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "lines are left out here" in text


def test_a_log_that_grows_while_it_is_read_is_read_to_where_it_ended(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = server_logs._Hiding.__call__

    def while_the_server_goes_on(self: server_logs._Hiding, line: bytes) -> bytes:
        target.write("ERROR again\n" * 1000)
        return hidden(self, line)

    logs = ServerLogs(target, RULES)
    target.write("ERROR one\nERROR two\n")
    monkeypatch.setattr(server_logs._Hiding, "__call__", while_the_server_goes_on)

    kept = logs.keep(tmp_path / "logs")

    assert kept.errors == 2
    assert kept.files[0].read_text(encoding="utf-8") == "ERROR one\nERROR two\n"


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.log.write_text("ERROR\n", encoding="utf-8")

    assert logs.keep(tmp_path / "logs").errors == 1


def test_a_line_cannot_move_the_terminal(target: Target, tmp_path: Path) -> None:
    logs = ServerLogs(target, RULES)
    target.write("ERROR \x1b[2J" + "x" * 1000 + "\n")

    (line,) = logs.keep(tmp_path / "logs").first

    assert "\x1b" not in line
    assert len(line) < 500


def rules(text: str) -> LogRules | None:
    """What a target file's [launch.log] says."""
    return read_log_rules(parse("target.toml", text).table("launch"))


def test_reads_the_rules() -> None:
    found = rules(
        "[launch.log]\nerror = 'E'\nexpected = ['x']\nfail = true\nfiles = ['a.log']\n[launch.log.during]\nkill = ['k']"
    )

    assert found == LogRules("E", ("a.log",), ("x",), {"kill": ("k",)}, fail=True)
    assert rules("[launch]\n") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[launch.log]\nerror = '('", "launch.log.error"),
        ("[launch.log]\nexpected = []", "the key 'error' is missing"),
        ("[launch.log]\nerror = 'E'\nexpected = ['*']", "launch.log.expected"),
        ("[launch.log]\nerror = 'E'\n[launch.log.during]\nkill = ['[']", "launch.log.during.kill"),
        ("[launch.log]\nerror = 'E'\nexpecte = ['x']", "expecte"),
        ("[launch.log]\nerror = 'E'\nfail = 'yes'", "launch.log.fail"),
        ("[launch.log]\nerror = 'E'\ntime = '^x'", "launch.log.time"),
    ],
)
def test_refuses_what_it_cannot_use(text: str, said: str) -> None:
    with pytest.raises(TargetFileError, match=said.replace(".", r"\.")):
        rules(text)
