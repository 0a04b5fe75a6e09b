"""What a device sends from several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from scripted_server import ScriptedServer

from waybill.devices import Scenario
from waybill.devices.sending import Sending

Begin = Callable[..., Scenario]
THREADS = 4
SENDS = 100


@pytest.mark.usefixtures("eager_threads")
def test_a_session_records_its_sends_in_the_order_of_the_wire(
    server: ScriptedServer, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[tuple[int, str]] = []
    began = Sending.began

    def note(sending: Sending, operation: int, device: str) -> None:
        recorded.append((operation, sending.key))
        began(sending, operation, device)

    monkeypatch.setattr(Sending, "began", note)
    scenario = begin()
    alice, conversation = scenario.device("alice"), scenario.direct("alice", "bob")
    alice.connect()

    def write(bulk: bool) -> None:
        for _ in range(SENDS // 2):
            if bulk:
                alice.send_many(conversation, 2)
            else:
                alice.send(conversation)
                alice.send(conversation)

    threads = [threading.Thread(target=write, args=(number % 2 == 0,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scenario.wait_until_answered(alice.sent, deadline=30)

    assert len(recorded) == THREADS * SENDS
    written = [frame["key"] for _, frame in server.frames if frame["type"] == "send"]
    assert written == [key for _, key in sorted(recorded)]
