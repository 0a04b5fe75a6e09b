"""What became of the cases that were tried."""

from __future__ import annotations

from dataclasses import dataclass, field

from waybill.authorization.table import Case
from waybill.drivers.base import Outcome
from waybill.history.events import Completion


@dataclass(frozen=True, slots=True)
class Checked:
    """One case that was tried.

    Attributes:
        case: The case.
        effect: Whether it took effect; None if nobody can tell.
        said: The answer, or what was seen.
    """

    case: Case
    effect: bool | None
    said: str

    @property
    def words(self) -> str:
        """The case and what was found."""
        return f"{self.case.id} ({self.said})"

    @property
    def verdict(self) -> str:
        """`as it must`, `WRONG`, or `nobody can tell`."""
        if self.effect is None:
            return "nobody can tell"
        return "as it must" if self.effect is self.case.allowed else "WRONG"


@dataclass(slots=True)
class Trial:
    """All cases of a scenario.

    Attributes:
        checked: Those that were tried, in order.
        not_tried: Those that could not be, each with the reason.
        traces: What a victim noticed of what was refused.
    """

    checked: list[Checked] = field(default_factory=list)
    not_tried: dict[str, str] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)

    def saw(self, case: Case, effect: bool | None, said: str) -> None:
        """A case was tried, and this is what was seen."""
        self.checked.append(Checked(case, effect, said))

    def answered(self, case: Case, outcome: Outcome) -> None:
        """A case was tried, and the answer decides: OK took effect, a refusal did not, all else nobody can tell."""
        effect = {Completion.OK: True, Completion.FAIL: False}.get(outcome.completion)
        self.saw(case, effect, "done" if effect else f"{outcome.code}: {outcome.text}".rstrip(": "))

    def skipped(self, case: Case, reason: str) -> None:
        """A case could not be tried."""
        self.not_tried[case.id] = reason

    @property
    def undecided(self) -> list[Checked]:
        """The cases of which nobody can tell what became of them."""
        return [one for one in self.checked if one.effect is None]

    @property
    def allowed_wrongly(self) -> list[Checked]:
        """What took effect and must not."""
        return [one for one in self.checked if one.effect is True and not one.case.allowed]

    @property
    def denied_wrongly(self) -> list[Checked]:
        """What was refused and must not be."""
        return [one for one in self.checked if one.effect is False and one.case.allowed]

    def figures(self) -> dict[str, int]:
        """What the catalogue counts."""
        return {
            "checks": len(self.checked) - len(self.undecided),
            "allowed_wrongly": len(self.allowed_wrongly),
            "denied_wrongly": len(self.denied_wrongly),
            "traces": len(self.traces),
            "undecided": len(self.undecided),
            "not_tried": len(self.not_tried),
        }

    def require(self) -> None:
        """Says what is not as the role table has it.

        Raises:
            AssertionError: Naming the cases, what was found, and what victims noticed.
        """
        wrong = [
            ("must be refused and took effect", [one.words for one in self.allowed_wrongly]),
            ("must take effect and was refused", [one.words for one in self.denied_wrongly]),
            ("was refused, and left a trace", self.traces),
        ]
        found = [f"{len(names)} {what}: {_some(names)}" for what, names in wrong if names]
        if found:
            raise AssertionError(
                f"Expected all {len(self.checked)} cases to end as the role table says (docs/authorization.md). "
                f"{'. '.join(found)}."
            )
        if not self.checked and not self.not_tried:
            raise AssertionError("Nothing was tried, so nothing is shown.")


def _some(names: list[str], most: int = 8) -> str:
    listed = "; ".join(names[:most])
    return listed if len(names) <= most else f"{listed}; and {len(names) - most} more"
