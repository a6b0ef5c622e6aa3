"""Which states a compiled search has seen: one bit for each state there could be, or a hash set.

These are loops in plain Python, made to be compiled by `jit`; nothing here imports anything else.
States are rows of words. A set is given and changed in place. Each function appends to `fresh`,
from row `at` on, the states that are new, in the order in which they are found, and returns how
many rows are filled then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ZERO = np.uint64(0)
ONE = np.uint64(1)
SEVEN = np.uint64(7)
THREE = np.uint64(3)
HALF = np.uint64(32)
ODD = np.uint64(0x9E3779B97F4A7C15)
OTHER = np.uint64(0xD6E8FEB86659FD93)


def insert_bits(found: Any, count: int, bits: Any, shift: Any, fresh: Any, at: int) -> int:
    """A set of states of one word: `bits` has one bit for each, `shift` is what to drop below."""
    for i in range(count):
        word = found[i, 0]
        number = word >> shift
        byte = bits[number >> THREE]
        bit = np.uint8(ONE << (number & SEVEN))
        if byte & bit == 0:
            bits[number >> THREE] = byte | bit
            fresh[at, 0] = word
            at += 1
    return at


def insert_words(
    found: Any, count: int, slots: Any, shift: Any, zero: Any, fresh: Any, at: int
) -> int:
    """A set of states of one word in open addressing: 2 ** (64 - `shift`) slots, 0 when empty.

    `zero[0]` says whether the state 0 is in it. There must be an empty slot.
    """
    mask = np.uint64(slots.shape[0] - 1)
    for i in range(count):
        word = found[i, 0]
        mixed = (word ^ (word >> HALF)) * ODD
        place = (mixed ^ (mixed >> HALF)) * OTHER >> shift
        held = slots[place, 0]
        while held != word and held != ZERO:
            place = (place + ONE) & mask
            held = slots[place, 0]
        if held != word:
            slots[place, 0] = word
            fresh[at, 0] = word
            at += 1
        elif word == ZERO and not zero[0]:
            zero[0] = True
            fresh[at, 0] = word
            at += 1
    return at


def insert_rows(
    found: Any, count: int, slots: Any, shift: Any, zero: Any, fresh: Any, at: int
) -> int:
    """The same for states of any number of words."""
    mask = np.uint64(slots.shape[0] - 1)
    words = found.shape[1]
    for i in range(count):
        mixed = ZERO
        every = ZERO
        for w in range(words):
            mixed = (mixed ^ found[i, w]) * ODD
            mixed ^= mixed >> HALF
            every |= found[i, w]
        place = mixed * OTHER >> shift
        is_held = False
        while True:
            same = True
            occupied = ZERO
            for w in range(words):
                occupied |= slots[place, w]
                same = same and slots[place, w] == found[i, w]
            if same and every != ZERO:
                is_held = True
            if same or occupied == ZERO:
                break
            place = (place + ONE) & mask
        if every == ZERO:
            is_held = zero[0]
            zero[0] = True
        if not is_held:
            for w in range(words):
                slots[place, w] = found[i, w]
                fresh[at, w] = found[i, w]
            at += 1
    return at
