"""A small world for tests of the command line: a target that nobody connects to, and suites that act as told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from waybill.bundled import LIBRARIES

TARGET = """\
name = "nobody"
driver = "waybill"
description = "A target that nobody connects to."
[endpoints.one]
url = "wss://127.0.0.1:1/v2"
[users]
file = "users.txt"
[tokens]
method = "password"
"""

LIBRARY = '''\
"""Stands for the keywords: fills the register that the evidence gate reads."""
import os
import signal
import threading

from WaybillLibrary import current

ENOUGH = {"acknowledged": 1000, "delivered": 1000, "lost": 0, "duplicated": 0, "phantom": 0, "corrupted": 0}
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 96" width="640" height="96">
<g font-family="sans-serif" font-size="11"><text x="4" y="28">alice/phone</text><text x="4" y="72">bob/laptop</text></g>
<path d="M90 24H630M90 68H630" stroke="#b9bec4"/><circle cx="150" cy="24" r="5" fill="#1d7a4f"/>
<path d="M150 24L240 68" stroke="#1d7a4f"/><circle cx="240" cy="68" r="5" fill="#1d7a4f"/>
<circle cx="330" cy="24" r="5" fill="#b3271e"/><path d="M330 24L420 68" stroke="#b3271e" stroke-dasharray="4 3"/>
<text x="340" y="20" font-family="sans-serif" font-size="11" fill="#b3271e">m7 acknowledged</text></svg>"""


class Told:
    def show_a_clean_history(self, **figures):
        counted = {name: int(value) for name, value in figures.items()}
        self._checked({"verdict": "clean", "anomalies": [], "figures": ENOUGH | counted})

    def lose_messages(self):
        sentence = "alice/phone sent m7 and it was acknowledged; bob/laptop never got it."
        example = {"sentence": sentence, "events": [7, 9]}
        anomaly = {"anomaly": "lost-acked", "count": 3, "examples": [example]}
        (current.case.folder / "timeline.svg").write_text(PICTURE)
        self._checked({"verdict": "anomalies", "anomalies": [anomaly], "figures": ENOUGH})
        raise AssertionError(f"lost-acked (3): {sentence}")

    def _checked(self, report):
        history = current.case.folder / "history.jsonl.gz"
        history.write_bytes(b"")
        current.case.checked(history, report)

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def wait_for_ever(self):
        threading.Event().wait(120)
'''

HEAD = "*** Settings ***\nLibrary    ${CURDIR}/Told.py\n"
GOOD = "Arrives\n    [Tags]    DEL-1    P0\n    Show A Clean History\n"


def suite(*cases: str, settings: str = "") -> str:
    """The text of a suite file."""
    return f"{HEAD}{settings}\n*** Test Cases ***\n" + "\n".join(cases)


def build(folder: Path, suites: dict[str, str], target: str = TARGET) -> Path:
    """Writes the world to a folder."""
    (folder / "suites").mkdir(parents=True)
    (folder / "nobody.toml").write_text(target, encoding="utf-8")
    (folder / "suites" / "Told.py").write_text(LIBRARY, encoding="utf-8")
    for name, text in suites.items():
        (folder / "suites" / f"{name}.robot").write_text(text, encoding="utf-8")
    return folder


def command(*words: str | Path) -> list[str]:
    """A `waybill` command line."""
    return [sys.executable, "-m", "waybill.cli", *map(str, words)]


def environment() -> dict[str, str]:
    """An environment in which the kit can be imported and nothing else is set."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": str(LIBRARIES)}


def waybill(
    folder: Path, *words: str | Path, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `waybill` in a folder, in an environment of its own or another one."""
    return subprocess.run(
        command(*words),
        cwd=folder,
        env=variables or environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def interrupt(folder: Path, after: str, *words: str | Path) -> tuple[int, str]:
    """Runs `waybill`, sends it Ctrl-C when it has printed a text, and returns its exit code and output."""
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if after in line:
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=60)
    return process.returncode, printed + rest
