"""Launching: processes that are ready, isolated, restartable, and gone with whoever launched them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from waybill.targets import (
    AbsentTarget,
    LaunchError,
    MeansMissing,
    PoolExhausted,
    RunningTarget,
    TargetError,
    launch,
)
from waybill.targets.model import TargetFile
from waybill.targets.processes import _thread_states, end_marked
from waybill.targets.target_file import parse_target

SERVER = Path(__file__).with_name("small_server.py")


def target(*behaviour: str, more: str = "", deadline: str = "5s", stop: str = "5s") -> TargetFile:
    words = "".join(f', "{word}"' for word in behaviour)
    text = f"""
        name = "small"
        driver = "mqtt"
        [launch]
        start_deadline = "{deadline}"
        stop_deadline = "{stop}"
        [[launch.process]]
        name = "node"
        ready = "json-line"
        command = ["{{python}}", "{SERVER}", "{{address}}", "{{port}}", "{{data}}"{words}]
        {more}
        [endpoints.node]
        url = "mqtt://{{address}}:{{port}}"
        [users]
        file = "users.txt"
        pool = 3
        format = "jsonl-sha256"
        [tokens]
        method = "password"
    """
    return parse_target(textwrap.dedent(text), Path("small.toml"))


def place(running: RunningTarget, node: str | None = None) -> tuple[str, int]:
    url = urlsplit(running.endpoint(node).url)
    return url.hostname or "", url.port or 0


def starts(running: RunningTarget) -> list[int]:
    """The process ids of all starts, as the server itself has kept them."""
    with socket.create_connection(place(running), timeout=5) as connection:
        content = b""
        while chunk := connection.recv(4096):
            content += chunk
    return [int(line) for line in content.split()]


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process, perhaps somebody else's child, has ended by a deadline (a zombie has)."""
    until = time.monotonic() + seconds
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select

        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))
    finally:
        os.close(pidfd)


def test_a_launched_target_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        assert running.alive()
        assert starts(running) == [running.pid()]
        assert [path.name for path in running.logs()] == ["output.log"]
        pid = running.pid()
    assert gone(pid)
    assert (tmp_path / "node" / "data" / "starts").exists()
    running.close()


def test_targets_run_side_by_side_on_addresses_of_their_own(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "one") as one, launch(target(), tmp_path / "other") as other:
        assert place(one)[0] != place(other)[0]
        assert place(one)[1] == place(other)[1]
        one.kill()
        assert starts(other) == [other.pid()]


def test_a_killed_node_starts_again_on_its_port_and_its_data(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        first, endpoint = running.pid(), running.endpoint()
        running.kill()
        assert not running.alive()
        assert not Path(f"/proc/{first}").exists()
        with pytest.raises(ConnectionRefusedError):
            starts(running)
        running.start()
        assert running.endpoint() == endpoint
        assert starts(running) == [first, running.pid()]
        assert running.stop() == 0
        running.start()
        assert len(starts(running)) == 3


def test_a_node_can_be_killed_and_started_many_times(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        for _ in range(5):
            running.kill()
            running.start()
        assert len(starts(running)) == 6


def test_a_paused_node_stands_still_until_it_is_resumed(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        running.pause()
        assert running.alive()
        with socket.create_connection(place(running), timeout=5) as connection:
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            running.resume()
            connection.settimeout(5)
            assert connection.recv(1)
        running.pause()
        running.kill()
        running.start()
        running.pause()
        assert running.stop() == 0


def test_a_node_that_does_not_stop_is_killed_and_named(tmp_path: Path) -> None:
    with launch(target("ignores-sigterm", stop="100ms"), tmp_path) as running:
        with pytest.raises(TargetError, match=r"'node' \(pid \d+\) still runs 0.1 s after SIGTERM"):
            running.stop()
        assert not running.alive()


def test_what_a_node_left_outside_its_session_is_ended_with_it(tmp_path: Path) -> None:
    with launch(target("leaves-a-child"), tmp_path) as running:
        child = int((tmp_path / "node" / "data" / "child").read_text())
        assert not gone(child, 0)
        running.kill()
        assert gone(child, 0)


def test_everything_of_a_run_can_be_found_by_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_RUN", "a-run-of-this-test")
    with launch(target(), tmp_path) as running:
        assert end_marked([b"WAYBILL_RUN=another-run-of-this-test"]) == 0
        assert running.alive()
    # The test's own process was started before the variable was set, so it is not found.
    with launch(target(), tmp_path / "second") as running:
        assert end_marked([b"WAYBILL_RUN=a-run-of-this-test"]) == 1
        assert not running.alive()


def test_a_server_that_ends_at_once_is_shown_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(LaunchError) as failed:
        launch(target("fails"), tmp_path)
    message = str(failed.value)
    assert "'node' did not become ready: it ended with status 1" in message
    assert "the configuration is wrong: no such option" in message
    assert str(tmp_path / "node" / "output.log") in message
    assert "small_server.py 127." in message


def test_a_server_that_never_gets_ready_is_shown_and_ended(tmp_path: Path) -> None:
    with pytest.raises(
        LaunchError, match=r'after 2 s there is still missing a line with "ready": true'
    ) as failed:
        launch(target("never-ready", deadline="2s"), tmp_path)
    assert "starting up" in str(failed.value)
    assert gone(int((tmp_path / "node" / "data" / "starts").read_text()), 0)


def test_the_deadline_of_the_caller_comes_before_that_of_the_file(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(LaunchError, match=r"after 0.1 s"):
        launch(target("never-ready", deadline="60s"), tmp_path, deadline=0.1)
    assert time.monotonic() - begun < 5


def test_a_missing_program_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    file = parse_target(
        """
        name = "x"
        driver = "mqtt"
        launch.install = "sudo apt-get install -y x"
        launch.process = [{name = "node", ready = "json-line", command = ["no-such-server"]}]
        endpoints.node.url = "mqtt://{address}:{port}"
        users = {file = "users", format = "mosquitto"}
        tokens.method = "password"
        """,
        Path("x.toml"),
    )
    with pytest.raises(
        LaunchError, match=r"'no-such-server' is not installed. Install it: sudo apt-get install -y x"
    ):
        launch(file, tmp_path)


def test_an_unknown_placeholder_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TargetError, match=r"small.toml: the process 'node': there is no placeholder \{prot\}.*'port'"
    ):
        launch(target("{prot}"), tmp_path)


def test_files_are_written_from_their_templates_before_the_start(tmp_path: Path) -> None:
    more = """
        [launch.process.environment]
        HOME = "{own_folder}"
        [[launch.file]]
        path = "node/data/conf"
        mode = "640"
        text = "{name} {port} {node.port.main} {{port}} {a: 1} {} {certificate}"
    """
    with launch(target(more=more), tmp_path) as running:
        path = tmp_path / "node" / "data" / "conf"
        port = place(running)[1]
        certificate = tmp_path / "node" / "certificate.pem"
        assert path.read_text() == f"node {port} {port} {{port}} {{a: 1}} {{}} {certificate}"
        assert path.stat().st_mode & 0o777 == 0o640
        environment = Path(f"/proc/{running.pid()}/environ").read_bytes().split(b"\0")
        assert f"HOME={tmp_path / 'node'}".encode() in environment


def test_processes_start_together_or_one_after_the_other(tmp_path: Path) -> None:
    more = f"""
        after = ["first"]
        [[launch.process]]
        name = "first"
        role = "helper"
        ready = "json-line"
        ports = ["main", "admin"]
        command = ["{{python}}", "{SERVER}", "{{address}}", "{{port.admin}}", "{{data}}"]
    """
    with launch(target(more=more), tmp_path) as running:
        first = tmp_path / "first" / "output.log"
        assert first.stat().st_mtime_ns <= (tmp_path / "node" / "output.log").stat().st_mtime_ns
        assert running.nodes == ["node"]
        assert running.pid("first") != running.pid("node")
    circle = more.replace('name = "first"', 'name = "first"\nafter = ["node"]')
    with pytest.raises(TargetError, match="the processes node, first wait for each other"):
        launch(target(more=circle), tmp_path / "circle")


def helper(ready: str, *behaviour: str, ports: str = 'ports = ["main"]') -> str:
    """More of a target: its node waits for a helper."""
    words = "".join(f', "{word}"' for word in behaviour)
    return f"""
        after = ["aid"]
        [[launch.process]]
        name = "aid"
        role = "helper"
        ready = "{ready}"
        {ports}
        command = ["{{python}}", "{SERVER}", "{{address}}", "{{port}}", "{{data}}"{words}]
    """


def test_a_helper_that_says_nothing_is_ready_when_its_program_runs(tmp_path: Path) -> None:
    with launch(target(more=helper("started", "silent")), tmp_path) as running:
        command = Path(f"/proc/{running.pid('aid')}/cmdline").read_bytes().split(b"\0")
        assert str(SERVER).encode() in command[:2]
    # One that ends later is noticed by what depends on it, not here; one that never runs is noticed at once.
    unusable = helper("started").replace("{python}", str(tmp_path / "no-program"))
    (tmp_path / "no-program").write_text("#!/no/such/interpreter\n")
    (tmp_path / "no-program").chmod(0o755)
    with pytest.raises(LaunchError, match=r"'aid' did not become ready: it ended with status 127"):
        launch(target(more=unusable), tmp_path / "unusable")


def test_a_helper_may_be_ready_when_its_port_opens(tmp_path: Path) -> None:
    with launch(target(more=helper("port", "never-ready")), tmp_path) as running:
        assert (tmp_path / "aid" / "data" / "starts").exists()
        assert running.pid("aid") != running.pid("node")
    with pytest.raises(
        LaunchError, match=r"'aid' did not become ready: after 0.5 s .* an open port: 127.*refused"
    ):
        launch(target(more=helper("port", "silent"), deadline="500ms"), tmp_path / "silent")


def test_a_machine_port_is_given_to_one_target_and_is_free_on_every_address(tmp_path: Path) -> None:
    more = helper("port", ports='ports = []\nmachine_ports = ["main"]').replace("{address}", "0.0.0.0")
    file = target(more=more.replace("\n", "\n" + 8 * " "))
    with launch(file, tmp_path / "one") as one, launch(file, tmp_path / "two") as two:
        ports = [Path(f"/proc/{each.pid('aid')}/cmdline").read_bytes().split(b"\0")[3] for each in (one, two)]
        assert ports[0] != ports[1]
        for port in ports:
            socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()


def test_a_kill_ends_everything_of_one_node_and_nothing_of_the_others(tmp_path: Path) -> None:
    file = target("leaves-a-child", more=helper("json-line", "leaves-a-child"))
    with launch(file, tmp_path / "one") as one, launch(file, tmp_path / "two") as two:

        def children(running: RunningTarget) -> dict[str, int]:
            return {
                name: int((running.folder / name / "data" / "child").read_text()) for name in ("node", "aid")
            }

        before, others, aid = children(one), children(two), one.pid("aid")
        one.kill("node")
        assert gone(before["node"], 0)
        assert not any(gone(pid, 0) for pid in (before["aid"], aid, *others.values(), two.pid("node")))
        one.start("node")
        assert one.pid("aid") == aid
        one.stop("node")
        assert gone(children(one)["node"], 0)
        assert not gone(before["aid"], 0)
        one.close()
        assert gone(before["aid"], 0)
        assert not any(gone(pid, 0) for pid in others.values())


def test_every_account_is_handed_out_once(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        accounts = [running.account() for _ in range(3)]
        assert [account.user for account in accounts] == ["user-001", "user-002", "user-003"]
        assert len({account.password for account in accounts}) == 3
        assert accounts[0].password not in repr(accounts[0])
        credential = running.credential(accounts[0], "phone")
        assert (credential.user, credential.password, credential.token) == (
            "user-001",
            accounts[0].password,
            "",
        )
        with pytest.raises(PoolExhausted, match=r"All 3 accounts of small were handed out. Enlarge the pool"):
            running.account()


def test_a_wrong_node_is_answered_with_the_right_ones(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        with pytest.raises(TargetError, match=r"no node 'nod', did you mean 'node'\?"):
            running.endpoint("nod")
        with pytest.raises(TargetError, match=r"no process 'issuer'\. Processes: node"):
            running.kill("issuer")
        with pytest.raises(TargetError, match=r"'node' runs already"):
            running.start()
        running.kill()
        with pytest.raises(TargetError, match=r"'node' cannot be paused: it does not run"):
            running.pause()


def test_a_target_that_was_not_launched_says_why_to_whoever_needs_more_than_its_file(tmp_path: Path) -> None:
    with AbsentTarget(target(), tmp_path / "run", "nobody has a use for it") as absent:
        assert (absent.name, absent.driver.name) == ("small", "mqtt")
        uses = (absent.account, absent.endpoint, absent.kill, absent.stop, absent.start, absent.alive)
        for use in (
            *uses,
            lambda: absent.nodes,
            lambda: absent.kill("node"),
            lambda: absent.endpoint("node"),
        ):
            with pytest.raises(TargetError, match=r"^small was not launched: nobody has a use for it\.$"):
                use()
        assert absent.logs() == []
    assert not (tmp_path / "run").exists()


def test_a_target_that_runs_elsewhere_has_endpoints_and_users_but_no_means(tmp_path: Path) -> None:
    (tmp_path / "accounts.txt").write_text("# ours\nanna:se:cret\n\nberta:x\n")
    file = parse_target(
        """
        name = "theirs"
        driver = "mqtt"
        endpoints.eu = {url = "mqtts://broker.example:8883", authority = "ca.pem", server_name = "broker"}
        users.file = "accounts.txt"
        tokens.method = "password"
        """,
        tmp_path / "theirs.toml",
    )
    with launch(file, tmp_path / "run") as running:
        assert running.endpoint().authority == tmp_path / "ca.pem"
        assert running.endpoint("eu").server_name == "broker"
        assert running.issuing is None
        anna = running.account()
        assert (anna.user, anna.password) == ("anna", "se:cret")
        assert not running.launched
        for means in ("pause", "resume", "pid"):
            with pytest.raises(MeansMissing, match=r"theirs\.toml has no \[launch\].*stays UNPROVEN"):
                getattr(running, means)()
        for means in ("kill", "stop", "start"):
            wanted = (
                rf"theirs\.toml has no '{means}' under \[control\.eu\]\. Add the command, .*stays UNPROVEN"
            )
            with pytest.raises(MeansMissing, match=wanted):
                getattr(running, means)()
        assert running.alive() is None


@pytest.mark.parametrize(
    ("content", "message"),
    [("anna\n", "line 1: expected user:password"), ("#\n", "lists no account"), (None, "cannot be read")],
)
def test_a_list_of_accounts_that_is_none_is_refused(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "accounts.txt").write_text(content)
    file = parse_target(
        """
        name = "theirs"
        driver = "mqtt"
        endpoints.eu.url = "mqtts://broker.example:8883"
        users.file = "accounts.txt"
        tokens.method = "password"
        """,
        tmp_path / "theirs.toml",
    )
    with pytest.raises(TargetError, match=message):
        launch(file, tmp_path / "run")


WORKER = """
import sys, threading
from pathlib import Path
from waybill.targets import launch
sys.path.insert(0, {folder!r})
from test_launch import target
launched = []
# The thread that launches ends at once: the servers must outlive it, but not the process.
thread = threading.Thread(target=lambda: launched.append(launch(target(), Path({run!r}))))
thread.start()
thread.join()
print(launched[0].pid(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_servers_die_with_the_worker_that_launched_them(tmp_path: Path, number: signal.Signals) -> None:
    code = WORKER.format(folder=str(Path(__file__).parent), run=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        assert not gone(pid, 0.3), "the server must outlive the thread that launched it"
        worker.send_signal(number)
        worker.wait(10)
        assert gone(pid), "the server outlived its worker"


def test_targets_can_be_launched_from_many_threads(tmp_path: Path) -> None:
    running: list[RunningTarget] = []
    threads = [
        threading.Thread(
            target=lambda number=number: running.append(launch(target(), tmp_path / str(number)))
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({place(one)[0] for one in running}) == 4
        assert all(one.alive() for one in running)
    finally:
        for one in running:
            one.close()


def test_a_launched_target_gives_its_authority_for_probes(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "target") as running:
        assert running.issuing is not None
        assert running.issuing.certificate == running.authority
        issued = running.issuing.issue(tmp_path / "probe", ["localhost"])
    assert issued.certificate.exists()


def test_what_a_node_left_outside_its_session_stands_still_with_it(tmp_path: Path) -> None:
    with launch(target("leaves-a-child"), tmp_path) as running:
        child = int((tmp_path / "node" / "data" / "child").read_text())

        running.pause()
        assert _thread_states(child) == ["T"]

        running.resume()
        assert _thread_states(child) != ["T"]
