"""What a node is told of its peers, and the bounds between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The bounds of a link, in seconds unless it says otherwise.

    Attributes:
        failures: Failed attempts in a row after which the breaker opens.
        silence: How long a link may be silent before it counts as cut, which opens the breaker at once.
        heartbeat: How often each side says that it is there.
        attempt: How long it may take to connect and to be welcomed.
        pause: The time between two attempts while the breaker is closed.
        probe: The time between two attempts while it is open.
        patience: How long an answer to a client waits for other nodes.
        rights: How long an answer about who may do what waits for them, whether they can be reached or not.
        confirmation: How long the confirmation of a revocation does.
        catching_up: How long a node that starts waits for what others have for it, before it takes clients.
    """

    failures: int = 3
    silence: float = 1.0
    heartbeat: float = 0.25
    attempt: float = 1.0
    pause: float = 0.1
    probe: float = 0.5
    patience: float = 1.0
    rights: float = 4.0
    confirmation: float = 8.0
    catching_up: float = 5.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A node among several.

    Attributes:
        peers: The addresses of the others, by their names.
        port: Where the node listens for them.
        authority: The authority that all nodes' certificates must come from (PEM).
        certificate: What the node shows the others, with its name as a DNS name (PEM).
        key: Its private key (PEM).
    """

    peers: Mapping[str, tuple[str, int]]
    port: int
    authority: Path
    certificate: Path
    key: Path
    thresholds: Thresholds = field(default_factory=Thresholds)
