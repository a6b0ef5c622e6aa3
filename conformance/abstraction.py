"""How the running kernel's bytes are read back as a state of the model: the abstraction function.

Each family of the model has one reader here. Where memory holds something that the model has no
variable for (a user key in an unforeseen place, say) there is no abstract state, and that is an
`AbstractionError`: the two descriptions disagree.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from checker.systems.grounding import Grounding
from checker.systems.system import BOOL, State
from conformance.owners import user_key
from conformance.subject import Subject
from impl import Command, Hit, Mode
from model.sorts import BYTES

_MODES = {Mode.TME: "tme", Mode.ENCRYPT: "encrypt", Mode.NO_ENCRYPT: "no_encrypt"}
_COMMANDS = {
    Command.SET_KEY_DIRECT: "user",
    Command.SET_KEY_RANDOM: "cpu",
    Command.CLEAR_KEY: "clear",
    Command.NO_ENCRYPT: "no_encrypt",
}


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
        self.grounding = grounding
        labels = grounding.finite.labels(BYTES)
        self.user_keys = {label: user_key(label) for label in labels[len(BYTES.constants) :]}
        self.bytes_labels = labels
        self.found = self._places()

    def state(self) -> State:
        """One value for each ground variable, in order."""
        return tuple(
            labels[getattr(self, reader)(*positions)]
            for reader, positions, labels in _readings(self.grounding)
        )

    # The machine

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
        return self._label(entry.data_key, entry.tweak_key)

    def _label(self, data_key: bytes, tweak_key: bytes) -> str:
        """A known key's label, zeros, or else random: what no owner supplied, a package drew."""
        if not any(data_key + tweak_key):
            return "zeros"
        for label, key in self.user_keys.items():
            if (data_key, tweak_key) == (key.data_key, key.tweak_key):
                return label
        return "random"

    # The key service

    def _live(self, key: int) -> bool:
        return key in self.subject.serials

    def _mapped(self, key: int, *where: int) -> bool:
        serial = self.subject.serials.get(key)
        held: Mapping[object, int] = self.kernel.mapped()  # type: ignore[assignment]
        return serial is not None and held.get(_slot(where)) == serial

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
        label = self._label(data_key, tweak_key)
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

    # Owners

    def _requested_kind(self, key: int) -> str:
        return self.subject.requested.get(key, ("user", "zeros"))[0]

    def _requested_bytes(self, key: int) -> str:
        return self.subject.requested.get(key, ("user", "zeros"))[1]


def _slot(where: tuple[int, ...]) -> int | tuple[int, int]:
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
