"""Bits that fade without power, and what a search recognises among them."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random

# House style puts the expected value first.
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.attack.decay import (
    MISS_ODDS,
    REGION_BYTES,
    FadedImage,
    choose_bits,
    decayed,
    errors_allowed,
    ground,
)

KEY = Random("key").randbytes(16)
BITS = 1 << 20


def count_ones(text: bytes) -> int:
    return int.from_bytes(text, "little").bit_count()


def test_ground_states_alternate_by_region() -> None:
    size = 4 * REGION_BYTES
    assert (bytes(REGION_BYTES) + b"\xff" * REGION_BYTES) * 2 == ground(0, size)


@given(address=st.integers(0, 5000), size=st.integers(0, 3000))
def test_the_ground_state_of_a_byte_depends_on_its_address_only(address: int, size: int) -> None:
    assert ground(0, address + size)[address:] == ground(address, size)


@pytest.mark.parametrize("probability", [2**-24, 0.001, 0.05, 0.25, 0.5, 0.7, 0.999])
def test_bits_are_chosen_with_their_probability(probability: float) -> None:
    expected = BITS * probability
    deviation = (expected * (1 - probability)) ** 0.5
    assert abs(choose_bits(Random(1), probability, BITS).bit_count() - expected) <= 5 * deviation


@pytest.mark.parametrize(("probability", "chosen"), [(0.0, 0), (1.0, (1 << 100) - 1)])
def test_never_and_always_are_exact(probability: float, chosen: int) -> None:
    assert chosen == choose_bits(Random(1), probability, 100)


def test_bits_fall_only_to_their_ground_state_and_as_often_as_asked() -> None:
    stored = Random(2).randbytes(4096)
    states = ground(0, 4096)
    left = decayed(stored, 0, 0.25, Random(3))
    fallen = [a ^ b for a, b in zip(stored, left, strict=True)]
    assert [0] * 4096 == [f & (b ^ g) for f, b, g in zip(fallen, left, states, strict=True)]
    off_ground = count_ones(bytes(a ^ g for a, g in zip(stored, states, strict=True)))
    assert 0.24 < count_ones(bytes(fallen)) / off_ground < 0.26


def test_memory_that_has_decayed_wholly_is_at_its_ground_state() -> None:
    assert ground(512, 4096) == decayed(Random(4).randbytes(4096), 512, 1.0, Random(5))


def odds(count: int, probability: float, least: int) -> float:
    """Of at least so many of ``count`` events, to the last digit."""
    p = Fraction(probability)
    terms = (comb(count, i) * p**i * (1 - p) ** (count - i) for i in range(least, count + 1))
    return float(sum(terms))


@pytest.mark.parametrize("decay", [0.0001, 0.01, 0.05, 0.1, 0.19])
@pytest.mark.parametrize("off_ground", [1, 7, 64, 100])
def test_as_many_errors_are_allowed_as_one_needle_of_a_million_exceeds(
    off_ground: int, decay: float
) -> None:
    allowed = errors_allowed(off_ground, decay)
    if allowed < off_ground // 2:
        assert odds(off_ground, decay, allowed + 1) <= MISS_ODDS
    assert allowed == 0 or odds(off_ground, decay, allowed) > MISS_ODDS


@pytest.mark.parametrize(
    ("off_ground", "decay", "allowed"),
    [
        (64, 0.01, 7),
        (64, 0.4, 32),  # half must still be there
        (64, 1.0, 32),
        (64, 0.0, 0),
        (16384, 0.05, 955),  # 819 expected, and 4.9 standard deviations of 27.9
        (1, 0.5, 0),
        (0, 0.5, 0),
    ],
)
def test_never_more_than_half_of_the_bits_may_have_fallen(
    off_ground: int, decay: float, allowed: int
) -> None:
    assert allowed == errors_allowed(off_ground, decay)


@pytest.mark.parametrize(("decay", "rarer_than"), [(0.05, 1e-24), (0.45, 1e-12)])
def test_other_contents_match_a_balanced_key_as_rarely_as_stated(
    decay: float, rarer_than: float
) -> None:
    at_ground = ((1 + decay) / 2) ** 64
    left = odds(64, (1 - decay) / 2, 64 - errors_allowed(64, decay))
    assert rarer_than / 100 < at_ground * left < rarer_than


def memory_with(needle: bytes, place: int, size: int = 8192, seed: int = 0) -> bytes:
    text = bytearray(Random(seed).randbytes(size))
    text[place : place + len(needle)] = needle
    return bytes(text)


@pytest.mark.parametrize("decay", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("address", [0, REGION_BYTES, 100])
def test_a_key_is_recognised_wherever_regions_border_in_it(decay: float, address: int) -> None:
    for place in [*range(REGION_BYTES - 20, REGION_BYTES + 5), 0, 8192 - 16]:
        text = decayed(memory_with(KEY, place), address, decay, Random(place))
        found = list(FadedImage(text, address, decay).find(KEY))
        errors = count_ones(bytes(a ^ b for a, b in zip(KEY, text[place:], strict=False)))
        assert [(place, errors)] == found


def test_a_page_is_recognised_over_many_regions() -> None:
    page = Random("page").randbytes(4096)
    text = decayed(memory_with(page, 1000), 0, 0.1, Random(9))
    assert [1000] == [place for place, _ in FadedImage(text, 0, 0.1).find(page)]


@pytest.mark.parametrize("needle", [b"k", b"key", b"k" * 16, bytes(16), b"\xff" * 24, KEY[:15]])
def test_needles_of_few_bits_are_found_too(needle: bytes) -> None:
    text = decayed(memory_with(needle, 600), 0, 0.001, Random(6))
    assert 600 in [place for place, _ in FadedImage(text, 0, 0.001).find(needle)]


@pytest.mark.parametrize("decay", [0.01, 0.3, 0.6, 1.0])
def test_empty_and_wholly_decayed_memory_is_never_mistaken_for_a_key(decay: float) -> None:
    for text in (bytes(8192), b"\xff" * 8192, ground(0, 8192)):
        assert [] == list(FadedImage(text, 0, decay).find(KEY))


@pytest.mark.parametrize("decay", [0.01, 0.1, 0.3])
def test_other_memory_is_not_mistaken_for_a_key(decay: float) -> None:
    text = decayed(Random(11).randbytes(1 << 16), 0, decay, Random(12))
    assert [] == list(FadedImage(text, 0, decay).find(KEY))


def test_a_bit_that_differs_from_its_ground_state_was_never_another() -> None:
    """One bit that has risen is proof that the key was not there, however alike the rest is."""
    place = 100  # in a region whose ground state is 0
    risen = bytes([KEY[0] | 1 << next(b for b in range(8) if not KEY[0] >> b & 1)]) + KEY[1:]
    assert [] == list(FadedImage(memory_with(risen, place), 0, 0.3).find(KEY))


def test_a_hundred_keys_of_a_hundred_survive_a_decay_of_15_percent() -> None:
    found = 0
    for seed in range(100):
        key = Random(f"key {seed}").randbytes(16)
        text = decayed(memory_with(key, 77, 1024, seed), 0, 0.15, Random(seed))
        found += [77] == [place for place, _ in FadedImage(text, 0, 0.15).find(key)]
    assert 100 == found


def test_a_needle_is_recognised_although_its_first_bytes_have_fallen_wholly() -> None:
    needle = b"\1" * 64
    text = memory_with(bytes(16) + needle[16:], 100)
    assert (100, 16) in list(FadedImage(text, 0, 0.3).find(needle))


def test_a_key_longer_than_the_memory_is_not_there() -> None:
    assert [] == list(FadedImage(KEY[:15], 0, 0.1).find(KEY))
