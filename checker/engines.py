"""Which engines there are, and how each is put to one question: on the claim's cone, then settled.

A *question* is one claim about one system, with what is known of the text that both were read from.
An engine's answer is *settled* before it counts: a run is executed again on the full system, a
proof is written down and accepted by a second checker.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import z3

from checker.answers.verdict import Verdict
from checker.anysize.any_size import PREMISE_STEPS_MAX, Attempt, Text, attempt, small_sizes
from checker.anysize.houdini import Undecided, select
from checker.exploring.compile import CompileError
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.exploring.search import too_late
from checker.ic3.search import ic3, symmetries_of
from checker.limits import Limits, Watch
from checker.question import Question, Texts
from checker.reducing.reduction import reduce
from checker.settling import canonical, settled
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.solving.spacer import spacer
from checker.solving.unroll import Unknown
from checker.systems.deadlines import deadline_after, is_over, seconds_left
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import Index, variables_in

K_MAX = 8
"""The greatest k tried by induction: beyond, the pairs of distinct states outgrow their use."""

SELECTION_SECONDS = 5.0
"""How long lemmas are looked for that make a claim inductive; where there are some, a second."""

VARIABLES_MAX = 300
"""Variables beyond which a system is not read only to see that a premise is reached: seconds."""

UNREDUCED_MAX = 400_000
"""States beyond which proving reductions costs less than it saves: about a second of exploring."""

Engine = Literal["parametric", "explore", "bounded", "k-induction", "ic3", "spacer"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


def asked(engine: Engine, question: Question, limits: Limits, progress: Watch = None) -> Verdict:
    """One engine's settled answer.

    Raises EngineDisagreement when a run does not execute on the full system. A proof that the
    second checker does not accept makes UNKNOWN.
    """
    return settled(_ENGINES[engine](question, limits, progress), question, limits, progress)


def attempted(question: Question, limits: Limits) -> Attempt | None:
    """A try at a proof for any size; None where no text can be read so, or is true of any size.

    Lemmas are selected in a scope that is small and no larger than the question's own.
    """
    texts = question.texts
    if texts is None or texts.limited:
        return None
    sizes = {
        sort: min(size, texts.sizes.get(sort, size))
        for sort, size in small_sizes(texts.system).items()
    }
    small = question.grounding if _are_those_of(sizes, texts) else _small(texts, sizes)
    return attempt(
        texts.system,
        texts.claim,
        texts.lemmas,
        grounding=small,
        seconds_max=limits.seconds_max,
    )


def _are_those_of(sizes: Mapping[Index, int], texts: Texts) -> bool:
    """Whether the question is about these sizes; it may have others too, of sorts not spoken of."""
    return all(texts.sizes.get(sort) == size for sort, size in sizes.items())


def _small(texts: Texts, sizes: Mapping[Index, int]) -> Grounding:
    return _read_small(texts.system, tuple(sizes.items()))


@functools.lru_cache(maxsize=4)
def _read_small(text: Text, sizes: tuple[tuple[Index, int], ...]) -> Grounding:
    """The text read in a scope that is smaller than the question's, kept for the next one."""
    return Grounding(text(Finite(dict(sizes))))


def _parametric(question: Question, limits: Limits, _: Watch) -> Verdict:
    deadline = deadline_after(limits.seconds_max)
    found = attempted(question, limits)
    if found is None or question.texts is None:
        limited = question.texts.limited if question.texts else ""
        return unknown("parametric", limited or "there is no text to read for any size")
    proved = found.verdict.word == "PROVED"
    if proved and not _are_those_of(found.grounding.finite.sizes, question.texts):
        return _not_vacuous(found.verdict, question, question.texts, deadline)
    return found.verdict


def _not_vacuous(
    verdict: Verdict, question: Question, texts: Texts, deadline: float | None
) -> Verdict:
    """A proof whose premise was reached in a smaller scope, and now in the question's own.

    Where that is too large to be read in passing, the smaller scope has to do, and that is said.
    """
    smaller = dataclasses.replace(verdict, reason="its premise was reached in a smaller scope")
    if texts.variables > VARIABLES_MAX:
        return smaller
    try:
        left = seconds_left(deadline)
        depth = reaches_premise(question.cone, question.claim, PREMISE_STEPS_MAX, left)
    except Unknown:
        return smaller
    if depth is None:
        said = (
            f"it holds for any size, but its premise was not reached in {PREMISE_STEPS_MAX} steps"
        )
        return unknown("parametric", said)
    return verdict


def explored(
    question: Question, limits: Limits, progress: Watch = None, *, reduced: bool = False
) -> Verdict:
    """What an exploration of the cone says; `reduced` by what is declared and proved for the claim.

    A checkpoint belongs to the reduced one, which is the one that may take long.
    """
    cone, claim = question.cone, question.claim
    deadline = deadline_after(limits.seconds_max)
    reduction = None
    if reduced and question.grounding is not None:
        reduction = reduce(question.grounding, cone, [claim], deadline=deadline)
        if is_over(deadline):  # then others may be refused than another time: no checkpoint
            return unknown("explore", too_late())
    try:
        verdict = explore(
            cone,
            [claim],
            states_max=limits.states_max,
            seconds_max=seconds_left(deadline),
            memory_max=limits.memory_max,
            checkpoint=limits.checkpoint if reduced else None,
            reduction=reduction,
            keep_states=True,
            progress=progress,
        ).verdict(cone, claim)
    except (TooLarge, CompileError) as refusal:
        return unknown("explore", str(refusal))
    is_reduced = reduction is not None and not reduction.is_identity
    return dataclasses.replace(verdict, reduced=is_reduced)


def _explore(question: Question, limits: Limits, progress: Watch) -> Verdict:
    """As it is while that is cheap, and then what the reductions leave of it."""
    deadline = deadline_after(limits.seconds_max)
    if limits.checkpoint is None:
        few = dataclasses.replace(limits, states_max=_least(limits.states_max, UNREDUCED_MAX))
        first = explored(question, few, progress)
        is_whole = few.states_max == limits.states_max
        if first.word != "HOLDS_TO" or is_whole or is_over(deadline):
            return first
    rest = dataclasses.replace(limits, seconds_max=seconds_left(deadline))
    found = explored(question, rest, progress, reduced=True)
    if limits.checkpoint is None and found.word == "UNKNOWN":
        return dataclasses.replace(first, reason=found.reason)
    return found


def _bounded(question: Question, limits: Limits, _: Watch) -> Verdict:
    return bounded(question.cone, question.claim, limits.depth_max, limits.seconds_max)


def _k_induction(question: Question, limits: Limits, _: Watch) -> Verdict:
    deadline, k_max = deadline_after(limits.seconds_max), min(K_MAX, limits.depth_max)
    lemmas = _needed_lemmas(question, limits)
    seconds = seconds_left(deadline)
    return k_induction(question.cone, question.claim, k_max, lemmas, seconds_max=seconds)


def _needed_lemmas(question: Question, limits: Limits) -> list[GroundProperty]:
    """The lemmas that the claim rests on in the question's own scope, if the cone has them all.

    None where that is not soon found out, or the claim is not inductive with them.
    """
    if question.texts is None or question.grounding is None:
        return []
    seconds = min(SELECTION_SECONDS, (limits.seconds_max or math.inf) / 2)
    lemmas = question.texts.lemmas
    try:
        chosen = select(question.grounding, question.claim, lemmas, deadline_after(seconds)).chosen
    except Undecided:
        return []
    old, true = question.grounding.old, z3.BoolVal(True)
    formulas = {lemma.id: lemma.formula(old) for lemma in lemmas if lemma.id in chosen}
    found = [GroundProperty(name, "state", f, {}, true, {}) for name, f in formulas.items()]
    has_all = variables_in([lemma.state for lemma in found]) <= question.cone.names
    return found if has_all else []


def _ic3(question: Question, limits: Limits, _: Watch) -> Verdict:
    deadline = deadline_after(limits.seconds_max)
    orbit = symmetries_of(question.grounding, question.cone) if question.grounding else ()
    verdict = ic3(question.cone, question.claim, seconds_max=limits.seconds_max, symmetry=orbit)
    return canonical(verdict, question, seconds_left(deadline))


def _spacer(question: Question, limits: Limits, _: Watch) -> Verdict:
    return spacer(question.cone, question.claim, seconds_max=limits.seconds_max)


_ENGINES: Mapping[Engine, Callable[[Question, Limits, Watch], Verdict]] = {
    "parametric": _parametric,
    "explore": _explore,
    "bounded": _bounded,
    "k-induction": _k_induction,
    "ic3": _ic3,
    "spacer": _spacer,
}


def unknown(engine: str, reason: str) -> Verdict:
    """That an engine has no answer, and why."""
    return Verdict("UNKNOWN", engine, 0, premise_reached=False, reason=reason)


def _least(*limits: int | None) -> int:
    return min(limit for limit in limits if limit is not None)
