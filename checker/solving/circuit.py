"""What a Boolean function is to a SAT solver: gates, each a variable, with the clauses that say so.

Literals are integers as in DIMACS: a variable's number, or its negation. Equal gates are one gate
(structural hashing), and a gate with a constant or twice the same input is none. The clauses are
those of Tseitin (1968), both directions, so that the inputs' values propagate to every gate.
"""

from __future__ import annotations

from collections.abc import Iterable

TRUE = 1
"""The literal that is always true; variable 1 is fixed by a clause of its own."""
FALSE = -TRUE


class Circuit:
    """Gates over literals. `variables` is the greatest variable's number, `clauses` define them."""

    def __init__(self) -> None:
        self.variables = TRUE
        self.clauses: list[tuple[int, ...]] = [(TRUE,)]
        self._gates: dict[tuple[object, ...], int] = {}
        self._conjuncts: dict[int, list[int]] = {}

    def input(self) -> int:
        """A new variable, which no gate defines."""
        self.variables += 1
        return self.variables

    def inputs(self, count: int) -> tuple[int, ...]:
        """So many new variables."""
        return tuple(self.input() for _ in range(count))

    def all_of(self, literals: Iterable[int]) -> int:
        """Whether all are true."""
        distinct = set(literals)
        distinct.discard(TRUE)
        if FALSE in distinct or any(-literal in distinct for literal in distinct):
            return FALSE
        if len(distinct) < 2:
            return distinct.pop() if distinct else TRUE
        ordered = sorted(distinct)
        key = ("all", *ordered)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = self.input()
            self._conjuncts[gate] = ordered
            self.clauses += [(-gate, literal) for literal in ordered]
            self.clauses.append((gate, *(-literal for literal in ordered)))
        return gate

    def any_of(self, literals: Iterable[int]) -> int:
        """Whether at least one is true."""
        return -self.all_of(-literal for literal in literals)

    def differ(self, left: int, right: int) -> int:
        """Whether one is true and the other is not."""
        if abs(left) == TRUE:
            return right * -left
        if abs(right) == TRUE:
            return left * -right
        if abs(left) == abs(right):
            return FALSE if left == right else TRUE
        sign = 1 if (left > 0) == (right > 0) else -1
        a, b = sorted((abs(left), abs(right)))
        gate = self._gates.get(("differ", a, b))
        if gate is None:
            gate = self._gates["differ", a, b] = self.input()
            self.clauses += [(-gate, a, b), (-gate, -a, -b), (gate, -a, b), (gate, a, -b)]
        return sign * gate

    def same(self, left: int, right: int) -> int:
        """Whether both are true or both are false."""
        return -self.differ(left, right)

    def choose(self, condition: int, yes: int, no: int) -> int:
        """`yes` where the condition is true, else `no`."""
        if yes == no or condition == TRUE:
            return yes
        if condition == FALSE:
            return no
        if yes == -no:
            return self.same(condition, yes)
        if yes in (TRUE, condition):
            return self.any_of((condition, no))
        if yes in (FALSE, -condition):
            return self.all_of((-condition, no))
        if no in (FALSE, condition):
            return self.all_of((condition, yes))
        if no in (TRUE, -condition):
            return self.any_of((-condition, yes))
        if condition < 0:
            return self.choose(-condition, no, yes)
        gate = self._gates.get(("choose", condition, yes, no))
        if gate is None:
            gate = self._gates["choose", condition, yes, no] = self.input()
            self.clauses += [
                (-condition, -yes, gate),
                (-condition, yes, -gate),
                (condition, -no, gate),
                (condition, no, -gate),
                # Implied, but without them agreement of both choices would not propagate.
                (-yes, -no, gate),
                (yes, no, -gate),
            ]
        return gate

    def conjuncts(self, literal: int) -> list[int]:
        """Literals that are all true exactly where the literal is: itself, or what it joins."""
        if literal not in self._conjuncts:
            return [literal]
        inner = (self.conjuncts(part) for part in self._conjuncts[literal])
        return list(dict.fromkeys(part for parts in inner for part in parts))

    def require(self, *literals: int) -> None:
        """Add a clause: at least one of the literals is true in every assignment."""
        if TRUE not in literals:
            self.clauses.append(literals)
