"""The Parquet export says what the history says."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from waybill.history import Header, HistoryUnreadable, Recorder
from waybill.history.parquet import TABLES, export


def history(folder: Path) -> Path:
    header = Header(
        users={"alice": ["phone"], "bob": ["laptop"]}, conversations={"alice+bob": ["alice", "bob"]}
    )
    with Recorder(folder / "history.jsonl", header) as recorder:
        alice, bob = recorder.session("alice/phone"), recorder.session("bob/laptop")
        for number in range(3):
            body = f"hello {number}".encode()
            sent = recorder.send(alice, "alice+bob", f"k{number}", body)
            recorder.ok(sent, id=f"id{number}", sequence=number + 1)
            recorder.deliver(bob, "alice+bob", "alice", body, key=f"k{number}", id=f"id{number}")
        recorder.info(recorder.send(alice, "alice+bob", "k9", b"lost?"), "closed")
    return recorder.path


def test_every_table_is_written_with_names_for_numbers(tmp_path: Path) -> None:
    written = export(history(tmp_path), tmp_path / "tables")
    assert [path.stem for path in written] == list(TABLES)
    sends = pyarrow.parquet.read_table(tmp_path / "tables" / "sends.parquet").to_pydict()
    assert sends["message"] == ["k0", "k1", "k2", "k9"]
    assert set(sends["conversation"]) == {"alice+bob"}
    deliveries = pyarrow.parquet.read_table(tmp_path / "tables" / "deliveries.parquet").to_pydict()
    assert deliveries["id"] == ["id0", "id1", "id2"]
    assert deliveries["sender"] == ["alice"] * 3
    assert deliveries["mode"] == ["live"] * 3
    refusals = pyarrow.parquet.read_table(tmp_path / "tables" / "not_oks.parquet").to_pydict()
    assert (refusals["outcome"], refusals["code"]) == (["info"], ["closed"])


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text("no\n")
    with pytest.raises(HistoryUnreadable):
        export(tmp_path / "no.jsonl", tmp_path / "tables")
    assert not (tmp_path / "tables").exists()
