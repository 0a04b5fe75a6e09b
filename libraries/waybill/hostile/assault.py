"""Hostile input within a scenario: who says it, what is judged, and what it came to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from waybill.devices.target_access import TargetAccess
from waybill.drivers.base import Login, LoginRefused
from waybill.drivers.frame_table import Broken, Cast, FrameTable
from waybill.hostile.campaign import Campaign
from waybill.hostile.inputs import Inputs
from waybill.hostile.phrases import PHRASES, marker, phrase
from waybill.hostile.reaction import Became, Reaction
from waybill.hostile.sorts import Input, Sort
from waybill.hostile.traces import Trace, Traced, Traces

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending

WAYS: Final = 6
"""Connections at a time."""
ANSWER: Final = 5.0
"""Seconds for a server to answer an input or to end its connection."""
SHOWN: Final = 5
"""The most examples of one finding."""

WRONG: Final = {
    "unreachable": "hostile-input-crash",
    "silent": "hostile-input-unanswered",
    "taken": "hostile-input-taken",
    "rejected": "legal-input-rejected",
    "server's fault": "hostile-input-fault",
}
"""The anomaly for what is wrong with a reaction."""
GONE, FAULT, TRACE = "hostile-input-crash", "hostile-input-fault", "hostile-input-trace"


class Target(TargetAccess, Traced, Protocol):
    """What must be known of a target to say hostile input to it."""

    def pid(self, node: str | None = None) -> int:
        """The process id of a node."""

    def alive(self, node: str | None = None) -> bool | None:
        """Whether a node runs; None where nobody can tell."""


class NoTable(AssertionError):
    """The driver has no table of its protocol's frames."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that hostile input did.

    Attributes:
        anomaly: Its name.
        count: How often.
        sentence: What it is, with the smallest examples.
    """

    anomaly: str
    count: int
    sentence: str

    def plain(self) -> dict[str, Any]:
        """As reports want it."""
        return {**dataclasses.asdict(self), "events": []}


class Assault:
    """Hostile input against the target of a scenario, by an account that appears nowhere else.

    Args:
        scenario: The scenario; its seed chooses the inputs.
        target: Its target.
        deadline: Seconds that the server has for each input.

    Attributes:
        reactions: What became of everything that was said.
    """

    def __init__(self, scenario: Scenario, target: Target, *, deadline: float = ANSWER) -> None:
        self._scenario = scenario
        self._target = target
        self._deadline = deadline
        self._account, self._other = target.account(), target.account()
        self._pids = {node: self._pid(node) for node in target.nodes}
        self._traces = Traces(target)
        self.reactions: list[Reaction] = []
        self.table = self._table("e30.e30.AA")

    def before_login(self) -> list[Input]:
        """What somebody says who never logs in; connections that are held open where the target promises an end."""
        inputs = Inputs(self.table, self._scenario.seed)
        held = inputs.held() if self._login_bound is not None else []
        return [*held, *inputs.before_login()]

    def after_login(self) -> list[Input]:
        """What is wrong in its form, said after a login."""
        return Inputs(self.table, self._scenario.seed).after_login()

    def texts(self) -> list[Input]:
        """Text that is something else elsewhere, in every field; logins with a genuine credential among them."""
        credential = self._target.credential(self._account, "hostile-1")
        table = self._table(credential.token or credential.password)
        return Inputs(table, self._scenario.seed).texts()

    def say(self, inputs: Sequence[Input], between: Callable[[], None]) -> list[Reaction]:
        """Says all of it and remembers what became of it.

        Args:
            inputs: What to say.
            between: Called after every batch.

        Raises:
            AssertionError: The genuine login of the same account does not work.
        """
        campaign = Campaign(self.table, self._logins(), self._deadline, self._login_bound or 0.0)
        try:
            campaign.check()
        except (Broken, LoginRefused) as error:
            raise AssertionError(
                f"Expected a genuine login to work on a raw connection, so that a refusal shows something; {error}."
            ) from None
        reactions = campaign.run(inputs, between)
        self.reactions += reactions
        return reactions

    @property
    def inputs(self) -> int:
        """How many inputs the server reacted to, or was given time to."""
        return sum(one.became is not Became.UNREACHABLE for one in self.reactions)

    def findings(self) -> list[Finding]:
        """Everything that is wrong with what the server did, and with what was left behind."""
        return [*self._gone(), *self._reacted(), *self._left()]

    def by_sort(self) -> list[str]:
        """How many inputs of each sort there were, and what became of them."""
        counts: dict[Sort, Counter[str]] = {}
        for one in self.reactions:
            counts.setdefault(one.input.sort, Counter())[one.became.value] += 1
        return [
            f"{sort.value}: {found.total()} ({', '.join(f'{count} {what}' for what, count in found.most_common())})"
            for sort, found in counts.items()
        ]

    # -- findings --------------------------------------------------------------------------------------------

    def _gone(self) -> list[Finding]:
        gone = [node for node, pid in self._pids.items() if pid is not None and not self._runs(node, pid)]
        if not gone:
            return []
        last = next((one for one in reversed(self.reactions) if one.became is not Became.UNREACHABLE), None)
        after = f"; the last input that it took notice of was {last.in_words()}" if last is not None else ""
        return [Finding(GONE, len(gone), f"the process of {', '.join(gone)} ended or is another one{after}")]

    def _reacted(self) -> list[Finding]:
        wrong: dict[str, list[Reaction]] = {}
        for one in self.reactions:
            if what := one.wrong(self.table.faults):
                wrong.setdefault(what, []).append(one)
        return [
            Finding(WRONG[what], len(found), f"{len(found)} inputs were {_WORDS[what]}: {_examples(found)}")
            for what, found in wrong.items()
        ]

    def _left(self) -> list[Finding]:
        if not self._target.launched:
            return []
        traces = self._traces.find(self.reactions, self._scenario.seed)
        said = {one.input.marker: one for one in self.reactions if one.input.marker}
        findings = []
        for anomaly, kinds in ((FAULT, {"fault"}), (TRACE, {"log", "file", "store"})):
            found = [one for one in traces if one.kind in kinds]
            if found:
                shown = "; ".join(self._traced(one, said) for one in found[:SHOWN])
                what = "told of a fault" if anomaly == FAULT else "were left by hostile input"
                findings.append(Finding(anomaly, len(found), f"{len(found)} traces {what}: {shown}"))
        return findings

    @staticmethod
    def _traced(trace: Trace, said: dict[str, Reaction]) -> str:
        cause = said.get(trace.marker)
        return trace.in_words() + (f" <- {cause.in_words()}" if cause is not None else "")

    # -- parts -----------------------------------------------------------------------------------------------

    @property
    def _login_bound(self) -> float | None:
        from waybill.history.promises import seconds

        return seconds(self._target.promises.get("login_bound"))

    def _table(self, token: str) -> FrameTable:
        limits = {name: one for name, one in self._target.promises.items() if isinstance(one, int)}
        cast = Cast(self._account.user, self._other.user, "hostile-1", limits, token)
        table = self._scenario.driver.frame_table(cast)
        if table is None:
            raise NoTable(
                f"The driver '{self._scenario.driver.name}' has no table of its protocol's frames, so no input can be "
                f"made from them. Give it the method `frame_table` (docs/drivers.md)."
            )
        return table

    def _logins(self) -> list[Login]:
        names = [f"hostile-{way}" for way in range(1, WAYS + 1)]
        target = self._target
        return [
            Login(target.endpoint(), target.credential(self._account, name), name, deadline=self._deadline)
            for name in names
        ]

    def _pid(self, node: str) -> int | None:
        return self._target.pid(node) if self._target.launched else None

    def _runs(self, node: str, pid: int) -> bool:
        return self._target.alive(node) is not False and self._target.pid(node) == pid


_WORDS: Final = {
    "unreachable": "not taken because nobody could connect or log in any more",
    "silent": "neither answered nor met by the end of the connection",
    "taken": "taken though they are not legal",
    "rejected": "rejected though they are legal",
    "server's fault": "answered with a fault of the server's own",
}


def legal_texts(seed: int, first: int) -> list[str]:
    """Every text of the lists with a marker, numbered from the first: legal as a body, whatever it is elsewhere."""
    made = [(sort, name) for sort, phrases in PHRASES.items() for name in phrases]
    return [phrase(sort, name, marker(number, seed)) for number, (sort, name) in enumerate(made, start=first)]


def send_texts(scenario: Scenario, device: Device, recipient: str, *, keys: bool) -> list[Sending]:
    """Sends every text as a body and, where the protocol has keys, as an idempotency key, on a session of the driver.

    The check of the history judges whether they arrive byte for byte.
    """
    conversation = scenario.direct(device.user, recipient)
    most = scenario.target.promises.get("key", 64)
    sent = [device.send(conversation, text) for text in legal_texts(scenario.seed, 90_000)]
    if keys:
        texts = [text for text in legal_texts(scenario.seed, 95_000) if 0 < len(text) <= most]
        sent += [device.send(conversation, key=text) for text in texts]
    return sent


def _examples(reactions: Sequence[Reaction]) -> str:
    """The smallest one of each sort."""
    by_size = sorted(reactions, key=lambda one: len(b"".join(one.input.pieces)), reverse=True)
    smallest = list({one.input.sort: one for one in by_size}.values())[-SHOWN:]
    return "; ".join(one.in_words() for one in smallest)
