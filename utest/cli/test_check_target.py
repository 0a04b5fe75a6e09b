"""`waybill targets` and `waybill targets check`: what a target is, whether it works, and what to expect of it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from test_commands import run

from waybill import bundled, cli
from waybill.commands import targets
from waybill.commands.expectations import (
    Expectations,
    lacking_administration,
    lacking_interposition,
    lacking_means,
)
from waybill.interposer import build
from waybill.interposer.build import NotInterposable
from waybill.readiness.catalogue import Guarantee, bundled_catalogue
from waybill.readiness.waivers import Waiver
from waybill.targets.find import AvailableTarget
from waybill.targets.target_file import parse_target

TODAY = datetime.date(2027, 3, 31)
REFERENCE = (bundled.folder("resources") / "targets" / "reference.toml").read_text(encoding="utf-8")
NODE = 'name = "node"\nrole = "node"'
VARIANT = """
[[variant]]
name = "boasts"
description = "It promises what it does not keep."
breaks = ["OFF-2"]
promises = { presence_bound = "1ms" }
"""


def guarantee(needs: tuple[str, ...] = (), means: tuple[str, ...] = ()) -> Guarantee:
    return Guarantee("ACK-1", "t", "f", "P0", "s", "a", reported=("x",), needs=needs, means=means)


def expected(what: Guarantee, **changes: object) -> str:
    known = {
        "capabilities": {"sender-ack"},
        "lacking_means": [],
        "scenarios": {"ACK-1"},
        "waivers": [],
        "today": TODAY,
    }
    return Expectations(**{**known, **changes}).of(what)  # type: ignore[arg-type]


def test_a_guarantee_is_to_be_proven_unless_something_is_in_the_way() -> None:
    waiver = Waiver("ACK-1", "it has none", "qa", TODAY)
    expired = Waiver("ACK-1", "it has none", "qa", TODAY - datetime.timedelta(days=1))
    assert expected(guarantee(("sender-ack",), ("kill",))) == "to be proven"
    assert expected(guarantee(("sync", "sender-ack", "cursor"))) == "lacks: sync, cursor"
    assert expected(guarantee((), ("kill",)), lacking_means=["kill"]) == "lacks: kill"
    assert expected(guarantee((), ("kill",)), lacking_means=["start"]) == "lacks: start"
    assert expected(guarantee((), ("kill",)), lacking_means=["pause", "stop"]) == "to be proven"
    assert expected(guarantee((), ("pause",)), lacking_means=["pause"]) == "lacks: pause"
    assert expected(guarantee((), ("rotate",)), lacking_means=["rotate_key"]) == "lacks: rotate_key"
    assert expected(guarantee((), ("revoke",)), lacking_means=["revoke_user"]) == "lacks: revoke_user"
    assert expected(guarantee((), ("revoke",)), lacking_means=["rotate_key"]) == "to be proven"
    assert expected(guarantee(("sync",)), scenarios={"ACK-2"}) == "no scenario yet"
    assert expected(guarantee(("sync",)), waivers=[waiver]) == "waived until 2027-03-31 by qa: it has none"
    assert expected(guarantee(), waivers=[expired]) == "to be proven (its waiver expired on 2027-03-30)"
    assert expected(guarantee(("sync",)), waivers=[expired]).startswith("lacks: sync (its waiver expired")


def test_the_means_of_a_running_target_are_its_commands() -> None:
    text = (
        'name = "x"\ndriver = "mqtt"\nusers.file = "a"\ntokens.method = "password"\n'
        'endpoints.eu.url = "mqtts://eu:1"\nendpoints.us.url = "mqtts://us:1"\n'
    )
    assert lacking_means(parse_target(text, Path("x.toml"))) == ["kill", "stop", "start", "pause"]
    eu = '[control.eu]\nkill = ["true"]\nstart = ["true"]\n'
    assert lacking_means(parse_target(text + eu, Path("x.toml"))) == ["stop", "pause"]
    assert lacking_means(parse_target(text + eu.replace("eu", "us"), Path("x.toml"))) == [
        "kill", "stop", "start", "pause",
    ]  # fmt: skip
    assert lacking_means(parse_target(REFERENCE, Path("reference.toml"))) == []


def test_disk_and_clock_of_a_running_target_are_out_of_reach() -> None:
    launched = parse_target(REFERENCE, Path("reference.toml"))
    assert lacking_interposition(launched) == []
    text = (
        'name = "x"\ndriver = "mqtt"\nusers.file = "a"\ntokens.method = "password"\n'
        'endpoints.eu.url = "mqtts://eu:1"\n'
    )
    assert lacking_interposition(parse_target(text, Path("x.toml"))) == ["disk", "clock"]


def test_a_machine_without_the_means_lacks_disk_and_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def library() -> Path:
        raise NotInterposable("there is no C compiler")

    monkeypatch.setattr(build, "library", library)
    assert lacking_interposition(parse_target(REFERENCE, Path("reference.toml"))) == ["disk", "clock"]


def test_what_a_target_file_does_not_tell_how_to_ask_for_is_no_means() -> None:
    text = (
        'name = "x"\ndriver = "waybill"\nusers.file = "a"\ntokens.method = "oauth2-password"\n'
        'tokens.issuer = "https://id:1"\nendpoints.eu.url = "wss://eu:1"\n'
    )
    rotate = '[administration.rotate_key]\ncommand = ["true"]\n'
    two = "".join(
        f'[administration.{name}]\ncommand = ["true"]\n' for name in ("revoke_token", "revoke_user")
    )
    last = '[administration.revoke_device]\ncommand = ["true"]\n'
    asked = {"revoke_token", "revoke_device", "revoke_user", "rotate_key"}
    assert set(lacking_administration(parse_target(text, Path("x.toml")))) >= asked
    some = lacking_administration(parse_target(text + rotate + two, Path("x.toml")))
    assert set(some) & asked == {"revoke_device"}
    assert not set(lacking_administration(parse_target(text + rotate + two + last, Path("x.toml")))) & asked
    assert lacking_administration(parse_target(REFERENCE, Path("reference.toml"))) == []
    assert expected(guarantee((), ("rotate",)), lacking_means=["revoke_user"]) == "to be proven"
    assert expected(guarantee((), ("kill", "revoke")), lacking_means=["revoke_user"]) == "lacks: revoke_user"


def test_a_target_that_works_is_described_with_what_to_expect(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text(REFERENCE + VARIANT)
    code, out, err = run(capsys, "targets", "check", f"{tmp_path / 'own.toml'}+boasts")
    assert (code, err) == (0, "")
    assert re.search(r"^target +reference\+boasts \(.*own\.toml\)$", out, re.MULTILINE)
    assert "breaks OFF-2: It promises what it does not keep." in out
    assert re.search(r"^  has .*sender-ack", out, re.MULTILINE)
    assert re.search(r"^  presence_bound = 1ms +The longest time after which presence", out, re.MULTILINE)
    assert re.search(r"^endpoint +node: wss://127\.\S+\n +a message got through in \d", out, re.MULTILINE)
    told = re.findall(r"^  ([A-Z]+-\d+) +(P\d) +(\S.*)$", out, re.MULTILINE)
    assert [(id_, priority) for id_, priority, _ in told] == [
        (one.id, one.priority) for one in bundled_catalogue().guarantees.values()
    ]
    assert ("DEL-1", "P0", "to be proven") in told


def test_a_target_that_does_not_start_is_one_and_shows_its_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert REFERENCE.count('"waybill_server", "node"') == 1
    wrong = REFERENCE.replace('"waybill_server", "node"', '"waybill_server", "node", "--no-such-option"')
    (tmp_path / "own.toml").write_text(wrong)
    code, out, _ = run(capsys, "targets", "check", tmp_path / "own.toml")
    assert code == 1
    assert "'node' did not become ready" in out
    assert "--no-such-option" in out
    assert "guarantees" not in out


def test_a_target_that_lets_no_message_through_is_one_and_shows_its_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "/v2" in REFERENCE
    (tmp_path / "own.toml").write_text(REFERENCE.replace("/v2", "/nowhere"))
    code, out, _ = run(capsys, "targets", "check", tmp_path / "own.toml")
    assert code == 1
    assert "No message got through node: " in out
    assert 'The end of node/output.log:\n    {"ready": true' in out
    assert "guarantees" not in out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\n', "own.toml: the key 'driver' is missing"),
        (
            REFERENCE + VARIANT.replace("OFF-2", "OFF-77"),
            "'boasts' breaks OFF-77, which the catalogue does not",
        ),
        (
            REFERENCE.replace('driver = "waybill"', 'driver = "pigeon"'),
            "no driver is called 'pigeon'; there are: ",
        ),
        (
            REFERENCE.replace('"{python}", "-m", "waybill_server", "node"', '"no-program"'),
            "needs no-program, which",
        ),
        (REFERENCE.replace('"--data", "{data}"', '"--data", "{dta}"'), "there is no placeholder {dta}"),
    ],
)
def test_a_file_that_cannot_be_used_is_three(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "own.toml").write_text(text)
    code, _, err = run(capsys, "targets", "check", tmp_path / "own.toml")
    assert code == 3
    assert says in err


def test_targets_are_listed_with_their_variants(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parse_target(REFERENCE + VARIANT, Path("reference.toml"))
    monkeypatch.setattr("waybill.targets.available_targets", lambda: [AvailableTarget(file)])
    assert targets.main(cli.parser().parse_args(["targets"])) == 0
    out = capsys.readouterr().out
    assert re.search(r"^ +\+boasts +breaks OFF-2: It promises what it does not keep\.$", out, re.MULTILINE)


def test_help_and_docs_tell_the_same_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    told = re.findall(r"^  (\d)    ", run(capsys, "targets", "check", "--help")[1], re.MULTILINE)
    docs = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    section = docs.partition("## waybill targets")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d) \|", section, re.MULTILINE) == told == ["0", "1", "3"]
