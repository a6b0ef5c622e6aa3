"""Whether a scenario happens on the implementations of both designs: answers and states compared.

That the calls of the two sides are the same calls is seen here once more, in plain steps that know
nothing of how the scenario was found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from checker.answers.trace import Trace, TraceStep
from checker.comparing.difference import Run
from checker.systems.reading import Reading
from checker.systems.system import Call
from conformance.lockstep import Disagreement, Lockstep, absent_at_boot
from designs import Design
from mktme.words import call_in_words, start_in_words
from model import Scope
from model.words import has_keyid, slots

_CHOSEN_BY_A_SIDE: Final = ("wanted", "answered")
"""Parameters that a side may choose for itself, where the other one does not have them."""

_FAILURES: Final = ("fails", "fails_at")


@dataclasses.dataclass(frozen=True)
class BothCalls:
    """One call of a scenario: in words and with its answer, as either design has it.

    `refusal` is what the refusing design's kernel says to it; empty where it succeeds.
    """

    allowed: str
    allowed_answer: str
    refused: str
    refused_answer: str
    refusal: str = ""

    def as_json(self) -> dict[str, Any]:
        """The two calls by side."""
        return {
            "allows": {"call": self.allowed, "answer": self.allowed_answer},
            "refuses": {
                "call": self.refused,
                "answer": self.refused_answer,
                "kernel": self.refusal or None,
            },
        }


class _Side:
    """One design's model and implementation in a scenario; `made` numbers keys as they are made."""

    def __init__(self, design: Design, scope: Scope, run: Run) -> None:
        self.name = design.name
        self.lockstep = Lockstep(design, scope, run.start)
        self.grounding = self.lockstep.grounding
        self.absent = absent_at_boot(self.grounding, run.start)
        self.start = start_in_words(self.grounding, Trace(run.start, ()))
        self.made: dict[str, int] = {}

    def means(self, call: Call) -> dict[str, str]:
        """The call's choices by label; a key by how many were made before it."""
        labels = call.labelled(self.grounding.system)
        if "key" in labels and call.action != "instantiate":
            labels["key"] = f"key {self.made.get(labels['key'], 'of nobody')}"
        return labels

    def make(self, call: Call) -> tuple[str, str, str]:
        """The call in words, its answer, and what the kernel says to a refusal."""
        labels = call.labelled(self.grounding.system)
        reading = Reading(self.grounding, self.lockstep.state)
        said = call_in_words(reading, TraceStep(call, "", self.lockstep.state))
        if call.action == "instantiate" and _is_stale(reading, int(labels["key"])):
            said += " at the address of a destroyed key"
        try:
            answer = self.lockstep.step(call)
        except ValueError as impossible:
            raise Disagreement(f"{self.name}: {impossible}") from None
        except Disagreement as difference:
            raise Disagreement(f"{self.name}: {difference}") from None
        if call.action == "instantiate" and answer == "ok":
            self.made[labels["key"]] = len(self.made)
        return said, answer, self.lockstep.subject.refusal


def replayed(
    designs: tuple[Design, Design], scope: Scope, runs: tuple[Run, Run]
) -> tuple[str, tuple[BothCalls, ...]]:
    """How the machine boots, and the calls, in words, with the answers of both implementations.

    Raises Disagreement where a model and its implementation differ, where the two sides do not make
    the same calls, and where it is no scenario that the first allows and the second does not.
    """
    sides = [_Side(design, scope, run) for design, run in zip(designs, runs, strict=True)]
    first, second = sides
    if first.absent != second.absent:
        raise Disagreement(f"{first.name} and {second.name} boot with different packages")
    calls: list[BothCalls] = []
    for number, (mine, others) in enumerate(zip(runs[0].calls, runs[1].calls, strict=True), 1):
        _require_same(number, mine.action, others.action, first.means(mine), second.means(others))
        allowed, answer, refusal = first.make(mine)
        refused, other, said = second.make(others)
        calls.append(BothCalls(allowed, answer, refused, other, said))
        if answer != "ok":
            raise Disagreement(f"{first.name} answers {answer} to call {number} ({refusal})")
        if (other == "ok") == (number == len(runs[1].calls)):
            raise Disagreement(f"{second.name} answers {other} to call {number} ({said or 'done'})")
    return first.start, tuple(calls)


def _require_same(
    number: int,
    mine: str,
    others: str,
    first: Mapping[str, str],
    second: Mapping[str, str],
) -> None:
    """Raise Disagreement where two calls are not the same call."""
    if mine != others:
        raise Disagreement(f"call {number} is {mine} on one side and {others} on the other")
    for name in {**first, **second}:
        if _is_other(mine, name, first, second):
            values = " and ".join(side.get(name, "not there") for side in (first, second))
            raise Disagreement(f"call {number}, {mine}: {name} is {values}")


def _is_other(action: str, name: str, first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Whether a choice of the two sides differs although it has to be the same."""
    family = name.partition("[")[0]
    if family == "supplied" or (action, name) == ("instantiate", "key"):
        return False
    if name in first and name in second:
        return first[name] != second[name]
    if family == "fails":
        return "yes" in (first.get(name), second.get(name))
    return family not in (*_CHOSEN_BY_A_SIDE, *_FAILURES)


def _is_stale(reading: Reading, key: int) -> bool:
    """Whether the map holds a key object that is no key any more."""
    is_held = any(has_keyid(reading, key, keyid, package) for keyid, package in slots(reading))
    return is_held and not reading.is_true("live", key)
