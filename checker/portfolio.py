"""Which engine answers: exploration of the claim's cone first, then induction and bounded search.

No violation stands on one leg: the run is executed again on the full system, by substitution and
Z3's simplifier, which share nothing with the engine that found it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from checker.answers.trace import Trace, TraceError, first_violation, run
from checker.answers.verdict import Verdict
from checker.exploring.compile import CompileError
from checker.exploring.exploration import Exploration, Progress
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.solving.bounded import bounded
from checker.solving.induction import k_induction
from checker.systems.cone import cone_of_influence, lift, lift_start
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State

K_MAX = 8
"""The greatest k tried by induction: beyond, the pairs of distinct states outgrow their use."""


class EngineDisagreement(RuntimeError):
    """An engine's counterexample is none when it is executed again: a fault of the checker."""


def decide(
    system: GroundSystem,
    claim: GroundProperty,
    *,
    states_max: int | None = None,
    depth_max: int = 20,
    seconds_max: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Verdict:
    """Judge one claim: explore its cone; when a limit ends that, use the solver beyond it.

    `states_max` bounds the exploration, `depth_max` the bounded search; of `seconds_max` at most
    half goes to exploration and half of the rest to induction. Counts are of the cone's states and
    transitions. Raises EngineDisagreement when a violation does not execute on the full system.
    """
    begun = time.monotonic()

    def share(part: float) -> float | None:
        """A part of the seconds that are left."""
        if seconds_max is None:
            return None
        return max(0.001, part * (seconds_max - (time.monotonic() - begun)))

    cone = cone_of_influence(system, claim)
    explored, why = None, ""
    try:
        explored = explore(
            cone, [claim], states_max=states_max, seconds_max=share(0.5), progress=progress
        )
    except (TooLarge, CompileError) as refusal:
        why = str(refusal)
    if explored is not None:
        verdict = explored.verdict(cone, claim)
        if verdict.word != "HOLDS_TO":
            return _confirmed(verdict, system, cone, claim)
        why = explored.reason
    reached = explored is not None and explored.findings[claim.id].premise_reached
    proof = k_induction(
        cone, claim, min(K_MAX, depth_max), seconds_max=share(0.5), premise_reached=reached
    )
    if proof.word != "UNKNOWN":
        return _confirmed(_counted(proof, explored), system, cone, claim)
    depth = explored.depth if explored is not None else -1
    beyond = bounded(cone, claim, max(depth, depth_max), share(1.0), depth_done=depth)
    if beyond.word == "HOLDS_TO":
        reason = f"{why}; {beyond.reason}"
        reached = reached or beyond.premise_reached or proof.premise_reached
        beyond = dataclasses.replace(beyond, reason=reason, premise_reached=reached)
    return _confirmed(_counted(beyond, explored), system, cone, claim)


def confirm(
    system: GroundSystem, claim: GroundProperty, start: State, calls: Sequence[Call]
) -> Trace:
    """The run, executed again; it violates the claim at its end and not before.

    Raises EngineDisagreement otherwise.
    """
    try:
        trace = run(system, start, calls)
    except TraceError as error:
        raise EngineDisagreement(f"{claim.id} of {system.name}: {error}") from error
    violation = first_violation(system, claim, trace)
    if violation != len(trace):
        raise EngineDisagreement(
            f"{claim.id} of {system.name}: a run of {len(trace)} steps was found to violate it;"
            f" executed again, it does so after {violation}"
        )
    return trace


def _confirmed(
    verdict: Verdict, system: GroundSystem, cone: GroundSystem, claim: GroundProperty
) -> Verdict:
    """The verdict with its run on the full system, if it has one."""
    if verdict.trace is None:
        return verdict
    calls = lift(cone, system, [step.call for step in verdict.trace.steps])
    start = lift_start(cone, system, verdict.trace.start)
    return dataclasses.replace(verdict, trace=confirm(system, claim, start, calls))


def _counted(verdict: Verdict, explored: Exploration | None) -> Verdict:
    if explored is None:
        return verdict
    return dataclasses.replace(verdict, states=explored.states, transitions=explored.transitions)
