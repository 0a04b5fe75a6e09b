"""What a target needs and this machine lacks is told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.targets.find import availability
from waybill.targets.target_file import parse_target

LAUNCHED = """
name = "x"
driver = "mqtt"

[launch]
needs = ["{needed}"]

[[launch.process]]
name = "node"
ready = "round-trip"
command = ["sh", "-c", "exec {{environment.WAYBILL_TEST_BUILD}}/server"]

[endpoints.node]
url = "mqtts://{{address}}:{{port}}"

[users]
format = "plain"
file = "users"

[tokens]
method = "password"
"""


def missing(needed: str) -> tuple[str, ...]:
    return availability(parse_target(LAUNCHED.format(needed=needed), Path("x.toml"))).missing


def test_a_program_behind_a_shell_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_TEST_BUILD", "/opt/server")
    assert missing("there-is-no-such-program") == ("there-is-no-such-program",)
    assert missing("sh") == ()


def test_an_environment_variable_that_is_not_set_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYBILL_TEST_BUILD", raising=False)
    assert missing("sh") == ("the environment variable WAYBILL_TEST_BUILD",)
