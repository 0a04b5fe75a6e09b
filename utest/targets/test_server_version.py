"""The version of a server, as its program or the target file says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.targets import TargetFileError
from waybill.targets.server_version import server_version
from waybill.targets.target_file import parse_target

EXTERNAL = """
name = "x"
driver = "mqtt"
{version}
[endpoints.a]
url = "mqtts://a.example:8883"
[users]
file = "accounts.txt"
[tokens]
method = "password"
"""


def version_of(line: str) -> tuple[str, ...]:
    return parse_target(EXTERNAL.format(version=line), Path("x.toml")).version


def test_a_text_is_the_version() -> None:
    assert server_version(version_of('version = "7.1"')) == "7.1"


def test_without_one_nothing_is_made_up() -> None:
    assert server_version(version_of("")) == ""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("mosquitto version 2.0.11\n", "2.0.11"), ("no number", ""), ("ejabberd 23.01-1", "23.01-1")],
)
def test_the_first_number_with_a_dot_that_a_program_prints_is_the_version(
    printed: str, expected: str
) -> None:
    code = f"import sys; print({printed!r}, file=sys.stderr); sys.exit(3)"
    assert server_version(("{python}", "-c", code)) == expected


def test_a_program_that_is_not_there_says_nothing() -> None:
    assert server_version(("there-is-no-such-program", "--version")) == ""


@pytest.mark.parametrize("line", ["version = 3", 'version = ["2.0"]', "version = [1, 2]"])
def test_anything_else_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(TargetFileError, match=r"x\.toml, line 4: version: expected the server's version"):
        version_of(line)
