"""A recorder that only remembers the faults that it was told of."""

from __future__ import annotations


class Spoken:
    """What was said of faults; every one has the number 7."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def fault_start(self, kind: str, scope: str, **_: object) -> int:
        self.said.append(f"start {kind} {scope}")
        return 7

    def fault_observed(self, fault: int, text: str) -> None:
        self.said.append(f"observed {fault}: {text}")

    def fault_end(self, fault: int) -> None:
        self.said.append(f"end {fault}")
