"""What recording costs: nanoseconds of CPU for an event, against appending a tuple to a list.

The calling thread is what a device waits for; the whole process also numbers the strings, digests the bodies and
writes the file. Bodies have 150 bytes, keys and ids are all different.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from waybill.history import Header, Operation, Recorder

EVENTS = 300_000
PACE = 3_000
"""Events between two flushes, so that what waits to be written stays as short as in a real scenario."""
HEADER = Header(
    users={"alice": ["phone"], "bob": ["laptop"]},
    conversations={"ab": ["alice", "bob"]},
    scenario="benchmark",
)


def recorded(path: Path) -> tuple[float, float, float, float]:
    """Nanoseconds on the calling thread and in the whole process for an event, bytes before and after compression."""
    recorder = Recorder(path, HEADER)
    phone, laptop = recorder.session("alice/phone"), recorder.session("bob/laptop")
    rounds = EVENTS // 3
    told = [(f"key-{n:08d}", f"{n:020d}", b"%0150d" % n, n) for n in range(1, rounds + 1)]
    send, ok, deliver = recorder.send, recorder.ok, recorder.deliver
    calling = 0
    begun = time.process_time_ns()
    for first in range(0, rounds, PACE // 3):
        start = time.thread_time_ns()
        for key, name, body, number in told[first : first + PACE // 3]:
            ok(send(phone, "ab", key, body), id=name, sequence=number, key=key)
            deliver(laptop, "ab", "alice", body, key=key, id=name, sequence=number, cursor=number)
        calling += time.thread_time_ns() - start
        recorder.flush()
    whole = time.process_time_ns() - begun
    size = path.stat().st_size
    packed = recorder.close().stat().st_size
    return calling / EVENTS, whole / EVENTS, size / EVENTS, packed / EVENTS


def appended() -> float:
    """Nanoseconds to take the time and append a tuple to a list."""
    rows: list[tuple[object, ...]] = []
    clock, append = time.perf_counter_ns, rows.append
    start = time.thread_time_ns()
    for number in range(EVENTS):
        append((Operation.SEND, clock(), number, "ab", "alice", b"", "key", "id", number, number, 1, -1, -1))
        if number % PACE == 0:
            rows.clear()
    return (time.thread_time_ns() - start) / EVENTS


def main() -> None:
    floor = min(appended() for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        runs = [recorded(Path(folder) / f"{run}.jsonl") for run in range(3)]
    calling, whole, size, packed = (min(column) for column in zip(*runs, strict=True))
    print(f"{'recorder':<50}{'ns/event':>10}{'ratio':>8}")
    print(f"{'clock and tuple to a list':<50}{floor:>10.0f}{1:>8.1f}")
    print(f"{'recorder, calling thread':<50}{calling:>10.0f}{calling / floor:>8.1f}")
    print(f"{'recorder, whole process':<50}{whole:>10.0f}{whole / floor:>8.1f}")
    print(f"{'file: bytes for an event, plain and compressed':<50}{size:>10.1f}{packed:>8.1f}\n")


if __name__ == "__main__":
    main()
