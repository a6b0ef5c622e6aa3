"""Ground systems of a few lines, for tests of one engine's corners."""

from __future__ import annotations

import z3

from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Variable

TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)
ANSWER = z3.BitVecVal(0, 1)


def claim_of(state=TRUE, *, steps=None, premise=TRUE, premise_steps=None, name="claim"):
    """A ground claim with the uninteresting parts filled in."""
    kind = "step" if steps else "state"
    return GroundProperty(name, kind, state, steps or {}, premise, premise_steps or {})


def numeral(name, bits):
    """A variable that has every value of its width."""
    return Variable(name, z3.BitVec(name, bits), tuple(map(str, range(1 << bits))))


def counter(bits=4, width=None):
    """Counts up from 0 and stops at its greatest value, where nothing is possible any more.

    With `width`, as many bits that never change lie beside the count.
    """
    count = numeral("n", bits)
    still = [Variable(f"still{i}", z3.Bool(f"still{i}"), ("no", "yes")) for i in range(width or 0)]
    up = GroundAction("up", (), count.term != (1 << bits) - 1, ANSWER, {"n": count.term + 1})
    initially = z3.And(count.term == 0, *(z3.Not(v.term) for v in still))
    system = GroundSystem("counter", (*still, count), initially, (up,), ("done",))
    return system, count.term
