"""Decides how key bytes travel between kernel structures: one value, whose text form shows no key.

The kernel's own representation is 36 bytes: control word (4), data key (16), tweak key (16), little
endian (struct mktme_payload, RFC v2 patch 06).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from impl.hardware.engine import KEY_BYTES
from impl.hardware.keytable import fingerprint
from impl.hardware.pconfig import COMMAND_MASK, Command

CONTROL_BYTES: Final = 4
MATERIAL_BYTES: Final = CONTROL_BYTES + 2 * KEY_BYTES
NO_BYTES: Final = bytes(KEY_BYTES)


@dataclass(frozen=True, repr=False)
class KeyMaterial:
    """What one programming needs: the control word (keyid_ctrl) and two 16-byte keys."""

    control_word: int
    data_key: bytes = field(default=NO_BYTES)
    tweak_key: bytes = field(default=NO_BYTES)

    @property
    def command(self) -> Command:
        """The PCONFIG command in the control word."""
        return Command(self.control_word & COMMAND_MASK)

    @property
    def is_user(self) -> bool:
        """Whether the owner supplied the key: the type the bitmap counts (RFC v2 patch 12)."""
        return self.command is Command.SET_KEY_DIRECT

    def __repr__(self) -> str:
        return f"KeyMaterial({self.command.name}, key {fingerprint(self.data_key, self.tweak_key)})"


CLEAR: Final = KeyMaterial(Command.CLEAR_KEY)
