"""Which states may stand for which others, so that a search visits one of each class.

What a system declares (`System.reductions`) is a belief. For the claims at hand each belief is
turned into conditions, and used only where Z3 proves all of them; otherwise it is refused, with the
reason. What a search compiles are the very terms that were proved.

Why it is sound. A *bisimulation* that also respects the claims relates every state with the one
that stands for it:

* *Symmetry* (Emerson and Sistla 1996; Clarke, Enders, Filkorn and Jha 1996; Ip and Dill 1996). Each
  exchange of two neighbouring elements is proved to be an automorphism of the transitions that
  leaves the claims as they are. Products of automorphisms are automorphisms, and the exchanges of
  neighbours give every order of a run of elements. The initial states need not be symmetric: a
  path from g(s) is the image of a path from s, so what is reached from the one violates a claim
  after as many steps as what is reached from the other.
* *Normalisers.* Each is proved to lead from a state to a bisimilar one (see `bisimulation`), on its
  own and of the system as it is. Bisimilarity is transitive, so normalisers may follow one another,
  and renamings may follow them, in any order and number.

So a search that starts in the representatives of the initial states, and replaces each successor by
its representative, reaches a violation or a premise after exactly as many steps as a search of
everything. It may be closed after fewer: a class is reached as soon as the first of its states. Its
states are as many as there are classes only if representatives are *canonical*, one for each class;
where they are not, more states are visited, and the answer is the same.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence

import z3

from checker.answers.proof import Condition
from checker.reducing.bisimulation import (
    OUT_OF_TIME,
    Obligation,
    StateMap,
    obligations,
    substituted,
)
from checker.reducing.normaliser import normal_form, unknown_to
from checker.reducing.orbit import representatives
from checker.reducing.symmetry import (
    Block,
    NoCounterpart,
    Places,
    blocks_of,
    concerns,
    exchange,
    name_of_pair,
    places_of,
)
from checker.systems.deadlines import is_over
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Index, Normaliser, Symmetry, Term

RESOURCES = 60_000_000
"""How much work Z3 may put into one condition: its own count (`rlimit`), some 6 seconds of it.

A limit in seconds would make what is used, and so what a checkpoint is of, depend on the load of
the machine. The model's conditions need half a million at most in the default scope, and 6.5
million with three packages and three KeyIDs; one that takes nine times that is not worth its proof.
"""


@dataclasses.dataclass(frozen=True)
class Reduction:
    """What was proved of the declared reductions, for one system and some claims about it.

    `representative` has a term for each variable of the system, over its variables: it leads from a
    state to the one that stands for it (itself, where nothing is used). `used` names what was
    proved; `refused` has names and reasons. The `conditions` have no model; together they are why
    the representative is sound for the `claims`, and for no others. `is_identity` says that every
    state stands for itself alone.
    """

    representative: tuple[Term, ...]
    used: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    conditions: tuple[Condition, ...]
    is_identity: bool
    claims: tuple[GroundProperty, ...] = ()


def reduce(
    grounding: Grounding,
    system: GroundSystem,
    claims: Sequence[GroundProperty],
    *,
    deadline: float | None = None,
    resources: int = RESOURCES,
) -> Reduction:
    """Prove what the grounding's text declares, for a system that has some of its variables.

    `system` is the grounding's, or a cone of it, and the claims are what is judged on it. What is
    not proved by the deadline, a moment of `time.monotonic`, is refused. Raises ModelError on a
    normaliser that is not well formed.
    """
    return _Prover(grounding, system, claims, deadline, resources).reduction()


class _Prover:
    def __init__(
        self,
        grounding: Grounding,
        system: GroundSystem,
        claims: Sequence[GroundProperty],
        deadline: float | None,
        resources: int,
    ) -> None:
        self._grounding = grounding
        self._system = system
        self._claims = claims
        self._deadline = deadline
        self._resources = resources
        self._places: Places = places_of(grounding, system)
        self._variables = tuple(variable.term for variable in system.variables)
        self._used: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self._proved: list[Obligation] = []

    def reduction(self) -> Reduction:
        declared = self._grounding.text.reductions
        stages = [
            stage
            for normaliser in declared
            if isinstance(normaliser, Normaliser)
            and (stage := self._normaliser(normaliser)) is not None
        ]
        blocks = [
            block
            for symmetry in declared
            if isinstance(symmetry, Symmetry)
            for block in self._symmetry(symmetry.sort)
        ]
        if blocks and self._is_late():
            self._refused.append(("a representative", OUT_OF_TIME))
            blocks = []
        for stage, owed in representatives(self._places, blocks):
            if self._holds("a representative", owed):
                stages.append(stage)
        return Reduction(
            representative=functools.reduce(self._then, stages, self._variables),
            used=tuple(self._used),
            refused=tuple(self._refused),
            conditions=tuple(obligation.condition() for obligation in self._proved),
            is_identity=not stages,
            claims=tuple(self._claims),
        )

    def _then(self, terms: tuple[Term, ...], stage: tuple[Term, ...]) -> tuple[Term, ...]:
        """What the stage makes of a state that is given by terms."""
        values = [*zip(self._variables, terms, strict=True)]
        return tuple(map(z3.simplify, substituted(stage, values)))

    def _normaliser(self, declared: Normaliser) -> tuple[Term, ...] | None:
        mapped = normal_form(self._grounding, self._places, declared)
        if all(term.eq(v) for term, v in zip(mapped.state, self._variables, strict=True)):
            return None
        if unknown := unknown_to(self._places, mapped):
            names = ", ".join(sorted(unknown))
            self._refused.append((declared.name, f"it reads {names}, which nothing else does"))
            return None
        return mapped.state if self._is_proved(declared.name, mapped) else None

    def _symmetry(self, sort: Index) -> list[Block]:
        """The blocks of elements that are proved to be interchangeable."""
        if not concerns(self._places, sort):
            return []
        size = self._grounding.finite.size(sort)
        proved = []
        for position in range(len(sort.constants), size - 1):
            name = name_of_pair(sort, position)
            try:
                mapped = exchange(self._places, sort, position)
            except NoCounterpart as reason:
                self._refused.append((name, str(reason)))
                continue
            if self._is_proved(name, mapped):
                proved.append(position)
        return blocks_of(sort, size, proved)

    def _is_proved(self, name: str, mapped: StateMap) -> bool:
        if not self._holds(name, obligations(self._system, self._claims, mapped)):
            return False
        self._used.append(name)
        return True

    def _holds(self, name: str, owed: Iterable[Obligation]) -> bool:
        proved: list[Obligation] = []
        objection = self._objection(iter(owed), proved)
        if objection is not None:
            self._refused.append((name, objection))
            return False
        self._proved += proved
        return True

    def _objection(self, owed: Iterator[Obligation], proved: list[Obligation]) -> str | None:
        """The first reason against what is owed, in words; None when all of it is proved."""
        # Time is looked at in between, since to write a condition down takes time as well.
        while not self._is_late():
            obligation = next(owed, None)
            if obligation is None:
                return None
            objection = obligation.objection(self._resources, self._deadline)
            if objection is not None:
                return objection
            proved.append(obligation)
        return OUT_OF_TIME

    def _is_late(self) -> bool:
        return is_over(self._deadline)
