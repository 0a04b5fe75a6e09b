"""The issuer: what it says in tokens, refresh tokens, and keys that come and go."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from server_harness import PASSWORD, Process, World, account_line, refused_start

from waybill_server.accounts import Accounts, AccountsFaulty
from waybill_server.grants import LONGEST_WAIT, GrantRefused, TokenMaker
from waybill_server.issuer_keys import IssuerKeys
from waybill_server.issuer_store import IssuerDataRefused, IssuerStore
from waybill_server.refresh_tokens import LIFETIME
from waybill_server.revocations import Target
from waybill_server.signing_key import KeyRefused

ISSUER = "https://issuer.example"


def claims(answer: dict[str, Any] | str) -> dict[str, Any]:
    token = answer if isinstance(answer, str) else answer["access_token"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.jsonl"
    path.write_text(
        account_line("alice") + account_line("bob") + account_line("root", roles=["admin", "user"])
    )
    return path


@pytest.fixture
def maker(tmp_path: Path, accounts: Path) -> Iterator[TokenMaker]:
    with opened(tmp_path, accounts) as maker:
        yield maker


@contextmanager
def opened(folder: Path, accounts: Path, **more: Any) -> Iterator[TokenMaker]:
    keys = IssuerKeys(folder / "issuer", 60.0)
    store = IssuerStore(folder / "issuer")
    yield TokenMaker(ISSUER, lambda: keys.signing, Accounts(accounts), 3600, store=store, **more)
    store.close()


def asked(maker: TokenMaker, user: str = "alice", **more: str) -> dict[str, Any]:
    form = {"grant_type": "password", "username": user, "password": PASSWORD, **more}
    return maker.grant(form, None)


def lasting(maker: TokenMaker, user: str = "alice", **more: str) -> dict[str, Any]:
    return asked(maker, user, scope="chat offline_access", **more)


def refreshed(maker: TokenMaker, answer: dict[str, Any], **more: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], **more}
    return maker.grant(form, None)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(GrantRefused) as refused:
        call()
    return refused.value.code


# What tokens say.


def test_tokens_say_the_roles_of_the_account_and_the_grant(maker: TokenMaker) -> None:
    assert claims(asked(maker))["roles"] == ["user"]
    assert claims(asked(maker, "root"))["roles"] == ["admin", "user"]
    one, other = claims(asked(maker)), claims(asked(maker))
    assert one["sid"] != other["sid"]
    assert one["jti"] != other["jti"]
    assert not {"once", "cnf", "device"} & one.keys()


def test_a_token_may_be_good_for_one_login(maker: TokenMaker) -> None:
    assert claims(asked(maker, once="true"))["once"] is True
    assert "once" not in claims(asked(maker, once="false"))
    assert refusal(lambda: asked(maker, once="1")) == "invalid_request"


@pytest.mark.parametrize("roles", ['"admin"', "[]", '["king"]', "[7]", "null"])
def test_roles_that_do_not_exist_are_refused(tmp_path: Path, roles: str) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_text(account_line("alice", roles=json.loads(roles)))
    with pytest.raises(AccountsFaulty, match=r"accounts\.jsonl:1"):
        Accounts(path)


@pytest.mark.parametrize(
    "more",
    [
        {"claim": '{"roles": ["admin"]}'},
        {"claim": '{"roles": "admin"}'},
        {"claim": '{"roles": [["moderator"]]}'},
        {"claim_before": '{"roles": ["admin"]}'},
        {"claim_after": '{"roles": ["user", "moderator"]}'},
    ],
)
def test_an_odd_token_never_has_a_role_that_the_account_has_not(
    tmp_path: Path, accounts: Path, more: dict[str, str]
) -> None:
    with opened(tmp_path, accounts, odd=True) as maker:
        assert claims(asked(maker, claim='{"roles": ["user"]}'))["roles"] == ["user"]
        with pytest.raises(GrantRefused, match="roles"):
            asked(maker, **more)


# Refresh tokens.


def test_a_refresh_token_gives_the_same_grant_again(maker: TokenMaker) -> None:
    from test_proof import JWK

    first = lasting(maker, device="phone", once="true", cnf_jwk=json.dumps(JWK))
    assert first["scope"] == "chat offline_access"
    again = refreshed(maker, first)
    before, after = claims(first), claims(again)
    assert after["cnf"] == {"jwk": JWK}
    for name in ("sub", "device", "once", "sid", "client_id", "roles"):
        assert before[name] == after[name]
    assert before["jti"] != after["jti"]
    assert again["refresh_token"] != first["refresh_token"]
    assert claims(refreshed(maker, again))["sid"] == before["sid"]


def test_only_who_asks_for_it_has_a_refresh_token(maker: TokenMaker) -> None:
    assert "refresh_token" not in asked(maker)
    assert "refresh_token" not in asked(maker, scope="chat")
    form = {"grant_type": "client_credentials", "scope": "chat offline_access"}
    answer = maker.grant(form, ("alice", PASSWORD))
    assert "refresh_token" not in answer
    assert answer["scope"] == "chat"


def test_a_second_use_ends_all_that_came_of_the_grant(maker: TokenMaker) -> None:
    first, other = lasting(maker), lasting(maker)
    second = refreshed(maker, first)
    third = refreshed(maker, second)
    assert refusal(lambda: refreshed(maker, first)) == "invalid_grant"
    assert refusal(lambda: refreshed(maker, third)) == "invalid_grant"
    assert claims(refreshed(maker, other))["sub"] == "alice"


def test_of_two_uses_at_once_one_wins(maker: TokenMaker) -> None:
    first = lasting(maker)
    start, found = threading.Barrier(4), []

    def use() -> None:
        start.wait(10)
        try:
            found.append(refreshed(maker, first)["refresh_token"])
        except GrantRefused as refused:
            found.append(refused.code)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 4
    assert found.count("invalid_grant") == 3


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"refresh_token": "nonsense"}, "invalid_grant"),
        ({"refresh_token": "\udcff"}, "invalid_grant"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"client_id": "another"}, "invalid_grant"),
        ({"scope": "chat more"}, "invalid_scope"),
    ],
)
def test_a_refresh_that_is_not_in_order_changes_nothing(
    maker: TokenMaker, more: dict[str, str], code: str
) -> None:
    first = lasting(maker)
    assert refusal(lambda: refreshed(maker, {**first, **more}, **more)) == code
    assert claims(refreshed(maker, first, scope="chat"))["sub"] == "alice"


def test_only_digests_of_refresh_tokens_are_kept(maker: TokenMaker, tmp_path: Path) -> None:
    first = lasting(maker)
    refreshed(maker, first)
    for file in (tmp_path / "issuer").iterdir():
        assert first["refresh_token"].encode() not in file.read_bytes(), file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_refresh_tokens_survive_a_restart_and_end_with_their_time_or_account(
    tmp_path: Path, accounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, accounts) as maker:
        one, other, late = lasting(maker), lasting(maker, "bob"), lasting(maker)
    with opened(tmp_path, accounts) as maker:
        assert claims(refreshed(maker, one))["sid"] == claims(one)["sid"]
        with pytest.raises(GrantRefused, match="used before"):
            refreshed(maker, one)
    accounts.write_text(account_line("alice"))
    with opened(tmp_path, accounts) as maker:
        with pytest.raises(GrantRefused, match="account is gone"):
            refreshed(maker, other)
        much_later = time.time() + LIFETIME + 1
        monkeypatch.setattr(time, "time", lambda: much_later)
        with pytest.raises(GrantRefused, match="ended"):
            refreshed(maker, late)


def test_a_client_ends_its_own_grant(maker: TokenMaker) -> None:
    first, other = lasting(maker), lasting(maker, client_id="app")
    maker.revoke({"token": first["refresh_token"]})
    maker.revoke({"token": first["refresh_token"]})
    maker.revoke({"token": "unknown", "token_type_hint": "refresh_token"})
    assert refusal(lambda: refreshed(maker, first)) == "invalid_grant"
    assert (
        refusal(lambda: maker.revoke({"token": other["refresh_token"], "client_id": "x"})) == "invalid_grant"
    )
    assert refusal(lambda: maker.revoke({})) == "invalid_request"
    assert refusal(lambda: maker.revoke({"token": other["access_token"]})) == "unsupported_token_type"
    assert refreshed(maker, other)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how many seconds the issuer waits, each time; it does wait."""
    asked_for: list[float] = []
    sleep = time.sleep

    def wait(seconds: float) -> None:
        asked_for.append(seconds)
        sleep(seconds)

    monkeypatch.setattr("waybill_server.grants.time.sleep", wait)
    return asked_for


def test_a_token_that_is_given_after_a_revocation_is_not_concerned(
    maker: TokenMaker, waits: list[float]
) -> None:
    with maker.store.transaction():
        at = maker.store.revocations.revoke(Target(user="alice"), int(time.time() * 1000)).at
    assert claims(asked(maker, "bob"))
    assert waits == []
    assert claims(asked(maker))["iat"] > at // 1000
    assert len(waits) <= 1
    assert sum(waits) <= 1


def test_a_clock_that_stepped_back_holds_up_nobody_for_long(maker: TokenMaker, waits: list[float]) -> None:
    with maker.store.transaction():
        maker.store.revocations.revoke(Target(user="alice"), int(time.time() * 1000) + 3_600_000)
    assert asked(maker)
    assert waits == [LONGEST_WAIT]


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 4096)


def _other(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 7")
    connection.close()


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _other, _newer])
def test_another_database_is_refused(tmp_path: Path, accounts: Path, damage: Callable[[Path], None]) -> None:
    with opened(tmp_path, accounts):
        pass
    damage(tmp_path / "issuer" / "issuer.sqlite3")
    with pytest.raises(IssuerDataRefused, match=r"issuer\.sqlite3"):
        IssuerStore(tmp_path / "issuer")
    code, text = refused_start("issuer", "--data", tmp_path / "issuer", "--accounts", accounts)
    assert (code, "Traceback" in text) == (3, False)


# Keys.


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def kids(keys: IssuerKeys) -> list[str]:
    return [str(key["kid"]) for key in keys.published()]


def test_retired_keys_count_for_their_grace_and_over_restarts(tmp_path: Path) -> None:
    clock = Time()
    keys = IssuerKeys(tmp_path, 60.0, clock)
    first = keys.signing.kid
    second = keys.rotate().kid
    clock.now += 30
    third = keys.rotate().kid
    assert len({first, second, third}) == 3
    for each in (keys, IssuerKeys(tmp_path, 5.0, clock)):
        assert kids(each) == [third, first, second]
        assert each.signing.kid == third
        assert [key.until for key in each.retired()] == [1_000_060_000, 1_000_090_000]
    clock.now += 29.9
    assert kids(keys) == [third, first, second]
    clock.now += 0.1
    assert kids(keys) == [third, second]
    assert kids(IssuerKeys(tmp_path, 60.0, clock)) == [third, second]
    clock.now += 30
    assert kids(IssuerKeys(tmp_path, 60.0, clock)) == [third]
    assert list(tmp_path.glob("retired-*")) == []


def test_nothing_private_is_left_of_a_retired_key(tmp_path: Path) -> None:
    keys = IssuerKeys(tmp_path, 60.0)
    keys.rotate()
    private = [path for path in tmp_path.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert [path.name for path in private] == ["signing-key.pem"]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert '"d"' not in path.read_text()


def test_a_key_that_was_about_to_be_retired_signs_on(tmp_path: Path) -> None:
    keys = IssuerKeys(tmp_path, 60.0)
    kid = keys.signing.kid
    (tmp_path / f"retired-{kid}.json").write_text(
        json.dumps({"public": keys.signing.public, "until": int(time.time() * 1000) + 60_000})
    )
    assert kids(IssuerKeys(tmp_path, 60.0)) == [kid]


def test_without_grace_a_retired_key_is_gone_at_once(tmp_path: Path) -> None:
    keys = IssuerKeys(tmp_path, 0.0)
    first = keys.signing.kid
    second = keys.rotate().kid
    assert kids(keys) == [second] != [first]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"public": {}, "until": 1}', '{"public": {"kid": "a"}}']
)
def test_a_damaged_retired_key_is_said(tmp_path: Path, content: str) -> None:
    IssuerKeys(tmp_path, 60.0)
    (tmp_path / "retired-a.json").write_text(content)
    with pytest.raises(KeyRefused, match=r"retired-a\.json"):
        IssuerKeys(tmp_path, 60.0)


# The process.


@pytest.fixture
def own_issuer(world: World, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts issuers of the test's own, all on the same data and name."""
    issuers: list[Process] = []

    def start(*options: object) -> Process:
        more = () if not issuers else ("--issuer-name", issuers[0].ready["issuer"])
        issuers.append(world.start_issuer(*options, *more, data=tmp_path / "issuer"))
        return issuers[-1]

    yield start
    for each in issuers:
        each.end()


def token_of(world: World, issuer: Process, user: str, **form: str) -> str:
    form = {"grant_type": "password", "username": user, "password": PASSWORD, **form}
    url = f"https://127.0.0.1:{issuer.ready['port']}"
    return str(world.post(form, url=url)[1]["access_token"])


def test_who_may_rotate_and_what_is_answered(world: World, own_issuer: Callable[..., Process]) -> None:
    issuer = own_issuer("--grace", 30)
    root, alice, mod = (token_of(world, issuer, user) for user in ("root", "user0", "mod"))
    once = token_of(world, issuer, "root", once="true")
    before = jwt.get_unverified_header(root)["kid"]
    for token, status in ((alice, 403), (mod, 403), ("", 401), ("a.b.c", 401), (once, 401)):
        assert world.administrate(issuer, "POST", "/admin/keys", token, {})[0] == status
    now = time.time() * 1000
    status, document = world.administrate(issuer, "POST", "/admin/keys", root, {})
    assert (status, document.keys()) == (200, {"kid", "retired"})
    (retired,) = document["retired"]
    assert retired["kid"] == before
    assert now + 30_000 <= retired["until"] <= time.time() * 1000 + 30_000
    assert jwt.get_unverified_header(token_of(world, issuer, "root"))["kid"] == document["kid"]
    # The token of the retired key still counts.
    assert world.administrate(issuer, "POST", "/admin/keys", root, b"")[0] == 200
    assert world.administrate(issuer, "GET", "/admin/keys", root)[0] == 405
    assert world.administrate(issuer, "POST", "/admin/keys", root, b"[")[0] == 400


def test_keys_and_revocations_survive_a_kill(world: World, own_issuer: Callable[..., Process]) -> None:
    issuer = own_issuer()
    root, other = token_of(world, issuer, "root"), token_of(world, issuer, "root")
    rotated = world.administrate(issuer, "POST", "/admin/keys", root)[1]
    body = {"token": claims(other)["jti"]}
    assert world.administrate(issuer, "POST", "/admin/revocations", root, body)[0] == 200
    issuer.end(signal.SIGKILL)
    issuer = own_issuer()
    again = world.administrate(issuer, "POST", "/admin/keys", root)[1]
    assert [one["kid"] for one in again["retired"]] == [rotated["retired"][0]["kid"], rotated["kid"]]
    assert world.administrate(issuer, "POST", "/admin/keys", other)[0] == 401


def test_the_issuer_describes_what_it_can_do(world: World) -> None:
    discovery = world.get("/.well-known/openid-configuration")
    assert discovery["revocation_endpoint"] == world.url + "/revoke"
    assert "refresh_token" in discovery["grant_types_supported"]
    import urllib.request

    with urllib.request.urlopen(world.url + "/jwks.json", context=world.context) as answer:
        assert answer.headers["Cache-Control"] == "max-age=1"


def test_the_revocation_endpoint_is_that_of_the_standard(world: World) -> None:
    (alice,) = world.users(1)
    form = {"grant_type": "password", "username": alice, "password": PASSWORD, "scope": "offline_access"}
    _, granted, _ = world.post(form)
    refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}

    def ended(token: str) -> int:
        import urllib.error
        import urllib.parse
        import urllib.request

        request = urllib.request.Request(
            world.url + "/revoke", urllib.parse.urlencode({"token": token}).encode()
        )
        try:
            with urllib.request.urlopen(request, context=world.context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert ended("unknown") == 200
    assert ended(granted["access_token"]) == 400
    assert ended(granted["refresh_token"]) == 200
    status, document, _ = world.post(refresh)
    assert (status, document["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"user": 7}, 400), (b"nonsense", 400), (b"x" * 20_000, 400), ({"user": "user1"}, 403)],
)
def test_revocations_at_the_issuer_are_checked(world: World, body: Any, status: int) -> None:
    token = world.token("user0")
    assert world.administrate(world.issuer, "POST", "/admin/revocations", token, body)[0] == status


def test_a_key_that_the_issuer_begins_to_use_works_at_once_and_a_retired_one_ends(
    world: World, own_issuer: Callable[..., Process], tmp_path: Path
) -> None:
    from server_harness import log_in
    from test_administration import refused_login

    issuer = own_issuer("--grace", 2)
    url = issuer.ready["issuer"]
    arguments = [url if each == world.url else each for each in world.node_arguments(tmp_path / "data")]
    node = Process(*arguments)
    try:
        alice, bob = world.users(2)
        old = token_of(world, issuer, alice)
        stays = log_in(world, node, alice, "phone", token=old)
        root = token_of(world, issuer, "root")
        for round_ in range(3):
            answer = world.administrate(issuer, "POST", "/admin/keys", root)[1]
            fresh = token_of(world, issuer, bob)
            assert jwt.get_unverified_header(fresh)["kid"] == answer["kid"]
            log_in(world, node, bob, f"d{round_}", token=fresh)
            root = token_of(world, issuer, "root")
        assert not refused_login(world, node, old, "tablet")
        until = answer["retired"][0]["until"] / 1000
        while time.time() < until + 2:
            # A device that says nothing for long is taken for gone.
            assert stays.ask("sync", after=0, limit=1)["type"] == "page"
            time.sleep(0.05)
        assert refused_login(world, node, old, "tablet")
        assert stays.ask("sync", after=0, limit=1)["type"] == "page"
    finally:
        world.cut_all()
        node.end()
