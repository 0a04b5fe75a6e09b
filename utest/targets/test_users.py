"""Accounts of launched servers that keep their own: made by a request or taken over by a program."""

from __future__ import annotations

import json
import os
import textwrap
import threading
from pathlib import Path

import pytest
from test_launch import SERVER
from test_target_file import EXTERNAL, LAUNCHED

from waybill.targets import (
    Account,
    LaunchError,
    PoolExhausted,
    RunningTarget,
    TargetError,
    TargetFileError,
    launch,
)
from waybill.targets.model import TargetFile
from waybill.targets.programs import program
from waybill.targets.target_file import parse_target
from waybill.tls.authority import Authority

REGISTRATION = Path(__file__).with_name("registration.py")


def target(users: str, url: str = "https://{address}:{node.port}/register/{user}") -> TargetFile:
    text = f"""
        name = "small"
        driver = "mqtt"
        [launch]
        start_deadline = "5s"
        [[launch.process]]
        name = "node"
        ready = "json-line"
        command = ["{{python}}", "{REGISTRATION}", "{{address}}", "{{port}}", "{{certificate_bundle}}", "{{data}}",
                   "{{secret.api}}"]
        [endpoints.node]
        url = "mqtts://{{address}}:{{port}}"
        [tokens]
        method = "password"
        [users]
        pool = 6
        {users}
    """
    return parse_target(textwrap.dedent(text).replace("URL", url), Path("small.toml"))


REQUEST = """
[users.request]
url = "URL"
body = '{"user": "{user}", "password": "{password}", "literal": "{{user}}"}'
headers = { Authorization = "Bearer {secret.api}" }
"""


def asked(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "node" / "data" / "asked").read_text().splitlines()]


def test_an_account_is_made_at_the_server_when_it_is_handed_out(tmp_path: Path) -> None:
    with launch(target(REQUEST), tmp_path) as running:
        assert not (tmp_path / "node" / "data" / "asked").exists()
        accounts = [running.account(), running.account()]
        assert asked(tmp_path) == [
            {
                "path": f"/register/{account.user}",
                "body": {"user": account.user, "password": account.password, "literal": "{user}"},
                "allowed": True,
            }
            for account in accounts
        ]
        running.kill()
        running.start()
        assert len(asked(tmp_path)) == 2


def test_accounts_can_be_asked_for_from_many_threads(tmp_path: Path) -> None:
    with launch(target(REQUEST), tmp_path) as running:
        accounts: list[Account] = []
        threads = [threading.Thread(target=lambda: accounts.append(running.account())) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({account.user for account in accounts}) == len(asked(tmp_path)) == 6


def test_a_refusal_is_shown_without_the_password(tmp_path: Path) -> None:
    refused = REQUEST.replace("Bearer", "Basic")
    with launch(target(refused), tmp_path) as running:
        with pytest.raises(
            TargetError,
            match=r"account 'user-001' could not be made .* POST https://127\S+/register/user-001 gave status 503 "
            r".expected 200, 201, 204. and the answer 'no, .*\(password\).*small.toml: users.request",
        ) as failed:
            running.account()
        secret = asked(tmp_path)[0]["body"]["password"]  # type: ignore[index]
        assert secret not in str(failed.value)
        running.kill()
        with pytest.raises(TargetError, match=r"'user-002' could not be made .*no answer: .*refused"):
            running.account()


def test_a_status_that_the_file_accepts_is_no_refusal(tmp_path: Path) -> None:
    with launch(target(REQUEST.replace("Bearer", "Basic") + "accept = [503]"), tmp_path) as running:
        assert running.account().user == "user-001"


def test_a_server_with_another_certificate_is_given_no_password(tmp_path: Path) -> None:
    with (
        launch(target(REQUEST), tmp_path / "other") as other,
        launch(target(REQUEST, other.endpoint().url.replace("mqtts", "https")), tmp_path / "one") as one,
    ):
        with pytest.raises(TargetError, match=r"no answer: .*certificate verify failed"):
            one.account()
        assert not (tmp_path / "other" / "node" / "data" / "asked").exists()


BROKER = """
name = "mosquitto-with-requests"
driver = "mqtt"
[launch]
start_deadline = "DEADLINE"
[[launch.process]]
name = "registration"
role = "helper"
ready = "json-line"
command = ["{python}", "REGISTRATION", "{address}", "{port}", "{certificate_bundle}", "{data}", "{secret.api}"]
[[launch.process]]
name = "broker"
ready = "round-trip"
after = ["registration"]
command = ["mosquitto", "-c", "{own_folder}/mosquitto.conf"]
[[launch.file]]
path = "broker/mosquitto.conf"
text = '''
user root
password_file {users}
listener {port} {address}
cafile {authority}
certfile {certificate}
keyfile {key}
'''
[[launch.file]]
path = "registration/data/refusals-left"
text = "REFUSALS"
[endpoints.broker]
url = "mqtts://{address}:{port}"
[tokens]
method = "password"
[users]
file = "broker/passwords"
format = "plain"
command = ["mosquitto_passwd", "-U", "{own_folder}/passwords"]
[users.request]
url = "https://{address}:{registration.port}/"
body = '{"user": "{user}", "password": "{password}"}'
headers = { Authorization = "Bearer {secret.api}" }
"""


def broker(refusals: str = "0", deadline: str = "10s", **changes: str) -> TargetFile:
    text = BROKER.replace("REGISTRATION", str(REGISTRATION)).replace("REFUSALS", refusals)
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_target(text.replace("DEADLINE", deadline), Path("broker.toml"))


@pytest.fixture
def needs_mosquitto() -> None:
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")


def registered(folder: Path) -> list[object]:
    lines = (folder / "registration" / "data" / "asked").read_text().splitlines()
    return [json.loads(line)["body"]["user"] for line in lines]


@pytest.mark.usefixtures("needs_mosquitto")
def test_the_probes_are_made_before_the_first_round_trip_and_never_again(tmp_path: Path) -> None:
    with launch(broker(refusals="3"), tmp_path) as running:
        # The first of them was refused three times: the server was not ready yet.
        assert registered(tmp_path) == [*["user-159"] * 4, "user-160"]
        running.kill()
        running.start()
        assert registered(tmp_path)[5:] == []
        assert running.account().user == "user-001"
        assert registered(tmp_path)[5:] == ["user-001"]
        assert ":$7$" in (tmp_path / "broker" / "passwords").read_text()


@pytest.mark.usefixtures("needs_mosquitto")
def test_a_server_that_never_makes_the_probes_never_gets_ready(tmp_path: Path) -> None:
    with pytest.raises(
        LaunchError, match=r"still missing a message that gets through: The account 'user-159'"
    ):
        launch(broker(refusals="100000", deadline="1500ms"), tmp_path)


@pytest.mark.usefixtures("needs_mosquitto")
def test_a_program_that_does_not_take_the_accounts_over_ends_the_launch(tmp_path: Path) -> None:
    wrong = {'"{own_folder}/passwords"]': '"{own_folder}/no-such-file"]'}
    with pytest.raises(
        LaunchError, match=r"broker.toml: users.command: it ended with status [1-9](.|\n)*no-such-file"
    ):
        launch(broker(**wrong), tmp_path)
    with pytest.raises(LaunchError, match="the program 'no-such-program' is not installed"):
        launch(broker(**{'"mosquitto_passwd"': '"no-such-program"'}), tmp_path / "missing")
    slow = {'["mosquitto_passwd", "-U", "{own_folder}/passwords"]': '["sleep", "60"]'}
    with pytest.raises(LaunchError, match=r"users.command: it still runs after 0.2 s"):
        launch(broker(deadline="200ms", **slow), tmp_path / "slow")


def test_a_secret_is_the_same_for_the_whole_launch_and_another_one_at_the_next(tmp_path: Path) -> None:
    more = """
        command = ["{{python}}", "SERVER", "{{address}}", "{{port}}", "{{data}}"]
        [launch.process.environment]
        COOKIE = "{{secret.cookie}}"
        [[launch.file]]
        path = "node/conf"
        text = "{{secret.cookie}} {{secret.other}}"
    """
    text = LAUNCHED[: LAUNCHED.index("[[launch.process]]")] + textwrap.dedent(
        """
        [[launch.process]]
        name = "node"
        ready = "json-line"
        """
    )
    text += textwrap.dedent(more).replace("SERVER", str(SERVER)).replace("{{", "{").replace("}}", "}")
    text += '[endpoints.node]\nurl = "wss://{address}:{port}/{secret.cookie}"\n'
    text += '[users]\nfile = "u"\nformat = "plain"\n[tokens]\nmethod = "password"\n'
    file = parse_target(text, Path("mine.toml"))

    def secrets(running: RunningTarget) -> tuple[str, str]:
        cookie, other = (running.folder / "node" / "conf").read_text().split()
        environment = Path(f"/proc/{running.pid()}/environ").read_bytes().split(b"\0")
        assert f"COOKIE={cookie}".encode() in environment
        assert running.endpoint().url.endswith(f"/{cookie}")
        return cookie, other

    with launch(file, tmp_path / "one") as one, launch(file, tmp_path / "two") as two:
        assert len({*secrets(one), *secrets(two)}) == 4
        assert all(len(secret) == 40 for secret in secrets(one))


MISTAKES = {
    'url = "URL"': ('url = "ftp://x"', "users.request.url", "expected http:// or https://"),
    "[users.request]": ('[users.request]\nmethod = "post it"', "users.request.method", "an HTTP method"),
    "headers = {": ('accept = ["ok"]\nheaders = {', "users.request.accept", "whole numbers from 100 to 599"),
    "body =": ("bdy =", "users.request.bdy", "did you mean 'body'"),
    'Authorization = "Bearer {secret.api}"': ("A = 1", "users.request.headers.A", "expected a text, found 1"),
}


@pytest.mark.parametrize("old", MISTAKES)
def test_a_mistake_in_a_request_is_named(old: str) -> None:
    new, key, message = MISTAKES[old]
    with pytest.raises(TargetFileError, match=message) as refused:
        target(REQUEST.replace(old, new))
    assert refused.value.key == key


def test_a_request_that_names_no_account_is_refused() -> None:
    with pytest.raises(TargetFileError, match=r"users.request: it names no account"):
        target('[users.request]\nurl = "https://x/"\n')


def test_an_unknown_placeholder_of_a_request_ends_the_launch(tmp_path: Path) -> None:
    with pytest.raises(
        TargetError, match=r"small.toml: users.request.url: there is no placeholder \{usr\}.*'user'"
    ):
        launch(target(REQUEST, "https://{usr}/{user}"), tmp_path)


def test_without_a_request_a_file_and_its_format_are_needed() -> None:
    with pytest.raises(TargetFileError, match="users: the key 'file' is missing"):
        target("")
    with pytest.raises(TargetFileError, match="users: the key 'format' is missing"):
        target('file = "x"\n' + REQUEST)
    with pytest.raises(TargetFileError, match=r"users.request: accounts are made for a launched target only"):
        parse_target(EXTERNAL.replace("[tokens]", REQUEST + "[tokens]"), Path("theirs.toml"))


# Accounts that may do more.

ROLES = "\n[users.roles]\nmoderator = 1\nadmin = 2\n"


def test_accounts_with_a_role_are_made_besides_the_pool_and_told_to_the_server(tmp_path: Path) -> None:
    told = 'file = "node/accounts"\nformat = "jsonl-sha256"\n' + ROLES
    with launch(target(told), tmp_path) as running:
        assert running.roles == {"moderator", "admin"}
        staff = [running.account("admin"), running.account(role="moderator"), running.account("admin")]
        assert [account.role for account in staff] == ["admin", "moderator", "admin"]
        assert running.account().role == ""
        with pytest.raises(
            PoolExhausted, match=r"All 2 accounts with the role admin of small .*\[users.roles.admin\]"
        ):
            running.account("admin")
        with pytest.raises(PoolExhausted, match="All 0 accounts with the role king"):
            running.account("king")
    lines = [json.loads(line) for line in (tmp_path / "node" / "accounts").read_text().splitlines()]
    assert len(lines) == 6 + 3
    roles = {line["user"]: line["roles"] for line in lines if "roles" in line}
    assert roles == {account.user: [account.role] for account in staff}


def test_a_running_server_lists_them_in_files(tmp_path: Path) -> None:
    (tmp_path / "accounts.txt").write_text("alice:a\n")
    (tmp_path / "admins.txt").write_text("root:secret\n")
    (tmp_path / "ca.pem").write_text(Authority(tmp_path / "tls").certificate.read_text())
    text = EXTERNAL.replace('file = "accounts.txt"\n', 'file = "accounts.txt"\nroles.admin = "admins.txt"\n')
    with launch(parse_target(text, tmp_path / "theirs.toml"), tmp_path / "run") as running:
        assert running.roles == {"admin"}
        admin = running.account("admin")
        assert (admin.user, admin.password, admin.role) == ("root", "secret", "admin")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[users.roles]\nking = 1", "there is no such key"),
        ("[users.roles]\nadmin = 0", "expected a whole number from 1 to 1000"),
        ('[users.roles]\nadmin = "admins.txt"', "expected a whole number"),
    ],
)
def test_a_role_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(TargetFileError, match=said):
        target('file = "node/accounts"\nformat = "jsonl-sha256"\n' + text)


def test_a_format_that_has_no_roles_is_refused() -> None:
    with pytest.raises(TargetFileError, match="only the format 'jsonl-sha256' tells the server"):
        target('file = "node/accounts"\nformat = "plain"\n' + ROLES)
