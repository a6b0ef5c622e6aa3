"""Whether a claim holds at every depth, by k-induction over runs without repeated states.

Source: Sheeran, Singh, Stålmarck, "Checking Safety Properties Using Induction and a SAT-Solver",
FMCAD 2000. A claim that no run of fewer than k transitions violates, and that cannot fail for the
first time after k transitions through distinct good states, wherever they begin, never fails.

With k = 1 there is one condition for each action, and each is asked by itself, so that a claim
which is not inductive comes with the actions that break it and a step of each that does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import z3

from checker.answers.proof import Invariant
from checker.answers.trace import first_violation, run
from checker.answers.verdict import Verdict
from checker.solving.bounded import Search
from checker.solving.sat_runs import runs_of
from checker.solving.shortest import least_run
from checker.solving.unroll import Backend, Goal, Unknown
from checker.systems.deadlines import deadline_after
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, ModelError, State

ENGINE = "k-induction"


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """A counterexample to induction: a step from a good state that violates what was to be proved.

    Nothing says that `before` is reachable. `fails` is the id of the claim or lemma that is false
    in `after`, or of this step. Of all such steps of the action it is the least (see `shortest`).
    """

    before: State
    call: Call
    after: State
    fails: str


@dataclasses.dataclass(frozen=True)
class NotInductive(Verdict):
    """UNKNOWN after an induction: with what stood in its way at k = 1, a step for each action."""

    obstacles: tuple[Obstacle, ...] = ()


def k_induction(
    system: GroundSystem,
    claim: GroundProperty,
    k_max: int,
    lemmas: Sequence[GroundProperty] = (),
    seconds_max: float | None = None,
    premise_reached: bool = False,
    backend: Backend = "sat",
) -> Verdict:
    """Try k = 1, 2, … k_max. The lemmas are proved together with the claim, and need not be known.

    PROVED has the k that did it as its depth, and an `Invariant` of the lemmas; its premise was
    reached within k_max transitions, or is known to be reached (`premise_reached`). VIOLATED has
    the least of the shortest runs. UNKNOWN is a `NotInductive`: the reason says which of base, step
    or premise gave none, and which actions break the claim or a lemma. Raises ModelError on a lemma
    that is not about states.
    """
    for lemma in lemmas:
        if lemma.kind != "state":
            raise ModelError(f"lemma {lemma.id} of {system.name} is about steps, not about states")
    deadline = deadline_after(seconds_max)
    base = _Base(system, claim, lemmas, deadline, premise_reached, backend)
    step = _InductiveStep(system, [claim, *lemmas], deadline, backend)
    try:
        for k in range(1, k_max + 1):
            answer = base.deepen()
            if answer is not None:
                return answer
            if not step.can_fail(k):
                return _proved(base, [lemma.state for lemma in lemmas], k, k_max)
    except Unknown as unknown:
        reason = f"{unknown}, after depth {base.search.depth_done}"
        return _unknown(base.search, reason, step.obstacles)
    return _unknown(base.search, f"not inductive for any k up to {k_max}", step.obstacles)


def _proved(base: _Base, lemmas: Sequence[z3.BoolRef], k: int, k_max: int) -> Verdict:
    """The verdict once the step holds; the premise may still have to be found. Raises Unknown."""
    search = base.search
    while not search.premise_reached and search.depth_done < k_max:
        if search.deepen() is not None:
            raise AssertionError("a claim that k-induction proved is violated")
    if search.premise_reached:
        proof = Invariant(search.runs.system, tuple(lemmas), k, distinct=k > 1)
        return Verdict("PROVED", ENGINE, k, proof=proof)
    return _unknown(search, f"premise not reached within depth {search.depth_done}")


def _unknown(search: Search, reason: str, obstacles: Sequence[Obstacle] = ()) -> NotInductive:
    if obstacles:
        broken = ", ".join(f"{obstacle.call.action} ({obstacle.fails})" for obstacle in obstacles)
        reason = f"{reason}; a single step breaks it: {broken}"
    return NotInductive(
        "UNKNOWN",
        ENGINE,
        max(0, search.depth_done),
        premise_reached=search.premise_reached,
        reason=reason,
        obstacles=tuple(obstacles),
    )


class _Base:
    """The base case: the claim and every lemma on the runs from initial states."""

    def __init__(
        self,
        system: GroundSystem,
        claim: GroundProperty,
        lemmas: Sequence[GroundProperty],
        deadline: float | None,
        premise_reached: bool,
        backend: Backend,
    ) -> None:
        self.search = Search(
            system, claim, deadline, premise_reached=premise_reached, backend=backend
        )
        self._lemmas = lemmas
        together = joint(lemmas) if lemmas else None
        self._beside = Search(system, together, deadline, -1, True, backend) if together else None

    def deepen(self) -> Verdict | None:
        """A verdict when the claim or a lemma fails at the next depth. Raises Unknown."""
        violation = self.search.deepen()
        if violation is not None:
            return dataclasses.replace(violation, engine=ENGINE)
        failed = self._beside.deepen() if self._beside is not None else None
        if failed is None or failed.trace is None:
            return None
        depth, system = self.search.depth_done, self.search.runs.system
        lemma = next(x for x in self._lemmas if first_violation(system, x, failed.trace) == depth)
        return _unknown(self.search, f"lemma {lemma.id} is violated after {depth} transitions")


class _InductiveStep:
    """The step: good and distinct states, from anywhere, and then a violation.

    `obstacles` has what stood in the way of k = 1, once that was asked.
    """

    def __init__(
        self,
        system: GroundSystem,
        claims: Sequence[GroundProperty],
        deadline: float | None,
        backend: Backend,
    ) -> None:
        self.obstacles: list[Obstacle] = []
        self._runs = runs_of(system, joint(claims), backend, deadline)
        self._claims = claims

    def can_fail(self, k: int) -> bool:
        """Whether k - 1 good transitions may lead to one that violates. Call with k = 1, 2, …

        The state after the violating transition may be an old one (a step claim can fail on a
        transition to where the run has been), so it is not among the distinct ones. Once there is
        no longer run through distinct states this is false, and the claim is proved.
        """
        runs, moment = self._runs, k - 1
        runs.require(runs.negated(runs.violated(moment)))
        for earlier in range(moment):
            runs.require(runs.differs(earlier, moment))
        runs.step()
        if k > 1:
            return runs.is_possible(runs.violated(k))
        for number in range(len(runs.system.actions)):
            goals = runs.violated(k), runs.taken(number, moment)
            if runs.is_possible(*goals):
                self.obstacles.append(self._obstacle(goals))
        return bool(self.obstacles)

    def _obstacle(self, goals: Sequence[Goal]) -> Obstacle:
        before, (call,), _ = least_run(self._runs, *goals)
        anywhere = dataclasses.replace(self._runs.system, initially=z3.BoolVal(True))
        trace = run(anywhere, before, [call])
        broken = next(c for c in self._claims if first_violation(anywhere, c, trace) is not None)
        return Obstacle(before, call, trace.states[-1], broken.id)


def joint(claims: Sequence[GroundProperty]) -> GroundProperty:
    """The claim that all of the claims hold; its premise is that of the first."""
    first = claims[0]
    actions = {action for claim in claims for action in claim.steps}
    return dataclasses.replace(
        first,
        state=z3.And([claim.state for claim in claims]),
        steps={
            action: z3.And([claim.steps[action] for claim in claims if action in claim.steps])
            for action in sorted(actions)
        },
    )
