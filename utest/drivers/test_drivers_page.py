"""docs/drivers.md: its example is a driver that passes, and its table names every driver in the box."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import DriverConformance, Subject

from waybill.drivers import registry
from waybill.targets import RunningTarget, find_target, launch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "drivers.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("\n## A complete example\n")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    """The code blocks of the example."""
    return re.findall(rf"```{language}\n(.*?)```", EXAMPLE, re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the module and its target file, on the path as an installed distribution is."""
    folder = tmp_path_factory.mktemp("jot")
    (folder / "jot.py").write_text("\n\n".join(blocks("python")), encoding="utf-8")
    registration, target = blocks("toml")
    _, _, points = registration.partition("]\n")
    information = folder / "jot-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: jot\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{points.replace(chr(34), '')}")
    server = Path(__file__).parent / "jot_server.py"
    (folder / "jot.toml").write_text(target.replace('"jot_server.py"', f'"{server}"'), encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def target(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    with launch(find_target(installed / "jot.toml"), tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def subject(target: RunningTarget) -> Subject:
    return Subject(
        driver=registry.find("jot"),
        endpoint=target.endpoint(),
        account=target.account,
        credential=target.credential,
        bad_credential=lambda account: dataclasses.replace(
            target.credential(account, "phone"), password="wrong"
        ),
        name_of=lambda account: account.user,
    )


class TestConformance(DriverConformance):
    """Everything that every driver must pass."""


def test_a_bundled_scenario_passes_with_the_example(installed: Path, tmp_path: Path) -> None:
    (command,) = blocks("console")
    arguments = command.removeprefix("$ waybill ").split()
    done = subprocess.run(
        [sys.executable, "-m", "waybill.cli", *arguments, "--results", str(tmp_path)],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "libraries"), str(installed)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 PROVEN" in done.stdout


def test_the_page_names_every_driver_in_the_box() -> None:
    table = PAGE.partition("| name | protocol | modules |")[2].partition("\n\n")[0]
    assert [name for name in registry.names() if name != "jot" and f"| `{name}`" not in table] == []
