"""Waivers: what a target does not promise, in writing, by somebody, until a date."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from waybill.readiness.catalogue import Catalogue


class WaiverError(ValueError):
    """A waiver is refused; the message says which one and what it lacks."""


class Waiver(msgspec.Struct, frozen=True):
    """One guarantee taken out of the demands on a target.

    Attributes:
        guarantee: Its id.
        reason: Why the target does not promise it.
        owner: Who answers for that.
        expires: The last day on which the waiver counts.
    """

    guarantee: str
    reason: str
    owner: str
    expires: datetime.date

    def expired(self, day: datetime.date) -> bool:
        """Whether the waiver no longer counts on a day. Its last day is still covered."""
        return day > self.expires

    def sentence(self) -> str:
        """The waiver in one line."""
        return f"waived until {self.expires.isoformat()} by {self.owner}: {self.reason}"


def accept(entries: Iterable[Mapping[str, Any] | object], catalogue: Catalogue) -> list[Waiver]:
    """Takes a target's waivers over, or refuses them.

    Args:
        entries: Tables of a target file or run record, or objects with the same attributes.
        catalogue: What can be waived.

    Raises:
        WaiverError: One lacks its reason, owner or date, names no guarantee, or is there twice.
    """
    accepted: dict[str, Waiver] = {}
    for number, entry in enumerate(entries, 1):
        waiver = _one(number, entry, catalogue)
        if waiver.guarantee in accepted:
            raise WaiverError(f"There are two waivers for {waiver.guarantee}; keep one.")
        accepted[waiver.guarantee] = waiver
    return list(accepted.values())


def _one(number: int, entry: Mapping[str, Any] | object, catalogue: Catalogue) -> Waiver:
    fields = ("guarantee", "reason", "owner", "expires")
    values = {
        name: entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None) for name in fields
    }
    called = f"The waiver of {values['guarantee']}" if values["guarantee"] else f"Waiver number {number}"
    texts = {name: str(values[name] or "").strip() for name in ("guarantee", "reason", "owner")}
    for name, text in texts.items():
        if not text:
            raise WaiverError(
                f"{called} has no {name}: a waiver needs guarantee, reason, owner and expires (a date). "
                f"Without all four nobody answers for it."
            )
    guarantee = texts["guarantee"].upper()
    if guarantee not in catalogue.guarantees:
        raise WaiverError(f"{called} names no guarantee of the catalogue. See docs/reports.md for the list.")
    return Waiver(guarantee, texts["reason"], texts["owner"], _date(called, values["expires"]))


def _date(called: str, value: object) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        found = "nothing" if value is None else f"'{value}'"
        raise WaiverError(
            f"{called} has no date on which it expires: expected expires = 2027-03-31, found {found}."
        ) from None
