"""A target of several nodes that talk to each other, each at the places that `{link.NODE}` names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

NODE = Path(__file__).with_name("chatting_node.py")


def chatting_target(nodes: Sequence[str]) -> str:
    """The text of its target file."""
    processes = "".join(
        f"""
[[launch.process]]
name = "{node}"
ready = "json-line"
command = ["{{python}}", "{NODE}", "{{address}}", "{{port}}", "{{name}}"{_peers(node, nodes)}]

[endpoints.{node}]
url = "mqtt://{{address}}:{{{node}.port}}"
"""
        for node in nodes
    )
    return f"""
name = "chatting"
driver = "mqtt"

[launch]
start_deadline = "30s"

{processes}

[users]
file = "users.txt"
pool = 4
format = "jsonl-sha256"

[tokens]
method = "password"
"""


def _peers(node: str, nodes: Sequence[str]) -> str:
    return "".join(f', "{other}={{link.{other}}}"' for other in nodes if other != node)
