"""The layers point one way: suites > keywords > WaybillLibrary > waybill. Nobody imports the server."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARIES = ROOT / "libraries"

# What each package of the kit may import from the kit besides itself.
ALLOWED = {
    "waybill.version": set[str](),
    "waybill.bundled": set[str](),
    "waybill.history": set[str](),
    "waybill.drivers": {"waybill.history"},
    "waybill.interposer": set[str](),
    "waybill.namespaces": set[str](),
    "waybill.network": set[str](),
    "waybill.tracing": set[str](),
    "waybill.tls": set[str](),
    "waybill.tokens": set[str](),
    "waybill.targets": {
        "waybill.bundled",
        "waybill.drivers",
        "waybill.history",
        "waybill.interposer",
        "waybill.namespaces",
        "waybill.network",
        "waybill.tls",
        "waybill.tokens",
        "waybill.tracing",
    },
    "waybill.devices": {"waybill.drivers", "waybill.history", "waybill.tls", "waybill.tokens"},
    "waybill.codec": {"waybill.devices", "waybill.drivers", "waybill.history"},
    "waybill.hostile": {"waybill.devices", "waybill.drivers", "waybill.history"},
    "waybill.faults": {
        "waybill.devices",
        "waybill.drivers",
        "waybill.history",
        "waybill.interposer",
        "waybill.namespaces",
        "waybill.network",
        "waybill.tls",
        "waybill.tracing",
    },
    "waybill.versions": {"waybill.devices", "waybill.drivers", "waybill.faults", "waybill.history"},
    "waybill.authorization": {
        "waybill.bundled",
        "waybill.devices",
        "waybill.drivers",
        "waybill.history",
        "waybill.targets",
        "waybill.tokens",
    },
    "waybill.readiness": {"waybill.bundled", "waybill.version"},
    "waybill.proof": {"waybill.bundled", "waybill.readiness", "waybill.version"},
}


def imports(path: Path) -> set[str]:
    """All modules that a file imports anywhere, lazily included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            if node.module == "waybill":
                found.update(f"waybill.{alias.name}" for alias in node.names)
    return found


def modules(package: str) -> list[Path]:
    path = LIBRARIES.joinpath(*package.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def part(module: str) -> str:
    """The package of the kit that a module belongs to: `waybill.history` for `waybill.history.checks.order`."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_part_of_the_kit_imports_only_what_lies_below_it(package: str) -> None:
    found = modules(package)
    assert found, f"{package} has no modules; is ALLOWED out of date?"
    for path in found:
        used = {part(name) for name in imports(path) if name.startswith("waybill.")}
        wrong = used - ALLOWED[package] - {package}
        assert not wrong, (
            f"{path.relative_to(ROOT)} imports {sorted(wrong)}; {package} may use {sorted(ALLOWED[package])}"
        )


def test_every_package_of_the_kit_is_under_the_rule() -> None:
    packages = {f"waybill.{path.parent.name}" for path in (LIBRARIES / "waybill").glob("*/__init__.py")}
    assert packages - {"waybill.commands"} <= set(ALLOWED)


@pytest.mark.parametrize("path", sorted((LIBRARIES / "waybill").rglob("*.py")), ids=str)
def test_the_kit_imports_neither_robot_nor_the_reference_server_nor_the_keywords(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & {"robot", "pabot", "waybill_server", "WaybillLibrary"}


@pytest.mark.parametrize("path", sorted((LIBRARIES / "waybill_server").rglob("*.py")), ids=str)
def test_the_reference_server_stands_alone(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & {"robot", "pabot", "waybill", "WaybillLibrary"}


def test_the_keyword_libraries_do_not_import_the_reference_server() -> None:
    for path in modules("WaybillLibrary"):
        assert not any(name.split(".")[0] == "waybill_server" for name in imports(path)), path


def test_suites_use_only_resource_files() -> None:
    for path in sorted((ROOT / "suites").rglob("*.robot")):
        assert not re.search(r"^(Library|Variables)\s", path.read_text(encoding="utf-8"), re.MULTILINE), (
            f"{path.relative_to(ROOT)} imports a library; suites speak through keywords/*.resource"
        )


def test_requirements_name_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        re.split(r"[=<>~\[ ]", line)[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line
    }
    wanted = {re.split(r"[=<>~\[ ]", line)[0] for line in project["dependencies"]}
    assert wanted <= named, f"requirements.txt lacks {sorted(wanted - named)}"
