"""How the running kernel's bytes are read back as a state of the model: the abstraction function.

Each family of the model has one reader here. Where memory holds something that the model has no
variable for (a user key in an unforeseen place, say) there is no abstract state, and that is an
`AbstractionError`: the two descriptions disagree.
"""

from __future__ import annotations

import functools

from checker.systems.grounding import Grounding
from checker.systems.system import BOOL, State
from conformance.keywatch import KEY, Holder, Slot
from conformance.owners import label_of, user_key
from conformance.subject import Subject
from impl import Command, Entry, Hit, Mode
from model.sorts import BYTES

_MODES = {Mode.TME: "tme", Mode.ENCRYPT: "encrypt", Mode.NO_ENCRYPT: "no_encrypt"}
_COMMANDS = {
    Command.SET_KEY_DIRECT: "user",
    Command.SET_KEY_RANDOM: "cpu",
    Command.CLEAR_KEY: "clear",
    Command.NO_ENCRYPT: "no_encrypt",
}

_TEXT = ("payload text", "token mask")
"""What is accessed out of bounds while a payload's text is read."""


class AbstractionError(Exception):
    """The kernel is in a state that the model has no words for."""


def abstract(subject: Subject, grounding: Grounding) -> State:
    """The model state that the kernel is in. Raises AbstractionError where there is none."""
    return _Reader(subject, grounding).state()


@functools.lru_cache(maxsize=32)
def _readings(grounding: Grounding) -> list[tuple[str, tuple[int, ...], dict[object, int]]]:
    """For each ground variable its reader, the indices it is read at, and what values mean."""
    found = []
    for family in grounding.text.families:
        labels: dict[object, int] = {
            label: place for place, label in enumerate(grounding.finite.labels(family.of))
        }
        if family.of is BOOL:
            labels = {False: labels["no"], True: labels["yes"]}
        for positions in grounding.finite.tuples(family.over):
            found.append((f"_{family.name}", positions, labels))
    return found


class _Reader:
    def __init__(self, subject: Subject, grounding: Grounding) -> None:
        self.subject = subject
        self.kernel = subject.kernel
        self.watch = subject.keys
        self.pages = subject.pages
        self.entries = subject.kernel.entries()
        self.grounding = grounding
        labels = grounding.finite.labels(BYTES)
        self.user_keys = {label: user_key(label) for label in labels[len(BYTES.constants) :]}
        self.bytes_labels = labels
        self.found = self._places()

    def state(self) -> State:
        """One value for each ground variable, in order."""
        for slots, count in self.kernel.map_counts():
            if slots != count:
                raise AbstractionError(f"the map counts {count} slots in use of {slots}")
        if unknown := self.kernel.live_serials() - set(self.watch.serials.values()):
            raise AbstractionError(f"a live key that no call made: serial {min(unknown)}")
        return tuple(
            labels[getattr(self, reader)(*positions)]
            for reader, positions, labels in _readings(self.grounding)
        )

    # The machine

    def _bypass(self) -> bool:
        return self.kernel.machine.tme == "bypass"

    def _present(self, package: int) -> bool:
        return self.kernel.machine.packages[package].present

    def _memory(self, package: int) -> bool:
        return self.kernel.machine.packages[package].memory_present

    def _online(self, package: int, cpu: int) -> bool:
        return self.kernel.machine.packages[package].cpus[cpu].online

    def _lead(self, package: int, cpu: int) -> bool:
        return (package, cpu) in self.kernel.lead_cpus()

    def _entry_mode(self, package: int, keyid: int) -> str:
        return _MODES[self.kernel.machine.packages[package].table[keyid + 1].mode]

    def _entry_bytes(self, package: int, keyid: int) -> str:
        entry = self.kernel.machine.packages[package].table[keyid + 1]
        if entry.mode is not Mode.ENCRYPT:
            return "zeros"
        return label_of(entry, self.user_keys)

    # The key service

    def _live(self, key: int) -> bool:
        return key in self.watch.serials

    def _mapped(self, key: int, *where: int) -> bool:
        value = self.watch.values.get(key)
        return value is not None and self.entries.get(_slot(where)) == value

    def _bit(self, *where: int) -> bool:
        slot = _slot(where)
        return self.kernel.bit(slot) if isinstance(slot, int) else self.kernel.bit(*slot)

    def _uncleared(self, package: int, keyid: int) -> bool:
        return (package, keyid + 1) in self.kernel.uncleared()

    def _vault_control(self, keyid: int) -> str:
        word, _, _ = self.kernel.vault(keyid + 1)
        return _COMMANDS[Command(word & 0xFF)] if word else "empty"

    def _vault_bytes(self, keyid: int) -> str:
        _, data_key, tweak_key = self.kernel.vault(keyid + 1)
        label = label_of(Entry(Mode.ENCRYPT, 1, data_key, tweak_key), self.user_keys)
        if label == "random":
            raise AbstractionError(f"the vault slot of KeyID {keyid + 1} holds an unknown key")
        return label

    # What lies about in memory

    def _struct_residue(self, position: int) -> bool:
        return "programming structure" in self.found.get(self.bytes_labels[position], ())

    def _leaked(self, position: int) -> bool:
        return "payload structure" in self.found.get(self.bytes_labels[position], ())

    def _places(self) -> dict[str, set[str]]:
        """For each user key the kinds of object that hold a part of it: one search of memory.

        Raises AbstractionError on any other place.
        """
        sought = [(key, needle) for key in self.user_keys.values() for needle in key.needles()]
        places: dict[str, set[str]] = {label: set() for label in self.user_keys}
        found = self.kernel.memory.find_each([needle for _, needle in sought])
        for (key, _), hits in zip(sought, found, strict=True):
            for hit in hits:
                place = _place(hit)
                if place is None:
                    raise AbstractionError(
                        f"key {key.label} lies in a place the model does not know: {hit.state}"
                        f" {hit.holds} at {hit.address:#x}"
                    )
                places[key.label].add(place)
        return places

    # References and VMAs

    def _key_counted(self, *where: int) -> bool:
        return KEY in self._holders(_slot(where))

    def _counted(self, vma: int, *where: int) -> bool:
        return vma in self._holders(_slot(where))

    def _holders(self, slot: Slot) -> set[Holder]:
        """Who has a reference. Raises AbstractionError if the kernel counts another number."""
        holders = self.watch.holders.get(slot, set())
        count = self.kernel.references(*(slot if isinstance(slot, tuple) else (slot,)))
        if count != len(holders):
            raise AbstractionError(f"{slot} has {count} references, and {len(holders)} were taken")
        return holders

    def _uses(self, vma: int, handle: int) -> bool:
        found = self.pages.handle(vma)
        if self.subject.design.keyid_scope == "per_package":
            return bool(found) and self.watch.values.get(handle) == found
        return found == handle + 1

    def _lost_lock(self) -> bool:
        return self.kernel.map_lock_held

    def _hung(self, vma: int) -> bool:
        return self.pages.vmas[vma].is_hung

    def _in_flight(self, key: int) -> bool:
        return key in self.watch.in_flight

    # Pages

    def _page(self, vma: int, package: int) -> bool:
        return self.pages.package_of(self.pages.page(vma)) == package

    def _carries(self, vma: int, keyid: int) -> bool:
        page = self.pages.page(vma)
        return page is not None and page[1] == keyid + 1

    def _shares(self, vma: int, other: int) -> bool:
        return other in self.pages.sharers(vma)

    def _left(self, vma: int, package: int) -> bool:
        return not self.pages.vmas[vma].is_there and self.pages.package(vma) == package

    def _intact(self, vma: int) -> bool:
        return self.pages.vmas[vma].is_intact

    def _plain(self, vma: int) -> bool:
        return self.pages.is_plain(vma)

    def _written(self, vma: int, position: int) -> bool:
        return self.pages.vmas[vma].under == self.bytes_labels[position]

    def _opens(self, vma: int, keyid: int) -> bool:
        return self.pages.opens(vma, keyid + 1)

    def _own(self, vma: int, keyid: int) -> bool:
        return keyid + 1 in self.pages.vmas[vma].own

    # Owners

    def _requested_kind(self, at: int) -> str:
        return self._request(at)[0]

    def _requested_bytes(self, at: int) -> str:
        return self._request(at)[1]

    def _request(self, at: int) -> tuple[str, str]:
        """What the owner of the KeyID's key last got; with per-package KeyIDs, the key's owner."""
        per_package = self.subject.design.keyid_scope == "per_package"
        return self.watch.asked.get(at if per_package else at + 1, ("user", "zeros"))

    def _known(self, at: int, position: int) -> bool:
        per_package = self.subject.design.keyid_scope == "per_package"
        known = self.watch.known.get(at if per_package else at + 1, set())
        return self.bytes_labels[position] in known

    def _given(self, key: int, *where: int) -> bool:
        return _slot(where) in self.watch.given.get(key, ())

    def _astray(self, vma: int) -> bool:
        return self.pages.vmas[vma].is_astray

    def _wants(self, vma: int) -> bool:
        return self.pages.vmas[vma].wants

    def _released(self, position: int) -> bool:
        return self.bytes_labels[position] in self.watch.released

    def _overread(self) -> bool:
        return any(event.what in _TEXT for event in self.kernel.events)

    def _overrun(self) -> bool:
        return any(event.what not in _TEXT for event in self.kernel.events)


def _slot(where: tuple[int, ...]) -> Slot:
    """(KeyID,) or (package, KeyID) as the kernel numbers them: KeyIDs start at 1."""
    if len(where) == 1:
        return where[0] + 1
    package, keyid = where
    return package, keyid + 1


def _place(hit: Hit) -> str | None:
    """Which of the places that the model knows a hit is in; None for any other."""
    known = {
        ("programming structure", "freed"),
        ("payload structure", "live"),
        ("vault", "live"),
    }
    return hit.holds if (hit.holds, hit.state) in known else None
