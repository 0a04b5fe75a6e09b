"""The reference server: acknowledged sends per second against bare SQLite, start-up, idle memory.

The client sends pre-built frames over TLS and counts acknowledgements, so that it costs next to nothing beside the
server. Bare SQLite appends rows of the same bodies to one table, WAL and synchronous FULL, as many per commit as the
server has sends in flight: the most that any server on it could acknowledge.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

LIBRARIES = Path(__file__).parent.parent / "libraries"
sys.path.insert(0, str(LIBRARIES))

from waybill.tls.authority import Authority  # noqa: E402

BODY = "x" * 100
IN_FLIGHT = {1: 1_500, 16: 10_000, 64: 30_000, 256: 40_000}
"""Sends in flight, and how many sends are measured with them."""
STARTS = 5
ACCEPTED = b'{"type":"accepted"'
HANDSHAKE = (
    b"GET /v2 HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def started(*arguments: object) -> tuple[subprocess.Popen[bytes], dict[str, object], float]:
    """A server process, its ready line, and the seconds until it came."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "waybill_server", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(LIBRARIES)},
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return process, ready, time.perf_counter() - begin


def ended(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    """Ends a process and waits for it."""
    process.send_signal(number)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def frame(text: dict[str, object]) -> bytes:
    """A client's WebSocket frame; its mask is zero, so that building it is cheap."""
    data = json.dumps(text).encode()
    if len(data) < 126:
        return bytes((0x81, 0x80 | len(data))) + bytes(4) + data
    return struct.pack(">BBH", 0x81, 0x80 | 126, len(data)) + bytes(4) + data


def session(node: dict[str, object], context: ssl.SSLContext, token: str) -> ssl.SSLSocket:
    """An open session."""
    address = (str(node["host"]), int(str(node["port"])))
    link = context.wrap_socket(socket.create_connection(address), server_hostname=address[0])
    link.sendall(HANDSHAKE)
    received = b""
    while b"\r\n\r\n" not in received:
        received += link.recv(4096)
    link.sendall(frame({"type": "hello", "versions": [2, 3], "token": token, "device": "bench"}))
    while b'"welcome"' not in received:
        received += link.recv(4096)
    return link


def acknowledged(link: ssl.SSLSocket, run: str, in_flight: int, sends: int) -> float:
    """Acknowledged sends per second with so many in flight."""
    frames = [
        frame({"type": "send", "ref": n, "conversation": "d:alice:bob", "key": f"{run}{n}", "body": BODY})
        for n in range(sends)
    ]
    begin = time.perf_counter()
    link.sendall(b"".join(frames[:in_flight]))
    sent, done, rest = in_flight, 0, b""
    while done < sends:
        received = rest + link.recv(262_144)
        done += received.count(ACCEPTED)
        rest = received[-len(ACCEPTED) + 1 :]
        upto = min(sends, done + in_flight)
        if upto > sent:
            link.sendall(b"".join(frames[sent:upto]))
            sent = upto
    return sends / (time.perf_counter() - begin)


def bare_sqlite(folder: Path, per_commit: int, rows: int) -> float:
    """Rows per second that SQLite alone appends."""
    connection = sqlite3.connect(folder / f"bare-{per_commit}.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE message (number INTEGER PRIMARY KEY, body BLOB)")
    body = BODY.encode()
    begin = time.perf_counter()
    for _ in range(rows // per_commit):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO message (body) VALUES (?)", ((body,) for _ in range(per_commit)))
        connection.execute("COMMIT")
    rate = rows // per_commit * per_commit / (time.perf_counter() - begin)
    connection.close()
    return rate


def memory(pid: object) -> float:
    """MiB that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def used(pid: object) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = Authority(folder / "ca")
        issued = authority.issue(folder / "certificate", ["127.0.0.1"])
        trusted = folder / "ca" / "ca.pem"
        context = ssl.create_default_context(cafile=trusted)
        salt = os.urandom(8)
        digest = hashlib.sha256(salt + b"password").hexdigest()
        account = {"user": "alice", "salt": salt.hex(), "password_sha256": digest}
        (folder / "accounts.jsonl").write_text(json.dumps(account) + "\n", encoding="ascii")
        secrets = ("--certificate", issued.certificate, "--key", issued.key)
        issuer, told, issuer_start = started(
            "issuer", "--data", folder / "issuer", "--accounts", folder / "accounts.jsonl", *secrets
        )
        arguments = ("node", "--issuer", told["issuer"], "--ca", trusted, *secrets, "--data")
        starts = []
        for number in range(STARTS):
            node, _, seconds = started(*arguments, folder / f"start-{number}")
            starts.append(seconds)
            ended(node)
        node, ready, _ = started(*arguments, folder / "node")
        idle = memory(ready["pid"])
        form = urllib.parse.urlencode({"grant_type": "password", "username": "alice", "password": "password"})
        with urllib.request.urlopen(f"{told['issuer']}/token", form.encode(), context=context) as answer:
            token = json.load(answer)["access_token"]
        print("server: acknowledged sends per second, one session, TLS, 100-byte bodies")
        print(f"  {'in flight':>9} {'acks/s':>9} {'bare SQLite':>12} {'ratio':>6} {'CPU us/send':>12}")
        for in_flight, sends in IN_FLIGHT.items():
            link = session(ready, context, token)
            before = used(ready["pid"])
            rate = acknowledged(link, f"{in_flight}-", in_flight, sends)
            cost = (used(ready["pid"]) - before) / sends * 1e6
            link.close()
            bare = bare_sqlite(folder, in_flight, sends)
            print(f"  {in_flight:>9} {rate:>9,.0f} {bare:>12,.0f} {rate / bare:>6.2f} {cost:>12.0f}")
        print(f"  memory of the node: {idle:.0f} MiB idle, {memory(ready['pid']):.0f} MiB after these sends")
        print(f"  memory of the issuer: {memory(told['pid']):.0f} MiB")
        median = statistics.median(starts)
        print(f"  start to ready: node {median:.2f} s (median of {STARTS}), issuer {issuer_start:.2f} s\n")
        ended(node)
        ended(issuer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
