"""Which keys the hardware and the kernel hold, as fingerprints: what a drawing of a state shows.

The model tells keys apart by who supplied them; two random keys are alike to it. What lies in the
tables has bytes, and so a fingerprint that a reader can follow from package to package.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from impl import Kernel, Mode
from impl.hardware.keytable import fingerprint
from impl.inspection import Inspection

ALGORITHM = "AES-XTS-128"
"""The only algorithm that the simulated hardware has."""


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Fingerprints of keys between two calls; KeyIDs count from 1, as the hardware does.

    `entries` by (package, KeyID): what a key table entry that encrypts holds. `vault` by KeyID:
    what a slot keeps, unwrapped, where it keeps anything. `serials` by slot, (KeyID,) or (package,
    KeyID): the serial number of the key that the map names there.
    """

    entries: Mapping[tuple[int, int], str]
    vault: Mapping[int, str]
    serials: Mapping[tuple[int, ...], int]


def inventory(kernel: Kernel) -> Inventory:
    """What this kernel and its machine hold now."""
    return Inventory(_entries(kernel), _vault(kernel), _serials(kernel))


def _entries(kernel: Inspection) -> dict[tuple[int, int], str]:
    found = {}
    for number, package in enumerate(kernel.machine.packages):
        for keyid in range(1, package.table.keyids + 1):
            entry = package.table[keyid]
            if entry.mode is Mode.ENCRYPT:
                found[number, keyid] = fingerprint(entry.data_key, entry.tweak_key)
    return found


def _vault(kernel: Inspection) -> dict[int, str]:
    if not kernel.has_vault:
        return {}
    kept = {k: kernel.vault(k) for k in range(1, kernel.machine.packages[0].table.keyids + 1)}
    return {
        keyid: fingerprint(data_key, tweak_key)
        for keyid, (_, data_key, tweak_key) in kept.items()
        if any(data_key + tweak_key)
    }


def _serials(kernel: Inspection) -> dict[tuple[int, ...], int]:
    return {
        where if isinstance(where, tuple) else (where,): serial
        for where, serial in kernel.mapped().items()
    }
