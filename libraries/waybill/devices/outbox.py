"""What a device sends, in attempts that all count as one message as long as they carry one key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from waybill.devices import waits
from waybill.devices.connection import Connection
from waybill.devices.conversation import Conversation
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed

IN_FLIGHT: Final = 256
"""The most unanswered sends of one bulk: enough to keep a server's group commit busy, few enough to be
bounded."""


class Outbox(Connection):
    """A device as far as its sends go; `Device` is the whole of it."""

    def send(
        self,
        conversation: Conversation | str,
        body: bytes | str | None = None,
        *,
        key: str | None = None,
        size: int = 64,
        over_quota: bool = False,
    ) -> Sending:
        """Sends one message and returns at once; its outcome comes later.

        Args:
            conversation: Where it goes.
            body: Its body; None for one that is made from the seed and names the message.
            key: Its idempotency key; None for one of its own.
            size: The size of a made body in bytes.
            over_quota: The scenario knows that it is over a promised bound.
        """
        sending = self.compose(conversation, body, key=key, size=size, over_quota=over_quota)
        epoch, session = self.usable()
        place = self.server_name(sending.conversation)
        with epoch.sending_now:
            session.send(epoch.sending(sending), place, sending.key, sending.body)
        return sending

    def send_many(
        self,
        conversation: Conversation | str,
        count: int = 0,
        *,
        bodies: Sequence[bytes] | None = None,
        keys: Sequence[str] | None = None,
        size: int = 64,
        sizes: tuple[int, int] | None = None,
        in_flight: int = IN_FLIGHT,
        deadline: float | None = None,
    ) -> list[Sending]:
        """Sends several messages back to back, at most `in_flight` of them unanswered at a time.

        Returns when the last one is written; the newest ones may still be unanswered. If the session ends
        meanwhile, the rest never leaves the client and is refused as `not-connected`.

        Args:
            conversation: Where they go.
            count: How many; as many as there are bodies or keys by default.
            bodies: Their bodies; made from the seed by default.
            keys: Their keys; made by default.
            size: The size of a made body in bytes.
            sizes: The smallest and largest size of made bodies, drawn from the scenario's seed, in place of
                `size`.
            in_flight: The most unanswered sends.
            deadline: Seconds that the server may take, each time, to answer enough of them that the next ones may
                follow; the scenario's patience by default.

        Raises:
            DeadlinePassed: The server did not answer enough of them in time.
        """
        count = count or len(bodies or keys or ())
        randint = self.scenario.random.randint
        made = [
            self.compose(
                conversation,
                bodies[index] if bodies else None,
                key=keys[index] if keys else None,
                size=randint(*sizes) if sizes else size,
            )
            for index in range(count)
        ]
        self.send_composed(made, in_flight=in_flight, deadline=deadline)
        return made

    def compose(
        self,
        conversation: Conversation | str,
        body: bytes | str | None = None,
        *,
        key: str | None = None,
        size: int = 64,
        over_quota: bool = False,
        ttl: int | None = None,
    ) -> Sending:
        """Makes a message without sending it (`send_composed`), with `ttl` one that lives so many milliseconds."""
        number = next(self._numbers)
        name = f"{self.name}#{number}"
        if body is None:
            body = self.scenario.bodies.make(name, size)
        elif isinstance(body, str):
            body = body.encode()
        sending = Sending(
            name, self.name, self.scenario.conversation(conversation), key or self._key(number),
            body, self.scenario.next_order(), over_quota=over_quota,
            keyed=self.client is None or self.client.keyed, ttl=ttl,
        )  # fmt: skip
        self.sent.append(sending)
        self.scenario.remember(sending)
        return sending

    def send_composed(
        self, sendings: Sequence[Sending], *, in_flight: int = IN_FLIGHT, deadline: float | None = None
    ) -> None:
        """Sends messages, each as one more attempt, at most `in_flight` of them unanswered at a time.

        The deadline is that of `send_many`.
        """
        epoch, session = self.usable()
        patience = self.scenario.patience if deadline is None else deadline
        piece = max(1, in_flight // 2)
        waiting: list[Sending] = []
        for start in range(0, len(sendings), piece):
            part = sendings[start : start + piece]
            if len(waiting) + len(part) > in_flight:
                room = waits.Unanswered(waiting)
                if not self.signal.wait_until(room.is_down_to(in_flight - len(part)), Deadline(patience)):
                    raise DeadlinePassed(
                        f"{self.name} could not send {len(sendings)} messages: {start} were sent, and after "
                        f"{patience:g} s of waiting {len(room.left())} of them have no answer. "
                        f"{self.name} is {self.state}."
                    )
                waiting = room.left()
            with epoch.sending_now:
                session.send_many(
                    [
                        (epoch.sending(one), self.server_name(one.conversation), one.key, one.body)
                        for one in part
                        if one.ttl is None
                    ]
                )
                for one in part:
                    if one.ttl is not None:
                        place = self.server_name(one.conversation)
                        session.send_expiring(epoch.sending(one), place, one.key, one.body, one.ttl)
            waiting.extend(part)

    def retry(self, sending: Sending, device: Outbox | None = None) -> Sending:
        """Sends a message once more under its key, from this device or another one of the user.

        It is one more attempt of the same message, recorded as such, whatever the earlier ones came to.
        """
        return (device or self).retry_many([sending])[0]

    def retry_many(
        self, sendings: Sequence[Sending], *, in_flight: int = IN_FLIGHT, deadline: float | None = None
    ) -> list[Sending]:
        """Sends messages once more under their keys from this device."""
        self.send_composed(sendings, in_flight=in_flight, deadline=deadline)
        return list(sendings)

    def resend_unknown(self, *, deadline: float | None = None) -> list[Sending]:
        """Retries every send of this device whose outcome is unknown, in the order of sending; returns
        them."""
        return self.retry_many([one for one in self.sent if one.unknown], deadline=deadline)

    def _key(self, number: int) -> str:
        """A key that no other device of the scenario uses: that equal keys of different senders stay
        different messages is for the scenarios that try it on purpose."""
        return f"{self.user[:28]}.{self.device[:24]}-{number}"
