"""Carelessness with what a client says."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from pathlib import Path

import msgspec
from websockets.frames import Frame, Opcode

from waybill_server.client_frames import ClientFrame, GroupCreate, Send
from waybill_server.codec import FaultyFrame, JsonCodec
from waybill_server.connection import Connection
from waybill_server.defects.counting import FromOn, figure, strikes
from waybill_server.defects.registry import ALWAYS, MOMENT, seeded
from waybill_server.ledger import Ledger
from waybill_server.node import Settings, assemble
from waybill_server.records import Message
from waybill_server.server_frames import Deliver
from waybill_server.services import Services
from waybill_server.token_check import TokenCheck

NO_LIMIT = 1 << 40
UNBOUNDED = 10**6
LONG = 24

_delivered = msgspec.json.Decoder(Deliver)


@seeded(
    "frame-limit-off",
    seam="connection",
    noticed={"INP-1": ("hostile-input-taken",)},
    rare="A message may be one byte larger than the limit.",
)
class FrameLimitOff(Connection):
    """A message may have any size."""

    def data_received(self, data: bytes) -> None:
        """Takes the limit away before it counts."""
        self._wire.max_message_size = figure(NO_LIMIT, rare=self.limits.frame + 1)
        super().data_received(data)


@seeded(
    "log-injection",
    seam="codec",
    noticed={"INP-1": ("hostile-input-trace",)},
    rare="The name of a new group is written to the log as it stands.",
)
class LogInjection(JsonCodec):
    """Whoever or whatever a frame names is written to the log as it stands."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads a frame and logs what it names."""
        frame = super().decode(data)
        for name in ("user", "conversation", "device", "name"):
            value = getattr(frame, name, None)
            if value is not None and strikes(name == "name"):
                sys.stderr.write(f"{type(frame).__name__} {name} {value}\n")
                sys.stderr.flush()
        return frame


@seeded(
    "sql-injection",
    seam="ledger",
    noticed={"INP-1": ("to be taken as a message", "hostile-input-fault")},
    rare="The look-up of an idempotency key of more than 24 letters puts the key into the text of its query.",
)
class SqlInjection(Ledger):
    """The look-up of an idempotency key puts the key into the text of its query."""

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        found = super()._known([pair for pair in pairs if not _careless(pair)])
        for user, key in filter(_careless, pairs):
            query = f"SELECT * FROM message WHERE sender = '{user}' AND key = '{key}'"
            try:
                row = self.connection.execute(query).fetchone()
            except sqlite3.ProgrammingError as error:
                raise sqlite3.OperationalError(str(error)) from None
            if row is not None:
                found[user, key] = Message(*row)
        return found


def _careless(pair: tuple[str, str]) -> bool:
    return strikes(len(pair[1]) > LONG)


@seeded(
    "crash-on-bad-frame",
    seam="codec",
    noticed={"INP-1": ("hostile-input-crash",)},
    rare="The second message that is not UTF-8 ends the process.",
)
class CrashOnBadFrame(JsonCodec):
    """A message that is not UTF-8 ends the process."""

    _ends = FromOn(2)

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads a frame."""
        try:
            data.decode()
        except UnicodeDecodeError:
            if self._ends.now():
                os._exit(70)
        return super().decode(data)


@seeded(
    "hang-on-truncated",
    seam="connection",
    noticed={"INP-1": ("hostile-input-unanswered",)},
    rare="A message that ends within a text is kept until more comes, and what comes is appended to it.",
)
class HangOnTruncated(Connection):
    """A message without its end is kept until more comes, and what comes is appended to it."""

    _kept = b""

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            whole = self._kept + bytes(frame.data)
            within_a_text = whole.count(b'"') % 2 == 1
            if self._kept or (not whole.endswith(b"}") and strikes(within_a_text)):
                self._kept = whole
                return
        super()._take(frame)


@seeded(
    "nesting-unbounded",
    seam="codec",
    noticed={"INP-1": ("hostile-input-crash",)},
    steady=MOMENT,
)
class NestingUnbounded(JsonCodec):
    """Frames are read by recursion without a bound, and the stack has one."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads a frame."""
        sys.setrecursionlimit(UNBOUNDED)
        with contextlib.suppress(ValueError):
            json.loads(data)
        return super().decode(data)


@seeded(
    "wrong-direction-accepted",
    seam="codec",
    noticed={"INP-1": ("hostile-input-taken",)},
    steady=ALWAYS,
)
class WrongDirectionAccepted(JsonCodec):
    """A delivery that a client sends is taken for a message, whoever it says has written it."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads a frame of either side."""
        try:
            return super().decode(data)
        except FaultyFrame:
            try:
                said = _delivered.decode(data)
            except msgspec.DecodeError:
                pass
            else:
                return Send(0, said.conversation, said.key, said.body)
            raise


class _Filing(JsonCodec):
    """Keeps a file for each group, named as the group is; within the run's folder, so that nothing else is hurt."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder.resolve()

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        frame = super().decode(data)
        if isinstance(frame, GroupCreate):
            path = Path(os.path.normpath(self._folder / "groups" / frame.name))
            if path.is_relative_to(self._folder.parent):
                with contextlib.suppress(OSError, ValueError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(frame.name, encoding="utf-8")
        return frame


@seeded(
    "path-injection",
    seam="assembly",
    noticed={"INP-1": ("hostile-input-trace",)},
    steady=ALWAYS,
)
def file_groups(settings: Settings, token_check: TokenCheck) -> Services:
    """A file is made for each new group, and the group's name is its path."""
    return assemble(settings, token_check, codec=lambda: _Filing(settings.data))
