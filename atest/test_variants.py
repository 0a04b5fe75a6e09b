"""Every variant of every target in the box breaks what it says, and its base keeps it.

A variant is a real server in a configuration that costs its users a guarantee without a word. One run of the suites as
they are, with the guarantees that the variant names, must end with each of them BROKEN; the same run against the base
must not. What shows it is listed here: red for another reason is a mistake of the variant.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from waybill.targets.find import available_targets
from waybill.targets.model import TargetFile, Variant

ROOT = Path(__file__).parent.parent

SEED = "7"
PATIENCE = "6s"
"""What never comes is waited for this long; what comes takes the strict configuration a tenth of it."""

SHOWN_BY = {
    "ejabberd-mqtt+year-long-sessions": ["lost-acked", "was given 0 of them"],
    "ejabberd-mqtt+no-sessions": ["lost-acked", "was given 0 of them"],
    "ejabberd-mqtt+queue-of-100": ["lost-acked"],
    "ejabberd+no-offline-storage": ["expected 1100 messages", "was given 0 of them"],
    "ejabberd+offline-limit": ["refused (resource-constraint)"],
    "ejabberd+no-stream-management": ["an answer to every send", "accepted without a word"],
    "ejabberd+unacknowledged-dropped": ["on its present session within 6 s and was given 0."],
    "ejabberd+small-queue": ["was given 6.", "policy-violation"],
    "ejabberd+no-archive": ["sync of bob/tablet was refused"],
    "ejabberd+archive-never": ["lost-acked", "device-divergence"],
    "ejabberd+no-carbons": ["stuck", "gap"],
    "ejabberd+small-stanzas": ["unknown (connection-lost)"],
    "ejabberd+unlimited-stanzas": ["hostile-input-taken", "message, oversize: 262145 bytes: taken"],
    "ejabberd+anonymous": ["acknowledged sends: mallory/nobody-send"],
    "ejabberd+no-last-activity": ["presence of alice/phone was refused"],
    "ejabberd+tls-optional": ["plaintext (XMPP) was accepted"],
    "ejabberd+old-tls": ["TLS 1.0 was accepted"],
    "mosquitto+persistence-off": ["lost-acked", "premature-ack"],
    "mosquitto+stock-autosave": ["lost-acked", "premature-ack"],
    "mosquitto+autosave-every-50": ["lost-acked", "premature-ack"],
    "mosquitto+puback-before-save": ["lost-acked", "premature-ack"],
    "mosquitto+default-queue": ["lost-acked", "expected 1100 messages", "was given 1000 of them"],
    "mosquitto+queue-of-100": ["lost-acked", "was given 100 of them"],
    "mosquitto+queue-of-10-kilobytes": ["lost-acked"],
    "mosquitto+bodies-of-1000-bytes": ["refused (packet-too-large)"],
    "mosquitto+bodies-without-a-limit": ["hostile-input-taken", "PUBLISH, oversize: 131537 bytes: taken"],
    "mosquitto+memory-of-400-kilobytes": ["unknown (connection-lost)"],
    "mosquitto+one-device-per-user": ["refused (not-connected)"],
    "mosquitto+anonymous": [
        "unauthorised-ok",
        "sessions: neither-account-nor-password; acknowledged sends: none",
    ],
    "mosquitto+no-passwords": ["unauthorised-ok", "password-of-another-account"],
    "mosquitto+plaintext-listener": ["insecure-ok", "plaintext (MQTT) was accepted"],
    "mosquitto+old-tls": ["TLS 1.1 was accepted"],
}
"""What must be found for it: anomalies of the checker, and words of the step that could not go on."""

AVAILABLE = {one.file.name: one for one in available_targets()}
BASES = {name: one.file for name, one in AVAILABLE.items() if one.file.variants}
VARIANTS = [(target, variant) for target in BASES.values() for variant in target.variants]


def installed(target: TargetFile) -> None:
    """Fails if what the target needs is not installed, but for WAYBILL_WITHOUT_MOSQUITTO=1 and its like."""
    available = AVAILABLE[target.name]
    if not available.installed:
        switch = f"WAYBILL_WITHOUT_{target.name.upper().replace('-', '_')}"
        if os.environ.get(switch) == "1":
            pytest.skip(f"{target.name} is not installed, and {switch}=1 says that this is intended")
        pytest.fail(f"{', '.join(available.missing)} is not installed: {available.install}")


def run(folder: Path, target: str, guarantees: tuple[str, ...]) -> tuple[dict[str, str], str, str]:
    """The verdicts of these guarantees, what the scenarios found, and what the run said."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "waybill.cli", "run", "--target", target, "--seed", SEED),
            *(argument for one in guarantees for argument in ("--include", one)),
            *("--", "--variable", f"PATIENCE:{PATIENCE}"),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")},
        capture_output=True,
        text=True,
        check=False,
    )
    latest = next((folder / "results").glob("2*"), None)
    assert latest is not None, done.stdout + done.stderr
    page: dict[str, Any] = json.loads((latest / "readiness.json").read_text(encoding="utf-8"))
    verdicts = {one["id"]: one["verdict"] for one in page["runs"][0]["guarantees"] if one["id"] in guarantees}
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in latest.glob("cases/*/case.json")]
    found = " ".join(
        word for case in cases for word in (case["message"], *(one["anomaly"] for one in case["findings"]))
    )
    return verdicts, found, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("target", "variant"), [pytest.param(*one, id=f"{one[0].name}+{one[1].name}") for one in VARIANTS]
)
def test_a_variant_breaks_what_it_says(tmp_path: Path, target: TargetFile, variant: Variant) -> None:
    installed(target)
    name = f"{target.name}+{variant.name}"

    verdicts, found, said = run(tmp_path, name, variant.breaks)

    assert verdicts == dict.fromkeys(variant.breaks, "BROKEN"), said
    assert [word for word in SHOWN_BY.get(name, []) if word not in found] == [], found


@pytest.mark.parametrize("name", BASES)
def test_its_base_breaks_none_of_it(tmp_path: Path, name: str) -> None:
    installed(BASES[name])
    unwaived = {guarantee for variant in BASES[name].variants for guarantee in variant.unwaive}
    broken = {guarantee for variant in BASES[name].variants for guarantee in variant.breaks}

    verdicts, _, said = run(tmp_path, name, tuple(sorted(broken)))

    kept = {guarantee for guarantee in verdicts if guarantee not in unwaived}
    assert {guarantee: verdicts[guarantee] for guarantee in kept} == dict.fromkeys(kept, "PROVEN"), said
    assert {verdicts[guarantee] for guarantee in unwaived} <= {"PROVEN", "WAIVED"}, said


def test_the_variants_that_are_shown_by_something_exist() -> None:
    assert set(SHOWN_BY) <= {f"{target.name}+{variant.name}" for target, variant in VARIANTS}
    assert len([target for target, _ in VARIANTS if target.name == "mosquitto"]) >= 9
    assert len([target for target, _ in VARIANTS if target.name == "ejabberd"]) >= 8
