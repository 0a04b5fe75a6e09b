"""Keywords for sending, retrying, receiving and acknowledging messages in volume."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.absences import bursts_cut_off
from waybill.devices.conversation import Conversation
from waybill.devices.device import Device
from waybill.devices.limits import disconnects, oversize
from waybill.devices.sending import Sending
from waybill.devices.traffic import Route, exchange, pairs
from waybill.devices.traffic import bursts as send_bursts
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, Alike, Names, On, Senders, Which

WAIT = timedelta(seconds=20)
STEADY = 150.0
"""Messages per second of a stream where the target promises no other `steady_rate`: lively traffic that no server has
to be sized for."""


def routes(people: Names, receiver: str, senders: Senders, devices: Names | None = None) -> list[Route]:
    """From these people's devices to one receiver."""
    scenario = stage.scenario()
    found: list[Route] = []
    for person in people:
        conversation = scenario.direct(person, receiver)
        own = list(scenario.user(person).devices.values())
        if devices is not None:
            own = [scenario.device(f"{person}/{name}") for name in devices]
        elif senders is Senders.FIRST:
            own = own[:1]
        found += [(device, conversation) for device in own]
    return found


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Messages:
    """Sending, retrying, receiving and acknowledging, in volume.

    Keywords take a number of messages and hand them over back to back; they return when the last one is written, while
    the newest may still be unanswered. `Wait Until Acknowledged` and `Wait For Deliveries` wait, and say what was
    missing when their deadline passes. Bodies are made from the seed and name their message.
    """

    @keyword
    def send_messages(
        self, people: Names, receiver: str, *, count: int, size: int = 64, devices: Names | None = None
    ) -> None:
        """Each of the people sends so many messages to the receiver; several senders interleave.

        Args:
            people: The senders.
            receiver: The one they write to.
            count: Messages from each of them.
            size: Bytes of each body.
            devices: The devices that send, in turn; by default each sender's first one.

        Example:

        ```robotframework
        *** Test Cases ***
        Two people write to a third
            Connect People    alice, bob and carol
            Send Messages    alice and carol    bob    count=100
            Wait Until Acknowledged
            Check History
        ```
        """
        chosen = routes(people, receiver, Senders.FIRST, devices)
        if len(chosen) == 1:
            device, conversation = chosen[0]
            device.send_many(conversation, count, size=size)
        else:
            exchange(stage.scenario(), chosen, count * len(people), sizes=(size, size))
        logger.info(f"{people} sent {count} messages each to {receiver}")

    @keyword
    def exchange_messages(
        self,
        people: Names | None = None,
        *,
        count: int,
        to: str | None = None,
        conversations: int | None = None,
        from_devices: Senders = Senders.FIRST,
        smallest: int = 64,
        largest: int = 64,
    ) -> None:
        """People write to each other, or all to one, in an order that the seed decides.

        Args:
            people: Who; by default everybody in the scenario.
            count: Messages in all.
            to: The one they write to; by default they write to each other.
            conversations: How many conversations of two, spread over the people; by default every pair.
            from_devices: Which devices send.
            smallest: Bytes of the smallest body.
            largest: Bytes of the largest body.

        Example:

        ```robotframework
        *** Test Cases ***
        Many conversations at once
            Connect Crowd    8
            Exchange Messages    count=2000    conversations=20
            Wait Until Acknowledged
            Check History
        ```
        """
        scenario = stage.scenario()
        who = people or Names(scenario.users)
        if to is not None:
            chosen = routes(who, to, from_devices)
        else:
            wanted = conversations if conversations is not None else len(who) * (len(who) - 1) // 2
            chosen = []
            for one, other in pairs(scenario, who, wanted):
                chosen += routes(Names([one]), other, from_devices)
                chosen += routes(Names([other]), one, from_devices)
        exchange(scenario, chosen, count, sizes=(smallest, largest))
        logger.info(f"{count} messages on {len(chosen)} routes among {who}")

    @keyword
    def send_pairs(self, people: Names, receiver: str, *, pairs: int, alike: Alike) -> None:
        """Sends pairs of messages that a careless server would take for one.

        Args:
            people: One sender for equal bodies, two for equal keys.
            receiver: The one they write to.
            pairs: How many pairs.
            alike: What the two of a pair have in common.

        Example:

        ```robotframework
        *** Test Cases ***
        Twins are two messages
            Connect People    alice and bob
            Send Pairs    alice    bob    pairs=100    alike=BODY
            Wait Until Acknowledged
            Check History
        ```
        """
        chosen = routes(people, receiver, Senders.FIRST)
        if alike is Alike.BODY:
            if len(chosen) != 1:
                raise ValueError(f"Pairs with equal bodies have one sender; {people} are {len(chosen)}.")
            (device, conversation) = chosen[0]
            bodies = [f"twin {number // 2 + 1} for {receiver}".encode() for number in range(2 * pairs)]
            device.send_many(conversation, bodies=bodies)
            return
        if len(chosen) != 2:
            raise ValueError(f"Pairs with equal keys have two senders; {people} are {len(chosen)}.")
        for device, conversation in chosen:
            device.send_many(conversation, keys=[f"same-key-{number + 1}" for number in range(pairs)])

    @keyword
    def send_bursts(
        self, people: Names, receiver: str, *, bursts: int, messages: int, deadline: timedelta = WAIT
    ) -> None:
        """Each of the people sends bursts of messages, each burst handed over in one piece, as fast as the machine can.

        The next burst follows when every message of the last one has its outcome.

        Args:
            people: The senders.
            receiver: The one they write to.
            bursts: How many bursts.
            messages: Messages of each sender in each burst.
            deadline: How long the answers to one burst may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Many messages within a millisecond
            Connect People    alice and bob
            Send Bursts    alice    bob    bursts=10    messages=40
            Check History
        ```
        """
        chosen = routes(people, receiver, Senders.FIRST)
        sent = send_bursts(
            [device for device, _ in chosen],
            [conversation for _, conversation in chosen],
            bursts,
            messages,
            deadline=deadline.total_seconds(),
        )
        logger.info(f"{people} sent {len(sent)} messages in {bursts} bursts to {receiver}")

    @keyword
    def wait_until_acknowledged(self, *, refusals: bool = False, deadline: timedelta = WAIT) -> None:
        """Waits until the server acknowledged every send of the scenario.

        Args:
            refusals: Sends that the server refused for good do not count, nor oversize ones that ended their connection
                where the target promises that they do.
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Every send has its answer
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Check History
        ```
        """
        scenario = stage.scenario()
        sent = [sending for sending in scenario.sendings if sending.attempts]
        if refusals:
            scenario.wait_until_answered(sent, deadline=deadline.total_seconds())
            lost = set(oversize(scenario)) if disconnects(scenario) else set()
            sent = [sending for sending in sent if not sending.refused and sending not in lost]
        scenario.wait_until_acknowledged(sent, deadline=deadline.total_seconds())
        logger.info(f"{scenario.acknowledged_count} sends are acknowledged")

    @keyword
    def wait_until_answered(self, *, deadline: timedelta = WAIT) -> None:
        """Waits until every send of the scenario has an outcome, whichever.

        Args:
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Every send has an outcome
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Answered
            Check History
        ```
        """
        stage.scenario().wait_until_answered(deadline=deadline.total_seconds())

    @keyword
    def wait_for_acknowledged_messages(self, count: int, *, deadline: timedelta = WAIT) -> None:
        """Waits until the server acknowledged so many messages in this scenario.

        Args:
            count: How many.
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Traffic flows
            Connect People    alice and bob
            Start Sending    alice    bob
            Wait For Acknowledged Messages    500
            Stop Sending
            Check History
        ```
        """
        stage.scenario().wait_for_acknowledged_count(count, deadline=deadline.total_seconds())

    @keyword
    def send_until_acknowledged(self, people: Names, receiver: str, *, count: int) -> None:
        """People send to the receiver until so many messages of the scenario are acknowledged.

        Args:
            people: The senders.
            receiver: The one they write to.
            count: How many acknowledged messages the scenario must have in all.

        Example:

        ```robotframework
        *** Test Cases ***
        A thousand messages
            Connect People    alice, bob and carol
            Send Until Acknowledged    alice and carol    bob    count=1000
            Check History
        ```
        """
        scenario = stage.scenario()
        missing = count - scenario.acknowledged_count
        if missing > 0:
            exchange(scenario, routes(people, receiver, Senders.FIRST), missing)
        scenario.wait_for_acknowledged_count(count)

    @keyword
    def wait_for_deliveries(
        self,
        people: Names,
        *,
        count: int | None = None,
        device: str | None = None,
        deadline: timedelta = WAIT,
    ) -> None:
        """Waits until each device of these people holds all acknowledged messages it must have, or so many.

        Args:
            people: Whose devices.
            count: So many different messages; by default everything acknowledged so far.
            device: Only this device of each; by default all of them.
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Everything arrives
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Wait For Deliveries    bob
            Check History
        ```
        """
        chosen = [one for one in _devices(people) if device in {None, one.device}]
        if not chosen:
            raise ValueError(f"None of {people} has a {device}.")
        for one in chosen:
            one.wait_for_deliveries(count=count, deadline=deadline.total_seconds())

    @keyword
    def start_sending(
        self,
        people: Names,
        receiver: str,
        *,
        from_devices: Senders = Senders.FIRST,
        rate: float | None = None,
    ) -> None:
        """Starts a stream of messages in the background from each of the people; `Stop Sending` ends it.

        Args:
            people: The senders.
            receiver: The one they write to.
            from_devices: Which of their devices send, each a stream of its own.
            rate: Messages per second of each stream; by default what the target promises as `steady_rate`, or 150.

        Example:

        ```robotframework
        *** Test Cases ***
        Life goes on
            Connect People    alice and bob
            Start Sending    alice    bob
            Wait For Acknowledged Messages    100
            Stop Sending
            Check History
        ```
        """
        scenario = stage.scenario()
        steady = rate if rate is not None else float(scenario.target.promises.get("steady_rate", STEADY))
        for device, conversation in routes(people, receiver, from_devices):
            scenario.start_sending(device, conversation, rate=steady)

    @keyword
    def stop_sending(self, *, deadline: timedelta = WAIT) -> None:
        """Ends every stream and waits until each of its sends has an outcome.

        Args:
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Life goes on
            Connect People    alice and bob
            Start Sending    alice    bob
            Wait For Acknowledged Messages    100
            Stop Sending
            Check History
        ```
        """
        sent = stage.scenario().stop_sending(deadline=deadline.total_seconds())
        logger.info(f"the streams sent {len(sent)} messages")

    @keyword
    def retry_messages(
        self,
        person: str,
        *,
        which: Which = Which.ALL,
        on: On = On.SAME_CONNECTION,
        device: str | None = None,
        deadline: timedelta = WAIT,
    ) -> None:
        """Sends a person's messages once more, each under its own idempotency key, and waits for the answers.

        Args:
            person: Whose messages.
            which: All that were not refused, or those whose outcome is unknown.
            on: On the connection that is there, or on a new one after a cut.
            device: The device that retries; by default each message's own.
            deadline: How long the answers may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A retry is the same message
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Retry Messages    alice    on=NEW_CONNECTION
            Check History
        ```
        """
        scenario = stage.scenario()
        retried: list[Sending] = []
        for own in list(scenario.user(person).devices.values()):
            sent = [
                one
                for one in own.sent
                if (one.unknown or one.never_left if which is Which.UNKNOWN else not one.refused)
            ]
            if not sent:
                continue
            if on is On.NEW_CONNECTION:
                own.cut()
                own.connect()
            sender = scenario.device(f"{person}/{device}") if device else own
            retried += sender.retry_many(sent)
        scenario.wait_until_acknowledged(retried, deadline=deadline.total_seconds())
        logger.info(f"{person} retried {len(retried)} messages")

    @keyword
    def send_bursts_cut_off(self, person: str, receiver: str, *, bursts: int, messages: int) -> None:
        """Sends bursts of messages, each cut off when its first acknowledgements are in, and connects again.

        Args:
            person: The sender.
            receiver: The one they write to.
            bursts: How many bursts.
            messages: Messages of each burst.

        Example:

        ```robotframework
        *** Test Cases ***
        A sender with a bad connection
            Connect People    alice and bob
            Send Bursts Cut Off    alice    bob    bursts=5    messages=100
            Retry Messages    alice    which=UNKNOWN
            Check History
        ```
        """
        device, conversation = routes(Names([person]), receiver, Senders.FIRST)[0]
        sent = bursts_cut_off(device, conversation, bursts, messages)
        unknown = sum(sending.unknown for sending in sent)
        logger.info(f"{len(sent)} sends in {bursts} bursts; the outcome of {unknown} is unknown")

    @keyword
    def acknowledge_deliveries(self, person: str, *, first: int | None = None) -> None:
        """A person's devices acknowledge what they were given in their present session, and wait for the confirmation.

        Args:
            person: Whose devices.
            first: Only so many, in the order in which they came; by default all.

        Example:

        ```robotframework
        *** Test Cases ***
        What was not acknowledged comes again
            Connect People    alice
            Connect People    bob    acknowledge=MANUAL
            Send Messages    alice    bob    count=10
            Wait For Deliveries    bob    count=10
            Acknowledge Deliveries    bob    first=4
            Check History
        ```
        """
        for device in _devices(Names([person])):
            device.acknowledge(first)

    @keyword
    def redelivered_messages_should_be(self, person: str, count: int, *, deadline: timedelta = WAIT) -> None:
        """Waits until the present session of each of the person's devices was given exactly so many messages.

        A sentinel on the same path shows that nothing else came before it; what came twice or not at all is for
        `Check History` to judge.

        Args:
            person: Whose devices.
            count: How many messages.
            deadline: How long they may take.

        Example:

        ```robotframework
        *** Test Cases ***
        What was acknowledged never comes again
            Connect People    alice and bob
            Send Messages    alice    bob    count=10
            Wait Until Acknowledged
            Wait For Deliveries    bob
            Disconnect People    bob
            Reconnect People    bob
            Redelivered Messages Should Be    bob    0
            Check History
        ```
        """
        scenario = stage.scenario()
        for device in _devices(Names([person])):
            if count:
                device.wait_for_deliveries(count=count, in_session=True, deadline=deadline.total_seconds())
            before = scenario.send_sentinel(device, deadline=deadline.total_seconds())
            if len(before) != count:
                raise AssertionError(
                    f"Expected {device.name} to be given {count} messages again; "
                    f"it was given {len(before)} before the sentinel."
                )

    @keyword
    def read_log(
        self, person: str, *, device: str = "phone", page: int = 100, random_cursors: int = 0
    ) -> None:
        """A device reads its user's log page by page until the server says that it ends.

        Args:
            person: Whose log.
            device: The device that reads.
            page: Entries of one page.
            random_cursors: Begin at so many places that the seed decides; by default once, at the start.

        Example:

        ```robotframework
        *** Test Cases ***
        A new device catches up
            Connect People    alice and bob
            Send Messages    alice    bob    count=300
            Wait Until Acknowledged
            Connect People    bob    devices=tablet
            Read Log    bob    device=tablet    page=50
            Check History
        ```
        """
        scenario = stage.scenario()
        reader = scenario.device(f"{person}/{device}")
        starts = [0]
        if random_cursors:
            places = [item.delivery.cursor for item in reader.inbox.items if item.delivery.cursor >= 0]
            starts = [scenario.random.choice([0, *places]) for _ in range(random_cursors)]
        read = [len(reader.read_log(start, page)) for start in starts]
        logger.info(f"{reader.name} read {sum(read)} entries from {len(starts)} places in pages of {page}")


def _devices(people: Names) -> list[Device]:
    scenario = stage.scenario()
    return [device for person in people for device in scenario.user(person).devices.values()]


def common_conversation(one: str, other: str) -> Conversation:
    """The direct conversation of two people."""
    return stage.scenario().direct(one, other)
