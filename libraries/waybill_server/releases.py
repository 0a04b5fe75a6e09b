"""The releases of the server that this code can be: what each of them speaks and how it stores.

Release 1 exists so that upgrades, mixed versions and the way back can be put to the proof with two real releases. What
it does otherwise is in `release_one`; release 2 loads nothing of that.
"""

from __future__ import annotations

from dataclasses import dataclass

from waybill_server.tables import NEWEST_SCHEMA


@dataclass(frozen=True, slots=True)
class Release:
    """One release.

    Attributes:
        number: Its name.
        wire_versions: The versions of wire v2 that it speaks, oldest first.
        schema: The schema of its database.
        unknown: The records, and the calls, of other nodes that it does not know.
    """

    number: int
    wire_versions: tuple[int, ...]
    schema: int
    unknown: frozenset[str] = frozenset()

    @property
    def counts_received(self) -> bool:
        """Whether its logs count what came from others."""
        return self.schema > 1

    @property
    def lets_expire(self) -> bool:
        """Whether it knows messages with a time to live."""
        return self.schema > 1


RELEASES = {
    1: Release(1, (2,), 1, frozenset({"blocks", "rule", "change-block", "change-rule", "use-token"})),
    2: Release(2, (2, 3), NEWEST_SCHEMA),
}
NEWEST = RELEASES[2]
