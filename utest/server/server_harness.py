"""Real server processes, and a bare client that speaks the wire to them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import websocket

LIBRARIES = Path(__file__).parents[2] / "libraries"
DEADLINE = 10.0
PASSWORD = "correct horse"


class Process:
    """One `waybill-server` process."""

    def __init__(self, *arguments: object, log: Path | None = None) -> None:
        self.started = time.perf_counter()
        self._log = log.open("ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, "-m", "waybill_server", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": str(LIBRARIES)},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready_after = time.perf_counter() - self.started
        self.ready: dict[str, Any] = json.loads(line) if line else {}

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal, waits for the end, gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if not isinstance(self._log, int):
            self._log.close()
        return code


def refused_start(*arguments: object) -> tuple[int, str]:
    """Exit code and stderr of a process that must not start."""
    done = subprocess.run(
        [sys.executable, "-m", "waybill_server", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(LIBRARIES)},
    )
    return done.returncode, done.stderr


def account_line(user: str, password: str = PASSWORD, **more: object) -> str:
    """One line of the issuer's accounts."""
    salt = os.urandom(8)
    digest = hashlib.sha256(salt + password.encode()).hexdigest()
    return json.dumps({"user": user, "salt": salt.hex(), "password_sha256": digest, **more}) + "\n"


class World:
    """A certificate authority's certificate, an issuer and the users it knows."""

    def __init__(self, folder: Path, authority: Path, certificate: Path, key: Path) -> None:
        self.folder = folder
        self.authority = authority
        self.clients: list[Client] = []
        self.certificate = certificate
        self.key = key
        self.context = ssl.create_default_context(cafile=authority)
        self._names = (f"user{number}" for number in itertools.count())
        accounts = folder / "accounts.jsonl"
        accounts.write_text(
            "".join(account_line(f"user{number}") for number in range(1_000))
            + account_line("root", roles=["admin"])
            + account_line("root2", roles=["admin"])
            + account_line("mod", roles=["moderator"])
            + account_line("mod2", roles=["moderator"])
        )
        self.issuer = self.start_issuer()
        self.url: str = self.issuer.ready["issuer"]

    def start_issuer(self, *options: object, data: Path | None = None) -> Process:
        """Starts an issuer on the world's key, or on the data of its own."""
        return Process(
            "issuer", "--data", data or self.folder / "issuer", "--accounts", self.folder / "accounts.jsonl",
            "--certificate", self.certificate, "--key", self.key, *options,
        )  # fmt: skip

    def node_arguments(self, data: Path) -> tuple[object, ...]:
        """The arguments of a node on this world's issuer."""
        return (
            "node", "--data", data, "--issuer", self.url, "--certificate", self.certificate, "--key", self.key,
            "--ca", self.authority,
        )  # fmt: skip

    def start_node(self, data: Path, *options: object) -> Process:
        """Starts a node."""
        return Process(*self.node_arguments(data), *options, log=data.with_suffix(".log"))

    def cut_all(self) -> None:
        """Ends every client's connection."""
        while self.clients:
            self.clients.pop().cut()

    def users(self, count: int) -> list[str]:
        """Users that no other test knows."""
        return list(itertools.islice(self._names, count))

    def post(
        self, form: dict[str, str], basic: tuple[str, str] | None = None, url: str = ""
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """A request to the token endpoint: status, document, headers."""
        headers = {}
        if basic:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        request = urllib.request.Request(
            (url or self.url) + "/token", urllib.parse.urlencode(form).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=DEADLINE) as answer:
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error), dict(error.headers)

    def administrate(
        self, server: Process, method: str, path: str, token: str = "", body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """A request to the interface of administration of a node or an issuer: status and document."""
        port = server.ready.get("admin_port", server.ready["port"])
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", content, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=DEADLINE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
                return error.code, json.loads(content) if content else {}

    def get(self, path: str) -> dict[str, Any]:
        """A public document of the issuer."""
        with urllib.request.urlopen(self.url + path, context=self.context, timeout=DEADLINE) as answer:
            document: dict[str, Any] = json.load(answer)
            return document

    def token(self, user: str, **form: str) -> str:
        """A user's access token."""
        _, document, _ = self.post({"grant_type": "password", "username": user, "password": PASSWORD, **form})
        token: str = document["access_token"]
        return token


class ClosedError(Exception):
    """The server closed the connection."""


class Client:
    """A device that says exactly what it is told to, and keeps what it is told.

    It has no thread of its own: while nobody listens it reads nothing and answers no ping.
    """

    def __init__(self, world: World, node: Process) -> None:
        self.socket = websocket.create_connection(
            node.ready["url"], timeout=DEADLINE, sslopt={"context": world.context}, enable_multithread=False
        )
        self.heard: list[dict[str, Any]] = []
        self.close_code = 1006
        world.clients.append(self)
        self._refs = itertools.count(1)

    def say(self, kind: str, **fields: Any) -> None:
        """Sends one frame."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def say_in_parts(self, parts: Iterable[str]) -> None:
        """Sends one text message in WebSocket fragments."""
        first, *others = parts
        opcode = websocket.ABNF.OPCODE_TEXT
        self.socket.send_frame(websocket.ABNF.create_frame(first, opcode, 0))
        for place, part in enumerate(others, 1):
            last = int(place == len(others))
            self.socket.send_frame(websocket.ABNF.create_frame(part, websocket.ABNF.OPCODE_CONT, last))

    def listen(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """The next frame, whatever it is.

        Raises:
            TimeoutError: None came.
            ClosedError: The server closed.
        """
        end = time.monotonic() + deadline
        while True:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                opcode, message = self.socket.recv_data_frame(control_frame=True)
            except websocket.WebSocketTimeoutException:
                raise TimeoutError(f"no frame within {deadline:g} s") from None
            except (websocket.WebSocketException, OSError) as error:
                raise ClosedError(str(error)) from None
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self.close_code = int.from_bytes(message.data[:2], "big")
                raise ClosedError(f"closed with {self.close_code}")
            if opcode == websocket.ABNF.OPCODE_TEXT:
                frame: dict[str, Any] = json.loads(message.data)
                self.heard.append(frame)
                return frame

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first frame of this kind with these fields, among those heard and those to come."""
        wanted = {"type": kind, **fields}
        for frame in self.heard:
            if wanted.items() <= frame.items():
                return frame
        while True:
            try:
                frame = self.listen()
            except TimeoutError:
                raise AssertionError(f"no {wanted} came; heard {self.heard[-5:]}") from None
            if wanted.items() <= frame.items():
                return frame

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Sends an operation and waits for its answer."""
        ref = next(self._refs)
        self.say(kind, ref=ref, **fields)
        while True:
            frame = self.listen()
            if frame.get("ref") == ref:
                return frame

    def send(self, conversation: str, key: str, body: str = "hello") -> dict[str, Any]:
        """Sends a message and waits for its answer."""
        return self.ask("send", conversation=conversation, key=key, body=body)

    def delivered(self, count: int) -> list[dict[str, Any]]:
        """All deliveries so far, once there are `count`."""
        while len(found := [frame for frame in self.heard if frame["type"] == "deliver"]) < count:
            self.listen()
        return found

    def the_end(self) -> tuple[str, int]:
        """The closing frame's code and the close code, once the server has closed."""
        with contextlib.suppress(ClosedError):
            while True:
                self.listen()
        closing = [frame["code"] for frame in self.heard if frame["type"] == "closing"]
        return (closing[-1] if closing else ""), self.close_code

    def cut(self) -> None:
        """Ends the connection without goodbye."""
        self.socket.shutdown()

    def leave(self) -> None:
        """Says bye."""
        self.say("bye")
        self.the_end()


def log_in(world: World, node: Process, user: str, device: str = "phone", **hello: Any) -> Client:
    """A device with an open session."""
    client = Client(world, node)
    hello = {"versions": [2, 3], "token": world.token(user), "cursor": None, "capabilities": [], **hello}
    client.say("hello", device=device, **hello)
    frame = client.listen()
    assert frame["type"] == "welcome", frame
    return client


def direct(one: str, other: str) -> str:
    """The direct conversation of two users."""
    return "d:" + ":".join(sorted((one, other)))
