"""A small server of wire v2 that keeps everything in memory and misbehaves on demand.

It serves the tests of the driver and the devices; it is no model of a good server. `rules` see every frame
before it is answered and may answer it otherwise.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from waybill.drivers.base import Credential, Endpoint
from waybill.tls.authority import Authority

Frame = dict[str, Any]
Rule = Callable[["Client", Frame], bool]
"""Returns True if it answered the frame itself."""

LIMITS = {"frame": 262144, "body": 65536, "name": 64, "key": 64, "page": 50, "window": 1024, "inbox": 100000}


class Client:
    """One connection, once it said hello."""

    def __init__(self, socket: ServerConnection, user: str, device: str, wants: list[str]) -> None:
        self.socket, self.user, self.device, self.wants = socket, user, device, wants
        self.watched: list[str] = []

    def say(self, type_: str, **members: Any) -> None:
        """Sends one frame."""
        with contextlib.suppress(ConnectionClosed):
            self.socket.send(json.dumps({"type": type_, **members}))


class ScriptedServer:
    """Answers wire v2 on a free port with a certificate of its own authority; `tls=False` serves `ws`."""

    def __init__(self, folder: Path, *, tls: bool = True) -> None:
        self.rules: list[Rule] = []
        self.hello_rules: list[Callable[[ServerConnection, Frame], bool]] = []
        self.bad_tokens = {""}
        self.clients: list[Client] = []
        self.frames: list[tuple[str, Frame]] = []
        self.logs: dict[str, list[Frame]] = {}
        self.cursors: dict[tuple[str, str], int] = {}
        self.sequences: dict[str, list[Frame]] = {}
        self.keys: dict[tuple[str, str], Frame] = {}
        self.groups: dict[str, Frame] = {}
        self.blocks: dict[str, list[str]] = {}
        self.marks: dict[tuple[str, str], list[int]] = {}
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        context = None
        authority_file = None
        if tls:
            authority = Authority(folder)
            certificate = authority.issue(folder, ["127.0.0.1", "localhost"])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            authority_file = authority.certificate
        self._server = serve(
            self._serve, "127.0.0.1", 0, ssl=context, compression=None, ping_interval=None, max_queue=None
        )
        self.port: int = self._server.socket.getsockname()[1]
        self.endpoint = Endpoint(f"{'wss' if tls else 'ws'}://127.0.0.1:{self.port}/v2", authority_file)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()

    @staticmethod
    def credential(user: str) -> Credential:
        """A credential that it accepts."""
        return Credential(user, token=f"token of {user}")

    # -- one connection --------------------------------------------------------------------------------------

    def _serve(self, socket: ServerConnection) -> None:
        client = None
        with contextlib.suppress(ConnectionClosed):
            hello = json.loads(socket.recv())
            if any(rule(socket, hello) for rule in self.hello_rules):
                return
            client = self._welcome(socket, hello)
            if client is None:
                return
            for text in socket:
                frame = json.loads(text)
                with self.lock:
                    self.frames.append((f"{client.user}/{client.device}", frame))
                    if any(rule(client, frame) for rule in self.rules):
                        continue
                    if frame["type"] == "bye":
                        client.say("closing", code="bye", text="")
                        break
                    getattr(self, "on_" + frame["type"].replace("-", "_"))(client, frame)
        if client is not None:
            with self.lock:
                if client in self.clients:
                    self.clients.remove(client)
                self._tell_presence(client.user)

    def _welcome(self, socket: ServerConnection, hello: Frame) -> Client | None:
        user = hello.get("token", "").removeprefix("token of ").partition(" #")[0]
        with self.lock:
            if hello["type"] != "hello" or hello["token"] in self.bad_tokens or user == hello["token"]:
                socket.send(
                    json.dumps({"type": "closing", "code": "unauthenticated", "text": "no valid token"})
                )
                socket.close(1008)
                return None
            client = Client(socket, user, hello["device"], hello["capabilities"])
            for other in [one for one in self.clients if (one.user, one.device) == (user, client.device)]:
                other.say("closing", code="replaced", text="logged in again")
                self.clients.remove(other)
                threading.Thread(target=other.socket.close, args=(4001,), daemon=True).start()
            log = self.logs.setdefault(user, [])
            stored = self.cursors.get((user, client.device))
            asked = hello["cursor"]
            cursor = (asked or 0) if stored is None else stored if asked is None else min(stored, asked)
            cursor = min(cursor, len(log))
            client.say(
                "welcome", version=hello["versions"][-1], user=user, device=client.device, session="s",
                cursor=cursor, head=len(log),
                capabilities=client.wants, limits=LIMITS, time=1, unheard_of={"by": "the driver"},
            )  # fmt: skip
            self.clients.append(client)
            for entry in log[cursor:]:
                if (entry["sender"], entry["device"]) != (user, client.device):
                    client.say("deliver", **entry)
            self._tell_presence(user)
            return client

    # -- operations ------------------------------------------------------------------------------------------

    def members(self, conversation: str) -> list[str]:
        """Who is in a conversation."""
        if conversation.startswith("d:"):
            return list(dict.fromkeys(conversation.split(":")[1:]))
        return self.groups.get(conversation, {"members": []})["members"]

    def refuse(self, client: Client, frame: Frame, code: str, definite: bool = True) -> None:
        """Refuses an operation."""
        client.say(
            "refused", ref=frame["ref"], code=code, definite=definite, retry_after=None, text=f"no: {code}"
        )

    def on_send(self, client: Client, frame: Frame) -> None:
        members = self.members(frame["conversation"])
        if client.user not in members:
            return self.refuse(client, frame, "not-a-member")
        if any(client.user in self.blocks.get(member, ()) for member in members):
            return self.refuse(client, frame, "not-permitted")
        if len(frame["body"].encode()) > LIMITS["body"]:
            return self.refuse(client, frame, "too-large")
        known = self.keys.get((client.user, frame["key"]))
        if known is not None and known["body"] != frame["body"]:
            return self.refuse(client, frame, "key-conflict")
        entry = known or self.store(client.user, client.device, frame, members)
        return client.say(
            "accepted", ref=frame["ref"], id=entry["id"], conversation=entry["conversation"],
            sequence=entry["sequence"], key=entry["key"], time=1, duplicate=known is not None,
        )  # fmt: skip

    def store(self, user: str, device: str, frame: Frame, members: list[str]) -> Frame:
        """Stores a message and pushes it."""
        thread = self.sequences.setdefault(frame["conversation"], [])
        entry = {
            "id": f"{next(self._ids):016x}", "conversation": frame["conversation"], "sequence": len(thread) + 1,
            "sender": user, "device": device, "key": frame["key"], "body": frame["body"], "time": 1,
        }  # fmt: skip
        thread.append(entry)
        self.keys[user, frame["key"]] = entry
        for member in members:
            log = self.logs.setdefault(member, [])
            log.append({**entry, "cursor": len(log) + 1})
            for other in self.clients:
                if other.user == member and (user, device) != (other.user, other.device):
                    other.say("deliver", **log[-1])
        return entry

    def on_ack(self, client: Client, frame: Frame) -> None:
        place = (client.user, client.device)
        old = self.cursors.get(place, 0)
        self.cursors[place] = max(old, frame["cursor"])
        client.say("acked", ref=frame["ref"], cursor=self.cursors[place])
        for entry in self.logs[client.user][old : frame["cursor"]]:
            self._mark(client, entry["conversation"], 0, entry["sequence"])

    def on_sync(self, client: Client, frame: Frame) -> None:
        log = self.logs[client.user]
        limit = min(frame["limit"], LIMITS["page"])
        entries = log[frame["after"] : frame["after"] + limit]
        cursor = entries[-1]["cursor"] if entries else frame["after"]
        client.say("page", ref=frame["ref"], entries=entries, cursor=cursor, complete=cursor >= len(log))

    def _mark(self, client: Client, conversation: str, which: int, sequence: int) -> int:
        mark = self.marks.setdefault((conversation, client.user), [0, 0])
        if sequence > mark[which]:
            mark[which] = sequence
            for other in self.clients:
                if (
                    other is not client
                    and other.user in self.members(conversation)
                    and "receipts" in other.wants
                ):
                    other.say(
                        "receipt",
                        conversation=conversation,
                        user=client.user,
                        delivered=mark[0],
                        read=mark[1],
                    )
        return mark[which]

    def on_read(self, client: Client, frame: Frame) -> None:
        stored = self._mark(client, frame["conversation"], 1, frame["sequence"])
        client.say("marked", ref=frame["ref"], conversation=frame["conversation"], sequence=stored)

    def on_markers(self, client: Client, frame: Frame) -> None:
        users = []
        for member in self.members(frame["conversation"]):
            mark = self.marks.get((frame["conversation"], member), [0, 0])
            users.append({"user": member, "delivered": mark[0], "read": mark[1]})
        client.say("markers", ref=frame["ref"], conversation=frame["conversation"], users=users)

    def _presence(self, user: str) -> Frame:
        online = any(one.user == user for one in self.clients)
        return {"user": user, "online": online, "last_seen": 1 if online else None}

    def _tell_presence(self, user: str) -> None:
        for client in self.clients:
            if user in client.watched:
                client.say("presence", ref=None, **self._presence(user))

    def on_presence(self, client: Client, frame: Frame) -> None:
        client.say("presence", ref=frame["ref"], **self._presence(frame["user"]))

    def on_watch(self, client: Client, frame: Frame) -> None:
        client.watched = frame["users"]
        client.say("watching", ref=frame["ref"], users=frame["users"])
        for user in frame["users"]:
            client.say("presence", ref=None, **self._presence(user))

    def on_typing(self, client: Client, frame: Frame) -> None:
        for other in self.clients:
            others = set(self.members(frame["conversation"])) - {client.user}
            if other.user in others and "typing" in other.wants:
                other.say(
                    "typing", conversation=frame["conversation"], user=client.user, active=frame["active"]
                )

    def on_group_create(self, client: Client, frame: Frame) -> None:
        conversation = f"g:{next(self._ids)}"
        members = list(dict.fromkeys([client.user, *frame["members"]]))
        self.groups[conversation] = {"conversation": conversation, "name": frame["name"], "members": members}
        self._group(client, frame, conversation, members)

    def on_group_add(self, client: Client, frame: Frame) -> None:
        self._change(client, frame, lambda members: [*members, frame["user"]])

    def on_group_remove(self, client: Client, frame: Frame) -> None:
        self._change(client, frame, lambda members: [one for one in members if one != frame["user"]])

    def on_group_leave(self, client: Client, frame: Frame) -> None:
        self._change(client, frame, lambda members: [one for one in members if one != client.user])

    def on_group_info(self, client: Client, frame: Frame) -> None:
        client.say("group", ref=frame["ref"], **self.groups[frame["conversation"]], change=None)

    def on_block(self, client: Client, frame: Frame) -> None:
        self.blocks.setdefault(client.user, []).append(frame["user"])
        self.on_blocks(client, frame)

    def on_unblock(self, client: Client, frame: Frame) -> None:
        self.blocks[client.user].remove(frame["user"])
        self.on_blocks(client, frame)

    def on_blocks(self, client: Client, frame: Frame) -> None:
        client.say("blocked", ref=frame["ref"], users=self.blocks.get(client.user, []))

    def _change(self, client: Client, frame: Frame, change: Callable[[list[str]], list[str]]) -> None:
        members = self.members(frame["conversation"])
        if client.user not in members:
            return self.refuse(client, frame, "not-a-member")
        self.groups[frame["conversation"]]["members"] = change(members)
        return self._group(client, frame, frame["conversation"], members)

    def _group(self, client: Client, frame: Frame, conversation: str, told: list[str]) -> None:
        group = self.groups[conversation]
        client.say("group", ref=frame["ref"], **group, change=None)
        for other in self.clients:
            if other is not client and other.user in {*told, *group["members"]}:
                other.say("group", ref=None, **group, change=None)
