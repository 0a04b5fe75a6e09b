"""How these tests are shared out among workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {"test_ejabberd.py", "test_mosquitto.py", "test_secrets.py"}
"""Modules whose tests look at one long run, which one worker makes for all of them."""


class OneRunOnce(LoadScopeScheduling):
    """Gives the tests of such a module to one worker, and any other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if Path(file).name in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneRunOnce:
    """Shares the tests out."""
    return OneRunOnce(config, log)  # type: ignore[arg-type]
