"""What checking costs: histories of growing size, against one scan of their columns.

    python benchmarks/checker.py [MESSAGES ...]

Every message is sent by one device, acknowledged, delivered to another that acknowledges every hundredth, and half of
them go to a conversation of their own. Each size is checked in a process of its own, so that its peak memory is true.
The default sizes are 100,000 and 1,000,000; 10,000,000 needs 5 GB of memory and 2 GB of disk for a minute.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path

SIZES = (100_000, 1_000_000)
BATCH = 100_000


def write(path: Path, messages: int) -> None:
    """Writes the history as the recorder would, without its thread and clock."""
    from waybill.history.encoding import LONG, Encoder
    from waybill.history.events import Mode, Operation
    from waybill.history.header import Header
    from waybill.history.recorder import compress

    members = ["alice", "bob"]
    header = Header(
        users={"alice": ["phone"], "bob": ["laptop"]},
        conversations={"one": members, "two": members},
        declares=["send", "acknowledge"],
    )
    encoder = Encoder(header)
    gc.disable()  # millions of rows and not one cycle
    with path.open("wb") as file:
        file.write(encoder.header)
        rows = [
            (LONG, 0, {"event": "session", "session": 1, "device": "alice/phone"}),
            (LONG, 0, {"event": "session", "session": 2, "device": "bob/laptop"}),
        ]
        operation = clock = 0
        sequences = {"one": 0, "two": 0}
        for number in range(1, messages + 1):
            conversation = "one" if number % 2 else "two"
            sequences[conversation] += 1
            sequence = sequences[conversation]
            body = b"message number %d of this history" % number
            operation, clock = operation + 1, clock + 30_000
            key, name = f"k{number}", f"{clock:020d}"
            rows.append(("s", clock, operation, 1, conversation, key, body, False, -1))
            rows.append(("o", clock + 9000, operation, name, sequence, -1, "", "", key, False))
            given = (
                2,
                conversation,
                "alice",
                body,
                key,
                name,
                sequence,
                number,
                Mode.LIVE,
                -1,
                clock // 10**6,
                number,
            )
            rows.append(("d", clock + 12_000, *given))
            if number % 100 == 0:
                operation += 1
                rows.append(("i", clock, operation, 2, Operation.ACKNOWLEDGE, "", "", "", number, "", -1))
                rows.append(("o", clock, operation, "", -1, number, "", "", "", False))
            if len(rows) >= BATCH:
                file.write(encoder.encode(rows))
                rows.clear()
        rows += [
            (LONG, clock, {"event": "final", "device": device, "complete": True})
            for device in ("alice/phone", "bob/laptop")
        ]
        file.write(encoder.encode(rows))
        file.write(encoder.footer())
    gc.enable()
    compress(path)


def measure(path: Path) -> None:
    """Checks one file and prints seconds to read, to check, to scan the columns once, and the peak memory."""
    from waybill.history.checker import check_history
    from waybill.history.reader import read

    begin = time.process_time()
    history = read(path)
    took_read = time.process_time() - begin
    begin = time.process_time()
    report = check_history(history)
    took_check = time.process_time() - begin
    if report.verdict != "clean":
        sys.exit(f"expected a clean history, found:\n{report.to_text()}")
    begin = time.process_time()
    for table in (history.sends, history.oks, history.deliveries):
        for field in fields(table):
            getattr(table, field.name).max()
    scan = time.process_time() - begin
    status = Path("/proc/self/status").read_text(
        encoding="ascii"
    )  # ru_maxrss would count the parent's memory too
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(took_read, took_check, scan, peak, report.events, flush=True)


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]))
        return 0
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or list(SIZES)
    print(f"{'checker':<14}{'events':>12}{'file MiB':>10}{'read s':>8}{'check s':>9}{'both s':>8}{'scan s':>8}"
          f"{'check/scan':>12}{'us/message':>12}{'peak MiB':>10}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.jsonl"
            write(path, size)
            path = path.with_name(path.name + ".gz")
            command = [sys.executable, __file__, "--measure", str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            read_s, check_s, scan, peak, events = map(float, answer.split())
            both, size_mib = read_s + check_s, path.stat().st_size / 2**20
            print(
                f"{size:<14,}{events:>12,.0f}{size_mib:>10.1f}{read_s:>8.2f}{check_s:>9.2f}{both:>8.2f}"
                f"{scan:>8.3f}{check_s / scan:>12.0f}{both / size * 1e6:>12.2f}{peak:>10.0f}",
                flush=True,
            )
            path.unlink()
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
