"""What the event loop does once a record of another node is applied: telling this node's sessions."""

from __future__ import annotations

from waybill_server.cluster.presence import ClusterPresence
from waybill_server.cluster.requests import (
    Changed,
    Effect,
    Ended,
    Expiring,
    Hidden,
    Noted,
    Published,
    Receipted,
)
from waybill_server.group_operations import tell_members
from waybill_server.operations import tell_receipts
from waybill_server.server_frames import Change
from waybill_server.services import Services


class Effects:
    """The sessions of one node, as other nodes' doings reach them.

    Args:
        services: The node.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def take(self, effect: Effect) -> None:
        """Does what there is to do."""
        services, presence = self._services, self._services.presence
        match effect:
            case Published(message, positions):
                services.router.publish(message, positions)
            case Receipted(moved, user, device):
                sessions = services.router.sessions(user)
                mover = next((session for session in sessions if session.device == device), None)
                tell_receipts(mover, services, moved)
            case Changed(group, user, action):
                tell_members(None, services, group, Change(user, action))
            case Hidden(user, other):
                presence.hid(user, other)
            case Expiring(number):
                services.expiry.await_end(number)
            case Ended(revocation):
                services.enforcement(services).end_all(revocation)
            case Noted(user, time) if isinstance(presence, ClusterPresence):
                presence.noted(user, time)
