"""What one design allows and another does not: the shortest scenario, replayed on both.

A scenario is a boot and a sequence of calls with their arguments and the environment's choices: the
packages that are absent at boot, PCONFIGs that fail, which key object the allocator hands out,
whether the owners of user keys answer. A design allows a call that it answers with "ok". Of two
designs the first allows a scenario and the second does not if the first answers "ok" to all of its
calls, and the second to all but the last, to which it answers an errno, or never.

What counts as the same call on both sides:

* Calls have the same name and, of the parameters that both designs have, the same labels. A key is
  the same key if it was made by the same call, whichever object or KeyID it has on either side.
* A parameter that only one design has is that side's choice: on which packages a key is wanted
  (where each has KeyIDs of its own), whether owners answer (where they are asked). So is the key
  object that a new key gets; where both designs find keys by address, an address that the map still
  holds is given out on both sides or on neither.
* No PCONFIG fails on one side only. Of scenarios of one length one without failures is shown, if
  there is any.
* What only one of two texts has is no call of a scenario: `extend` (an owner asks for a KeyID on
  one more package) has no meaning where KeyIDs are global, so that nobody could say whether the
  other design allows it, and `retry_clear` is the kernel's own work, which nobody asks for. A call
  that the environment of one design cannot make then is none either, such as a write on a package
  where the page's key has no KeyID: nothing answers it.

TME in bypass changes no answer, and is off.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Final

from checker import EngineDisagreement, Grounding, Limits, Verdict
from checker.certifying.certificate import is_refused
from checker.comparing.correspondence import Correspondence, Tie
from checker.comparing.difference import compared
from checker.systems.asking import without_collections
from checker.systems.system import Term
from conformance.lockstep import Disagreement, compiled
from designs import Design
from mktme.executors import side_by_side
from mktme.scenario import BothCalls, replayed
from model import Scope

LIMITS: Final = Limits(states_max=2_000_000, depth_max=20, seconds_max=120.0)
"""What one direction may take unless more is asked for: the named designs take some seconds."""

SCOPE: Final = Scope(values=1)
"""One user key is enough: no answer depends on which user key it is."""

FAILURES: Final = frozenset({"fails", "fails_at"})
"""The families of parameters that choose failing PCONFIGs."""

ALLOWED: Final = "ok"

OPEN: Final = ("none so far", "unknown")
"""Words of a search that did not come to an end."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """What design `allowing` allows and design `refusing` does not, by their names.

    `word` is "scenario", "none" (in the whole scope, of any length), "none so far" (of `depth`
    calls or fewer), "nothing in common" (no call is allowed by both) or "unknown". `depth` is how
    many calls a scenario has at most of those that were looked at. `start` and `calls` are the
    scenario in words; empty where there is none. `reason` says why the search went no further.
    `error` is set where two checkers, or model and implementation, contradict each other.
    """

    allowing: str
    refusing: str
    word: str
    depth: int = 0
    start: str = ""
    calls: tuple[BothCalls, ...] = ()
    reason: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def length(self) -> int | None:
        """How many calls the scenario has; None where there is none."""
        return len(self.calls) or None

    @property
    def searched(self) -> str:
        """In words what was found, or how far it was searched."""
        if self.error:
            return f"DISAGREES: {self.error}"
        return {
            "scenario": counted(len(self.calls)),
            "none": "none in this scope",
            "none so far": f"none up to {counted(self.depth)} ({self.reason})",
            "nothing in common": "no call is allowed by both",
            "unknown": f"unknown: {self.reason}",
        }[self.word]

    def as_json(self) -> dict[str, Any]:
        """Plain values; `length`, `start` and `replayed` are null where there is no scenario."""
        return {
            "allows": self.allowing,
            "refuses": self.refusing,
            "found": self.word,
            "length": self.length,
            "depth": self.depth,
            "searched": self.searched,
            "start": self.start or None,
            "calls": [call.as_json() for call in self.calls],
            "replayed": True if self.calls else (False if self.error else None),
            "disagreement": self.error or None,
            "seconds": round(self.seconds, 3),
        }


def counted(number: int) -> str:
    """A number of calls, in words."""
    return "1 call" if number == 1 else f"{number} calls"


def scope_said(scope: Scope) -> str:
    """The scope of a search in words: without threads, for each call is made by itself."""
    return str(scope).rpartition(", ")[0]


def difference(
    allowing: Design, refusing: Design, scope: Scope = SCOPE, limits: Limits = LIMITS
) -> Difference:
    """The shortest scenario that one design allows and another does not, replayed on both."""
    started = time.monotonic()
    with without_collections():
        found = _difference(allowing, refusing, scope, limits)
    return dataclasses.replace(found, seconds=time.monotonic() - started)


def of_pairs(
    designs: Sequence[Design],
    scope: Scope,
    limits: Limits,
    pool: Executor,
    done: Callable[[str], object] = lambda detail: None,
) -> list[Difference]:
    """The differences of each pair of designs, both ways, in the order of `designs`.

    `done` hears of each direction as it is finished, in any order.
    """
    pairs = [
        pair
        for one, other in itertools.combinations(designs, 2)
        for pair in ((one, other), (other, one))
    ]
    calls = [functools.partial(difference, *pair, scope, limits) for pair in pairs]
    return side_by_side(pool, calls, lambda one: done(f"{one.allowing} / {one.refusing}"))


def matching(left: Grounding, right: Grounding) -> Correspondence:
    """What is the same call of two designs, as the module says."""
    return Correspondence(
        together=frozenset({"present"}),
        begins={"bypass": "no"},
        own=frozenset({"supplied"}),  # what an owner supplies, the state says already
        quiet=FAILURES,
        tie=Tie("key", "instantiate", (_again(left), _again(right))),
    )


def _again(grounding: Grounding) -> Term | None:
    """That a new key gets an address that the map still holds for another one."""
    old = grounding.old
    if old.design.key_lookup == "by_serial":
        return None
    parameters = grounding.system.action("instantiate").parameters
    (key,) = (parameter.term for parameter in parameters if parameter.name == "key")
    return old.some_slot(lambda package, keyid: old.has_keyid(key, package, keyid))


def _difference(allowing: Design, refusing: Design, scope: Scope, limits: Limits) -> Difference:
    designs = allowing, refusing
    left, right = (compiled(design, scope)[0] for design in designs)
    nothing = Difference(allowing.name, refusing.name, "unknown")
    try:
        found = compared(
            left.system,
            right.system,
            matching(left, right),
            ALLOWED,
            limits,
            spared=FAILURES,
        )
        answer = _answer(nothing, found.verdict)
        if found.runs is None:
            return answer
        start, calls = replayed(designs, scope, found.runs)
        return dataclasses.replace(answer, start=start, calls=calls)
    except (EngineDisagreement, Disagreement) as error:
        return dataclasses.replace(nothing, reason=str(error), error=str(error))


_WORDS: Final = {
    "VIOLATED": "scenario",
    "PROVED": "none",
    "HOLDS_TO": "none so far",
    "VACUOUS": "nothing in common",
    "UNKNOWN": "unknown",
}


def _answer(nothing: Difference, verdict: Verdict) -> Difference:
    return dataclasses.replace(
        nothing,
        word=_WORDS[verdict.word],
        depth=verdict.depth,
        reason=verdict.reason,
        error=verdict.reason if is_refused(verdict) else "",
    )
