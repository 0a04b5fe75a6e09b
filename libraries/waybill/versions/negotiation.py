"""Which version a server chooses from what a client offers, and what it makes of what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

from waybill.devices.waiting import DeadlinePassed, NotAcknowledged, OperationFailed
from waybill.drivers.base import Capability, Outcome
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.sending import Sending

UNKNOWN: Final = 10_007
"""A version that nobody speaks."""
REFUSED: Final = "unsupported-version"
"""The code of a login that offers no version which the server speaks."""
STRANGE: Final = {"x-shade": {"of": ["grey", 7]}, "x-since": None}
"""Members that no frame of any version has."""
MESSAGES: Final = 10


def choices(guest: Device) -> dict[tuple[int, ...], int | None]:
    """Offers every combination of the versions that the driver speaks and of one that nobody does.

    What the server speaks is found by offering each version alone; of several the highest of these must be chosen.

    Returns:
        The version that was chosen for each offer; None where the login was refused.

    Raises:
        AssertionError: Another one was chosen, or a login without a common version got another answer.
    """
    spoken = [version for version in guest.driver.versions if _chosen(guest, (version,)) is not None]
    found: dict[tuple[int, ...], int | None] = {}
    for offer in _offers(guest.driver.versions):
        expected = max(set(offer) & set(spoken), default=None)
        found[offer] = chosen = _chosen(guest, offer)
        if chosen != expected:
            raise AssertionError(
                f"Expected that a client that offers {_words(offer)} to a server that speaks {_words(spoken)} is given "
                f"version {expected}; it was given {chosen}."
            )
    return found


def require_no_silent_downgrade(
    guest: Device, other: Device, found: Mapping[tuple[int, ...], int | None]
) -> None:
    """Says, in a session of each offer that was let in, what only some versions have: a server that says which version
    it chose must take what that version has, and refuse what it has not.

    Args:
        guest: Who says it.
        other: Whom it is about; nothing stays of it.
        found: The version that was chosen for each offer.

    Raises:
        AssertionError: An operation of a higher version was taken, one of the chosen version was not, or nobody knows
            what became of it.
    """
    added = {one: version for version, those in guest.driver.additions.items() for one in those}
    if Operation.BLOCK not in added:
        return
    for offer, version in found.items():
        if version is None:
            continue
        guest.connect(offers=offer)
        refused = _blocking_refused(guest, other)
        guest.close()
        if refused is None and version < added[Operation.BLOCK]:
            raise AssertionError(
                f"Expected a server that chose version {version} to refuse what that version has not; block was taken."
            )
        if refused is not None and version >= added[Operation.BLOCK]:
            raise AssertionError(
                f"Expected a server that chose version {version} to take what that version has; block "
                f"{_ended(refused)}."
            )


def say_strange_things(guest: Device, other: Device, versions: Sequence[int], deadline: float) -> int:
    """Puts members that nobody knows into every frame of a session of each of these versions, the login included; they
    must change nothing.

    Returns:
        How many messages got through; 0 where the protocol has no room for such members.

    Raises:
        AssertionError: Something was not taken as it would be without.
    """
    if Capability.EXTRA_MEMBERS not in guest.driver.capabilities:
        return 0
    conversation = guest.scenario.direct(guest.user, other.user)
    sent: list[Sending] = []
    for version in versions:
        outcome = guest.try_connect(offers=(version,), extra=STRANGE)
        if outcome.completion is not Completion.OK:
            raise AssertionError(
                f"Expected a login of version {version} with members that nobody knows to succeed; it "
                f"{_ended(outcome)}."
            )
        sent += guest.send_many(conversation, MESSAGES)
        try:
            guest.scenario.wait_until_acknowledged(sent, deadline=deadline)
        except (DeadlinePassed, NotAcknowledged) as reason:
            raise AssertionError(
                f"Expected frames of version {version} with members that nobody knows to be taken. {reason}"
            ) from None
        guest.close()
    return len(sent)


def _blocking_refused(guest: Device, other: Device) -> Outcome | None:
    """How a block was refused; None if it was taken, and is taken away again.

    Raises:
        OperationFailed: Nobody knows what became of it.
    """
    try:
        guest.block(other.user)
    except OperationFailed as failed:
        if failed.outcome.completion is not Completion.FAIL:
            raise
        return failed.outcome
    guest.unblock(other.user)
    return None


def _offers(versions: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(1, len(versions) + 2):
        yield from combinations((*versions, UNKNOWN), size)


def _chosen(guest: Device, offer: tuple[int, ...]) -> int | None:
    """The version that is chosen for an offer; None where the login is refused for want of one.

    Raises:
        AssertionError: It ended in another way.
    """
    outcome = guest.try_connect(offers=offer)
    if outcome.completion is Completion.OK:
        assert guest.welcome is not None
        chosen = guest.welcome.version
        guest.close()
        return chosen
    if outcome.completion is Completion.FAIL and outcome.code == REFUSED:
        return None
    raise AssertionError(
        f"Expected that a client that offers {_words(offer)} is given one of these versions, or refused as {REFUSED}; "
        f"it {_ended(outcome)}."
    )


def _words(versions: Sequence[int]) -> str:
    return " and ".join(map(str, versions)) or "none of them"


def _ended(outcome: Outcome) -> str:
    return f"ended with {outcome.code}: {outcome.text}"
