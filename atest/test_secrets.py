"""What must stay secret does: the issuer's key from the suites, tokens and passwords from everything that a run leaves
behind, and what was not tried from the count of what was refused."""

from __future__ import annotations

import gzip
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from ahocorasick_rs import BytesAhoCorasick
from judging import ROOT, waybill

TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.")
"""How every JWT begins whose header is a JSON object."""

SPARED = re.compile(r"targets/[^/]+/((issuer|node|broker)/data/|device-keys/[0-9a-f]+\.pem$)")
"""The servers' own data: what they keep there is theirs, and the kit reads none of it. The keys of devices are where
they belong."""


def run(folder: Path, *arguments: str) -> Path:
    """Runs the security suites with a witness; gives the run's folder."""
    (folder / "seen").mkdir()
    done = waybill(
        folder,
        *("run", *arguments, "--seed", "7", "--results", str(folder / "results")),
        *("--", "--listener", str(ROOT / "atest" / "Witness.py"), "--loglevel", "TRACE"),
        environment={"WITNESS": str(folder / "seen")},
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown when a test fails
    return folder / "results" / "latest"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    """The folder of a run of all security scenarios, and what the witnesses of its processes saw."""
    folder = tmp_path_factory.mktemp("security")
    results = run(folder, str(ROOT / "suites" / "70_security"))
    seen: dict[str, set[str]] = {}
    for path in (folder / "seen").iterdir():
        for what, found in json.loads(path.read_text(encoding="utf-8")).items():
            seen.setdefault(what, set()).update(found)
    return results.resolve(), seen


def left_behind(results: Path) -> dict[str, bytes]:
    """The content of every file of a run, unpacked, but what is a server's own."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = str(path.relative_to(results))
        if path.is_file() and not SPARED.search(name):
            content = path.read_bytes()
            found[name] = gzip.decompress(content) if path.suffix == ".gz" else content
    return found


def test_no_token_and_no_password_is_left_behind(finished: tuple[Path, dict[str, set[str]]]) -> None:
    """`log.html` packs long texts; all of its texts are in `output.xml` as well."""
    results, seen = finished
    assert len(seen["tokens"]) > 80, "the witness saw no tokens, so nothing would be found"
    assert len(seen["passwords"]) >= 160
    for what in ("refresh_tokens", "keys", "proofs"):
        assert len(seen[what]) > 20, f"the witness saw no {what}, so nothing would be found"
    names = ("passwords", "refresh_tokens", "keys", "proofs")
    secrets = [one.encode() for name in names for one in seen[name]]
    secrets += [one.rpartition(".")[2].encode() for one in seen["tokens"]]
    any_secret = BytesAhoCorasick(secrets)
    assert all(any_secret.find_matches_as_indexes(b"..." + one + b"...") for one in secrets)
    contents = left_behind(results)
    assert {"output.xml", "readiness.json", "log.html"} <= set(contents)
    assert sum(name.endswith("history.jsonl.gz") for name in contents) >= 4
    assert sum(name.endswith("output.log") for name in contents) >= 4
    for name, content in contents.items():
        assert not TOKEN.search(content), f"{name} has a token"
        assert not any_secret.find_matches_as_indexes(content), (
            f"{name} has a password, a token's signature, a refresh token, a device's key or a proof of it"
        )


def test_the_keys_of_devices_are_for_their_owner_only(finished: tuple[Path, dict[str, set[str]]]) -> None:
    results, _ = finished
    folders = list(results.glob("targets/*/device-keys"))
    keys = [key for folder in folders for key in folder.iterdir()]
    assert len(keys) > 20
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert all(b"PRIVATE KEY" in key.read_bytes() for key in keys)


def test_a_token_that_is_left_behind_would_be_found(finished: tuple[Path, dict[str, set[str]]]) -> None:
    _, seen = finished
    assert all(TOKEN.search(token.encode()) for token in seen["tokens"])


def test_the_suites_never_open_the_issuers_key(finished: tuple[Path, dict[str, set[str]]]) -> None:
    results, seen = finished
    keys = list(results.glob("targets/*/issuer/data/signing-key.pem"))
    assert keys
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert any(path.endswith("accounts.jsonl") for path in seen["opened"]), (
        "the witness saw nothing being opened"
    )
    assert [path for path in seen["opened"] if "/issuer/data" in path or "signing-key" in path] == []


def test_what_an_ordinary_issuer_does_not_sign_is_not_counted_as_refused(tmp_path: Path) -> None:
    text = (ROOT / "resources" / "targets" / "reference.toml").read_text(encoding="utf-8")
    assert text.count('    "--odd-tokens",\n') == text.count("odd = true\n") == 1
    target = tmp_path / "ordinary.toml"
    target.write_text(text.replace('    "--odd-tokens",\n', "").replace("odd = true\n", ""), encoding="utf-8")

    results = run(
        tmp_path, str(ROOT / "suites" / "70_security" / "tok_1_forgery.robot"), "--target", str(target)
    )

    cases: list[dict[str, Any]] = [json.loads(path.read_text()) for path in results.glob("cases/*/case.json")]
    (claims,) = [case for case in cases if case["evidence"].get("not_tried")]
    assert (claims["status"], claims["cause"]) == ("failed", "no-evidence")
    assert claims["evidence"]["attacks"] == 0
    assert "84 of 84 attacks were not tried: the issuer gives no such token" in claims["message"]
    assert sorted(case["status"] for case in cases) == ["failed", "passed", "passed"]
    page = json.loads((results / "readiness.json").read_text(encoding="utf-8"))
    verdicts = {one["id"]: one["verdict"] for one in page["runs"][0]["guarantees"]}
    assert verdicts["TOK-1"] == "UNPROVEN"
