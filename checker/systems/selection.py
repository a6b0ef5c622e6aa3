"""What `state.table[p, k]` is under the finite interpretation: the variable there, or a choice.

An index that is a literal picks one variable; any other index, one of all by its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.finite import Finite
from checker.systems.origin import UnknownName, among
from checker.systems.system import Family, ModelError, Term


class _Selection:
    """A family in one state: indexed by terms, it gives the term of the value there."""

    def __init__(self, finite: Finite, family: Family, at: Callable[[tuple[int, ...]], Term]):
        self._finite = finite
        self._family = family
        self._at = at

    def __getitem__(self, indices: Any) -> Term:
        indices = indices if isinstance(indices, tuple) else (indices,)
        over = self._family.over
        if len(indices) != len(over):
            expected = ", ".join(sort.name for sort in over)
            raise ModelError(f"{self._family.name}[{expected}] was given {len(indices)} indices")
        for index in indices:
            if not z3.is_expr(index):
                raise ModelError(f"{self._family.name} is read at {index!r}, which is no term")
        return self._select((), indices)

    def _select(self, chosen: tuple[int, ...], rest: tuple[Term, ...]) -> Term:
        if not rest:
            return self._at(chosen)
        first, *others = rest
        sort = self._family.over[len(chosen)]
        last = self._finite.size(sort) - 1
        position = self._finite.position(first)
        if position is not None:
            if position > last:
                raise ModelError(f"{self._family.name} has no {sort.name} {position}")
            return self._select((*chosen, position), tuple(others))
        value = self._select((*chosen, last), tuple(others))
        for position in reversed(range(last)):
            here = self._select((*chosen, position), tuple(others))
            value = z3.If(first == self._finite.element(sort, position), here, value)
        return value


class Selections:
    """The families of one state (or the parameters of one call), by name."""

    def __init__(
        self,
        finite: Finite,
        families: tuple[Family, ...],
        at: Callable[[Family, tuple[int, ...]], Term],
    ):
        self._finite = finite
        self._families = {family.name: family for family in families}
        self._at = at

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._families:
            raise UnknownName(f"no family or parameter {name!r}{among(name, self._families)}")
        family = self._families[name]
        if not family.over:
            return self._at(family, ())
        return _Selection(self._finite, family, lambda indices: self._at(family, indices))
