"""Kinds of clients that a server has: each speaks one version of a protocol that the server understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from waybill.drivers.base import Capability, Driver, Endpoint


@dataclass(frozen=True, slots=True)
class Client:
    """One kind of client.

    Attributes:
        name: What people call it, `v1`.
        driver: What speaks for it.
        version: The newest version that it speaks; None for the driver's newest.
        endpoints: Where it connects to at a node; nodes that are missing have the target's endpoint.
        bound: Whether it can prove the key of a token that is bound to one.
    """

    name: str
    driver: Driver
    version: int | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    bound: bool = True

    @property
    def keyed(self) -> bool:
        """Whether what it sends carries a key."""
        return Capability.IDEMPOTENCY_KEY in self.driver.capabilities
