"""How a state of a ground system is read back by family and index, as labels rather than terms."""

from __future__ import annotations

import z3

from checker.systems.grounding import Grounding
from checker.systems.system import State, Term


class Reading:
    """One state, readable by family name and positions: `reading("entry_mode", 0, 1)`.

    Where a call was made from it, `after` reads the state that it led to, and `answer` is what it
    was answered.
    """

    def __init__(
        self, grounding: Grounding, state: State, after: State | None = None, answer: str = ""
    ) -> None:
        self.grounding = grounding
        self.after = None if after is None else Reading(grounding, after)
        self.answer = answer
        self._state = state
        variables = grounding.system.variables
        self._labels = {
            variable.name: variable.labels[value]
            for variable, value in zip(variables, state, strict=True)
        }

    def __call__(self, family: str, *positions: int) -> str:
        """The label of a variable's value; Booleans are "yes" and "no"."""
        return self._labels[self.grounding.name_of(family, positions)]

    def is_true(self, family: str, *positions: int) -> bool:
        """Whether a Boolean variable is true."""
        return self(family, *positions) == "yes"

    def is_so(self, formula: Term) -> bool:
        """Whether a formula over the system's variables is true in this state."""
        variables = self.grounding.system.variables
        values = [(v.term, v.literal(x)) for v, x in zip(variables, self._state, strict=True)]
        return bool(z3.is_true(z3.simplify(z3.substitute(formula, *values))))

    def has(self, family: str) -> bool:
        """Whether the system has this family."""
        return any(known.name == family for known in self.grounding.text.families)

    def size(self, family: str, index: int) -> int:
        """How many elements the index-th index sort of a family has."""
        known = {known.name: known for known in self.grounding.text.families}
        return self.grounding.finite.size(known[family].over[index])
