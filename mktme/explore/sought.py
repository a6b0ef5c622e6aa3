"""The nearest violation of a property from where a run has led: sought in a process of its own.

The system is the same but that it starts in the present state. All that can be reached from there
is explored, which says "never" where it ends; where that is too much, runs are searched by SAT, a
depth at a time. Run as a program it takes a question from standard input and writes its answer to
standard output, as JSON; who does not want to wait kills it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from checker import (
    Call,
    CompileError,
    GroundProperty,
    GroundSystem,
    TooLarge,
    bounded,
    cone_of_influence,
    explore,
    lift,
)
from checker.killable import end_with_parent
from checker.systems.asking import without_collections
from mktme import ownfiles
from mktme.explore.paths import TEXT_MAX, PathError, path_from_text
from mktme.explore.world import world_of
from mktme.traces.recorded import RecordedCall
from properties import property_from_text

SECONDS_MAX: Final = 20.0
"""How long a violation is sought, by default."""

GRACE_SECONDS: Final = 15.0
"""How much later a process is killed that does not end by itself: it has to read the system."""

STATES_MAX: Final = 150_000
"""Distinct states explored at most before SAT is asked."""

DEPTH_MAX: Final = 30
"""Calls of a run that SAT looks for, at most."""

COMMAND: Final = (sys.executable, "-m", "mktme.explore.sought")
"""The program that seeks."""


class Sought(BaseModel):
    """What to seek: a violation of a property, from where a path leads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, Field(max_length=TEXT_MAX)]
    property: Annotated[str, Field(max_length=200)]
    seconds: Annotated[float, Field(ge=1.0, le=200.0, allow_inf_nan=False)] = SECONDS_MAX


class Found(BaseModel):
    """What came of it. `path` is the longer path, if there is a violation.

    `what`: a violation was found, it is violated already, there is none whatever happens, or none
    was found as far as `words` say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["found", "here", "never", "not-found"]
    words: str
    path: str = ""
    calls: int = 0


def nearest(question: Sought) -> Found:
    """Seek. Raises what reading a path raises, PropertyError, and PathError where it is not judged.

    A violation is the least of the nearest ones, unless the time ran out in looking for the least.
    """
    path, claim = path_from_text(question.path), property_from_text(question.property)
    world = world_of(path.design, path.system, path.scope)
    excluded = world.excluded.get(claim.id)
    if claim.system != path.system or excluded is not None:
        raise PathError(f"{claim.id} is not judged here ({excluded or 'it is of another system'})")
    state = world.run(path).states[-1]
    ground = world.grounding.property(claim)
    if not world.machine.holds(ground, state):
        return Found(what="here", words=f"{claim.id} is violated here already")
    system = world.grounding.system
    cone = cone_of_influence(system.starting_in(state), ground)
    found = _search(cone, ground, question.seconds)
    if isinstance(found, Found):
        return found
    calls = lift(cone, system, found)
    longer = path.then(*(RecordedCall(c.action, tuple(c.labelled(system).items())) for c in calls))
    words = f"the nearest violation of {claim.id} is {_calls(len(calls))} from here"
    return Found(what="found", words=words, path=str(longer), calls=len(calls))


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"


def _search(system: GroundSystem, claim: GroundProperty, seconds: float) -> Sequence[Call] | Found:
    """The calls that lead to a violation, or what is known if there are none."""
    deadline, depth = time.monotonic() + seconds, -1
    try:
        explored = explore(system, [claim], states_max=STATES_MAX, seconds_max=seconds / 2)
    except (CompileError, TooLarge) as refusal:
        reason = str(refusal)
    else:
        counterexample = explored.findings[claim.id].counterexample
        if counterexample is not None:
            return counterexample.calls
        if explored.closed:
            states = "1 state" if explored.states == 1 else f"{explored.states:,} states"
            words = f"whatever happens from here, {claim.id} holds: {states} can be reached"
            return Found(what="never", words=words)
        depth, reason = explored.depth, explored.reason
    left = deadline - time.monotonic()
    if left > 0:
        verdict = bounded(system, claim, DEPTH_MAX, left, depth)
        if verdict.trace is not None:
            return [step.call for step in verdict.trace.steps]
        if verdict.depth > depth:
            depth, reason = verdict.depth, verdict.reason
    words = f"no run of {_calls(max(depth, 0))} or fewer violates {claim.id} from here; {reason}"
    return Found(what="not-found", words=words)


def sent(question: Sought) -> str:
    """What the program reads: the question, and what of a user's own is loaded here."""
    own = [(file.path, file.text) for file in ownfiles.loaded()]
    return json.dumps({"own": own, "question": question.model_dump()})


def main() -> None:
    """Answer the question on standard input."""
    end_with_parent()
    given = json.loads(sys.stdin.read())
    question = Sought.model_validate(given["question"])
    with without_collections():
        try:
            ownfiles.load(ownfiles.OwnFile(*file) for file in given["own"])
            answer = nearest(question).model_dump()
        except ValueError as refusal:
            answer = {"error": str(refusal)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
