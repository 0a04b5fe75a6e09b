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
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

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


def account_line(user: str, password: str = PASSWORD) -> str:
    """One line of the issuer's accounts."""
    salt = os.urandom(8)
    digest = hashlib.sha256(salt + password.encode()).hexdigest()
    return json.dumps({"user": user, "salt": salt.hex(), "password_sha256": digest}) + "\n"


class World:
    """A certificate authority's certificate, an issuer and the users it knows."""

    def __init__(self, folder: Path, authority: Path, certificate: Path, key: Path) -> None:
        self.folder = folder
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.context = ssl.create_default_context(cafile=authority)
        self._names = (f"user{number}" for number in itertools.count())
        accounts = folder / "accounts.jsonl"
        accounts.write_text("".join(account_line(f"user{number}") for number in range(400)))
        self.issuer = self.start_issuer()
        self.url: str = self.issuer.ready["issuer"]

    def start_issuer(self, *options: object) -> Process:
        """Starts an issuer on the world's key."""
        return Process(
            "issuer", "--data", self.folder / "issuer", "--accounts", self.folder / "accounts.jsonl",
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


class Client:
    """A device that says exactly what it is told to, and keeps what it is told."""

    def __init__(self, world: World, node: Process) -> None:
        connecting = connect(
            node.ready["url"],
            ssl=world.context,
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
            close_timeout=0.1,
        )
        self.socket = connecting.__enter__()
        self.heard: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self._refs = itertools.count(1)

    def say(self, kind: str, **fields: Any) -> None:
        """Sends one frame."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def listen(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """The next frame, whatever it is."""
        frame: dict[str, Any] = json.loads(self.socket.recv(deadline))
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
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.listen()
        closing = [frame["code"] for frame in self.heard if frame["type"] == "closing"]
        code = self.socket.protocol.close_code
        assert code is not None
        return (closing[-1] if closing else ""), code

    def cut(self) -> None:
        """Ends the connection without goodbye."""
        self.socket.socket.shutdown(2)
        self.socket.close()

    def leave(self) -> None:
        """Says bye."""
        self.say("bye")
        self.the_end()


def log_in(world: World, node: Process, user: str, device: str = "phone", **hello: Any) -> Client:
    """A device with an open session."""
    client = Client(world, node)
    hello = {"versions": [2], "token": world.token(user), "cursor": None, "capabilities": [], **hello}
    client.say("hello", device=device, **hello)
    frame = client.listen()
    assert frame["type"] == "welcome", frame
    return client


def direct(one: str, other: str) -> str:
    """The direct conversation of two users."""
    return "d:" + ":".join(sorted((one, other)))
