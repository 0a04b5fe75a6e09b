"""Finding a driver by the name that target files use."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from waybill.drivers.base import Driver

GROUP = "waybill.drivers"
"""The entry point group under which any distribution registers its drivers."""

_BUILT_IN = {
    "waybill": "waybill.drivers.waybill_v2:WaybillDriver",
    "mqtt": "waybill.drivers.mqtt:MqttDriver",
    "mqtt-3.1.1": "waybill.drivers.mqtt:Mqtt311Driver",
    "mqtt-qos2": "waybill.drivers.mqtt:MqttQos2Driver",
    "iris": "waybill.drivers.iris:IrisDriver",
    "xmpp": "waybill.drivers.xmpp:XmppDriver",
}


class UnknownDriver(LookupError):
    """No driver has this name."""


def names() -> list[str]:
    """The names of all drivers that are installed."""
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


@cache
def find(name: str) -> Driver:
    """The driver with this name.

    The drivers of the kit are found without an installed distribution, so that a plain checkout works too; an
    entry point of the same name comes first.

    Raises:
        UnknownDriver: There is none, or what is registered is not a driver.
    """
    from importlib import import_module

    found = [point.load() for point in entry_points(group=GROUP, name=name)]
    if not found and name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        found = [getattr(import_module(module), attribute)]
    if not found:
        raise UnknownDriver(f"No driver is called {name!r}; there are: {', '.join(names())}.")
    made = found[0]()
    if not isinstance(made, Driver):
        raise UnknownDriver(
            f"The entry point {name!r} of group {GROUP!r} gives {type(made).__name__}, which is no driver."
        )
    return made
