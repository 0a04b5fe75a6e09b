"""The issuer's keys: one signs, retired ones count for a grace period more. They survive restarts.

`signing-key.pem` is the key that signs. When another takes its place its private half is gone, and its public half
stays in `retired-<kid>.json` together with the moment until which it counts.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from waybill_server.signing_key import (
    KEY_FILE,
    KeyRefused,
    SigningKey,
    load_or_make,
    make_key,
    write_privately,
)

RETIRED = "retired-*.json"


class RetiredKey(NamedTuple):
    """The public half of a key that signs no more, and the milliseconds since 1970 until which it counts."""

    public: dict[str, Any]
    until: int


class IssuerKeys:
    """The keys in a data directory.

    Args:
        folder: The data directory.
        grace: Seconds that a retired key still counts.
        now: Seconds since 1970.

    Raises:
        KeyRefused: A key file cannot be used.
    """

    def __init__(self, folder: Path, grace: float, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._grace = grace
        self._now = now
        self._changing = threading.Lock()
        self._signing = load_or_make(folder)
        self._retired = [self._load(path) for path in sorted(folder.glob(RETIRED))]
        # A key that was about to be retired when the process was killed signs on.
        self._retired = [key for key in self._retired if key.public["kid"] != self._signing.kid]
        self._forget()

    @property
    def signing(self) -> SigningKey:
        """The key that signs."""
        return self._signing

    def retired(self) -> list[RetiredKey]:
        """The keys that sign no more and still count, the oldest first."""
        return sorted(
            (key for key in self._retired if key.until > self._now() * 1000), key=lambda key: key.until
        )

    def published(self) -> list[dict[str, Any]]:
        """The JWK set."""
        return [self._signing.public, *(key.public for key in self.retired())]

    def rotate(self) -> SigningKey:
        """Makes a new key and signs with it from now on.

        Raises:
            KeyRefused: It cannot be stored.
        """
        with self._changing:
            old = self._signing
            retired = RetiredKey(old.public, int((self._now() + self._grace) * 1000))
            content = json.dumps(retired._asdict()).encode()
            try:
                write_privately(self._folder / f"retired-{old.kid}.json", content)
                make_key(self._folder / KEY_FILE)
                self._signing = load_or_make(self._folder)
            except OSError as error:
                raise KeyRefused(f"a new key cannot be stored in {self._folder}: {error.strerror}") from None
            self._retired = [*self._retired, retired]
            self._forget()
            return self._signing

    def _forget(self) -> None:
        """Removes what counts no more."""
        self._retired = self.retired()
        counting = {key.public["kid"] for key in self._retired}
        for path in self._folder.glob(RETIRED):
            if path.stem.removeprefix("retired-") not in counting:
                path.unlink(missing_ok=True)

    @staticmethod
    def _load(path: Path) -> RetiredKey:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return RetiredKey({**found["public"], "kid": str(found["public"]["kid"])}, int(found["until"]))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise KeyRefused(f"retired key {path} cannot be used: {error}") from None
