"""A message on its way: its name, its key, its attempts and how they ended."""

from __future__ import annotations

import random
import string
import zlib
from typing import TYPE_CHECKING, Final

from waybill.drivers.base import ACCEPTED, Outcome
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation


class Sending:
    """One message that a device sends, over all its attempts.

    Attributes:
        name: What reports call it, `alice/phone#42`.
        device: The device that made it, `alice/phone`.
        user: The sender.
        conversation: Where it goes.
        key: Its idempotency key; every attempt carries the same one.
        body: Its body.
        order: Its place among all sends of the scenario, in the order of their first attempts.
        attempts: How often it was handed to a session.
        outcome: How it ended so far: None while the only attempt is open; an acknowledgement stays, whatever
            later attempts say.
        last: How the newest completed attempt ended.
        over_quota: The scenario knows that it is over a promised bound.
        keyed: Its key goes with it; without, only the kit knows it.
        tried_by: The devices that handed it to a session.
        ttl: Its time to live in milliseconds; None for a message that stays.
        expired: The server said that its time is over.
    """

    __slots__ = (
        "attempts", "body", "conversation", "device", "expired", "key", "keyed", "last", "name", "open", "order",
        "outcome", "over_quota", "tried_by", "ttl", "user",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        device: str,
        conversation: Conversation,
        key: str,
        body: bytes,
        order: int,
        *,
        over_quota: bool = False,
        keyed: bool = True,
        ttl: int | None = None,
    ) -> None:
        self.name = name
        self.device = device
        self.user = device.partition("/")[0]
        self.conversation = conversation
        self.key = key
        self.body = body
        self.order = order
        self.attempts = 0
        self.outcome: Outcome | None = None
        self.last: Outcome | None = None
        self.open: set[int] = set()
        self.over_quota = over_quota
        self.keyed = keyed
        self.ttl = ttl
        self.expired = False
        self.tried_by: set[str] = set()

    @property
    def acknowledged(self) -> bool:
        """Some attempt was acknowledged."""
        return self.outcome is not None and self.outcome.completion is Completion.OK

    @property
    def accepted(self) -> bool:
        """It was written whole on a session whose server answers a send with nothing: all that its sender will know."""
        return self.outcome is not None and self.outcome.code == ACCEPTED

    @property
    def taken(self) -> bool:
        """The server acknowledged it, or accepted it without a word where that is all it ever does."""
        return self.acknowledged or self.accepted

    @property
    def refused(self) -> bool:
        """Every attempt so far ended in a definite refusal, or never left the client."""
        return self.outcome is not None and self.outcome.completion is Completion.FAIL

    @property
    def unknown(self) -> bool:
        """No attempt is open, none was acknowledged or accepted, and one may have taken effect."""
        if self.open or self.outcome is None or self.accepted:
            return False
        return self.outcome.completion is Completion.INFO

    @property
    def never_left(self) -> bool:
        """No attempt is open, and of none did a byte leave the client."""
        return self.refused and self.answered and self.outcome is not None and self.outcome.code in UNSENT

    @property
    def answered(self) -> bool:
        """No attempt is open."""
        return not self.open and self.outcome is not None

    def began(self, operation: int, device: str) -> None:
        """One more attempt is about to be handed over."""
        self.attempts += 1
        self.open.add(operation)
        self.tried_by.add(device)

    def ended(self, operation: int, outcome: Outcome) -> None:
        """An attempt ended. An acknowledgement beats an unknown outcome, which beats a refusal."""
        self.last = outcome
        before = self.outcome
        if before is None or _WEIGHT[outcome.completion] > _WEIGHT[before.completion]:
            self.outcome = outcome
        self.open.discard(operation)

    def __repr__(self) -> str:
        if self.open:
            state = "open"
        elif self.outcome is None:
            state = "not sent"
        else:
            state = self.outcome.completion.name.lower() + (
                f" {self.outcome.code}" if self.outcome.code else ""
            )
        return f"<{self.name} to {self.conversation.name}: {state}>"


UNSENT: Final = {"not-sent", "not-connected"}
"""The codes of attempts of which no byte left the client (the driver contract)."""
_WEIGHT: Final = {Completion.FAIL: 0, Completion.INFO: 1, Completion.OK: 2}

_ALPHABET: Final = string.ascii_letters + string.digits + " .,:;!?()[]{}<>+-*/=_#%&@$'\"\\|~^`"
_POOL: Final = 1 << 16


class Bodies:
    """Bodies that name their message, made from the seed: the same seed gives the same bytes.

    A body begins with the message's name, so that it can be told from every other one also where a protocol
    carries no key; the rest is text from the seed, quotes and backslashes included.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed & 0xFFFF
        self._pool = "".join(random.Random(seed).choices(_ALPHABET, k=_POOL)).encode()

    def make(self, name: str, size: int = 0) -> bytes:
        """The body of the message with this name, filled up to `size` bytes; never shorter than the name."""
        identity = f"{name} {self._seed:04x} ".encode()
        missing = size - len(identity)
        if missing <= 0:
            return identity[:-1]
        start = zlib.crc32(identity) % _POOL
        filler = self._pool[start : start + missing]
        while len(filler) < missing:
            filler += self._pool[: missing - len(filler)]
        return identity + filler
