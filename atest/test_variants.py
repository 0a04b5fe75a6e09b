"""Every variant of every target in the box breaks what it says, and its base keeps it.

A variant is a real server in a configuration that costs its users a guarantee without a word. One run of the suites as
they are, with the guarantees that the variant names, must end with each of them BROKEN; the same run against the base
must not. What shows it is listed here: red for another reason is a mistake of the variant.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import test_ejabberd
import test_mosquitto
from judging import AVAILABLE, Judged, judge, require_installed

from waybill.targets.model import TargetFile, Variant

SEED = "7"
PATIENCE = "6s"
"""What never comes is waited for this long."""
BASE_PATIENCE = "20s"
"""What a strict configuration may take: most need less than a second, and ejabberd 6 s, on an idle machine, for 120
messages to a room with 50 subscribers."""

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
    "ejabberd+archive-of-rooms": ["misrouted", "stale-read"],
    "ejabberd+no-carbons": ["stuck", "gap"],
    "ejabberd+small-stanzas": ["unknown (connection-lost)"],
    "ejabberd+unlimited-stanzas": ["hostile-input-taken", "message, oversize: 262145 bytes: taken"],
    "ejabberd+anonymous": ["operations that took effect: send of mallory/nobody-send"],
    "ejabberd+no-last-activity": ["presence of alice/phone was refused"],
    "ejabberd+tls-optional": [
        "plaintext (XMPP) was accepted",
        "bytes of a credential on the way to ejabberd",
    ],
    "ejabberd+old-tls": ["TLS 1.0 was accepted", "the server went on with TLS 1.0"],
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
        "sessions: neither-account-nor-password; operations that took effect: none",
    ],
    "mosquitto+no-passwords": ["unauthorised-ok", "password-of-another-account"],
    "mosquitto+plaintext-listener": ["insecure-ok", "plaintext (MQTT) was accepted"],
    "mosquitto+old-tls": ["TLS 1.1 was accepted", "the server went on with TLS 1.1"],
}
"""What must be found for it: anomalies of the checker, and words of the step that could not go on."""

ELSEWHERE: dict[str, tuple[set[str], set[str]]] = {
    "ejabberd": (test_ejabberd.PROVEN, test_ejabberd.UNSTEADY),
    "mosquitto": (test_mosquitto.PROVEN, {"ACK-1"}),
}
"""What the tests of a server show already of its strict configuration: what is PROVEN, and what is waived."""

BASES = {name: one.file for name, one in AVAILABLE.items() if one.file.variants}
VARIANTS = [(target, variant) for target in BASES.values() for variant in target.variants]


def run(folder: Path, target: str, guarantees: tuple[str, ...], patience: str) -> Judged:
    """Judges a target by these guarantees."""
    require_installed(target.partition("+")[0])
    return judge(
        folder,
        *("--target", target, "--seed", SEED),
        *(argument for one in guarantees for argument in ("--include", one)),
        robot=("--variable", f"PATIENCE:{patience}"),
    )


@pytest.mark.parametrize(
    ("target", "variant"), [pytest.param(*one, id=f"{one[0].name}+{one[1].name}") for one in VARIANTS]
)
def test_a_variant_breaks_what_it_says(tmp_path: Path, target: TargetFile, variant: Variant) -> None:
    name = f"{target.name}+{variant.name}"

    judged = run(tmp_path, name, variant.breaks, PATIENCE)

    assert {one: judged.verdicts[one] for one in variant.breaks} == dict.fromkeys(variant.breaks, "BROKEN")
    assert [word for word in SHOWN_BY.get(name, []) if word not in judged.found] == [], judged.found


@pytest.mark.parametrize("name", BASES)
def test_its_base_breaks_none_of_it(tmp_path: Path, name: str) -> None:
    unwaived = {guarantee for variant in BASES[name].variants for guarantee in variant.unwaive}
    broken = {guarantee for variant in BASES[name].variants for guarantee in variant.breaks}
    kept = broken - unwaived
    proven, waived = ELSEWHERE.get(name, (set(), set()))

    verdicts = run(tmp_path, name, tuple(sorted(broken - proven - waived)), BASE_PATIENCE).verdicts

    assert {guarantee: verdicts[guarantee] for guarantee in kept - proven} == dict.fromkeys(
        kept - proven, "PROVEN"
    )
    assert {verdicts[guarantee] for guarantee in unwaived - proven - waived} <= {"PROVEN", "WAIVED"}


def test_the_variants_that_are_shown_by_something_exist() -> None:
    assert set(SHOWN_BY) <= {f"{target.name}+{variant.name}" for target, variant in VARIANTS}
    assert len([target for target, _ in VARIANTS if target.name == "mosquitto"]) >= 9
    assert len([target for target, _ in VARIANTS if target.name == "ejabberd"]) >= 8
