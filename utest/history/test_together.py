"""Stories that are told at once, of users who have nothing to do with each other, are judged like each by itself.

All planted histories and all near misses happen interleaved in one history, under several sets of promises, and what
is said must be the sum of what is said of each alone, word by word: nobody's devices, conversations, ids or places in
a log may be taken for somebody else's.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from waybill.history import check, checker, report
from waybill.history.planted.stories import Story, corpus

NAMED = ("user", "sender", "conversation", "operation", "read", "key", "expired", "body", "id")
"""What becomes another name in each story."""
GLOBAL = ("vacuous", "mixed-version")
"""What is said of a history as a whole."""
STRICT = {
    "own_devices": True,
    "pipelined_order": True,
    "realtime_order": True,
    "sequences": "gapless",
    "ids": "ordered",
    "message_time": "stored",
    "presence_bound": "3s",
    "revocation_bound": "1s",
}
Said = Counter[tuple[str, str, str, tuple[int, ...]]]


class Told:
    """One story with names of its own; its times end in digits of their own, so that no two events are at once."""

    def __init__(self, number: int, text: str) -> None:
        told = Story().tell(text)
        self.tag, self.number = f".{number}", number
        self.users = {f"{user}{self.tag}": devices for user, devices in told.users.items()}
        self.conversations = {
            f"{name}{self.tag}": [f"{member}{self.tag}" for member in members]
            for name, members in told.conversations.items()
        }
        self.lines = [self._renamed(line) for line in told.lines]

    def _renamed(self, line: dict[str, Any]) -> dict[str, Any]:
        renamed = dict(line)
        for name in NAMED:
            count = name == "read" and line["event"] == "receipt"
            of_device = name == "id" and line["event"] == "revoke"
            if line.get(name, "") != "" and not count and not of_device:
                renamed[name] = f"{line[name]}{self.tag}"
        if "device" in line:
            user, _, device = line["device"].partition("/")
            renamed["device"] = f"{user}{self.tag}/{device}"
        if "members" in line:
            renamed["members"] = [f"{member}{self.tag}" for member in line["members"]]
        if "missing" in line:
            renamed["missing"] = [
                [f"{place}{self.tag}", f"{key}{self.tag}"] for place, key in line["missing"]
            ]
        if "token" in line:
            renamed["token"] = line["token"] + 100 * self.number
        renamed["time"] = line["time"] + self.number
        return renamed


def stories() -> list[Told]:
    """Every story without a fault, which would be in force for all, and without numbers that count across stories."""
    texts = [one.text for one in corpus()]
    alone = [
        text
        for text in texts
        if not any(word in text for word in ("fault ", "killed", "session=", "delivery="))
    ]
    return [Told(number, text) for number, text in enumerate(alone, 1)]


def said(
    told: list[Told], promises: dict[str, Any], end: int, path: Path
) -> tuple[Said, dict[tuple[int, int], int]]:
    """What is said of some stories at once, and where in the history each event of each story is."""
    together = Story(users={}, conversations={}, promises=promises)
    order = sorted((line["time"], one.number, place) for one in told for place, line in enumerate(one.lines))
    by_number = {one.number: one for one in told}
    for one in told:
        together.users |= one.users
        together.conversations |= one.conversations
    together.lines = [by_number[number].lines[place] for _, number, place in order]
    together.lines.append({"event": "session", "device": "clock/tower", "time": end})
    found = Counter(
        (anomaly.name, example.sub_kind, example.sentence, example.events)
        for anomaly in check(together.write(path)).anomalies
        for example in anomaly.examples
        if anomaly.name not in GLOBAL
    )
    return found, {(number, place): event for event, (_, number, place) in enumerate(order, 1)}


@pytest.mark.parametrize("promises", [{}, STRICT], ids=["nothing", "strict"])
def test_stories_at_once_are_judged_like_each_alone(
    promises: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "EXAMPLES", 1_000_000)
    monkeypatch.setattr(checker, "EXAMPLES", 1_000_000)
    told = stories()
    end = max(line["time"] for one in told for line in one.lines) + 1_000_000
    together, places = said(told, promises, end, tmp_path / "together.jsonl")

    apart: Said = Counter()
    for one in told:
        for (name, kind, sentence, events), count in said([one], promises, end, tmp_path / "one.jsonl")[
            0
        ].items():
            moved = tuple(places[one.number, event - 1] for event in events)
            apart[name, kind, sentence, moved] += count

    assert together == apart
