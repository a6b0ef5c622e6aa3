"""In which order engines are asked: what decides most questions soonest comes first.

Where somebody wrote lemmas, first a proof for any size, which takes a second or two; if its
induction gets stuck, most likely because the claim is violated, a bounded search for a short run.
Where nobody did, an exploration of what is small, and then these two. Then an exploration of some
more, and where none has answered, the rest side by side: a reduced exploration in this process (it
shows how far it is, and can be interrupted and resumed), IC3, and induction followed by bounded
search, each in a process that can be killed. The first conclusive answer wins.

Which one that is may differ from run to run; the answer does not. Proofs say the same word, and of
the counterexamples every engine gives the least of the shortest.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed

from checker.answers.verdict import Verdict
from checker.certifying.certificate import is_refused
from checker.confirm import EngineDisagreement
from checker.engines import UNREDUCED_MAX, Engine, asked, explored, unknown
from checker.exploring.exploration import Progress
from checker.killable import Killable, TaskDied
from checker.limits import Limits, Watch
from checker.question import Question, about
from checker.settling import CERTIFICATE_SECONDS, settled
from checker.systems.deadlines import deadline_after
from checker.systems.finite import OutOfTime
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

PARAMETRIC_SECONDS = 20.0
"""How long a proof for any size is tried: those that exist are found in a fraction of that."""

FEW_STATES = 60_000
"""States that are explored before anything else where nobody wrote lemmas: a second or less."""

SHORT_DEPTH = 8
"""How long a short counterexample is at most: no claim so far is violated later than that."""

SHORT_SECONDS = 5.0
"""How long a short counterexample is looked for."""

BESIDE: tuple[tuple[Engine, ...], ...] = (("ic3",), ("k-induction", "bounded"))
"""What runs beside the exploration: a process for each, with engines one after another in it."""

GRACE_SECONDS = 10.0
"""How long after its time an engine is killed: one that ends by itself says how far it was."""

READING = "reading"
"""Who answers where the system could not be read in time."""

CONCLUSIVE = ("PROVED", "VIOLATED", "VACUOUS")

Recipe = Callable[[], Question]
"""How a question is made. It can be sent to another process, which a question cannot."""


class _Overtaken(Exception):
    """Another engine has answered while this one was at work."""


def decide(system: GroundSystem, claim: GroundProperty, limits: Limits = Limits()) -> Verdict:  # noqa: B008 (it is immutable)
    """Judge one claim of a ground system by itself: engines one after another in this process.

    Of the seconds at most half goes to exploration, half of the rest to induction.
    """
    question = about(system, claim)
    return in_turn(question, limits, ("explore", "k-induction", "bounded"))


def answer(recipe: Recipe, limits: Limits, progress: Watch = None) -> Verdict:
    """Judge one claim with all that there is (`--engine auto`).

    Raises EngineDisagreement when an answer does not stand a second check.
    """
    deadline = deadline_after(limits.seconds_max)
    question = dataclasses.replace(recipe(), deadline=deadline)
    within = functools.partial(limits.until, deadline)
    tried: list[Verdict] = []
    for verdict in _in_passing(question, limits, within, progress or _unwatched):
        tried.append(verdict)
        if is_final(verdict):
            return verdict
        if verdict.engine == READING:
            return combined(tried)
    explores = limits.checkpoint is not None or (limits.states_max or math.inf) > UNREDUCED_MAX
    beside = _side_by_side(recipe, question, within(1.0), explores, progress)
    return combined([*tried, *beside])


def _unwatched(_: Progress | str) -> None:
    """Nobody hears of it."""


def _in_passing(
    question: Question,
    limits: Limits,
    within: Callable[..., Limits],
    progress: Callable[[Progress | str], None],
) -> Iterator[Verdict]:
    """What is soon found out, one answer after another until one is final.

    A run of a few steps can lie behind more states than a solver needs seconds to find it.
    """

    def explored_to(states_max: int) -> Verdict:
        found = explored(question, within(0.3, states_max=states_max), progress)
        return settled(found, question, limits, progress)

    most = min(UNREDUCED_MAX, limits.states_max or UNREDUCED_MAX)
    has_lemmas = question.texts is not None and bool(question.texts.lemmas)
    if has_lemmas:
        yield _for_any_size(question, within, progress)
    progress("reading the system for this scope")
    try:
        _ = question.cone
    except OutOfTime as late:
        yield unknown(READING, str(late))
        return
    if not has_lemmas:
        if limits.checkpoint is None:
            yield explored_to(min(FEW_STATES, most))
        if question.texts is not None:
            yield _for_any_size(question, within, progress)
    if limits.checkpoint is not None:
        return
    progress("looking for a short counterexample")
    short = within(0.3, depth_max=min(limits.depth_max, SHORT_DEPTH))
    yield asked("bounded", question, short.at_most(SHORT_SECONDS))
    if has_lemmas or most > FEW_STATES:
        yield explored_to(most)


def _for_any_size(
    question: Question,
    within: Callable[..., Limits],
    progress: Callable[[Progress | str], None],
) -> Verdict:
    progress("trying a proof for any size")
    try:
        return asked("parametric", question, within(0.3).at_most(PARAMETRIC_SECONDS))
    except OutOfTime as late:  # a small question is read as it is, not in a smaller scope
        return unknown("parametric", str(late))


def answer_by(engine: Engine, recipe: Recipe, limits: Limits, progress: Watch = None) -> Verdict:
    """One engine's settled answer (`--engine`). Raises EngineDisagreement.

    An exploration runs here, where it shows how far it is; any other engine in a process of its
    own, which is killed when it does not end by itself.
    """
    if engine == "explore":
        question = dataclasses.replace(recipe(), deadline=deadline_after(limits.seconds_max))
        try:
            return asked(engine, question, limits, progress)
        except OutOfTime as late:
            return unknown(engine, str(late))
    with Killable(_allowed(limits)) as processes:
        return _answer_of(processes.submit(in_turn_by_recipe, recipe, limits, (engine,)))


def _allowed(limits: Limits) -> float | None:
    """Seconds after which an engine's process is killed: its time, its certificate's, and grace."""
    if limits.seconds_max is None:
        return None
    return limits.seconds_max + max(CERTIFICATE_SECONDS, limits.seconds_max) + GRACE_SECONDS


def is_final(verdict: Verdict) -> bool:
    """Whether nobody else need be asked: it is an answer, or shows a fault of this program."""
    return verdict.word in CONCLUSIVE or is_refused(verdict)


def in_turn(question: Question, limits: Limits, engines: Sequence[Engine]) -> Verdict:
    """The first conclusive answer of engines that are asked one after another.

    Each but the last gets half of the seconds that are left.
    """
    deadline = deadline_after(limits.seconds_max)
    tried: list[Verdict] = []
    for engine in engines:
        part = 1.0 if engine == engines[-1] else 0.5
        tried.append(asked(engine, question, limits.until(deadline, part)))
        if is_final(tried[-1]):
            break
    return combined(tried)


def in_turn_by_recipe(recipe: Recipe, limits: Limits, engines: Sequence[Engine]) -> Verdict:
    """The same in another process. Time that it takes to read the system counts too."""
    question = dataclasses.replace(recipe(), deadline=deadline_after(limits.seconds_max))
    try:
        return in_turn(question, limits, engines)
    except OutOfTime as late:
        return unknown(engines[0], str(late))


def combined(tried: Sequence[Verdict]) -> Verdict:
    """What several engines' answers about one question come to.

    A conclusive one is the answer. Else the deepest that holds to a depth, with the reasons of all.
    Raises EngineDisagreement when one proves what another violates.
    """
    words = {verdict.word for verdict in tried if verdict.word in CONCLUSIVE}
    if "VIOLATED" in words and len(words) > 1:
        said = ", ".join(f"{v.engine} says {v.word}" for v in tried if v.word in words)
        raise EngineDisagreement(f"the engines disagree: {said}")
    explorations = [verdict for verdict in tried if verdict.states is not None]
    best = max(tried, key=lambda v: (is_final(v), v.word == "HOLDS_TO", v.depth))
    if is_final(best):
        reason = best.reason
    else:
        reason = "; ".join(dict.fromkeys(map(_reason, filter(lambda v: v.reason, tried))))
    counted = best if best.states is not None or not explorations else explorations[-1]
    return dataclasses.replace(
        best,
        reason=reason,
        states=counted.states,
        transitions=counted.transitions,
        levels=counted.levels,
        fired=counted.fired,
        premise_reached=best.premise_reached or any(v.premise_reached for v in tried),
    )


def _reason(verdict: Verdict) -> str:
    """An engine's reason under its name, unless it is a combined one, which has names already."""
    named = verdict.reason.startswith(f"{verdict.engine}: ") or "; " in verdict.reason
    return verdict.reason if named else f"{verdict.engine}: {verdict.reason}"


def _side_by_side(
    recipe: Recipe, question: Question, limits: Limits, explores: bool, progress: Watch
) -> list[Verdict]:
    """The answers of engines that run at the same time, up to the first conclusive one."""
    with Killable(_allowed(limits)) as processes:
        beside = [
            processes.submit(in_turn_by_recipe, recipe, limits, engines) for engines in BESIDE
        ]
        tried = _explored_meanwhile(question, limits, beside, progress) if explores else []
        if not any(is_final(verdict) for verdict in tried):
            for done in as_completed(beside):
                tried.append(_answer_of(done))
                if is_final(tried[-1]):
                    break
        return tried


def _explored_meanwhile(
    question: Question, limits: Limits, beside: Sequence[Future[Verdict]], progress: Watch
) -> list[Verdict]:
    """The exploration's answer, or none once one of the others has a conclusive answer."""

    def watch(at: Progress | str) -> None:
        if progress is not None:
            progress(at)
        if any(one.done() and is_final(_answer_of(one)) for one in beside):
            raise _Overtaken

    try:
        found = explored(question, limits, watch, reduced=True)
        return [settled(found, question, limits, progress)]
    except _Overtaken:
        return []


def _answer_of(done: Future[Verdict]) -> Verdict:
    """What a process answered; that it had to be killed is no answer."""
    try:
        return done.result()
    except TaskDied as death:
        return unknown("process", str(death))
