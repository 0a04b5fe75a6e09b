"""The small commands, the help texts, and how wrong usage ends."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from world import GOOD, build, environment, suite, waybill

from waybill import bundled, cli
from waybill.commands.progress import FILE, Progress
from waybill.readiness.model import Counts
from waybill.readiness.words import closing_line


def run(capsys, *words):
    """Runs a command in this process and returns its code, output and errors."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("command", ["run", "shrink", "report", "prove", "targets", "eject", "version"])
def test_every_command_explains_itself(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"usage: waybill {command}" in out


@pytest.mark.parametrize("command", ["run", "shrink", "report", "prove", "targets", "eject"])
def test_help_has_examples(capsys, command):
    assert "example" in run(capsys, command, "--help")[1]


@pytest.mark.parametrize("command", ["run", "shrink", "report", "prove"])
def test_help_and_docs_tell_the_same_exit_codes(capsys, command):
    help_text = run(capsys, command, "--help")[1]
    told = [
        line.split()[0] for line in help_text.partition("exit codes:")[2].splitlines() if line[2:3].isdigit()
    ]
    docs = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    section = docs.partition(f"## waybill {command}")[2].partition("\n## ")[0]
    written = [line.split("|")[1].strip() for line in section.splitlines() if line[:3].strip("| ").isdigit()]
    assert told == written


def test_the_overview_names_every_command(capsys):
    out = run(capsys, "--help")[1]
    assert [
        name
        for name in ("run", "check", "shrink", "report", "prove", "targets", "eject", "version")
        if f"  {name} " not in out
    ] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["report"], "required: DIR"),
        (["version", "--", "x"], "Only `waybill run` passes options on"),
        (["version", "--long"], "unknown argument '--long'"),
    ],
)
def test_wrong_usage_is_three(capsys, words, says):
    code, _, err = run(capsys, *words)
    assert code == 3
    assert says in err


def test_versions_are_those_that_a_bug_report_needs(capsys):
    code, out, _ = run(capsys, "version")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["Waybill", "Python", "Robot", "pabot", "on"]


def test_targets_come_with_driver_and_state(capsys):
    code, out, _ = run(capsys, "targets")
    assert code == 0
    for file in sorted((bundled.folder("resources") / "targets").glob("*.toml")):
        assert file.stem in out


def test_eject_copies_what_the_suites_need(capsys, tmp_path):
    code, out, _ = run(capsys, "eject", tmp_path / "mine")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["keywords", "resources", "suites"]
    assert (tmp_path / "mine/resources/catalogue.toml").read_bytes() == (
        bundled.folder("resources") / "catalogue.toml"
    ).read_bytes()
    assert f"waybill run {tmp_path / 'mine/suites'}" in out


def test_eject_overwrites_nothing(capsys, tmp_path):
    (tmp_path / "suites").mkdir()
    code, _, err = run(capsys, "eject", tmp_path)
    assert code == 3
    assert "already has suites; nothing was copied" in err
    assert [path.name for path in tmp_path.iterdir()] == ["suites"]
    (tmp_path / "file").touch()
    assert run(capsys, "eject", tmp_path / "file")[0] == 3


def test_report_builds_the_pages_again(capsys, eventful):
    pages = [eventful.folder / name for name in ("readiness.html", "readiness.md", "readiness.json")]
    before = [page.read_bytes() for page in pages]
    for page in pages:
        page.unlink()
    code, out, _ = run(capsys, "report", eventful.folder)
    assert code == 1
    assert out.splitlines()[-1] == "2 passed, 8 failed, 1 skipped"
    assert [page.read_bytes() for page in pages] == before


def test_report_refuses_what_is_no_run(capsys, tmp_path):
    code, _, err = run(capsys, "report", tmp_path)
    assert code == 3
    assert "is not the folder of a run" in err


def test_plain_robot_with_the_listener_makes_a_run_folder_too(tmp_path):
    build(tmp_path, {"good": suite(GOOD, "Poor\n    [Tags]    OFF-1\n    No Operation\n")})
    robot = subprocess.run(
        [
            sys.executable,
            "-m",
            "robot",
            "--listener",
            "WaybillLibrary.listener.EvidenceGate",
            "-d",
            "out",
            "suites",
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert robot.returncode == 1
    assert "no evidence: the history was never checked" in robot.stdout
    assert "replay: waybill run" in robot.stdout
    report = waybill(tmp_path, "report", "out")
    assert report.returncode == 1
    assert report.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_a_dry_run_demands_nothing(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    words = ("--dryrun", "--listener", "WaybillLibrary.listener.EvidenceGate", "-d", "out", "suites")
    robot = subprocess.run(
        [sys.executable, "-m", "robot", *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert robot.returncode == 0
    assert not (tmp_path / "out/cases").exists()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def tell(folder, event, scenario, status="running", message=""):
    line = {
        "event": event,
        "suite": "S.One",
        "scenario": scenario,
        "status": status,
        "seconds": 1.5,
        "message": message,
    }
    with (folder / FILE).open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")


def test_progress_on_a_terminal_keeps_its_last_line_up_to_date(tmp_path):
    screen = Terminal()
    progress = Progress(tmp_path, 3, screen)
    progress.update()
    tell(tmp_path, "started", "First")
    progress.update()
    assert screen.getvalue().endswith("0 of 3 done; now: First")
    tell(tmp_path, "finished", "First", "failed", "wrong\nreplay")
    tell(tmp_path, "started", "Second")
    progress.update()
    last = screen.getvalue().rpartition("\r")[2]
    assert "1/3  FAILED   One: First (1.5 s)\n        wrong\n        replay\n" in last
    assert last.endswith("1 of 3 done, 1 failed; now: Second")
    progress.close()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_progress_waits_for_the_rest_of_a_line(tmp_path):
    screen = io.StringIO()
    progress = Progress(tmp_path, 1, screen)
    tell(tmp_path, "finished", "First", "passed")
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:20])
    progress.update()
    assert screen.getvalue() == ""
    (tmp_path / FILE).write_bytes(whole)
    progress.update()
    assert "1/1  passed   One: First (1.5 s)\n" in screen.getvalue()


def test_a_lost_scenario_counts_as_failed_in_the_last_line():
    assert closing_line(Counts(3, 2, 1, 4)) == "3 passed, 6 failed, 1 skipped"
