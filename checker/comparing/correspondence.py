"""Which choices of two systems are one choice, which each side makes for itself, and which neither.

Parameters are meant by their family: `fails` means `fails`, `fails[0]`, `fails[1]` and so on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from checker.systems.system import Term, Variable


@dataclasses.dataclass(frozen=True)
class Tie:
    """A parameter that names things which each system numbers in a way of its own.

    A call of `made_by` that both systems allow makes one thing under the number that each side
    chooses; from then on every other call means the same thing on both sides by these two numbers.
    `again` says for the left and the right system, over the variables and the parameters of
    `made_by`, that a number is chosen which still means something there: then both choose so, and
    for numbers that belong together. None where a side has no such numbers, or it does not matter.
    """

    parameter: str
    made_by: str
    again: tuple[Term | None, Term | None] = (None, None)


@dataclasses.dataclass(frozen=True)
class Correspondence:
    """How the calls of two systems are matched: by the names of actions, and of parameters' labels.

    `together` are families of variables that have the same values on both sides when a run begins,
    and `begins` has variables with the label that they have then, on whichever side has them.
    Parameters of the families `own` are chosen by each side for itself, and so is a parameter that
    only one side has. Those of the families `quiet` have their first value where only one side has
    them, and those of the families `fixed` have it always.
    """

    together: frozenset[str] = frozenset()
    begins: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    tie: Tie | None = None

    def is_tied(self, parameter: Variable) -> bool:
        """Whether the parameter names what each side numbers for itself."""
        return self.tie is not None and parameter.name == self.tie.parameter

    def is_fixed(self, parameter: Variable) -> bool:
        """Whether the parameter has its first value, whichever side has it."""
        return family_of(parameter) in self.fixed

    def is_matched(self, parameter: Variable) -> bool:
        """Whether the two sides choose one value where both have the parameter."""
        return family_of(parameter) not in self.own and not self.is_tied(parameter)

    def is_quiet(self, parameter: Variable) -> bool:
        """Whether the parameter has its first value where the other side has none."""
        return family_of(parameter) in self.quiet


def family_of(variable: Variable) -> str:
    """The family that a ground variable or parameter is one of."""
    return variable.name.partition("[")[0]
