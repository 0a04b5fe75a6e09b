"""What the protocol of a target in the box has no words for is waived in its file, in writing."""

from __future__ import annotations

import pytest

from waybill.drivers import registry
from waybill.readiness.catalogue import bundled_catalogue
from waybill.targets.find import available_targets
from waybill.targets.model import TargetFile

UNWAIVED = {"iris"}
"""Its specification promises what its wire cannot say, which is shown as BROKEN."""


@pytest.mark.parametrize(
    "target",
    [one.file for one in available_targets() if one.file.name not in UNWAIVED],
    ids=lambda file: file.name,
)
def test_what_a_protocol_cannot_express_is_waived(target: TargetFile) -> None:
    can = {one.value for one in registry.find(target.driver).capabilities}
    gaps = {id_ for id_, one in bundled_catalogue().guarantees.items() if not can.issuperset(one.needs)}
    assert gaps - {one.guarantee for one in target.waivers} == set()
