"""Decides what a 64-byte cache line looks like in DRAM: AES-XTS-128 as IEEE 1619-2007 specifies it.

The composition is written out over AES-ECB because OpenSSL's own XTS refuses a data key that equals
the tweak key, and the simulated hardware does not: the documentation example of RFC v2 uses such a
pair. Many lines at once cost little more than one, because XOR and the tweaks' multiplication by x
are done on all of them together, as one large integer.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

LINE_BYTES: Final = 64
KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 16
LINE_BITS: Final = 8 * LINE_BYTES
BLOCK_BITS: Final = 8 * BLOCK_BYTES

# x^128 = x^7 + x^2 + x + 1 in GF(2^128), IEEE 1619-2007 clause 5.2.
REDUCTION: Final = 0x87
BLOCK_ONES: Final = (1 << BLOCK_BITS) - 1

# Longer runs of lines pass in pieces of this size, each at the same addresses every time.
RUN_BYTES: Final = 4096

# A bound on remembered tweaks, so that a long run over much memory does not grow without end.
REMEMBERED_BYTES_MAX: Final = 4 << 20


class XtsAes128:
    """XTS-AES-128 over data units of whole 16-byte blocks (IEEE 1619-2007 clause 5.3).

    Ciphertext stealing (clause 5.3.2, the last partial block) is absent: a cache line is four whole
    blocks.
    """

    def __init__(self, data_key: bytes, tweak_key: bytes) -> None:
        """Two separate 16-byte keys; they may be equal. Raises ValueError for any other length."""
        if len(data_key) != KEY_BYTES or len(tweak_key) != KEY_BYTES:
            raise ValueError("cannot build an XTS-AES-128 engine: each key must be 16 bytes long")
        # ECB carries no state from one call to the next, so one context each serves for good.
        data = Cipher(AES(data_key), ECB())
        self._encrypt = data.encryptor().update
        self._decrypt = data.decryptor().update
        self._encrypt_tweak = Cipher(AES(tweak_key), ECB()).encryptor().update

    def encrypt(self, data_unit: int, plaintext: bytes) -> bytes:
        """One data unit of whole blocks; ``data_unit`` is its number, 0 <= number < 2**128."""
        return self._xor_encrypt(self._tweaks(data_unit, len(plaintext)), plaintext)

    def decrypt(self, data_unit: int, ciphertext: bytes) -> bytes:
        """The inverse of ``encrypt``."""
        return self._xor_decrypt(self._tweaks(data_unit, len(ciphertext)), ciphertext)

    def _tweaks(self, data_unit: int, size: int) -> int:
        """T, T*x, T*x^2, ... of one data unit, ``size`` bytes, XORed before and after AES."""
        tweak = int.from_bytes(self._encrypt_tweak(data_unit.to_bytes(16, "little")), "little")
        tweaks = 0
        for shift in range(0, size * 8, BLOCK_BITS):
            tweaks |= tweak << shift
            tweak = (tweak << 1 & BLOCK_ONES) ^ (tweak >> BLOCK_BITS - 1) * REDUCTION
        return tweaks

    def _xor_encrypt(self, tweaks: int, plaintext: bytes) -> bytes:
        size = len(plaintext)
        inner = (int.from_bytes(plaintext, "little") ^ tweaks).to_bytes(size, "little")
        return (int.from_bytes(self._encrypt(inner), "little") ^ tweaks).to_bytes(size, "little")

    def _xor_decrypt(self, tweaks: int, ciphertext: bytes) -> bytes:
        size = len(ciphertext)
        inner = (int.from_bytes(ciphertext, "little") ^ tweaks).to_bytes(size, "little")
        return (int.from_bytes(self._decrypt(inner), "little") ^ tweaks).to_bytes(size, "little")


@lru_cache
def lanes(lines: int) -> tuple[int, int]:
    """A 1 at the start of each of so many 512-bit lanes, and each lane's line offset in bytes."""
    ones = steps = 0
    for line in range(lines):
        ones |= 1 << line * LINE_BITS
        steps |= line * LINE_BYTES << line * LINE_BITS
    return ones, steps


class LineEngine(XtsAes128):
    """The memory controller's cipher for one key: whole lines at their physical addresses.

    The data unit is the line. Its number is the line's physical byte address without KeyID bits:
    that is the value the specification names, and it is unique per line; the line *index* (address
    / 64) would be just as unique and as safe, but would not be what the hardware description says.
    """

    def __init__(self, data_key: bytes, tweak_key: bytes) -> None:
        super().__init__(data_key, tweak_key)
        # A line's tweaks depend on its address and the tweak key only, so they are worth
        # remembering: those of single lines by address, those of longer runs by address and size.
        self._of_line: dict[int, int] = {}
        self._of_run: dict[tuple[int, int], int] = {}
        self._remembered = 0

    def encrypt_lines(self, address: int, plaintext: bytes) -> bytes:
        """Whole lines starting at ``address`` (a multiple of 64), as they are stored in DRAM."""
        size = len(plaintext)
        if size > RUN_BYTES:
            pieces = runs(address, size)
            return b"".join([self.encrypt_lines(address + a, plaintext[a:b]) for a, b in pieces])
        return self._xor_encrypt(self._tweaks_of_lines(address, size), plaintext)

    def decrypt_lines(self, address: int, ciphertext: bytes) -> bytes:
        """The inverse; with another key than the one written with, garbage and no error."""
        size = len(ciphertext)
        if size > RUN_BYTES:
            pieces = runs(address, size)
            return b"".join([self.decrypt_lines(address + a, ciphertext[a:b]) for a, b in pieces])
        return self._xor_decrypt(self._tweaks_of_lines(address, size), ciphertext)

    def _tweaks_of_lines(self, address: int, size: int) -> int:
        if size == LINE_BYTES:
            tweaks = self._of_line.get(address)
        else:
            tweaks = self._of_run.get((address, size))
        return self._remember(address, size) if tweaks is None else tweaks

    def _remember(self, address: int, size: int) -> int:
        if address % LINE_BYTES or size % LINE_BYTES:
            raise ValueError("cannot cross the memory engine: only whole aligned 64-byte lines do")
        if self._remembered + size > REMEMBERED_BYTES_MAX:
            self._of_line.clear()
            self._of_run.clear()
            self._remembered = 0
        self._remembered += size
        tweaks = self._compute(address, size)
        if size == LINE_BYTES:
            self._of_line[address] = tweaks
        else:
            self._of_run[address, size] = tweaks
        return tweaks

    def _compute(self, address: int, size: int) -> int:
        """All lines at once: one lane of 512 bits for each, its data unit number in the lowest.

        AES encrypts the three empty blocks of each lane too; what becomes of them is thrown away.
        """
        ones, steps = lanes(size // LINE_BYTES)
        units = (address * ones + steps).to_bytes(size, "little")
        lowest = ones * BLOCK_ONES
        tweak = int.from_bytes(self._encrypt_tweak(units), "little") & lowest
        tweaks = tweak
        for shift in range(BLOCK_BITS, LINE_BITS, BLOCK_BITS):
            carries = tweak >> BLOCK_BITS - 1 & ones
            tweak = (tweak << 1 & lowest) ^ carries * REDUCTION
            tweaks |= tweak << shift
        return tweaks


def runs(address: int, size: int) -> list[tuple[int, int]]:
    """Where to cut ``size`` bytes: (start, end) of pieces that end where pages do."""
    first = RUN_BYTES - address % RUN_BYTES
    cuts = [0, *range(first, size, RUN_BYTES), size]
    return list(pairwise(cuts))
