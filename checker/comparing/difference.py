"""The shortest run of calls that one system allows and another does not, or that there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checker.answers.verdict import Verdict
from checker.comparing.answering import answering
from checker.comparing.correspondence import Correspondence, family_of
from checker.comparing.product import LEFT, RIGHT, Product, beginning, product
from checker.engines import asked
from checker.limits import Limits
from checker.portfolio import combined, is_final
from checker.question import Question, about
from checker.settling import settled
from checker.solving.bounded import bounded
from checker.systems.cone import lift_start
from checker.systems.deadlines import deadline_after, seconds_left
from checker.systems.system import Call, GroundSystem, State

SHORT_DEPTH = 5
"""How many calls are tried before anything is explored: most differences show within as many."""

EXPLORING = 0.6
"""The part of the time that is left which exploring may take; the rest goes to longer runs."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What one of the two systems does: where it starts, and its calls."""

    start: State
    calls: tuple[Call, ...]


@dataclasses.dataclass(frozen=True)
class Compared:
    """The answer, which is about a product: `VIOLATED` where the left system allows more.

    `runs` has then what the left and the right system do. `PROVED` says that there is no such run
    of any length, `HOLDS_TO` none of `depth` calls or fewer, `VACUOUS` that the left system allows
    nothing which the right one does.
    """

    verdict: Verdict
    runs: tuple[Run, Run] | None = None


def compared(
    left: GroundSystem,
    right: GroundSystem,
    matched: Correspondence,
    allowed: str,
    limits: Limits,
    spared: frozenset[str] = frozenset(),
) -> Compared:
    """The least of the shortest runs of calls that the left system answers with `allowed`.

    The right system answers so too, but for the last call. Where there are such runs in which the
    parameters of the families `spared` have their first values, it is the least of these.

    Raises ModelError where the two have nothing to match, and EngineDisagreement where an answer
    does not stand a second check.
    """
    deadline = deadline_after(limits.seconds_max)
    smaller = answering(left), answering(right)
    whole = product(*smaller, matched, allowed)
    question = about(whole.system, whole.claim)
    verdict = _answer(question, limits, deadline)
    if verdict.trace is None:
        return Compared(verdict)
    sides = tuple(
        dataclasses.replace(system, initially=beginning(system, matched.begins))
        for system in (left, right)
    )
    found = _runs(whole, verdict, *sides)
    if _has_any(spared, left, found[0].calls) or _has_any(spared, right, found[1].calls):
        fixed = dataclasses.replace(matched, fixed=matched.fixed | spared)
        plain = product(*smaller, fixed, allowed)
        other = _as_short(about(plain.system, plain.claim), len(verdict.trace), limits, deadline)
        if other.trace is not None:
            return Compared(other, _runs(plain, other, *sides))
    return Compared(verdict, found)


def _answer(question: Question, limits: Limits, deadline: float | None) -> Verdict:
    """Short runs first, then every state, then longer runs."""

    short = limits.until(deadline, 0.5, depth_max=min(SHORT_DEPTH, limits.depth_max))
    tried = [asked("bounded", question, short)]
    if not is_final(tried[-1]):
        tried.append(asked("explore", question, limits.until(deadline, EXPLORING)))
    if not is_final(tried[-1]) and limits.depth_max > short.depth_max:
        tried.append(asked("bounded", question, limits.until(deadline)))
    return combined(tried)


def _as_short(question: Question, length: int, limits: Limits, deadline: float | None) -> Verdict:
    """A run of this length; it is known that there is none shorter."""
    seconds = seconds_left(deadline)
    found = bounded(question.cone, question.claim, length, seconds, depth_done=length - 1)
    return settled(found, question, limits)


def _runs(
    whole: Product, verdict: Verdict, left: GroundSystem, right: GroundSystem
) -> tuple[Run, Run]:
    """What each system does in a run of the product, with all of its variables."""
    assert verdict.trace is not None
    calls = [step.call for step in verdict.trace.steps]
    first, second = (
        Run(
            lift_start(whole.sides[side], system, whole.state(side, verdict.trace.start)),
            tuple(whole.calls(side, calls)),
        )
        for side, system in ((LEFT, left), (RIGHT, right))
    )
    return first, second


def _has_any(spared: frozenset[str], system: GroundSystem, calls: Sequence[Call]) -> bool:
    """Whether a parameter of these families has another than its first value in any call."""
    return any(
        value and family_of(parameter) in spared
        for call in calls
        for parameter, value in zip(system.action(call.action).parameters, call.values, strict=True)
    )
