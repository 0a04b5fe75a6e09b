"""What a check says: anomalies with their examples, figures, and one of three verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from .membership import Ints

if TYPE_CHECKING:
    from .model import History

EXAMPLES = 20
"""The most examples of one anomaly in a report."""

SEVERITY = (
    "unauthorised-ok",
    "insecure-ok",
    "revoked-accepted",
    "outsider-ok",
    "block-ignored",
    "lost-acked",
    "premature-ack",
    "lost-proven",
    "corrupted",
    "misrouted",
    "membership-leak",
    "spoofed",
    "phantom",
    "delivered-after-refusal",
    "partial-fanout",
    "silent-drop",
    "stuck",
    "duplicate-stored",
    "duplicate-accepted",
    "duplicate-delivered",
    "inconsistent-id",
    "id-regression",
    "gap",
    "order-divergence",
    "reordered",
    "reordered-across-reconnect",
    "realtime-reordered",
    "device-divergence",
    "resurrected",
    "flutter",
    "cursor-regression",
    "stale-read",
    "false-receipt",
    "hung",
    "mixed-version",
    "vacuous",
)
"""Every anomaly there is, worst first."""


@dataclass(frozen=True, slots=True)
class Example:
    """One occurrence.

    Attributes:
        sentence: What happened, in prose, with the names of devices and messages.
        events: The numbers of the events that prove it, in order.
        sub_kind: Which form of the anomaly it is, where there are several.
        meanwhile: The faults in or next to which it lies, in sentences; empty where there are none.
    """

    sentence: str
    events: tuple[int, ...] = ()
    sub_kind: str = ""
    meanwhile: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The example as plain data."""
        plain: dict[str, Any] = {"sentence": self.sentence, "events": list(self.events)}
        if self.sub_kind:
            plain["sub_kind"] = self.sub_kind
        if self.meanwhile:
            plain["meanwhile"] = self.meanwhile
        return plain


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Everything that was found under one name.

    Attributes:
        name: One of `SEVERITY`.
        count: How often.
        examples: At most 20 of them, worst first.
        sub_kinds: How often in each form.
        sessions: For each occurrence the session that sent and the one that was given, where there are two; it says
            whether only meetings of two versions are concerned.
    """

    name: str
    count: int
    examples: tuple[Example, ...]
    sub_kinds: dict[str, int] = field(default_factory=dict)
    sessions: tuple[Ints, Ints] | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The anomaly as plain data."""
        plain: dict[str, Any] = {"anomaly": self.name, "count": self.count}
        if self.sub_kinds:
            plain["sub_kinds"] = dict(sorted(self.sub_kinds.items()))
        plain["examples"] = [example.to_dict() for example in self.examples]
        return plain


class Check(Protocol):
    """One family of anomalies: a pure function of a history."""

    def __call__(self, history: History) -> list[Anomaly]:
        """Every anomaly of the family that the history shows; an empty list if there is none."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    Attributes:
        verdict: `clean`, `anomalies`, or `unknown` when nothing was found but not everything could be judged.
        anomalies: What was found, worst first.
        figures: What was counted (docs/history.md); what could not be counted is absent.
        unknown_reasons: What could not be judged, and why.
        scenario: The scenario of the header.
        target: The target of the header.
        seed: The seed of the header.
        events: How many events the history has.
    """

    verdict: str
    anomalies: tuple[Anomaly, ...]
    figures: dict[str, int]
    unknown_reasons: tuple[str, ...] = ()
    scenario: str = ""
    target: str = ""
    seed: int | str = 0
    events: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "verdict": self.verdict,
            "scenario": self.scenario,
            "target": self.target,
            "seed": self.seed,
            "events": self.events,
            "anomalies": [anomaly.to_dict() for anomaly in self.anomalies],
            "unknown_reasons": list(self.unknown_reasons),
            "figures": dict(sorted(self.figures.items())),
        }

    def to_json(self) -> str:
        """The report as JSON; the same history gives the same bytes."""
        return msgspec.json.format(msgspec.json.encode(self.to_dict()), indent=2).decode() + "\n"

    def to_text(self) -> str:
        """The report for a person."""
        of = f"{self.scenario or 'history'} against {self.target or 'target'}"
        lines = [f"{self.verdict}: {of}, {self.events} events"]
        for anomaly in self.anomalies:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(anomaly.sub_kinds.items()))
            lines.append(f"  {anomaly.name}: {anomaly.count}" + (f" ({kinds})" if kinds else ""))
            for one in anomaly.examples:
                lines.append(f"    {one.sentence} [events {', '.join(map(str, one.events))}]")
                lines += [f"      {one.meanwhile}"] if one.meanwhile else []
        lines += [f"  unknown: {reason}" for reason in self.unknown_reasons]
        if self.figures:
            figures = ", ".join(f"{name} {value}" for name, value in sorted(self.figures.items()))
            lines.append(f"  figures: {figures}")
        return "\n".join(lines) + "\n"


def anomaly_of(
    name: str,
    found: Iterable[Any],
    example: Callable[..., Example],
    *,
    kinds: Iterable[str] | None = None,
    sessions: tuple[Ints, Ints] | None = None,
) -> list[Anomaly]:
    """The anomaly of everything that was found, worst first, in a list; an empty list if nothing was.

    Args:
        name: The anomaly.
        found: The occurrences: numbers, or tuples that `example` takes apart.
        example: Makes the example of one occurrence; called for the first 20 only.
        kinds: The sub-kind of each occurrence.
        sessions: See `Anomaly.sessions`.
    """
    listed = found.tolist() if hasattr(found, "tolist") else list(found)
    if not listed:
        return []
    examples = tuple(
        example(*one) if isinstance(one, (tuple, list)) else example(one) for one in listed[:EXAMPLES]
    )
    counted: dict[str, int] = {}
    for kind in kinds or ():
        counted[kind] = counted.get(kind, 0) + 1
    return [Anomaly(name, len(listed), examples, counted, sessions)]
