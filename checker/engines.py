"""Which engines there are, and how each is put to one question: on the claim's cone, then settled.

A *question* is one claim about one system, with what is known of the text that both were read from.
An engine's answer is *settled* before it counts: a run is executed again on the full system, a
proof is written down and accepted by a second checker.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from checker.answers.verdict import Verdict
from checker.anysize.any_size import Attempt, attempt, small_sizes
from checker.certifying.certificate import certified
from checker.confirm import on_full_system
from checker.exploring.compile import CompileError
from checker.exploring.exploration import Progress
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.ic3.search import ic3, symmetries_of
from checker.reducing.reduction import reduce
from checker.solving.bounded import bounded, deadline_after
from checker.solving.induction import k_induction
from checker.solving.spacer import spacer
from checker.systems.cone import cone_of_influence
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, System

K_MAX = 8
"""The greatest k tried by induction: beyond, the pairs of distinct states outgrow their use."""

CERTIFICATE_SECONDS = 60.0
"""How long a second checker may take at least, however short the time for the answer was."""

UNREDUCED_MAX = 400_000
"""States beyond which proving reductions costs less than it saves: about a second of exploring."""

Engine = Literal["parametric", "explore", "bounded", "k-induction", "ic3", "spacer"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


@dataclasses.dataclass(frozen=True)
class Limits:
    """How far an answer may go.

    Distinct states explored, the depth of a bounded search, seconds of wall-clock time, bytes of
    memory for an exploration, and a directory where an exploration leaves checkpoints.
    """

    states_max: int | None = None
    depth_max: int = 20
    seconds_max: float | None = None
    memory_max: int | None = None
    checkpoint: Path | None = None


@dataclasses.dataclass(frozen=True)
class Question:
    """One claim about a ground system.

    `grounding`, where it is known, has the reductions that were declared. `text` reads the system
    under any interpretation and `claimed` is the claim's own text: with both, and the `lemmas`, an
    answer for any size may be tried. `subject` says in strings what the question is about, for
    the header of a certificate.
    """

    system: GroundSystem
    claim: GroundProperty
    grounding: Grounding | None = None
    text: Callable[[Any], System] | None = None
    claimed: Property | None = None
    lemmas: Sequence[Any] = ()
    subject: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def cone(self) -> GroundSystem:
        """The part of the system that the claim depends on."""
        return cone_of_influence(self.system, self.claim)


Watch = Callable[[Progress | str], None] | None
"""Who hears how far an exploration is, or in words what else is being done."""


def asked(engine: Engine, question: Question, limits: Limits, progress: Watch = None) -> Verdict:
    """One engine's settled answer.

    Raises EngineDisagreement when a run does not execute on the full system. A proof that the
    second checker does not accept makes UNKNOWN.
    """
    return settled(_ENGINES[engine](question, limits, progress), question, limits, progress)


def settled(
    verdict: Verdict, question: Question, limits: Limits, progress: Watch = None
) -> Verdict:
    """The answer once it has been checked a second time, which may take as long as the first."""
    if verdict.word == "PROVED":
        if progress is not None:
            progress("checking the certificate")
        seconds = max(CERTIFICATE_SECONDS, limits.seconds_max or 0.0)
        return certified(
            verdict, question.cone, question.claim, question.subject, seconds_max=seconds
        )
    return on_full_system(verdict, question.system, question.cone, question.claim)


def attempted(question: Question, limits: Limits) -> Attempt | None:
    """A try at a proof for any size; None where there is no text that could be read so.

    Lemmas are selected, and the premise is looked for, in a scope that is small and no larger than
    the question's own.
    """
    if question.text is None or question.claimed is None or question.grounding is None:
        return None
    asked_for = question.grounding.finite.sizes
    sizes = {
        sort: min(size, asked_for.get(sort, size))
        for sort, size in small_sizes(question.text).items()
    }
    small = question.grounding if sizes == asked_for else Grounding(question.text(Finite(sizes)))
    return attempt(
        question.text,
        question.claimed,
        question.lemmas,
        grounding=small,
        seconds_max=limits.seconds_max,
    )


def _parametric(question: Question, limits: Limits, _: Watch) -> Verdict:
    found = attempted(question, limits)
    if found is None:
        return _unknown("parametric", "there is no text to read for any size")
    return found.verdict


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
        reduction = reduce(question.grounding, cone, [claim])
    try:
        verdict = explore(
            cone,
            [claim],
            states_max=limits.states_max,
            seconds_max=_left(deadline),
            memory_max=limits.memory_max,
            checkpoint=limits.checkpoint if reduced else None,
            reduction=reduction,
            keep_states=True,
            progress=progress,
        ).verdict(cone, claim)
    except (TooLarge, CompileError) as refusal:
        return _unknown("explore", str(refusal))
    is_reduced = reduction is not None and not reduction.is_identity
    return dataclasses.replace(verdict, reduced=is_reduced)


def _explore(question: Question, limits: Limits, progress: Watch) -> Verdict:
    """As it is while that is cheap, and then what the reductions leave of it."""
    deadline = deadline_after(limits.seconds_max)
    if limits.checkpoint is None:
        few = dataclasses.replace(limits, states_max=_least(limits.states_max, UNREDUCED_MAX))
        first = explored(question, few, progress)
        if first.word != "HOLDS_TO" or few.states_max == limits.states_max:
            return first
    rest = dataclasses.replace(limits, seconds_max=_left(deadline))
    return explored(question, rest, progress, reduced=True)


def _bounded(question: Question, limits: Limits, _: Watch) -> Verdict:
    return bounded(question.cone, question.claim, limits.depth_max, limits.seconds_max)


def _k_induction(question: Question, limits: Limits, _: Watch) -> Verdict:
    k_max = min(K_MAX, limits.depth_max)
    return k_induction(question.cone, question.claim, k_max, seconds_max=limits.seconds_max)


def _ic3(question: Question, limits: Limits, _: Watch) -> Verdict:
    deadline = deadline_after(limits.seconds_max)
    orbit = symmetries_of(question.grounding, question.cone) if question.grounding else ()
    verdict = ic3(question.cone, question.claim, seconds_max=limits.seconds_max, symmetry=orbit)
    return canonical(verdict, question, _left(deadline))


def _spacer(question: Question, limits: Limits, _: Watch) -> Verdict:
    return spacer(question.cone, question.claim, seconds_max=limits.seconds_max)


def canonical(verdict: Verdict, question: Question, seconds_max: float | None) -> Verdict:
    """The verdict with the least of the shortest counterexamples, where time allows to find it.

    So the answer does not depend on which engine was first.
    """
    if verdict.trace is None:
        return verdict
    depth = len(verdict.trace)
    least = bounded(question.cone, question.claim, depth, seconds_max, depth_done=depth - 1)
    if least.trace is None:
        return verdict
    return dataclasses.replace(verdict, trace=least.trace)


_ENGINES: Mapping[Engine, Callable[[Question, Limits, Watch], Verdict]] = {
    "parametric": _parametric,
    "explore": _explore,
    "bounded": _bounded,
    "k-induction": _k_induction,
    "ic3": _ic3,
    "spacer": _spacer,
}


def _unknown(engine: str, reason: str) -> Verdict:
    return Verdict("UNKNOWN", engine, 0, premise_reached=False, reason=reason)


def _left(deadline: float | None) -> float | None:
    """Seconds until a moment of `time.monotonic`; never none at all."""
    return None if deadline is None else max(0.001, deadline - time.monotonic())


def _least(*limits: int | None) -> int:
    return min(limit for limit in limits if limit is not None)
