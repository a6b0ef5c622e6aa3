"""Which smaller goals a goal consists of, and in which order they are best asked about.

A solver refutes a disjunction of hundreds of goals several times faster when it is asked about one
after the other, and about those together that speak of the same: what it learns about one then
serves the next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from checker.solving.circuit import TRUE

PIECES_MAX = 500
"""A goal with more parts than this is not taken apart: asking about each would cost too much."""


def pieces(goal: int, clauses: Sequence[tuple[int, ...]], inputs: Collection[int]) -> list[int]:
    """Literals that imply a goal, in an order in which neighbours have many inputs in common.

    They are the inputs of the disjunction that the goal is, by the clauses of its gate, and of
    those that are disjunctions themselves. A gate is numbered after its inputs, so what has a
    greater number only happens to imply it. Of a goal that is no disjunction, none.
    """
    implied_by: dict[int, list[int]] = {}
    for clause in clauses:
        if len(clause) == 2:
            for literal, other in (clause, clause[::-1]):
                if abs(other) < abs(literal):
                    implied_by.setdefault(literal, []).append(-other)
    found: dict[int, None] = {}
    stack = [goal]
    while stack and len(found) <= PIECES_MAX:
        literal = stack.pop()
        parts = implied_by.get(literal, []) if abs(literal) != TRUE else []
        if parts:
            stack += parts
        elif literal != goal and abs(literal) != TRUE:
            found[literal] = None
    if not 1 < len(found) <= PIECES_MAX:
        return []
    return _chained(list(found), _supports(list(found), clauses, inputs))


def _chained(literals: list[int], supports: dict[int, set[int]]) -> list[int]:
    """The literals, each followed by the one left that has the most inputs in common with it."""
    chain, left = literals[:1], literals[1:]
    while left:
        last = supports[chain[-1]]
        nearest = max(left, key=lambda literal: len(supports[literal] & last))
        left.remove(nearest)
        chain.append(nearest)
    return chain


def _supports(
    literals: Sequence[int], clauses: Sequence[tuple[int, ...]], inputs: Collection[int]
) -> dict[int, set[int]]:
    """The inputs that each literal is a function of."""
    below: dict[int, set[int]] = {}
    for clause in clauses:
        numbers = {abs(literal) for literal in clause}
        gate = max(numbers)
        below.setdefault(gate, set()).update(numbers - {gate})
    return {literal: _reached(abs(literal), below, inputs) for literal in literals}


def _reached(gate: int, below: dict[int, set[int]], inputs: Collection[int]) -> set[int]:
    seen: set[int] = set()
    stack = [gate]
    while stack:
        number = stack.pop()
        if number not in seen:
            seen.add(number)
            stack += () if number in inputs else below.get(number, ())
    return seen.intersection(inputs)
