"""Whether the step at which an induction gets stuck is real: can its state be reached?

A counterexample to induction begins in a state where all that is assumed holds. If a run leads
there, the claim is false, one step later. If none does, a lemma is missing that would exclude the
state. Which of the two it is, the explorer says, in a system of that size.
"""

from __future__ import annotations

from typing import Literal

import z3

from checker.anysize.any_size import Attempt
from checker.exploring.explore import explore
from checker.systems.cone import cone_of_influence
from checker.systems.property import GroundProperty

Answer = Literal["confirmed", "refuted", "undecided"]
"""The state is reached, and so the claim is violated · it is not, so a lemma is missing · neither
was found out within the limits."""

STATES_MAX = 2_000_000
"""How many states are searched if no other limit is given: seconds, not minutes."""


def gap_is_reached(
    attempt: Attempt, *, states_max: int = STATES_MAX, seconds_max: float | None = None
) -> Answer:
    """Whether a run leads to the state where the attempt's gap begins.

    Only the variables that the claim depends on are compared: a run that agrees on those leads to
    a violation as well. Raises ValueError for an attempt without a gap.
    """
    if attempt.selection is None or attempt.selection.gap is None:
        raise ValueError("this attempt has no gap")
    gap = attempt.selection.gap
    if gap.call is None:
        return "confirmed"
    system = attempt.grounding.system
    cone = cone_of_influence(system, attempt.grounding.property(attempt.claim))
    values = {v.name: value for v, value in zip(system.variables, gap.before, strict=True)}
    there = z3.And([v.term == v.literal(values[v.name]) for v in cone.variables])
    true = z3.BoolVal(True)
    elsewhere = GroundProperty(f"gap of {attempt.claim.id}", "state", z3.Not(there), {}, true, {})
    verdict = explore(cone, [elsewhere], states_max=states_max, seconds_max=seconds_max).verdict(
        cone, elsewhere
    )
    answers: dict[str, Answer] = {"VIOLATED": "confirmed", "PROVED": "refuted"}
    return answers.get(verdict.word, "undecided")
