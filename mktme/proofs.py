"""How a try at a proof for any size is written for programs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from checker.answers.trace import TraceStep
from checker.anysize.gap import gap_is_reached
from checker.systems.reading import Reading
from designs import Design
from mktme import words
from mktme.proving import Tried, decidable
from mktme.results.shape import Shape
from mktme.results.shapes import Word
from properties import KNOWN_PROPERTIES


class Gap(Shape):
    """The step at which an induction gets stuck."""

    failed: str = Field(description="What is false after the step, by its id.")
    assumed: list[str] = Field(description="What holds before the step, by its ids.")
    sizes: dict[str, int] = Field(description="The machine in which the step was found.")
    call: str | None = Field(description="The step in words; null if it is an initial state.")
    reached: Literal["confirmed", "refuted", "undecided"] | None = Field(
        description="Whether a run leads to the state before it; null if it is an initial state."
    )


class Lemmas(Shape):
    """What `mktme lemmas --json` prints."""

    format: Literal["mktme-lemmas"] = "mktme-lemmas"
    version: Literal[1] = 1
    design: str
    property: str
    verdict: Word
    offered: str = Field(description="Which lemmas the proof could use.")
    lemmas: list[str] | None = Field(description="What it rests on; null where nothing is proved.")
    conditions: int | None = Field(description="How many conditions two solvers refuted.")
    decidable: int | None = Field(description="How many of them are in the decidable fragment.")
    confirmed: str | None = Field(description="What the second checker confirmed.")
    reason: str | None = Field(description="Why there is no proof.")
    gap: Gap | None = Field(description="Where the induction gets stuck, if it was made.")


def record(tried: Tried) -> Lemmas:
    """A proof, or why there is none."""
    found, certificate = tried.proof, tried.verdict.certificate
    return Lemmas(
        design=tried.question.subject["design"],
        property=tried.question.claim.id,
        verdict=tried.verdict.word,
        offered=tried.offered,
        lemmas=None if found is None else list(found.lemmas),
        conditions=None if found is None else len(found.conditions),
        decidable=None if found is None else decidable(found),
        confirmed=certificate.confirmed if found is not None and certificate else None,
        reason=tried.verdict.reason or None,
        gap=_gap(tried),
    )


def not_applicable(design: Design, property_id: str, why: str) -> Lemmas:
    """The same where the design's own setting excludes what the property speaks about."""
    return Lemmas(
        design=design.name,
        property=property_id,
        verdict="NOT_APPLICABLE",
        offered="No lemma was offered.",
        lemmas=None,
        conditions=None,
        decidable=None,
        confirmed=None,
        reason=why,
        gap=None,
    )


def _gap(tried: Tried) -> Gap | None:
    gap, attempt = tried.gap, tried.attempt
    if gap is None or attempt is None:
        return None
    call = reached = None
    if gap.call is not None and gap.after is not None:
        before = Reading(attempt.grounding, gap.before)
        system = KNOWN_PROPERTIES[tried.question.claim.id].system
        step = TraceStep(gap.call, "ok", gap.after)
        call = words.call_in_words(before, step, system)
        reached = gap_is_reached(attempt, seconds_max=tried.seconds_max)
    sizes = {sort.name: number for sort, number in attempt.grounding.finite.sizes.items()}
    return Gap(
        failed=gap.failed, assumed=list(gap.assumed), sizes=sizes, call=call, reached=reached
    )
