"""How an action's effect is written down: pointwise, as cases over the old state.

    new = Effect(old)
    new.set("bit", lambda k: is_its(k), to=False)

reads "bit[k] becomes false where `is_its(k)`, and stays as it was elsewhere". Cases are tried from
the last to the first, so a later one wins where two overlap. A family over nothing takes a plain
term for its condition.

A case whose condition a later case repeats can never win. Written in one function, the two assign
a variable twice: a mistake, refused. A caller may so replace a case that a shared routine made.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any

import z3

from checker.systems.origin import applied, caller
from checker.systems.system import ModelError, Term, as_term


@dataclasses.dataclass(frozen=True)
class _Case:
    """One `set`: its condition and value, the function that it is written in, and its line."""

    where: Any
    to: Any
    function: CodeType
    line: str


class Effect:
    """The new values of families, in terms of an old state. `cases()` is what a `Step` takes."""

    def __init__(self, old: Any) -> None:
        self._old = old
        self._cases: dict[str, list[_Case]] = {}

    def set(self, family: str, where: Any, to: Any) -> None:
        """Change a family where a condition holds: both are functions of indices, or plain.

        Raises ModelError when the condition does not suit the family, the family is not there, or
        an earlier case of the same function has the same condition; for functions, the last is
        found when they are applied to indices.
        """
        is_plain = z3.is_expr(getattr(self._old, family))
        if is_plain == callable(where):
            needed = "a plain term" if is_plain else "a function of indices"
            raise ModelError(f"the condition for {family} must be {needed}{caller()}")
        case = _Case(where, to, sys._getframe(1).f_code, caller())
        cases = self._cases.setdefault(family, [])
        if is_plain:
            conditions = [as_term(earlier.where) for earlier in cases]
            _require_once(family, [*cases, case], [*conditions, as_term(where)])
        cases.append(case)

    def cases(self) -> Mapping[str, Any]:
        """Family name to its new value, pointwise. Families that were never set keep theirs."""
        return {family: self._value(family, tuple(cases)) for family, cases in self._cases.items()}

    def _value(self, family: str, cases: Sequence[_Case]) -> Any:
        old = getattr(self._old, family)
        if z3.is_expr(old):
            for case in cases:
                old = z3.If(as_term(case.where), _term(case, case.to, family), old)
            return old

        def value(*indices: Term) -> Term:
            new = old[indices]
            conditions = [
                as_term(applied(case.where, indices, f"the condition of {family}{case.line}"))
                for case in cases
            ]
            _require_once(family, cases, conditions)
            for case, condition in zip(cases, conditions, strict=True):
                to = case.to
                if callable(to):
                    to = applied(to, indices, f"the value of {family}{case.line}")
                new = z3.If(condition, _term(case, to, family), new)
            return new

        return value


def _term(case: _Case, value: Any, family: str) -> Term:
    """A case's value as a term. Z3 would cut a Python number to the width of the family."""
    term = as_term(value)
    if not z3.is_expr(term):
        raise ModelError(f"{family} is given {value!r}, which is no term{case.line}")
    return term


def _require_once(family: str, cases: Sequence[_Case], conditions: Sequence[Term]) -> None:
    """No case makes an earlier one of its function idle: same condition, or none at all."""
    for number, (case, condition) in enumerate(zip(cases, conditions, strict=True)):
        if z3.is_false(condition):
            continue  # it never wins, and takes nothing from another
        for earlier, before in zip(cases[:number], conditions, strict=False):
            idle = z3.is_true(condition) or condition.eq(before)
            if idle and earlier.function is case.function and not z3.is_false(before):
                raise ModelError(
                    f"{family} is assigned twice under one condition:"
                    f"{earlier.line} and again{case.line}"
                )
