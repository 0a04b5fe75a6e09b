"""A server that nobody here wrote: mosquitto in its strictest configuration, judged by the suites as they are.

What it proves must stay proven. What it breaks even so is waived in writing, and the same configuration without that
waiver (the variant `puback-before-save`, see test_variants.py) must stay BROKEN with the anomalies that name the cause.
Either side changing is news: a new version of the server, or a check that stopped seeing.
"""

from __future__ import annotations

import pytest
from judging import ROOT, Judged, judge, require_installed

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
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """One run of these suites."""
    require_installed("mosquitto")
    suites = [str(ROOT / "suites" / suite) for suite in SUITES]
    return judge(tmp_path_factory.mktemp("mosquitto"), "--target", "mosquitto", "--seed", "7", *suites)


def test_what_it_holds_is_proven(judged: Judged) -> None:
    assert {name: judged.verdicts[name] for name in PROVEN} == dict.fromkeys(PROVEN, "PROVEN")


def test_what_it_breaks_is_found_and_waived_in_writing(judged: Judged) -> None:
    assert judged.verdicts["ACK-1"] == "WAIVED"
    assert judged.code == 0, "everything that the strict configuration breaks is waived"
    assert "lost-acked" in judged.found
    assert "premature-ack" in judged.found, "mosquitto acknowledges before it saves"


def test_what_it_does_not_promise_is_waived_in_writing(judged: Judged) -> None:
    waived = {name for name, verdict in judged.verdicts.items() if verdict == "WAIVED"}
    assert {"DUP-1", "DEV-1", "GRP-1", "TOK-1"} <= waived
    assert not waived & PROVEN
