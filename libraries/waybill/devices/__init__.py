"""Users' devices on any driver: sessions, inbox, waits, retries with the same key; a scenario records them
all."""

from waybill.devices.conversation import Conversation
from waybill.devices.device import Device, Page
from waybill.devices.policy import Acknowledge
from waybill.devices.scenario import Scenario, User
from waybill.devices.sending import Sending
from waybill.devices.settling import Settlement
from waybill.devices.stream import Stream
from waybill.devices.target_access import Account, TargetAccess
from waybill.devices.waiting import Deadline, DeadlinePassed, NoSession, NotAcknowledged, OperationFailed

__all__ = [
    "Account",
    "Acknowledge",
    "Conversation",
    "Deadline",
    "DeadlinePassed",
    "Device",
    "NoSession",
    "NotAcknowledged",
    "OperationFailed",
    "Page",
    "Scenario",
    "Sending",
    "Settlement",
    "Stream",
    "TargetAccess",
    "User",
]
