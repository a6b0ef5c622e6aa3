"""Which variables the model has under a design: the machine, the key service, memory, and ghosts.

With global KeyIDs there is one map, one array of reference counts, one bitmap and one vault; with
per-package KeyIDs each package has its own, and there is no vault. *Ghosts* are what only an owner
or an observer knows; no guard reads them.
"""

from __future__ import annotations

from checker.systems.system import BOOL, Family, Index
from designs import Design
from model.sorts import BYTES, CONTROL, CPU, KEY, KEYID, KIND, MODE, PACKAGE, VMA


def families(design: Design) -> tuple[Family, ...]:
    """The variables of the model under a design."""
    per_package = design.keyid_scope == "per_package"
    slot = (PACKAGE, KEYID) if per_package else (KEYID,)
    return (
        *_machine(),
        *_service(slot),
        *_vmas(design, slot, KEY if per_package else KEYID),
        *(() if per_package else _vault()),
        *_residue(),
        *_owners(slot, (KEY,) if per_package else (KEYID,)),
        *_pages(),
        *(_carried() if remembers_keyids(design) else ()),
    )


def can_lose_lock(design: Design) -> bool:
    """Whether some call can end, or never end, with the map lock held."""
    return design.error_unlock == "missing" or can_hang(design)


def can_hang(design: Design) -> bool:
    """Whether encrypt_mprotect can wait for the map lock that it holds itself (patch 08)."""
    return design.last_put == "locks_again"


def remembers_keyids(design: Design) -> bool:
    """Whether a page can have another KeyID than its VMA's key is found at by now.

    With per-package KeyIDs a VMA remembers its key. An address that is used again may be found at
    another KeyID than when the page was placed, which keeps the one that it has.
    """
    return design.keyid_scope == "per_package" and design.key_lookup == "by_address"


def _machine() -> tuple[Family, ...]:
    return (
        Family("bypass", (), BOOL, meaning="KeyID 0 traffic reaches DRAM unencrypted (TME bypass)"),
        Family("present", (PACKAGE,), BOOL, meaning="the package is in the machine"),
        Family("memory", (PACKAGE,), BOOL, meaning="its memory is usable: a CPU was online once"),
        Family("online", (PACKAGE, CPU), BOOL, meaning="the CPU is online"),
        Family("lead", (PACKAGE, CPU), BOOL, meaning="the CPU programs its package's table"),
        Family("entry_mode", (PACKAGE, KEYID), MODE, meaning="the mode of a table's entry"),
        Family("entry_bytes", (PACKAGE, KEYID), BYTES, meaning="the key in a table's entry"),
    )


def _service(slot: tuple[Index, ...]) -> tuple[Family, ...]:
    return (
        Family("live", (KEY,), BOOL, meaning="the key object is a key"),
        Family("mapped", (KEY, *slot), BOOL, meaning="the map holds the key object at this KeyID"),
        Family("bit", slot, BOOL, meaning="the KeyID's bit in the user-type bitmap"),
        Family("uncleared", (PACKAGE, KEYID), BOOL, meaning="must be cleared before reuse"),
        Family("key_counted", slot, BOOL, meaning="the reference that a key took is counted"),
    )


def _vmas(design: Design, slot: tuple[Index, ...], handle: Index) -> tuple[Family, ...]:
    """`uses` has the KeyID of a VMA, or with per-package KeyIDs its key object."""
    found = [
        Family("counted", (VMA, *slot), BOOL, meaning="the reference that a VMA took is counted"),
        Family("uses", (VMA, handle), BOOL, meaning="the VMA is encrypted with it"),
    ]
    if can_lose_lock(design):
        found.append(Family("lost_lock", (), BOOL, meaning="a call left the map lock held"))
    if can_hang(design):
        found += [
            Family("hung", (VMA,), BOOL, meaning="its process never comes back"),
            Family("in_flight", (KEY,), BOOL, meaning="a call that never returns refers to it"),
        ]
    return tuple(found)


def _vault() -> tuple[Family, ...]:
    return (
        Family("vault_control", (KEYID,), CONTROL, meaning="vault: control word"),
        Family("vault_bytes", (KEYID,), BYTES, meaning="vault: data and tweak key"),
    )


def _residue() -> tuple[Family, ...]:
    return (
        Family(
            "struct_residue", (BYTES,), BOOL, meaning="user key in a freed programming structure"
        ),
        Family("leaked", (BYTES,), BOOL, meaning="user key in a payload that was never freed"),
        Family("released", (BYTES,), BOOL, ghost=True, meaning="a KeyID with this key was freed"),
        Family("overread", (), BOOL, ghost=True, meaning="a payload was read beyond its end"),
        Family("overrun", (), BOOL, ghost=True, meaning="a count beyond the array was accessed"),
    )


def _owners(slot: tuple[Index, ...], request: tuple[Index, ...]) -> tuple[Family, ...]:
    """What the owner of a key last got: with per-package KeyIDs one request for all of them."""
    return (
        Family("requested_kind", request, KIND, ghost=True, meaning="type the owner last got"),
        Family("requested_bytes", request, BYTES, ghost=True, meaning="key the owner last got"),
        Family("known", (*request, BYTES), BOOL, ghost=True, meaning="a key the owner handed in"),
        Family("given", (KEY, *slot), BOOL, ghost=True, meaning="the KeyID that the key was given"),
        Family("astray", (VMA,), BOOL, ghost=True, meaning="its KeyID is not its named key's"),
        Family("wants", (VMA,), BOOL, ghost=True, meaning="its owner asked for encryption"),
    )


def _pages() -> tuple[Family, ...]:
    """Of each VMA one page, and what an observer knows of the bytes in its frame."""
    return (
        Family("page", (VMA, PACKAGE), BOOL, meaning="its page lies in this package's memory"),
        Family("shares", (VMA, VMA), BOOL, meaning="the two map one page frame (fork)"),
        Family("left", (VMA, PACKAGE), BOOL, ghost=True, meaning="its last page lies there, freed"),
        Family("intact", (VMA,), BOOL, ghost=True, meaning="its page always read back right"),
        Family("plain", (VMA,), BOOL, ghost=True, meaning="its page is plaintext in DRAM"),
        Family("written", (VMA, BYTES), BOOL, ghost=True, meaning="its page is under this key"),
        Family("opens", (VMA, KEYID), BOOL, ghost=True, meaning="this KeyID decrypts its page"),
        Family(
            "own", (VMA, KEYID), BOOL, ghost=True, meaning="the KeyID is still its page's key's"
        ),
    )


def _carried() -> tuple[Family, ...]:
    return (Family("carries", (VMA, KEYID), BOOL, meaning="its page's table entry has this KeyID"),)
