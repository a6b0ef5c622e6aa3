"""What comes of a recorded run when it is made again, on the model and on the implementation.

Regression tests are written in terms of `again`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from functools import cached_property

from checker import Grounding
from checker.answers.trace import Trace, first_violation
from conformance import Replay, replay
from conformance.lockstep import ground
from conformance.replayed import HOLDS
from designs import design_from_text
from mktme.traces.recorded import Record, RecordedCall, RecordError, recorded, retraced
from model import Scope
from properties import KNOWN_PROPERTIES, not_applicable, property_from_text


@dataclasses.dataclass(frozen=True)
class Again:
    """A run on the model, and the same calls on the implementation.

    No argument is left out of `record`. `broken_at` says how many calls it takes on the model to
    violate the property; None if they do not. `disagreement` is "" if the implementation did the
    same, and the property says the same of what was observed of it.
    """

    record: Record
    trace: Trace
    replay: Replay
    broken_at: int | None

    @property
    def id(self) -> str:
        """The run's identity."""
        return self.record.id

    @cached_property
    def grounding(self) -> Grounding:
        """The system that the run is of."""
        return ground(self.record.design, self.record.scope, self.record.system)

    @property
    def disagreement(self) -> str:
        """In what model and implementation differ."""
        if self.broken_at == len(self.trace):
            return self.replay.disagreement
        if self.replay.disagreement == HOLDS:
            return ""
        return self.replay.disagreement or "the implementation violates the property, not the model"


def made_again(record: Record) -> Again:
    """Make the run. Raises RecordError where the model does not have it."""
    design, claim = record.design, KNOWN_PROPERTIES[record.property_id]
    if excluded := not_applicable(design, claim):
        raise RecordError(f"{claim.id} does not apply to {design.name} ({excluded})")
    if not record.calls:
        raise RecordError("a run without calls shows nothing")
    trace = retraced(record)
    grounding = ground(design, record.scope, record.system)
    broken_at = first_violation(grounding.system, grounding.property(claim), trace)
    made = replay(design, record.scope, grounding, claim, trace)
    whole = recorded(design, claim.id, record.scope, grounding, trace)
    return Again(whole, trace, made, broken_at)


def again(
    design: str,
    property_id: str,
    scope: Scope,
    calls: str,
    absent: Collection[int] = (),
    bypass: bool = False,
) -> Again:
    """Make a run that is written down as text.

    `calls` has for each call its action and then its arguments, such as `update key=0 kind=cpu`,
    all with blanks between them; arguments that are not there are "no". `absent` are the packages
    that are not in the machine at boot; with `bypass`, memory under KeyID 0 is not encrypted.
    Raises RecordError, DesignError, PropertyError.
    """
    return made_again(
        Record(
            design_from_text(design),
            property_from_text(property_id).id,
            scope,
            tuple(sorted(absent)),
            bypass,
            tuple(_calls(calls)),
        )
    )


def _calls(text: str) -> Iterator[RecordedCall]:
    """An action has no sign of equality, and an argument has one: line breaks mean nothing."""
    calls: list[list[str]] = []
    for word in text.split():
        if "=" not in word:
            calls.append([word])
        elif calls:
            calls[-1].append(word)
        else:
            raise RecordError(f"no call begins with {word!r}")
    for action, *arguments in calls:
        parts = (argument.partition("=") for argument in arguments)
        yield RecordedCall(action, tuple((name, value) for name, _, value in parts))
