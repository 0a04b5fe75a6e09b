"""False proofs differ from the true one in what they say they do, and a key that listens keeps what it signed."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm

from waybill.devices.false_proofs import SIGNATURE, Guessing, Proven, Remembering, Spoiling, false_proofs
from waybill.tokens.device_keys import DeviceKey

EARLIER = (b"waybill\nnonce-1\nphone\n" + hashlib.sha256(b"token").hexdigest().encode(), b"s" * SIGNATURE)
NOW = b"waybill\nnonce-2\nphone\n" + hashlib.sha256(b"token").hexdigest().encode()


@pytest.fixture(scope="module")
def key() -> DeviceKey:
    return DeviceKey.new()


@pytest.fixture(scope="module")
def proofs(key: DeviceKey) -> dict[str, bytes]:
    """What each false proof answers to the text of now."""
    made = false_proofs(Proven(key, "phone", "token", "another", EARLIER))
    return {name: one.sign(NOW) for name, one in made.items()}


def signs(key: DeviceKey, signature: bytes, text: bytes) -> bool:
    """Whether it is the key's signature of a text."""
    public = ECAlgorithm(ECAlgorithm.SHA256)
    jwk = ECAlgorithm.from_jwk(dict(key.public_jwk()))
    return bool(public.verify(text, jwk, signature))


def test_none_of_them_is_a_proof_and_all_differ(key: DeviceKey, proofs: dict[str, bytes]) -> None:
    assert signs(key, key.sign(NOW), NOW)
    assert [name for name, signature in proofs.items() if signs(key, signature, NOW)] == []
    assert len(set(proofs.values())) == len(proofs) >= 15


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proof-of-an-earlier-nonce", EARLIER[0]),
        ("proof-for-another-device", NOW.replace(b"phone", b"phone-2")),
        (
            "proof-of-another-token",
            NOW[:-64] + hashlib.sha256(b"another").hexdigest().encode(),
        ),
        ("proof-in-capitals", NOW.upper()),
        ("proof-of-half-the-text", NOW[: len(NOW) // 2]),
        ("proof-of-more-text", NOW + b"\n"),
        ("proof-of-nothing", b""),
    ],
)
def test_a_false_text_is_signed_by_the_true_key(
    key: DeviceKey, proofs: dict[str, bytes], name: str, text: bytes
) -> None:
    assert signs(key, proofs[name], text)


def test_spoilt_signatures_have_the_form_that_they_are_named_for(
    key: DeviceKey, proofs: dict[str, bytes]
) -> None:
    sizes = {name: len(signature) for name, signature in proofs.items() if name.startswith("signature-")}
    assert sizes.pop("signature-in-another-form") > SIGNATURE
    assert sizes == {
        "signature-of-an-earlier-login": SIGNATURE,
        "signature-missing": 0,
        "signature-cut-by-a-byte": SIGNATURE - 1,
        "signature-cut-in-half": SIGNATURE // 2,
        "signature-with-a-byte-more": SIGNATURE + 1,
        "signature-with-a-bit-turned": SIGNATURE,
        "signature-with-halves-exchanged": SIGNATURE,
        "signature-of-zeros": SIGNATURE,
    }
    assert proofs["signature-of-an-earlier-login"] == EARLIER[1]
    assert min(decode_dss_signature(proofs["signature-in-another-form"])) > 0


def test_a_key_that_remembers_signs_like_the_key(key: DeviceKey) -> None:
    remembering = Remembering(key)
    assert remembering.public_jwk() == key.public_jwk()
    signature = remembering.sign(NOW)
    assert signs(key, signature, NOW)
    assert remembering.signed == [(NOW, signature)]


def test_a_guess_is_as_long_as_a_signature_and_never_the_same(key: DeviceKey) -> None:
    guessing = Guessing()
    assert len(guessing.sign(NOW)) == SIGNATURE
    assert guessing.sign(NOW) != guessing.sign(NOW)
    assert guessing.public_jwk() == {}
    assert Spoiling(key).public_jwk() == key.public_jwk()
    assert signs(key, Spoiling(key).sign(NOW), NOW)
