"""What is false at the end of a counterexample, and what in the run made it so.

The false conjunct is found in the property's own formula. What made a key table entry what it is
can be read off the PCONFIGs that were executed: by which call it was programmed last, and which
later call programmed its KeyID elsewhere, and why not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from checker import Grounding, Trace
from checker.answers.falsehood import false_of_state, false_of_step
from checker.systems.grounding import OBSERVED
from checker.systems.property import Property
from checker.systems.reading import Reading
from conformance.replayed import ReplayStep
from mktme.judge import what_broke
from mktme.traces.document import Broken
from model import words


def broken(
    grounding: Grounding, claim: Property, trace: Trace, steps: Sequence[ReplayStep]
) -> Broken:
    """What the last state or step of a violating run violates."""
    at: dict[str, int] = {}
    if claim.kind == "step":
        found = false_of_step(grounding, claim, trace)
    else:
        at, found = false_of_state(grounding, claim, trace.states[-1])
    names = {name.removeprefix(OBSERVED) for fact in found for name in fact.names} - {"answer"}
    causes = _causes(grounding, trace, steps, names) if claim.system == "" else ()
    return Broken(
        words=what_broke(grounding, claim, trace),
        at=at,
        facts=tuple(fact.words for fact in found[:FACTS_MAX]),
        reads=tuple(sorted(names)),
        variables=tuple(_meanings(grounding, names)),
        causes=tuple(causes),
    )


def _meanings(grounding: Grounding, names: Set[str]) -> Iterator[str]:
    """Of each family of the variables that are read, its indices, and what it stands for."""
    read = {name.partition("[")[0] for name in names}
    for family in grounding.text.families:
        if family.name in read and family.meaning:
            by = f"[{','.join(sort.name for sort in family.over)}]" if family.over else ""
            yield f"{family.name}{by}: {family.meaning}"


FACTS_MAX = 12
"""Facts that are shown: a reader of more has lost the thread."""


def _causes(
    grounding: Grounding, trace: Trace, steps: Sequence[ReplayStep], names: Set[str]
) -> Iterator[str]:
    """For each key table entry that the false conjunct reads, what made it what it is."""
    reading = Reading(grounding, trace.start)
    for package in range(reading.size("entry_mode", 0)):
        for keyid in range(reading.size("entry_mode", 1)):
            entry = {grounding.name_of(f, (package, keyid)) for f in ("entry_mode", "entry_bytes")}
            if entry & names:
                yield from _cause(grounding, trace, steps, package, keyid)


def _cause(
    grounding: Grounding, trace: Trace, steps: Sequence[ReplayStep], package: int, keyid: int
) -> Iterator[str]:
    mine = f"package {package}'s entry of {words.keyid_name(keyid)}"
    programmed = [n for n, step in enumerate(steps, 1) if _is_programmed(step, package, keyid)]
    last = max(programmed, default=0)
    yield f"{mine} was programmed last in step {last}" if last else f"{mine} never was programmed"
    for number in range(last + 1, len(steps) + 1):
        before = Reading(grounding, trace.states[number - 1])
        step, call = steps[number - 1], trace.steps[number - 1].call
        if _is_about(before, call.labelled(grounding.system), step, package, keyid):
            yield f"step {number} did not program it: {why_not(before, step, package)}"


def _is_programmed(step: ReplayStep, package: int, keyid: int) -> bool:
    return any(
        (done.package, done.keyid) == (package, keyid + 1) and done.is_done
        for done in step.executions
    )


def _is_about(
    before: Reading, labels: Mapping[str, str], step: ReplayStep, package: int, keyid: int
) -> bool:
    """Whether a call programmed, or tried to, what this entry should have had too.

    With global KeyIDs that is the same KeyID on any package, else any KeyID of the same key.
    """
    if not words.is_per_package(before):
        return any(done.keyid == keyid + 1 for done in step.executions)
    key = labels.get("key")
    is_its = key is not None and words.has_keyid(before, int(key), keyid, package)
    return is_its and bool(step.executions)


def why_not(before: Reading, step: ReplayStep, package: int) -> str:
    """Why a call that programmed other packages did not program this one."""
    failed = [done for done in step.executions if done.package == package and not done.is_done]
    if failed:
        return f"PCONFIG there answered {failed[-1].status}"
    if not before.is_true("present", package):
        return "the package was not in the machine"
    cpus = range(before.size("online", 1))
    if not any(before.is_true("online", package, cpu) for cpu in cpus):
        return "the package had no online CPU"
    return "it was given up before its turn"
