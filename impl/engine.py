"""Decides what a 64-byte cache line looks like in DRAM: AES-XTS-128 as IEEE 1619-2007 specifies it.

The composition is written out over AES-ECB because OpenSSL's own XTS refuses a data key that equals
the tweak key, and the simulated hardware does not: the documentation example of RFC v2 uses such a
pair.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

LINE_BYTES: Final = 64
KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 16

# x^128 = x^7 + x^2 + x + 1 in GF(2^128), IEEE 1619-2007 clause 5.2.
REDUCTION: Final = (1 << 128) | 0x87

# A bound on remembered masks, so that a long run over much memory does not grow without end (4
# MiB).
MASKS_MAX: Final = 1 << 16


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

    def mask(self, data_unit: int, size: int) -> bytes:
        """The tweaks T, T*x, T*x^2, ... of one data unit, ``size`` bytes, XORed around AES."""
        tweak = int.from_bytes(self._encrypt_tweak(data_unit.to_bytes(16, "little")), "little")
        tweaks = 0
        for shift in range(0, size * 8, 128):
            tweaks |= tweak << shift
            tweak <<= 1
            if tweak >> 128:
                tweak ^= REDUCTION
        return tweaks.to_bytes(size, "little")

    def encrypt(self, data_unit: int, plaintext: bytes) -> bytes:
        """One data unit of whole blocks; ``data_unit`` is its number, 0 <= number < 2**128."""
        return self._xor_encrypt(self.mask(data_unit, len(plaintext)), plaintext)

    def decrypt(self, data_unit: int, ciphertext: bytes) -> bytes:
        """The inverse of ``encrypt``."""
        return self._xor_decrypt(self.mask(data_unit, len(ciphertext)), ciphertext)

    def _xor_encrypt(self, mask: bytes, plaintext: bytes) -> bytes:
        size = len(plaintext)
        tweaks = int.from_bytes(mask, "little")
        inner = (int.from_bytes(plaintext, "little") ^ tweaks).to_bytes(size, "little")
        return (int.from_bytes(self._encrypt(inner), "little") ^ tweaks).to_bytes(size, "little")

    def _xor_decrypt(self, mask: bytes, ciphertext: bytes) -> bytes:
        size = len(ciphertext)
        tweaks = int.from_bytes(mask, "little")
        inner = (int.from_bytes(ciphertext, "little") ^ tweaks).to_bytes(size, "little")
        return (int.from_bytes(self._decrypt(inner), "little") ^ tweaks).to_bytes(size, "little")


class LineEngine(XtsAes128):
    """The memory controller's cipher for one key: whole lines at their physical addresses.

    The data unit is the line. Its number is the line's physical byte address without KeyID bits:
    that is the value the specification names, and it is unique per line; the line *index* (address
    / 64) would be just as unique and as safe, but would not be what the hardware description says.
    """

    def __init__(self, data_key: bytes, tweak_key: bytes) -> None:
        super().__init__(data_key, tweak_key)
        # A line's mask depends on its address and the tweak key only, so it is worth remembering.
        self._masks: dict[int, bytes] = {}

    def encrypt_lines(self, address: int, plaintext: bytes) -> bytes:
        """Whole lines starting at ``address`` (a multiple of 64), as they are stored in DRAM."""
        return self._xor_encrypt(self._mask_lines(address, len(plaintext)), plaintext)

    def decrypt_lines(self, address: int, ciphertext: bytes) -> bytes:
        """The inverse; with another key than the one written with, garbage and no error."""
        return self._xor_decrypt(self._mask_lines(address, len(ciphertext)), ciphertext)

    def _mask_lines(self, address: int, size: int) -> bytes:
        if address % LINE_BYTES or size % LINE_BYTES:
            raise ValueError("cannot cross the memory engine: only whole aligned 64-byte lines do")
        if size == LINE_BYTES:
            return self._mask_line(address)
        return b"".join(
            [self._mask_line(line) for line in range(address, address + size, LINE_BYTES)]
        )

    def _mask_line(self, line: int) -> bytes:
        mask = self._masks.get(line)
        if mask is None:
            if len(self._masks) >= MASKS_MAX:
                self._masks.clear()
            mask = self._masks[line] = self.mask(line, LINE_BYTES)
        return mask
