"""A target that runs already, and the commands by which its nodes are killed, stopped and started."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_bundled import pass_message
from test_target_file import EXTERNAL, LAUNCHED

from waybill.targets import (
    LaunchError,
    MeansFailed,
    MeansMissing,
    RunningTarget,
    TargetError,
    TargetFileError,
    find_target,
    launch,
)
from waybill.targets.programs import program
from waybill.targets.target_file import parse_target
from WaybillLibrary import stage

CONTROL = """
[control.eu]
kill = ["sh", "-c", "kill -9 $(cat pid)"]
stop = ["sh", "-c", "kill $(cat pid)"]
start = ["sh", "-c", "COMMAND & echo $! >pid"]
alive = ["sh", "-c", "grep -q mosquitto /proc/$(cat pid)/cmdline"]
deadline = "5s"
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningTarget]:
    """A mosquitto of somebody else: launched here, then ended, with everything that it needs left in place."""
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    with launch(find_target("mosquitto"), tmp_path / "theirs") as running:
        accounts = [running.account() for _ in range(8)]
        lines = "".join(f"{account.user}:{account.password}\n" for account in accounts)
        (tmp_path / "accounts.txt").write_text(lines)
        yield running


def theirs(broker: RunningTarget, control: str = CONTROL) -> str:
    """The target file of somebody who has the broker run and knows only its address."""
    configuration = broker.folder / "broker" / "mosquitto.conf"
    return (
        'name = "theirs"\ndriver = "mqtt"\nusers.file = "accounts.txt"\ntokens.method = "password"\n'
        f'[endpoints.eu]\nurl = "{broker.endpoint().url}"\nauthority = "{broker.authority}"\n'
        + control.replace("COMMAND", f"{program('mosquitto')} -c {configuration}")
    )


def connect(broker: RunningTarget, tmp_path: Path, control: str = CONTROL) -> RunningTarget:
    file = parse_target(theirs(broker, control), tmp_path / "theirs.toml")
    return launch(file, tmp_path / "run")


def test_a_node_of_others_is_killed_stopped_and_started_by_commands(
    broker: RunningTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_RUN", "a-run-whose-end-is-not-theirs")
    broker.kill()
    running = connect(broker, tmp_path)
    try:
        assert running.alive() is False
        running.start()
        assert running.alive() is True
        pass_message(running)
        pid = int((tmp_path / "pid").read_text())
        assert b"WAYBILL_RUN" not in Path(f"/proc/{pid}/environ").read_bytes()
        running.kill()
        assert running.alive() is False
        running.start("eu")
        assert running.stop() == 0
        assert running.alive() is False
        running.start()
        pass_message(running)
        assert {path.name for path in running.logs()} == {
            f"eu-{what}.log" for what in ("kill", "stop", "start", "alive")
        }
    finally:
        running.kill()


def test_two_accounts_are_set_aside_for_the_start(broker: RunningTarget, tmp_path: Path) -> None:
    running = connect(broker, tmp_path)
    assert len({running.account().user for _ in range(6)}) == 6
    with pytest.raises(TargetError, match="All 6 accounts"):
        running.account()
    every = connect(broker, tmp_path, "")
    assert len({every.account().user for _ in range(8)}) == 8
    (tmp_path / "accounts.txt").write_text("anna:x\nberta:y\n")
    with pytest.raises(
        TargetError, match=r"accounts.txt lists 2 accounts; expected at least 3: two of them tell"
    ):
        connect(broker, tmp_path)


def test_without_alive_a_node_is_gone_when_its_port_refuses(broker: RunningTarget, tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(broker.pid()))
    running = connect(broker, tmp_path, CONTROL.replace("alive", "# alive"))
    assert running.alive() is None
    running.kill()
    assert not broker.alive()


@pytest.mark.parametrize("alive", ["alive", "# alive"])
def test_a_kill_that_leaves_the_node_running_is_a_failed_command(
    broker: RunningTarget, tmp_path: Path, alive: str
) -> None:
    (tmp_path / "pid").write_text(str(broker.pid()))
    control = CONTROL.replace("kill -9 $(cat pid)", "true").replace("5s", "300ms")
    with pytest.raises(
        MeansFailed,
        match=r"'eu' (runs, as|is not seen to be gone) .*0.3 s after the command 'kill' of \[control.eu\] in theirs",
    ):
        connect(broker, tmp_path, control.replace("alive =", f"{alive} =")).kill()
    assert broker.alive()


def test_a_started_node_that_lets_no_message_through_is_not_ready(
    broker: RunningTarget, tmp_path: Path
) -> None:
    broker.kill()
    control = CONTROL.replace("COMMAND & echo $! >pid", "true").replace("5s", "500ms")
    with pytest.raises(
        LaunchError, match=r"'eu' was started, but 0.5 s later there is still missing a message"
    ):
        connect(broker, tmp_path, control).start()


def test_a_command_that_fails_is_shown_with_its_output(broker: RunningTarget, tmp_path: Path) -> None:
    control = CONTROL.replace("kill $(cat pid)", "echo no permission >&2; false")
    with pytest.raises(
        MeansFailed, match=r"theirs.toml: control.eu.stop: the command ended with 1(.|\n)*no permission"
    ):
        connect(broker, tmp_path, control).stop()
    with pytest.raises(MeansFailed, match=r"control.eu.alive: the command ended with 255"):
        connect(
            broker, tmp_path, CONTROL.replace("grep -q mosquitto /proc/$(cat pid)/cmdline", "exit 255")
        ).alive()
    with pytest.raises(MeansFailed, match="the program 'no-such-program' is not installed"):
        connect(broker, tmp_path, '[control.eu]\nkill = ["no-such-program"]\n').kill()
    with pytest.raises(MeansFailed, match=r"the command still ran after 0.2 s"):
        connect(broker, tmp_path, '[control.eu]\nkill = ["sleep", "60"]\ndeadline = "200ms"\n').kill()


def test_what_has_no_command_is_named_with_the_remedy(broker: RunningTarget, tmp_path: Path) -> None:
    running = connect(broker, tmp_path, '[control.eu]\nkill = ["true"]\n')
    with pytest.raises(
        MeansMissing, match=r"no means to start .*has no 'start' under \[control.eu\]\. Add the command"
    ):
        running.start()
    with pytest.raises(MeansMissing, match=r"cannot pause a node"):
        running.pause()
    with pytest.raises(TargetError, match=r"no node 'us', did you mean"):
        running.kill("us")


def test_only_who_asks_whether_a_node_runs_must_be_told(broker: RunningTarget, tmp_path: Path) -> None:
    stage.set_target(connect(broker, tmp_path, ""))
    try:
        assert stage.gone() == []
        with pytest.raises(
            MeansMissing, match=r"can tell whether eu runs: .*no 'alive' under \[control.eu\]"
        ):
            stage.require_running()
        (tmp_path / "pid").write_text(str(broker.pid()))
        stage.set_target(connect(broker, tmp_path))
        stage.require_running(["eu"])
        broker.kill()
        assert stage.gone() == ["eu"]
        with pytest.raises(AssertionError, match="eu ended by itself"):
            stage.require_running()
    finally:
        stage.set_target(None)


MISTAKES = {
    "[control.eu]": ("[control.uk]", "control.uk", r"there is no endpoint 'uk', .*nodes: eu, us"),
    "deadline =": ("dedline =", "control.eu.dedline", "did you mean 'deadline'"),
    '["sh", "-c", "grep -q mosquitto /proc/$(cat pid)/cmdline"]': (
        '"pgrep broker"',
        "control.eu.alive",
        "a list of a program",
    ),
    '["sh", "-c", "kill $(cat pid)"]': ("[]", "control.eu.stop", "found none"),
}


@pytest.mark.parametrize("old", MISTAKES)
def test_a_mistake_is_named(old: str) -> None:
    new, key, message = MISTAKES[old]
    with pytest.raises(TargetFileError, match=message) as refused:
        parse_target(EXTERNAL + CONTROL.replace(old, new), Path("theirs.toml"))
    assert refused.value.key == key
    assert refused.value.line


def test_a_launched_target_needs_no_commands() -> None:
    with pytest.raises(TargetFileError, match=r"control.node: this is for a target that runs already"):
        parse_target(LAUNCHED + CONTROL.replace("eu", "node"), Path("mine.toml"))


def test_what_is_read_is_what_stands_there() -> None:
    target = parse_target(EXTERNAL + CONTROL, Path("theirs.toml"))
    assert list(target.control) == ["eu"]
    assert target.control["eu"].deadline == 5.0
    assert json.dumps(target.control["eu"].commands["kill"]) == '["sh", "-c", "kill -9 $(cat pid)"]'
