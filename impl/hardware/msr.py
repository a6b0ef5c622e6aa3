"""Decides what the registers IA32_TME_CAPABILITY and IA32_TME_ACTIVATE of a package accept.

Source: Intel Architecture Memory Encryption Technologies Specification (336907, revision 1.3),
chapter 4, whose table of WRMSR responses is followed row by row, and the specification of this
product, hardware.md. Every row that refuses raises #GP(0) and changes nothing. In words:

* a successful write locks the register by itself until reset; what is written to the lock bit is
  ignored; a write to a locked register is refused;
* refused are reserved bits, a policy or algorithm that the capability register does not offer, more
  KeyID bits than it offers, and the bypass bit where it does not offer the bypass;
* with the enable bit a new ephemeral TME key is drawn, unless the key-select bit asks for the key
  saved before standby. This machine has no standby and never saved one, and that row of the table
  says: nothing is enabled, the register stays unlocked and reads the key-select bit; with KeyID
  bits the write is not committed at all. For the same reason the bit that saves the key is reserved
  here.

DIFFERS FROM SOURCE: silicon refuses KeyID bits while the enable bit is clear. The specification of
this product judges machines whose KeyIDs 1..N encrypt while "TME is off", meaning that KeyID 0
memory is stored as it is; so that write is accepted here.
DIFFERS FROM SOURCE: the exclusion range (983H, 984H) and the later bits for TDX (39:36) and 256-bit
keys are absent, as in hardware.md.
"""

from __future__ import annotations

from typing import Final

from impl.errors import GeneralProtection

IA32_TME_CAPABILITY: Final = 0x981
IA32_TME_ACTIVATE: Final = 0x982
NAMES: Final = {
    IA32_TME_CAPABILITY: "IA32_TME_CAPABILITY",
    IA32_TME_ACTIVATE: "IA32_TME_ACTIVATE",
}

# The one algorithm: bit 0 of the capability register, bit 48 of the activation register, bit 8 of
# PCONFIG's keyid_ctrl.
AES_XTS_128: Final = 1
ALGORITHMS: Final = AES_XTS_128

BYPASS: Final = 1 << 31
KEYID_BITS_SHIFT: Final = 32
KEYID_BITS_MASK: Final = 0xF
KEYIDS_SHIFT: Final = 36
KEYIDS_MASK: Final = 0x7FFF
KEYIDS_MAX: Final = 0x7FFF

LOCK: Final = 1 << 0
ENABLE: Final = 1 << 1
KEY_SELECT: Final = 1 << 2
POLICY_SHIFT: Final = 4
POLICY_MASK: Final = 0xF
ALGORITHMS_SHIFT: Final = 48
ACTIVATE_RESERVED: Final = 1 << 3 | 0x7FFFFF << 8 | 0xFFF << 36

REGISTER_BITS: Final = 64


def capability(keyids: int, *, bypass: bool = True) -> int:
    """What a package offers: AES-XTS-128, ``keyids`` keys (0: no multi-key), the bypass or not."""
    return (
        AES_XTS_128
        | (BYPASS if bypass else 0)
        | keyids.bit_length() << KEYID_BITS_SHIFT
        | keyids << KEYIDS_SHIFT
    )


def activation(keyid_bits: int, *, enable: bool = True, bypass: bool = False) -> int:
    """What firmware writes: so many KeyID bits, AES-XTS-128, and how KeyID 0 memory is stored."""
    return (
        (ENABLE if enable else 0)
        | (BYPASS if bypass else 0)
        | keyid_bits << KEYID_BITS_SHIFT
        | AES_XTS_128 << ALGORITHMS_SHIFT
    )


def refusal(value: int, offered: int) -> str | None:
    """Why a write to an unlocked IA32_TME_ACTIVATE is refused; None if it is not."""
    keyid_bits_max = offered >> KEYID_BITS_SHIFT & KEYID_BITS_MASK
    facts = {
        "a reserved bit is set": value & ACTIVATE_RESERVED,
        "the policy is not a supported algorithm": not (
            offered & ALGORITHMS & 1 << (value >> POLICY_SHIFT & POLICY_MASK)
        ),
        "the bypass is not supported": value & BYPASS & ~offered,
        f"more than {keyid_bits_max} KeyID bits are not supported": (
            value >> KEYID_BITS_SHIFT & KEYID_BITS_MASK
        )
        > keyid_bits_max,
        "an algorithm is not supported": value >> ALGORITHMS_SHIFT & ~(offered & ALGORITHMS),
    }
    return next((fact for fact, holds in facts.items() if holds), None)


class Registers:
    """The two registers of one package, and what follows from their values.

    ``offered``: IA32_TME_CAPABILITY. ``offered_keyids``: the largest KeyID that it can hold a key
    for.
    ``locked``: firmware has activated the package. ``encrypts_keyid_0``: KeyID 0 traffic passes the
    engine under the ephemeral TME key. ``keyid_bits``: how many address bits carry the KeyID.
    ``keyids``: the largest KeyID that can be used, 0 if none. ``algorithms``: bits, as in
    keyid_ctrl.
    """

    def __init__(self, offered: int) -> None:
        """``offered``: the value of IA32_TME_CAPABILITY; see `capability`."""
        self.offered = offered
        self.offered_keyids = offered >> KEYIDS_SHIFT & KEYIDS_MASK
        self._activate = 0
        self._derive()

    def reset(self) -> None:
        """As after a reset of the package: unlocked, nothing enabled."""
        self._activate = 0
        self._derive()

    def read(self, msr: int) -> int:
        """RDMSR. Raises GeneralProtection for any other register."""
        if msr == IA32_TME_CAPABILITY:
            return self.offered
        if msr == IA32_TME_ACTIVATE:
            return self._activate
        raise GeneralProtection(f"cannot read MSR {msr:#x}: there is no such register")

    def write(self, msr: int, value: int) -> None:
        """WRMSR of a 64-bit value (else ValueError). Raises GeneralProtection."""
        if value >> REGISTER_BITS:
            raise ValueError(f"cannot write MSR {msr:#x}: the value does not fit into 64 bits")
        if msr not in NAMES:
            raise GeneralProtection(f"cannot write MSR {msr:#x}: there is no such register")
        fact = "it is read-only"
        if msr == IA32_TME_ACTIVATE:
            fact = "it is locked" if self.locked else refusal(value, self.offered) or ""
        if fact:
            raise GeneralProtection(f"cannot write {NAMES[msr]}: {fact}")
        if value & ENABLE and value & KEY_SELECT:
            has_keyid_bits = value >> KEYID_BITS_SHIFT & KEYID_BITS_MASK
            self._activate = self._activate if has_keyid_bits else KEY_SELECT
        else:
            self._activate = value | LOCK
        self._derive()

    def _derive(self) -> None:
        value = self._activate
        self.locked = bool(value & LOCK)
        self.encrypts_keyid_0 = bool(value & ENABLE) and not value & BYPASS
        self.keyid_bits = value >> KEYID_BITS_SHIFT & KEYID_BITS_MASK
        self.keyids = min((1 << self.keyid_bits) - 1, self.offered_keyids)
        self.algorithms = value >> ALGORITHMS_SHIFT
