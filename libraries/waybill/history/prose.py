"""The names and times that sentences use."""

from __future__ import annotations

from .membership import NEVER
from .model import History


class Prose:
    """Names things of one history as a person would."""

    def __init__(self, history: History) -> None:
        self._history = history

    def message(self, message: int) -> str:
        """A message by the device that sent it and its place among that device's messages: `alice/phone#42`."""
        messages = self._history.messages
        if message < 0 or not messages.sent[message]:
            return self.key(message)
        return f"{self.device(int(messages.device[message]))}#{int(messages.number[message])}"

    def key(self, message: int) -> str:
        """A message that was never sent, by what its delivery called it."""
        if message < 0:
            return "a message without a key"
        sender = self.user(int(self._history.message_sender[message]))
        return f"key {self._history.keys[message]!r} of {sender}"

    def device(self, device: int) -> str:
        """A device by its name."""
        return (
            self._history.devices[device] if 0 <= device < len(self._history.devices) else "an unknown device"
        )

    def device_of(self, session: int) -> str:
        """The device of a session."""
        return self.device(int(self._history.sessions.device[session]))

    def user(self, user: int) -> str:
        """A user by name."""
        return self._history.users[user] if 0 <= user < len(self._history.users) else "nobody"

    def conversation(self, conversation: int) -> str:
        """A conversation by name."""
        names = self._history.conversations
        return names[conversation] if 0 <= conversation < len(names) else "no conversation"

    def id(self, number: int) -> str:
        """A server id."""
        return self._history.ids[number] if number >= 0 else "no id"

    def at(self, time: int) -> str:
        """` at 1,012.345 ms`, or nothing where the history has no times."""
        return f" at {time / 1000:,.3f} ms" if time >= 0 else ""

    def delivery(self, row: int) -> str:
        """What a delivery gave, by its message or by what it called itself."""
        deliveries = self._history.deliveries
        given = int(self._history.messages.given[row])
        if given >= 0:
            return self.message(given)
        if deliveries.message[row] >= 0:
            return f"a message with {self.key(int(deliveries.message[row]))}"
        if deliveries.id[row] >= 0:
            return f"a message with id {self.id(int(deliveries.id[row]))}"
        return f"a message of {int(deliveries.length[row])} bytes"

    def send_events(self, message: int) -> tuple[int, ...]:
        """The events of a message's first attempt and its acknowledgement."""
        messages = self._history.messages
        if message < 0:
            return ()
        events = (int(messages.invoked[message]), int(messages.acknowledged[message]))
        return tuple(event for event in events if event < NEVER)
