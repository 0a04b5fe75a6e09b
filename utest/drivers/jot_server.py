"""The server of the example in docs/drivers.md: JSON lines over TLS, in memory.

python jot_server.py ADDRESS PORT CERTIFICATE KEY ACCOUNTS
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import sys
from pathlib import Path
from typing import Any

Device = tuple[str, str]


class JotServer:
    """A device has an inbox from its first login on, and what waits in it is given until it is acknowledged."""

    def __init__(self, accounts: dict[str, str]) -> None:
        self.accounts = accounts
        self.inboxes: dict[Device, dict[int, dict[str, Any]]] = {}
        self.online: dict[Device, asyncio.StreamWriter] = {}
        self.taken: set[tuple[str, str]] = set()
        self.numbers = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        device: Device | None = None
        try:
            while line := await reader.readline():
                asked = json.loads(line)
                if asked["do"] == "bye":
                    break
                if asked["do"] == "login":
                    device = self.log_in(asked, writer)
                elif device is None:
                    say(writer, {"is": "refused", "n": asked["n"], "why": "not-logged-in"})
                    break
                elif asked["do"] == "send":
                    say(writer, {"n": asked["n"]} | self.send(device[0], asked))
                elif asked["do"] == "ack":
                    self.inboxes[device].pop(asked["number"], None)
                    say(writer, {"is": "done", "n": asked["n"]})
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            if device is not None and self.online.get(device) is writer:
                del self.online[device]
            writer.close()

    def log_in(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> Device | None:
        """The device, and everything that waits for it; its older connection ends."""
        if self.accounts.get(asked["user"]) != asked["password"]:
            say(writer, {"is": "refused", "why": "bad-credential"})
            return None
        device = (asked["user"], asked["device"])
        if device in self.online:
            self.online[device].close()
        self.online[device] = writer
        inbox = self.inboxes.setdefault(device, {})
        say(writer, {"is": "welcome", "user": device[0], "device": device[1], "waiting": len(inbox)})
        for message in inbox.values():
            say(writer, message | {"waited": True})
        return device

    def send(self, sender: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Takes a message over, once per key, and gives it to every device of its recipient."""
        one, _, other = asked["in"].partition("+")
        if sender not in (one, other):
            return {"is": "refused", "why": "not-a-member"}
        recipient = other if sender == one else one
        if (sender, asked["key"]) not in self.taken:
            self.taken.add((sender, asked["key"]))
            named = {name: asked[name] for name in ("in", "key", "body")}
            message = {"is": "message", "number": next(self.numbers), "from": sender, **named}
            for device, inbox in self.inboxes.items():
                if device[0] == recipient:
                    inbox[message["number"]] = message
                    if device in self.online:
                        say(self.online[device], message)
        return {"is": "done", "key": asked["key"]}


def say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    """Writes one line."""
    writer.write(json.dumps(answer).encode() + b"\n")


async def main(address: str, port: str, certificate: str, key: str, accounts: str) -> None:
    """Serves until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    pairs = (line.partition(":") for line in Path(accounts).read_text().splitlines())
    server = JotServer({user: password for user, _, password in pairs})
    listening = await asyncio.start_server(server.serve, address, int(port), ssl=context, limit=1 << 20)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
