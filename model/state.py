"""What a state of the modelled machine is: its families, and the predicates the text is written in.

The families depend on the design in one way: with global KeyIDs there is one map, one bitmap and
one vault; with per-package KeyIDs each package has its own map and bitmap, and there is no vault.
The predicates of `State` hide that difference, so that operations and properties read the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.system import BOOL, Family, Index, Interpretation, Term, Values
from designs import Design
from model.sorts import ANSWER, BYTES, CONTROL, CPU, KEY, KEYID, KIND, MODE, PACKAGE


def families(design: Design) -> tuple[Family, ...]:
    """The variables of the model under a design."""
    map_index: tuple[Index, ...] = (KEYID,)
    if design.keyid_scope == "per_package":
        map_index = (PACKAGE, KEYID)
    machine = (
        Family("present", (PACKAGE,), BOOL, meaning="the package is in the machine"),
        Family("memory", (PACKAGE,), BOOL, meaning="its memory is usable: a CPU was online once"),
        Family("online", (PACKAGE, CPU), BOOL, meaning="the CPU is online"),
        Family("lead", (PACKAGE, CPU), BOOL, meaning="the CPU programs its package's table"),
        Family("entry_mode", (PACKAGE, KEYID), MODE, meaning="key table: mode"),
        Family("entry_bytes", (PACKAGE, KEYID), BYTES, meaning="key table: key"),
    )
    service = (
        Family("live", (KEY,), BOOL, meaning="the key object is a key"),
        Family("mapped", (KEY, *map_index), BOOL, meaning="the map holds the key at this KeyID"),
        Family("bit", map_index, BOOL, meaning="the KeyID's bit in the user-type bitmap"),
        Family("uncleared", (PACKAGE, KEYID), BOOL, meaning="must be cleared before reuse"),
    )
    vault = (
        Family("vault_control", (KEYID,), CONTROL, meaning="vault: control word"),
        Family("vault_bytes", (KEYID,), BYTES, meaning="vault: data and tweak key"),
    )
    residue = (
        Family(
            "struct_residue", (BYTES,), BOOL, meaning="user key in a freed programming structure"
        ),
        Family("leaked", (BYTES,), BOOL, meaning="user key in a payload that was never freed"),
    )
    owner = (
        Family("requested_kind", (KEY,), KIND, ghost=True, meaning="type the owner last got"),
        Family("requested_bytes", (KEY,), BYTES, ghost=True, meaning="key the owner last got"),
    )
    has_vault = design.keyid_scope == "global"
    return (*machine, *service, *(vault if has_vault else ()), *residue, *owner)


class State:
    """One state, as operations and properties read it. Every method gives a Z3 term.

    `package` arguments of the map's predicates are ignored with global KeyIDs.
    """

    def __init__(self, design: Design, interpretation: Interpretation, values: Values) -> None:
        self.design = design
        self.every = interpretation.every
        self.some = interpretation.some
        self.less = interpretation.less
        self._interpretation = interpretation
        self._values = values

    def __getattr__(self, family: str) -> Any:
        return getattr(self._values, family)

    @property
    def per_package(self) -> bool:
        """Whether each package has its own map (a fact about the design, not a term)."""
        return self.design.keyid_scope == "per_package"

    # Constants

    def answer(self, name: str) -> Term:
        """A value of ANSWER."""
        return self._interpretation.constant(ANSWER, name)

    def kind(self, name: str) -> Term:
        """A value of KIND."""
        return self._interpretation.constant(KIND, name)

    def mode(self, name: str) -> Term:
        """A value of MODE."""
        return self._interpretation.constant(MODE, name)

    def control(self, name: str) -> Term:
        """A value of CONTROL."""
        return self._interpretation.constant(CONTROL, name)

    def bytes(self, name: str) -> Term:
        """A constant of BYTES: zeros or random."""
        return self._interpretation.constant(BYTES, name)

    def is_user_bytes(self, value: Term) -> Term:
        """Whether the value is some user's key."""
        return z3.And(value != self.bytes("zeros"), value != self.bytes("random"))

    # Packages and CPUs

    def is_first_package(self, package: Term) -> Term:
        """Whether it is package 0, which the machine boots from."""
        return z3.Not(self.some(PACKAGE, lambda p: self.less(p, package)))

    def is_first_cpu(self, cpu: Term) -> Term:
        """Whether it is CPU 0 of its package."""
        return z3.Not(self.some(CPU, lambda c: self.less(c, cpu)))

    def has_online(self, package: Term) -> Term:
        """Whether some CPU of the package is online."""
        return self.some(CPU, lambda c: self.online[package, c])

    def has_lead(self, package: Term) -> Term:
        """Whether the package has a lead CPU: whether its key table can be programmed."""
        return self.some(CPU, lambda c: self.lead[package, c])

    def out_of_reach(self, package: Term) -> Term:
        """Whether its memory is in use while no CPU of it is online (`unreachable_package`)."""
        return z3.And(self.memory[package], z3.Not(self.has_online(package)))

    # The map

    def has_keyid(self, key: Term, package: Term, keyid: Term) -> Term:
        """Whether the key has this KeyID on the package."""
        return self.mapped[key, package, keyid] if self.per_package else self.mapped[key, keyid]

    def is_mapped(self, package: Term, keyid: Term) -> Term:
        """Whether some key has this KeyID on the package."""
        return self.some(KEY, lambda x: self.has_keyid(x, package, keyid))

    def is_out_of_service(self, package: Term, keyid: Term) -> Term:
        """Whether the KeyID waits for CLEAR_KEY before it may be used again."""
        if self.per_package:
            return self.uncleared[package, keyid]
        return self.some(PACKAGE, lambda p: self.uncleared[p, keyid])

    def is_free(self, package: Term, keyid: Term) -> Term:
        """Whether a new key could be given this KeyID on the package."""
        return z3.Not(z3.Or(self.is_mapped(package, keyid), self.is_out_of_service(package, keyid)))

    def is_next_free(self, package: Term, keyid: Term) -> Term:
        """Whether it is the lowest free KeyID of the package's map."""
        lower_is_free = self.some(
            KEYID, lambda j: z3.And(self.less(j, keyid), self.is_free(package, j))
        )
        return z3.And(self.is_free(package, keyid), z3.Not(lower_is_free))

    def has_room(self, package: Term) -> Term:
        """Whether some KeyID of the package's map is free."""
        return self.some(KEYID, lambda k: self.is_free(package, k))

    def is_used_on(self, key: Term, package: Term) -> Term:
        """Whether the key has a KeyID on the package."""
        return self.some(KEYID, lambda k: self.has_keyid(key, package, k))

    def any_mapped_on(self, package: Term) -> Term:
        """Whether any KeyID of the package's map is mapped."""
        return self.some(KEYID, lambda k: self.is_mapped(package, k))

    # The user-type bitmap

    def has_bit(self, package: Term, keyid: Term) -> Term:
        """Whether the KeyID's bit is set."""
        return self.bit[package, keyid] if self.per_package else self.bit[keyid]

    def is_counted(self, package: Term, keyid: Term) -> Term:
        """Whether the KeyID's bit is set and inside the range that the gate's weight covers."""
        bit = self.has_bit(package, keyid)
        if self.design.bitmap_bits == "n":
            return z3.And(bit, z3.Not(self._interpretation.is_last(KEYID, keyid)))
        return bit

    def every_slot(self, body: Callable[[Any, Any], Term]) -> Term:
        """For every slot of every map: `body(package, KeyID)`, no package with global KeyIDs."""
        if self.per_package:
            return self.every(PACKAGE, KEYID, lambda p, k: body(p, k))
        return self.every(KEYID, lambda k: body(None, k))

    # Pointwise effects on the map and the bitmap, whichever shape they have

    def for_map(self, value: Callable[[Any, Any, Any], Term]) -> Callable[..., Term]:
        """An effect on `mapped` from its value for (key, package, KeyID)."""
        return value if self.per_package else lambda x, k: value(x, None, k)

    def for_bitmap(self, value: Callable[[Any, Any], Term]) -> Callable[..., Term]:
        """An effect on `bit` from its value for (package, KeyID)."""
        return value if self.per_package else lambda k: value(None, k)
