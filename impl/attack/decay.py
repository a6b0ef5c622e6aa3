"""Decides how stored bits fade without power, and where a needle is recognised among faded ones.

Source: Halderman et al., "Lest We Remember: Cold Boot Attacks on Encryption Keys" (USENIX Security
2008): every cell falls to its ground state; cells are wired so that regions of ground state 0 and
of ground state 1 alternate; a bit at its ground state stays. The paper gives no one size for a
region: here it is 512 bytes. The attacker knows the ground states, which any module without power
shows.

A place matches if every bit that differs reads as its ground state, and no more bits differ than
`errors_allowed`, m of k that are off the ground. The odds that other contents match by chance: of a
needle of n bits (n - k) positions must read as ground and k - m or more of the others must not,
which for random contents that decayed too has the probability

    ((1 + decay) / 2)**(n - k) * P(Binomial(k, (1 - decay) / 2) >= k - m)

per byte of memory: for a 16-byte key with as many ones as zeros below 1e-24 at a decay of 0.05, and
below 1e-12 at 0.45. Empty memory is never mistaken for a needle that has a bit off the ground. A
needle of a few bytes, or of equal bytes, has worse odds. Needles that are alike can all match at
one place; `is_outdone` then decides for those with the fewest errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from random import Random
from typing import Final

REGION_BYTES: Final = 512
PROBABILITY_BITS: Final = 24

# How rarely a needle that is there may be missed for having decayed too much; and again for having
# lost every bit by which the search would have noticed it.
MISS_ODDS: Final = 1e-6

ANCHOR_BYTES: Final = 8

# Marks positions whose bytes are all at ground; the inverse of a bool.
IS_ZERO: Final = bytes([1]) + bytes(255)


def ground(address: int, size: int) -> bytes:
    """The ground states of ``size`` bytes from a physical address."""
    pair = bytes(REGION_BYTES) + b"\xff" * REGION_BYTES
    start = address % len(pair)
    return (pair * ((start + size) // len(pair) + 1))[start : start + size]


def choose_bits(random: Random, probability: float, count: int) -> int:
    """``count`` bits, each set with a probability, which counts in steps of 2**-24.

    One draw per binary digit of the probability, lowest first: OR with fresh bits for a 1 and AND
    for a 0 halve the way to that digit.
    """
    digits = round(probability * (1 << PROBABILITY_BITS))
    if digits >> PROBABILITY_BITS:
        return (1 << count) - 1
    chosen = 0
    for place in range(PROBABILITY_BITS):
        if digits >> place & 1:
            chosen |= random.getrandbits(count)
        elif chosen:
            chosen &= random.getrandbits(count)
    return chosen


def decayed(stored: bytes, address: int, decay: float, random: Random) -> bytes:
    """What is left when each stored bit off its ground falls with probability ``decay``."""
    size = len(stored)
    bits = int.from_bytes(stored, "little")
    off_ground = bits ^ int.from_bytes(ground(address, size), "little")
    return (bits ^ off_ground & choose_bits(random, decay, 8 * size)).to_bytes(size, "little")


@lru_cache(maxsize=1024)
def errors_allowed(off_ground: int, decay: float) -> int:
    """How many of so many bits off the ground may have fallen.

    The binomial distribution's exact tail: more have fallen in at most one needle of a million. But
    half of them must still be there, so that empty memory does not match; above a decay of about
    0.2 for a 16-byte key that is the stricter rule, and such keys are then missed rather than
    mistaken.
    """
    if not 0 < decay < 1:
        return off_ground // 2 if decay else 0
    # Logarithms, for a page's most unlikely counts are below the smallest float. The odds that all
    # have fallen, then that one less has, and so on.
    odds = off_ground * math.log(decay)
    tail, fallen = 0.0, off_ground
    while fallen and (tail := tail + math.exp(odds)) <= MISS_ODDS:
        odds += math.log(fallen * (1 - decay) / ((off_ground - fallen + 1) * decay))
        fallen -= 1
    return min(off_ground // 2, fallen)


class FadedImage:
    """A run of decayed memory, and where needles are recognised in it."""

    def __init__(self, image: bytes, address: int, decay: float) -> None:
        """``image``: decayed bytes from a physical address on; see `decayed`."""
        self._image = image
        self._ground = ground(address, len(image))
        self._decay = decay
        pattern = int.from_bytes(self._ground, "little")
        self._off_ground = int.from_bytes(image, "little") ^ pattern
        self._repeated: dict[int, int] = {}

    def find(self, needle: bytes) -> Iterator[tuple[int, int]]:
        """(offset, bits in error) of every place where the needle can have been, in order."""
        for place in self._candidates(needle):
            errors = self._errors(needle, place)
            if errors is not None:
                yield place, errors

    def count_errors(self, text: bytes, place: int) -> int:
        """In how many bits the memory differs from ``text`` there."""
        seen = self._image[place : place + len(text)]
        return (int.from_bytes(seen, "little") ^ int.from_bytes(text, "little")).bit_count()

    def _errors(self, needle: bytes, place: int) -> int | None:
        """How many bits of the needle have fallen there; None if it cannot have been there."""
        end = place + len(needle)
        seen = int.from_bytes(self._image[place:end], "little")
        grounds = int.from_bytes(self._ground[place:end], "little")
        wanted = int.from_bytes(needle, "little")
        fallen = seen ^ wanted
        if fallen & (seen ^ grounds):
            return None
        errors = fallen.bit_count()
        off_ground = (wanted ^ grounds).bit_count()
        return errors if errors <= errors_allowed(off_ground, self._decay) else None

    def _candidates(self, needle: bytes) -> list[int]:
        """Places where one of the needle's two anchors can have been, in a region of either kind.

        The anchors lie side by side, so that a border between two regions cuts one of them at most.
        """
        last = len(self._image) - len(needle)
        if last < 0:
            return []
        size = min(ANCHOR_BYTES, max(len(needle) // 2, 1))
        start = anchor(needle, 2 * size)
        places: set[int] = set()
        for offset in {start, min(start + size, len(needle) - size)}:
            piece = needle[offset : offset + size]
            for ground_state in (0x00, 0xFF):
                marks = self._impossible(bytes(b ^ ground_state for b in piece), offset)
                place = marks.find(0, 0, last + 1)
                while place >= 0:
                    places.add(place)
                    place = marks.find(0, place + 1, last + 1)
        return sorted(places)

    def _impossible(self, piece: bytes, offset: int) -> bytes:
        """For every place a byte: 0 if ``piece`` (bits off the ground) can be ``offset`` further.

        All places are judged together, as one large integer: a bit that is off the ground now, and
        is not in the piece, rules a place out. So does empty memory, where the piece has so many
        bits that hardly ever all of them are lost: each with the probability ``decay``, and with
        no more than 1/2 in a needle that `errors_allowed` accepts.
        """
        size = len(self._image)
        impossible = anything = 0
        for number, byte in enumerate(piece, offset):
            shifted = self._off_ground >> 8 * number
            anything |= shifted
            impossible |= shifted & self._repeat(~byte & 0xFF)
        if min(self._decay, 0.5) ** int.from_bytes(piece, "little").bit_count() < MISS_ODDS:
            empty = anything.to_bytes(size, "little").translate(IS_ZERO)
            impossible |= int.from_bytes(empty, "little")
        return impossible.to_bytes(size, "little")

    def _repeat(self, byte: int) -> int:
        if byte not in self._repeated:
            repeated = bytes([byte]) * len(self._image)
            self._repeated[byte] = int.from_bytes(repeated, "little")
        return self._repeated[byte]


def is_outdone(needle: bytes, rivals: Iterable[bytes], memory: FadedImage, place: int) -> bool:
    """Whether a needle recognised at a place loses it to one of the others recognised there.

    Two needles that differ in the bytes that both have cannot both have been there; it was rather
    the one with fewer errors in these.
    """
    for rival in rivals:
        shared = min(len(needle), len(rival))
        ours, theirs = needle[:shared], rival[:shared]
        if memory.count_errors(ours, place) > memory.count_errors(theirs, place):
            return True
    return False


def anchor(needle: bytes, size: int) -> int:
    """Where the ``size`` bytes of the needle begin that have ones and zeros most in balance."""
    bits = int.from_bytes(needle, "little")
    ones = (1 << 8 * size) - 1
    starts = range(max(len(needle) - size, 0) + 1)
    return min(starts, key=lambda s: abs((bits >> 8 * s & ones).bit_count() - 4 * size))
