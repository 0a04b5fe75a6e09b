"""What will become of each guarantee on a target, as far as that is known before any scenario runs."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waybill.readiness.catalogue import Guarantee
from waybill.readiness.waivers import Waiver

if TYPE_CHECKING:
    from waybill.targets import TargetFile

_COMMANDS_FOR = {
    "kill": ("kill", "start"),
    "revoke": ("revoke_token", "revoke_device", "revoke_user"),
    "rotate": ("rotate_key",),
}
"""What a scenario does with a means: what it killed it starts again."""


@dataclass(frozen=True)
class Expectations:
    """What a target brings with it.

    Attributes:
        capabilities: What its driver can express, by the names of the driver contract.
        lacking_means: What cannot be done to its nodes, from outside or inside, and what no administrator can do.
        scenarios: The ids of the guarantees that have scenarios.
        waivers: Its waivers.
        today: The day on which waivers are looked at.
    """

    capabilities: Collection[str]
    lacking_means: Collection[str]
    scenarios: Collection[str]
    waivers: Sequence[Waiver]
    today: datetime.date

    def of(self, guarantee: Guarantee) -> str:
        """What a guarantee will be, in words."""
        waiver = next((one for one in self.waivers if one.guarantee == guarantee.id), None)
        if waiver is not None and not waiver.expired(self.today):
            return waiver.sentence()
        expired = f" (its waiver expired on {waiver.expires.isoformat()})" if waiver else ""
        if guarantee.id not in self.scenarios:
            return f"no scenario yet{expired}"
        lacks = [need for need in guarantee.needs if need not in self.capabilities]
        lacks += [
            what
            for means in guarantee.means
            for what in _COMMANDS_FOR.get(means, (means,))
            if what in self.lacking_means
        ]
        return f"lacks: {', '.join(lacks)}{expired}" if lacks else f"to be proven{expired}"


def lacking_means(file: TargetFile) -> list[str]:
    """What cannot be done to the first node of a target, which is the one that scenarios kill."""
    if file.launch is not None:
        return []
    control = file.control.get(file.endpoints[0].node)
    given = control.commands if control else {}
    return [what for what in ("kill", "stop", "start", "pause") if what not in given]


def lacking_upkeep(file: TargetFile) -> list[str]:
    """What cannot be done to the releases, the data and the clients of a target."""
    launch = file.launch
    there = {
        "migrate": launch is not None and {"forward", "back"} <= launch.migrate.keys(),
        "releases": launch is not None and any(len(process.releases) > 1 for process in launch.processes),
        "clients": len(file.clients) > 1,
    }
    return [what for what, given in there.items() if not given]


def lacking_nodes(file: TargetFile) -> list[str]:
    """What scenarios of several nodes lack: the nodes, links between them that can be cut, and an interface for other
    nodes that is known. They are looked for in the form of the target that has several nodes."""
    from waybill.targets import MeansMissing, several_nodes
    from waybill.targets.peer_links import reach_each_other

    try:
        form = several_nodes(file)
    except MeansMissing:
        return ["nodes", "peer links", "peers"]
    there = {
        "peer links": form.launch is not None and reach_each_other(form.launch),
        "peers": form.peers is not None,
    }
    return [what for what, given in there.items() if not given]


def lacking_interposition(file: TargetFile) -> list[str]:
    """What cannot be disturbed inside the processes of a target: nothing that runs elsewhere, and nothing on a machine
    that has not the means."""
    from waybill.interposer.build import NotInterposable, library

    if file.launch is not None:
        try:
            library()
        except NotInterposable:
            pass
        else:
            return []
    return ["disk", "clock"]


def lacking_administration(file: TargetFile) -> list[str]:
    """What no administrator of a target can do, as far as its file tells, or that of its form of several nodes."""
    from waybill.targets import MeansMissing, several_nodes
    from waybill.targets.administration_file import OPERATIONS

    known = set(file.administration)
    with contextlib.suppress(MeansMissing):
        known |= {"list_links"} & set(several_nodes(file).administration)
    return [operation for operation in OPERATIONS if operation not in known]
