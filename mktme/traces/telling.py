"""How a counterexample becomes a document: calls in words, frames of panels, what is broken."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from checker import Grounding, Trace
from checker.answers.trace import TraceStep
from checker.systems.property import Property
from checker.systems.reading import Reading
from conformance import Replay
from conformance.replayed import Executed, ReplayStep
from mktme import words
from mktme.judge import Cell
from mktme.pricing import price_told
from mktme.traces import causes, keypanels, otherpanels
from mktme.traces.document import (
    Broken,
    Call,
    Document,
    Entry,
    Execution,
    Frame,
    Panel,
    Replayed,
    UserKey,
)
from mktme.traces.drawing import Moment
from mktme.traces.observed import fingerprints
from mktme.traces.recorded import Record, recorded
from mktme.traces.who import who
from model import Scope
from properties import KNOWN_PROPERTIES

PANELS: Mapping[str, Callable[[Sequence[Moment]], Iterator[Panel]]] = {
    "": keypanels.key_service,
    "locks": otherpanels.locks,
    "payload": otherpanels.payload,
}
"""How a state is drawn, for each of a design's systems."""


def document_of(cell: Cell, scope: Scope, grounding: Grounding) -> Document:
    """The document of a violated cell. Raises ValueError for one that is not."""
    if cell.trace is None or cell.replay is None:
        raise ValueError(f"{cell.design.name} / {cell.property_id} has no counterexample")
    verdict = cell.verdict
    record = recorded(cell.design, cell.property_id, scope, grounding, cell.trace)
    is_least = verdict is None or verdict.is_least
    return told(record, grounding, cell.trace, cell.replay, is_least)


def told_of_run(record: Record, grounding: Grounding, trace: Trace, done: Replay) -> Document:
    """The document of a run of which nobody knows how it was found: it counts as the least."""
    return told(record, grounding, trace, done)


def told(
    record: Record,
    grounding: Grounding,
    trace: Trace,
    replay: Replay,
    is_least: bool = True,
) -> Document:
    """The document of a run that violates the property it is recorded for."""
    claim = KNOWN_PROPERTIES[record.property_id]
    false = causes.broken(grounding, claim, trace, replay.steps)
    return Document(
        id=record.id,
        design=record.design.name,
        knobs=record.design.settings(),
        property=claim.id,
        sentence=claim.sentence,
        source=claim.source,
        system=claim.system,
        scope=dataclasses.asdict(record.scope),
        absent=record.absent,
        bypass=record.bypass,
        start=words.start_in_words(grounding, trace, claim.system),
        keys=tuple(
            UserKey(label=letter, key=key)
            for letter, key in fingerprints(grounding, claim.system).items()
        ),
        calls=tuple(_calls(grounding, claim, trace, replay)),
        frames=tuple(_frames(grounding, claim, trace, replay, false)),
        broken=false,
        price=price_told(record.design, claim.id),
        is_least=is_least,
        replay=Replayed(
            agrees=replay.agrees,
            disagreement=replay.disagreement,
            observed=replay.observed,
        ),
    )


def _calls(grounding: Grounding, claim: Property, trace: Trace, replay: Replay) -> Iterator[Call]:
    for number, step in enumerate(trace.steps):
        before, after = (Reading(grounding, s) for s in trace.states[number : number + 2])
        done = replay.steps[number] if number < len(replay.steps) else None
        yield call_of(before, after, step, done, claim.system)


def call_of(
    before: Reading, after: Reading, step: TraceStep, done: ReplayStep | None, system: str
) -> Call:
    """A call and what came of it. `done` is what the implementation did, where it was asked."""
    grounding = before.grounding
    arguments = step.call.labelled(grounding.system)
    changes = words.changes_in_words(grounding, before, after, system)
    return Call(
        action=step.call.action,
        arguments=arguments,
        words=words.call_in_words(before, step, system),
        who=who(step.call.action, arguments),
        answer=step.answer,
        refusal=done.refusal if done else "",
        executions=tuple(map(_execution, done.executions)) if done else (),
        changes=tuple(changes),
    )


def _execution(done: Executed) -> Execution:
    return Execution(**dataclasses.asdict(done), words=str(done))


def _frames(
    grounding: Grounding, claim: Property, trace: Trace, replay: Replay, false: Broken
) -> Iterator[Frame]:
    moments: list[Moment] = []
    for number, state in enumerate(trace.states):
        held = replay.inventories[number] if number < len(replay.inventories) else None
        moments.append(Moment(Reading(grounding, state), held))
        frame = frame_of(moments, claim.system)
        is_last = number == len(trace)
        yield marked(frame, frozenset(false.reads)) if is_last else frame


def frame_of(run: Sequence[Moment], system: str) -> Frame:
    """The panels of the last moment of a run."""
    return Frame(panels=tuple(PANELS[system](run)))


def marked(frame: Frame, names: frozenset[str]) -> Frame:
    """The frame with the entries marked as broken that show one of these variables."""

    def of_entry(entry: Entry) -> Entry:
        if not names & set(entry.shows):
            return entry
        return entry.model_copy(update={"marks": (*entry.marks, "broken")})

    def of_panel(panel: Panel) -> Panel:
        rows = tuple(
            row.model_copy(update={"entries": tuple(map(of_entry, row.entries))})
            for row in panel.rows
        )
        return panel.model_copy(update={"rows": rows})

    return Frame(panels=tuple(map(of_panel, frame.panels)))
