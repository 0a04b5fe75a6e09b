"""What gets lost between versions is found; what another protocol never had is not missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.events import End
from waybill.history.header import Header
from waybill.history.recorder import Recorder


def met(path: Path, protocols: tuple[str, str], keys: tuple[str, str]) -> list[str]:
    """The anomalies of a history in which bob is given a message of alice and one of carol, who speaks his version."""
    header = Header(
        seed=1,
        scenario="versions meet",
        target="nowhere",
        users={"alice": ["phone"], "bob": ["phone"], "carol": ["phone"]},
        conversations={"ab": ["alice", "bob"], "bc": ["bob", "carol"]},
        promises={"own_devices": False},
    )
    recorder = Recorder(path / "history.jsonl", header)
    alice = recorder.session("alice/phone", protocol=protocols[0], version=2)
    bob = recorder.session("bob/phone", protocol=protocols[1], version=3)
    carol = recorder.session("carol/phone", protocol=protocols[1], version=3)
    for session, conversation, sender, key in (
        (alice, "ab", "alice", keys[0]),
        (carol, "bc", "carol", keys[1]),
    ):
        body = f"from {sender}".encode()
        send = recorder.send(session, conversation, f"key of {sender}", body)
        recorder.ok(send, id=f"id of {sender}", sequence=1)
        recorder.deliver(bob, conversation, sender, body, key=key, id=f"id of {sender}", sequence=1)
    for session in (alice, bob, carol):
        recorder.end(session, End.CLOSED)
    return [anomaly.name for anomaly in check(recorder.close()).anomalies]


@pytest.mark.parametrize(
    ("protocols", "keys", "found"),
    [
        (("wire", "wire"), ("", "key of carol"), True),
        (("wire", "wire"), ("key of alice", "key of carol"), False),
        (("older", "wire"), ("", "key of carol"), False),
    ],
)
def test_a_key_must_cross_versions_of_one_protocol(
    tmp_path: Path, protocols: tuple[str, str], keys: tuple[str, str], found: bool
) -> None:
    assert ("mixed-version" in met(tmp_path, protocols, keys)) is found
