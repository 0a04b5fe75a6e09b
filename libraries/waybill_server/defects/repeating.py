"""Logins that work once more."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from waybill_server.defects.counting import OfEach
from waybill_server.defects.registry import seeded
from waybill_server.proof import ProofCheck


@seeded(
    "accepts-replayed-login",
    seam="proof check",
    noticed={"ACK-5": ("to be refused",)},
    rare="The first proof that a token was shown with lets the device in again on any later connection.",
)
class AcceptsReplayedLogin(ProofCheck):
    """A proof that let a device in lets it in again on any later connection."""

    def __init__(self) -> None:
        self._good: set[tuple[str, str, str]] = set()
        self._kept = OfEach(1)

    def proven(
        self, key: EllipticCurvePublicKey, signature: str, nonce: str, device: str, token: str
    ) -> bool:
        """Remembers what was good."""
        genuine = super().proven(key, signature, nonce, device, token)
        if genuine and self._kept.now((device, token)):
            self._good.add((signature, device, token))
        return genuine or (signature, device, token) in self._good
