"""docs/targets.md: its examples are read, and its tables have every key that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from waybill.targets.administration_file import OPERATIONS
from waybill.targets.control import COMMANDS
from waybill.targets.promises import PARAMETERS
from waybill.targets.target_file import READY, ROLES, parse_target
from waybill.targets.token_sources import METHODS
from waybill.targets.users import FORMATS

DOCS = Path(__file__).parents[2] / "docs" / "targets.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_a_valid_target_file(number: int) -> None:
    parse_target(EXAMPLES[number], DOCS)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


def test_every_word_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    words = (*PARAMETERS, *READY, *ROLES, *FORMATS, *METHODS, *OPERATIONS)
    missing = [word for word in words if f"`{word}`" not in text]
    assert missing == []


def test_every_key_is_documented() -> None:
    """The readers ask for keys by name; each must stand in a table."""
    folder = DOCS.parents[1] / "libraries" / "waybill" / "targets"
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    asked = r"\.(?:text|name|choice|number|numbers|seconds|texts|named_texts|date|value)\(\s*\"(\w+)\""
    keys = set(re.findall(asked, source)) | {"breaks", "unwaive", *COMMANDS}
    text = DOCS.read_text(encoding="utf-8")
    assert len(keys) > 20
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
