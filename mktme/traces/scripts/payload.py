"""How a run of the payloads' system is said in a script: each text is handed over by add_key(2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace
from conformance.payloadreplay import Payload, closed, payload_calls
from conformance.payloadtexts import call_of, token_in_words
from mktme.traces.recorded import Record
from mktme.traces.scripts.inexpressible import Inexpressible
from mktme.traces.scripts.keyservice import ROOT, comment

PLAIN: Final = "plain"
"""The process that lacks the capability which a payload asks for."""


def lines(record: Record, trace: Trace, grounding: Grounding, broken: str) -> Iterator[str]:
    """The machine, the payloads with what they are answered, and how many made a key.

    A text that is still being read where the run ends, ends there. Raises Inexpressible.
    """
    whole = closed(grounding, trace.start, [step.call for step in trace.steps])
    payloads, answers = payload_calls(grounding.system, whole), _answers(whole)
    where = " packages=0" if record.design.keyid_scope == "per_package" else ""
    yield f"machine packages=1 cpus=1 keyids={len(payloads)}"
    if any(payload.begun["capable"] == "no" for payload in payloads):
        yield f"process {PLAIN} caps=none"
    current = ROOT
    for number, (payload, answer) in enumerate(zip(payloads, answers, strict=True), 1):
        yield ""
        yield from comment(f"{number}. {_in_words(payload)}")
        caller = ROOT if payload.begun["capable"] == "yes" else PLAIN
        if caller != current:
            yield f"as {caller}"
            current = caller
        yield f'keyctl add mktme payload{number} "{_text(payload)}" @u{where} => {answer}'
    yield ""
    yield from comment(f"Broken: {broken}.")
    made = answers.count("ok")
    yield f"show map => {made} {'key' if made == 1 else 'keys'}"


def _answers(trace: Trace) -> list[str]:
    """What each payload is answered in the end."""
    found: list[str] = []
    for step in trace.steps:
        if step.call.action == "begin":
            found.append(step.answer)
        found[-1] = step.answer
    return found


def _text(payload: Payload) -> str:
    text = call_of(*payload).text
    if b"\0" in text:
        raise Inexpressible("a payload with a NUL in it")
    return text.decode()


def _in_words(payload: Payload) -> str:
    if payload.is_refused:
        return "a payload that is refused before it is read"
    tokens = [token_in_words(*token) for token in payload.tokens]
    return f"a payload: {' '.join(tokens) or '(blank)'}"
