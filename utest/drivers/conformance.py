"""What every driver must pass. Inherit from `DriverConformance` and give it a fixture `subject`.

The fixture yields a `Subject`: the driver, a running server, and how to log in. Everything else follows from
the driver's own list of capabilities.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from tape import Tape
from tcp_proxy import DOWN, UP, TcpProxy

from waybill.drivers.base import (
    ACCEPTED,
    Capability,
    Credential,
    Driver,
    Endpoint,
    Login,
    LoginRefused,
    Membership,
    Outcome,
    Overheard,
    Session,
)
from waybill.history.events import Completion, End, Mode

METHODS = {
    Capability.RECIPIENT_ACK: ("acknowledge",),
    Capability.SYNC: ("sync",),
    Capability.READ_MARKERS: ("mark_read", "markers"),
    Capability.PRESENCE: ("presence",),
    Capability.PRESENCE_NOTICES: ("watch",),
    Capability.TYPING: ("typing",),
    Capability.GROUPS: ("create_group", "add_member", "remove_member", "leave_group"),
    Capability.GROUP_MEMBERS: ("group_members",),
    Capability.BLOCK_LISTS: ("block", "unblock", "blocked"),
}


@dataclass
class Subject:
    """A driver and a server to try it on.

    Attributes:
        driver: The driver.
        endpoint: Where the server listens.
        account: A fresh account, as `credential` takes it; `name_of` says what the server calls it.
        credential: A valid credential of an account for a device.
        bad_credential: One that the server must refuse.
        name_of: The account's name at the server.
        tells_backlog: Whether the protocol tells what waited for a device from what is new.
        login_answer: The least bytes on the wire that the answer to a login has, TLS included.
        bound_elsewhere: For a protocol that has keys proven: a valid credential but for its key, which its token is not
            bound to.
    """

    driver: Driver
    endpoint: Endpoint
    account: Callable[[], Any]
    credential: Callable[[Any, str], Credential]
    bad_credential: Callable[[Any], Credential]
    name_of: Callable[[Any], str]
    tells_backlog: bool = True
    login_answer: int = 48
    bound_elsewhere: Callable[[Any, str], Credential] | None = None

    def login(self, account: Any, device: str = "phone", **changes: Any) -> Login:
        """A login with a valid credential."""
        return dataclasses.replace(Login(self.endpoint, self.credential(account, device), device), **changes)

    def connect(self, account: Any, device: str = "phone", **changes: Any) -> tuple[Session, Tape]:
        """A session and what it reports."""
        tape = Tape()
        return self.driver.connect(self.login(account, device, **changes), tape), tape

    @property
    def answers_sends(self) -> bool:
        """Whether the server answers a send."""
        return Capability.SENDER_ACK in self.driver.capabilities

    def went_out(self, outcome: Outcome) -> bool:
        """Whether a send ended as one does that nothing went wrong with."""
        if self.answers_sends:
            return outcome.completion is Completion.OK
        return (outcome.completion, outcome.code) == (Completion.INFO, ACCEPTED)

    def catch_up(self, session: Session, tape: Tape, number: int, account: Any) -> None:
        """Returns when the server has read everything that the session wrote: it answered what came last. Of
        a protocol that answers nothing at all this cannot be told."""
        if self.answers_sends:
            own = self.name_of(account)
            session.send(
                number, self.driver.direct_conversation(own, own), f"after-{number}", b"after all that"
            )
        elif Capability.PRESENCE in self.driver.capabilities:
            session.presence(number, self.name_of(account))
        else:
            pytest.skip("the protocol answers nothing that a client says")
        tape.outcome(number)

    def through(self, proxy: TcpProxy) -> Endpoint:
        """The endpoint as seen through a proxy."""
        url = urlsplit(self.endpoint.url)
        name = self.endpoint.server_name or url.hostname
        port = url._replace(netloc=f"127.0.0.1:{proxy.port}")
        return dataclasses.replace(self.endpoint, url=port.geturl(), server_name=name)

    def proxy(self) -> TcpProxy:
        """A proxy before the server."""
        url = urlsplit(self.endpoint.url)
        assert url.hostname is not None
        assert url.port is not None
        return TcpProxy(url.hostname, url.port)


@dataclass
class Pair:
    """Two fresh accounts and their conversation."""

    subject: Subject
    one: Any
    other: Any
    conversation: str


class DriverConformance:
    """The suite."""

    @pytest.fixture
    def numbers(self) -> Iterator[int]:
        """Operation numbers."""
        return itertools.count(1)

    @pytest.fixture
    def pair(self, subject: Subject) -> Pair:
        one, other = subject.account(), subject.account()
        names = (subject.name_of(one), subject.name_of(other))
        return Pair(subject, one, other, subject.driver.direct_conversation(*names))

    # -- what a driver says of itself ------------------------------------------------------------------------

    def test_it_has_a_name_and_versions(self, subject: Subject) -> None:
        assert subject.driver.name
        assert list(subject.driver.versions) == sorted(subject.driver.versions)
        assert subject.driver.versions

    def test_it_implements_what_it_says_it_can(self, subject: Subject, pair: Pair) -> None:
        session, tape = subject.connect(pair.one)
        for capability, methods in METHODS.items():
            for method in methods:
                own = getattr(type(session), method) is not getattr(Session, method)
                assert own is (capability in subject.driver.capabilities), f"{capability.value}: {method}"
        session.close()
        assert not tape.broken

    def test_a_direct_conversation_has_one_name_whoever_asks(self, subject: Subject) -> None:
        name = subject.driver.direct_conversation
        assert name("b", "a") == name("a", "b")

    # -- login -----------------------------------------------------------------------------------------------

    def test_a_bad_credential_is_refused_for_good(self, subject: Subject) -> None:
        account = subject.account()
        tape = Tape()
        login = dataclasses.replace(subject.login(account), credential=subject.bad_credential(account))
        with pytest.raises(LoginRefused) as refused:
            subject.driver.connect(login, tape)
        assert refused.value.outcome.completion is Completion.FAIL
        assert refused.value.outcome.code
        assert tape.events == []

    def test_a_token_that_is_bound_to_another_key_is_refused_as_a_bad_one(self, subject: Subject) -> None:
        if subject.bound_elsewhere is None:
            pytest.skip("the protocol has no keys proven")
        account = subject.account()
        outcomes = []
        for credential in (subject.bound_elsewhere(account, "phone"), subject.bad_credential(account)):
            tape = Tape()
            login = dataclasses.replace(subject.login(account), credential=credential)
            with pytest.raises(LoginRefused) as refused:
                subject.driver.connect(login, tape)
            outcomes.append(refused.value.outcome)
            assert tape.events == []
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].completion is Completion.FAIL
        session, _ = subject.connect(account)
        session.close()

    def test_whoever_insists_is_refused_all_the_same_and_gets_nothing_done(
        self, subject: Subject, pair: Pair
    ) -> None:
        tape = Tape()
        login = dataclasses.replace(
            subject.login(pair.one), credential=subject.bad_credential(pair.one), insist=True
        )
        with pytest.raises(LoginRefused) as refused:
            subject.driver.connect(login, tape)
        assert refused.value.outcome.completion is Completion.FAIL
        session = refused.value.session
        if session is not None:
            session.send(1, pair.conversation, "k1", b"let me in")
            assert tape.outcome(1).completion is not Completion.OK
            session.cut()

    def test_what_was_overheard_is_said_again_byte_for_byte(self, subject: Subject, pair: Pair) -> None:
        if Capability.OVERHEARING not in subject.driver.capabilities:
            pytest.skip("the driver cannot tell what is said in a login")
        heard, again, own = Overheard(), Overheard(), Overheard()
        session, _ = subject.connect(pair.one, overheard=heard)
        session.close()
        assert heard.said
        assert all(heard.said)
        session, _ = subject.connect(pair.one, overheard=own)
        session.close()
        assert own.said != heard.said
        assert repr(heard) == "Overheard()"
        # A token that is bound to a key needs another proof on each connection, so it is refused.
        with contextlib.suppress(LoginRefused):
            session, _ = subject.connect(pair.other, replay=heard, overheard=again)
            session.close()
        assert again.said == heard.said

    def test_a_session_that_never_said_who_it_is_gets_nothing_done(self, subject: Subject) -> None:
        account, other = subject.account(), subject.account()
        conversation = subject.driver.direct_conversation(subject.name_of(account), subject.name_of(other))
        ending: Outcome | None = None
        try:
            session, tape = subject.connect(account, identify=False)
        except LoginRefused as refused:
            ending = refused.outcome
        if ending is not None:
            assert ending.completion is Completion.FAIL
            return
        session.send(1, conversation, "k1", b"nobody")
        tape.wait_end(10.0)
        assert tape.outcome(1).completion is not Completion.OK

    def test_a_server_that_cannot_be_reached_is_a_definite_failure(self, subject: Subject) -> None:
        with subject.proxy() as proxy:
            endpoint = subject.through(proxy)
        with pytest.raises(LoginRefused) as refused:
            subject.connect(subject.account(), endpoint=endpoint)
        assert refused.value.outcome.completion is Completion.FAIL

    def test_a_login_whose_answer_is_cut_off_is_unknown(self, subject: Subject) -> None:
        account = subject.account()
        with subject.proxy() as proxy:
            session, _ = subject.connect(account, endpoint=subject.through(proxy))
            whole = proxy.passed(DOWN)
            session.close()
            # Signatures in a TLS handshake differ by a few bytes in length, so nothing is cut near the answer's edges.
            for missing in (8, min(40, subject.login_answer - 8)):
                proxy.cut_next_after(DOWN, whole - missing)
                tape = Tape()
                login = subject.login(account, endpoint=subject.through(proxy))
                with pytest.raises(LoginRefused) as refused:
                    subject.driver.connect(login, tape)
                assert refused.value.outcome.completion is Completion.INFO
                assert tape.events == []

    def test_a_silent_server_makes_the_login_fail_at_its_deadline(self, subject: Subject) -> None:
        with subject.proxy() as proxy:
            proxy.hold()
            with pytest.raises(LoginRefused) as refused:
                subject.connect(subject.account(), endpoint=subject.through(proxy), deadline=0.2)
            assert refused.value.outcome.completion is not Completion.OK

    # -- sends and deliveries --------------------------------------------------------------------------------

    def test_a_send_is_acknowledged_and_delivered_unchanged(self, subject: Subject, pair: Pair) -> None:
        sender, sent = subject.connect(pair.one)
        receiver, given = subject.connect(pair.other)
        bodies = ["plain", "", 'quotes " and \\ back\n\r\t', "ünïcödé ☃ 😀", "x" * 20000]
        for number, body in enumerate(bodies, start=1):
            sender.send(number, pair.conversation, f"key-{number}", body.encode())
        for number in range(1, len(bodies) + 1):
            assert subject.went_out(sent.outcome(number))
        given.wait(lambda: len(given.deliveries) == len(bodies), "every delivery")
        assert [delivery.body.decode() for delivery in given.deliveries] == bodies
        for number, delivery in enumerate(given.deliveries, start=1):
            named = Capability.CONVERSATION_ON_DELIVERY in subject.driver.capabilities
            assert delivery.conversation == (pair.conversation if named else "")
            assert delivery.mode in {Mode.LIVE, Mode.BACKLOG}
            if Capability.KEY_ON_DELIVERY in subject.driver.capabilities:
                assert delivery.key == f"key-{number}"
            if Capability.SENDER_ON_DELIVERY in subject.driver.capabilities:
                assert delivery.sender == subject.name_of(pair.one)
            if Capability.SEQUENCE in subject.driver.capabilities:
                assert delivery.sequence == sent.outcomes[number].sequence
        for session, tape in ((sender, sent), (receiver, given)):
            session.close()
            assert not tape.broken

    def test_pipelined_acknowledgements_match_their_sends(self, subject: Subject, pair: Pair) -> None:
        sender, sent = subject.connect(pair.one)
        receiver, given = subject.connect(pair.other)
        count = 300
        sends = [
            (n, pair.conversation, f"k{n}", f"body {n} ".encode() + b"." * (n % 97))
            for n in range(1, count + 1)
        ]
        sender.send_many(sends)
        sent.wait(lambda: len(sent.outcomes) == count, "every outcome", 20)
        assert all(subject.went_out(outcome) for outcome in sent.outcomes.values())
        capabilities = subject.driver.capabilities
        if Capability.IDEMPOTENCY_KEY in capabilities:
            assert all(sent.outcomes[n].key == f"k{n}" for n in range(1, count + 1))
        if Capability.SEQUENCE in capabilities:
            assert [sent.outcomes[n].sequence for n in range(1, count + 1)] == list(range(1, count + 1))
        given.wait(lambda: len(given.deliveries) == count, "every delivery", 20)
        assert [delivery.body for delivery in given.deliveries] == [body for _, _, _, body in sends]
        if Capability.CURSOR in capabilities:
            cursors = [delivery.cursor for delivery in given.deliveries]
            assert cursors == sorted(set(cursors))
        given.wait(lambda: given.events[-1] == "idle", "idle after the last delivery")
        sent.wait(lambda: sent.events[-1] == "idle", "idle after the last outcome")
        for session, tape in ((sender, sent), (receiver, given)):
            session.close()
            assert not tape.broken

    @pytest.mark.parametrize("piece", [1, 7])
    def test_a_session_that_writes_in_pieces_works(self, subject: Subject, piece: int) -> None:
        with subject.proxy() as proxy:
            whole = self._bytes_of_twenty_sends(subject, proxy, 0)
            split = self._bytes_of_twenty_sends(subject, proxy, piece)
            # Over TLS every piece is a record of its own, with 21 bytes at least besides what it carries.
            if proxy.secured():
                assert split > whole + 21 * (whole // 2 // piece)

    def _bytes_of_twenty_sends(self, subject: Subject, proxy: TcpProxy, piece: int) -> int:
        """How many bytes they, and the login before them, have on the wire if written in such pieces."""
        one, other = subject.account(), subject.account()
        conversation = subject.driver.direct_conversation(subject.name_of(one), subject.name_of(other))
        receiver, given = subject.connect(other)
        sender, sent = subject.connect(one, endpoint=subject.through(proxy), piece=piece)
        sends = [(n, conversation, f"key-{n}", f"body {n} ☃ ".encode() * n) for n in range(1, 21)]
        sender.send_many(sends[:10])
        for send in sends[10:]:
            sender.send(*send)
        sent.wait(lambda: len(sent.outcomes) == 20, "every outcome", 20)
        assert all(subject.went_out(outcome) for outcome in sent.outcomes.values())
        given.wait(lambda: len(given.deliveries) == 20, "every delivery", 20)
        assert [delivery.body for delivery in given.deliveries] == [body for *_, body in sends]
        for session, tape in ((sender, sent), (receiver, given)):
            session.close()
            assert not tape.broken
        return proxy.passed(UP)

    def test_several_threads_may_use_one_session(self, subject: Subject, pair: Pair) -> None:
        sender, sent = subject.connect(pair.one)

        def send(worker: int) -> None:
            for n in range(50):
                number = worker * 1000 + n
                sender.send(number, pair.conversation, f"k{number}", f"body {number}".encode())

        workers = [threading.Thread(target=send, args=(worker,)) for worker in range(1, 5)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(20)
        sent.wait(lambda: len(sent.outcomes) == 200, "every outcome", 20)
        assert all(subject.went_out(outcome) for outcome in sent.outcomes.values())
        sender.close()
        assert not sent.broken

    def test_an_acknowledgement_may_be_sent_from_within_the_observer(
        self, subject: Subject, pair: Pair
    ) -> None:
        if Capability.RECIPIENT_ACK not in subject.driver.capabilities:
            pytest.skip("the protocol has no acknowledgement by devices")
        login = subject.login(pair.other)
        tape = Tape()
        ready = threading.Event()
        sessions: list[Session] = []
        plain = tape.delivered

        def delivered(delivery: Any) -> None:
            plain(delivery)
            ready.wait(5)
            sessions[0].acknowledge(1000 + len(tape.deliveries), delivery)

        tape.delivered = delivered  # type: ignore[method-assign]
        sessions.append(subject.driver.connect(login, tape))
        ready.set()
        sender, _ = subject.connect(pair.one)
        for number in range(1, 21):
            sender.send(number, pair.conversation, f"k{number}", b"body %d" % number)
        tape.wait(lambda: len(tape.outcomes) == 20, "every acknowledgement's outcome")
        wanted = Completion.OK if Capability.CONFIRMED_ACK in subject.driver.capabilities else Completion.INFO
        assert {outcome.completion for outcome in tape.outcomes.values()} == {wanted}
        for session in (sender, sessions[0]):
            session.close()
        assert not tape.broken

    # -- the end of a session --------------------------------------------------------------------------------

    @pytest.mark.parametrize("how", ["close", "cut"])
    def test_a_session_ends_once(self, subject: Subject, pair: Pair, how: str) -> None:
        session, tape = subject.connect(pair.one)
        for _ in range(2):
            session.close() if how == "close" else session.cut()
        session.cut()
        session.close()
        assert tape.end is (End.CLOSED if how == "close" else End.CUT)
        assert sum(event.startswith("ended") for event in tape.events) == 1
        assert not tape.broken

    def test_operations_after_the_end_fail_at_once(self, subject: Subject, pair: Pair) -> None:
        session, tape = subject.connect(pair.one)
        session.cut()
        session.send(1, pair.conversation, "k1", b"too late")
        session.send_many(
            [(2, pair.conversation, "k2", b"too late"), (3, pair.conversation, "k3", b"too late")]
        )
        capabilities = subject.driver.capabilities
        expected = {1, 2, 3}
        if Capability.SYNC in capabilities:
            session.sync(4, 0, 10)
            expected.add(4)
        if Capability.PRESENCE in capabilities:
            session.presence(5, subject.name_of(pair.other))
            expected.add(5)
        if Capability.GROUPS in capabilities:
            session.create_group(6, "crew", [])
            expected.add(6)
        assert set(tape.outcomes) == expected
        for outcome in tape.outcomes.values():
            assert (outcome.completion, outcome.code) == (Completion.FAIL, "not-connected")
        assert not tape.broken

    def test_a_lost_connection_leaves_open_sends_unknown(self, subject: Subject, pair: Pair) -> None:
        with subject.proxy() as proxy:
            session, tape = subject.connect(pair.one, endpoint=subject.through(proxy))
            proxy.hold()
            sends = [(n, pair.conversation, f"k{n}", b"body %d" % n) for n in range(1, 21)]
            session.send_many(sends)
            proxy.wait_held()
            proxy.cut()
            proxy.release()
            assert tape.wait_end() is End.LOST
            assert tape.reason
            assert len(tape.outcomes) == len(sends)
            # What was not written yet when the end was heard of never left: the last ones, in the order of sending.
            unsent = [number for number, *_ in sends if tape.outcomes[number].code == "not-sent"]
            assert unsent == [number for number, *_ in sends][len(sends) - len(unsent) :]
            assert len(unsent) < len(sends)
            assert {tape.outcomes[number].completion for number in unsent} <= {Completion.FAIL}
            left = [outcome for number, outcome in tape.outcomes.items() if number not in unsent]
            assert {outcome.completion for outcome in left} == {Completion.INFO}
            assert not tape.broken

    @pytest.mark.parametrize("where", ["send", "acknowledgement"])
    def test_a_cut_at_any_byte_is_never_taken_for_a_refusal(
        self, subject: Subject, pair: Pair, where: str, numbers: Iterator[int]
    ) -> None:
        """The connection is cut at every byte offset of a send, then at every one of its acknowledgement, in
        turn with a reset and with an orderly end of the TCP connection. No offset after the first byte may
        end in FAIL, and only a whole acknowledgement may end in OK."""
        if where == "acknowledgement" and not subject.answers_sends:
            pytest.skip("the protocol has no sender's acknowledgement")
        direction = UP if where == "send" else DOWN
        with subject.proxy() as proxy:
            endpoint = subject.through(proxy)
            whole = self._length(subject, pair, proxy, direction, next(numbers) + 100)
            ends: dict[int, Completion] = {}
            for offset in range(whole + 1):
                number = next(numbers) + 100
                session, tape = subject.connect(pair.one, endpoint=endpoint)
                proxy.cut_after(direction, offset, reset=offset % 2 == 0 and offset < whole)
                session.send(number, pair.conversation, f"key-{number:06d}", b"x" * 16)
                assert tape.wait_end() in {End.LOST, End.REFUSED}, f"offset {offset}: {tape.events}"
                ends[offset] = tape.outcomes[number].completion
                assert list(tape.outcomes) == [number]
                session.send(number + 1, pair.conversation, "late", b"late")
                assert tape.outcomes[number + 1].code == "not-connected"
                session.close()
                assert not tape.broken
            refused = [offset for offset, completion in ends.items() if completion is Completion.FAIL]
            assert refused == []
            if where == "send":
                early = [offset for offset in range(whole) if ends[offset] is not Completion.INFO]
            else:
                early = [offset for offset in range(whole) if ends[offset] is Completion.OK]
                assert ends[whole] is Completion.OK
            assert early == []

    def _length(self, subject: Subject, pair: Pair, proxy: TcpProxy, direction: str, number: int) -> int:
        """How many bytes a send, or its acknowledgement, has on the wire."""
        session, tape = subject.connect(pair.one, endpoint=subject.through(proxy))
        # So many that the server's numbers have as many digits as those of the sends that are cut.
        for one in range(1001, 1121):
            session.send(one, pair.conversation, f"early-{one}", b"x")
        tape.wait(lambda: len(tape.outcomes) == 120, "every outcome", 20)
        # What a send that nothing answers has on the wire is known once the server has answered something later.
        marks = [0, 0, 0]
        for turn in range(3):
            if turn == 2:
                session.send(number, pair.conversation, f"key-{number:06d}", b"x" * 16)
                tape.outcome(number)
            if not subject.answers_sends:
                subject.catch_up(session, tape, number + 1 + turn, pair.one)
            marks[turn] = proxy.passed(direction)
        question = marks[1] - marks[0]
        length = marks[2] - marks[1] - question
        session.close()
        return length

    def test_the_newest_session_of_a_device_wins(self, subject: Subject, pair: Pair) -> None:
        older, seen = subject.connect(pair.one)
        newer, tape = subject.connect(pair.one)
        assert seen.wait_end() in {End.REPLACED, End.LOST}
        newer.send(1, pair.conversation, "k1", b"still here")
        assert subject.went_out(tape.outcome(1))
        subject.catch_up(newer, tape, 2, pair.one)
        older.close()
        newer.close()
        assert not seen.broken
        assert not tape.broken

    # -- capabilities ----------------------------------------------------------------------------------------

    def test_unacknowledged_messages_come_again_and_acknowledged_ones_do_not(
        self, subject: Subject, pair: Pair
    ) -> None:
        if Capability.RECIPIENT_ACK not in subject.driver.capabilities:
            pytest.skip("the protocol has no acknowledgement by devices")
        first, _ = subject.connect(pair.other)
        first.close()
        sender, sent = subject.connect(pair.one)
        for number in range(1, 11):
            sender.send(number, pair.conversation, f"k{number}", b"body %02d" % number)
        sent.wait(lambda: len(sent.outcomes) == 10, "every outcome")
        subject.catch_up(sender, sent, 50, pair.one)
        receiver, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 10, "every delivery")
        if subject.tells_backlog:
            assert {delivery.mode for delivery in given.deliveries} == {Mode.BACKLOG}
        acknowledged = given.deliveries[:4]
        if Capability.CUMULATIVE_ACK in subject.driver.capabilities:
            acknowledged = acknowledged[-1:]
        for number, delivery in enumerate(acknowledged, start=100):
            receiver.acknowledge(number, delivery)
            given.outcome(number)
        subject.catch_up(receiver, given, 200, pair.other)
        receiver.cut()
        _, again = subject.connect(pair.other)
        again.wait(lambda: len(again.deliveries) >= 6, "the six that were not acknowledged")
        bodies = [delivery.body for delivery in again.deliveries if delivery.body.startswith(b"body")]
        assert bodies == [b"body %02d" % number for number in range(5, 11)]
        sender.close()

    def test_the_log_can_be_read_in_pages(self, subject: Subject, pair: Pair) -> None:
        if Capability.SYNC not in subject.driver.capabilities:
            pytest.skip("the protocol cannot read a log")
        sender, sent = subject.connect(pair.one)
        for number in range(1, 24):
            sender.send(number, pair.conversation, f"k{number}", b"body %02d" % number)
        sent.wait(lambda: len(sent.outcomes) == 23, "every outcome")
        reader, given = subject.connect(pair.other, "tablet")
        after, complete, number = 0, False, 100
        while not complete:
            reader.sync(number, after, 10)
            outcome = given.outcome(number)
            assert outcome.completion is Completion.OK
            entries = [delivery for delivery in given.deliveries if delivery.read == number]
            assert all(delivery.mode is Mode.PAGE for delivery in entries)
            assert len(entries) <= 10
            if entries:
                assert outcome.cursor == entries[-1].cursor
            after, complete, number = outcome.cursor, outcome.complete, number + 1
        pages = [delivery.body for delivery in given.deliveries if delivery.mode is Mode.PAGE]
        assert pages == [b"body %02d" % number for number in range(1, 24)]
        sender.close()
        reader.close()
        assert not given.broken

    def test_presence_can_be_asked(self, subject: Subject, pair: Pair) -> None:
        if Capability.PRESENCE not in subject.driver.capabilities:
            pytest.skip("the protocol has no presence")
        asking, tape = subject.connect(pair.one)
        other, _ = subject.connect(pair.other)
        for number, account in enumerate((pair.other, subject.account()), start=1):
            asking.presence(number, subject.name_of(account))
            presence: Any = tape.outcome(number).values["presence"]
            assert (presence.user, presence.online) == (subject.name_of(account), account is pair.other)
        for session in (asking, other):
            session.close()
        assert not tape.broken

    def test_presence_can_be_watched(self, subject: Subject, pair: Pair) -> None:
        if Capability.PRESENCE_NOTICES not in subject.driver.capabilities:
            pytest.skip("the protocol tells of no change of presence")
        watcher, seen = subject.connect(pair.one)
        user = subject.name_of(pair.other)
        watcher.watch(1, [user])
        assert seen.outcome(1).completion is Completion.OK
        other, _ = subject.connect(pair.other)
        seen.wait(lambda: any(one.online for one in seen.presences), "the arrival")
        watcher.presence(2, user)
        presence: Any = seen.outcome(2).values["presence"]
        assert (presence.user, presence.online) == (user, True)
        other.close()
        seen.wait(lambda: seen.presences and not seen.presences[-1].online, "the departure")
        watcher.close()
        assert not seen.broken

    def test_receipts_and_markers(self, subject: Subject, pair: Pair) -> None:
        if Capability.READ_MARKERS not in subject.driver.capabilities:
            pytest.skip("the protocol has no read markers")
        sender, sent = subject.connect(pair.one, receipts=True)
        reader, given = subject.connect(pair.other, receipts=True)
        sender.send(1, pair.conversation, "k1", b"read me")
        sequence = sent.outcome(1).sequence
        given.wait(lambda: bool(given.deliveries), "the delivery")
        reader.mark_read(2, pair.conversation, sequence)
        assert given.outcome(2).completion is Completion.OK
        sent.wait(lambda: any(one.read == sequence for one in sent.receipts), "the receipt")
        sender.markers(3, pair.conversation)
        receipts: Any = sent.outcome(3).values["receipts"]
        assert {one.user: one.read for one in receipts}[subject.name_of(pair.other)] == sequence
        sender.close()
        reader.close()

    def test_typing_notices_pass(self, subject: Subject, pair: Pair) -> None:
        if Capability.TYPING not in subject.driver.capabilities:
            pytest.skip("the protocol has no typing notices")
        one, _ = subject.connect(pair.one)
        other, seen = subject.connect(pair.other, typing=True)
        one.typing(pair.conversation, True)
        seen.wait(lambda: bool(seen.typings), "the notice")
        assert (seen.typings[0].user, seen.typings[0].active) == (subject.name_of(pair.one), True)
        one.close()
        other.close()

    def test_groups_can_be_made_and_changed(self, subject: Subject, pair: Pair) -> None:
        if Capability.GROUPS not in subject.driver.capabilities:
            pytest.skip("the protocol has no groups")
        maker, made = subject.connect(pair.one)
        member, given = subject.connect(pair.other)
        maker.create_group(1, "crew", [subject.name_of(pair.other)])
        conversation = made.outcome(1).conversation
        assert conversation
        maker.send(2, conversation, "k2", b"hello crew")
        given.wait(lambda: [one.body for one in given.deliveries] == [b"hello crew"], "the group message")
        if Capability.CONVERSATION_ON_DELIVERY in subject.driver.capabilities:
            assert given.deliveries[0].conversation == conversation
        if Capability.SENDER_ON_DELIVERY in subject.driver.capabilities:
            assert given.deliveries[0].sender == subject.name_of(pair.one)
        member.leave_group(3, conversation)
        assert given.outcome(3).completion is Completion.OK
        maker.send(4, conversation, "k4", b"without whoever left")
        assert made.outcome(4).completion is Completion.OK
        maker.add_member(5, conversation, subject.name_of(pair.other))
        assert made.outcome(5).completion is Completion.OK
        maker.send(6, conversation, "k6", b"welcome back")
        given.wait(lambda: given.deliveries[-1].body == b"welcome back", "what follows the return")
        assert len(given.deliveries) == 2, "nothing is given of the time between"
        maker.remove_member(7, conversation, subject.name_of(pair.other))
        assert made.outcome(7).completion is Completion.OK
        maker.close()
        member.close()

    def test_a_groups_members_can_be_asked_for(self, subject: Subject, pair: Pair) -> None:
        if Capability.GROUP_MEMBERS not in subject.driver.capabilities:
            pytest.skip("the protocol does not tell a group's members")
        maker, made = subject.connect(pair.one)
        maker.create_group(1, "crew", [subject.name_of(pair.other)])
        conversation = made.outcome(1).conversation
        maker.group_members(2, conversation)
        told = made.outcome(2).values["membership"]
        assert isinstance(told, Membership)
        assert set(told.members) == {subject.name_of(pair.one), subject.name_of(pair.other)}
        maker.close()

    def test_who_is_blocked_cannot_write_until_the_block_is_lifted(
        self, subject: Subject, pair: Pair
    ) -> None:
        if Capability.BLOCK_LISTS not in subject.driver.capabilities:
            pytest.skip("the protocol has no block lists")
        sender, sent = subject.connect(pair.one)
        blocker, given = subject.connect(pair.other)
        other = subject.name_of(pair.one)
        blocker.block(1, other)
        assert given.outcome(1).completion is Completion.OK
        blocker.blocked(2)
        assert given.outcome(2).values["users"] == [other]
        sender.send(3, pair.conversation, "k3", b"unwanted")
        assert sent.outcome(3).completion is not Completion.OK
        blocker.unblock(4, other)
        assert given.outcome(4).completion is Completion.OK
        blocker.blocked(5)
        assert given.outcome(5).values["users"] == []
        sender.send(6, pair.conversation, "k6", b"welcome")
        given.wait(
            lambda: [one.body for one in given.deliveries] == [b"welcome"], "the message after the block"
        )
        sender.close()
        blocker.close()

    def test_what_a_session_says_besides_changes_nothing(self, subject: Subject, pair: Pair) -> None:
        if Capability.EXTRA_MEMBERS not in subject.driver.capabilities:
            pytest.skip("the protocol has no room for members that it does not know")
        extra = {"nobody-knows-this": "x", "conversation": "not instead of its own"}
        sender, sent = subject.connect(pair.one, extra=extra)
        receiver, given = subject.connect(pair.other)
        sender.send(1, pair.conversation, "k1", b"hello")
        assert subject.went_out(sent.outcome(1))
        given.wait(lambda: [one.body for one in given.deliveries] == [b"hello"], "the message")
        sender.close()
        receiver.close()

    def test_a_definite_refusal_is_told_from_an_unknown_outcome(self, subject: Subject, pair: Pair) -> None:
        if Capability.DEFINITE_REFUSAL not in subject.driver.capabilities:
            pytest.skip("the protocol has no definite refusal")
        stranger, tape = subject.connect(subject.account())
        stranger.send(1, pair.conversation, "k1", b"let me in")
        outcome = tape.outcome(1)
        assert outcome.completion is Completion.FAIL
        assert outcome.code
        stranger.close()
