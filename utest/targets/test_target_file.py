"""Target files: what is read, and that every mistake is named with its line, its key and the remedy."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from waybill.targets import TargetError, TargetFileError, find_target, read_target
from waybill.targets.find import availability, available_targets
from waybill.targets.model import TargetFile
from waybill.targets.target_file import parse_target

LAUNCHED = """\
name = "mine"
driver = "waybill"
description = "Mine."

[launch]
start_deadline = "3s"
install = "apt-get install mine"

[[launch.process]]
name = "issuer"
role = "issuer"
ready = "json-line"
command = ["{python}", "issuer.py"]

[[launch.process]]
name = "node"
ready = "round-trip"
ports = ["main", "admin"]
after = ["issuer"]
command = [
    "server",
    "--port", "{port}",
]

[launch.process.environment]
HOME = "{own_folder}"

[[launch.file]]
path = "node/server.conf"
mode = "640"
text = \"\"\"
[section]
key = {port}
\"\"\"

[endpoints.node]
url = "wss://{address}:{port}/v2"

[users]
pool = 5
format = "jsonl-sha256"
file = "users.jsonl"

[tokens]
method = "oauth2-password"
issuer = "https://{issuer.address}:{issuer.port}"

[promises]
presence_bound = "3s"
members = 10

[[waiver]]
guarantee = "DUP-1"
reason = "It has no keys."
owner = "qa"
expires = 2030-01-31
"""

EXTERNAL = """\
name = "theirs"
driver = "mqtt"

[endpoints.eu]
url = "mqtts://broker.example:8883"
authority = "ca.pem"

[endpoints.us]
url = "mqtts://us.broker.example:8883"

[users]
file = "accounts.txt"

[tokens]
method = "password"
"""


def parse(text: str) -> TargetFile:
    return parse_target(text, Path("mine.toml"))


def test_a_launched_target_is_read_whole() -> None:
    target = parse(LAUNCHED)
    assert (target.name, target.driver, target.description) == ("mine", "waybill", "Mine.")
    assert target.launch is not None
    issuer, node = target.launch.processes
    assert (issuer.role, issuer.ready, issuer.ports, issuer.after) == ("issuer", "json-line", ("main",), ())
    assert (node.role, node.ready, node.ports, node.after) == (
        "node",
        "round-trip",
        ("main", "admin"),
        ("issuer",),
    )
    assert node.command == ("server", "--port", "{port}")
    assert node.environment == {"HOME": "{own_folder}"}
    assert (target.launch.start_deadline, target.launch.stop_deadline) == (3.0, 10.0)
    file = target.launch.files[0]
    assert (file.path, file.mode, file.text) == ("node/server.conf", 0o640, "[section]\nkey = {port}\n")
    assert (target.users.pool, target.users.format, target.users.file) == (5, "jsonl-sha256", "users.jsonl")
    assert target.tokens.issuer == "https://{issuer.address}:{issuer.port}"
    assert target.promises == {"presence_bound": "3s", "members": 10}
    waiver = target.waivers[0]
    assert (waiver.guarantee, waiver.reason, waiver.owner) == ("DUP-1", "It has no keys.", "qa")


def test_a_running_target_is_the_same_file_less_the_launch_section() -> None:
    target = parse(EXTERNAL)
    assert target.launch is None
    assert [endpoint.node for endpoint in target.endpoints] == ["eu", "us"]
    assert target.endpoints[0].authority == "ca.pem"
    assert target.tokens.method == "password"


def test_a_waiver_counts_until_its_last_day_and_an_expired_one_is_still_read() -> None:
    waiver = parse(LAUNCHED.replace("2030-01-31", "2020-01-31")).waivers[0]
    assert not waiver.expired(datetime.date(2020, 1, 31))
    assert waiver.expired(datetime.date(2020, 2, 1))


MISTAKES = {
    "no TOML": ('name = "mine"', 'name = "mine', True, "", "this is not valid TOML: Illegal character"),
    "unknown key": (
        'ready = "round-trip"',
        'redy = "round-trip"',
        True,
        "launch.process[2]",
        "'ready' is missing",
    ),
    "misspelt key": (
        'after = ["issuer"]',
        'aftr = ["issuer"]',
        True,
        "launch.process[2].aftr",
        "did you mean 'after'?",
    ),
    "unknown table": ("[promises]", "[promisses]", True, "promisses", "did you mean 'promises'?"),
    "missing name": (
        'name = "mine"\n',
        "",
        False,
        "",
        "the key 'name' is missing; expected the target's name",
    ),
    "wrong kind": (
        'driver = "waybill"',
        "driver = 7",
        True,
        "driver",
        "expected the name of a driver, .*found 7",
    ),
    "empty text": ('driver = "waybill"', 'driver = " "', True, "driver", "found an empty text"),
    "bad name": ('name = "mine"', 'name = "my server"', True, "name", "A-Z a-z 0-9 . _ -.*found 'my server'"),
    "no duration": (
        '"3s"\ninstall',
        '"3 secs"\ninstall',
        True,
        "launch.start_deadline",
        "such as \"3s\".*'3 secs'",
    ),
    "unknown role": (
        'role = "issuer"',
        'role = "isuer"',
        True,
        "launch.process[1].role",
        "did you mean 'issuer'?",
    ),
    "command as text": (
        '["{python}", "issuer.py"]',
        '"issuer.py"',
        True,
        "launch.process[1].command",
        "expected a list",
    ),
    "empty command": (
        '["{python}", "issuer.py"]',
        "[]",
        True,
        "launch.process[1].command",
        "a list of the program",
    ),
    "same name twice": (
        'name = "node"',
        'name = "issuer"',
        True,
        "launch.process[2].name",
        "two processes 'issuer'",
    ),
    "after nobody": ('["issuer"]', '["isuer"]', True, "launch.process[2].after", "did you mean 'issuer'?"),
    "round trip of no node": (
        'role = "issuer"\nready = "json-line"',
        'role = "issuer"\nready = "round-trip"',
        True,
        "launch.process[1].ready",
        "a round trip needs a node",
    ),
    "node that is only started": (
        'ready = "round-trip"',
        'ready = "started"',
        True,
        "launch.process[2].ready",
        "'started' is for helpers only, and 'node' has the role 'node'",
    ),
    "node whose port is open": (
        'ready = "round-trip"',
        'ready = "port"',
        True,
        "launch.process[2].ready",
        "'port' is for helpers only",
    ),
    "machine port name": (
        'ports = ["main", "admin"]',
        'machine_ports = ["Admin"]',
        True,
        "launch.process[2].machine_ports",
        "expected port names of a-z",
    ),
    "same port twice": (
        'ports = ["main", "admin"]',
        'machine_ports = ["main"]',
        True,
        "launch.process[2].machine_ports",
        "the name 'main' is in 'ports' as well",
    ),
    "same file twice": (
        "[endpoints.node]",
        '[[launch.file]]\npath = "node/server.conf"\n[endpoints.node]',
        True,
        "launch.file[2].path",
        "there are two files 'node/server.conf'",
    ),
    "port name": ('"admin"]', '"Admin port"]', True, "launch.process[2].ports", "expected port names of a-z"),
    "environment": (
        'HOME = "{own_folder}"',
        "HOME = 1",
        True,
        "launch.process[2].environment.HOME",
        "expected a text, found 1",
    ),
    "file outside": (
        '"node/server.conf"',
        '"../x"',
        True,
        "launch.file[1].path",
        "inside the target's folder",
    ),
    "file mode": ('"640"', '"rw"', True, "launch.file[1].mode", "three octal digits"),
    "endpoint of nobody": (
        "[endpoints.node]",
        "[endpoints.nod]",
        True,
        "endpoints.nod",
        "did you mean 'node'?",
    ),
    "endpoint url": (
        '"wss://{address}:{port}/v2"',
        '"somewhere"',
        True,
        "endpoints.node.url",
        "scheme://host:port",
    ),
    "endpoint no table": (
        "[endpoints.node]\nurl =",
        "[endpoints]\nnode =",
        True,
        "endpoints.node",
        "expected a table",
    ),
    "pool": ("pool = 5", "pool = 0", True, "users.pool", "a whole number from 2 to 100000, found 0"),
    "pool flag": ("pool = 5", "pool = true", True, "users.pool", "a whole number .*found true"),
    "user format": ('"jsonl-sha256"', '"jsonl"', True, "users.format", "did you mean 'jsonl-sha256'?"),
    "token method": (
        '"oauth2-password"',
        '"oauth2"',
        True,
        "tokens.method",
        "did you mean 'oauth2-password'?",
    ),
    "issuer plain": (
        '"https://{issuer',
        '"http://{issuer',
        True,
        "tokens.issuer",
        "expected an https:// address",
    ),
    "unknown promise": (
        "presence_bound",
        "presence_bond",
        True,
        "promises.presence_bond",
        "mean 'presence_bound'?",
    ),
    "promise kind": (
        "members = 10",
        'members = "ten"',
        True,
        "promises.members",
        "expected a whole number, 0 or more",
    ),
    "promise duration": (
        'presence_bound = "3s"',
        "presence_bound = 3",
        True,
        "promises.presence_bound",
        "a duration",
    ),
    "promise word": (
        "members = 10",
        'dedup = "yes"',
        True,
        "promises.dedup",
        "one of 'durable', 'memory', 'none'",
    ),
    "promise flag": ("members = 10", "own_devices = 1", True, "promises.own_devices", "true or false"),
    "waiver without reason": ('reason = "It has no keys."\n', "", True, "waiver[1]", "'reason' is missing"),
    "waiver with empty owner": (
        'owner = "qa"',
        'owner = ""',
        True,
        "waiver[1].owner",
        "who answers for the waiver",
    ),
    "waiver without date": ("expires = 2030-01-31\n", "", True, "waiver[1]", "'expires' is missing"),
    "waiver date as text": (
        "2030-01-31",
        '"2030-01-31"',
        True,
        "waiver[1].expires",
        "2027-03-31 without quotes",
    ),
    "waiver of nothing": (
        '"DUP-1"',
        '"duplicates"',
        True,
        "waiver[1].guarantee",
        "such as 'DUP-1', found 'DUPLICATES'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_its_key_and_the_remedy(mistake: str) -> None:
    old, new, has_line, key, message = MISTAKES[mistake]
    assert LAUNCHED.count(old) >= 1, "the example and this test have drifted apart"
    with pytest.raises(TargetFileError, match=message) as refused:
        parse(LAUNCHED.replace(old, new, 1))
    assert refused.value.key == key
    assert bool(refused.value.line) is has_line, str(refused.value)
    if has_line:
        shown = LAUNCHED.replace(old, new, 1).splitlines()[refused.value.line - 1]
        assert str(refused.value).startswith(f"mine.toml, line {refused.value.line}: ")
        expected = key.rpartition(".")[2].partition("[")[0]
        assert expected in shown, f"line {refused.value.line} is {shown!r}"


def test_without_a_node_or_any_process_there_is_nothing_to_connect_to() -> None:
    with pytest.raises(TargetFileError, match='no process has role = "node"'):
        parse(
            LAUNCHED.replace('name = "node"\n', 'name = "node"\nrole = "helper"\n').replace(
                "round-trip", "json-line"
            )
        )
    with pytest.raises(TargetFileError, match=r"no \[\[launch.process\]\]"):
        parse('name = "x"\ndriver = "mqtt"\n[launch]\n')


def test_every_node_needs_an_endpoint_and_every_target_one() -> None:
    with pytest.raises(TargetFileError, match=r"the node 'node' has no endpoint; add \[endpoints.node\]"):
        parse(LAUNCHED.replace('name = "issuer"\nrole = "issuer"', 'name = "other"').replace("issuer", "other")
              .replace("[endpoints.node]", "[endpoints.other]"))  # fmt: skip
    with pytest.raises(TargetFileError, match="no endpoint is given"):
        parse('name = "x"\ndriver = "mqtt"\n')


def test_a_pool_is_made_for_launched_targets_only() -> None:
    with pytest.raises(TargetFileError, match=r"users.pool: accounts are made for a launched target only"):
        parse(EXTERNAL.replace('file = "accounts.txt"', 'file = "accounts.txt"\npool = 3'))


def test_a_guarantee_is_waived_once() -> None:
    waiver = LAUNCHED[LAUNCHED.index("[[waiver]]") :]
    with pytest.raises(TargetFileError, match="DUP-1 is waived twice") as refused:
        parse(LAUNCHED + "\n" + waiver)
    assert refused.value.key == "waiver[2].guarantee"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match="cannot be read"):
        read_target(tmp_path / "none.toml")


def test_targets_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    assert find_target("reference").driver == "waybill"
    path = tmp_path / "own.toml"
    path.write_text(EXTERNAL)
    assert find_target(path).name == "theirs"
    assert find_target(str(path)).path == path


def test_an_unknown_target_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"no target 'mosquito', did you mean 'mosquitto'\?.*reference"):
        find_target("mosquito")
    with pytest.raises(TargetError, match="There is no target file"):
        find_target(tmp_path / "none.toml")


def test_what_a_target_needs_is_listed_with_the_command_that_installs_it() -> None:
    found = {target.file.name: target for target in available_targets()}
    assert {"reference", "mosquitto"} <= set(found)
    assert found["reference"].installed
    assert found["mosquitto"].install == "sudo apt-get install -y mosquitto"
    missing = availability(parse(LAUNCHED.replace('"server"', '"no-such-server"')))
    assert (missing.installed, missing.missing, missing.install) == (
        False, ("no-such-server",), "apt-get install mine",
    )  # fmt: skip
    assert availability(parse(EXTERNAL)).installed


def test_all_targets_in_the_box_have_valid_waivers_and_placeholders() -> None:
    for target in available_targets():
        for waiver in target.file.waivers:
            assert not waiver.expired(datetime.date.today()), f"{target.file.name}: {waiver}"
