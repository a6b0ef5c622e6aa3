"""A system whose claim holds exactly where a checker computes every operator as Python does."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import small_systems
import z3

from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

BITS = 3
SIZE = 1 << BITS


def signed(value: int) -> int:
    """A number of three bits as a signed one."""
    return value - SIZE if value >= SIZE // 2 else value


OPERATORS: dict[str, tuple[Callable, Callable]] = {
    "and": (lambda a, b: a & b, lambda a, b: a & b),
    "or": (lambda a, b: a | b, lambda a, b: a | b),
    "xor": (lambda a, b: a ^ b, lambda a, b: a ^ b),
    "not": (lambda a, b: ~a ^ (b & 1), lambda a, b: ~a ^ (b & 1)),
    "plus": (lambda a, b: a + b, lambda a, b: a + b),
    "minus": (lambda a, b: a - b, lambda a, b: a - b),
    "negated": (lambda a, b: -a * (b | 1), lambda a, b: -a * (b | 1)),
    "times": (lambda a, b: a * b, lambda a, b: a * b),
    "left": (lambda a, b: a << b, lambda a, b: a << b),
    "right": (z3.LShR, lambda a, b: a >> b),
    "part": (
        lambda a, b: z3.Extract(3, 1, z3.Concat(a, b)),
        lambda a, b: (a << BITS | b) >> 1,
    ),
    "three": (
        lambda a, b: z3.Extract(6, 4, z3.Concat(a, b, a)),
        lambda a, b: ((a << BITS | b) << BITS | a) >> 4,
    ),
    "widened": (
        lambda a, b: z3.Extract(4, 2, z3.ZeroExt(2, a) + z3.ZeroExt(2, b)),
        lambda a, b: (a + b) >> 2,
    ),
    "signed": (
        lambda a, b: z3.Extract(4, 2, z3.SignExt(2, a) + z3.ZeroExt(2, b)),
        lambda a, b: (signed(a) + b) >> 2,
    ),
    "less": (lambda a, b: z3.ULT(a, b), lambda a, b: a < b),
    "at most": (lambda a, b: z3.ULE(a, b), lambda a, b: a <= b),
    "greater": (lambda a, b: z3.UGT(a, b), lambda a, b: a > b),
    "at least": (lambda a, b: z3.UGE(a, b), lambda a, b: a >= b),
    "signed less": (lambda a, b: a < b, lambda a, b: signed(a) < signed(b)),
    "signed at most": (lambda a, b: a <= b, lambda a, b: signed(a) <= signed(b)),
    "signed greater": (lambda a, b: a > b, lambda a, b: signed(a) > signed(b)),
    "signed at least": (lambda a, b: a >= b, lambda a, b: signed(a) >= signed(b)),
    "distinct": (lambda a, b: z3.Distinct(a, b, a ^ b), lambda a, b: len({a, b, a ^ b}) == 3),
    "truths": (
        lambda a, b: z3.Xor(z3.Implies(a == 1, b == 2), (a == 3) == (b == 3)),
        lambda a, b: (a != 1 or b == 2) != ((a == 3) == (b == 3)),
    ),
    "choice": (
        lambda a, b: z3.If(a == b, z3.If(a == 1, a == 2, b == 0), a == 3),
        lambda a, b: b == 0 if a == b and a != 1 else a == 3 and a != b,
    ),
}
"""Each as Z3 says it and as Python does, of numbers of three bits."""


def tables(wrong: str = "") -> tuple[GroundSystem, GroundProperty]:
    """Two numbers, which are any at the start; the claim compares each operator with its table.

    The table of the operator `wrong` has one mistake.
    """
    one, other = (small_systems.numeral(name, BITS) for name in ("one", "other"))
    claims = []
    for name, (symbolic, plain) in OPERATORS.items():
        term = symbolic(one.term, other.term)
        table = z3.BoolVal(False) if z3.is_bool(term) else z3.BitVecVal(0, BITS)
        for a, b in itertools.product(range(SIZE), repeat=2):
            here, value = z3.And(one.term == a, other.term == b), plain(a, b)
            if (name, a, b) == (wrong, 5, 3):
                value = not value if z3.is_bool(term) else value + 1
            literal = z3.BoolVal(value) if z3.is_bool(term) else z3.BitVecVal(value % SIZE, BITS)
            table = z3.If(here, literal, table)
        claims.append(term == table)
    system = GroundSystem("operators", (one, other), z3.BoolVal(True), (), ("none",))
    return system, small_systems.claim_of(z3.And(claims))
