"""How a proof for any size is told: the lemmas it rests on, or the step at which it gets stuck."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from checker import Limits, Question
from checker.answers.proof import AnySize, Proof
from checker.answers.trace import TraceStep
from checker.answers.verdict import Verdict
from checker.anysize.any_size import Attempt
from checker.anysize.discovery import discover
from checker.anysize.gap import gap_is_reached
from checker.anysize.houdini import Failure
from checker.anysize.stratified import is_stratified
from checker.engines import attempted, unknown
from checker.settling import settled
from checker.systems.reading import Reading
from designs import Design
from mktme import words
from mktme.judge import question_of
from mktme.traces.drawing import Moment
from mktme.traces.telling import frame_of
from mktme.traces.terminal import panels
from mktme.verify import UNBOUNDED
from model import Scope, text_of
from model.sorts import KEY
from properties import KNOWN_PROPERTIES
from properties.lemmas import lemmas_about

LEARNED_IN = (Scope(2, 1, 1, 1), Scope(2, 2, 2, 1), Scope(2, 2, 2, 2))
"""Where lemmas are looked for: the smallest scopes first, for some claims need no more."""

TRIED_IN = Scope(3, 3, 3, 2)
"""Where what was found is tried: what holds only because there are two of something is dropped."""

KEYS_TRIED = 3
"""How many key objects there are then. With per-package KeyIDs there could be more, of which no
statement about two or three keys needs any."""

REAL = {
    "confirmed": "A run leads to the state before that step: the claim is violated.",
    "refuted": "No run leads to the state before that step, in that scope. So this step is not"
    " real: a lemma is missing that would exclude it, or the property is violated elsewhere. mktme"
    " check tells which.",
    "undecided": "Whether a run leads to the state before that step was not found out. mktme check"
    " tells whether the property is violated.",
}


@dataclasses.dataclass(frozen=True)
class Tried:
    """What became of a try at a proof for any size.

    `verdict` is settled: a second checker has confirmed what it says. `found` is the proof that it
    had to confirm, if there was one, `attempt` what else was found out on the way, `offered` from
    which lemmas it was made, and `seconds_max` what asking further may take.
    """

    verdict: Verdict
    found: Proof | None
    attempt: Attempt | None
    question: Question
    offered: str
    seconds_max: float | None

    @property
    def proof(self) -> AnySize | None:
        """What the claim rests on; None where no proof was confirmed."""
        is_confirmed = isinstance(self.found, AnySize) and self.verdict.certificate is not None
        return self.found if is_confirmed and isinstance(self.found, AnySize) else None

    @property
    def gap(self) -> Failure | None:
        """Where the induction gets stuck; None where it does not, or could not be made."""
        stuck = self.attempt is not None and self.proof is None and self.attempt.selection
        return stuck.gap if stuck else None


def proof(design: Design, property_id: str, limits: Limits, discovers: bool) -> Tried:
    """Try a proof for any size.

    With `discovers` no lemma that stands in `properties.lemmas` is used, but what IC3 learns.
    """
    question = question_of(design, property_id, Scope())
    if question.texts is not None and question.texts.limited:
        verdict, attempt = unknown("parametric", question.texts.limited), None
        offered = "No lemma was offered."
    elif discovers:
        discovery = discover(
            text_of(design, KNOWN_PROPERTIES[property_id].system),
            KNOWN_PROPERTIES[property_id],
            [scope.sizes(design) for scope in LEARNED_IN],
            TRIED_IN.sizes(design) | {KEY: KEYS_TRIED},
            seconds_max=limits.seconds_max,
        )
        verdict, attempt = discovery.verdict, discovery.attempt
        offered = f"{discovery.candidates} statements were learned from IC3 in small scopes."
    else:
        attempt = attempted(question, limits)
        if attempt is None:
            raise AssertionError("a modelled design has a text")
        number = len(lemmas_about(KNOWN_PROPERTIES[property_id].system))
        verdict, offered = attempt.verdict, f"{number} lemmas were offered."
    confirmed = settled(verdict, question, limits)
    return Tried(confirmed, verdict.proof, attempt, question, offered, limits.seconds_max)


def told(tried: Tried) -> Iterator[RenderableType]:
    """What a proof rests on, or the step at which it gets stuck."""
    question = tried.question
    yield Text(f"{question.subject['design']} / {question.claim.id}", style="bold")
    yield Text(f"The property: {KNOWN_PROPERTIES[question.claim.id].sentence}")
    yield Text(tried.offered, style="dim")
    certificate = tried.verdict.certificate
    if tried.proof is not None and certificate is not None:
        yield from _proved(tried.proof, certificate.confirmed)
    elif tried.attempt is not None and tried.gap is not None:
        yield from _stuck(tried.attempt, tried.gap, question.claim.id, tried.seconds_max)
    else:
        yield Text(f"No proof for any size: {tried.verdict.reason}.")


def _proved(found: AnySize, confirmed: str) -> Iterator[RenderableType]:
    yield Text(f"\nProved for any number of {UNBOUNDED}.", style="bold")
    if found.lemmas:
        yield Text("What is inductive together with the property:")
    else:
        yield Text("The property is inductive by itself: it rests on no lemma.")
    for sentence in found.lemmas:
        yield Text(f"  {sentence}")
    yield Text(
        f"{len(found.conditions)} conditions, {decidable(found)} of them in the decidable fragment"
        f" (EPR); Z3 refutes each, and {confirmed}.",
        style="dim",
    )


def decidable(found: AnySize) -> int:
    """How many conditions of a proof are in the decidable fragment."""
    return sum(is_stratified(condition.formula) for condition in found.conditions)


def _stuck(
    attempt: Attempt, gap: Failure, property_id: str, seconds_max: float | None
) -> Iterator[RenderableType]:
    """The step at which the induction gets stuck, as tables, and whether it is real."""
    sizes = ", ".join(f"{sort.name} {n}" for sort, n in attempt.grounding.finite.sizes.items())
    yield Text(f"\nNo proof for any size. The induction gets stuck (scope: {sizes}):", style="bold")
    before = Reading(attempt.grounding, gap.before)
    system = KNOWN_PROPERTIES[property_id].system
    if gap.call is None or gap.after is None:
        yield Text(f"{gap.failed} is false in this initial state:")
        yield from _drawn(system, before)
        return
    step = TraceStep(gap.call, "ok", gap.after)
    if gap.assumed:
        yield Text(f"All that was assumed ({', '.join(gap.assumed)}) is true here:")
    else:
        yield Text("Nothing was assumed of the state before it:")
    yield from _drawn(system, before)
    yield Text(f"But after “{words.call_in_words(before, step, system)}”, {gap.failed} is not:")
    yield from _drawn(system, before, Reading(attempt.grounding, gap.after))
    yield Text(REAL[gap_is_reached(attempt, seconds_max=seconds_max)])


def _drawn(system: str, *run: Reading) -> Iterator[RenderableType]:
    """The last of some states, beside the one before it."""
    return panels(frame_of([Moment(reading) for reading in run], system))
