"""Traffic in volume: many devices, many conversations, interleaved as the seed decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from waybill.devices.conversation import Conversation
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed
from waybill.devices.waits import Unanswered

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

Route = tuple["Device", Conversation]
"""Who writes, and where."""

BURST: Final = 6
"""The most messages of one device in a row: short enough that streams really interleave at the server."""
IN_FLIGHT: Final = 384
"""The most unanswered sends of one exchange, all devices together."""


def exchange(
    scenario: Scenario,
    routes: Sequence[Route],
    count: int,
    *,
    sizes: tuple[int, int] = (64, 64),
    burst: int = BURST,
    deadline: float | None = None,
) -> list[Sending]:
    """Sends so many messages over these routes, in bursts whose order and length the seed decides.

    Every route sends something if there are at least as many messages as routes. Returns when the last one is written;
    the newest may still be unanswered.

    Args:
        scenario: Whose history they belong to.
        routes: The senders and their conversations.
        count: How many messages in all.
        sizes: The smallest and the largest body, in bytes.
        burst: The most messages of one route in a row.
        deadline: Seconds that the server may take, each time, to answer enough of them that the next ones may follow;
            the scenario's patience by default.

    Raises:
        DeadlinePassed: The server did not answer enough of them in time.
    """
    draw = scenario.random
    patience = scenario.patience if deadline is None else deadline
    made: list[Sending] = []
    waiting: list[Sending] = []
    fresh = list(routes)
    draw.shuffle(fresh)
    while len(made) < count:
        device, conversation = fresh.pop() if fresh else draw.choice(routes)
        length = min(count - len(made), draw.randint(1, burst), max(1, count - len(made) - len(fresh)))
        part = [device.compose(conversation, size=draw.randint(*sizes)) for _ in range(length)]
        if len(waiting) + length > IN_FLIGHT:
            waiting = _make_room(scenario, waiting, patience, len(made), count)
        device.send_composed(part)
        waiting += part
        made += part
    return made


def _make_room(
    scenario: Scenario, waiting: list[Sending], patience: float, sent: int, count: int
) -> list[Sending]:
    """Waits until at most half of the allowed sends are unanswered, and returns those."""
    room = Unanswered(waiting)
    if not scenario.signal.wait_until(room.is_down_to(IN_FLIGHT // 2), Deadline(patience)):
        names = ", ".join(one.name for one in room.left()[:5])
        raise DeadlinePassed(
            f"{count} messages could not be sent: {sent} were sent, and after {patience:g} s of waiting "
            f"{len(room.left())} of them have no answer, among them {names}."
        )
    return room.left()


def bursts(
    senders: Sequence[Device],
    conversations: Sequence[Conversation],
    count: int,
    messages: int,
    *,
    deadline: float,
) -> list[Sending]:
    """Sends bursts, each handed over in one piece; the next one follows when all of a burst have their outcome."""
    scenario = senders[0].scenario
    sent: list[Sending] = []
    for _ in range(count):
        burst: list[Sending] = []
        for sender, conversation in zip(senders, conversations, strict=True):
            burst += sender.send_many(conversation, messages, in_flight=2 * messages)
        scenario.wait_until_answered(burst, deadline=deadline)
        sent += burst
    return sent


def pairs(scenario: Scenario, users: Sequence[str], count: int) -> list[tuple[str, str]]:
    """So many different pairs of these users, spread evenly over them; the seed decides which.

    Raises:
        ValueError: There are not so many pairs.
    """
    every = [(one, other) for index, one in enumerate(users) for other in users[index + 1 :]]
    if count > len(every):
        raise ValueError(
            f"{len(users)} people make {len(every)} conversations of two, not {count}; ask for fewer."
        )
    scenario.random.shuffle(every)
    load = dict.fromkeys(users, 0)
    chosen: list[tuple[str, str]] = []
    while len(chosen) < count:
        pair = min(every, key=lambda two: load[two[0]] + load[two[1]])
        every.remove(pair)
        chosen.append(pair)
        load[pair[0]] += 1
        load[pair[1]] += 1
    return chosen
