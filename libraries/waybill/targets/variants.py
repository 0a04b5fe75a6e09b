"""Variants of a target: the same server in a configuration of which it is known which guarantees it breaks.

A variant is told in the file of its base, as changes to it. All variants are read and applied when the base
is read, so that one that no longer fits is noticed at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import Final

from waybill.targets.errors import TargetError
from waybill.targets.model import Edit, TargetFile, Variant
from waybill.targets.promises import read_promises
from waybill.targets.toml_table import Table, nearest

GUARANTEE: Final = re.compile(r"[A-Z]{2,4}-\d+")
"""What the id of a guarantee looks like."""

SIGN: Final = "+"
"""What stands between the name of a target and that of its variant."""


def read_variants(root: Table, base: TargetFile) -> tuple[Variant, ...]:
    """All variants of a file, each of which was applied to the base.

    Raises:
        TargetFileError: One says something that is not allowed, or does not fit its base.
    """
    variants: dict[str, Variant] = {}
    for entry in root.tables("variant"):
        variant = _variant(entry, base)
        if variant.name in variants:
            raise entry.error(
                "name", f"there are two variants '{variant.name}'; every one needs its own name."
            )
        variants[variant.name] = variant
    return tuple(variants.values())


def apply_variant(base: TargetFile, name: str) -> TargetFile:
    """The target of a variant.

    Raises:
        TargetError: There is no such variant; the message lists those that there are.
    """
    known = [variant.name for variant in base.variants]
    for variant in base.variants:
        if variant.name == name:
            return _applied(base, variant)
    listed = f"Variants: {', '.join(known)}." if known else "It has no variants."
    raise TargetError(
        f"The target '{base.name}' has no variant '{name}'{nearest(name, known) or '.'} {listed} "
        f"See the tables [[variant]] in {base.path}."
    )


def _variant(entry: Table, base: TargetFile) -> Variant:
    variant = Variant(
        name=entry.name("name", "the variant's name"),
        description=entry.text("description", "a sentence about what is different"),
        breaks=_guarantees(entry, "breaks", "a list of the guarantees that must turn BROKEN"),
        edits=_edits(entry, base),
        promises=read_promises(entry.table("promises")),
        unwaive=_guarantees(entry, "unwaive", "a list of guarantees that the base waives", ()),
    )
    waived = [waiver.guarantee for waiver in base.waivers]
    for guarantee in variant.unwaive:
        if guarantee not in waived:
            raise entry.error(
                "unwaive", f"{guarantee} is not waived by the base{nearest(guarantee, waived)}."
            )
    for guarantee in variant.breaks:
        if guarantee in waived and guarantee not in variant.unwaive:
            raise entry.error(
                "breaks",
                f"{guarantee} is waived by the base, so it can never turn BROKEN. Add it to 'unwaive', or name "
                f"another guarantee.",
            )
    if not (variant.edits or variant.promises or variant.unwaive):
        raise entry.error("", "it changes nothing; expected a [[variant.edit]], 'promises' or 'unwaive'.")
    entry.finish()
    return variant


def _guarantees(
    entry: Table, key: str, expected: str, default: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    named = tuple(guarantee.upper() for guarantee in entry.texts(key, expected, default))
    for guarantee in named:
        if not GUARANTEE.fullmatch(guarantee):
            raise entry.error(key, f"expected ids of guarantees, such as 'ACK-1', found '{guarantee}'.")
    return tuple(dict.fromkeys(named))


def _edits(entry: Table, base: TargetFile) -> tuple[Edit, ...]:
    texts = {file.path: file.text for file in base.launch.files} if base.launch else {}
    edits = []
    for table in entry.tables("edit"):
        edit = Edit(
            file=table.text("file", "the path of a [[launch.file]]"),
            replace=table.value("replace", str, "a part of the file's text"),
            by=table.value("with", str, "the text that stands there instead, or an empty one"),
        )
        if edit.file not in texts:
            listed = f"Files: {', '.join(texts)}." if texts else "The target launches no files."
            raise table.error(
                "file",
                f"there is no [[launch.file]] '{edit.file}'{nearest(edit.file, list(texts)) or '.'} {listed}",
            )
        if not edit.replace.strip():
            raise table.error("replace", "expected a part of the file's text, found an empty text.")
        if edit.replace == edit.by:
            raise table.error("with", "expected another text than in 'replace'; this changes nothing.")
        text = texts[edit.file]
        if text.count(edit.replace) != 1:
            raise table.error("replace", _not_once(edit, text))
        texts[edit.file] = text.replace(edit.replace, edit.by)
        table.finish()
        edits.append(edit)
    return tuple(edits)


def _not_once(edit: Edit, text: str) -> str:
    """Why a part of a text does not say where to edit, and how it could."""
    shown = edit.replace.strip().splitlines()[0]
    count = text.count(edit.replace)
    if count:
        numbers = [number for number, line in enumerate(text.splitlines(), 1) if shown in line]
        return (
            f"'{shown}' occurs {count} times in {edit.file} (its lines {', '.join(map(str, numbers))}); "
            f"expected once. Take more of the text around it."
        )
    like = difflib.get_close_matches(shown, [line.strip() for line in text.splitlines()], n=1)
    hint = f" The line most like it: '{like[0]}'." if like else ""
    return f"'{shown}' does not occur in {edit.file} (edits before this one included); expected once.{hint}"


def _applied(base: TargetFile, variant: Variant) -> TargetFile:
    launch = base.launch
    if launch is not None:
        texts = {file.path: file.text for file in launch.files}
        for edit in variant.edits:
            texts[edit.file] = texts[edit.file].replace(edit.replace, edit.by)
        files = tuple(dataclasses.replace(file, text=texts[file.path]) for file in launch.files)
        launch = dataclasses.replace(launch, files=files)
    return dataclasses.replace(
        base,
        name=f"{base.name}{SIGN}{variant.name}",
        launch=launch,
        promises={**base.promises, **variant.promises},
        waivers=tuple(waiver for waiver in base.waivers if waiver.guarantee not in variant.unwaive),
        variant=variant,
    )
