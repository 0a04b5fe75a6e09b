"""A server in namespaces of its own is killed, started and ended as any other, with and without root's rights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_launch import gone

sys.path.append(str(Path(__file__).parent.parent / "namespaces"))

from test_small_disk import CONFINED

WORKER = """
import sys
from pathlib import Path
from waybill.targets import MeansMissing, launch
sys.path.insert(0, {folder!r})
from test_launch import starts, target
running = launch(target(), Path({run!r}), {how}=True)
try:
    running.small_disk() if {how!r} == "small_disk" else running.links.require_packets("node")
except MeansMissing as missing:
    print(missing, flush=True)
    sys.exit()
running.pause()
running.resume()
running.kill()
running.start()
assert len(starts(running)) == 2
print(running.pid(), flush=True)
sys.stdin.read()
running.close()
"""


@pytest.fixture(params=[(), (CONFINED, "-c")], ids=["as-it-is", "without-the-right-to-mount"])
def confined(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What comes before a program that is to have fewer rights."""
    given: tuple[str, ...] = request.param
    return given


@pytest.mark.parametrize("how", ["small_disk", "packets"])
@pytest.mark.parametrize("number", [signal.SIGKILL, None])
def test_a_server_in_namespaces_dies_with_its_worker(
    tmp_path: Path, confined: tuple[str, ...], how: str, number: signal.Signals | None
) -> None:
    code = WORKER.format(folder=str(Path(__file__).parent), run=str(tmp_path / "run"), how=how)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", *confined, code]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()
        if not said.strip().isdigit():
            pytest.skip(said)
        if number is None:
            worker.communicate("", timeout=60)
        else:
            worker.send_signal(number)
            worker.wait(60)
    assert gone(int(said), 30), "the server outlived its worker"
    if number is None:
        assert (tmp_path / "run" / "node" / "data" / "starts").read_text().count("\n") == 2
