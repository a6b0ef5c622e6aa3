"""When an answer counts: its run executed again on the full system, its proof checked by another.

What was found on the cone of a claim is so held against all of the system, and by a checker that
shares nothing with the engine that found it.
"""

from __future__ import annotations

import dataclasses

from checker.answers.verdict import Verdict
from checker.certifying.certificate import certified
from checker.confirm import on_full_system
from checker.limits import Limits, Watch
from checker.question import Question
from checker.solving.bounded import bounded
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem

CERTIFICATE_SECONDS = 60.0
"""How long a second checker may take at least, however short the time for the answer was."""


def settled(
    verdict: Verdict, question: Question, limits: Limits, progress: Watch = None
) -> Verdict:
    """The answer once it has been checked a second time, which may take as long as the first.

    As long again may the least of the shortest counterexamples be looked for, where the engine
    that found one had no time to.
    """
    if verdict.word == "PROVED":
        if progress is not None:
            progress("checking the certificate")
        return certified(
            verdict,
            *_of_certificate(verdict, question),
            question.subject,
            seconds_max=_as_long_again(limits),
            memory_max=limits.memory_max,
        )
    if verdict.trace is None:
        return verdict
    verdict = canonical(verdict, question, _as_long_again(limits))
    return on_full_system(verdict, question.system, question.cone, question.claim)


def _as_long_again(limits: Limits) -> float:
    """Seconds for what comes after an answer; a day where the answer itself has no limit."""
    if limits.seconds_max is None:
        return 86_400.0
    return max(CERTIFICATE_SECONDS, limits.seconds_max)


def _of_certificate(
    verdict: Verdict, question: Question
) -> tuple[GroundSystem | None, GroundProperty | Property]:
    """The system and the claim that a certificate is about: for any size, none in particular."""
    if verdict.extent == "any size" and question.texts is not None:
        return None, question.texts.claim
    return question.cone, question.claim


def canonical(verdict: Verdict, question: Question, seconds_max: float | None) -> Verdict:
    """The verdict with the least of the shortest counterexamples, where time allows to find it.

    So the answer does not depend on which engine was first.
    """
    if verdict.trace is None or verdict.is_least:
        return verdict
    depth = len(verdict.trace)
    least = bounded(question.cone, question.claim, depth, seconds_max, depth_done=depth - 1)
    if least.trace is None:
        return verdict
    return dataclasses.replace(verdict, trace=least.trace, is_least=least.is_least)
