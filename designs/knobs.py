"""What a design decides: every knob, its values, what each value means, and where it comes from.

A *design* is one frozen value with a setting for every knob. The executable implementation and the
checked model read the same value, and nothing else passes between them. The first value of a knob
is the one that was posted ("[RFC v2 00/13] Multi-Key Total Memory Encryption API", December 2018),
so `Design()` is the posted code, mistakes included: a repair is another value, never a silent fix.

Knobs come in two kinds. *Posture* knobs are what the thread argued about: each value is somebody's
position. *Detail* knobs are what a careful author would repair without changing the position.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Literal

Kind = Literal["posture", "detail"]


class DesignError(ValueError):
    """A design that does not exist: an unknown name, knob or value, or knobs that contradict."""


@dataclasses.dataclass(frozen=True)
class Knob:
    """One decision: its `values` (as posted first), each with its meaning, and its source."""

    name: str
    kind: Kind
    meanings: Mapping[str, str]
    source: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values in order; the first is the posted one."""
        return tuple(self.meanings)

    @property
    def posted(self) -> str:
        """The value that the posted code has."""
        return self.values[0]

    @property
    def repaired(self) -> str:
        """The repaired value of a detail knob (its last); a posture has none and stays posted."""
        return self.values[-1] if self.kind == "detail" else self.posted


def _posture(name: str, source: str, **meanings: str) -> Knob:
    return Knob(name, "posture", meanings, source)


def _detail(name: str, source: str, **meanings: str) -> Knob:
    return Knob(name, "detail", meanings, source)


_ALL = (
    _posture(
        "keyid_scope",
        "thread on patch 12",
        **{"global": "one KeyID means one key on every package"},
        per_package="each package has its own map of KeyID to key",
    ),
    _posture(
        "user_keys",
        "thread on patch 12",
        allowed="payloads with type=user are accepted",
        refused="payloads with type=user are refused",
    ),
    _posture(
        "savekeys",
        "patch 12",
        off="the vault keeps only the control word of a KeyID",
        on="the vault keeps data and tweak keys too, for the next package that comes online",
    ),
    _posture(
        "vault_form",
        "RFC 3394",
        plaintext="kept keys lie in kernel memory as they are",
        wrapped="kept keys are wrapped under a key that only the CPU holds",
    ),
    _posture(
        "startup_gate",
        "patch 13",
        user_bitmap="a new package is refused while a bit for a user key is set (and savekeys off)",
        refuse_any_key="a new package is refused while any KeyID is mapped",
        resupply="a new package waits for each user key's owner to supply it again",
        none="a new package is always admitted",
    ),
    _posture(
        "teardown",
        "patch 13",
        always="the last online CPU of a package may always go",
        keep_last_lead="the last online CPU of a package stays while KeyIDs are mapped",
    ),
    _posture(
        "unreachable_package",
        "patch 11",
        ignored="keys are programmed on the packages that can be reached",
        refuse_keys="no key is programmed while a package with memory has no online CPU",
    ),
    _detail(
        "bitmap_bits",
        "patch 12",
        n="the user-type bitmap has N bits, so that KeyID N's bit is never counted",
        n_plus_1="the user-type bitmap has a bit for every KeyID",
    ),
    _detail(
        "count_entries",
        "patch 07",
        n="there are N reference counts, so that KeyID N's lies outside the array",
        n_plus_1="there is a reference count for every KeyID",
    ),
    _detail(
        "bitmap_update",
        "patch 12",
        clear_before_program="update clears the bit before it programs; on failure it stays clear",
        after_success="update touches the bit only when programming has succeeded",
    ),
    _detail(
        "error_unlock",
        "patch 10",
        missing="update's EINVAL and EBUSY paths return with the map lock held",
        present="every path releases the map lock",
    ),
    _detail(
        "lock_order",
        "patches 11 and 13",
        map_first="map lock, then CPU-hotplug lock: the reverse of CPU startup's order",
        hotplug_first="CPU-hotplug lock, then map lock, everywhere",
    ),
    _detail(
        "last_put",
        "patch 08",
        locks_again="dropping the last reference takes the map lock, even where it is held",
        deferred="the last reference is dropped after the map lock is released",
    ),
    _detail(
        "on_program_failure",
        "patch 11",
        leave="packages that were programmed before the failure keep the new entry",
        quarantine="retry; a KeyID that still fails is out of service until cleared everywhere",
    ),
    _detail(
        "on_release",
        "patch 10",
        keep="a released KeyID's key stays in the key tables",
        clear_first="a KeyID is free again only when CLEAR_KEY succeeded on every present package",
    ),
    _detail(
        "vault_on_release",
        "patch 12",
        keep="the vault slot of a released KeyID keeps its contents",
        scrub="the vault slot of a released KeyID is zeroed",
    ),
    _detail(
        "program_struct",
        "patch 11",
        dirty_free="the programming structure is freed with the key in it",
        scrubbed_free="the programming structure (and the entropy on the stack) is cleared first",
    ),
    _detail(
        "parse_error",
        "patch 10",
        leaks_payload="a payload that fails to parse is neither cleared nor freed",
        frees_payload="a payload that fails to parse is cleared and freed",
    ),
    _detail(
        "parser",
        "patches 01 and 10",
        lenient="the posted parser: forbidden extras accepted, unknown tokens touch the mask first",
        strict="exactly the documented payloads; unknown tokens refused at once",
    ),
    _detail(
        "key_lookup",
        "patch 04",
        by_address="a key's KeyID is found by the address of the key object",
        by_serial="a key's KeyID is found by its serial number, which is never used again",
    ),
)

KNOBS: Mapping[str, Knob] = {knob.name: knob for knob in _ALL}
POSTURE: tuple[str, ...] = tuple(knob.name for knob in _ALL if knob.kind == "posture")
DETAILS: tuple[str, ...] = tuple(knob.name for knob in _ALL if knob.kind == "detail")


def nearest(word: str, known: Iterable[str]) -> str:
    """The tail of a refusal: the likely meaning of a misspelt `word`, and all that is known."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"{hint}; known: {', '.join(known)}"


@dataclasses.dataclass(frozen=True)
class Design:
    """A setting for every knob. Defaults are as posted. Refuses what is unknown or contradictory.

    The value compares and hashes by its knobs; `name` is only a label. Raises DesignError.
    """

    keyid_scope: str = "global"
    user_keys: str = "allowed"
    savekeys: str = "off"
    vault_form: str = "plaintext"
    startup_gate: str = "user_bitmap"
    teardown: str = "always"
    unreachable_package: str = "ignored"
    bitmap_bits: str = "n"
    count_entries: str = "n"
    bitmap_update: str = "clear_before_program"
    error_unlock: str = "missing"
    lock_order: str = "map_first"
    last_put: str = "locks_again"
    on_program_failure: str = "leave"
    on_release: str = "keep"
    vault_on_release: str = "keep"
    program_struct: str = "dirty_free"
    parse_error: str = "leaks_payload"
    parser: str = "lenient"
    key_lookup: str = "by_address"
    name: str = dataclasses.field(default="custom", compare=False)

    def __post_init__(self) -> None:
        for knob in _ALL:
            value = getattr(self, knob.name)
            if value not in knob.values:
                raise DesignError(
                    f"unknown value {value!r} of knob {knob.name}{nearest(value, knob.values)}"
                )
        for contradiction in _contradictions(self):
            raise DesignError(f"design {self.name} makes no sense: {contradiction}")

    def but(self, **changes: str) -> Design:
        """The same design with some knobs set otherwise, named after both.

        Setting a knob to the value that it has changes nothing, the name included.
        """
        for knob in changes:
            if knob not in KNOBS:
                raise DesignError(f"unknown knob {knob!r}{nearest(knob, KNOBS)}")
        changed = {knob: value for knob, value in changes.items() if getattr(self, knob) != value}
        name = ",".join([self.name, *(f"{knob}={value}" for knob, value in changed.items())])
        return dataclasses.replace(self, name=name, **changed)

    def settings(self) -> dict[str, str]:
        """Knob name to value, in the order of the catalogue."""
        return {name: getattr(self, name) for name in KNOBS}


def _contradictions(design: Design) -> Iterable[str]:
    """Combinations that no kernel could mean, each with its reason."""
    if design.vault_form == "wrapped" and design.savekeys == "off":
        yield "vault_form=wrapped needs savekeys=on (there is nothing to wrap)"
    if design.startup_gate == "resupply" and design.savekeys == "on":
        yield "startup_gate=resupply needs savekeys=off (the vault has what would be asked for)"
    if design.keyid_scope == "per_package" and design.savekeys == "on":
        yield (
            "savekeys=on needs keyid_scope=global"
            " (with per_package, a package that comes online programs nothing from the vault)"
        )
    if design.keyid_scope == "per_package" and design.startup_gate != "user_bitmap":
        yield (
            f"startup_gate={design.startup_gate} needs keyid_scope=global"
            " (with per_package, a package that comes online programs nothing: there is no gate)"
        )
