"""Whether a claim holds at every depth, by k-induction over runs without repeated states.

Source: Sheeran, Singh, Stålmarck, "Checking Safety Properties Using Induction and a SAT-Solver",
FMCAD 2000. A claim that no run of fewer than k transitions violates, and that cannot fail for the
first time after k transitions through distinct good states, wherever they begin, never fails.
"""

from __future__ import annotations

from collections.abc import Sequence

import z3

from checker.answers.verdict import Verdict
from checker.solving.bounded import Search, deadline_after
from checker.solving.unroll import Unknown, Unrolling
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

ENGINE = "k-induction"


def k_induction(
    system: GroundSystem,
    claim: GroundProperty,
    k_max: int,
    lemmas: Sequence[GroundProperty] = (),
    seconds_max: float | None = None,
    premise_reached: bool = False,
) -> Verdict:
    """Try k = 1, 2, … k_max. The lemmas are proved together with the claim, and need not be known.

    PROVED has the k that did it as its depth; its premise was reached within k_max transitions, or
    is known to be reached (`premise_reached`).
    VIOLATED has a shortest run. UNKNOWN: the reason says which of base, step or premise gave none.
    """
    deadline = deadline_after(seconds_max)
    base = _Base(Search(system, claim, deadline, premise_reached=premise_reached), lemmas)
    step = _InductiveStep(system, [claim, *lemmas], deadline)
    try:
        for k in range(1, k_max + 1):
            answer = base.deepen()
            if answer is not None:
                return answer
            if not step.can_fail(k):
                return _proved(base, k, k_max)
    except Unknown as unknown:
        return _unknown(base.search, f"{unknown}, after depth {base.search.depth_done}")
    return _unknown(base.search, f"not inductive for any k up to {k_max}")


def _proved(base: _Base, k: int, k_max: int) -> Verdict:
    """The verdict once the step holds; the premise may still have to be found. Raises Unknown."""
    search = base.search
    while not search.premise_reached and search.depth_done < k_max:
        if search.deepen() is not None:
            raise AssertionError("a claim that k-induction proved is violated")
    if search.premise_reached:
        return Verdict("PROVED", ENGINE, k)
    return _unknown(search, f"premise not reached within depth {search.depth_done}")


def _unknown(search: Search, reason: str) -> Verdict:
    return Verdict(
        "UNKNOWN",
        ENGINE,
        max(0, search.depth_done),
        premise_reached=search.premise_reached,
        reason=reason,
    )


class _Base:
    """The base case: the claim and every lemma on the runs from initial states."""

    def __init__(self, search: Search, lemmas: Sequence[GroundProperty]) -> None:
        self.search = search
        self._lemmas = lemmas

    def deepen(self) -> Verdict | None:
        """A verdict when the claim or a lemma fails at the next depth. Raises Unknown."""
        violation = self.search.deepen()
        if violation is not None:
            return violation
        depth, runs = self.search.depth_done, self.search.runs
        for lemma in self._lemmas:
            if runs.is_possible(runs.violated(lemma, depth)):
                return _unknown(
                    self.search, f"lemma {lemma.id} is violated after {depth} transitions"
                )
        return None


class _InductiveStep:
    """The step: good and distinct states, from anywhere, and then a violation."""

    def __init__(
        self, system: GroundSystem, claims: Sequence[GroundProperty], deadline: float | None
    ) -> None:
        self._runs = Unrolling(system, deadline)
        self._claims = claims

    def can_fail(self, k: int) -> bool:
        """Whether k - 1 good transitions may lead to one that violates. Call with k = 1, 2, …

        The state after the violating transition may be an old one (a step claim can fail on a
        transition to where the run has been), so it is not among the distinct ones. Once there is
        no longer run through distinct states this is false, and the claim is proved.
        """
        runs, moment = self._runs, k - 1
        runs.solver.add(z3.Not(self._fails(moment)))
        for earlier in range(moment):
            runs.solver.add(self._differ(earlier, moment))
        runs.step()
        return runs.is_possible(self._fails(k))

    def _fails(self, moment: int) -> z3.BoolRef:
        return z3.Or([self._runs.violated(claim, moment) for claim in self._claims])

    def _differ(self, earlier: int, later: int) -> z3.BoolRef:
        runs = self._runs
        return z3.Or(
            [
                runs.at(variable.term, earlier) != runs.at(variable.term, later)
                for variable in runs.system.variables
            ]
        )
