"""The driver `xmpp` against a real ejabberd, and against a server that tries to go without TLS."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import ssl
import threading
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from conformance import DriverConformance, Pair, Subject
from tape import Tape
from tcp_proxy import TcpProxy

from waybill.drivers.base import Credential, Endpoint, Login, LoginRefused, Presence
from waybill.drivers.xmpp import XmppDriver
from waybill.history.events import Completion, End, Mode
from waybill.targets import Account, RunningTarget, find_target, launch
from waybill.targets.launch import program
from waybill.tls.authority import Authority

CONFIGURATION = "ejabberd/ejabberd.yml"
JWT_SECRET = "a secret of the tests, long enough for SHA-256"


def launched(name: str, folder: Path, *changes: tuple[str, str]) -> RunningTarget:
    """An ejabberd of its own, with changes to its configuration. Where it is not installed the tests fail, and say how
    to install it; only WAYBILL_WITHOUT_EJABBERD=1 leaves them out."""
    if os.environ.get("WAYBILL_WITHOUT_EJABBERD") == "1" and program("ejabberdctl") is None:
        pytest.skip("WAYBILL_WITHOUT_EJABBERD=1 and ejabberd is not installed")
    target = find_target(name)
    assert target.launch is not None
    files = []
    for file in target.launch.files:
        text = file.text
        for old, new in changes if file.path == CONFIGURATION else ():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        files.append(dataclasses.replace(file, text=text))
    changed = dataclasses.replace(target.launch, files=tuple(files))
    return launch(dataclasses.replace(target, launch=changed), folder)


@pytest.fixture(scope="session")
def ejabberd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    """The target in the box. It may be asked who is online and what waits for somebody as well."""
    change = ("what: [register]", "what: [register, user_resources, get_offline_count]")
    with launched("ejabberd", tmp_path_factory.mktemp("ejabberd"), change) as running:
        yield running


@pytest.fixture(scope="session")
def bare_ejabberd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    """One without stream management, which takes tokens (JWT)."""
    folder = tmp_path_factory.mktemp("bare-ejabberd")
    key = folder / "key.json"
    secret = urlsafe_b64encode(JWT_SECRET.encode()).decode().rstrip("=")
    key.write_text(json.dumps({"kty": "oct", "k": secret}))
    change = ("auth_method: [sql]", f"auth_method: [sql, jwt]\njwt_key: {key}\njwt_jid_field: sub")
    with launched("ejabberd+no-stream-management", folder / "target", change) as running:
        yield running


def wait_until(ejabberd: RunningTarget, question: str, user: str, wanted: object) -> None:
    """Waits until the server itself gives this answer to a question about a user."""
    configuration = (ejabberd.folder / CONFIGURATION).read_text()
    port, address = re.findall(r"- port: (\d+)\n\s+ip: (\S+)\n\s+module: ejabberd_http", configuration)[0]
    context = ssl.create_default_context(cafile=str(ejabberd.endpoint().authority))
    data = json.dumps({"user": user, "host": "localhost"}).encode()
    request = urllib.request.Request(f"https://{address}:{port}/api/{question}", data)
    until, found = time.monotonic() + 5, None
    while found != wanted:
        assert time.monotonic() < until, f"expected {question} of {user} to be {wanted}, found {found}"
        with urllib.request.urlopen(request, context=context) as answer:
            found = json.load(answer)


def with_starttls(ejabberd: RunningTarget) -> Endpoint:
    """The listener that begins without TLS."""
    configuration = (ejabberd.folder / "ejabberd" / "ejabberd.yml").read_text()
    port, address = re.findall(r"- port: (\d+)\n\s+ip: (\S+)\n", configuration)[0]
    return dataclasses.replace(ejabberd.endpoint(), url=f"xmpp://{address}:{port}/localhost")


def subject_of(ejabberd: RunningTarget, endpoint: Endpoint) -> Subject:
    return Subject(
        driver=XmppDriver(),
        endpoint=endpoint,
        account=ejabberd.account,
        credential=ejabberd.credential,
        bad_credential=lambda account: Credential(account.user, password="wrong"),
        name_of=lambda account: str(account.user),
    )


class XmppConformance(DriverConformance):
    """The suite, but for what it takes for granted and XMPP or ejabberd has otherwise."""

    # ejabberd makes a newline of a carriage return; TestWhatXmppAdds has the same without one.
    test_a_send_is_acknowledged_and_delivered_unchanged = None  # type: ignore[assignment]
    # ejabberd gives messages out of order, and not always all of them, to a device that comes back while it still puts
    # them away; TestWhatXmppAdds has the same and waits until it has.
    test_unacknowledged_messages_come_again_and_acknowledged_ones_do_not = None  # type: ignore[assignment]
    # XMPP tells nothing of who has not agreed to be seen; TestWhatXmppAdds asks after that.
    test_presence_can_be_asked = None  # type: ignore[assignment]

    def _length(self, subject: Subject, pair: Pair, proxy: TcpProxy, direction: str, number: int) -> int:
        """XEP-0198 counts from the login on, so only the first send of a session is as long as that of another."""
        session, tape = subject.connect(pair.one, endpoint=subject.through(proxy))
        before = proxy.passed(direction)
        session.send(number, pair.conversation, f"key-{number:06d}", b"x" * 16)
        tape.outcome(number)
        length = proxy.passed(direction) - before
        session.close()
        return length

    @pytest.mark.parametrize("where", ["send", "acknowledgement"])
    def test_a_cut_at_any_byte_is_never_taken_for_a_refusal(  # type: ignore[override]
        self, ejabberd: RunningTarget, subject: Subject, pair: Pair, where: str, numbers: Iterator[int]
    ) -> None:
        """Each session begins when the one before is gone.

        Else the server tells it of the end, and the count with which the client answers that may be what the cut
        meets.
        """

        def credential(account: Account, device: str) -> Credential:
            wait_until(ejabberd, "user_resources", account.user, [])
            return ejabberd.credential(account, device)

        calm = dataclasses.replace(subject, credential=credential)
        super().test_a_cut_at_any_byte_is_never_taken_for_a_refusal(calm, pair, where, numbers)


class TestXmpps(XmppConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, ejabberd.endpoint())


class TestStartTls(XmppConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, with_starttls(ejabberd))


@pytest.fixture
def subject(ejabberd: RunningTarget) -> Subject:
    return subject_of(ejabberd, ejabberd.endpoint())


@pytest.fixture
def pair(subject: Subject) -> Pair:
    one, other = subject.account(), subject.account()
    return Pair(subject, one, other, subject.driver.direct_conversation(one.user, other.user))


class TestWhatXmppAdds:
    """What the suite for all drivers cannot ask for."""

    def test_text_arrives_unchanged_but_for_carriage_returns(self, subject: Subject, pair: Pair) -> None:
        """The driver writes a carriage return so that XML carries it; ejabberd 23.01 passes it on as one that XML reads
        as a newline."""
        sender, sent = subject.connect(pair.one)
        receiver, given = subject.connect(pair.other)
        bodies = ["plain", "", " <quotes> \" ' &amp; \\ back\n\t ", "ünïcödé ☃ 😀", "x" * 20000, "a\rb\r\nc"]
        sender.send_many([(n, pair.conversation, f"k{n}", body.encode()) for n, body in enumerate(bodies)])
        given.wait(lambda: len(given.deliveries) == len(bodies), "every delivery")
        sent.wait(lambda: len(sent.outcomes) == len(bodies), "every outcome")
        assert [one.body.decode() for one in given.deliveries] == [*bodies[:-1], "a\nb\nc"]
        assert [one.key for one in given.deliveries] == [f"k{n}" for n in range(len(bodies))]
        assert {one.completion for one in sent.outcomes.values()} == {Completion.OK}
        for session in (sender, receiver):
            session.close()

    def test_unacknowledged_messages_come_again_in_order(
        self, ejabberd: RunningTarget, subject: Subject, pair: Pair
    ) -> None:
        sender, sent = subject.connect(pair.one)
        sender.send_many([(n, pair.conversation, f"k{n}", b"body %02d" % n) for n in range(1, 11)])
        sent.wait(lambda: len(sent.outcomes) == 10, "every outcome")
        receiver, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 10, "every delivery")
        assert {one.mode for one in given.deliveries} == {Mode.BACKLOG}
        for number, delivery in enumerate(given.deliveries[:4], start=100):
            receiver.acknowledge(number, delivery)
            assert given.outcome(number).completion is Completion.OK
        receiver.cut()
        wait_until(ejabberd, "get_offline_count", pair.other.user, {"value": 6})
        receiver, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 6, "the six that were not acknowledged")
        assert [one.body for one in given.deliveries] == [b"body %02d" % n for n in range(5, 11)]
        # One acknowledgement in the middle confirms nothing: the count of XEP-0198 has no holes.
        receiver.acknowledge(200, given.deliveries[3])
        receiver.send(201, pair.conversation, "after", b"the server read everything before this")
        assert given.outcome(201).completion is Completion.OK
        receiver.cut()
        assert (given.outcomes[200].completion, given.outcomes[200].code) == (Completion.FAIL, "not-sent")
        wait_until(ejabberd, "get_offline_count", pair.other.user, {"value": 6})
        receiver, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 6, "all six again")
        receiver.close()
        sender.close()

    def test_one_message_that_bounces_is_refused_and_its_neighbours_are_not(
        self, subject: Subject, pair: Pair
    ) -> None:
        """XEP-0198 covers all of them; the error comes after that."""
        sender, sent = subject.connect(pair.one)
        nobody = subject.driver.direct_conversation(pair.one.user, "nobody-at-all")
        sends = [(n, nobody if n % 7 == 0 else pair.conversation, f"k{n}", b"x") for n in range(1, 101)]
        sender.send_many(sends)
        sent.wait(lambda: len(sent.outcomes) == 100, "every outcome")
        refused = {n for n, outcome in sent.outcomes.items() if outcome.completion is Completion.FAIL}
        assert refused == {n for n in range(1, 101) if n % 7 == 0}
        assert {sent.outcomes[n].code for n in refused} == {"service-unavailable"}
        assert sent.unmatched_outcomes == []
        sender.close()

    def test_what_xml_cannot_carry_is_refused_before_a_byte_leaves(
        self, subject: Subject, pair: Pair
    ) -> None:
        sender, sent = subject.connect(pair.one)
        sender.send(1, pair.conversation, "k", b"\x00")
        sender.send(2, pair.conversation, "k", b"\xff")
        sender.send(3, "group/x", "k", b"there is no such conversation")
        codes = [(sent.outcomes[n].completion, sent.outcomes[n].code) for n in (1, 2, 3)]
        assert codes == [(Completion.FAIL, "body-not-text")] * 2 + [
            (Completion.FAIL, "no-direct-conversation")
        ]
        sender.send(4, pair.conversation, "k", b"the session goes on")
        assert sent.outcome(4).completion is Completion.OK
        sender.close()

    def test_a_users_own_devices_are_given_what_one_of_them_sends(self, subject: Subject, pair: Pair) -> None:
        phone, sent = subject.connect(pair.one)
        tablet, copied = subject.connect(pair.one, "tablet")
        phone.send(1, pair.conversation, "k1", b"from my phone")
        copied.wait(lambda: bool(copied.deliveries), "the copy")
        copy = copied.deliveries[0]
        assert (copy.sender, copy.body, copy.conversation) == (
            pair.one.user,
            b"from my phone",
            pair.conversation,
        )
        tablet.sync(2, 0, 10)
        assert copied.outcome(2).complete
        entry = copied.deliveries[-1]
        assert (entry.mode, entry.body) == (Mode.PAGE, b"from my phone")
        phone.close()
        tablet.close()
        assert not sent.broken

    def test_a_member_who_was_away_is_given_what_was_said_in_the_group(
        self, ejabberd: RunningTarget, subject: Subject, pair: Pair
    ) -> None:
        """And what was not acknowledged comes again, in order."""
        maker, made = subject.connect(pair.one)
        maker.create_group(1, "crew", [pair.other.user])
        group = made.outcome(1).conversation
        maker.send_many([(n, group, f"k{n}", b"body %02d" % n) for n in range(2, 12)])
        made.wait(lambda: len(made.outcomes) == 11, "every outcome")
        assert {one.completion for one in made.outcomes.values()} == {Completion.OK}
        assert made.deliveries == [], "the reflection of a send is its answer"
        wait_until(ejabberd, "get_offline_count", pair.other.user, {"value": 10})
        member, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 10, "every delivery")
        assert [one.key for one in given.deliveries] == [f"k{n}" for n in range(2, 12)]
        assert {(one.mode, one.sender) for one in given.deliveries} == {(Mode.BACKLOG, pair.one.user)}
        assert [one.id for one in given.deliveries] == [made.outcomes[n].id for n in range(2, 12)]
        for number, delivery in enumerate(given.deliveries[:4], start=100):
            member.acknowledge(number, delivery)
            assert given.outcome(number).completion is Completion.OK
        member.cut()
        wait_until(ejabberd, "get_offline_count", pair.other.user, {"value": 6})
        member, given = subject.connect(pair.other)
        given.wait(lambda: len(given.deliveries) == 6, "the six that were not acknowledged")
        assert [one.key for one in given.deliveries] == [f"k{n}" for n in range(6, 12)]
        member.sync(200, 0, 100)
        assert given.outcome(200).complete
        read = [one for one in given.deliveries if one.mode is Mode.PAGE]
        assert [one.key for one in read] == [f"k{n}" for n in range(2, 12)]
        maker.close()
        member.close()

    def test_a_group_message_reaches_every_device_of_its_sender_but_the_sending_one(
        self, subject: Subject, pair: Pair
    ) -> None:
        phone, sent = subject.connect(pair.one)
        tablet, copied = subject.connect(pair.one, "tablet")
        phone.create_group(1, "crew", [pair.other.user])
        group = sent.outcome(1).conversation
        phone.send(2, group, "k2", b"from my phone")
        assert sent.outcome(2).completion is Completion.OK
        copied.wait(lambda: bool(copied.deliveries), "the copy")
        tablet.send(3, group, "k3", b"from my tablet")
        sent.wait(lambda: bool(sent.deliveries), "the copy for the phone")
        assert [(one.sender, one.key, one.conversation) for one in copied.deliveries] == [
            (pair.one.user, "k2", group)
        ]
        assert [one.key for one in sent.deliveries] == ["k3"]
        assert not sent.unmatched_outcomes
        assert not copied.unmatched_outcomes
        phone.close()
        tablet.close()

    def test_who_is_no_member_can_neither_speak_in_a_group_nor_change_it(
        self, subject: Subject, pair: Pair
    ) -> None:
        maker, made = subject.connect(pair.one)
        other, tape = subject.connect(pair.other)
        maker.create_group(1, "crew", [pair.other.user])
        group = made.outcome(1).conversation
        other.add_member(2, group, subject.account().user)
        assert (tape.outcome(2).completion, tape.outcome(2).code) == (Completion.FAIL, "not-allowed")
        maker.remove_member(3, group, pair.other.user)
        assert made.outcome(3).completion is Completion.OK
        other.send(4, group, "k4", b"still here?")
        assert (tape.outcome(4).completion, tape.outcome(4).code) == (Completion.FAIL, "not-acceptable")
        other.add_member(5, group, pair.other.user)
        assert tape.outcome(5).completion is Completion.FAIL
        maker.send(6, group, "k6", b"not for strangers")
        assert made.outcome(6).completion is Completion.OK
        maker.send(7, pair.conversation, "k7", b"for everybody whom it concerns")
        tape.wait(lambda: bool(tape.deliveries), "what is sent past the group")
        assert [one.key for one in tape.deliveries] == ["k7"]
        maker.close()
        other.close()

    def test_presence_is_told_to_those_whom_a_user_lets_see_it(self, subject: Subject, pair: Pair) -> None:
        """Clients of this driver let everybody; until one has been online nobody may ask."""
        asking, tape = subject.connect(pair.one)
        asking.presence(1, pair.other.user)
        assert (tape.outcome(1).completion, tape.outcome(1).code) == (
            Completion.FAIL,
            "subscription-required",
        )
        asking.watch(2, [pair.other.user])
        assert tape.outcome(2).completion is Completion.OK
        other, _ = subject.connect(pair.other)
        tape.wait(lambda: bool(tape.presences), "the arrival")
        asking.presence(3, pair.other.user)
        presence = tape.outcome(3).values["presence"]
        assert isinstance(presence, Presence)
        assert (presence.user, presence.online) == (pair.other.user, True)
        other.close()
        tape.wait(lambda: not tape.presences[-1].online, "the departure")
        asking.close()
        assert not tape.broken

    def test_a_session_that_never_logged_in_is_refused_by_name(self, subject: Subject, pair: Pair) -> None:
        session, tape = subject.connect(pair.one, identify=False)
        session.send(1, pair.conversation, "k", b"nobody")
        assert tape.wait_end() is End.REFUSED
        assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.FAIL, "not-authorized")

    def test_the_name_of_a_refusal_is_the_servers_own(self, subject: Subject, pair: Pair) -> None:
        login = dataclasses.replace(subject.login(pair.one), credential=subject.bad_credential(pair.one))
        with pytest.raises(LoginRefused, match="not-authorized: Invalid username or password"):
            subject.driver.connect(login, Tape())
        stranger, tape = subject.connect(subject.account())
        stranger.send(1, pair.conversation, "k", b"as somebody else")
        stranger.send(2, pair.conversation, "k", b"and after that")
        assert tape.wait_end() is End.REFUSED
        assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.FAIL, "invalid-from")
        assert tape.outcomes[2].completion in {Completion.INFO, Completion.FAIL}
        newer, _ = subject.connect(pair.other)
        newest, _ = subject.connect(pair.other)
        newest.close()
        newer.close()

    def test_the_newest_session_replaces_the_one_before(self, subject: Subject, pair: Pair) -> None:
        older, seen = subject.connect(pair.one)
        newer, _ = subject.connect(pair.one)
        assert seen.wait_end() is End.REPLACED
        assert seen.reason.startswith("conflict")
        older.close()
        newer.close()

    def test_a_certificate_of_another_authority_ends_the_login(
        self, subject: Subject, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path).certificate
        with pytest.raises(LoginRefused, match="untrusted:") as refused:
            subject.connect(
                subject.account(), endpoint=dataclasses.replace(subject.endpoint, authority=authority)
            )
        assert refused.value.outcome.completion is Completion.FAIL
        insecure = dataclasses.replace(subject.endpoint, authority=None, insecure=True)
        session, _ = subject.connect(subject.account(), endpoint=insecure)
        session.close()

    def test_a_wrong_address_or_version_is_a_mistake_of_the_caller(self, subject: Subject) -> None:
        account = subject.account()
        with pytest.raises(ValueError, match="expected an address such as xmpp://HOST:PORT/DOMAIN"):
            subject.connect(account, endpoint=Endpoint("wss://127.0.0.1"))
        with pytest.raises(ValueError, match=r"expected version \(1,\) of XMPP, found 2"):
            subject.connect(account, version=2)

    def test_an_observer_that_fails_leaves_no_operation_open(
        self, subject: Subject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures: list[object] = []
        monkeypatch.setattr(threading, "excepthook", lambda failure: failures.append(failure.exc_value))
        account = subject.account()
        session, tape = subject.connect(account)

        def broken(_: object) -> None:
            raise RuntimeError("the observer's own mistake")

        tape.delivered = broken  # type: ignore[method-assign]
        session.send(1, subject.driver.direct_conversation(account.user, account.user), "k", b"x")
        assert tape.wait_end() is End.LOST
        assert "the observer's own mistake" in tape.reason
        assert set(tape.outcomes) == {1}
        session.close()
        assert len(failures) == 1


class TestWithoutStreamManagement:
    @pytest.fixture
    def subject(self, bare_ejabberd: RunningTarget) -> Subject:
        return subject_of(bare_ejabberd, bare_ejabberd.endpoint())

    def test_a_send_is_accepted_at_most_and_an_error_still_refuses_it(
        self, subject: Subject, pair: Pair
    ) -> None:
        sender, sent = subject.connect(pair.one)
        receiver, given = subject.connect(pair.other)
        nobody = subject.driver.direct_conversation(pair.one.user, "nobody-at-all")
        sender.send_many(
            [
                (1, pair.conversation, "k1", b"one"),
                (2, nobody, "k2", b"two"),
                (3, pair.conversation, "k3", b"three"),
            ]
        )
        outcomes = [(sent.outcome(n).completion, sent.outcome(n).code) for n in (1, 2, 3)]
        accepted = (Completion.INFO, "accepted")
        assert outcomes == [accepted, (Completion.FAIL, "service-unavailable"), accepted]
        given.wait(lambda: len(given.deliveries) == 2, "both deliveries")
        receiver.acknowledge(4, given.deliveries[0])
        assert (given.outcomes[4].completion, given.outcomes[4].code) == (
            Completion.FAIL,
            "not-acknowledgeable",
        )
        for session, tape in ((sender, sent), (receiver, given)):
            session.close()
            assert not tape.broken

    def test_a_token_logs_in_and_a_forged_one_does_not(self, subject: Subject) -> None:
        def login(secret: str) -> Login:
            claims = {"sub": "holder@localhost", "exp": int(time.time()) + 60}
            token = jwt.encode(claims, secret, algorithm="HS256")
            return Login(subject.endpoint, Credential("holder", token=token), "phone")

        session = subject.driver.connect(login(JWT_SECRET), Tape())
        session.close()
        with pytest.raises(LoginRefused, match="not-authorized") as refused:
            subject.driver.connect(login("another secret, of the same length or so"), Tape())
        assert refused.value.outcome.completion is Completion.FAIL


HEADER = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    b"id='1' from='localhost' version='1.0'>"
)
MECHANISMS = b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


class TestWithoutTls:
    """A server, or somebody in between, that would have the client speak in the clear."""

    def said_to(self, *answers: bytes) -> tuple[LoginRefused, bytes]:
        """How a login ends at a server that answers each thing it reads with the next of these, and what it read."""
        heard: list[bytes] = []

        def serve(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    heard.append(connection.recv(65536))
                    connection.sendall(answer)
                while more := connection.recv(65536):
                    heard.append(more)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            port = listener.getsockname()[1]
            login = Login(
                Endpoint(f"xmpp://127.0.0.1:{port}/localhost"),
                Credential("alice", password="very secret"),
                "phone",
            )
            with pytest.raises(LoginRefused) as refused:
                XmppDriver().connect(login, Tape())
            server.join(5)
        return refused.value, b"".join(heard)

    def test_nothing_secret_is_said_to_a_server_that_does_not_offer_tls(self) -> None:
        refused, heard = self.said_to(HEADER + b"<stream:features>" + MECHANISMS + b"</stream:features>")
        assert (refused.outcome.completion, refused.outcome.code) == (Completion.FAIL, "tls-not-offered")
        assert b"<auth" not in heard
        assert b"alice" not in heard

    def test_nor_to_one_that_takes_its_offer_back(self) -> None:
        features = HEADER + b"<stream:features>" + STARTTLS + MECHANISMS + b"</stream:features>"
        refused, heard = self.said_to(features, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        assert (refused.outcome.completion, refused.outcome.code) == (Completion.FAIL, "tls-not-offered")
        assert b"<auth" not in heard

    def test_what_is_slipped_in_before_tls_ends_the_login(self) -> None:
        features = HEADER + b"<stream:features>" + STARTTLS + b"</stream:features>"
        refused, heard = self.said_to(features, PROCEED + b"<message><body>slipped in</body></message>")
        assert (refused.outcome.completion, refused.outcome.code) == (Completion.FAIL, "tls")
        assert "unencrypted" in refused.outcome.text
        assert b"<auth" not in heard
