"""`[tokens]` of a target file: what may stand there, and the source of tokens that comes of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from test_target_file import EXTERNAL, LAUNCHED

from waybill.drivers.base import Endpoint
from waybill.history.events import CredentialKind
from waybill.targets import Account, MeansMissing, RunningTarget, TargetError, TargetFileError, launch
from waybill.targets.model import Tokens
from waybill.targets.target_file import parse_target
from waybill.targets.token_sources import make_source
from waybill.tokens import forge
from waybill.tokens.from_command import CommandTokens
from waybill.tokens.obtain import Token, TokenClient, TokenRefused
from waybill.tokens.sources import ClientCredentials, TokenSource

ISSUER = 'issuer = "https://issuer.example"\n'


def text(tokens: str) -> str:
    return EXTERNAL.replace('method = "password"\n', tokens)


def read(tokens: str) -> Tokens:
    return parse_target(text(tokens), Path("mine.toml")).tokens


def source(tokens: str, folder: Path, values: Mapping[str, str] | None = None) -> TokenSource | None:
    return make_source(parse_target(text(tokens), folder / "mine.toml"), values or {}, None)


# The file.


def test_every_method_is_read() -> None:
    assert read('method = "none"') == Tokens("none")
    assert read(
        f'method = "oauth2-password"\n{ISSUER}refresh_scope = "offline_access"\nbound = "key"'
    ) == Tokens(
        "oauth2-password", issuer="https://issuer.example", refresh_scope="offline_access", bound="key"
    )
    found = read(f'method = "oauth2-client-credentials"\n{ISSUER}parameters = {{ audience = "chat" }}')
    assert (found.client, found.secret, found.parameters) == ("{user}", "{password}", {"audience": "chat"})
    found = read('method = "command"\ncommand = ["get-token", "{user}"]\ndeadline = "2s"')
    assert (found.command, found.deadline) == (("get-token", "{user}"), 2.0)
    assert read('method = "file"\nfile = "tokens.jsonl"').file == "tokens.jsonl"


def test_a_secret_is_not_in_the_repr() -> None:
    told = f'method = "oauth2-client-credentials"\n{ISSUER}secret = "top-secret"'
    assert "top-secret" not in repr(read(told))


@pytest.mark.parametrize(
    ("tokens", "key", "said"),
    [
        ('method = "comand"', "tokens.method", "did you mean 'command'"),
        ('method = "command"', "tokens", "the key 'command' is missing"),
        ('method = "command"\ncommand = ["x"]', "tokens.command", r"names no account; expected \{user\}"),
        ('method = "file"', "tokens", "the key 'file' is missing"),
        ('method = "oauth2-client-credentials"', "tokens", "the key 'issuer' is missing"),
        (f'method = "oauth2-client-credentials"\n{ISSUER}client = "kit"', "tokens.client", "get the same token"),
        (f'method = "oauth2-client-credentials"\n{ISSUER}refresh_scope = "x"', "tokens.refresh_scope", "no such key"),
        (f'method = "oauth2-password"\n{ISSUER}secret = "x"', "tokens.secret", "no such key"),
        ('method = "password"\ncommand = ["x"]', "tokens.command", "no such key"),
    ],
)  # fmt: skip
def test_every_mistake_is_named(tokens: str, key: str, said: str) -> None:
    with pytest.raises(TargetFileError, match=said) as error:
        read(tokens)
    assert error.value.key == key


def test_one_client_may_name_the_account_in_a_parameter() -> None:
    told = (
        f'method = "oauth2-client-credentials"\n{ISSUER}client = "kit"\nparameters = {{ login = "{{user}}" }}'
    )
    assert read(told).client == "kit"


def test_tokens_of_a_file_are_for_a_target_that_runs() -> None:
    launched = LAUNCHED.replace('method = "oauth2-password"', 'method = "file"\nfile = "tokens"')
    assert launched != LAUNCHED
    with pytest.raises(TargetFileError, match="for a target that runs already"):
        parse_target(launched, Path("mine.toml"))


# The source.


def test_each_method_has_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_SECRET", "top-secret")
    assert source('method = "password"', tmp_path) is None
    assert isinstance(source(f'method = "oauth2-password"\n{ISSUER}', tmp_path), TokenClient)
    of_client = source(
        f'method = "oauth2-client-credentials"\n{ISSUER}secret = "{{environment.CHAT_SECRET}}"', tmp_path
    )
    assert isinstance(of_client, ClientCredentials)
    assert of_client._secret == "top-secret"
    assert of_client.client is not None
    of_program = source('method = "command"\ncommand = ["sh", "-c", "echo $1", "x", "{user}"]', tmp_path)
    assert isinstance(of_program, CommandTokens)
    assert of_program.obtain("alice", "").text == "alice"


def test_what_a_launch_knows_is_filled_in(tmp_path: Path) -> None:
    found = source(
        'method = "command"\ncommand = ["echo", "{issuer.port}-{user}-{device}"]',
        tmp_path,
        {"issuer.port": "7"},
    )
    assert found is not None
    assert found.obtain("alice", "", device="phone").text == "7-alice-phone"


def test_a_program_that_is_not_installed_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(
        TargetError, match=r"mine\.toml: tokens\.command: the program 'get-tokn' is not installed"
    ):
        source('method = "command"\ncommand = ["get-tokn", "{user}"]', tmp_path)


def test_tokens_that_are_over_stop_the_run_before_it_begins(tmp_path: Path) -> None:
    old = forge.join(b"{}", json.dumps({"exp": time.time() - 60}).encode(), lambda _: b"s")
    (tmp_path / "tokens.jsonl").write_text(json.dumps({"user": "alice", "token": old}))
    (tmp_path / "mine.toml").write_text(text('method = "file"\nfile = "tokens.jsonl"'))
    with pytest.raises(TargetError, match=r"tokens\.file: 1 of 1 tokens in .* are over: alice for 6\d s"):
        launch(
            parse_target(text('method = "file"\nfile = "tokens.jsonl"'), tmp_path / "mine.toml"),
            tmp_path / "run",
        )


def test_a_file_of_tokens_names_the_accounts(tmp_path: Path) -> None:
    lines = [{"user": "alice", "device": "phone", "token": "a"}, {"user": "bob", "token": "b"}]
    (tmp_path / "tokens.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "ca.pem").write_bytes(_authority(tmp_path))
    told = text('method = "file"\nfile = "tokens.jsonl"').replace('[users]\nfile = "accounts.txt"\n', "")
    with launch(parse_target(told, tmp_path / "mine.toml"), tmp_path / "run") as running:
        accounts = [running.account(), running.account()]
        assert [account.user for account in accounts] == ["alice", "bob"]
        assert running.credential(accounts[0], "phone").token == "a"
        assert running.issuer is None


def _authority(folder: Path) -> bytes:
    from waybill.tls.authority import Authority

    return Authority(folder / "tls").certificate.read_bytes()


# What a running target makes of it.


class Counting(TokenClient):
    """An issuer that counts its tokens, without a network."""

    def __init__(self, lifetime: float = 3600.0, refresh: bool = False) -> None:
        super().__init__("https://issuer.example")
        self.asked: list[tuple[str, ...]] = []
        self.refusing = False
        self._lifetime, self._refresh = lifetime, refresh

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        self.asked.append(
            ("password", user, device, *(f"{name}={value}" for name, value in (more or {}).items()))
        )
        return self._next()

    def refresh(self, token: str) -> Token:
        self.asked.append(("refresh", token))
        if self.refusing:
            raise TokenRefused("no", "invalid_grant", 400)
        return self._next()

    def _next(self) -> Token:
        number = len(self.asked)
        return Token(f"t{number}", self._lifetime, f"r{number}" if self._refresh else "")


def running(tmp_path: Path, issuer: Counting, **tokens: object) -> RunningTarget:
    file = parse_target(text(f'method = "oauth2-password"\n{ISSUER}'), tmp_path / "mine.toml")
    file = dataclasses.replace(file, tokens=dataclasses.replace(file.tokens, **tokens))  # type: ignore[arg-type]
    endpoints = {"eu": Endpoint("mqtts://eu:1")}
    return RunningTarget(file, tmp_path, endpoints=endpoints, accounts=[], tokens=issuer)


ALICE = Account("alice", "secret")


def test_a_token_is_kept_for_its_device_until_shortly_before_its_end(tmp_path: Path) -> None:
    issuer = Counting()
    target = running(tmp_path, issuer)
    assert [target.credential(ALICE, device).token for device in ("phone", "phone", "desk")] == [
        "t1",
        "t1",
        "t2",
    ]
    assert target.credential(ALICE, "phone", fresh=True).token == "t3"
    assert target.credential(ALICE, "phone").token == "t3"
    short = Counting(lifetime=30.0)
    target = running(tmp_path, short)
    assert [target.credential(ALICE, "phone").token for _ in range(2)] == ["t1", "t2"]


def test_a_token_that_ends_is_refreshed_and_else_asked_for_again(tmp_path: Path) -> None:
    issuer = Counting(lifetime=30.0, refresh=True)
    target = running(tmp_path, issuer)
    assert [target.credential(ALICE, "phone").token for _ in range(3)] == ["t1", "t2", "t3"]
    issuer.refusing = True
    assert target.credential(ALICE, "phone").token == "t5"
    assert [asked[0:2] for asked in issuer.asked] == [
        ("password", "alice"), ("refresh", "r1"), ("refresh", "r2"), ("refresh", "r3"), ("password", "alice"),
    ]  # fmt: skip


def test_a_refresh_token_belongs_to_what_a_device_shows_and_stays_a_secret(tmp_path: Path) -> None:
    target = running(tmp_path, Counting(refresh=True))
    assert target.refresh_token(ALICE, "phone") == ""
    target.credential(ALICE, "phone")
    target.credential(ALICE, "desk")
    assert [target.refresh_token(ALICE, device) for device in ("phone", "desk")] == ["r1", "r2"]
    target.forget("alice")
    assert target.refresh_token(ALICE, "phone") == ""
    assert {"r1", "r2"} <= set(target.secrets())
    without = running(tmp_path, Counting())
    without.credential(ALICE, "phone")
    assert without.refresh_token(ALICE, "phone") == ""
    assert "" not in without.secrets()


def test_devices_have_keys_where_the_issuer_binds_tokens(tmp_path: Path) -> None:
    issuer = Counting()
    target = running(tmp_path, issuer, bound="jwk")
    phone, desk = target.credential(ALICE, "phone"), target.credential(ALICE, "desk")
    assert phone.key is not None
    assert desk.key is not None
    assert issuer.asked[0][3] == f"jwk={json.dumps(phone.key.public_jwk())}"
    assert phone.key.public_jwk() != desk.key.public_jwk()
    assert target.credential(ALICE, "phone").key is phone.key
    for unbound in (target.credential(ALICE, "phone", bound=False), target.credential(ALICE, "")):
        assert unbound.key is None
        assert unbound.token != phone.token
    assert [len(asked) for asked in issuer.asked[2:]] == [3, 3]
    assert target.credential(ALICE, "phone").token == phone.token


def test_a_token_for_one_login_is_asked_for_each_time(tmp_path: Path) -> None:
    issuer = Counting()
    target = running(tmp_path, issuer, one_time={"once": "true"})
    assert [target.credential(ALICE, "phone", once=True).token for _ in range(2)] == ["t1", "t2"]
    assert issuer.asked[0][3:] == ("once=true",)
    assert target.credential(ALICE, "phone").token == "t3"
    with pytest.raises(MeansMissing, match=r"has no \[tokens\.one_time\].*UNPROVEN"):
        running(tmp_path, issuer).credential(ALICE, "phone", once=True)


def test_what_was_revoked_is_not_shown_again(tmp_path: Path) -> None:
    bob = Account("bob", "secret")
    target = running(tmp_path, Counting())
    phone, desk, bobs = (
        target.credential(*whose).token for whose in ((ALICE, "phone"), (ALICE, "desk"), (bob, "phone"))
    )
    target.forget("alice", "phone")
    new = target.credential(ALICE, "phone").token
    assert new != phone
    assert target.credential(ALICE, "desk").token == desk
    target.forget("alice", token=new)
    assert target.credential(ALICE, "phone").token not in (phone, new)
    target.forget("alice")
    assert target.credential(ALICE, "desk").token != desk
    assert target.credential(bob, "phone").token == bobs


def test_a_token_is_worth_what_became_of_it(tmp_path: Path) -> None:
    bob = Account("bob", "secret")
    target = running(tmp_path, Counting(), bound="jwk")
    bound = target.credential(ALICE, "phone").token
    unbound = target.credential(ALICE, "phone", bound=False).token
    anywhere = target.credential(ALICE, "").token
    kinds = {
        "": CredentialKind.NONE,
        "open sesame": CredentialKind.FORGED,
        bound: CredentialKind.FOREIGN,
        unbound: CredentialKind.VALID,
        anywhere: CredentialKind.VALID,
    }
    for shown, kind in kinds.items():
        assert target.worth(ALICE, "phone", shown) is kind
    assert target.worth(ALICE, "desk", unbound) is CredentialKind.FOREIGN
    assert target.worth(bob, "phone", unbound) is CredentialKind.FOREIGN
    target.forget("alice", "phone")
    assert target.worth(ALICE, "phone", unbound) is CredentialKind.REVOKED
    assert target.worth(ALICE, "phone", bound) is CredentialKind.REVOKED
    assert target.worth(ALICE, "phone", anywhere) is CredentialKind.VALID


def test_a_password_is_worth_what_the_account_says(tmp_path: Path) -> None:
    endpoints = {"eu": Endpoint("mqtts://eu:1")}
    file = parse_target(EXTERNAL, tmp_path / "mine.toml")
    target = RunningTarget(file, tmp_path, endpoints=endpoints, accounts=[])
    assert target.worth(ALICE, "phone", "secret") is CredentialKind.VALID
    assert target.worth(ALICE, "phone", "wrong") is CredentialKind.FORGED
