"""How an action's effect is written down: pointwise, as cases over the old state.

    new = Effect(old)
    new.set("bit", lambda k: is_its(k), to=False)

reads "bit[k] becomes false where `is_its(k)`, and stays as it was elsewhere". Cases are tried from
the last to the first, so a later one wins where two overlap. A family over nothing takes a plain
term for its condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.system import Term, as_term


class Effect:
    """The new values of families, in terms of an old state. `cases()` is what a `Step` takes."""

    def __init__(self, old: Any) -> None:
        self._old = old
        self._new: dict[str, Any] = {}

    def set(self, family: str, where: Any, to: Any) -> None:
        """Change a family where a condition holds: both are functions of indices, or plain."""
        if not callable(where):
            before = self._new.get(family, getattr(self._old, family))
            self._new[family] = z3.If(where, as_term(to), before)
            return
        earlier = self._new.get(family)

        def value(*indices: Term) -> Term:
            if earlier is not None:
                before = earlier(*indices)
            else:
                before = getattr(self._old, family)[indices]
            after = to(*indices) if callable(to) else to
            return z3.If(where(*indices), as_term(after), before)

        self._new[family] = value

    def cases(self) -> Mapping[str, Any]:
        """Family name to its new value, pointwise. Families that were never set keep theirs."""
        return dict(self._new)
