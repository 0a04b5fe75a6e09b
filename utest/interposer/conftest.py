"""A table of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.interposer.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """A table that watches the folder `data`."""
    (tmp_path / "data").mkdir()
    table = Table(tmp_path / "faults.table", tmp_path / "data")
    yield table
    table.close()
