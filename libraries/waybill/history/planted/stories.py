"""Writes tiny histories from stories of a line per event, so that a planted history reads like what happened.

    users alice: phone, laptop; bob: tablet
    conversation ab: alice, bob
    promise own_devices=true

    alice/phone sends m1
    alice/phone ok m1 id=1 seq=1
    bob/tablet gets m1
    bob/tablet final

Every event comes one millisecond after the one before it, `+500` lets half a second pass. Words after the verb are its
subject and `name=value` pairs; values are numbers where they look like numbers. A story ends with the closing line
unless it says `killed`. Without `users` there are alice/phone and bob/laptop, in the conversation `ab`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
NAMES = {
    "in": "conversation",
    "from": "sender",
    "seq": "sequence",
    "version": "protocol_version",
    "time": "server_time",
}
OPERATIONS = {
    "acks": "acknowledge",
    "syncs": "sync",
    "asks": "presence",
    "marks": "read",
    "lists": "markers",
    "deletes": "delete",
    "revokes": "revoke",
    "expires": "expire",
    "types": "typing",
    "adds": "add",
    "removes": "remove",
    "leaves": "leave",
    "creates": "create",
    "watches": "watch",
    "blocks": "block",
    "unblocks": "unblock",
    "looks": "roster",
    "inquires": "status",
}
BY_ANOTHER_CHECK = (
    "a read marker that was pushed goes back",
    "two devices are told different read markers at rest",
    "somebody is said to be there long after a goodbye",
)
"""Titles of planted histories whose anomaly another check finds than the one that finds the first of its kind."""


@dataclass
class Story:
    """Turns the lines of one story into the lines of a history."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    users: dict[str, list[str]] = field(default_factory=lambda: {"alice": ["phone"], "bob": ["laptop"]})
    conversations: dict[str, list[str]] = field(default_factory=lambda: {"ab": ["alice", "bob"]})
    promises: dict[str, Any] = field(default_factory=dict)
    declares: list[str] = field(default_factory=list)
    time: int = 0
    killed: bool = False
    sends: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def tell(self, text: str) -> Story:
        """Adds the events of some lines."""
        for line in text.splitlines():
            words = line.partition("#")[0].split()
            if words:
                try:
                    self._line(words)
                except Exception as error:
                    raise ValueError(f"in {line.strip()!r}: {error}") from error
        return self

    def write(self, path: Path) -> Path:
        """Writes the history."""
        header = {
            "waybill": "history",
            "version": 1,
            "users": self.users,
            "conversations": self.conversations,
            "promises": self.promises,
            "declares": self.declares,
        }
        lines = [header, *self.lines, *([] if self.killed else [{"end": {}}])]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    def event(self, event: str, **values: Any) -> None:
        """Adds one event."""
        self.time += 1000
        self.lines.append({"event": event, "time": self.time, **values})

    def _line(self, words: list[str]) -> None:
        match words[0]:
            case "users":
                self.users = _groups(words[1:])
            case "conversation":
                self.conversations |= _groups(words[1:])
            case "promise":
                self.promises |= _pairs(words[1:])
            case "declares":
                self.declares += words[1:]
            case "killed":
                self.killed = True
            case "fault":
                self._fault(words[1:])
            case "administration":
                self._administration(words[1:])
            case word if word.startswith("+"):
                self.time += int(float(word[1:]) * 1000)
            case device:
                verb, rest = words[1], words[2:]
                values = _pairs(word for word in rest if "=" in word)
                subject = [word for word in rest if "=" not in word]
                self._deed(device, verb, subject, values)

    def _fault(self, words: list[str]) -> None:
        what = words[0]
        if what == "observed":
            self.event("fault-observed", text="seen")
        elif what == "ends":
            self.event("fault-end")
        else:
            self.event("fault-start", kind=what, scope="node1")

    def _administration(self, words: list[str]) -> None:
        """`revoke_user user=bob` begins and is confirmed; `revoke_user...` begins; `ok`, `fail` or `info` ends it."""
        what = words[0]
        if what in ("ok", "fail", "info"):
            self.event("administration-end", outcome=what)
            return
        self.event("administration-start", operation=what.rstrip("."), **_pairs(words[1:]))
        if not what.endswith("..."):
            self.event("administration-end", outcome="ok")

    def _deed(  # noqa: PLR0912 - one case for each verb
        self, device: str, verb: str, subject: list[str], values: dict[str, Any]
    ) -> None:
        first = subject[0] if subject else ""
        answer = {name[3:]: values.pop(name) for name in list(values) if name.startswith("ok.")}
        match verb:
            case "connects" | "tries":
                told = ("protocol_version", "transport", "credential", "node", "token")
                self.event(
                    "session", device=device, **{name: values.pop(name) for name in told if name in values}
                )
                label = self._label("login", device)
                self.event("login", device=device, operation=label, **values)
                if verb == "connects":
                    self.event("ok", device=device, operation=label, **answer)
            case "ends":
                self.event("end", device=device, end=first or "closed")
            case "sends":
                send = {"conversation": "ab", "body": f"body of {first}", **values}
                self.sends.setdefault(first, {**send, "sender": device.partition("/")[0]})
                self.event("send", device=device, key=first, operation=self._label(first, device), **send)
            case "ok" | "fail" | "info":
                if "complete" in subject:
                    values["complete"] = True
                self.event(verb, device=device, operation=self._find(first, device), **values)
            case "gets":
                self._gets(device, first, subject, values)
            case "final":
                self.event("final", device=device, complete=first != "incomplete")
            case "deadline":
                missing = [[self.sends[key]["conversation"], key] for key in subject]
                self.event("deadline", device=device, missing=missing)
            case "sees":
                if "operation" in values:
                    values["operation"] = self._find(str(values["operation"]), device)
                self.event("receipt", device=device, user=first, **{"conversation": "ab", **values})
            case "finds":
                self.event("presence-seen", device=device, user=first, online=subject[1] == "online")
            case "cursor":
                self.event("cursor", device=device, value=int(first))
            case _:
                self._operation(device, verb, first, values, answer)

    def _operation(
        self, device: str, verb: str, first: str, values: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        unknown, refused, opened = verb.endswith("?"), verb.endswith("!"), verb.endswith("...")
        name = OPERATIONS[verb.rstrip("?!.")]
        if name == "acknowledge" and first:
            values["value"] = int(first)
        elif name in ("presence", "add", "remove"):
            values["user"] = first
        elif name in ("delete", "status"):
            values["key"] = first
        elif name == "create":
            values["conversation"] = first
        if name in ("read", "markers", "add", "remove", "leave", "typing"):
            values.setdefault("conversation", "ab")
        label = self._label(first if name == "sync" else name)
        if "members" in values:
            values["members"] = str(values["members"]).split(",")
        self.event(name, device=device, operation=label, **values)
        if unknown or refused:
            self.event("info" if unknown else "fail", device=device, operation=label)
        elif not opened and name != "sync":
            self.event("ok", device=device, operation=label, **answer)

    def _gets(self, device: str, key: str, subject: list[str], values: dict[str, Any]) -> None:
        sent = self.sends.get(key, {})
        values = {
            "conversation": sent.get("conversation", "ab"),
            "sender": sent.get("sender", "alice"),
            "key": key,
            "body": sent.get("body", f"body of {key}"),
            **values,
        }
        if "read" in values:
            values.setdefault("mode", "page")
            values["read"] = self._find(str(values["read"]), device)
        for mode in ("live", "backlog", "page", "final"):
            if mode in subject:
                values["mode"] = mode
        if "nokey" in subject:
            values["key"] = ""
        if "noplace" in subject:
            values["conversation"] = ""
        if "nosender" in subject:
            values["sender"] = ""
        self.event("deliver", device=device, **values)

    def _label(self, name: str, device: str = "") -> str:
        label = f"{name}.{len(self.lines)}"
        self.labels[name] = label
        self.labels[f"{device} {name}"] = label
        return label

    def _find(self, name: str, device: str) -> str:
        return self.labels.get(f"{device} {name}") or self.labels[name]


def story(text: str, path: Path) -> Path:
    """Writes the history of one story."""
    return Story().tell(text).write(path)


@dataclass(frozen=True)
class Labelled:
    """One story of the corpus: planted (it must be found) or a near miss (it must stay clean)."""

    anomaly: str
    planted: bool
    title: str
    text: str

    @property
    def name(self) -> str:
        """What a test calls it."""
        return f"{self.anomaly}: {'planted' if self.planted else 'near miss'}: {self.title}"


def corpus() -> list[Labelled]:
    """Every labelled story: `corpus/<anomaly>.txt`, each headed by `== planted: title` or `== near miss: title`."""
    found = []
    for file in sorted(CORPUS.glob("*.txt")):
        for part in re.split(r"^== ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, text = part.partition("\n")
            label, _, title = title.partition(": ")
            assert label in ("planted", "near miss"), f"{file.name}: {label!r}"
            found.append(Labelled(file.stem, label == "planted", title.strip(), text))
    return found


def canaries() -> list[Labelled]:
    """The first planted history of each anomaly, and those that another check finds: no check can be gone unnoticed."""
    planted = [one for one in corpus() if one.planted]
    first = {one.anomaly: one for one in reversed(planted)}
    return [one for one in planted if one is first[one.anomaly] or one.title in BY_ANOTHER_CHECK]


def _groups(words: list[str]) -> dict[str, list[str]]:
    groups = {}
    for part in " ".join(words).split(";"):
        name, _, members = part.partition(":")
        groups[name.strip()] = members.replace(",", " ").split()
    return groups


def _pairs(words: Any) -> dict[str, Any]:
    pairs = {}
    for word in words:
        name, _, value = word.partition("=")
        pairs[NAMES.get(name, name)] = _value(value)
    return pairs


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text
