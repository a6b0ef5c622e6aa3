"""The line engine against OpenSSL, and lines against data units.

The standards' own vectors are in test_impl_vectors.
"""

from __future__ import annotations

from random import Random

# House style puts the expected value first.
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS
from hypothesis import given
from hypothesis import strategies as st

from impl.hardware.engine import LINE_BYTES, LineEngine, XtsAes128

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


@pytest.mark.parametrize("address", [0, 64, 4096 - 64, 3 * 4096 + 128, (1 << 52) - (1 << 15)])
@pytest.mark.parametrize("lines", [1, 2, 3, 63, 64, 65, 200])
def test_runs_of_any_length_at_any_place_are_their_lines(address: int, lines: int) -> None:
    engine = LineEngine(b"d" * 16, b"t" * 16)
    text = Random(lines).randbytes(64 * lines)
    units = range(address, address + len(text), 64)
    single = [engine.encrypt(u, text[u - address : u - address + 64]) for u in units]
    assert b"".join(single) == engine.encrypt_lines(address, text)
    assert text == engine.decrypt_lines(address, b"".join(single))


def test_forgetting_tweaks_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.hardware.engine.REMEMBERED_BYTES_MAX", 3 * LINE_BYTES)
    engine = LineEngine(b"d" * 16, b"t" * 16)
    places = [(LINE_BYTES * n, LINE_BYTES * (1 + n % 2)) for n in range(8)]
    first = [engine.encrypt_lines(address, bytes(size)) for address, size in places]
    assert first == [engine.encrypt_lines(address, bytes(size)) for address, size in places]


def test_remembered_tweaks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.hardware.engine.REMEMBERED_BYTES_MAX", 4 * LINE_BYTES)
    engine = LineEngine(b"d" * 16, b"t" * 16)
    kept = []
    for line in range(10):
        engine.encrypt_lines(LINE_BYTES * line, bytes(LINE_BYTES))
        kept.append(len(engine._of_line))
    assert [1, 2, 3, 4, 1, 2, 3, 4, 1, 2] == kept
