"""The parameters of what a target promises: their names, kinds and meanings.

A target file states them under `[promises]`; scenarios take their bounds from here and every history carries
them. A parameter that is not stated is not promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from waybill.targets.toml_table import Table, duration, nearest


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a promise.

    Attributes:
        kind: `duration`, `count`, `flag`, or the allowed words separated by `|`.
        meaning: What is promised.
    """

    kind: str
    meaning: str


PARAMETERS: Final[dict[str, Parameter]] = {
    "presence_bound": Parameter("duration", "The longest time after which presence tells the truth."),
    "dedup": Parameter("durable|memory|none", "What a retry under the same key meets after a restart."),
    "dedup_window": Parameter("duration", "How long a key is remembered; without it, for ever."),
    "total_order": Parameter("flag", "All devices show a conversation in one order."),
    "pipelined_order": Parameter(
        "flag", "Sends of one session keep their order even while all are under way."
    ),
    "realtime_order": Parameter(
        "flag", "A message acknowledged before another is sent comes before it everywhere."
    ),
    "new_member_history": Parameter(
        "none|all", "What of the time before its join a new group member is given."
    ),
    "new_device_history": Parameter(
        "none|all", "What of the time before its first login a new device is given."
    ),
    "catch_up": Parameter(
        "pushed|read",
        "How a device that was away while others of its user were there gets what it missed: the server pushes it at "
        "login, or the device reads its log from where it was.",
    ),
    "own_devices": Parameter("flag", "A sender's other devices are given what it sends."),
    "sequences": Parameter("gapless|any", "Sequence numbers of a conversation leave no hole."),
    "ids": Parameter("ordered|opaque", "The server's ids of a conversation grow, compared as text."),
    "message_time": Parameter("stored|any", "The server's time of a stored message never changes."),
    "revocation_bound": Parameter(
        "duration", "The longest time after which a revoked token is worth nothing."
    ),
    "rotation_grace": Parameter(
        "duration",
        "How long tokens of a retired key still count, and the issuer publishes the key; without it, not at all.",
    ),
    "recovery_bound": Parameter(
        "duration", "The longest time after which clients of a node that died are served by another one."
    ),
    "breaker_bound": Parameter(
        "duration", "The longest time after which nobody waits any more for a node that is slow or dead."
    ),
    "login_bound": Parameter("duration", "The longest time that a connection without a login stays open."),
    "tls_floor": Parameter("1.2|1.3", "The lowest version of TLS that the server accepts."),
    "steady_rate": Parameter("count", "Messages per second of one sender that the server takes all day."),
    "inbox": Parameter("count", "Messages that an offline user's inbox takes; what is over it is refused."),
    "window": Parameter("count", "Deliveries in flight that a device has not acknowledged."),
    "frame": Parameter("count", "Bytes of one client message on the wire."),
    "body": Parameter("count", "Bytes of a message body."),
    "oversize": Parameter(
        "refused|disconnected",
        "What a message with a larger body meets: a refusal, or the end of its connection.",
    ),
    "name": Parameter("count", "Characters of a user, device or group name."),
    "key": Parameter("count", "Characters of an idempotency key."),
    "page": Parameter("count", "Entries of one sync page."),
    "members": Parameter("count", "Members of a group."),
    "token_leeway": Parameter(
        "duration",
        "How long a token is still taken after its end, for clocks that differ; without it, not at all.",
    ),
}


def read_promises(table: Table) -> dict[str, str | int | bool]:
    """The stated parameters, checked against `PARAMETERS`.

    Raises:
        TargetFileError: A parameter is unknown or has a value of another kind.
    """
    stated = table.entries()
    for name, value in stated.items():
        parameter = PARAMETERS.get(name)
        if parameter is None:
            raise table.error(
                name,
                f"there is no such promise{nearest(name, list(PARAMETERS)) or '.'} "
                f"Known: {', '.join(PARAMETERS)}.",
            )
        expected = _expected(parameter.kind, value)
        if expected:
            raise table.error(name, f"expected {expected}, found {value!r}. {parameter.meaning}")
    return stated


def _expected(kind: str, value: object) -> str:
    """What was expected, if the value is not of the kind; else nothing."""
    if kind == "duration":
        fits = isinstance(value, str) and duration(value) is not None
        return "" if fits else 'a duration such as "3s" (units ms, s, min, h)'
    if kind == "count":
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return "" if fits else "a whole number, 0 or more"
    if kind == "flag":
        return "" if isinstance(value, bool) else "true or false"
    words = kind.split("|")
    return "" if value in words else "one of " + ", ".join(f"'{word}'" for word in words)
