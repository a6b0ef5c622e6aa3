"""What one answer is made of: a verdict, the words for its violation, and the replay.

A *cell* is one design judged by one property. A violation counts only if it replays on the
implementation; the checker itself has by then executed it again on the whole system.
"""

from __future__ import annotations

import dataclasses
import functools
import time

from checker import (
    EngineDisagreement,
    Grounding,
    Question,
    Texts,
    Verdict,
    answer,
    answer_by,
)
from checker.answers.falsehood import false_of_state
from checker.answers.trace import Trace
from checker.certifying.certificate import is_refused
from checker.limits import Watch
from checker.solving.bounded import never_taken
from checker.systems.asking import without_collections
from checker.systems.property import Property
from checker.systems.reading import Reading
from conformance import Replay, replay
from conformance.lockstep import ground
from designs import Design, prices
from mktme.orders import Orders
from mktme.ownfiles import loaded, loaded_then
from mktme.traces.recorded import Record, recorded
from mktme.verify import subject_of
from mktme.words import trace_in_words
from model import Scope, text_of
from properties import KNOWN_PROPERTIES, limited_to_scopes, not_applicable
from properties.lemmas import lemmas_about

ACTION_STEPS_MAX = 8
"""How many steps an action is looked for: those of every named design happen within four."""

IDLE = "it holds, but of the design's actions these never happen"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One design judged by one property. `seconds` is wall-clock time, replay included.

    `word` is a verdict's word or NOT_APPLICABLE. `story` tells the counterexample in one line, call
    by call, `record` is what it takes to make it again (`traces.recorded`), and `trace_id` its
    identity; `because` says in words what is violated in the end, or why there is no plain answer.
    `price` is the sentence for a violation that the design's posture brings with it. `error` is
    set when two checkers disagree about this cell.
    """

    design: Design
    property_id: str
    word: str
    verdict: Verdict | None = None
    replay: Replay | None = None
    record: Record | None = None
    trace_id: str = ""
    story: str = ""
    because: str = ""
    price: str | None = None
    error: str = ""
    seconds: float = 0.0

    @property
    def disagrees(self) -> bool:
        """Whether two checkers, or checker and implementation, contradict each other here."""
        return bool(self.error) or (self.replay is not None and not self.replay.agrees)

    @property
    def disagreement(self) -> str:
        """In what two checkers, or checker and implementation, contradict each other; "" if not."""
        return self.error or (self.replay.disagreement if self.replay else "")

    @property
    def trace(self) -> Trace | None:
        """The counterexample, if there is one."""
        return self.verdict.trace if self.verdict else None


def judge(
    design: Design,
    claim: Property,
    scope: Scope,
    orders: Orders = Orders(),  # noqa: B008 (it is immutable)
    progress: Watch = None,
) -> Cell:
    """Decide one cell, and replay its violation if it has one."""
    started = time.monotonic()
    with without_collections():
        cell = _judged(design, claim, scope, orders, progress)
    return dataclasses.replace(cell, seconds=time.monotonic() - started)


def judge_by_id(design: Design, property_id: str, scope: Scope, orders: Orders) -> Cell:
    """The same for a property's id, which can be sent to another process."""
    return judge(design, KNOWN_PROPERTIES[property_id], scope, orders)


def question_of(design: Design, property_id: str, scope: Scope) -> Question:
    """The question behind a cell, with the texts that it can be read from."""
    claim = KNOWN_PROPERTIES[property_id]
    texts = Texts(
        system=text_of(design, claim.system),
        claim=claim,
        lemmas=lemmas_about(claim.system),
        sizes=scope.sizes(design),
        read=functools.partial(ground, design, scope, claim.system),
        limited=limited_to_scopes(design, claim) or "",
    )
    return Question(texts, subject=subject_of(design, property_id, scope))


def _judged(
    design: Design,
    claim: Property,
    scope: Scope,
    orders: Orders,
    progress: Watch,
) -> Cell:
    excluded = not_applicable(design, claim)
    if excluded is not None:
        return Cell(design, claim.id, "NOT_APPLICABLE", because=excluded)
    recipe = functools.partial(loaded_then, loaded(), question_of, design, claim.id, scope)
    limits = orders.for_cell(design, claim.id, scope)
    try:
        if orders.engine == "auto":
            verdict = answer(recipe, limits, progress)
        else:
            verdict = answer_by(orders.engine, recipe, limits, progress)
    except EngineDisagreement as disagreement:
        reason = str(disagreement)
        return Cell(design, claim.id, "UNKNOWN", because=reason, error=reason)
    if verdict.word == "PROVED" and (idle := idle_actions(design, claim.system)):
        reason = f"{IDLE}: {', '.join(idle)}"
        verdict = dataclasses.replace(verdict, word="VACUOUS", reason=reason)
    if verdict.trace is None:
        error = verdict.reason if is_refused(verdict) else _unpaid(design, claim, scope, verdict)
        verdict = _travelling(verdict, orders.certificates)
        return Cell(design, claim.id, verdict.word, verdict, because=_reason(verdict), error=error)
    return _violated(design, claim, scope, verdict, verdict.trace)


def _violated(
    design: Design, claim: Property, scope: Scope, verdict: Verdict, trace: Trace
) -> Cell:
    """The cell of a counterexample: replayed, written down, and told."""
    grounding = ground(design, scope, claim.system)
    replayed = replay(design, scope, grounding, claim, trace)
    record = recorded(design, claim.id, scope, grounding, trace)
    return Cell(
        design,
        claim.id,
        verdict.word,
        verdict,
        replayed,
        record=record,
        trace_id=record.id,
        story=trace_in_words(grounding, trace, claim.system),
        because=what_broke(grounding, claim, trace),
        price=prices(design).get(claim.id),
    )


def _travelling(verdict: Verdict, keeps: bool) -> Verdict:
    """A verdict without what nobody will read: the bytes of a certificate can be many."""
    if verdict.certificate is None or keeps:
        return verdict
    return dataclasses.replace(
        verdict, certificate=dataclasses.replace(verdict.certificate, content=b"")
    )


def _unpaid(design: Design, claim: Property, scope: Scope, verdict: Verdict) -> str:
    """What is wrong where a price does not show up; "" where it is none, or the scope too small."""
    sentence = prices(design).get(claim.id)
    shows = min(scope.packages, scope.keyids, scope.vmas) >= 2 or verdict.extent == "any size"
    if sentence is None or verdict.word != "PROVED" or not shows:
        return ""
    return f"it holds, although it is listed as what the posture gives up: {sentence}"


@functools.lru_cache(maxsize=64)
def idle_actions(design: Design, system: str) -> tuple[str, ...]:
    """Actions of a text that cannot happen, in a scope that has two of everything."""
    return tuple(never_taken(ground(design, Scope(), system).system, ACTION_STEPS_MAX))


def _reason(verdict: Verdict) -> str:
    if verdict.word == "VACUOUS" and not verdict.reason.startswith(IDLE):
        return "it holds, but what it speaks about never happens in this scope"
    return verdict.reason


def what_broke(grounding: Grounding, claim: Property, trace: Trace) -> str:
    """The instance of the property that the trace violates, in words."""
    call = trace.steps[-1].call.labelled(grounding.system) if trace.steps else {}
    if claim.kind == "step":
        step = Reading(grounding, trace.states[-2], trace.states[-1], trace.steps[-1].answer)
        return claim.explain(step, {}, call)
    state = trace.states[-1]
    indices, _ = false_of_state(grounding, claim, state)
    return claim.explain(Reading(grounding, state), indices, call)
