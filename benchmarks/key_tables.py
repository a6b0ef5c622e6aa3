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


def key_tables(interpretation: Any, misses_last: bool = False) -> System:
    """The system under an interpretation. Sizes of its sorts: PACKAGE, KEYID, BYTES (keys + 1)."""
    every, some, less = interpretation.every, interpretation.some, interpretation.less
    none, ok = interpretation.constant(BYTES, "none"), interpretation.constant(ANSWER, "ok")

    def initially(state: Any) -> Any:
        return z3.And(
            every(PACKAGE, lambda p: state.online[p]),
            every(KEYID, lambda k: state.key_of[k] == none),
            every(PACKAGE, KEYID, lambda p, k: state.table[p, k] == none),
        )

    def programmed(old: Any, at: Any, supplied: Any) -> dict[str, Any]:
        return {
            "key_of": lambda k: z3.If(at(k), supplied, old.key_of[k]),
            "table": lambda p, k: z3.If(z3.And(at(k), old.online[p]), supplied, old.table[p, k]),
        }

    def instantiate(old: Any, choice: Any) -> Step:
        def is_next(k: Any) -> Any:
            lower = some(KEYID, lambda j: z3.And(less(j, k), old.key_of[j] == none))
            return z3.And(old.key_of[k] == none, z3.Not(lower))

        return Step(choice.bytes != none, ok, programmed(old, is_next, choice.bytes))

    def update(old: Any, choice: Any) -> Step:
        guard = z3.And(old.key_of[choice.keyid] != none, choice.bytes != none)
        return Step(guard, ok, programmed(old, lambda k: k == choice.keyid, choice.bytes))

    def release(old: Any, choice: Any) -> Step:
        freed = {"key_of": lambda k: z3.If(k == choice.keyid, none, old.key_of[k])}
        return Step(old.key_of[choice.keyid] != none, ok, freed)

    def teardown(old: Any, choice: Any) -> Step:
        another = some(PACKAGE, lambda p: z3.And(old.online[p], p != choice.package))
        guard = z3.And(old.online[choice.package], another)
        gone = {"online": lambda p: z3.And(old.online[p], p != choice.package)}
        return Step(guard, ok, gone)

    def startup(old: Any, choice: Any) -> Step:
        def restored(p: Any, k: Any) -> Any:
            here = z3.And(p == choice.package, old.key_of[k] != none)
            return z3.And(here, z3.Not(interpretation.is_last(KEYID, k))) if misses_last else here

        effect = {
            "online": lambda p: z3.Or(old.online[p], p == choice.package),
            "table": lambda p, k: z3.If(restored(p, k), old.key_of[k], old.table[p, k]),
        }
        return Step(z3.Not(old.online[choice.package]), ok, effect)

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
        initially=initially,
        actions=(
            Action("instantiate", (supplied,), instantiate),
            Action("update", (keyid, supplied), update),
            Action("release", (keyid,), release),
            Action("teardown", (package,), teardown),
            Action("startup", (package,), startup),
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
