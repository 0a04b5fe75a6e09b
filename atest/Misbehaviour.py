"""Makes the server look as if it misbehaved, so that the keywords can be seen to notice."""

from __future__ import annotations

import dataclasses
import urllib.request
from enum import Enum
from typing import Any

from robot.api.deco import keyword, library

from waybill import bundled
from waybill.devices import forging
from waybill.drivers.base import Delivery, Driver, Login, LoginRefused, Observer, Outcome, Session
from waybill.faults import cuts
from waybill.faults.disturbances import Disturbance, Way, cut_after
from waybill.history.events import Completion, Mode
from waybill.network.flow import Ending
from waybill.tokens.attack_subjects import other_case
from waybill.tokens.listener import Listener
from WaybillLibrary import Tokens, current, stage
from WaybillLibrary.places import run_folder
from WaybillLibrary.Servers import Servers
from WaybillLibrary.Verdicts import Verdicts

FAR = 100_000_000
"""Bytes that no scenario sends."""


class Defect(Enum):
    """What seems to be wrong with the server."""

    DROP = "drop"
    """Every n-th live delivery never comes."""
    DUPLICATE = "duplicate"
    """Every n-th live delivery comes twice."""
    SWAP = "swap"
    """Every n-th live delivery changes places with the next one."""
    CORRUPT = "corrupt"
    """Every n-th live delivery has one byte changed."""
    INVENT = "invent"
    """After every n-th live delivery comes one that nobody sent."""
    SWALLOW = "swallow"
    """Every n-th send is acknowledged and thrown away."""
    WRONG_ACK = "wrong ack"
    """Every n-th acknowledgement names the send before it."""
    EXPLAIN = "explain"
    """Every n-th refusal of a login says why."""


class Tampering:
    """An observer between a session and its device."""

    def __init__(self, observer: Observer, defect: Defect, every: int) -> None:
        self._observer = observer
        self._defect = defect
        self._every = every
        self._count = 0
        self._answers = 0
        self._held: Delivery | None = None
        self._last: Outcome | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._observer, name)

    def completed(self, operation: int, outcome: Outcome) -> None:
        if outcome.completion is Completion.OK and outcome.key and self._defect is Defect.WRONG_ACK:
            self._answers += 1
            last, self._last = self._last, outcome
            if last is not None and self._answers % self._every == 0:
                outcome = dataclasses.replace(outcome, key=last.key, id=last.id, sequence=last.sequence)
        self._observer.completed(operation, outcome)

    def delivered(self, delivery: Delivery) -> None:
        if delivery.mode is Mode.PAGE:
            self._observer.delivered(delivery)
            return
        self._count += 1
        hit = self._count % self._every == 0
        if self._held is not None:
            held, self._held = self._held, None
            self._observer.delivered(delivery)
            self._observer.delivered(held)
        elif hit and self._defect is Defect.DROP:
            pass
        elif hit and self._defect is Defect.SWAP:
            self._held = delivery
        elif hit and self._defect is Defect.CORRUPT:
            self._observer.delivered(dataclasses.replace(delivery, body=b"?" + delivery.body[1:]))
        else:
            self._observer.delivered(delivery)
            if hit and self._defect is Defect.DUPLICATE:
                self._observer.delivered(delivery)
            if hit and self._defect is Defect.INVENT:
                self._observer.delivered(
                    dataclasses.replace(delivery, key="nobody-sent-this", body=b"boo", id=delivery.id + "x")
                )


class Swallowing:
    """A session that acknowledges some sends without sending them."""

    def __init__(self, session: Session, observer: Observer, every: int) -> None:
        self._session = session
        self._observer = observer
        self._every = every
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        self._count += 1
        if self._count % self._every == 0:
            self._observer.completed(operation, Outcome(Completion.OK, id=f"never-{self._count}", key=key))
            self._observer.idle()
        else:
            self._session.send(operation, conversation, key, body)

    def send_many(self, sends: list[tuple[int, str, str, bytes]]) -> None:
        for one in sends:
            self.send(*one)


class Misbehaving:
    """A driver whose sessions misbehave."""

    def __init__(self, driver: Driver, defect: Defect, every: int) -> None:
        self._driver = driver
        self._defect = defect
        self._every = every
        self._refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def connect(self, login: Login, observer: Observer) -> Any:
        if self._defect is Defect.SWALLOW:
            return Swallowing(self._driver.connect(login, observer), observer, self._every)
        if self._defect is Defect.EXPLAIN:
            return self._explaining(login, observer)
        return self._driver.connect(login, Tampering(observer, self._defect, self._every))  # type: ignore[arg-type]

    def _explaining(self, login: Login, observer: Observer) -> Session:
        try:
            return self._driver.connect(login, observer)
        except LoginRefused as refused:
            self._refused += 1
            if self._refused % self._every:
                raise
            raise LoginRefused(dataclasses.replace(refused.outcome, text="the signature is wrong")) from None


class Asked(Listener):
    """A listener that somebody has asked already when it is looked at."""

    @property
    def asked(self) -> list[str]:
        with urllib.request.urlopen(f"http://{self.place}/jku"):
            return super().asked


def _much_later(way: Way, after: int, ending: Ending) -> Disturbance:
    return cut_after(way, after + FAR, ending)


@library(scope="GLOBAL", auto_keywords=False)
class Misbehaviour:
    """A server that seems to misbehave, for the tests of the keywords."""

    @keyword
    def the_server_misbehaves(self, defect: Defect, every: int = 10) -> None:
        """From the next connection on the server seems to have this defect."""
        scenario = stage.scenario()
        scenario.driver = Misbehaving(scenario.driver, defect, every)  # type: ignore[assignment]

    @keyword
    def the_server_looks_where_tokens_say(self, looks: bool = True) -> None:
        """From now on (or no longer) whoever listens for a server that follows false tokens is asked."""
        Tokens.Listener = Asked if looks else Listener  # type: ignore[attr-defined]

    @keyword
    def names_lose_their_case(self, lose: bool = True) -> None:
        """From now on (or no longer) a namesake in other letters gets what the person gets."""
        forging.other_case = (lambda _: {}) if lose else other_case  # type: ignore[attr-defined]

    @keyword
    def cuts_come_too_late(self, late: bool = True) -> None:
        """From now on (or no longer) connections are cut so many bytes later that nothing meets the cut."""
        cuts.cut_after = _much_later if late else cut_after  # type: ignore[attr-defined]

    @keyword
    def forget_everything(self, node: str) -> None:
        """The node is stopped and started without its data."""
        target = stage.target()
        target.stop(node)
        target.upkeep(node).clear()
        target.start(node)

    @keyword
    def errors_in_logs(self) -> int:
        """Ends the scenario; gives how many unexpected errors the server logged meanwhile."""
        Verdicts().end_scenario()
        assert current.case.log_errors is not None, "the target file does not say what an error is"
        return current.case.log_errors

    @keyword
    def start_defective_target(self, defect: str, *, target: str = "reference") -> None:
        """Starts the reference server with one of its seeded defects, in place of the target of the file."""
        name = '"--name", "{name}",'
        self.start_changed_target(name, f'{name} "--defect", "{defect}",', name=defect, target=target)

    @keyword
    def start_changed_target(
        self, replace: str, by: str, *, name: str = "changed", target: str = "reference"
    ) -> None:
        """Starts the reference server with another text in its target file, in place of the target of the file."""
        written = (bundled.folder("resources") / "targets" / f"{target}.toml").read_text(encoding="utf-8")
        assert replace in written, f"there is no '{replace}' in {target}.toml"
        file = run_folder() / f"{name}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written.replace(replace, by), encoding="utf-8")
        Servers().start_target(str(file))

    @keyword
    def start_target_without_administration(self) -> None:
        """Starts the reference server from a target file that does not tell how to administer it."""
        text = (bundled.folder("resources") / "targets" / "reference.toml").read_text(encoding="utf-8")
        begin, end = text.index("[administration."), text.index("[promises]")
        file = run_folder() / "silent.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text[:begin] + text[end:], encoding="utf-8")
        Servers().start_target(str(file))

    @keyword
    def the_target_promises(self, name: str, value: str) -> None:
        """From now on the running target counts as one that promises this."""
        running = stage.target()
        running.file = dataclasses.replace(running.file, promises={**running.file.promises, name: value})
