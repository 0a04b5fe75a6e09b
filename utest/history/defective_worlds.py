"""The simulated server with one defect each, and what the checker must call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from waybill.history import Mode
from waybill.history.planted.simulation import Attempt, Message, Session, Tape, World


class DropsPushes(World):
    """Forgets every seventh entry of a log when it pushes and when it is read."""

    def take(self, session: Session) -> None:
        what, *rest = session.down[0]
        if what == "deliver" and int(rest[0].id) % 7 == 3:
            session.down.popleft()
        else:
            super().take(session)


class ForgetsOneMember(World):
    """Leaves the last member out of the fan-out, now and then."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        answer = super()._send(session, number, attempt)
        if self.ids % 5 == 4:
            log = self.logs["carol"]
            log[:] = [message for message in log if int(message.id) != self.ids]
        return answer


class LeaksToStrangers(World):
    """Writes direct messages into the log of somebody else."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        answer = super()._send(session, number, attempt)
        message = self.known.get((session.device.partition("/")[0], attempt.key))
        if message is not None and message.conversation == "ab" and message not in self.logs["carol"]:
            self.logs["carol"].append(message)
        return answer


class RepeatsPushes(World):
    """Pushes every fifth entry twice."""

    def take(self, session: Session) -> None:
        what, *rest = session.down[0]
        again = what == "deliver" and rest[3] < 0 and rest[1] % 5 == 0
        super().take(session)
        if again and session.alive:
            self.recorder.deliver(
                session.number, rest[0].conversation, rest[0].sender, rest[0].body, key=rest[0].key, id=rest[0].id,
                sequence=rest[0].sequence, cursor=rest[1],
            )  # fmt: skip


class SwapsPushes(World):
    """Pushes neighbours in the wrong order."""

    def push(self) -> None:
        super().push()
        for session in self.sessions.values():
            given = [
                place for place, frame in enumerate(session.down) if frame[0] == "deliver" and frame[4] < 0
            ]
            if len(given) > 1:
                one, two = given[-2:]
                session.down[one], session.down[two] = session.down[two], session.down[one]


class ForgetsRetries(World):
    """Stores a retry as a new message."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        self.known.clear()
        return super()._send(session, number, attempt)


class IgnoresSender(World):
    """Recognises retries by the key alone, whoever sent it."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        user = session.device.partition("/")[0]
        same = [message for (_, key), message in self.known.items() if key[:2] == attempt.key[:2]]
        if same:
            self.known.setdefault((user, attempt.key), same[0])
        return super()._send(session, number, attempt)


class LosesOnKill(World):
    """Has the newest entries only in memory when it is killed."""

    def kill(self) -> None:
        for log in self.logs.values():
            del log[max(0, len(log) - 2) :]
        super().kill()


class ForgetsCursors(World):
    """Forgets what devices acknowledged."""

    def _login(self, session: Session, number: int, asked: int) -> tuple[Any, ...]:
        self.cursors[session.device] = max(0, self.cursors.get(session.device, 0) - 2)
        return super()._login(session, number, asked)


class RefusesButStores(World):
    """Says no and stores it all the same."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        good, answer = super()._send(session, number, attempt)
        return (False, "busy") if good and self.ids % 4 == 0 else (good, answer)


class Corrupts(World):
    """Changes a body on the way into the store."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        answer = super()._send(session, number, attempt)
        for message in self.known.values():
            if message.sequence % 5 == 2:
                message.body = b"changed"
        return answer


class ReusesSequences(World):
    """Gives a sequence twice."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        place = attempt.conversation
        if self.sequences.get(place, 0) % 4 == 3:
            self.sequences[place] -= 1
        return super()._send(session, number, attempt)


class KeepsFormerMembers(World):
    """Goes on writing into the logs of former members."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        known = set(self.known)
        answer = super()._send(session, number, attempt)
        for name in set(self.known) - known:
            message = self.known[name]
            for log in self.logs.values():
                if message.conversation == "g" and message not in log:
                    log.append(message)
        return answer


class AcknowledgesAnother(World):
    """Answers a send with the id of the one before."""

    last: Message | None = None

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        good, answer = super()._send(session, number, attempt)
        if good and answer and self.last is not None and self.ids % 3 == 0:
            answer = {"id": self.last.id, "sequence": self.last.sequence, "key": self.last.key}
        self.last = self.known.get((session.device.partition("/")[0], attempt.key), self.last)
        return good, answer


class SkipsInPages(World):
    """Leaves out the first entry of a page."""

    def _sync(self, session: Session, number: int, after: int, limit: int, mode: Mode) -> tuple[Any, ...]:
        before = len(session.down)
        answer = super()._sync(session, number, after, limit, mode)
        if mode is Mode.PAGE and len(session.down) - before > 1:
            del session.down[before]
        return answer


class MarksGoBack(World):
    """Takes a read marker back."""

    def _read(self, session: Session, number: int, conversation: str, sequence: int) -> tuple[Any, ...]:
        self.read[conversation, session.device.partition("/")[0]] = sequence
        self._tell((conversation, session.device.partition("/")[0]))
        return True, {}


class ReceiptsAtOnce(World):
    """Sends the receipts of a message when it is stored."""

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        answer = super()._send(session, number, attempt)
        for user in self.members[attempt.conversation]:
            place = (attempt.conversation, user)
            self.delivered[place] = self.sequences.get(attempt.conversation, 0)
            self._tell(place)
        return answer


class PresenceSticks(World):
    """Says that everybody is there."""

    def _presence(self, session: Session, number: int, user: str) -> tuple[Any, ...]:
        return True, {"value": 1, "user": user}


DEFECTS: list[tuple[Callable[[Tape, Path], World], str]] = [
    (DropsPushes, "lost-acked"),
    (ForgetsOneMember, "partial-fanout"),
    (RepeatsPushes, "duplicate-delivered"),
    (SwapsPushes, "reordered"),
    (SwapsPushes, "order-divergence"),
    (SwapsPushes, "id-regression"),
    (ForgetsRetries, "duplicate-stored"),
    (ForgetsRetries, "duplicate-accepted"),
    (IgnoresSender, "inconsistent-id"),
    (LosesOnKill, "lost-acked"),
    (LosesOnKill, "premature-ack"),
    (ForgetsCursors, "duplicate-delivered"),
    (ForgetsCursors, "cursor-regression"),
    (RefusesButStores, "delivered-after-refusal"),
    (Corrupts, "corrupted"),
    (ReusesSequences, "inconsistent-id"),
    (ReusesSequences, "id-regression"),
    (KeepsFormerMembers, "membership-leak"),
    (LeaksToStrangers, "misrouted"),
    (AcknowledgesAnother, "inconsistent-id"),
    (SkipsInPages, "stale-read"),
    (MarksGoBack, "cursor-regression"),
    (ReceiptsAtOnce, "false-receipt"),
    (PresenceSticks, "stale-read"),
]
