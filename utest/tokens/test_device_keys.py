"""Keys of devices: made when first asked for, kept where only their owner reads, and good for ES256."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from waybill.tokens.device_keys import DeviceKey, DeviceKeys


def verifies(key: DeviceKey, content: bytes, signature: bytes) -> bool:
    """Whether a standard library of JSON Web Algorithms takes the signature."""
    algorithm = jwt.get_algorithm_by_name("ES256")
    try:
        return bool(algorithm.verify(content, jwt.PyJWK(key.public_jwk() | {"alg": "ES256"}).key, signature))
    except InvalidSignature:
        return False


def test_a_signature_is_that_of_es256_by_the_public_half() -> None:
    key = DeviceKey.new()
    for number in range(50):  # r and s are sometimes short, and are 32 bytes each all the same
        signature = key.sign(b"content %d" % number)
        assert len(signature) == 64
        assert verifies(key, b"content %d" % number, signature)
    assert not verifies(key, b"other content", signature)
    assert not verifies(DeviceKey.new(), b"content 49", signature)


def test_the_public_half_has_no_private_member_and_the_key_no_telling_repr() -> None:
    key = DeviceKey.new()
    assert sorted(key.public_jwk()) == ["crv", "kty", "x", "y"]
    assert key.public_jwk() == key.public_jwk() != DeviceKey.new().public_jwk()
    numbers = key._private.private_numbers()
    assert str(numbers.private_value) not in repr(key)


def test_every_device_has_one_key_and_no_other_device_has_it(tmp_path: Path) -> None:
    keys = DeviceKeys(tmp_path / "run" / "keys")
    one = keys.of("alice", "phone")
    assert keys.of("alice", "phone") is one
    others = [keys.of("alice", "tablet"), keys.of("bob", "phone"), keys.of("alice/phone", "")]
    assert len({str(key.public_jwk()) for key in (one, *others)}) == 4


def test_private_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "keys"
    keys = DeviceKeys(folder)
    assert not folder.exists()
    key = keys.of("../../alice", "pho/ne")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = serialization.load_pem_private_key(file.read_bytes(), None)
    assert kept.public_key().public_numbers() == key._private.public_key().public_numbers()  # type: ignore[union-attr]


def test_a_key_is_never_written_over_somebody_elses_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("theirs")
    with pytest.raises(FileExistsError):
        DeviceKey.new().save(path)
    assert path.read_text() == "theirs"


def test_many_threads_that_ask_for_one_device_get_one_key(tmp_path: Path) -> None:
    keys, found = DeviceKeys(tmp_path / "keys"), []
    threads = [threading.Thread(target=lambda: found.append(keys.of("alice", "phone"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(key) for key in found}) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 1
