"""A small key service to measure engines with: key tables of packages that come and go.

The kernel gives a new key the lowest free KeyID and programs it on every package with an online
CPU; a released entry stays as it was (as RFC v2 leaves it). A package that comes back is programmed
from what the kernel kept. The claim: packages that are online hold the same key for a mapped KeyID.
With `misses_last` a package that comes back misses the last KeyID, which takes as many calls to
show as there are KeyIDs, and two more.
"""

from __future__ import annotations

from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.system import (
    BOOL,
    Action,
    Enum,
    Family,
    Index,
    Parameter,
    Step,
    Symmetry,
    System,
)

PACKAGE = Index("Package")
KEYID = Index("KeyID", numbered_from=1)
BYTES = Index("Bytes", constants=("none",), numbered_from=None)
ANSWER = Enum("Answer", ("ok",))


class _Actions:
    """What the calls do, under an interpretation."""

    def __init__(self, interpretation: Any, misses_last: bool) -> None:
        self.under = interpretation
        self.misses_last = misses_last
        self.none = interpretation.constant(BYTES, "none")
        self.ok = interpretation.constant(ANSWER, "ok")

    def initially(self, state: Any) -> Any:
        """Every package is online, and nothing is programmed."""
        return z3.And(
            self.under.every(PACKAGE, lambda p: state.online[p]),
            self.under.every(KEYID, lambda k: state.key_of[k] == self.none),
            self.under.every(PACKAGE, KEYID, lambda p, k: state.table[p, k] == self.none),
        )

    def _programmed(self, old: Any, at: Any, supplied: Any) -> dict[str, Any]:
        return {
            "key_of": lambda k: z3.If(at(k), supplied, old.key_of[k]),
            "table": lambda p, k: z3.If(z3.And(at(k), old.online[p]), supplied, old.table[p, k]),
        }

    def instantiate(self, old: Any, choice: Any) -> Step:
        """A new key gets the lowest free KeyID."""

        def is_free(k: Any) -> Any:
            return old.key_of[k] == self.none

        def is_next(k: Any) -> Any:
            lower = self.under.some(KEYID, lambda j: z3.And(self.under.less(j, k), is_free(j)))
            return z3.And(is_free(k), z3.Not(lower))

        effect = self._programmed(old, is_next, choice.bytes)
        return Step(choice.bytes != self.none, self.ok, effect)

    def update(self, old: Any, choice: Any) -> Step:
        """A KeyID that is in use gets another key."""
        guard = z3.And(old.key_of[choice.keyid] != self.none, choice.bytes != self.none)
        effect = self._programmed(old, lambda k: k == choice.keyid, choice.bytes)
        return Step(guard, self.ok, effect)

    def release(self, old: Any, choice: Any) -> Step:
        """A KeyID is free again; its entries stay."""
        freed = {"key_of": lambda k: z3.If(k == choice.keyid, self.none, old.key_of[k])}
        return Step(old.key_of[choice.keyid] != self.none, self.ok, freed)

    def teardown(self, old: Any, choice: Any) -> Step:
        """A package goes offline, but for the last."""

        def is_another(p: Any) -> Any:
            return z3.And(old.online[p], p != choice.package)

        guard = z3.And(old.online[choice.package], self.under.some(PACKAGE, is_another))
        return Step(guard, self.ok, {"online": is_another})

    def startup(self, old: Any, choice: Any) -> Step:
        """A package comes back, and is programmed from what the kernel kept."""

        def restored(p: Any, k: Any) -> Any:
            here = z3.And(p == choice.package, old.key_of[k] != self.none)
            if not self.misses_last:
                return here
            return z3.And(here, z3.Not(self.under.is_last(KEYID, k)))

        effect = {
            "online": lambda p: z3.Or(old.online[p], p == choice.package),
            "table": lambda p, k: z3.If(restored(p, k), old.key_of[k], old.table[p, k]),
        }
        return Step(z3.Not(old.online[choice.package]), self.ok, effect)


def key_tables(interpretation: Any, misses_last: bool = False) -> System:
    """The system under an interpretation. Sizes of its sorts: PACKAGE, KEYID, BYTES (keys + 1)."""
    does = _Actions(interpretation, misses_last)
    keyid, supplied = Parameter("keyid", KEYID), Parameter("bytes", BYTES)
    package = Parameter("package", PACKAGE)
    return System(
        name="key-tables-misses-last" if misses_last else "key-tables",
        interpretation=interpretation,
        families=(
            Family("online", (PACKAGE,), BOOL, meaning="a CPU of the package is online"),
            Family("key_of", (KEYID,), BYTES, meaning="the key that the KeyID stands for"),
            Family("table", (PACKAGE, KEYID), BYTES, meaning="key table entry"),
        ),
        answers=ANSWER,
        initially=does.initially,
        actions=(
            Action("instantiate", (supplied,), does.instantiate),
            Action("update", (keyid, supplied), does.update),
            Action("release", (keyid,), does.release),
            Action("teardown", (package,), does.teardown),
            Action("startup", (package,), does.startup),
        ),
        view=lambda values: values,
        reductions=(Symmetry(PACKAGE), Symmetry(BYTES)),
    )


def online_packages_agree(interpretation: Any) -> Property:
    """The claim: packages that are online hold the same key for every mapped KeyID."""
    none = interpretation.constant(BYTES, "none")

    def formula(state: Any) -> Any:
        return interpretation.every(
            PACKAGE,
            PACKAGE,
            KEYID,
            lambda p, q, k: z3.Implies(
                z3.And(state.online[p], state.online[q], state.key_of[k] != none),
                state.table[p, k] == state.table[q, k],
            ),
        )

    return Property(
        id="online-packages-agree",
        kind="state",
        sentence="Packages that are online hold the same key for every mapped KeyID.",
        formula=formula,
        premise=Premise(
            "state", lambda state: interpretation.some(KEYID, lambda k: state.key_of[k] != none)
        ),
        explain=lambda *_: "two packages that are online hold different keys",
        source="RFC v2 patch 11",
    )
