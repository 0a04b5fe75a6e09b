"""Intruders on the interface that a node has for other nodes: what each of them shows, and what the node says to it.

The intruder says what a node says first, and more behind it in the same breath, so that a node that lets it in for a
moment only acts on it. A node refuses by ending the connection without having said anything but TLS.
"""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

from waybill.tls.authority import Authority, Certificate

SECONDS: Final = 10.0
"""How long a node may take to end a connection; one that stays open is one that was let in."""
PIECE: Final = 4096
ALERT: Final = b"\x15\x03"
"""How a record of TLS begins that carries an alert: what a plaintext may be answered with."""


class Intruder(Enum):
    """What an intruder shows. The value names it in the history."""

    NO_CERTIFICATE = "no certificate"
    SELF_SIGNED = "a certificate that it signed itself"
    ANOTHER_AUTHORITY = "a certificate of an authority of its own"
    ORDINARY_AUTHORITY = "a certificate of the authority that clients trust"
    NO_NODE = "a certificate of the cluster's authority for a name that is no node's"
    ANOTHER_NODE = "a certificate of the cluster's authority for another node than it says to be"
    EXPIRED = "a node's certificate that has expired"
    PLAINTEXT = "no TLS at all"


@dataclass(frozen=True, slots=True)
class Interface:
    """The interface of a node for others.

    Attributes:
        node: The node.
        address: Where it listens.
        name: The other node that an intruder says to be.
        hello: What that node says first.
        inject: What an intruder says behind it.
        other: A node that is neither.
        cluster: The authority of the nodes.
        ordinary: The authority that clients trust.
    """

    node: str
    address: tuple[str, int]
    name: str
    hello: bytes
    inject: bytes
    other: str
    cluster: Authority
    ordinary: Authority


class LetIn(Exception):
    """The node did not end the connection, or said something before it did."""


def intrude(interface: Interface, intruder: Intruder, folder: Path, seconds: float = SECONDS) -> str:
    """Tries to get in; returns how the node refused.

    Raises:
        LetIn: It did not.
        OSError: Nobody listens there.
    """
    plain = socket.create_connection(interface.address, timeout=seconds)
    context = None if intruder is Intruder.PLAINTEXT else _context(_shown(interface, intruder, folder))
    with plain:
        return _refusal(plain, context, interface.hello + interface.inject, seconds)


def greet_as_node(interface: Interface, folder: Path, seconds: float = SECONDS) -> bytes:
    """Says hello with a good certificate of the node that intruders say to be; returns the first bytes of the answer.

    Raises:
        OSError: There was none.
    """
    issued = interface.cluster.issue(folder, [interface.name], connects=True)
    with (
        socket.create_connection(interface.address, timeout=seconds) as plain,
        _context(issued).wrap_socket(plain) as secured,
    ):
        secured.sendall(interface.hello)
        return secured.recv(PIECE)


def _refusal(plain: socket.socket, context: ssl.SSLContext | None, said: bytes, seconds: float) -> str:
    try:
        with context.wrap_socket(plain) if context else plain as connection:
            connection.sendall(said)
            heard = connection.recv(PIECE)
    except TimeoutError:
        raise LetIn(f"the connection was still open after {seconds:g} s") from None
    except ssl.SSLError as error:
        return f"by an alert: {error.reason or error}"
    except OSError as error:
        return f"by ending the connection: {error.strerror}"
    alert = heard.startswith(ALERT) and context is None
    if heard and not alert:
        raise LetIn(f"it said {len(heard)} bytes: {heard[:40]!r}")
    return "by an alert" if heard else "by ending the connection"


def _shown(interface: Interface, intruder: Intruder, folder: Path) -> Certificate | None:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    folder = folder / intruder.name.lower()
    issue = partial(interface.cluster.issue, folder, connects=True)
    own = [interface.name]
    certificates: dict[Intruder, Callable[[], Certificate]] = {
        Intruder.SELF_SIGNED: lambda: issue(own, self_signed=True),
        Intruder.ANOTHER_AUTHORITY: lambda: Authority(folder).issue(folder, own, connects=True),
        Intruder.ORDINARY_AUTHORITY: lambda: interface.ordinary.issue(folder, own, connects=True),
        Intruder.NO_NODE: lambda: issue(["stranger"]),
        Intruder.ANOTHER_NODE: lambda: issue([interface.other]),
        Intruder.EXPIRED: lambda: issue(own, since=now - 2 * day, until=now - day),
    }
    made = certificates.get(intruder)
    return made() if made else None


def _context(shown: Certificate | None) -> ssl.SSLContext:
    """A context of somebody who does not care whom it speaks to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    return context
