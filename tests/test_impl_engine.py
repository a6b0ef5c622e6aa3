"""The line engine against IEEE 1619-2007 annex B and against OpenSSL."""

from __future__ import annotations

from random import Random

# House style puts the expected value first.
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS
from hypothesis import given
from hypothesis import strategies as st

from impl.engine import LINE_BYTES, LineEngine, XtsAes128

VECTORS = {
    # number: data key, tweak key, data unit number, plaintext, ciphertext
    1: (
        "00" * 16,
        "00" * 16,
        0,
        "00" * 32,
        "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
    ),
    2: (
        "11" * 16,
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
    ),
    3: (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0",
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89",
    ),
}

# Vector 4 runs over 512 bytes: the first 64 bytes of its ciphertext.
VECTOR_4 = (
    "27182818284590452353602874713526",
    "31415926535897932384626433832795",
    bytes(range(256)) * 2,
    "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c"
    "c78cf7f5e543445f8333d8fa7f56000005279fa5d8b5e4ad40e736ddb4d35412",
)


@pytest.mark.parametrize("number", VECTORS)
def test_the_engine_encrypts_and_decrypts_the_standards_vectors(number: int) -> None:
    data_key, tweak_key, unit, plaintext, ciphertext = VECTORS[number]
    engine = XtsAes128(bytes.fromhex(data_key), bytes.fromhex(tweak_key))
    assert ciphertext == engine.encrypt(unit, bytes.fromhex(plaintext)).hex()
    assert plaintext == engine.decrypt(unit, bytes.fromhex(ciphertext)).hex()


def test_the_engine_follows_the_standard_beyond_two_blocks() -> None:
    data_key, tweak_key, plaintext, ciphertext = VECTOR_4
    engine = XtsAes128(bytes.fromhex(data_key), bytes.fromhex(tweak_key))
    assert ciphertext == engine.encrypt(0, plaintext)[:64].hex()


KEYS = st.binary(min_size=16, max_size=16)


@given(
    data_key=KEYS,
    tweak_key=KEYS,
    unit=st.integers(0, 2**128 - 1),
    blocks=st.integers(1, 40),
    fill=st.randoms(use_true_random=False),
)
def test_the_engine_agrees_with_openssl_where_the_halves_differ(
    data_key: bytes, tweak_key: bytes, unit: int, blocks: int, fill: Random
) -> None:
    if data_key == tweak_key:
        return
    plaintext = fill.randbytes(16 * blocks)
    mode = XTS(unit.to_bytes(16, "little"))
    openssl = Cipher(AES(data_key + tweak_key), mode).encryptor()
    engine = XtsAes128(data_key, tweak_key)
    ciphertext = engine.encrypt(unit, plaintext)
    assert openssl.update(plaintext) + openssl.finalize() == ciphertext
    assert plaintext == engine.decrypt(unit, ciphertext)


def test_openssl_refuses_equal_halves_and_the_engine_does_not() -> None:
    key = bytes.fromhex("12345678912345671234567891234567")
    with pytest.raises(ValueError, match=r"[Dd]uplicated"):
        Cipher(AES(key + key), XTS(bytes(16))).encryptor()
    engine = LineEngine(key, key)
    line = bytes(range(64))
    assert line == engine.decrypt_lines(128, engine.encrypt_lines(128, line))


def test_the_tweak_of_a_line_is_its_byte_address() -> None:
    engine = LineEngine(b"d" * 16, b"t" * 16)
    line = bytes(range(64))
    assert engine.encrypt(0x1_0040, line) == engine.encrypt_lines(0x1_0040, line)


def test_several_lines_at_once_equal_one_line_at_a_time() -> None:
    engine = LineEngine(b"d" * 16, b"t" * 16)
    lines = bytes(range(256))
    single = b"".join(engine.encrypt_lines(a, lines[a : a + 64]) for a in range(0, 256, 64))
    assert single == engine.encrypt_lines(0, lines)
    assert lines == engine.decrypt_lines(0, single)


def test_the_same_line_at_another_address_looks_different() -> None:
    engine = LineEngine(b"d" * 16, b"t" * 16)
    line = bytes(64)
    assert engine.encrypt_lines(0, line) != engine.encrypt_lines(64, line)


@pytest.mark.parametrize(("address", "size"), [(1, 64), (64, 63), (32, 64)])
def test_only_whole_aligned_lines_cross_the_engine(address: int, size: int) -> None:
    with pytest.raises(ValueError, match="only whole aligned 64-byte lines"):
        LineEngine(bytes(16), bytes(16)).encrypt_lines(address, bytes(size))


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="each key must be 16 bytes"):
        XtsAes128(bytes(32), bytes(16))


def test_forgetting_masks_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.engine.MASKS_MAX", 2)
    engine = LineEngine(b"d" * 16, b"t" * 16)
    addresses = [LINE_BYTES * n for n in range(5)]
    first = [engine.encrypt_lines(a, bytes(64)) for a in addresses]
    assert first == [engine.encrypt_lines(a, bytes(64)) for a in addresses]
