"""A node of a few lines that talks to its peers: it tells each of them its name again and again, and counts.

chatting_node.py HOST PORT NAME PEER=HOST:PORT ...

Whoever connects and ends its side is told as JSON how often the node heard whom.
"""

from __future__ import annotations

import collections
import json
import socket
import sys
import threading

BEAT = 0.02
"""Seconds between two words to a peer."""
DIAL = 0.2
"""Seconds after which a peer that says nothing is dialled again."""

heard: collections.Counter[str] = collections.Counter()


def listen(connection: socket.socket) -> None:
    with connection:
        said = b""
        try:
            while part := connection.recv(100):
                said += part
                *words, said = said.split(b"\n")
                heard.update(word.decode() for word in words)
                connection.sendall(b"." * len(words))
            connection.sendall(json.dumps(heard).encode())
        except OSError:
            return


def talk(name: str, host: str, port: int) -> None:
    while True:
        try:
            with socket.create_connection((host, port), timeout=DIAL) as peer:
                while True:
                    peer.sendall(name.encode() + b"\n")
                    if not peer.recv(100):
                        break
                    threading.Event().wait(BEAT)
        except OSError:
            threading.Event().wait(BEAT)


def main() -> None:
    host, port, name, *peers = sys.argv[1:]
    server = socket.create_server((host, int(port)))
    for peer in peers:
        there, _, number = peer.partition("=")[2].rpartition(":")
        threading.Thread(target=talk, args=(name, there, int(number)), daemon=True).start()
    sys.stdout.write(json.dumps({"ready": True, "port": int(port)}) + "\n")
    sys.stdout.flush()
    while True:
        connection, _ = server.accept()
        threading.Thread(target=listen, args=(connection,), daemon=True).start()


main()
