"""A breadth-first search over tuples that visits only representatives: what a reduction claims.

It shares the compiled terms with the engines, and no array and no search.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checker.exploring.compile import compile_terms
from checker.exploring.instances import initial_states, instances
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, State, Term


@dataclasses.dataclass(frozen=True)
class Quotient:
    """What a search of representatives saw: how many, how deep, and what of the claim."""

    states: int
    depth: int
    violation: int | None
    premise: int | None
    reached: frozenset[State]

    @property
    def answer(self) -> tuple[int | None, int | None]:
        """The shortest lengths of a violation and of a premise."""
        return self.violation, self.premise


def search(
    system: GroundSystem, claim: GroundProperty, representative: Sequence[Term] | None = None
) -> Quotient:
    """Everything that is reached from initial states, when states stand for others."""
    inputs = [variable.term for variable in system.variables]
    standing = compile_terms(representative or inputs, inputs).run
    found = instances(system, [claim])
    guards = compile_terms([instance.guard for instance in found], inputs).run
    effects = [compile_terms([t for _, t in i.updates], inputs).run for i in found]
    judged = compile_terms([claim.state, claim.premise_state], inputs).run
    steps = [
        compile_terms([t for t in (i.steps[0], i.premises[0]) if t is not None], inputs).run
        for i in found
    ]

    def stands_for(state: Sequence[int]) -> State:
        return tuple(int(value) for value in standing(*state))

    level = {stands_for(state) for state in initial_states(system)}
    seen: set[State] = set()
    violations: set[int] = set()
    premises: set[int] = set()
    depth = -1
    while level:
        seen |= level
        depth += 1
        following: set[State] = set()
        for state in level:
            holds, is_premise = judged(*state)
            violations |= set() if holds else {depth}
            premises |= {depth} if is_premise else set()
            for number, possible in enumerate(guards(*state)):
                if not possible:
                    continue
                instance = found[number]
                values = [*steps[number](*state)]
                if instance.steps[0] is not None and not values.pop(0):
                    violations.add(depth + 1)
                if instance.premises[0] is not None and values.pop(0):
                    premises.add(depth + 1)
                after = [*state]
                for (place, _), value in zip(
                    instance.updates, effects[number](*state), strict=True
                ):
                    after[place] = int(value)
                following.add(stands_for(after))
        level = following - seen
    return Quotient(
        len(seen),
        depth,
        min(violations, default=None),
        min(premises, default=None),
        frozenset(seen),
    )
