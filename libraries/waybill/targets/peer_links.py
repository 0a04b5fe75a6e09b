"""Links between the nodes of a target: where each of them finds the others, and how their ways can be cut.

A target file says `{link.NODE}` for the address under which a process reaches a node, and `{link.NODE.PORT}` for
another of its ports. Each such place is a link of its own, in one direction: what `north` dials to reach `south`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from waybill.network.link import Link
from waybill.network.network import Network
from waybill.targets.model import Launch, ProcessTemplate

_PLACE: Final = re.compile(r"(?<!\{)\{link\.([A-Za-z0-9_-]+)(?:\.([a-z][a-z0-9_]*))?\}")


class PeerLinks:
    """The links between the nodes of a target.

    Args:
        launch: How the target is launched.
        network: Serves the links; None where nodes are to reach each other directly.
        host: The address of the target.
        ports: The number of each port, by process and name.

    Attributes:
        nodes: The nodes, in the order of the target file.
    """

    def __init__(
        self,
        launch: Launch,
        network: Network | None,
        host: str,
        ports: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._launch = launch
        self._network = network
        self._host = host
        self._ports = ports
        self._links: dict[tuple[str, str], dict[str, Link]] = {}
        self.nodes = [process.name for process in launch.processes if process.role == "node"]

    @property
    def network(self) -> Network:
        """Serves the links."""
        assert self._network is not None
        return self._network

    def placeholders(self, process: ProcessTemplate) -> dict[str, str]:
        """What `{link.NODE}` means for a process, for each place that it names; the links are opened now."""
        found = {}
        for node, port in sorted(set(_PLACE.findall(self._texts(process)))):
            number = self._number(node, port)
            if number is not None:
                found[f"link.{node}.{port}" if port else f"link.{node}"] = self._address(
                    process.name, node, port, number
                )
        return found

    def dialled(self, one: str, other: str) -> list[Link]:
        """The links that one node dials to reach another."""
        return list(self._links.get((one, other), {}).values())

    @property
    def links(self) -> Iterable[Link]:
        """All of them."""
        return [link for links in self._links.values() for link in links.values()]

    def _texts(self, process: ProcessTemplate) -> str:
        files = [file.text for file in self._launch.files if file.path.partition("/")[0] == process.name]
        return "\n".join([*process.command, *process.environment.values(), *files])

    def _number(self, node: str, port: str) -> str | None:
        ports = self._ports.get(node, {})
        return ports.get(port) if port else next(iter(ports.values()), None)

    def _address(self, process: str, node: str, port: str, number: str) -> str:
        if self._network is None:
            return f"{self._host}:{number}"
        made = self._links.setdefault((process, node), {})
        if port not in made:
            name = f"{process}->{node}" + (f".{port}" if port else "")
            made[port] = self._network.link(name, (self._host, int(number)))
        return f"{made[port].host}:{made[port].port}"


def reach_each_other(launch: Launch) -> bool:
    """Whether a target file tells how one of its nodes reaches another one."""
    return any(
        _PLACE.search("\n".join([*process.command, *process.environment.values()]))
        for process in launch.processes
    ) or any(_PLACE.search(file.text) for file in launch.files)
