"""Whether a run that an engine found is one of the whole system, and violates the claim there.

No violation stands on one leg: the run is executed again on the full system, by substitution and
Z3's simplifier, which share nothing with the engine that found it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checker.answers.trace import Trace, TraceError, first_violation, run
from checker.answers.verdict import Verdict
from checker.systems.cone import lift, lift_start
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State


class EngineDisagreement(RuntimeError):
    """An engine's answer does not stand when it is checked a second time: a fault of the checker.

    The message says whose, and what differs.
    """


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


def on_full_system(
    verdict: Verdict, system: GroundSystem, cone: GroundSystem, claim: GroundProperty
) -> Verdict:
    """A verdict about a cone with its run, if it has one, on the full system.

    Raises EngineDisagreement when the run does not execute there.
    """
    if verdict.trace is None:
        return verdict
    calls = lift(cone, system, [step.call for step in verdict.trace.steps])
    start = lift_start(cone, system, verdict.trace.start)
    return dataclasses.replace(verdict, trace=confirm(system, claim, start, calls))
