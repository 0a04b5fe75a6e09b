"""What a worker leaves behind when it is killed: servers end with it, and all else at the end of the run."""

from __future__ import annotations

from pathlib import Path

from world import GOOD, build, suite, waybill

SMALL_SERVER = Path(__file__).parents[1] / "targets" / "small_server.py"

# One node whose own child leaves its session, so that no signal to the node or its group reaches it.
LAUNCHER = f'''\
"""Launches a target of two processes, in a folder of the test."""
from pathlib import Path
from waybill.targets import launch
from waybill.targets.target_file import parse_target

TARGET = """
name = "small"
driver = "mqtt"
endpoints.one.url = "mqtt://{{address}}:{{port}}"
users = {{file = "users", format = "plain"}}
tokens.method = "password"
[[launch.process]]
name = "one"
ready = "json-line"
after = ["aid"]
command = ["{{python}}", "{SMALL_SERVER}", "{{address}}", "{{port}}", "{{data}}", "leaves-a-child"]
[[launch.process]]
name = "aid"
role = "helper"
ready = "started"
command = ["sh", "-c", "setsid sleep 300 & echo $! >{{data}}/child; exec sleep 300"]
"""

def launch_a_tree(folder):
    running = launch(parse_target(TARGET, Path("small.toml")), Path(folder))
    Path(folder, "pids").write_text(f"{{running.pid('one')}} {{running.pid('aid')}}")
'''


def pids(folder: Path) -> list[int]:
    texts = [(folder / name / "data" / "child").read_text() for name in ("one", "aid")]
    return [int(pid) for text in (*texts, (folder / "pids").read_text()) for pid in text.split()]


def test_nothing_of_a_tree_outlives_a_run_whose_worker_was_killed(tmp_path: Path) -> None:
    library = f"Library    {tmp_path / 'Launcher.py'}\n"
    killed = f"Dies\n    [Tags]    DEL-1\n    Launch A Tree    {tmp_path / 'tree'}\n    Die\n"
    world = build(tmp_path / "world", {"one": suite(killed, settings=library), "two": suite(GOOD)})
    (tmp_path / "Launcher.py").write_text(LAUNCHER)
    done = waybill(world, "run", "--target", "./nobody.toml", "--processes", "2", "suites")
    assert done.returncode == 1, done.stdout + done.stderr
    left = pids(tmp_path / "tree")
    assert len(left) == 4
    assert [pid for pid in left if Path(f"/proc/{pid}/cmdline").exists() and commanded(pid)] == []


def commanded(pid: int) -> bytes:
    """The command of a process; empty for one that ended and was not waited for."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
