"""Does the running parser do with a payload's text what the modelled one does, token by token?

A call is seen only when it ends. So a run that stops while a text is being read is compared by
letting the text end there: a NUL that is still to come comes, and the parser decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from checker.answers.trace import Trace, TraceStep, run
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.reading import Reading
from checker.systems.system import Call, GroundSystem, State
from conformance.abstraction import AbstractionError
from conformance.lockstep import Disagreement, differences
from conformance.payloadcalls import Caller, Seen
from conformance.payloadtexts import (
    PayloadCall,
    call_of,
    continuations,
    filled,
    token_in_words,
)
from conformance.replayed import HOLDS, Executed, Replay, ReplayStep, decoded, holds_on
from designs import Design
from model import Scope


def replay_payload(
    design: Design, scope: Scope, grounding: Grounding, claim: Property, trace: Trace
) -> Replay:
    """Run a violating trace of the payload's system on the implementation of the same design."""
    del scope  # no size bears on a text
    steps: list[ReplayStep] = []
    states = [trace.start]
    try:
        for number, expected in enumerate(trace.steps, 1):
            calls = [step.call for step in trace.steps[:number]]
            ended = closed(grounding, trace.start, calls)
            seen = compared(design, grounding, ended)
            is_open = len(ended) > number
            words = seen.refusal or "accepted"
            refusal = f"if the text ended here: {words}" if is_open else seen.refusal
            steps.append(ReplayStep(expected.answer, refusal, _executions(seen, is_open)))
            states.append(_observed(grounding, expected.state, {} if is_open else seen.families))
    except Disagreement as difference:
        what = f"step {len(steps) + 1}, {trace.steps[len(steps)].call.action}"
        return Replay(tuple(steps), (), f"{what}: {difference}")
    if holds_on(grounding, claim, trace, states, steps[-1].answer):
        return Replay(tuple(steps), (), HOLDS)
    return Replay(tuple(steps), tuple(_shown(grounding, trace, seen)))


def closed(grounding: Grounding, start: State, calls: Sequence[Call]) -> Trace:
    """The run, and where it leaves a text being read, the steps that end the text there."""
    begun = run(grounding.system, start, calls)
    if begun.steps[-1].answer != "reading":
        return begun
    return run(grounding.system, start, [*calls, *to_the_end(grounding, begun.states[-1])])


def to_the_end(grounding: Grounding, state: State) -> list[Call]:
    """The calls that end the text which is being read in a state."""
    reading = Reading(grounding, state)
    if reading("stage") != "reading":
        return []
    hidden = [Call("nul", ())] if reading("nul") == "ahead" else []
    return [*hidden, Call("end_of_text", ())]


def compared(design: Design, grounding: Grounding, trace: Trace) -> Seen:
    """What add_key came to, in a run whose last text has ended. Raises Disagreement.

    Both ways to hand a payload over are compared with the model: answer, accesses out of bounds,
    what an accepted payload asks for, and what of the key a refused one leaves in memory. Where
    the text is refused at a token, it is handed over with more behind it too: a parser that had
    not ended the call there would be seen to look at it. And a text is handed over once more at the
    greatest length that is in bounds.
    """
    *earlier, last = payload_calls(grounding.system, trace)
    before = [call_of(*payload) for payload in earlier]
    expected = trace.steps[-1]
    if expected.call.action == "take":
        for more in continuations(last.tokens):
            call = call_of(last.begun, [*last.tokens, *more])
            _agreed(design, grounding, expected, "preparse", [*before, call])
    _agreed(design, grounding, expected, "preparse", [*before, filled(call_of(*last))])
    made = [*before, call_of(*last)]
    _agreed(design, grounding, expected, "preparse", made, searches=True)
    return _agreed(design, grounding, expected, "add_key", made, searches=True)


def _agreed(
    design: Design,
    grounding: Grounding,
    expected: TraceStep,
    way: str,
    made: list[PayloadCall],
    searches: bool = False,
) -> Seen:
    """What the last of some calls came to, made in one of the two ways. Raises Disagreement.

    With `searches`, memory is searched for the key in places where nothing should have left it.
    """
    caller = Caller(design, keyids=len(made))
    try:
        seen: list[Seen] = [getattr(caller, way)(call) for call in made]
        if searches:
            caller.require_no_strays()
    except AbstractionError as error:
        raise Disagreement(f"{way}: {error}") from error
    last = seen[-1]
    if last.answer != expected.answer:
        raise Disagreement(
            f"{way}: the model answers {expected.answer}, the implementation {last.answer}"
        )
    observed = _observed(grounding, expected.state, last.families)
    if wrong := differences(grounding.system, expected.state, observed):
        raise Disagreement(f"{way}: {'; '.join(wrong)}")
    return last


class Payload(NamedTuple):
    """A call of a run in the model's labels: how it begins, its tokens, and whether it is refused
    as it begins."""

    begun: Mapping[str, str]
    tokens: list[tuple[str, str]]
    is_refused: bool


def payload_calls(system: GroundSystem, trace: Trace) -> list[Payload]:
    """The payloads that a run hands over, one for each call that begins in it."""
    found: list[Payload] = []
    for step in trace.steps:
        labels = step.call.labelled(system)
        if step.call.action == "begin":
            found.append(Payload(labels, [], step.answer != "reading"))
        elif step.call.action == "take":
            found[-1].tokens.append((labels["token"], labels["value"]))
    return found


def _observed(grounding: Grounding, expected: State, seen: Mapping[str, str]) -> State:
    """The state in which what can be seen is as it was seen.

    The rest is what the environment knows of its own text, and what the parser has forgotten.
    """
    variables = grounding.system.variables
    return tuple(
        v.labels.index(seen[v.name]) if v.name in seen else value
        for v, value in zip(variables, expected, strict=True)
    )


def _executions(seen: Seen, is_open: bool) -> tuple[Executed, ...]:
    return () if is_open else decoded(seen.executions)


def _shown(grounding: Grounding, trace: Trace, seen: Seen) -> Iterator[str]:
    """The violating payload, its key as a fingerprint, and what it came to."""
    (*_, last) = payload_calls(grounding.system, trace)
    tokens = [token_in_words(*token) for token in last.tokens]
    yield f"payload of {len(call_of(*last).text)} bytes: {' '.join(tokens) or '(blank)'}"
    yield f"preparse and add_key: {seen.refusal or seen.answer}"
    for access, words in _ACCESSES.items():
        if seen.families[access] == "yes":
            yield words


_ACCESSES = {
    "source_overread": "out of bounds: a byte past the source of the text was read",
    "mask_overrun": "out of bounds: bit -1 of the token mask was tested and set",
}
