"""Scenarios on the scripted server: what devices do, what they wait for, and what the history says of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from scripted_server import Client, Frame, ScriptedServer

from waybill.devices import Acknowledge, DeadlinePassed, NoSession, NotAcknowledged, OperationFailed, Scenario
from waybill.drivers.base import Capability, Credential, LoginRefused
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history import Report
from waybill.history.events import Completion, CredentialKind, End, Mode, Operation

Begin = Callable[..., Scenario]


def connected(scenario: Scenario, *names: str) -> list[Any]:
    """Connected devices with these names."""
    devices = [scenario.device(name) for name in names]
    for device in devices:
        device.connect()
    return devices


def finish(scenario: Scenario) -> Report:
    """Settles and checks."""
    scenario.settle(deadline=5)
    return scenario.finish()


def found(report: Report) -> dict[str, int]:
    """The anomalies with their counts."""
    return {anomaly.name: anomaly.count for anomaly in report.anomalies}


class TestTraffic:
    def test_a_clean_scenario_ends_clean(self, begin: Begin) -> None:
        scenario = begin(declares=[Operation.SEND, Operation.SYNC, Operation.ACKNOWLEDGE])
        phone, tablet, bob = connected(scenario, "alice/phone", "alice/tablet", "bob/phone")
        talk = scenario.direct("alice", "bob")
        sent = phone.send_many(talk, 150, sizes=(1, 500))
        sent += tablet.send_many("alice+bob", 150)
        sent += bob.send_many(talk, bodies=[b"hello", b"", b"hello"])
        scenario.wait_until_acknowledged()
        assert scenario.acknowledged_count == len(sent) == 303
        for device in (phone, tablet, bob):
            device.wait_for_deliveries()
        assert bob.inbox.distinct == 300
        settlement = scenario.settle(deadline=5)
        assert settlement.complete, settlement
        report = scenario.finish()
        assert found(report) == {}
        assert report.verdict == "clean"
        assert report.figures["acknowledged"] == 303

    def test_names_in_the_history_are_those_of_the_scenario(self, scenario: Scenario) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        sending = alice.send(scenario.direct("bob", "alice"), "hello")
        bob.wait_for_deliveries([sending])
        item = bob.inbox.items[0]
        assert (item.conversation, item.sender, item.delivery.body) == ("alice+bob", "alice", b"hello")
        assert sending.name == "alice/phone#1"
        assert alice.account.user != "alice"

    def test_one_seed_makes_the_same_messages(self, begin: Begin) -> None:
        made = []
        for _ in range(2):
            scenario = begin(seed=11)
            (alice,) = connected(scenario, "alice")
            made.append(
                [
                    (one.name, one.key, one.body)
                    for one in alice.send_many(scenario.direct("alice", "bob"), 20, sizes=(10, 90))
                ]
            )
        assert made[0] == made[1]

    def test_bulk_sends_keep_to_their_bound_in_flight(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        held: list[Callable[[], None]] = []
        most = 0

        def hold(client: Client, frame: Frame) -> bool:
            nonlocal most
            if frame["type"] != "send":
                return False
            held.append(lambda: server.on_send(client, frame))
            most = max(most, len(held))
            if len(held) == 8:
                for answer in held:
                    answer()
                held.clear()
            return True

        server.rules.append(hold)
        (alice,) = connected(scenario, "alice")
        alice.send_many(scenario.direct("alice", "bob"), 80, in_flight=8)
        scenario.wait_until_acknowledged()
        assert most == 8

    def test_a_retry_is_one_more_attempt_of_the_same_message(self, scenario: Scenario) -> None:
        phone, tablet, bob = connected(scenario, "alice/phone", "alice/tablet", "bob")
        talk = scenario.direct("alice", "bob")
        sent = phone.send_many(talk, 10)
        scenario.wait_until_acknowledged()
        phone.cut()
        phone.connect()
        phone.retry_many(sent)
        phone.retry(sent[0], tablet)
        scenario.wait_until_acknowledged()
        assert [one.attempts for one in sent] == [3, *[2] * 9]
        assert sent[0].last.duplicate
        bob.wait_for_deliveries(count=10)
        report = finish(scenario)
        assert report.verdict == "clean"
        assert report.figures["retries"] == 11

    def test_unknown_sends_stay_unknown_until_they_are_sent_again(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        def swallow(client: Client, frame: Frame) -> bool:
            if frame["type"] == "send" and int(frame["key"].rpartition("-")[2]) > 5 and server.rules:
                threading.Thread(target=client.socket.close_socket).start()
                return True
            return False

        server.rules.append(swallow)
        alice, _ = connected(scenario, "alice", "bob")
        sent = alice.send_many(scenario.direct("alice", "bob"), 10)
        scenario.wait_until_answered()
        assert [one.acknowledged for one in sent] == [True] * 5 + [False] * 5
        assert all(one.unknown for one in sent[5:])
        with pytest.raises(
            NotAcknowledged, match=r"Expected 10 .* 5 were not: alice/phone#6 unknown \(connection-lost\)"
        ):
            scenario.wait_until_acknowledged()
        server.rules.clear()
        alice.reconnect()
        assert alice.resend_unknown() == sent[5:]
        scenario.wait_until_acknowledged()
        assert finish(scenario).verdict == "clean"

    def test_a_refused_send_is_told_with_its_code(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        sending = alice.send(scenario.direct("alice", "bob"), size=70_000, over_quota=True)
        scenario.wait_until_acknowledged()
        with pytest.raises(NotAcknowledged, match=r"alice/phone#1 refused \(too-large\)"):
            scenario.wait_until_acknowledged([sending])

    def test_a_send_without_an_answer_is_recorded_as_unknown_at_the_deadline(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        server.rules.append(lambda client, frame: frame["type"] == "send")
        (alice,) = connected(scenario, "alice")
        sent = alice.send_many(scenario.direct("alice", "bob"), 7)
        with pytest.raises(DeadlinePassed) as passed:
            scenario.wait_until_acknowledged(deadline=0.05)
        message = str(passed.value)
        assert "Expected an outcome for 7 sends within 0.05 s; 7 have none: alice/phone#1, " in message
        assert "alice/phone#5 and 2 more" in message
        assert "connected (session 1)" in message
        assert all(one.unknown and one.outcome.code == "deadline" for one in sent)
        server.rules.clear()
        assert found(finish(scenario)) == {"hung": 7}

    def test_sends_on_an_ended_session_are_refused_at_once(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        alice.cut()
        assert alice.state.startswith("not connected (session 1 cut")
        sent = alice.send_many(scenario.direct("alice", "bob"), 300)
        assert {one.outcome.code for one in sent} == {"not-connected"}
        assert all(one.refused for one in sent)

    def test_a_device_that_never_connected_says_so(self, scenario: Scenario) -> None:
        with pytest.raises(NoSession, match="alice/phone never had a session; connect it first"):
            scenario.device("alice").send(scenario.direct("alice", "bob"))

    def test_an_unknown_conversation_is_answered_with_the_known_ones(self, scenario: Scenario) -> None:
        scenario.direct("alice", "bob")
        with pytest.raises(KeyError, match=r"'crew'; there are: alice\+bob"):
            scenario.conversation("crew")


class TestReceiving:
    def test_a_protocol_without_acknowledgements_is_asked_for_none(
        self, begin: Begin, server: ScriptedServer
    ) -> None:
        class WithoutAcknowledgement(WaybillDriver):
            capabilities = WaybillDriver.capabilities - {Capability.RECIPIENT_ACK, Capability.CUMULATIVE_ACK}

        scenario = begin(WithoutAcknowledgement())
        alice, bob = connected(scenario, "alice", "bob")
        alice.send_many(scenario.direct("alice", "bob"), 5)
        bob.wait_for_deliveries(count=5)
        assert scenario.settle(deadline=2).complete
        assert not [frame for _, frame in server.frames if frame["type"] == "ack"]

    def test_a_device_that_never_acknowledges_is_judged_by_its_final_read(self, scenario: Scenario) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        bob.acknowledge_policy = Acknowledge.NONE
        alice.send_many(scenario.direct("alice", "bob"), 10)
        scenario.wait_until_acknowledged()
        report = finish(scenario)
        assert report.verdict == "clean"
        assert bob.epoch.acknowledged == 0

    def test_a_missing_delivery_is_named(self, scenario: Scenario, server: ScriptedServer) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        sent = alice.send_many(scenario.direct("alice", "bob"), 3)
        scenario.wait_until_acknowledged()
        ghost = alice.compose("alice+bob")
        with pytest.raises(DeadlinePassed) as passed:
            bob.wait_for_deliveries([*sent, ghost], deadline=0.05)
        assert (
            "bob/phone expected 4 messages within 0.05 s and was given 3 of them; missing: alice/phone#4"
            in str(passed.value)
        )
        with pytest.raises(DeadlinePassed, match=r"expected 5 messages in all within 0.05 s and was given 3"):
            bob.wait_for_deliveries(count=5, deadline=0.05)

    def test_what_was_not_acknowledged_comes_again_and_nothing_else(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        bob.acknowledge_policy = Acknowledge.MANUAL
        sent = alice.send_many(scenario.direct("alice", "bob"), 20)
        bob.wait_for_deliveries(count=20)
        bob.acknowledge(8)
        bob.cut()
        bob.connect()
        bob.wait_for_deliveries(count=12, in_session=True)
        scenario.prove_absence(bob, sent[:8])
        with pytest.raises(AssertionError, match="was given 12 messages that it must not be given"):
            scenario.prove_absence(bob, sent)
        bob.acknowledge()
        bob.cut()
        bob.connect()
        scenario.prove_absence(bob, lambda delivery: delivery.mode is Mode.BACKLOG)
        assert finish(scenario).verdict == "clean"

    def test_a_device_acknowledges_by_itself(self, scenario: Scenario, server: ScriptedServer) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        alice.send_many(scenario.direct("alice", "bob"), 300)
        scenario.wait_until_acknowledged()
        bob.wait_for_deliveries(count=300)
        bob.wait_until_idle()
        place = (bob.account.user, "phone")
        bob.signal.wait_until(lambda: server.cursors.get(place) == 300, deadline=_deadline(5))
        assert server.cursors[place] == 300
        acks = [frame for device, frame in server.frames if frame["type"] == "ack"]
        assert 1 <= len(acks) < 150

    def test_the_log_is_read_in_pages_while_traffic_goes_on(self, scenario: Scenario) -> None:
        alice, _bob = connected(scenario, "alice", "bob")
        talk = scenario.direct("alice", "bob")
        alice.send_many(talk, 100)
        scenario.wait_until_acknowledged()
        stream = scenario.start_sending(alice, talk)
        tablet = scenario.device("bob/tablet")
        tablet.connect()
        entries = tablet.read_log(page=7)
        assert [entry.cursor for entry in entries] == list(range(1, len(entries) + 1))
        page = tablet.sync(after=50, limit=10)
        assert [entry.cursor for entry in page.entries] == list(range(51, 61))
        assert (page.cursor, page.complete) == (60, False)
        assert len(scenario.stop_sending()) == len(stream.sendings) > 0
        report = finish(scenario)
        assert report.verdict == "clean"
        assert report.figures["pages"] >= 16

    def test_the_newest_session_wins_and_the_older_one_knows(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        with pytest.raises(RuntimeError, match="connect with takeover=True"):
            alice.connect()
        alice.connect(takeover=True)
        older = alice.epochs[0]
        assert alice.signal.wait_until(lambda: older.over is not None, _deadline(5))
        assert older.over is End.REPLACED
        assert alice.connected

    def test_a_refused_login_is_recorded_and_told(self, scenario: Scenario) -> None:
        alice, mallory = scenario.device("alice"), scenario.device("mallory")
        forged = Credential("alice", token="forged")
        outcome = mallory.try_connect(credential=forged, kind=CredentialKind.FORGED)
        assert (outcome.completion, outcome.code) == (Completion.FAIL, "unauthenticated")
        with pytest.raises(LoginRefused, match="unauthenticated"):
            mallory.connect(credential=forged, kind=CredentialKind.FORGED)
        assert mallory.state == "never connected"
        assert mallory.try_connect(identify=False, kind=CredentialKind.NONE).completion is Completion.OK
        sending = mallory.send(scenario.direct("alice", "mallory"))
        mallory.wait_until_idle()
        assert sending.unknown
        mallory.cut()
        alice.connect()
        report = finish(scenario)
        assert "unauthorised-ok" not in found(report)
        assert report.figures["attempts"] >= 3


class TestPeople:
    def test_presence_is_asked_watched_and_waited_for(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        bob = scenario.device("bob")
        alice.watch("bob")
        alice.wait_for_presence("bob", False)
        bob.connect()
        assert alice.wait_for_presence("bob", True).online
        assert alice.ask_presence("bob").user == "bob"
        bob.cut()
        alice.wait_for_presence("bob", False)
        with pytest.raises(DeadlinePassed, match=r"to be told .* bob is online and was last told offline"):
            alice.wait_for_presence("bob", True, deadline=0.05)

    def test_receipts_and_markers(self, scenario: Scenario) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        talk = scenario.direct("alice", "bob")
        alice.send_many(talk, 3)
        alice.wait_for_receipt(talk, "bob", delivered=3)
        bob.mark_read(talk, 2)
        alice.wait_for_receipt(talk, "bob", delivered=3, read=2)
        seen = {receipt.user: (receipt.delivered, receipt.read) for receipt in bob.markers(talk)}
        assert seen["bob"] == (3, 2)
        with pytest.raises(DeadlinePassed, match=r"up to delivered -1, read 3 .* saw delivered 3, read 2"):
            alice.wait_for_receipt(talk, "bob", read=3, deadline=0.05)
        assert finish(scenario).verdict == "clean"

    def test_typing_is_known_to_work_once_somebody_saw_it(self, begin: Begin) -> None:
        scenario = begin(declares=[Operation.TYPING])
        alice, bob = connected(scenario, "alice", "bob")
        alice.typing(scenario.direct("alice", "bob"))
        bob.wait_for_typing("alice+bob", "alice")
        with pytest.raises(DeadlinePassed, match=r"alice stopped typing in .* saw that the user types"):
            bob.wait_for_typing("alice+bob", "alice", False, deadline=0.05)
        assert finish(scenario).verdict == "clean"

    def test_groups_and_their_changes(self, scenario: Scenario) -> None:
        alice, bob, carol, dave = connected(scenario, "alice", "bob", "carol", "dave")
        crew = alice.create_group("crew", ["bob", "carol"])
        alice.send_many(crew, 5)
        scenario.wait_until_acknowledged()
        for member in (bob, carol):
            member.wait_for_deliveries()
        bob.leave_group(crew)
        alice.remove_member("crew", "carol")
        alice.add_member("crew", "dave")
        assert crew.members == ["alice", "dave"]
        alice.send_many(crew, 5)
        scenario.wait_until_acknowledged()
        dave.wait_for_deliveries()
        assert (bob.inbox.distinct, carol.inbox.distinct, dave.inbox.distinct) == (5, 5, 5)
        with pytest.raises(OperationFailed, match="add of bob/phone was refused"):
            bob.add_member("crew", "carol")
        report = finish(scenario)
        assert found(report) == {}
        assert report.verdict == "clean"


class TestStreams:
    def test_a_stream_rests_while_its_device_is_away(self, scenario: Scenario) -> None:
        alice, _bob = connected(scenario, "alice", "bob")
        stream = scenario.start_sending(alice, scenario.direct("alice", "bob"))
        for _ in range(3):
            before = scenario.acknowledged_count
            scenario.wait_for_acknowledged_count(before + 20)
            alice.cut()
            alice.connect()
        sent = scenario.stop_sending()
        assert len(sent) == len(stream.sendings)
        assert all(one.answered for one in sent)
        assert finish(scenario).verdict == "clean"

    def test_a_stream_ends_by_itself_at_its_count(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        scenario.start_sending(alice, scenario.direct("alice", "bob"), count=45, in_flight=10)
        scenario.wait_for_acknowledged_count(45)
        assert len(scenario.stop_sending()) == 45

    def test_a_stream_keeps_to_its_rate(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")
        scenario.start_sending(alice, scenario.direct("alice", "bob"), rate=100)
        scenario.wait_for_acknowledged_count(10)
        assert len(scenario.stop_sending()) < 30

    def test_what_goes_wrong_in_a_stream_surfaces_when_it_stops(self, scenario: Scenario) -> None:
        (alice,) = connected(scenario, "alice")

        def broken(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError

        alice.compose = broken
        stream = scenario.start_sending(alice, scenario.direct("alice", "bob"))
        stream._thread.join(5)
        with pytest.raises(ZeroDivisionError):
            scenario.stop_sending()
        scenario.streams.clear()


class TestSettling:
    def test_a_message_that_is_kept_but_never_pushed_is_found(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        alice, _ = connected(scenario, "alice", "bob")
        _skip_push(server, 4)
        alice.send_many(scenario.direct("alice", "bob"), 10)
        assert found(finish(scenario)) != {}

    def test_a_message_that_is_lost_is_found(self, scenario: Scenario, server: ScriptedServer) -> None:
        def lose(client: Client, frame: Frame) -> bool:
            if frame["type"] == "send" and frame["key"] == "alice.phone-4":
                client.say("accepted", ref=frame["ref"], id="f" * 16, conversation=frame["conversation"], sequence=99,
                           key=frame["key"], time=1, duplicate=False)  # fmt: skip
                return True
            return False

        server.rules.append(lose)
        alice, _ = connected(scenario, "alice", "bob")
        alice.send_many(scenario.direct("alice", "bob"), 10)
        assert "lost-acked" in found(finish(scenario))

    def test_what_has_not_arrived_at_the_deadline_is_stuck(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        alice, _bob = connected(scenario, "alice", "bob")
        _skip_push(server, 10)
        alice.send_many(scenario.direct("alice", "bob"), 10)
        settlement = scenario.settle(deadline=0.3)
        assert [one.name for one in settlement.missing["bob/phone"]] == ["alice/phone#10"]
        assert not settlement.unread
        assert "stuck" in found(scenario.finish())

    def test_devices_that_are_away_are_opened_again(self, scenario: Scenario) -> None:
        alice, bob, tablet = connected(scenario, "alice", "bob", "bob/tablet")
        bob.close()
        tablet.cut()
        alice.send_many(scenario.direct("alice", "bob"), 30)
        alice.close()
        report = finish(scenario)
        assert found(report) == {}
        assert report.verdict == "clean"
        assert bob.inbox.distinct == tablet.inbox.distinct == 30

    def test_a_device_that_cannot_log_in_leaves_the_verdict_open(
        self, scenario: Scenario, server: ScriptedServer
    ) -> None:
        alice, bob = connected(scenario, "alice", "bob")
        alice.send(scenario.direct("alice", "bob"))
        scenario.wait_until_acknowledged()
        bob.close()
        server.bad_tokens.add(f"token of {bob.account.user}")
        settlement = scenario.settle(deadline=1)
        assert "could not log in" in settlement.unread["bob/phone"]
        assert scenario.finish().verdict != "clean"

    def test_without_sync_a_sentinel_ends_each_conversation(self, begin: Begin) -> None:
        class WithoutSync(WaybillDriver):
            capabilities = WaybillDriver.capabilities - {Capability.SYNC}

        scenario = begin(WithoutSync())
        alice, bob, tablet = connected(scenario, "alice", "bob", "bob/tablet")
        tablet.close()
        alice.send_many(scenario.direct("alice", "bob"), 20)
        bob.send_many("alice+bob", 10)
        settlement = scenario.settle(deadline=5)
        assert settlement.complete, settlement
        assert len(scenario.sendings) == 32
        report = scenario.finish()
        assert found(report) == {}
        assert report.verdict == "clean"

    def test_a_scenario_without_history_cannot_be_finished(self, scenario: Scenario) -> None:
        with pytest.raises(RuntimeError, match="no device was ever connected"):
            scenario.finish()


class TestInterruption:
    def test_every_wait_is_interrupted(self, scenario: Scenario, server: ScriptedServer) -> None:
        class Interrupted(BaseException):
            pass

        def interrupt(*_: object) -> None:
            raise Interrupted

        server.rules.append(lambda client, frame: frame["type"] not in {"bye", "ack"})
        alice, bob = connected(scenario, "alice", "bob")
        sending = alice.send(scenario.direct("alice", "bob"))
        waits: list[Callable[[], object]] = [
            scenario.wait_until_acknowledged,
            lambda: bob.wait_for_deliveries([sending]),
            lambda: bob.wait_for_deliveries(count=1),
            lambda: alice.ask_presence("bob"),
            lambda: alice.wait_for_presence("bob", True),
            lambda: alice.wait_for_receipt("alice+bob", "bob", read=1),
            lambda: alice.wait_for_typing("alice+bob", "bob"),
            alice.sync,
            lambda: scenario.wait_for_acknowledged_count(1),
            lambda: alice.send_many("alice+bob", 50, in_flight=4),
            scenario.stop_sending,
            scenario.settle,
        ]
        scenario.start_sending(bob, "alice+bob")
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            for wait in waits:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                with pytest.raises(Interrupted):
                    wait()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        server.rules.clear()


def _deadline(seconds: float) -> Any:
    from waybill.devices import Deadline

    return Deadline(seconds)


def _skip_push(server: ScriptedServer, number: int) -> None:
    """Stores the message with this number, and pushes it to nobody."""
    store = server.store

    def quiet(user: str, device: str, frame: Frame, members: list[str]) -> Frame:
        if frame["key"] != f"alice.phone-{number}":
            return store(user, device, frame, members)
        clients, server.clients = server.clients, []
        try:
            return store(user, device, frame, members)
        finally:
            server.clients = clients

    server.store = quiet  # type: ignore[method-assign]
