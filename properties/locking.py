"""Locks: can every operation go on, does it give back what it took, and does it return?

That every operation returns is a claim about infinite runs, and there is no engine for those. It is
reduced to one about steps, in two parts, both judged of every transition.

* *Nobody waits for ever*: no operation is in a circle of operations that wait for each other, or
  waits, through however many others, for a lock that an operation kept when it returned.
* *Every step is one towards the end*: it brings its operation nearer to its return along its path,
  or is the one time that it queues for the lock it is at, or takes from the failures that are left,
  which are finitely many.

Why that is enough. An operation in flight can make finitely many steps, by the second part. So it
returns unless from some moment on it makes none although it has not returned. Let it be so. If it
can step from then on, a fair scheduler lets it. If not, it waits for a lock, and whoever bars it is
in flight and does not wait for ever either, by the first part. Those that bar it can thus be put in
an order in which the first can step; by induction along that order each gives the lock back, for an
operation gives back all it took before it returns (else somebody would wait for ever for an idle
thread).

What it assumes. The scheduler is fair: whoever can step at last does. The locks are: who waits gets
the lock although new ones come for it again and again (Linux's mutex hands itself over, its
reader/writer locks queue). The system itself lets any thread that comes first have the lock, and
queues only writers before readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import lockwords
from model.lockpaths import Request
from model.lockstate import LockState
from model.sorts import LOCK, THREAD

SYSTEM = "locks"


def _one_is_in_flight(state: LockState) -> Term:
    return state.some(THREAD, lambda t: z3.Not(state.is_idle(t)))


def _one_waits(state: LockState) -> Term:
    """Some operation waits for another, which can go on."""
    return state.some(THREAD, lambda t: state.is_blocked(t))


def _returns(step: Transition) -> Term:
    """An operation returns that has held a lock."""
    if step.action != "step":
        return z3.BoolVal(False)
    old, thread = step.old, step.parameters.thread
    held = old.some(LOCK, lambda x: old.holds[thread, x] != old.hold("no"))
    took = z3.Or([old.is_taking(thread, name) for name in LOCK.constants])
    gave = old.is_at(thread, old.table.at(*(Request("give", name) for name in LOCK.constants)))
    return z3.And(step.answer == step.answers("returns"), z3.Or(held, took, gave))


NO_DEADLOCK = Property(
    id="no-deadlock",
    kind="state",
    sentence="Some operation in flight can always take a step.",
    formula=lambda state: z3.Or(
        z3.Not(_one_is_in_flight(state)), state.some(THREAD, lambda t: state.can_step(t))
    ),
    premise=Premise("state", _one_waits),
    explain=lambda reading, _at, _call: lockwords.everybody_waits(reading),
    source="RFC v2 patches 07, 08, 10 and 13: the order in which they take their locks",
    system=SYSTEM,
)


def _explain_kept(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    return lockwords.kept(reading, at["t"], at["x"])


NO_LOST_LOCK = Property(
    id="no-lost-lock",
    kind="state",
    sentence="An operation that has returned holds no lock.",
    formula=lambda state: state.every(
        THREAD,
        LOCK,
        lambda t, x: z3.Implies(state.is_idle(t), state.holds[t, x] == state.hold("no")),
    ),
    premise=Premise("step", _returns),
    explain=_explain_kept,
    source="RFC v2 patch 10, update: it returns EINVAL and EBUSY without unlocking",
    system=SYSTEM,
)


def _distance(state: LockState, thread: Any, bound: int) -> Term:
    """Whether the thread has at least this many requests of its path before it."""
    last: dict[str, int] = {}
    for place in state.table.places.values():
        last[place.operation] = max(last.get(place.operation, 0), place.number + 1)
    far = [
        name
        for name, place in state.table.places.items()
        if last[place.operation] - place.number >= bound
    ]
    return state.is_at(thread, far)


def _is_nearer(step: Transition) -> Term:
    """The step is one towards the end of its operation, or another that cannot be made for ever."""
    if step.action == "begin":
        return z3.BoolVal(True)
    old, new, thread = step.old, step.new, step.parameters.thread
    longest = max(place.number for place in old.table.places.values()) + 1
    nearer = z3.Or(
        [
            z3.And(_distance(old, thread, n), z3.Not(_distance(new, thread, n)))
            for n in range(1, longest + 1)
        ]
    )
    queues = z3.And(
        new.at[thread] == old.at[thread], new.queued[thread], z3.Not(old.queued[thread])
    )
    fails = z3.And(old.may_fail, z3.Not(new.may_fail))
    return z3.Or(nearer, queues, fails)


def _finishes(step: Transition) -> Term:
    nobody = step.new.every(THREAD, lambda t: z3.Not(step.new.waits_for_ever(t)))
    return z3.And(nobody, _is_nearer(step))


OPERATIONS_FINISH = Property(
    id="operations-finish",
    kind="step",
    sentence="Every operation returns, if transient failures are finite.",
    formula=_finishes,
    premise=Premise("step", _returns),
    explain=lambda reading, _at, _call: lockwords.why_for_ever(reading.after or reading),
    source="RFC v2 patches 07, 08, 10 and 13",
    system=SYSTEM,
)
