"""Why a formula is false: the facts that decide it, and no others."""

from __future__ import annotations

import pytest
import z3

from checker.answers.falsehood import facts
from checker.systems.system import Variable

MODE = ("off", "on", "broken")
A, B = (z3.BitVec(name, 2) for name in ("a", "b"))
P, Q = z3.Bools("p q")
VALUES = {
    "a": (Variable("a", A, MODE), 1),
    "b": (Variable("b", B, MODE), 2),
    "p": (Variable("p", P, ("no", "yes")), 1),
    "q": (Variable("q", Q, ("no", "yes")), 0),
}


def is_true(term) -> bool:
    known = [(v.term, v.literal(x)) for v, x in VALUES.values()]
    return z3.is_true(z3.simplify(z3.substitute(term, *known)))


def said(formula) -> list[str]:
    return [fact.words for fact in facts(formula, is_true, VALUES)]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (A == B, ["a is on, but b is broken"]),
        (z3.Not(P), ["p is yes"]),
        (A == 0, ["a is on, not off"]),
        (z3.Distinct(A, 1), ["a is on"]),
        (z3.And(P, Q, A == 0), ["q is no"]),
        (z3.Or(Q, A == 0), ["q is no", "a is on, not off"]),
        (z3.Or(A == 0, A == 2), ["a is on"]),
        (z3.Implies(P, A == B), ["p is yes", "a is on, but b is broken"]),
        (z3.Not(z3.Implies(Q, P)), ["q is no"]),
        (z3.Not(z3.Implies(P, A == 1)), ["a is on"]),
        (z3.If(P, Q, A == 1), ["p is yes", "q is no"]),
        (z3.If(P, A, B) == B, ["p is yes", "a is on, but b is broken"]),
        (z3.Not(z3.If(Q, A, B) == 2), ["q is no", "b is broken"]),
        (P == Q, ["p is yes", "q is no"]),
        (z3.ULT(B, A), ["ULT(b, a) is false"]),
    ],
)
def test_a_falsehood_has_the_facts_that_decide_it(formula, expected):
    assert not is_true(formula)
    assert expected == said(formula)


def test_facts_name_the_variables_in_them():
    (fact,) = facts(A == B, is_true, VALUES)
    assert {"a", "b"} == fact.names
