"""Reading `[peers]`: the interface that a launched node has for the other nodes, and what one of these says there."""

from __future__ import annotations

from waybill.targets.model import Launch, PeerInterface
from waybill.targets.toml_table import Table, nearest


def read_peers(table: Table, launch: Launch | None) -> PeerInterface:
    """The table `[peers]` of a target file.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    processes = (
        {process.name: process for process in launch.processes if process.role == "node"} if launch else {}
    )
    names = list(processes)

    def node(key: str, expected: str) -> str:
        name = table.name(key, expected)
        if name not in names:
            raise table.error(key, f"there is no launched node '{name}'{nearest(name, names) or '.'}")
        return name

    tried = node("node", "the node whose interface is tried")
    port = table.text("port", "the name of the port that it has for other nodes")
    ports = (*processes[tried].ports, *processes[tried].machine_ports)
    if port not in ports:
        raise table.error("port", f"{tried} has no port '{port}'{nearest(port, list(ports)) or '.'}")
    said = {
        key: _bytes(table, key) for key in ("hello", "inject")
    }  # fmt: skip
    as_node = node("as", "the other node that intruders say to be")
    if as_node == tried:
        raise table.error("as", f"expected another node than '{tried}'.")
    table.finish()
    return PeerInterface(tried, port, as_node, said["hello"], said["inject"])


def _bytes(table: Table, key: str) -> bytes:
    expected = "bytes as hexadecimal digits"
    text = table.text(key, expected)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise table.error(key, f"expected {expected}, found '{text}'.") from None
