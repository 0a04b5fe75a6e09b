"""Variants: the base with its changes, and every mistake named where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_target_file import EXTERNAL, LAUNCHED

from waybill.readiness.catalogue import bundled_catalogue
from waybill.targets import TargetError, TargetFileError, find_target
from waybill.targets.find import available_targets
from waybill.targets.model import TargetFile
from waybill.targets.target_file import parse_target
from waybill.targets.variants import apply_variant

VARIANTS = """
[[variant]]
name = "no-port"
description = "It listens nowhere."
breaks = ["ack-1", "DUP-1"]
promises = { members = 3 }
unwaive = ["DUP-1"]

[[variant.edit]]
file = "node/server.conf"
replace = "key = {port}\\n"
with = ""

[[variant.edit]]
file = "node/server.conf"
replace = "[section]"
with = "[section]\\nother = 1"

[[variant]]
name = "boasts"
description = "It claims more than it does."
breaks = ["GRP-1"]
promises.presence_bound = "10ms"

[[variant]]
name = "third"
description = "One edit."
breaks = ["ACK-1"]

[[variant.edit]]
file = "node/server.conf"
replace = "section"
with = "no section"
"""


def parse(text: str) -> TargetFile:
    return parse_target(text, Path("mine.toml"))


def test_a_variant_is_the_base_with_its_changes() -> None:
    base = parse(LAUNCHED + VARIANTS)
    assert base.variant is None
    assert [variant.name for variant in base.variants] == ["no-port", "boasts", "third"]
    variant = apply_variant(base, "no-port")
    assert variant.name == "mine+no-port"
    assert variant.variant is base.variants[0]
    assert variant.variant.breaks == ("ACK-1", "DUP-1")
    assert variant.launch is not None
    assert base.launch is not None
    assert variant.launch.files[0].text == "[section]\nother = 1\n"
    assert base.launch.files[0].text == "[section]\nkey = {port}\n"
    assert variant.promises == {"presence_bound": "3s", "members": 3}
    assert variant.waivers == ()
    assert (variant.driver, variant.users, variant.endpoints) == (base.driver, base.users, base.endpoints)


def test_what_a_variant_does_not_change_stays() -> None:
    base = parse(LAUNCHED + VARIANTS)
    variant = apply_variant(base, "boasts")
    assert variant.launch == base.launch
    assert variant.waivers == base.waivers
    assert variant.promises == {"presence_bound": "10ms", "members": 10}


def test_variants_are_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "with+plus"
    folder.mkdir()
    (folder / "own.toml").write_text(LAUNCHED + VARIANTS)
    (folder / "own+more.toml").write_text(LAUNCHED)
    monkeypatch.chdir(folder)
    assert find_target(str(folder / "own.toml")).name == "mine"
    for text in ("own.toml+no-port", "./own.toml+no-port", str(folder / "own.toml+no-port")):
        assert find_target(text).name == "mine+no-port"
    assert find_target("own+more.toml").variant is None
    with pytest.raises(
        TargetError,
        match=r"'mine' has no variant 'no-prt', did you mean 'no-port'\? Variants: no-port, boasts, third",
    ):
        find_target("own.toml+no-prt")
    with pytest.raises(TargetError, match=r"has no variant ''. Variants: "):
        find_target("own.toml+")
    with pytest.raises(TargetError, match=r"has no variant 'x'. It has no variants"):
        find_target("own+more.toml+x")
    with pytest.raises(TargetError, match="no target 'mosquito', did you mean 'mosquitto'"):
        find_target("mosquito+persistence-off")


MISTAKES = {
    "no breaks": ('breaks = ["ack-1", "DUP-1"]\n', "", "variant[1]", "the key 'breaks' is missing"),
    "empty breaks": ('["ack-1", "DUP-1"]', "[]", "variant[1].breaks", "the guarantees that must turn BROKEN"),
    "no id": ('"ack-1"', '"acks"', "variant[1].breaks", "such as 'ACK-1', found 'ACKS'"),
    "breaks what is waived": (
        'unwaive = ["DUP-1"]',
        "",
        "variant[1].breaks",
        "DUP-1 is waived by the base, so it can never turn BROKEN. Add it to 'unwaive'",
    ),
    "unwaives what is not waived": (
        'unwaive = ["DUP-1"]',
        'unwaive = ["DUP-2"]',
        "variant[1].unwaive",
        "DUP-2 is not waived by the base, did you mean 'DUP-1'",
    ),
    "no description": ('description = "It listens nowhere."', "", "variant[1]", "'description' is missing"),
    "same name": ('"boasts"', '"no-port"', "variant[2].name", "there are two variants 'no-port'"),
    "bad name": ('"boasts"', '"boasts+"', "variant[2].name", "A-Z a-z 0-9"),
    "changes nothing": ('promises.presence_bound = "10ms"', "", "variant[2]", "it changes nothing"),
    "unknown promise": ("{ members", "{ membrs", "variant[1].promises.membrs", "did you mean 'members'"),
    "unknown file": (
        '"node/server.conf"\nreplace = "section"',
        '"server.conf"\nreplace = "section"',
        "variant[3].edit[1].file",
        "no .*'server.conf', did you mean 'node/server.conf'",
    ),
    "not there": (
        "key = {port}\\n",
        "key = {prot}\\n",
        "variant[1].edit[1].replace",
        "'key = {prot}' does not occur in node/server.conf .*most like it: 'key = {port}'",
    ),
    "there twice": (
        'replace = "section"',
        'replace = "e"',
        "variant[3].edit[1].replace",
        "'e' occurs 2 times in node/server.conf .its lines 1, 2.; expected once",
    ),
    "gone by an earlier edit": (
        'replace = "[section]"',
        'replace = "{port}"',
        "variant[1].edit[2].replace",
        "does not occur",
    ),
    "nothing to replace": ('replace = "section"', 'replace = ""', "variant[3].edit[1].replace", "empty text"),
    "same text": ('"no section"', '"section"', "variant[3].edit[1].with", "changes nothing"),
    "no replacement": ('with = "no section"\n', "", "variant[3].edit[1]", "the key 'with' is missing"),
    "unknown key": ('with = "no section"', 'wth = "x"\nwith = "y"', "variant[3].edit[1].wth", "no such key"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_when_the_base_is_read(mistake: str) -> None:
    old, new, key, message = MISTAKES[mistake]
    assert VARIANTS.count(old) == 1, "the example and this test have drifted apart"
    text = LAUNCHED + VARIANTS.replace(old, new)
    with pytest.raises(TargetFileError, match=message) as refused:
        parse(text)
    assert refused.value.key == key
    shown = text.splitlines()[refused.value.line - 1]
    assert key.rpartition(".")[2].partition("[")[0] in shown, f"line {refused.value.line} is {shown!r}"


def test_a_running_target_has_no_files_to_edit() -> None:
    text = EXTERNAL + VARIANTS.replace('unwaive = ["DUP-1"]', "")
    with pytest.raises(TargetFileError, match="The target launches no files"):
        parse(text)


def test_the_variants_in_the_box_break_guarantees_of_the_catalogue() -> None:
    known = bundled_catalogue().guarantees
    for target in available_targets():
        for variant in target.file.variants:
            assert set(variant.breaks) <= set(known), f"{target.file.name}+{variant.name}"
