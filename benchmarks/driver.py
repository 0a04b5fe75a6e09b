"""What a message costs in the kit's client: driver, device and recorder against the bare websocket-client.

The server is a process of its own and not counted. Counted is the CPU of the client's whole process, per message, over
TLS with messages of 150 bytes: sent and acknowledged (pipelined), and received.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import websocket
from websockets.asyncio.server import ServerConnection, serve

from waybill.devices import Scenario
from waybill.devices.policy import Acknowledge
from waybill.drivers.base import Credential, Endpoint, Login, Outcome
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.tls.authority import Authority

MESSAGES = 10_000
PIECE = 250
BODY = 64
ROUNDS = 3


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = Authority(folder)
        certificate = authority.issue(folder, ["127.0.0.1"])
        ready: Any = multiprocessing.get_context("spawn").Queue()
        server = multiprocessing.get_context("spawn").Process(
            target=run_server, args=(certificate.certificate, certificate.key, ready), daemon=True
        )
        server.start()
        endpoint = Endpoint(f"wss://127.0.0.1:{ready.get(timeout=30)}/v2", authority.certificate)
        ways: dict[str, tuple[Callable[[Endpoint], float], Callable[[Endpoint], float]]] = {
            "bare websocket-client": (bare_sends, bare_receives),
            "driver": (driver_sends, driver_receives),
            "driver + device + recorder": (device_sends, device_receives),
        }
        print(
            f"{'CPU per message, microseconds':32} {'sent+acked':>11} {'ratio':>6} {'received':>11} {'ratio':>6}"
        )
        base: tuple[float, float] | None = None
        for title, (sends, receives) in ways.items():
            costs = tuple(min(measure(endpoint) for _ in range(ROUNDS)) for measure in (sends, receives))
            base = base or (costs[0], costs[1])
            print(
                f"{title:32} {costs[0]:11.1f} {costs[0] / base[0]:6.2f} {costs[1]:11.1f} {costs[1] / base[1]:6.2f}"
            )
        server.kill()
    print()
    return 0


# -- the server ------------------------------------------------------------------------------------------------------


def run_server(certificate: Path, key: Path, ready: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def go() -> None:
        async with serve(answer, "127.0.0.1", 0, ssl=context, compression=None, max_queue=None) as server:
            ready.put(server.sockets[0].getsockname()[1])
            await server.serve_forever()

    asyncio.run(go())


async def answer(socket: ServerConnection) -> None:
    async for text in socket:
        frame = json.loads(text)
        match frame["type"]:
            case "hello":
                limits = {"page": 500}
                await socket.send(json.dumps(welcome(frame["device"], limits)))
            case "send":
                await socket.send(accepted(frame))
            case "ack":
                await socket.send(
                    json.dumps({"type": "acked", "ref": frame["ref"], "cursor": frame["cursor"]})
                )
            case "typing":
                for number in range(1, MESSAGES + 1):
                    await socket.send(delivery(number))
            case "bye":
                await socket.send('{"type":"closing","code":"bye","text":""}')
                break


def welcome(device: str, limits: dict[str, int]) -> dict[str, Any]:
    return {"type": "welcome", "version": 3, "user": "a", "device": device, "session": "s", "cursor": 0, "head": 0,
            "capabilities": [], "limits": limits, "time": 1}  # fmt: skip


def accepted(frame: dict[str, Any]) -> str:
    return json.dumps(
        {"type": "accepted", "ref": frame["ref"], "id": "0199c5a8c1b40003", "conversation": "d:a:b",
         "sequence": frame["ref"], "key": frame["key"], "time": 1760000000123, "duplicate": False}
    )  # fmt: skip


def delivery(number: int) -> str:
    return json.dumps(
        {"type": "deliver", "cursor": number, "id": f"{number:016x}", "conversation": "d:a:b", "sequence": number,
         "sender": "b", "device": "phone", "key": f"phone-{number}", "body": "x" * BODY, "time": 1760000000123}
    )  # fmt: skip


# -- the bare client -------------------------------------------------------------------------------------------------


def bare_client(endpoint: Endpoint) -> websocket.WebSocket:
    client = websocket.create_connection(endpoint.url, sslopt={"ca_certs": str(endpoint.authority)})
    client.send(json.dumps({"type": "hello", "device": "phone"}))
    client.recv()
    return client


def bare_sends(endpoint: Endpoint) -> float:
    client = bare_client(endpoint)
    frame = {"type": "send", "ref": 1, "conversation": "d:a:b", "key": "phone-1", "body": "x" * BODY}
    text = json.dumps(frame)
    answered = threading.Semaphore(0)

    def read() -> None:
        for _ in range(MESSAGES // PIECE):
            for _ in range(PIECE):
                client.recv()
            answered.release()

    reader = threading.Thread(target=read)
    begun = time.process_time()
    reader.start()
    for piece in range(MESSAGES // PIECE):
        if piece >= 2:
            answered.acquire()
        for _ in range(PIECE):
            client.send(text)
    reader.join()
    spent = time.process_time() - begun
    client.close()
    return spent / MESSAGES * 1e6


def bare_receives(endpoint: Endpoint) -> float:
    client = bare_client(endpoint)
    begun = time.process_time()
    client.send('{"type":"typing"}')
    for _ in range(MESSAGES):
        client.recv()
    spent = time.process_time() - begun
    client.close()
    return spent / MESSAGES * 1e6


# -- the driver ------------------------------------------------------------------------------------------------------


class Counter:
    """An observer that only counts."""

    def __init__(self) -> None:
        self.answers = 0
        self.deliveries = 0
        self.changed = threading.Condition()

    def completed(self, operation: int, outcome: Outcome) -> None:
        self.answers += 1

    def delivered(self, delivery: Any) -> None:
        self.deliveries += 1

    def idle(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, 60):
                raise TimeoutError("the server does not answer")

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def driver_sends(endpoint: Endpoint) -> float:
    counter = Counter()
    session = WaybillDriver().connect(Login(endpoint, Credential("a", token="t"), "phone"), counter)
    body = b"x" * BODY
    begun = time.process_time()
    for start in range(0, MESSAGES, PIECE):
        counter.wait(lambda start=start: start - counter.answers <= PIECE)
        session.send_many([(n, "d:a:b", f"phone-{n}", body) for n in range(start + 1, start + PIECE + 1)])
    counter.wait(lambda: counter.answers == MESSAGES)
    spent = time.process_time() - begun
    session.close()
    return spent / MESSAGES * 1e6


def driver_receives(endpoint: Endpoint) -> float:
    counter = Counter()
    session = WaybillDriver().connect(Login(endpoint, Credential("a", token="t"), "phone"), counter)
    begun = time.process_time()
    session.typing("d:a:b", True)
    counter.wait(lambda: counter.deliveries == MESSAGES)
    spent = time.process_time() - begun
    session.close()
    return spent / MESSAGES * 1e6


# -- the device ------------------------------------------------------------------------------------------------------


def scenario(endpoint: Endpoint, folder: str) -> Scenario:
    accounts = iter("abcdef")
    target = SimpleNamespace(
        name="echo", driver="waybill", promises={}, nodes=["n"], endpoint=lambda _=None: endpoint,
        account=lambda: SimpleNamespace(user=next(accounts)), credential=lambda *_: Credential("a", token="t"),
    )  # fmt: skip
    return Scenario(target, Path(folder) / "history.jsonl", name="benchmark", seed=1)


def device_sends(endpoint: Endpoint) -> float:
    with tempfile.TemporaryDirectory() as folder:
        story = scenario(endpoint, folder)
        phone = story.device("alice/phone")
        talk = story.direct("alice", "bob")
        phone.connect()
        begun = time.process_time()
        phone.send_many(talk, MESSAGES, size=BODY, in_flight=2 * PIECE)
        story.wait_until_acknowledged(deadline=60)
        story.recorder.flush()
        spent = time.process_time() - begun
        story.close()
    return spent / MESSAGES * 1e6


def device_receives(endpoint: Endpoint) -> float:
    with tempfile.TemporaryDirectory() as folder:
        story = scenario(endpoint, folder)
        phone = story.device("alice/phone")
        talk = story.direct("alice", "bob")
        phone.connect(acknowledge=Acknowledge.MANUAL)
        begun = time.process_time()
        phone.typing(talk)
        phone.wait_for_deliveries(count=MESSAGES, deadline=60)
        story.recorder.flush()
        spent = time.process_time() - begun
        story.close()
    return spent / MESSAGES * 1e6


if __name__ == "__main__":
    sys.exit(main())
