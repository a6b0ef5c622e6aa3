"""What stands behind PROVED: an inductive invariant, or a closed set of states.

An engine offers a proof, in terms that live in its process. A *certificate* is the same proof as
bytes, which a second checker that shares nothing with the engine has accepted.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from checker.systems.system import GroundSystem, Term


@dataclasses.dataclass(frozen=True)
class Condition:
    """A formula that must have no model, and in a few words what it says: "destroy keeps it"."""

    name: str
    formula: Term


@dataclasses.dataclass(frozen=True)
class Invariant:
    """Formulas over a ground system's variables that together with the claim are inductive.

    With `k` above 1 they are inductive over so many steps (see `induction`); `distinct` says that
    only runs without repeated states were looked at.
    """

    system: GroundSystem
    conjuncts: tuple[Term, ...]
    k: int = 1
    distinct: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class ClosedSet:
    """All states that a system reaches, as an engine found them.

    `states` is an array of shape (number of states, words), of `uint64`, ascending; `fields` has
    for each variable its word, the distance of its lowest bit from the word's low end, and
    its number of bits. With `representative` (a term for each variable) the set has one state for
    each class of states, and `representative` leads from a state to that one; `conditions` are
    then what makes that sound.
    """

    system: GroundSystem
    states: Any
    fields: tuple[tuple[int, int, int], ...]
    representative: tuple[Term, ...] | None = None
    conditions: tuple[Condition, ...] = ()


@dataclasses.dataclass(frozen=True)
class AnySize:
    """Conditions with quantifiers over index sorts: an induction for every number of elements.

    `lemmas` are the sentences of the formulas that are inductive together with the claim, and
    `invariant` the formulas themselves, as SMT-LIB 2 terms over the families' names.
    """

    lemmas: tuple[str, ...]
    invariant: tuple[str, ...]
    conditions: tuple[Condition, ...]


Proof = Invariant | ClosedSet | AnySize


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A proof as the content of a file, and a line that says what the second checker confirmed.

    `lemmas` are the sentences that a proof for any size rests on.
    """

    kind: Literal["induction", "any-size", "closed-set"]
    content: bytes
    confirmed: str
    lemmas: tuple[str, ...] = ()
