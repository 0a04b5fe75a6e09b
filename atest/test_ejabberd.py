"""A server of another protocol that nobody here wrote: ejabberd in its strictest configuration, judged by the suites as
they are.

What it proves must stay proven, and what it does not keep must be waived in writing. Either side changing is news.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from judging import Judged, judge, require_installed

from waybill.targets import find_target, launch

PROVEN = {"CLK-1", "DEL-1", "OFF-2", "ORD-1", "DUP-2", "ACK-2", "DEV-2", "GRP-1", "AUT-1", "TLS-1", "TLS-2"}
UNSTEADY = {"OFF-1", "ORD-2", "ACK-1", "ACK-4", "DEV-1"}
"""What is lost or out of order in nearly every run: waived, and proven where a run has good luck."""
UNSAID = {"DEL-2", "DUP-1", "DEV-3", "TOK-1"}
"""What the protocol, or its use here, has no words for."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """One run of the suites of all these guarantees; others have rows in test_variants.py."""
    require_installed("ejabberd")
    return judge(
        tmp_path_factory.mktemp("ejabberd"),
        *("--target", "ejabberd", "--seed", "7", "--processes", "3"),
        *(word for name in sorted(PROVEN | UNSTEADY | UNSAID) for word in ("--include", name.lower())),
        robot=("--variable", "PATIENCE:20s"),
    )


def test_what_it_holds_is_proven(judged: Judged) -> None:
    assert {name: judged.verdicts[name] for name in PROVEN} == dict.fromkeys(PROVEN, "PROVEN")


def test_what_it_does_not_hold_is_waived_in_writing(judged: Judged) -> None:
    assert judged.code == 0, "everything that the strict configuration breaks is waived"
    assert {judged.verdicts[name] for name in UNSTEADY} <= {"WAIVED", "PROVEN"}
    assert judged.verdicts["ACK-1"] == "WAIVED", "ejabberd acknowledges before it stores"
    assert {name: judged.verdicts[name] for name in UNSAID} == dict.fromkeys(UNSAID, "WAIVED")


def test_nothing_of_a_killed_node_survives(tmp_path: Path) -> None:
    require_installed("ejabberd")
    with launch(find_target("ejabberd"), tmp_path) as running:
        process = running._processes[running.nodes[0]].process
        of_it = {pid: name for pid in process.pids if (name := name_of(pid))}
        assert "beam.smp" in of_it.values()
        assert len(of_it) > 1, "what an Erlang node starts beside itself is found by its mark"

        running.kill()

        assert process.pids == []
        until = time.monotonic() + 20.0
        while left := [pid for pid, name in of_it.items() if name_of(pid) == name]:
            assert time.monotonic() < until, f"{left} survived"
            threading.Event().wait(0.01)


def name_of(pid: int) -> str:
    """The name of a process's program; empty once the process has ended, though somebody has not taken note of it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    name, _, rest = status.partition("(")[2].rpartition(")")
    return "" if rest.split()[0] == "Z" else name
