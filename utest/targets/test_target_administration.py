"""Administration of a target: what its file may say, and what is asked, answered and told of it."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from test_target_file import EXTERNAL

from waybill.history.events import Completion, CredentialKind
from waybill.targets import MeansFailed, MeansMissing, TargetFileError, find_target, launch
from waybill.targets import administration as administration_module
from waybill.targets.administration import Administration, AdministrationFailed
from waybill.targets.model import AdministrationRequest
from waybill.targets.target_file import parse_target
from waybill.tls.authority import Authority
from waybill.tokens.reading import token_id


class Office:
    """A server that is administered; a test sets its answer."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "tls")
        certificate = self.authority.issue(folder, ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        office = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                shown = self.headers.get("Authorization")
                office.asked.append((f"{self.command} {self.path}", body, shown))
                status, text = office.says
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def log_message(self, *_: object) -> None:
                pass

        self.asked: list[tuple[str, str, str | None]] = []
        self.says = (200, '{"at": 7}')
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def administration(self, **requests: AdministrationRequest) -> Administration:
        """The administration of a target with these requests; an administrator shows `admins-token`."""
        values = {"host": self.url, "secret.NAME": "00" * 32}
        return Administration(
            requests, values, self.authority.certificate, lambda: "admins-token", "mine.toml"
        )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.close()


ACCEPT = (200, 204)
BEARER = {"Authorization": "Bearer {token}"}


def revoking(**more: object) -> AdministrationRequest:
    told = {
        "url": "{host}/users/{user}?of={device}",
        "body": '{"user": "{user}", "device": "{device}"}',
        "headers": BEARER,
        "accept": ACCEPT,
    }
    return AdministrationRequest(**{**told, **more})  # type: ignore[arg-type]


# Asking.


def test_an_administrator_asks_and_is_given_the_answer(office: Office) -> None:
    outcome = office.administration(revoke_device=revoking()).do("revoke_device", user="bob", device="phone")
    assert outcome.completion is Completion.OK
    assert outcome.values == {"body": {"at": 7}}
    assert office.asked == [
        ("POST /users/bob?of=phone", '{"user": "bob", "device": "phone"}', "Bearer admins-token")
    ]


def test_names_are_quoted_for_where_they_stand(office: Office) -> None:
    values = {"user": 'b/o?b"\\', "device": "pho&ne\n"}
    office.administration(revoke_device=revoking()).ask("revoke_device", "t", values)
    ((line, body, _),) = office.asked
    assert line == "POST /users/b%2Fo%3Fb%22%5C?of=pho%26ne%0A"
    assert json.loads(body) == values


def test_a_caller_without_a_token_shows_none(office: Office) -> None:
    office.administration(revoke_device=revoking()).ask("revoke_device", "", {"user": "bob", "device": "d"})
    assert office.asked[0][2] is None


def test_an_answer_that_is_no_json_is_given_as_it_is(office: Office) -> None:
    office.says = (200, "welcome")
    administration = office.administration(list_sessions=revoking(method="GET"))
    assert administration.ask("list_sessions", "t", {"user": "bob", "device": ""}).values == {
        "body": "welcome"
    }
    assert office.asked[0][0].startswith("GET ")


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "forbidden")])
def test_a_refusal_is_an_outcome_of_whoever_asks_and_an_error_of_the_administrator(
    status: int, code: str, office: Office
) -> None:
    office.says = (status, "go away")
    administration = office.administration(revoke_device=revoking())
    outcome = administration.ask("revoke_device", "somebody's", {"user": "bob", "device": "d"})
    assert (outcome.completion, outcome.code, outcome.text) == (Completion.FAIL, code, "go away")
    wanted = rf"revoke_device was refused to an administrator: {code} go away\. .*\[administration\.revoke_device\]"
    with pytest.raises(AdministrationFailed, match=wanted):
        administration.do("revoke_device", user="bob", device="d")


@pytest.mark.parametrize("status", [202, 301, 400, 404, 500, 502])
def test_any_other_answer_is_neither_done_nor_refused(status: int, office: Office) -> None:
    office.says = (status, "what?")
    with pytest.raises(
        AdministrationFailed, match=rf"gave status {status} and the answer 'what\?'\. .*mine\.toml"
    ):
        office.administration(revoke_device=revoking()).do("revoke_device", user="bob", device="d")
    assert issubclass(AdministrationFailed, MeansFailed)


def test_nobody_who_answers_is_told_and_no_token_shown(office: Office) -> None:
    office.close()
    with pytest.raises(AdministrationFailed, match=r"gave no answer: .*refused") as error:
        office.administration(revoke_device=revoking()).do("revoke_device", user="bob", device="d")
    assert "admins-token" not in str(error.value)


def test_a_server_of_another_authority_is_asked_nothing(office: Office, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").certificate
    administration = Administration(
        {"revoke_user": revoking()}, {"host": office.url}, other, lambda: "admins-token", "mine.toml"
    )
    with pytest.raises(AdministrationFailed, match=r"gave no answer: .*CERTIFICATE_VERIFY_FAILED"):
        administration.do("revoke_user", user="bob", device="d")
    assert office.asked == []


def test_an_unknown_placeholder_is_told(office: Office) -> None:
    administration = office.administration(revoke_user=revoking(body="{usr}"))
    with pytest.raises(AdministrationFailed, match=r"there is no placeholder \{usr\}, did you mean 'user'\?"):
        administration.do("revoke_user", user="bob", device="d")


def test_what_the_file_does_not_tell_has_no_means(office: Office) -> None:
    with pytest.raises(
        MeansMissing, match=r"no means for rotate_key: .*\[administration\.rotate_key\].*UNPROVEN"
    ):
        office.administration(revoke_user=revoking()).do("rotate_key")


def test_only_what_shows_a_token_is_decided_by_it(office: Office) -> None:
    administration = office.administration(
        revoke_user=revoking(),
        revoke_device=revoking(headers={"Authorization": "Bearer {secret.api}"}),
        rotate_key=AdministrationRequest(command=("true",)),
    )
    assert list(administration.known) == ["revoke_user", "revoke_device", "rotate_key"]
    assert list(administration.operations) == ["revoke_user"]
    administration.do("revoke_device", user="bob", device="d")
    shown = office.asked[0][2] or ""
    assert len(shown) == len("Bearer ") + 40
    assert "admins-token" not in shown


# Commands.


def command(*parts: str) -> AdministrationRequest:
    return AdministrationRequest(command=(sys.executable, "-c", *parts))


def test_a_command_is_done_when_it_ends_well(office: Office) -> None:
    administration = office.administration(
        revoke_user=command("import sys; print('{\"was\": \"' + sys.argv[1] + '\"}')", "{user}")
    )
    assert administration.do("revoke_user", user="bob").values == {"body": {"was": "bob"}}


def test_a_command_that_fails_is_named_with_its_first_words(office: Office) -> None:
    administration = office.administration(revoke_user=command("import sys; sys.exit('no\\nand no')"))
    with pytest.raises(
        AdministrationFailed, match=r"ended with status 1: no\. .*\[administration\.revoke_user\]"
    ):
        administration.do("revoke_user", user="bob")


def test_a_command_that_is_not_there_is_named(office: Office) -> None:
    administration = office.administration(revoke_user=AdministrationRequest(command=("/nowhere/revoke",)))
    with pytest.raises(AdministrationFailed, match="/nowhere/revoke cannot be run: No such file"):
        administration.do("revoke_user", user="bob")


# The file.


def read(text: str) -> dict[str, AdministrationRequest]:
    return dict(parse_target(f"{EXTERNAL}\n{text}", Path("mine.toml")).administration)


def test_requests_and_commands_are_read() -> None:
    found = read(
        '[administration.revoke_user]\nurl = "https://eu/revoke"\nbody = "{user}"\naccept = [202]\n'
        'headers = { Authorization = "Bearer {token}" }\n'
        '[administration.rotate_key]\ncommand = ["ssh", "eu", "rotate"]\n'
    )
    assert found["revoke_user"] == AdministrationRequest(
        "https://eu/revoke", "POST", "{user}", {"Authorization": "Bearer {token}"}, (202,)
    )
    assert found["revoke_user"].wants_token
    assert found["rotate_key"].command == ("ssh", "eu", "rotate")
    assert not found["rotate_key"].wants_token
    assert read("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[administration.revoke_usr]\nurl = "https://eu"', "no operation 'revoke_usr', did you mean 'revoke_user'"),
        ("[administration.revoke_user]", "the key 'url' is missing"),
        ('[administration.revoke_user]\nurl = "eu"', "expected http:// or https://"),
        ('[administration.revoke_user]\nurl = "https://eu"\nmethod = "post"', "expected an HTTP method"),
        ('[administration.revoke_user]\nurl = "https://eu"\ncommand = ["x"]', "found both; keep one"),
        ('[administration.revoke_user]\ncommand = []', "expected a list of a program"),
        ('[administration.revoke_user]\nurl = "https://eu"\nverb = "POST"', "there is no such key"),
    ],
)  # fmt: skip
def test_every_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(TargetFileError, match=said) as error:
        read(text)
    assert error.value.key.startswith("administration.revoke_us")


def test_a_token_that_was_made_worthless_is_not_handed_out_again(tmp_path: Path) -> None:
    with launch(find_target("reference"), tmp_path) as running:
        account, office = running.account(), running.administration
        assert office is not None

        def token() -> str:
            return running.credential(account, "phone").token

        first = token()
        assert token() == first
        office.do("rotate_key")
        second = token()
        assert second != first
        office.do("revoke_device", user=account.user, device="phone")
        third = token()
        assert third != second
        office.do("revoke_token", user=account.user, token_id=token_id(third))
        fourth = token()
        assert fourth != third
        office.do("revoke_user", user=account.user)
        assert token() != fourth


def test_a_token_that_may_be_worthless_is_not_handed_out_again_and_does_not_count_as_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with launch(find_target("reference"), tmp_path) as running:
        account, office = running.account(), running.administration
        assert office is not None
        first = running.credential(account, "phone").token
        monkeypatch.setattr(administration_module, "exchange", lambda *_, **__: (502, "the issuer is gone"))
        with pytest.raises(AdministrationFailed, match="gave status 502"):
            office.do("revoke_device", user=account.user, device="phone")
        assert running.credential(account, "phone").token != first
        assert running.worth(account, "phone", first) is not CredentialKind.REVOKED
