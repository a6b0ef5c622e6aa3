"""The catalogue's claims about a running kernel: one sentence each, judged from bytes and tables.

A claim takes a `Watcher` after a call and gives its violations in words, without key bytes. State
claims speak of the time between operations, so that nothing is judged while one of them hangs.
`kernel_secrets` holds the claims on secrecy and data, `kernel_answers` those on what calls answer.

READINGS, where the catalogue leaves room:
* table-as-requested asks of the packages with an online CPU, as tables-agree does.
* no-lost-keyid: a KeyID that waits to be cleared on a present package is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kernel_answers import ANSWERS
from kernel_digest import Slot, counted_bits, map_counts, references, slot_values
from kernel_owners import Owned
from kernel_pages import Watcher
from kernel_secrets import SECRETS

from impl.hardware.keytable import Entry

Claim = Callable[[Watcher], list[str]]
Place = tuple[int, int]


def entry_in_words(entry: Entry) -> str:
    """An entry, with a fingerprint instead of its key."""
    return repr(entry).removeprefix("Entry(").removesuffix(")")


def groups(watcher: Watcher) -> Iterator[tuple[str, Owned | None, list[Place]]]:
    """(name, its key, (package, KeyID) of its entries) of what is mapped to one key.

    With global KeyIDs that is each KeyID on every package.
    """
    values = slot_values(watcher.kernel)
    if not watcher.is_per_package:
        packages = range(len(watcher.machine.packages))
        for keyid in (slot for slot in values if isinstance(slot, int)):
            yield f"KeyID {keyid}", holder(watcher, keyid), [(p, keyid) for p in packages]
        return
    for value in sorted(set(values.values())):
        slots = (slot for slot, held in values.items() if held == value)
        places = [slot for slot in slots if isinstance(slot, tuple)]
        yield f"map value {value}", holder(watcher, places[0]), places


def holder(watcher: Watcher, slot: Slot) -> Owned | None:
    """The key on whose behalf a slot was programmed last."""
    return watcher.keys.get(watcher.holder.get(slot, 0))


# Consistency


def disagreements(watcher: Watcher, concerned: Callable[[int], bool]) -> list[str]:
    """Entries of one key that differ over the packages concerned."""
    found = []
    for name, key, places in groups(watcher):
        entries = {p: watcher.machine.packages[p].table[k] for p, k in places if concerned(p)}
        is_user = key is not None and key.wish.kind == "user"
        seen = {e if is_user else Entry(e.mode, e.algorithm, b"", b"") for e in entries.values()}
        if len(seen) > 1:
            held = ", ".join(f"package {p}: {entry_in_words(e)}" for p, e in entries.items())
            found.append(f"{name} is not the same everywhere: {held}")
    return found


def tables_agree(watcher: Watcher) -> list[str]:
    """Over the packages that have an online CPU, the entries of every mapped KeyID agree."""
    return disagreements(watcher, lambda p: watcher.machine.packages[p].has_online_cpu())


def memory_agrees(watcher: Watcher) -> list[str]:
    """The same over every package whose memory is present."""
    return disagreements(watcher, lambda p: watcher.machine.packages[p].memory_present)


def table_as_requested(watcher: Watcher) -> list[str]:
    """The entry of a mapped KeyID is what its key's owner last successfully asked for."""
    found = []
    for name, key, places in groups(watcher):
        for package, keyid in places:
            hardware = watcher.machine.packages[package]
            entry = hardware.table[keyid]
            if key and hardware.has_online_cpu() and not key.is_served_by(entry):
                held = entry_in_words(entry)
                found.append(f"{name} was asked to be {key.wish.name}, package {package}: {held}")
    return found


def bitmap_exact(watcher: Watcher) -> list[str]:
    """A KeyID's bit counts towards the gate exactly when it is mapped to a user key."""
    mapped, found = slot_values(watcher.kernel), []
    for slot, is_counted in counted_bits(watcher.kernel).items():
        key = holder(watcher, slot) if slot in mapped else None
        is_user = key is not None and key.wish.kind == "user"
        if is_counted != is_user:
            found.append(f"KeyID {slot}: user key {is_user}, counted {is_counted}")
    # What the kernel itself takes for the weight.
    if watcher.kernel.weight() != sum(counted_bits(watcher.kernel).values()):
        found.append("the weight is not the number of counted bits")
    return found


def refers(watcher: Watcher, value: int) -> int:
    """The serial number behind what a map slot holds."""
    if watcher.design.key_lookup == "by_serial":
        return value
    return watcher.kernel.memory.read_int(value, 4)


def map_exact(watcher: Watcher) -> list[str]:
    """A live key has exactly one KeyID (per package in scope); the count of them is right."""
    values, found = slot_values(watcher.kernel), []
    slots = {slot: refers(watcher, value) for slot, value in values.items()}
    for key in watcher.keys.values():
        if key.is_alive:
            own = [slot for slot, serial in slots.items() if serial == key.serial]
            wanted = sorted(key.issued) if watcher.is_per_package else [None]
            has = [slot[0] if isinstance(slot, tuple) else None for slot in own]
            if wanted != has:
                found.append(f"key {key.serial} has the KeyIDs {own}")
    for package, count in map_counts(watcher.kernel).items():
        real = sum(package in (None, s[0] if isinstance(s, tuple) else None) for s in values)
        if real != count:
            found.append(f"{real} KeyIDs are mapped and {count} counted")
    return found


def users(watcher: Watcher, slot: Slot) -> int:
    """How many VMAs use a mapped slot."""
    value = slot_values(watcher.kernel)[slot] if watcher.is_per_package else slot
    mm = watcher.kernel.mm
    return sum(vma.handle == value for one in mm.processes.values() for vma in mm.vmas(one))


def has_live_key(watcher: Watcher, slot: Slot) -> bool:
    """Whether the slot's key was neither collected nor lost."""
    key = holder(watcher, slot)
    return key is not None and key.is_alive


def refcount_exact(watcher: Watcher) -> list[str]:
    """A KeyID's references = 1 for a live key + the VMAs that use it."""
    mapped, found = slot_values(watcher.kernel), []
    for slot, count in references(watcher.kernel).items():
        wanted = has_live_key(watcher, slot) + users(watcher, slot) if slot in mapped else 0
        if wanted != count:
            found.append(f"KeyID {slot} has {count} references, {wanted} are in use")
    return found


def lead_exact(watcher: Watcher) -> list[str]:
    """Each package with an online CPU has exactly one lead CPU, online and its own."""
    leads, found = watcher.kernel.lead_cpus(), []
    for number, package in enumerate(watcher.machine.packages):
        own = [cpu for p, cpu in leads if p == number]
        right = len(own) == package.has_online_cpu() and all(package.cpus[c].online for c in own)
        if not right:
            found.append(f"package {number} has the lead CPUs {own}")
    return found


def keyid_names_key(watcher: Watcher) -> list[str]:
    """A KeyID by itself names at most one key."""
    named: dict[int, set[int]] = {}
    for slot, value in slot_values(watcher.kernel).items():
        named.setdefault(slot[-1] if isinstance(slot, tuple) else slot, set()).add(value)
    return [
        f"KeyID {keyid} names {len(keys)} keys" for keyid, keys in named.items() if len(keys) > 1
    ]


def no_lost_keyid(watcher: Watcher) -> list[str]:
    """A KeyID without key and VMA is free, or will be once it is cleared."""
    lost = [
        f"KeyID {slot} is mapped for nobody"
        for slot in slot_values(watcher.kernel)
        if not has_live_key(watcher, slot) and not users(watcher, slot)
    ]
    return lost + [
        f"KeyID {keyid} waits for package {p}, which is not in the machine"
        for p, keyid in watcher.kernel.uncleared()
        if not watcher.machine.packages[p].present
    ]


def no_dangling(watcher: Watcher) -> list[str]:
    """The map never holds the address of a freed key object."""
    if watcher.design.key_lookup == "by_serial":
        return []
    freed = {one.address for one in watcher.kernel.slab.objects() if not one.live}
    values = slot_values(watcher.kernel)
    return [f"KeyID {slot} is mapped to a freed object" for slot in values if values[slot] in freed]


CLAIMS: dict[str, Claim] = {
    "tables-agree": tables_agree,
    "memory-agrees": memory_agrees,
    "table-as-requested": table_as_requested,
    "bitmap-exact": bitmap_exact,
    "map-exact": map_exact,
    "refcount-exact": refcount_exact,
    "lead-exact": lead_exact,
    **SECRETS,
    **ANSWERS,
    "keyid-names-key": keyid_names_key,
    "no-lost-keyid": no_lost_keyid,
    "no-dangling": no_dangling,
}
ALWAYS = frozenset({"no-deadlock", "operations-finish"})


def violations(watcher: Watcher, claim: str) -> list[str]:
    """How the claim is violated now."""
    if watcher.is_stuck and claim not in ALWAYS:
        return []
    return CLAIMS[claim](watcher)
