"""The catalogue's claims on secrecy and data, judged of a running kernel as `kernel_claims` says.

READINGS: a key's text form gives it away as its bytes do. An unencrypted write is one that no key
at all encrypts; where TME encrypts KeyID 0 memory, an entry in mode TME is no such case (it is one
of right-key). The KeyID of a destroyed key is released once no VMA uses it either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kernel_digest import Slot, slot_values
from kernel_owners import USER_KEYS, Owned, Payload
from kernel_pages import Watcher

from impl.hardware.dram import PAGE_BYTES
from impl.hardware.keytable import Mode
from impl.hardware.machine import PACKAGE_BITS
from impl.mm.frames import FRAMES_OFFSET


def needles(labels: Iterable[str]) -> dict[str, bytes]:
    """What gives these user keys away."""
    return {name: needle for label in labels for name, needle in USER_KEYS[label].needles().items()}


def in_use(watcher: Watcher) -> set[str]:
    """The labels of the user keys that are mapped."""
    keys = (watcher.keys.get(watcher.holder.get(slot, 0)) for slot in slot_values(watcher.kernel))
    return {key.wish.label for key in keys if key is not None and key.wish.kind == "user"}


def in_kernel_memory(watcher: Watcher, labels: Iterable[str]) -> list[str]:
    """Where user keys lie in what KeyID 0 maps."""
    found = watcher.kernel.disclosure(needles(sorted(labels)))
    return [f"{one.needle}: {one.where.state} {one.where.holds}" for one in found]


def no_plaintext_unsaved(watcher: Watcher) -> list[str]:
    """With savekeys off no user key byte string is anywhere in kernel memory, freed or not."""
    if watcher.design.savekeys == "on":
        return []
    return in_kernel_memory(watcher, USER_KEYS)


def no_plaintext_after_release(watcher: Watcher) -> list[str]:
    """Once a KeyID is released, nor is the key it held."""
    mapped = {watcher.holder.get(slot) for slot in slot_values(watcher.kernel)}
    released: set[str] = set()
    for key in watcher.keys.values():
        if key.serial not in mapped:
            released |= key.asked
    return in_kernel_memory(watcher, released - in_use(watcher))


def cold_boot_keys(is_plain: bool) -> Callable[[Watcher], list[str]]:
    """A DRAM image yields no user key in use, on the platforms where KeyID 0 memory is plain."""

    def judge(watcher: Watcher) -> list[str]:
        if is_plain == (watcher.machine.tme == "on"):
            return []
        found = watcher.kernel.cold_boot(needles(sorted(in_use(watcher))))
        return [f"{one.needle}: {one.where.state} {one.where.holds}" for one in found]

    return judge


def cold_boot_data(watcher: Watcher) -> list[str]:
    """A DRAM image (TME off or bypass) yields no plaintext of a page to be encrypted."""
    if watcher.machine.tme == "on":
        return []
    written = {
        f"write {number} under key {serial}": token
        for number, (token, (serial, _)) in enumerate(watcher.secrets.items())
    }
    return [f"{one.needle}: {one.where.holds}" for one in watcher.kernel.cold_boot(written)]


def released_is_clear(watcher: Watcher) -> list[str]:
    """A free KeyID's entry is TME on every present package."""
    mapped, waiting = slot_values(watcher.kernel), watcher.kernel.uncleared()
    found = []
    for p, package in enumerate(watcher.machine.packages):
        for keyid in range(1, watcher.machine.keyids + 1):
            if watcher.is_per_package:
                is_free = (p, keyid) not in mapped and (p, keyid) not in waiting
            else:
                is_free = keyid not in mapped and keyid not in {k for _, k in waiting}
            if package.present and is_free and package.table[keyid].mode is not Mode.TME:
                found.append(f"KeyID {keyid} is free; package {p}: {package.table[keyid]!r}")
    return found


def never_in_clear(watcher: Watcher) -> list[str]:
    """A write to a page whose owner asked for encryption never reaches DRAM unencrypted."""
    found = []
    for write in watcher.step.plain_writes:
        page = watcher.pages.get((write.pid, write.page))
        key = watcher.keys.get(page.serial) if page else None
        is_plain = write.mode is Mode.NO_ENCRYPT or watcher.machine.tme != "on"
        if key is not None and key.encrypts and is_plain:
            where = f"KeyID {write.keyid} of package {write.package}"
            found.append(f"page {write.page:#x} of process {write.pid} is {write.cause}: {where}")
    return found


# Data


def live_data_intact(watcher: Watcher) -> list[str]:
    """What was written through an encrypted VMA reads back until its owner gives it up."""
    found = [f"read {watcher.step.misread}"] if watcher.step.misread else []
    for process in watcher.processes:
        for (pid, where), page in watcher.pages.items():
            if pid != process.pid or not page.serial:
                continue
            for offset, token in page.written.items():
                if watcher.look(process, where, offset) != token:
                    found.append(f"page {where:#x} of process {pid} changed at {offset}")
    return found


def right_key(watcher: Watcher) -> list[str]:
    """A VMA is encrypted with the key that its owner named, wherever its pages may lie."""
    values, found = slot_values(watcher.kernel), []
    for process in watcher.processes:
        for vma in watcher.kernel.mm.vmas(process):
            for where in range(vma.start, vma.end, PAGE_BYTES):
                serial = watcher.pages[process.pid, where].serial
                if serial:
                    wrong = under_another_key(watcher, values, serial, vma.handle)
                    found += [f"page {where:#x} of process {process.pid}: {why}" for why in wrong]
                elif vma.handle:
                    found.append(f"page {where:#x} of process {process.pid} has a KeyID unasked")
    return found


def under_another_key(
    watcher: Watcher, values: dict[Slot, int], serial: int, handle: int
) -> list[str]:
    """On which packages a page under this handle would not be under the key."""
    key, packages = watcher.keys[serial], watcher.machine.packages
    return [
        f"not under key {serial} on package {p}: {packages[p].table[keyid]!r}"
        for p, keyid in keyids_of(watcher, values, handle)
        if not key.is_on(packages[p].table[keyid], p)
    ]


def keyids_of(watcher: Watcher, values: dict[Slot, int], handle: int) -> list[tuple[int, int]]:
    """(package, KeyID) of a VMA's pages, for the packages whose memory is present."""
    usable = watcher.usable()
    if not watcher.is_per_package:
        return [(p, handle) for p in usable]
    places = (slot for slot, held in values.items() if held == handle)
    return [(slot[0], slot[1]) for slot in places if isinstance(slot, tuple) and slot[0] in usable]


def may_share(reader: Owned, wish: Payload) -> bool:
    """Whether the reader's owner asked for the same key as the writer's owner had then."""
    return reader.wish.kind == wish.kind == "user" and reader.wish.label == wish.label


def no_neighbour(watcher: Watcher) -> list[str]:
    """No key's owner can decrypt a page written under another key."""
    found = []
    for slot, value in slot_values(watcher.kernel).items():
        reader = watcher.keys.get(serial_of(watcher, value))
        if reader is None or not reader.is_alive:
            continue
        for p, package in enumerate(watcher.machine.packages):
            if not package.memory_present or (isinstance(slot, tuple) and slot[0] != p):
                continue
            keyid = slot[1] if isinstance(slot, tuple) else slot
            for address, content in user_pages(watcher, p, keyid):
                found += [
                    f"key {reader.serial} reads {address:#x}, written under key {serial}"
                    for token, (serial, wish) in watcher.secrets.items()
                    if serial != reader.serial and token in content
                    if not may_share(reader, wish)
                ]
    return found


def serial_of(watcher: Watcher, value: int) -> int:
    """The serial number behind what a map slot holds."""
    if watcher.design.key_lookup == "by_serial":
        return value
    return watcher.kernel.memory.read_int(value, 4)


def user_pages(watcher: Watcher, package: int, keyid: int) -> list[tuple[int, bytes]]:
    """(address, what a KeyID reads there) of all user memory of a package ever written."""
    machine = watcher.machine
    base = package << PACKAGE_BITS
    pages = (base + offset for offset, _ in machine.packages[package].dram.image())
    return [
        (page, machine.read(keyid << machine.keyid_shift | page, PAGE_BYTES))
        for page in pages
        if page - base >= FRAMES_OFFSET
    ]


SECRETS: dict[str, Callable[[Watcher], list[str]]] = {
    "no-plaintext-unsaved": no_plaintext_unsaved,
    "no-plaintext-after-release": no_plaintext_after_release,
    "cold-boot-keys": cold_boot_keys(is_plain=True),
    "cold-boot-keys-tme": cold_boot_keys(is_plain=False),
    "cold-boot-data": cold_boot_data,
    "released-is-clear": released_is_clear,
    "never-in-clear": never_in_clear,
    "live-data-intact": live_data_intact,
    "right-key": right_key,
    "no-neighbour": no_neighbour,
}
