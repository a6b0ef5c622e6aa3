"""What a violation looks like in the implementation's bytes, in words and without key bytes.

For every property of the catalogue there is one observer, and one for all that a user writes. It
looks at the kernel and the hardware directly, not at the abstract state that the property's formula
was judged on, so that a reader sees the violation in the implementation's own terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from checker.answers.trace import Trace
from checker.systems.property import Property
from conformance.owners import user_key
from conformance.subject import Subject
from impl import Entry, Mode
from impl.hardware.keytable import fingerprint


def observe(subject: Subject, claim: Property, trace: Trace) -> Iterable[str]:
    """Lines that show the violation that the trace ended in."""
    return _OBSERVERS.get(claim.id, _everything)(subject, trace)


def entry_in_words(entry: Entry) -> str:
    """A key table entry: its mode, algorithm and the fingerprint of its key."""
    if entry.mode is not Mode.ENCRYPT:
        return str(entry.mode.value)
    return f"encrypt aes-xts-128 key {fingerprint(entry.data_key, entry.tweak_key)}"


def _slots(subject: Subject) -> Iterator[tuple[int, int, int]]:
    """(serial, package, KeyID) for every KeyID that the kernel's map holds, on every package."""
    for where, serial in sorted(subject.kernel.mapped().items(), key=str):
        if isinstance(where, tuple):
            package, keyid = where
            yield serial, package, keyid
        elif isinstance(where, int):
            yield from ((serial, p, where) for p in range(subject.scope.packages))


def _tables(subject: Subject, _trace: Trace) -> Iterator[str]:
    """Every mapped KeyID's entries, as the packages' key tables hold them."""
    for serial, package, keyid in _slots(subject):
        hardware = subject.kernel.machine.packages[package]
        if not hardware.memory_present:
            continue
        number = sum(cpu.online for cpu in hardware.cpus)
        online = f"{number} CPU{'' if number == 1 else 's'} online"
        entry = entry_in_words(hardware.table[keyid])
        yield f"key {serial}, KeyID {keyid}, package {package} ({online}): {entry}"


def _bitmap(subject: Subject, _trace: Trace) -> Iterator[str]:
    kernel = subject.kernel
    for where, serial in sorted(kernel.mapped().items(), key=str):
        slot = where if isinstance(where, tuple) else (where,)
        yield f"key {serial} at KeyID {slot[-1]}: bit {int(kernel.bit(*slot))}"
    yield f"weight of the user-type bitmap: {kernel.weight()}"


def _plaintext(subject: Subject, _trace: Trace) -> Iterator[str]:
    for number in range(subject.scope.values):
        key = user_key(chr(ord("A") + number))
        for part, needle in (("data key", key.data_key), ("tweak key", key.tweak_key)):
            for hit in subject.kernel.find(needle):
                yield (
                    f"{part} of key {key.label} ({key.fingerprint}) at {hit.address:#x}:"
                    f" {hit.state} {hit.holds} ({hit.area}), offset {hit.offset}"
                )


def _released(subject: Subject, _trace: Trace) -> Iterator[str]:
    kernel = subject.kernel
    held = {(package, keyid) for _, package, keyid in _slots(subject)}
    for package, hardware in enumerate(kernel.machine.packages):
        for keyid in range(1, subject.scope.keyids + 1):
            entry = hardware.table[keyid]
            if (package, keyid) not in held and entry.mode is not Mode.TME:
                yield f"free KeyID {keyid}, package {package}: {entry_in_words(entry)}"


def _refused(subject: Subject, trace: Trace) -> Iterator[str]:
    yield f"{trace.steps[-1].answer}: {subject.refusal}"


def _references(subject: Subject, _trace: Trace) -> Iterator[str]:
    """What the map holds, and how many references are counted of how many VMAs."""
    kernel = subject.kernel
    for where, value in sorted(kernel.entries().items(), key=str):
        slot = where if isinstance(where, tuple) else (where,)
        by_address = subject.design.key_lookup == "by_address"
        held = f"address {value:#x}" if by_address else f"serial number {value}"
        alive = "a live key" if value in kernel.live_serials() else "no live key"
        lives = _state_at(subject, value) if by_address else alive
        number = kernel.references(*slot)
        counted = f"{number} reference{'' if number == 1 else 's'}"
        yield f"KeyID {slot[-1]} holds {held} ({lives}), {counted}"
    yield from _mappings(subject)


def _state_at(subject: Subject, address: int) -> str:
    hit = subject.kernel.locate(address)
    return f"{hit.state} {hit.holds}"


def _mappings(subject: Subject) -> Iterator[str]:
    for number in range(subject.scope.vmas):
        handle = subject.pages.handle(number)
        if handle:
            named = f"KeyID {handle}" if subject.design.keyid_scope == "global" else f"{handle:#x}"
            yield f"VMA {number} remembers {named}"


def _pages(subject: Subject, trace: Trace) -> Iterator[str]:
    """Where pages lie, whether they read back, and through which KeyIDs they can be read."""
    yield from _mappings(subject)
    for number, watched in enumerate(subject.pages.vmas):
        if watched.at is None:
            continue
        package = subject.pages.package(number)
        stored = "plaintext" if subject.pages.is_plain(number) else "not as it was written"
        keyids = range(1, subject.scope.keyids + 1)
        opened = [str(k) for k in keyids if subject.pages.opens(number, k)]
        state = "present" if watched.is_there else "freed"
        yield (
            f"page of VMA {number} at {watched.at:#x} (package {package}, {state}): in DRAM"
            f" {stored}; reads back: {'yes' if watched.is_intact else 'no'};"
            f" decrypted by KeyID {' and '.join(opened) or 'none'}"
        )
    yield from _tables(subject, trace)


def _accesses(subject: Subject, _trace: Trace) -> Iterator[str]:
    for event in subject.kernel.events:
        yield f"out of bounds: {event.what}, index {event.index}"


def _leads(subject: Subject, _trace: Trace) -> Iterator[str]:
    yield f"lead CPUs as (package, CPU): {sorted(subject.kernel.lead_cpus())}"


def _effects(subject: Subject, trace: Trace) -> Iterator[str]:
    yield from _refused(subject, trace)
    yield from _tables(subject, trace)
    yield from (f"{name} is held by: {holder}" for name, holder, _ in subject.kernel.held_locks())


def _everything(subject: Subject, trace: Trace) -> Iterator[str]:
    """What is looked at where nobody knows which part of it a claim is about."""
    if subject.refusal:
        yield from _refused(subject, trace)
    yield from _references(subject, trace)
    yield from _tables(subject, trace)
    yield from _released(subject, trace)
    yield from _plaintext(subject, trace)


_OBSERVERS: dict[str, Callable[[Subject, Trace], Iterable[str]]] = {
    "tables-agree": _tables,
    "memory-agrees": _tables,
    "table-as-requested": _tables,
    "bitmap-exact": _bitmap,
    "map-exact": _references,
    "refcount-exact": _references,
    "lead-exact": _leads,
    "no-plaintext-unsaved": _plaintext,
    "no-plaintext-after-release": _plaintext,
    "cold-boot-keys": _plaintext,
    "cold-boot-keys-tme": _plaintext,
    "cold-boot-data": _pages,
    "released-is-clear": _released,
    "never-in-clear": _pages,
    "live-data-intact": _pages,
    "right-key": _pages,
    "no-neighbour": _pages,
    "hotplug-admitted": _refused,
    "teardown-admitted": _refused,
    "user-keys-admitted": _refused,
    "migration-admitted": _refused,
    "keyid-names-key": _tables,
    "no-lost-keyid": _references,
    "in-bounds": _accesses,
    "no-dangling": _references,
    "failure-is-noop": _effects,
}
