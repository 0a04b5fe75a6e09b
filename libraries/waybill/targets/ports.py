"""Every port of a target, those that its file does not tell of included, as places to be probed."""

from __future__ import annotations

import dataclasses
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from waybill.drivers.base import Endpoint
from waybill.tls.hello import Ending, ServerHello
from waybill.tls.places import Place
from waybill.tls.probing import best_version
from waybill.tls.starttls import xmpp

if TYPE_CHECKING:
    from waybill.targets.running import RunningTarget


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A port on which a process of the target listens.

    Attributes:
        process: The name of the process; a node's name for a node.
        place: Where it is.
        endpoint: How a device would connect to it: a node's endpoint, moved to this port; None for a process that is
            no node.
        authority: Who must have issued its certificate; None for one that the system trusts.
        promised: The target file says that devices connect here.
        speaks_tls: It answers a TLS handshake, where need be after STARTTLS. A promised port must, and counts as one
            that does.
    """

    process: str
    place: Place
    endpoint: Endpoint | None
    authority: Path | None
    promised: bool
    speaks_tls: bool


def open_ports(target: RunningTarget) -> list[OpenPort]:
    """The endpoints of all nodes, then every other port that the target's processes listen on."""
    found = [endpoint_port(target, node) for node in target.nodes]
    known = {(_address(port.place.host), port.place.port) for port in found}
    for process, listeners in target.listeners().items():
        for one in listeners:
            if (one.host, one.port) not in known:
                known.add((one.host, one.port))
                found.append(_other_port(target, process, one.host, one.port))
    return found


def endpoint_port(target: RunningTarget, node: str) -> OpenPort:
    """Where the target file says that devices connect to a node."""
    endpoint = target.endpoint(node)
    url = urlsplit(endpoint.url)
    host, port = url.hostname or "", url.port or _standard_port(url.scheme)
    place = Place(f"{node} at {host}:{port}", host, port, endpoint.server_name or host)
    place, _ = _upgraded(place, endpoint)
    return OpenPort(node, place, endpoint, endpoint.authority, promised=True, speaks_tls=True)


def _other_port(target: RunningTarget, process: str, host: str, port: int) -> OpenPort:
    endpoint, name = None, host
    if process in target.nodes:
        own = target.endpoint(process)
        url = urlsplit(own.url)
        shown = f"[{host}]" if ":" in host else host
        name = own.server_name or host
        endpoint = Endpoint(url._replace(netloc=f"{shown}:{port}").geturl(), own.authority, own.server_name)
    place, speaks_tls = _upgraded(Place(f"{process} at {host}:{port}", host, port, name), endpoint)
    return OpenPort(process, place, endpoint, target.authority, promised=False, speaks_tls=speaks_tls)


def _upgraded(place: Place, endpoint: Endpoint | None) -> tuple[Place, bool]:
    """The place with what must be said before TLS, and whether it then answers a handshake."""
    domain = urlsplit(endpoint.url).path.strip("/") if endpoint is not None else ""
    starttls = dataclasses.replace(place, upgrade=xmpp(domain or place.name), domain=domain)
    for candidate in (place, starttls):
        try:
            answer = best_version(candidate)
        except OSError:
            continue
        if isinstance(answer, ServerHello):
            return candidate, True
        if answer.ending is Ending.SILENT:
            break  # a server of XMPP would have complained
    return place, False


def _standard_port(scheme: str) -> int:
    return {"wss": 443, "mqtts": 8883}.get(scheme, 443)


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        return host
