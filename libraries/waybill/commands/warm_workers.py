"""Several Robots that are imported once and run many times, side by side (`WaybillLibrary.warm`)."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from waybill.commands import robot_process

Job = TypeVar("Job")
Result = TypeVar("Result")

ENDING = 5.0
_NOTES = "workers.txt"


@dataclass(frozen=True)
class Worker:
    """One of them: a process that runs one Robot at a time."""

    process: subprocess.Popen[str]

    def run(self, arguments: Sequence[str], folder: Path, deadline: float) -> int | None:
        """Runs Robot in a folder of its own, and ends whatever it left behind.

        Args:
            arguments: Robot's options and suites.
            folder: The run folder, which exists; it takes `console.txt`.
            deadline: Seconds after which the run is given up.

        Returns:
            Robot's exit code; None if the deadline passed.

        Raises:
            OSError: The worker is gone.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {
            "arguments": list(arguments),
            "console": str(folder / "console.txt"),
            "environment": {robot_process.MARK: str(folder)},
            "deadline": deadline,
        }
        self.process.stdin.write(f"{json.dumps(asked)}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        robot_process.end_marked(str(folder))
        if not answer:
            raise OSError("a worker of the proof ended by itself; its last words are in workers.txt")
        code: int | None = json.loads(answer)["code"]
        return code


def side_by_side(
    jobs: Iterable[Job],
    work: Callable[[Worker, Job], Result],
    count: int,
    folder: Path,
    without: Sequence[str] = (),
) -> Iterator[Result]:
    """Does every job on some worker; yields the results as they come.

    Args:
        jobs: The jobs, begun in this order.
        work: Does one on a worker.
        count: How many workers.
        folder: Takes what the workers themselves complain of.
        without: Checks of the history that are not made.
    """
    folder = folder.resolve()
    with contextlib.ExitStack() as ends, (folder / _NOTES).open("wb") as notes:
        idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-m", "WaybillLibrary.warm", *without],
                env=robot_process.environment(folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=notes,
                text=True,
                start_new_session=True,
            )
            ends.callback(_end, process)
            idle.put(Worker(process))
        pool = ThreadPoolExecutor(count)

        def one(job: Job) -> Result:
            worker = idle.get()
            try:
                return work(worker, job)
            finally:
                idle.put(worker)

        waiting = [pool.submit(one, job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            robot_process.end_marked(str(folder))


def _end(process: subprocess.Popen[str]) -> None:
    """Ends a worker with its input; one that still runs a Robot is killed, and all that it started."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
