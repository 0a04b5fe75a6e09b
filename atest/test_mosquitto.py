"""A server that nobody here wrote: mosquitto in its strictest configuration, judged by the suites as they are.

What it proves must stay proven. What it breaks even so is waived in writing, and the same configuration without that
waiver (the variant `puback-before-save`, see test_variants.py) must stay BROKEN with the anomalies that name the cause.
Either side changing is news: a new version of the server, or a check that stopped seeing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SUITES = [
    "10_delivery/del_1_online_delivery.robot",
    "10_delivery/off_1_offline_storage.robot",
    "20_ordering/ord_1_interleaving.robot",
    "20_ordering/ord_2_reconnects.robot",
    "40_acknowledgement/ack_1_survives_kill.robot",
    "40_acknowledgement/ack_2_correlation.robot",
    "40_acknowledgement/ack_4_redelivery.robot",
    "70_security/aut_1_authentication.robot",
    "70_security/tls_1_required.robot",
    "70_security/tls_2_downgrade.robot",
    "70_security/tok_1_forgery.robot",
]
PROVEN = {"DEL-1", "OFF-1", "ORD-1", "ORD-2", "ACK-2", "ACK-4", "AUT-1", "TLS-1", "TLS-2"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], str]:
    """The exit code of the run, the guarantees of its readiness page by id, and the findings of all scenarios."""
    if shutil.which("mosquitto") is None:
        if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1":
            pytest.skip(
                "mosquitto is not installed, and WAYBILL_WITHOUT_MOSQUITTO=1 says that this is intended"
            )
        pytest.fail("mosquitto is not installed: sudo apt-get install mosquitto")
    folder = tmp_path_factory.mktemp("mosquitto")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "waybill.cli", "run", "--target", "mosquitto", "--seed", "7"),
            *(str(ROOT / "suites" / suite) for suite in SUITES),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown when a test fails
    run = next((folder / "results").glob("2*"))
    page = json.loads((run / "readiness.json").read_text(encoding="utf-8"))
    guarantees = {one["id"]: one for one in page["runs"][0]["guarantees"]}
    findings = [
        finding["anomaly"]
        for case in run.glob("cases/*/case.json")
        for finding in json.loads(case.read_text(encoding="utf-8"))["findings"]
    ]
    return done.returncode, guarantees, " ".join(sorted(set(findings)))


def test_what_it_holds_is_proven(judged: tuple[int, dict[str, Any], str]) -> None:
    _, guarantees, _ = judged
    verdicts = {id_: guarantees[id_]["verdict"] for id_ in PROVEN}
    assert verdicts == dict.fromkeys(PROVEN, "PROVEN")


def test_what_it_breaks_is_found_and_waived_in_writing(judged: tuple[int, dict[str, Any], str]) -> None:
    code, guarantees, findings = judged
    assert guarantees["ACK-1"]["verdict"] == "WAIVED"
    assert code == 0, "everything that the strict configuration breaks is waived"
    assert "lost-acked" in findings
    assert "premature-ack" in findings, "mosquitto acknowledges before it saves"


def test_what_it_does_not_promise_is_waived_in_writing(judged: tuple[int, dict[str, Any], str]) -> None:
    _, guarantees, _ = judged
    waived = {id_ for id_, one in guarantees.items() if one["verdict"] == "WAIVED"}
    assert {"DUP-1", "DEV-1", "GRP-1", "TOK-1"} <= waived
    assert not waived & PROVEN
