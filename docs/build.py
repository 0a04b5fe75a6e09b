"""Builds the keyword documentation and executes what the documents show.

    python docs/build.py FOLDER

Writes one HTML and one JSON page per keyword library into FOLDER, and fails when a keyword, an argument or an enum has
no documentation. Then runs the Robot examples of README.md as they stand, and the shell examples marked as tested.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from robot.libdoc import libdoc
from robot.libdocpkg import LibraryDocumentation

ROOT = Path(__file__).parent.parent
LIBRARIES = ROOT / "libraries" / "WaybillLibrary"


def library_names() -> list[str]:
    """The keyword libraries: the modules of WaybillLibrary that begin with a capital letter."""
    return sorted(f"WaybillLibrary.{path.stem}" for path in LIBRARIES.glob("[A-Z]*.py"))


def gaps(name: str) -> list[str]:
    """What lacks documentation in one library."""
    found: list[str] = []
    documentation: Any = LibraryDocumentation(name)
    if not documentation.doc.strip():
        found.append(f"{name}: no introduction")
    for keyword in documentation.keywords:
        if not keyword.short_doc.strip():
            found.append(f"{name}: keyword '{keyword.name}' has no documentation")
        if "```" not in keyword.doc:
            found.append(f"{name}: keyword '{keyword.name}' has no example")
        for argument in keyword.args:
            if argument.name and argument.type is None:
                found.append(f"{name}: argument '{argument.name}' of '{keyword.name}' has no type")
    for kind in documentation.type_docs:
        if kind.type == "Enum" and (not kind.doc.strip() or "collection of name/value pairs" in kind.doc):
            found.append(f"{name}: enum '{kind.name}' has no documentation")
    return found


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 3
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    names = library_names()
    missing = [gap for name in names for gap in gaps(name)]
    for name in names:
        for suffix in ("html", "json"):
            code = libdoc(name, str(folder / f"{name}.{suffix}"), quiet=True)
            if code:
                missing.append(f"{name}: libdoc ended with {code}")
    for gap in missing:
        print(f"docs: {gap}", file=sys.stderr)
    print(f"{len(names)} libraries documented in {folder}")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "robot", "--pythonpath", str(ROOT / "libraries")),
            *("--listener", "WaybillLibrary.listener.EvidenceGate", "--outputdir", str(folder / "readme")),
            str(ROOT / "README.md"),
        ],
        cwd=folder,
        check=False,
    )
    print(f"{len(names)} libraries, README examples: {'passed' if run.returncode == 0 else 'FAILED'}")
    return 1 if missing or run.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
