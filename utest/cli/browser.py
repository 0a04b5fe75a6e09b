"""A headless Chromium, driven over its own debugging protocol."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

SWITCH = "WAYBILL_WITHOUT_CHROMIUM"
INSTALL = "apt-get install chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")
DEADLINE = 30.0

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1280,900",
)


def executable() -> str:
    """The browser's program; fails with the command that installs it, unless the user wants to go without."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    if os.environ.get(SWITCH) == "1":
        pytest.skip(f"no Chromium, and {SWITCH}=1 says that this is accepted")
    pytest.fail(
        f"The pages are looked at in Chromium, and there is none. Install it: {INSTALL} (or set {SWITCH}=1)."
    )


class Page:
    """One page of the browser, and everything that it complained about.

    Attributes:
        errors: Exceptions and console errors since the page was opened.
        requests: Addresses that it asked for.
    """

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._number = 0
        self._session = ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._connection.send(json.dumps(message))
        return self._until(lambda said: said.get("id") == self._number)

    def open(self, path: Path, anchor: str = "") -> Page:
        """Opens a file and waits until it is loaded."""
        self.errors.clear()
        self.requests.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + anchor)
        self._until(lambda said: said.get("method") == "Page.loadEventFired")
        return self

    def value(self, expression: str) -> Any:
        """Evaluates JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def resize(self, width: int, height: int, scheme: str = "light") -> None:
        """Changes the window and the preferred colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            said = json.loads(self._connection.recv())
            self._note(said)
            if "error" in said:
                raise AssertionError(f"The browser refused: {said['error']}")
            if wanted(said):
                result: dict[str, Any] = said.get("result", {})
                return result

    def _note(self, said: dict[str, Any]) -> None:
        method, facts = said.get("method"), said.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(facts["exceptionDetails"]))
        elif method == "Log.entryAdded" and facts["entry"]["level"] == "error":
            self.errors.append(str(facts["entry"]))
        elif method == "Runtime.consoleAPICalled" and facts["type"] in {"error", "assert"}:
            self.errors.append(str(facts["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Starts the browser with a profile of its own and gives one page of it."""
    process = subprocess.Popen(
        [executable(), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        connection = websocket.create_connection(_address(process), timeout=DEADLINE, suppress_origin=True)
        try:
            yield Page(connection)
        finally:
            connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def _address(process: subprocess.Popen[str]) -> str:
    """Reads the address that the browser prints when it listens."""
    assert process.stderr is not None
    deadline = time.monotonic() + DEADLINE
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("DevTools listening on "):
            return line.removeprefix("DevTools listening on ").strip()
        assert time.monotonic() < deadline, f"Chromium does not listen; it said {said}"
    raise AssertionError(f"Chromium ended before it listened; it said {said}")
