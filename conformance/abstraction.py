"""How the running kernel's bytes are read back as a state of the model: the abstraction function.

Each family of the model has one reader here. Where memory holds something that the model has no
variable for (a user key in an unforeseen place, say) there is no abstract state, and that is an
`AbstractionError`: the two descriptions disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker.systems.grounding import Grounding
from checker.systems.system import State
from conformance.owners import UserKey, user_key
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


class _Reader:
    def __init__(self, subject: Subject, grounding: Grounding) -> None:
        self.subject = subject
        self.kernel = subject.kernel
        self.grounding = grounding
        labels = grounding.finite.labels(BYTES)
        self.user_keys = {label: user_key(label) for label in labels[len(BYTES.constants) :]}
        self.bytes_labels = labels
        self.found = {label: self._places(key) for label, key in self.user_keys.items()}

    def state(self) -> State:
        """One value for each ground variable, in order."""
        values = []
        for family in self.grounding.text.families:
            read: Callable[..., object] = getattr(self, f"_{family.name}")
            labels = self.grounding.finite.labels(family.of)
            for positions in self.grounding.finite.tuples(family.over):
                value = read(*positions)
                label = {True: "yes", False: "no"}.get(value, value)  # type: ignore[call-overload]
                values.append(labels.index(label))
        return tuple(values)

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

    def _places(self, key: UserKey) -> set[str]:
        """The kinds of object that hold a part of the key. Raises AbstractionError on others."""
        hits = [hit for needle in key.needles() for hit in self.kernel.find(needle)]
        places = {_place(hit) for hit in hits}
        if None in places:
            hit = next(hit for hit in hits if _place(hit) is None)
            raise AbstractionError(
                f"key {key.label} lies in a place the model does not know: {hit.state}"
                f" {hit.holds} at {hit.address:#x}"
            )
        return {place for place in places if place}

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
