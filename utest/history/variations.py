"""Stories with something changed at random: a line more, a line less, another order, number, name, promise or fault.

Every planted history and every near miss stands at the edge of what some check decides; a small change of it stands
close to the same edge, on either side.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from waybill.history.planted.stories import Labelled, Story, corpus

Line = dict[str, Any]
PROMISES: dict[str, tuple[Any, ...]] = {
    "own_devices": (True, False),
    "pipelined_order": (True, False),
    "realtime_order": (True, False),
    "total_order": (True, False),
    "sequences": ("gapless", "any"),
    "ids": ("ordered", "opaque"),
    "dedup": ("none", "durable"),
    "message_time": ("stored", "any"),
    "new_device_history": ("none", "all"),
    "new_member_history": ("all", "none"),
    "presence_bound": ("3s", "2ms"),
    "revocation_bound": ("1s", "2ms"),
}
FAULTS = ("kill", "partition", "power_loss")
MODES = ("live", "backlog", "page", "final")
NAMES = ("device", "user", "sender", "conversation", "key", "id", "body", "operation", "read", "outcome")
"""What may be exchanged for what stands under the same name in another line."""


def variations(anomaly: str, each: int) -> Iterator[tuple[Labelled, int, Story]]:
    """Every story of one anomaly, and so many variations of it, always the same ones; number 0 is the story itself."""
    for labelled in corpus():
        if labelled.anomaly == anomaly:
            for number in range(each + 1):
                yield labelled, number, variation(labelled, number)


def variation(labelled: Labelled, number: int) -> Story:
    """One story with as many changes as its number says, from 1 to 3 and again."""
    told = Story().tell(labelled.text)
    chance = random.Random(f"{labelled.name} {number}")
    for _ in range((number - 1) % 3 + 1 if number else 0):
        chance.choice(EDITS)(told, chance)
    return told


def _dropped(told: Story, chance: random.Random) -> None:
    del told.lines[_place(told, chance)]


def _repeated(told: Story, chance: random.Random) -> None:
    """An answer, a delivery, or whatever else may come twice; what begins an operation would be another one."""
    place = _place(told, chance)
    if told.lines[place]["event"] in (
        "deliver",
        "ok",
        "receipt",
        "presence-seen",
        "cursor",
        "final",
        "session",
    ):
        told.lines.insert(chance.randint(place, len(told.lines)), dict(told.lines[place]))
        _in_time(told)


def _swapped(told: Story, chance: random.Random) -> None:
    place = _place(told, chance)
    told.lines[place : place + 2] = told.lines[place : place + 2][::-1]
    _in_time(told)


def _moved(told: Story, chance: random.Random) -> None:
    line = told.lines.pop(_place(told, chance))
    told.lines.insert(chance.randint(0, len(told.lines)), line)
    _in_time(told)


def _counted(told: Story, chance: random.Random) -> None:
    """One number is one more, or one less."""
    line = told.lines[_place(told, chance)]
    numbers = [
        name for name, value in line.items() if type(value) is int and name not in ("time", "id", "operation")
    ]
    if numbers:
        name = chance.choice(numbers)
        line[name] = max(0, line[name] + chance.choice((-1, 1)))


def _exchanged(told: Story, chance: random.Random) -> None:
    """One name is that of another line."""
    line = told.lines[_place(told, chance)]
    names = [name for name in NAMES if type(line.get(name)) is str]
    if names:
        name = chance.choice(names)
        line[name] = chance.choice([one[name] for one in told.lines if type(one.get(name)) is str])


def _left_out(told: Story, chance: random.Random) -> None:
    """A field is left out."""
    line = told.lines[_place(told, chance)]
    fields = [name for name in line if name not in ("event", "device", "operation")]
    if fields:
        del line[chance.choice(fields)]


def _untimed(told: Story, chance: random.Random) -> None:
    """From some line on, up to another, nobody knows the time."""
    first, last = sorted((_place(told, chance), _place(told, chance)))
    for line in told.lines[first : last + 1]:
        line.pop("time", None)


def _delayed(told: Story, chance: random.Random) -> None:
    """From some line on, everything is later."""
    later = chance.choice((0, 1000, 500_000, 999_000, 1_000_000, 2_000_000, 3_000_000))
    for line in told.lines[_place(told, chance) :]:
        if "time" in line:
            line["time"] += later


def _another_way(told: Story, chance: random.Random) -> None:
    """Deliveries of one device come on another way."""
    given = [line for line in told.lines if line["event"] == "deliver"]
    if given:
        mode, device = chance.choice(MODES), chance.choice(given).get("device")
        for line in given:
            if line.get("device") == device:
                line["mode"] = mode


def _numbered(told: Story, chance: random.Random) -> None:
    """Messages have sequences, and what is given has places in a log, in the order of the lines."""
    sequence = {line.get("key"): place for place, line in enumerate(told.lines) if line["event"] == "send"}
    cursor = chance.choice((0, 1))
    for line in told.lines:
        if line["event"] == "deliver":
            cursor += 1
            line.setdefault("cursor", cursor)
            if line.get("key") in sequence:
                line.setdefault("sequence", sequence[line["key"]])
                line.setdefault("id", f"i{sequence[line['key']]}")


def _broken(told: Story, chance: random.Random) -> None:
    """A fault is in force for a while; now and then nobody sees its effect, or its end."""
    first, last = sorted((_place(told, chance), _place(told, chance)))
    fault = {"event": "fault-start", "kind": chance.choice(FAULTS), "scope": "node1"}
    if chance.random() < 0.8:
        told.lines.insert(last + 1, {"event": "fault-end"})
    if chance.random() < 0.8:
        told.lines.insert(first, {"event": "fault-observed", "text": "seen"})
    told.lines.insert(first, fault)
    _in_time(told)


def _promised(told: Story, chance: random.Random) -> None:
    for name in chance.sample(sorted(PROMISES), 3):
        told.promises[name] = chance.choice(PROMISES[name])


def _torn_off(told: Story, chance: random.Random) -> None:
    """It breaks off."""
    told.killed = True
    del told.lines[max(1, _place(told, chance)) :]


EDITS = (
    _dropped, _repeated, _repeated, _swapped, _swapped, _moved, _counted, _counted, _exchanged, _exchanged, _left_out,
    _left_out, _untimed, _delayed, _another_way, _numbered, _broken, _promised, _torn_off,
)  # fmt: skip


def _place(told: Story, chance: random.Random) -> int:
    if not told.lines:
        told.lines.append({"event": "final", "device": "alice/phone"})
    return chance.randrange(len(told.lines))


def _in_time(told: Story) -> None:
    """No line is earlier than the one before it."""
    now = 0
    for line in told.lines:
        if "time" in line or line["event"].startswith("fault"):
            now = line["time"] = max(now, line.get("time", now))
