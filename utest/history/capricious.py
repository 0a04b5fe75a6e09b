"""Histories of a server that does as it likes: mostly what it should, now and then anything at all.

Few users, few messages, few ids and small numbers, so that names and numbers meet often, and everything that can stand
in a history stands in some of them. One seed gives one history, always the same.
"""

from __future__ import annotations

import random
from typing import Any

from waybill.history.planted.stories import Story

Line = dict[str, Any]
USERS = {"alice": ["phone", "pad"], "bob": ["laptop"], "carol": ["tablet", "watch"]}
CONVERSATIONS = {"ab": ["alice", "bob"], "g": ["alice", "bob", "carol"], "ac": ["carol", "alice"]}
PROMISES: dict[str, tuple[Any, ...]] = {
    "own_devices": (True, False),
    "pipelined_order": (True, False),
    "realtime_order": (True, False),
    "total_order": (True, True, False),
    "sequences": ("gapless", "any"),
    "ids": ("ordered", "opaque"),
    "dedup": ("none", "durable"),
    "message_time": ("stored", "any"),
    "new_device_history": ("none", "all"),
    "new_member_history": ("all", "none"),
    "presence_bound": ("2s", "5ms", "0ms"),
    "revocation_bound": ("1s", "3ms"),
}
PAUSES = (0, 0, 1000, 1000, 1000, 2000, 50_000, 1_000_000)


class Capricious:
    """Writes one history, event by event."""

    def __init__(self, seed: int, wrong: float) -> None:
        """
        Args:
            seed: Which history.
            wrong: How often a thing is anything at all, from 0 to 1.
        """
        self.chance = random.Random(seed)
        self.wrong = wrong
        names = self.chance.sample(sorted(PROMISES), self.chance.randint(0, 8))
        self.told = Story(
            users={user: list(devices) for user, devices in USERS.items()},
            conversations={name: list(members) for name, members in CONVERSATIONS.items()},
            promises={name: self.chance.choice(PROMISES[name]) for name in names},
            declares=["send", "sync"] if self.chance.random() < 0.1 else [],
            killed=self.chance.random() < 0.1,
        )
        self.timed = self.chance.random() < 0.85
        self.now = 0
        self.devices = [f"{user}/{name}" for user, names in USERS.items() for name in names]
        self.sent: list[Line] = []
        self.logs: dict[str, list[Line]] = {user: [] for user in USERS}
        self.given: dict[str, int] = dict.fromkeys(self.devices, 0)
        self.open: list[Line] = []
        self.sequences: dict[str, int] = dict.fromkeys(CONVERSATIONS, self.chance.randint(-1, 1))
        self.labels = 0
        self.online: set[str] = set()
        self.mixed, self.swaps, self.forgets = (self.chance.random() < often for often in (0.4, 0.3, 0.3))

    def story(self, events: int) -> Story:
        """A history of about so many events, then of what everybody holds in the end."""
        deeds = (
            (self.connects, 6), (self.ends, 2), (self.sends, 16), (self.is_answered, 26), (self.gets, 30),
            (self.asks, 24), (self.sees, 8), (self.is_told, 4), (self.fault, 1), (self.administration, 1),
            (self.deadline, 1),
        )  # fmt: skip
        kinds, weights = zip(*deeds, strict=True)
        for _ in range(events):
            self.chance.choices(kinds, weights)[0]()
        self.finish()
        return self.told

    def mostly(self, right: Any, *others: Any) -> Any:
        """What is right, or now and then one of the others."""
        return self.chance.choice(others) if others and self.chance.random() < self.wrong else right

    def seldom(self, often: float = 0.3) -> bool:
        """Whether the less usual of two things happens."""
        return self.chance.random() < often * min(1.0, self.wrong * 5)

    def event(self, event: str, **values: Any) -> None:
        """Adds an event, with what is known of it."""
        self.now += self.chance.choice(PAUSES)
        known = {name: value for name, value in values.items() if value is not None}
        times = {"time": self.now} if self.timed and not self.seldom(0.03) else {}
        self.told.lines.append({"event": event, **times, **known})

    def invoke(self, event: str, device: str, **values: Any) -> Line:
        """Begins an operation."""
        self.labels += 1
        operation = {"event": event, "device": device, "operation": f"o{self.labels}", **values}
        self.event(event, **{name: value for name, value in operation.items() if name != "event"})
        self.open.append(operation)
        return operation

    # -- what devices do --------------------------------------------------------------------------------------------

    def device(self) -> str:
        return self.chance.choice(self.devices)

    def user(self) -> str:
        return self.chance.choice(sorted(USERS))

    def place(self) -> str:
        return self.chance.choice(sorted(CONVERSATIONS))

    def connects(self) -> None:
        device = self.device()
        self.event(
            "session",
            device=device,
            protocol_version=self.mostly(1 + len(device) % 2 if self.mixed else 2, 0, 1),
            protocol=self.mostly("wire", "other"),
            transport=self.mostly("tls", "tls", "plaintext", "old_tls", "wrong_certificate"),
            credential=self.mostly("valid", "valid", "none", "forged", "expired"),
            token=self.chance.choice((None, 1, 2, 3)),
        )
        self.online.add(device)
        if self.forgets:
            self.given[device] = self.chance.randint(0, self.given[device])
        if self.chance.random() < 0.85:
            asked = self.chance.choice((None, None, self.given[device], self.mostly(0, 1, 2)))
            self.invoke("login", device, value=asked)
            if self.chance.random() < 0.7:
                self.answer(self.open[-1])

    def ends(self) -> None:
        device = self.chance.choice(sorted(self.online) or self.devices)
        self.online.discard(device)
        self.event("end", device=device, end=self.chance.choice(("closed", "cut", "lost", "refused")))

    def sends(self) -> None:
        device = self.device()
        user = device.partition("/")[0]
        again = [one for one in self.sent if one["sender"] == user]
        if again and self.chance.random() < 0.25:
            message = self.chance.choice(again)
            body = self.mostly(message["body"], "other", "body")
        else:
            place = self.chance.choice([name for name, members in CONVERSATIONS.items() if user in members])
            message = {
                "key": f"k{len(self.sent) % 23}",
                "sender": user,
                "conversation": self.mostly(place, "g", "ab"),
            }
            message["body"] = body = self.mostly(f"body {len(self.sent)}", "hi", "hello")
            message["device"] = device
            self.sent.append(message)
        operation = self.invoke(
            "send", device, conversation=message["conversation"], key=message["key"], body=body,
            over_quota=self.mostly(None, True), expires=self.mostly(None, 1, 2, 50),
        )  # fmt: skip
        if self.chance.random() < 0.5:
            self.answer(operation)

    def asks(self) -> None:
        """Any other operation."""
        device, place = self.device(), self.place()
        number = self.chance.randint(0, 6)
        seen, sent = self.given[device], [one for one in self.sent if one["device"] == device]
        events: dict[str, dict[str, Any]] = {
            "acknowledge": {"value": self.mostly(seen, number, None), "id": self.mostly(None, self.an_id()),
                            "delivery": self.mostly(None, number)},
            "sync": {"value": self.mostly(0, number, seen)},
            "presence": {"user": self.user()},
            "watch": {"user": self.mostly(self.user(), None)},
            "read": {"conversation": place, "value": number},
            "markers": {"conversation": place},
            "roster": {"conversation": place},
            "typing": {"conversation": place},
            "delete": {"key": sent[-1]["key"] if sent else None} if number % 2 else
                      {"conversation": place, "value": number},
            "status": {"key": sent[-1]["key"] if sent else "k1"},
        }  # fmt: skip
        seldom: dict[str, dict[str, Any]] = {
            "add": {"conversation": place, "user": self.user()},
            "remove": {"conversation": place, "user": self.user()},
            "leave": {"conversation": place},
            "block": {"user": self.user()},
            "unblock": {"user": self.user()},
            "revoke": {"user": self.user(), "id": self.mostly(None, "phone", "tablet")},
            "expire": {"user": self.user()},
        }
        kinds = seldom if self.chance.random() < 0.03 + self.wrong / 2 else events
        event = self.chance.choice(sorted(kinds))
        operation = self.invoke(event, device, **kinds[event])
        if event == "sync":
            self.reads(operation, self.mostly("page", "final", "live"))
        elif self.chance.random() < 0.6:
            self.answer(operation)

    def reads(self, operation: Line, mode: str) -> None:
        """A page with its entries."""
        device = operation["device"]
        log = self.logs[device.partition("/")[0]]
        after = operation["value"] or 0
        upto = min(len(log), after + self.chance.randint(1, 5)) if mode != "final" else len(log)
        for place in range(after, upto):
            if not self.seldom():
                self.give(device, log[place], place + 1, mode=mode, read=operation["operation"])
        if self.chance.random() < 0.9:
            self.open.remove(operation)
            self.event(
                "ok", device=device, operation=operation["operation"],
                value=self.mostly(upto, None, after, after + 1), complete=upto >= len(log) or None,
            )  # fmt: skip

    # -- what the server does ---------------------------------------------------------------------------------------

    def is_answered(self) -> None:
        if self.open:
            self.answer(self.mostly(self.open[0], *self.open))

    def answer(self, operation: Line) -> None:
        """Completes an operation, whose message is in the logs of its conversation's members from then on."""
        self.open.remove(operation)
        device, event = operation["device"], operation["event"]
        outcome = self.mostly(self.chance.choice(("ok", "ok", "ok", "ok", "ok", "fail", "info")), "ok")
        values: dict[str, Any] = {}
        if outcome != "ok":
            values["code"] = self.chance.choice(("deadline", "connection-lost", "busy"))
        elif event == "send":
            message = next(
                one for one in self.sent
                if (one["sender"], one["key"]) == (device.partition("/")[0], operation["key"])
            )  # fmt: skip
            self.store(message)
            values = {
                "id": self.mostly(message["id"], None, self.an_id()),
                "sequence": self.mostly(message["sequence"], None, self.chance.randint(0, 6)),
                "key": self.mostly(None, None, self.chance.choice(self.sent)["key"]),
            }
        elif event in ("login", "acknowledge"):
            values["value"] = self.mostly(operation.get("value"), None, self.chance.randint(0, 6))
        elif event in ("presence", "status"):
            values["value"] = self.chance.choice((0, 1, 1))
        elif event == "read":
            values["sequence"] = self.mostly(None, operation["value"], self.chance.randint(0, 6))
        elif event == "markers":
            for user in CONVERSATIONS[operation["conversation"]]:
                self.receipt(device, operation["conversation"], user, operation["operation"])
        self.event(outcome, device=device, operation=operation["operation"], **values)
        if outcome == "ok" and self.seldom(0.1):
            self.event("ok", device=device, operation=operation["operation"], **values)

    def store(self, message: Line) -> None:
        """Gives a message its names, once, and puts it into the logs."""
        if "id" not in message:
            place = message["conversation"]
            self.sequences[place] += self.mostly(1, 0, 2, 3)
            message["sequence"] = max(0, self.sequences[place])
            message["id"] = f"{self.mostly(len(self.sent), 1, 2):02d}"
            message["server_time"] = self.chance.randint(0, 9)
            for member in CONVERSATIONS[place]:
                if not self.seldom():
                    self.logs[member].append(message)

    def an_id(self) -> str:
        return f"{self.chance.randint(0, 9):02d}"

    def gets(self) -> None:
        """A device is pushed what comes next in its log, mostly."""
        device = self.device()
        user = device.partition("/")[0]
        if self.sent and self.chance.random() < 0.1:
            message = self.chance.choice(self.sent)
            if self.chance.random() < 0.7:
                self.store(message)
        log = self.logs[user]
        if not log:
            return
        ahead = int(self.swaps and self.chance.random() < 0.3)
        place = self.mostly(
            self.given[device] + ahead, self.chance.randrange(len(log)), self.given[device] - 1
        )
        place = min(place, len(log) - 1)
        message = log[place]
        self.given[device] = max(self.given[device], place + 1 - ahead)
        if message["device"] != device or self.seldom():
            self.give(device, message, place + 1, mode=self.mostly("live", "backlog", "final"))

    def give(self, device: str, message: Line, cursor: int, **values: Any) -> None:
        """One delivery, with whatever of its names the server tells, and sometimes others."""
        other = self.chance.choice(self.sent)
        bare = self.seldom(0.2)
        for _ in range(2 if self.seldom(0.3) else 1):
            self.event(
                "deliver",
                device=device,
                conversation=self.mostly(message["conversation"], "g", None),
                sender=self.mostly(None if bare else message["sender"], "bob", None),
                key=self.mostly(None if bare else message["key"], other["key"], "ghost"),
                body=self.mostly(message["body"], other["body"], "hi"),
                id=self.mostly(message["id"], None, None, self.an_id()),
                sequence=self.mostly(message["sequence"], None, self.chance.randint(0, 6)),
                cursor=self.mostly(cursor, None, None, self.chance.randint(0, 6)),
                server_time=self.mostly(message["server_time"], None, self.chance.randint(0, 9)),
                number=self.mostly(None, self.chance.randint(0, 6)),
                **values,
            )

    def receipt(self, device: str, place: str, user: str, operation: str | None) -> None:
        """A receipt of what a user's devices were given, or nearly."""
        known = [one["sequence"] for one in self.logs[user] if one["conversation"] == place]
        high = known[-1] if known else 0
        one = self.mostly(None, self.an_id()) if operation is None else None
        self.event(
            "receipt", device=device, conversation=place, user=user, operation=operation, id=one,
            delivered=self.mostly(high, None, high + 1, self.chance.randint(0, 6)),
            read=self.mostly(max(0, high - 1), None, 0, high, self.chance.randint(0, 6)),
            unread=self.mostly(None, 0, 1, 2),
        )  # fmt: skip

    def sees(self) -> None:
        device = self.device()
        mine = [one["key"] for one in self.sent if one["sender"] == device.partition("/")[0]]
        if mine and self.chance.random() < 0.2:
            self.event(
                "receipt", device=device, user=device.partition("/")[0], expired=self.chance.choice(mine)
            )
        else:
            self.receipt(device, self.place(), self.user(), None)

    def is_told(self) -> None:
        device = self.device()
        if self.chance.random() < 0.5:
            self.event("presence-seen", device=device, user=self.user(), online=self.chance.random() < 0.5)
        else:
            self.event(
                "cursor", device=device, value=self.mostly(self.given[device], self.chance.randint(0, 6))
            )

    # -- what happens to them ---------------------------------------------------------------------------------------

    def fault(self) -> None:
        if self.chance.random() < 0.4:
            kind = self.chance.choice(("kill", "partition", "fsync_lies", "power-loss"))
            self.event("fault-start", kind=kind, scope="node1")
        elif any(line["event"] == "fault-start" for line in self.told.lines):
            self.event("fault-observed", text="seen")
            if self.chance.random() < 0.8:
                self.event("fault-end")

    def administration(self) -> None:
        if self.chance.random() < 0.4:
            operation = self.chance.choice(
                ("revoke_user", "revoke_device", "revoke_token", "end_session", "rotate_key")
            )
            about = {
                "revoke_user": {"user": self.user()},
                "revoke_device": {"device": self.device()},
                "revoke_token": {"token": self.chance.randint(1, 3)},
                "end_session": {"session": self.chance.randint(1, 4)},
            }
            self.event("administration-start", operation=operation, **about.get(operation, {}))
            self.event("administration-end", outcome=self.mostly("ok", "fail", "info"))

    def deadline(self) -> None:
        missing = [[one["conversation"], one["key"]] for one in self.sent[-3:]]
        self.event("deadline", device=self.device(), missing=missing)

    def finish(self) -> None:
        """Everybody reads everything, or is said not to have."""
        for device in self.devices:
            log = self.logs[device.partition("/")[0]]
            operation = self.invoke("sync", device, value=self.mostly(0, None, 1))
            if not self.seldom(0.2):
                for place, message in enumerate(log):
                    if not self.seldom(0.1):
                        self.give(device, message, place + 1, mode="final", read=operation["operation"])
            if not self.seldom(0.2):
                self.event(
                    "ok", device=device, operation=operation["operation"], value=len(log), complete=True
                )
            if not self.seldom(0.2):
                self.event("final", device=device, complete=self.mostly(True, False))


def capricious(seed: int) -> Story:
    """One history; every third has few errors, every third many."""
    return Capricious(seed, (0.02, 0.08, 0.25)[seed % 3]).story(30 + seed % 7 * 20)
