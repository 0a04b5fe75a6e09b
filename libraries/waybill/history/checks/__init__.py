"""One module for each family of anomalies; each is a pure function of a history (`report.Check`)."""

from __future__ import annotations

from waybill.history.report import Check

from . import (
    completion,
    contents,
    convergence,
    cursors,
    delivery,
    duplicates,
    identity,
    markers,
    membership,
    order,
    permission,
    presence,
    reads,
    receipts,
    revocation,
    security,
)

CHECKS: dict[str, Check] = {
    "delivery": delivery.check,
    "contents": contents.check,
    "duplicates": duplicates.check,
    "order": order.check,
    "identity": identity.check,
    "cursors": cursors.check,
    "reads": reads.check,
    "presence": presence.check,
    "membership": membership.check,
    "receipts": receipts.check,
    "markers": markers.check,
    "convergence": convergence.check,
    "security": security.check,
    "revocation": revocation.check,
    "permission": permission.check,
    "completion": completion.check,
}
"""Every family by its name, in the order in which they run."""
