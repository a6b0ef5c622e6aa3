"""The command that makes a recorded run again, and writes it in other forms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from checker.systems.reading import Reading
from designs import design_from_text
from mktme import completing, options, render, statuses, words
from mktme.commands.asking import console, on_stderr
from mktme.traces import forms
from mktme.traces.again import Again, made_again
from mktme.traces.finding import record_from_argument
from mktme.traces.outcome import outcome
from mktme.traces.telling import told_of_run
from mktme.traces.terminal import explanation
from properties import KNOWN_PROPERTIES


def replay(
    run: Annotated[
        str,
        typer.Argument(
            metavar="HASH|FILE",
            help="A trace's identity, or a file with one.",
            autocompletion=completing.trace,
        ),
    ],
    design: Annotated[
        str | None,
        typer.Option(
            metavar="DESIGN[,knob=value…]",
            help="Make the same calls on this design.",
            autocompletion=completing.design,
        ),
    ] = None,
    form: options.TraceForm = forms.AS_TEXT,
    output: options.TraceFile = None,
    as_json: options.AsJson = False,
) -> int:
    """Make a recorded run again, on the model and on the implementation.

    A file may be ours, ITF or VCD. An identity is looked for among the traces that were found on
    this machine and those that ship with the program; its first six digits are enough.

    Example: mktme replay 4d3578f88663 --design rfc-v2-fixed
    """
    written, path = forms.form_from_option(form, output, as_json)
    record = record_from_argument(run)
    if design is not None:
        record = dataclasses.replace(record, design=design_from_text(design))
    made, left = _up_to_the_violation(made_again(record))
    status = statuses.for_replay(made)
    if as_json:
        print(outcome(made, left).written())
    elif written is None:
        for part in _told(made, left):
            console().print(part)
    elif status == statuses.HOLDS:
        forms.put(forms.write(made.record, made.trace, made.grounding, written), path)
    else:
        on_stderr([_in_a_line(made)])
    return status


def _up_to_the_violation(made: Again) -> tuple[Again, int]:
    """The run, without the calls that come after its violation, and how many they are."""
    if made.broken_at is None or made.broken_at == len(made.trace) or made.disagreement:
        return made, 0
    record = made.record
    cut = dataclasses.replace(record, calls=record.calls[: made.broken_at])
    return made_again(cut), len(record.calls) - made.broken_at


def _in_a_line(made: Again) -> str:
    record = made.record
    which = f"{record.design.name} / {record.property_id}"
    if made.disagreement:
        return f"{which}: model and implementation disagree: {made.disagreement}"
    return f"{which}: the design has this run, and it does not violate the property"


def _told(made: Again, left: int) -> Iterator[RenderableType]:
    record, claim = made.record, KNOWN_PROPERTIES[made.record.property_id]
    if made.broken_at == len(made.trace):
        yield from explanation(told_of_run(record, made.grounding, made.trace, made.replay))
        if left:
            yield Text(f"It is violated there already: {render.steps(left)} more are left out.")
        return
    yield Text(_in_a_line(made), style="bold")
    yield Text(f"0. {words.start_in_words(made.grounding, made.trace, claim.system)}")
    for number, step in enumerate(made.trace.steps, 1):
        before = Reading(made.grounding, made.trace.states[number - 1])
        call = words.call_in_words(before, step, claim.system)
        yield Text(f"{number}. {call}{words.answer_in_words(step.answer)}")
    if not made.disagreement:
        yield Text("The implementation did the same, and the property holds of it too.")
