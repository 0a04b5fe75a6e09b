"""The tests are tested: each seeded defect of the reference server turns the scenarios red that claim to notice it.

One row is one scenario run against one defective node by `waybill run`, as anybody would. It must end BROKEN, and by
what the defect says shows it: an anomaly that the checker found, or the words of a step that could not go on.

By default every defect runs. `WAYBILL_ONE_DEFECT=1` runs the first one of each scenario alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from robot.api import TestSuite as Suite

from waybill_server.defects import Defect, every, find

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "resources" / "targets" / "reference.toml").read_text(encoding="utf-8")

SEED = "7"
PATIENCE = "4s"
"""A red that shows only by what does not come takes this long; a correct node needs a tenth of it."""

LEFT_OUT: dict[str, str] = {
    "jti-cache-per-node": "it takes a second node that the token was not used at, so a target of several nodes",
    "revocation-per-node": "it takes a node that is not told, so a target of several nodes",
    "refresh-survives-revocation": "no scenario has a refresh token: no target file asks for one",
}
"""Defects that the catalogue names and that no scenario can show yet, with the reason."""

ROWS = {
    "An acknowledged message reaches every online device of its recipient exactly once": [
        "drop-every-nth",
        "duplicate-delivery",
        "phantom-delivery",
    ],
    "Messages of every size arrive unchanged while conversations cross": ["corrupt-body", "cross-user-leak"],
    "Bursts within a millisecond are as many messages as were sent": ["same-millisecond-collides"],
    "Messages arrive whole however their frames are cut": ["split-frame-dropped"],
    "A device stays reachable when a newer one of its user leaves": ["newest-leaving-unroutes"],
    "A silent device is still there for messages from another node": ["idle-session-forgotten"],
    "A conversation with offline spells and reconnects leaves both sides with the same log": [
        "receipt-for-undelivered",
        "drop-on-reconnect",
    ],
    "Everything sent to an offline user waits for the next connection": [
        "offline-redelivers-after-ack",
        "offline-cap-silently-drops",
    ],
    "Two senders fill the inbox of an offline user": ["offline-delivers-newest-first"],
    "A login that meets a message misses nothing": ["fresh-message-missed-at-login"],
    "Connections lost between the login and the first waiting message lose nothing": [
        "drop-unacked-on-disconnect",
    ],
    "An inbox at its limit keeps what it took and says so when it takes no more": [
        "inbox-overflow-acknowledged",
    ],
    "Presence follows a user who comes, leaves and crashes": ["presence-sticks-online"],
    "A user is online as long as one device is": ["presence-sticks-online"],
    "Whoever is blocked sees nothing of who comes and goes, and everybody else does": [
        "presence-leaks-to-blocked"
    ],
    "Many conversations interleave and each keeps its order on every device": [
        "swap-adjacent",
        "reorder-across-flush",
        "sequence-gap",
        "sequence-reuse",
    ],
    "A stream keeps its order while its receiver reconnects again and again": ["live-overtakes-backlog"],
    "A stream keeps its order while its receiver logs in on top of the connection it left behind": [
        "old-session-removes-new",
    ],
    "A send retried with its key stays one message through reconnects and a restart": [
        "dedup-in-memory",
        "dedup-off",
        "dedup-per-connection",
        "dedup-ignores-sender",
    ],
    "Equal bodies and equal keys of different senders stay different messages": [
        "dedup-by-content",
        "dedup-ignores-sender",
    ],
    "An acknowledged message survives a killed server": ["ack-before-persist", "lose-wal-on-restart"],
    "An acknowledged message survives a loss of power": ["no-fsync-batch"],
    "Every send gets one outcome, and the outcome names the send": [
        "ack-wrong-key",
        "reject-but-store",
        "ack-missing",
    ],
    "Sends cut off by a lost connection are unknown until their retry settles them": ["ack-twice"],
    "A connection that ends at any byte costs nothing that was acknowledged": [
        "partial-frame-accepted",
        "drop-unacked-on-disconnect",
    ],
    "A device is given again what it did not acknowledge, and nothing else": [
        "drop-unacked-on-disconnect",
        "offline-redelivers-after-ack",
    ],
    "What was said on an earlier connection changes nothing when it is said again": [
        "dedup-per-connection",
        "accepts-replayed-login",
    ],
    "Devices that come and go end with the same log in the same order": [
        "device-cursor-shared",
        "last-login-wins",
        "no-copy-to-own-devices",
    ],
    "A new device reads the whole log page by page while traffic goes on": [
        "page-boundary-skip",
        "page-boundary-duplicate",
        "cursor-goes-back",
    ],
    "Read markers set on any device, in any order, end the same everywhere": [
        "read-marker-goes-back",
        "receipt-for-undelivered",
    ],
    "A group message reaches every member once, in one order, and nobody else": [
        "delivers-to-removed-member",
        "fanout-misses-last-member",
    ],
    "Nobody gets in without a genuine credential, and nobody else notices the attempts": [
        "auth-optional",
        "auth-disabled",
    ],
    "Nothing works any more when what opened a session is over, and nobody gets in without": [
        "session-outlives-expiry",
        "ignores-expiry",
        "revocation-ignored-by-open-sessions",
    ],
    "Whoever is not in a conversation can do nothing in it, whatever their role": ["group-outsider-may-add"],
    "The sender is who logged in, whatever a frame says": ["sender-field-trusted", "foreign-cursor-readable"],
    "Whoever is blocked or forbidden to write reaches nobody and sees nothing": [
        "blocklist-ignored",
        "presence-leaks-to-blocked",
        "refused-leaves-trace",
    ],
    "Who may administer and revoke whom is what the role table says": [
        "any-user-is-admin",
        "moderator-can-revoke-admin",
    ],
    "A role that nobody gave is none": ["any-user-is-admin"],
    "Nothing that is said without a login is taken, and nothing is left without an answer": [
        "crash-on-bad-frame",
    ],
    "A frame that is not as it should be gets an error or ends its connection": [
        "frame-limit-off",
        "crash-on-bad-frame",
        "hang-on-truncated",
        "nesting-unbounded",
        "wrong-direction-accepted",
    ],
    "Text that is code, a line or a path elsewhere stays text": [
        "log-injection",
        "sql-injection",
        "crash-on-bad-frame",
        "path-injection",
    ],
    "Every port refuses what is weaker than the promised TLS, and nobody else notices the attempts": [
        "plaintext-port-open",
        "tls10-allowed",
        "expired-certificate",
        "wrong-host-certificate",
    ],
    "Somebody in the middle gets no session and no byte of a token, and nobody else notices the attempts": [
        "tls10-allowed",
        "fallback-scsv-ignored",
        "early-data-replayed",
        "ws-plaintext-redirect",
    ],
    "No token that the issuer never signed gets anybody in": [
        "ignores-signature",
        "accepts-alg-none",
        "accepts-hs-with-public-key",
    ],
    "No token that brings its own key or is written otherwise gets anybody in": ["trusts-embedded-jwk"],
    "No token that the issuer signed for another time, place or person gets anybody in": [
        "ignores-expiry",
        "ignores-audience",
    ],
    "A stolen token gets nobody in but the device that it was issued for": ["token-not-bound-to-device"],
    "A login that was overheard is of no use on another connection": ["ignores-proof-nonce"],
    "A token for one login is good for one login": ["jti-cache-in-memory"],
    "Of two logins at once with one token for one login one gets in": ["one-time-token-marked-late"],
    "A token that was revoked gets nobody in": ["revocation-late"],
    "Whoever is revoked is out at once and stays out, and nobody else notices": [
        "revocation-ignored-by-open-sessions",
        "revocation-late",
        "revocation-lost-on-restart",
    ],
    "A new key drops nobody, and an old one is worth nothing after its grace": [
        "retired-key-still-accepted",
        "rotation-drops-valid-sessions",
    ],
    "A failing disk costs nobody what was acknowledged": [
        "acks-on-disk-full",
        "crashes-on-disk-full",
        "ignores-fsync-error",
    ],
    "Whatever is said with any operation comes back as it was said": [
        "codec-length-off-by-one",
        "codec-ignores-trailing-bytes",
        "codec-folds-unicode",
        "codec-splits-surrogates",
        "prefix-answered-early",
    ],
}
"""Which defects each scenario is put to the proof with."""

PICKED = [
    (scenario, name)
    for scenario, names in ROWS.items()
    for name in (names[:1] if os.environ.get("WAYBILL_ONE_DEFECT") == "1" else names)
]


@cache
def scenarios() -> dict[str, tuple[Path, str]]:
    """The file and the guarantee of every scenario in the suites."""
    found = {}

    def collect(suite: Suite) -> None:
        for test in suite.tests:
            guarantee = next(tag.upper() for tag in test.tags if tag[-1].isdigit() and "-" in tag)
            found[test.name] = (Path(str(suite.source)), guarantee)
        for child in suite.suites:
            collect(child)

    collect(Suite.from_file_system(ROOT / "suites"))
    return found


def run(folder: Path, scenario: str, defect: str | None, environment: str = "") -> tuple[int, Path, str]:
    """Runs one scenario against a node with this defect; gives the exit code, the run's folder and what was printed."""
    name = '    "--name", "{name}",\n'
    assert REFERENCE.count(name) == 1, "the node of reference.toml is started in another way"
    target = folder / f"{defect or 'reference'}.toml"
    target.write_text(
        REFERENCE.replace(name, f'{name}    "--defect", "{defect}",\n' if defect else name).replace(
            "\n[endpoints.node]", f"{environment}\n[endpoints.node]"
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "waybill.cli", "run", str(scenarios()[scenario][0]), "--test", scenario),
            *("--target", str(target), "--seed", SEED, "--results", str(folder / "results")),
            *("--", "--variable", f"PATIENCE:{PATIENCE}"),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, folder / "results" / "latest", done.stdout + done.stderr


def shown(defect: Defect, guarantee: str, case: dict[str, Any]) -> list[str]:
    """By which of the expected signs a scenario shows the defect."""
    anomalies = {finding["anomaly"] for finding in case["findings"]}
    return [sign for sign in defect.noticed[guarantee] if sign in anomalies or sign in case["message"]]


@pytest.mark.parametrize(
    ("scenario", "name"), PICKED, ids=[f"{name}-{scenario[:24]}" for scenario, name in PICKED]
)
def test_a_defect_turns_the_scenario_red(tmp_path: Path, scenario: str, name: str) -> None:
    defect, guarantee = find(name), scenarios()[scenario][1]

    code, folder, said = run(tmp_path, scenario, name)

    assert code == 1, said
    (case,) = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("cases/*/case.json")]
    assert case["status"] == "failed"
    assert shown(defect, guarantee, case), (case["findings"], case["message"])
    page = json.loads((folder / "readiness.json").read_text(encoding="utf-8"))
    verdicts = {one["id"]: one["verdict"] for one in page["runs"][0]["guarantees"]}
    assert verdicts[guarantee] == "BROKEN"


def test_without_a_defect_the_scenario_is_green_and_nothing_of_the_package_is_imported(
    tmp_path: Path,
) -> None:
    scenario = "A device is given again what it did not acknowledge, and nothing else"

    code, folder, said = run(
        tmp_path, scenario, None, '\n[launch.process.environment]\nPYTHONPROFILEIMPORTTIME = "1"\n'
    )

    assert code == 0, said
    (log,) = folder.glob("targets/*/node/output.log")
    imported = {line.rpartition("|")[2].strip() for line in log.read_text(encoding="utf-8").splitlines()}
    assert "waybill_server.writer" in imported
    assert [name for name in imported if name.startswith("waybill_server.defects")] == []


def test_every_scenario_and_every_defect_has_its_row() -> None:
    assert list(ROWS) == list(scenarios())
    rows = {(name, scenarios()[scenario][1]) for scenario, names in ROWS.items() for name in names}
    assert rows == {(defect.name, guarantee) for defect in every() for guarantee in defect.noticed}


def test_the_defects_are_those_of_the_catalogue() -> None:
    guarantees = {guarantee for _, guarantee in scenarios().values()}
    catalogue = tomllib.loads((ROOT / "resources" / "catalogue.toml").read_text(encoding="utf-8"))
    wanted = {
        (name, one["id"])
        for one in catalogue["guarantee"]
        if one["id"] in guarantees
        for name in one["defects"]
    }
    seeded = {(defect.name, guarantee) for defect in every() for guarantee in defect.noticed}
    assert seeded == {(name, guarantee) for name, guarantee in wanted if name not in LEFT_OUT}
