"""Whether a program says the same as a system and a claim, although it is written in another way.

Another version of Z3 may simplify a term in another way, and then writes another program of the
same system. So where two programs differ, each part of one is compared with what it stands for:
that they differ anywhere is a condition, to be refuted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3

from checker.answers.proof import Condition
from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Term, Variable


class AnotherProgram(ValueError):
    """A program that is not of the system at all; the message names the part."""


def agreement(
    program: Mapping[str, Any],
    system: GroundSystem,
    claim: GroundProperty,
    representative: Sequence[Term] | None,
) -> tuple[Condition, ...]:
    """Conditions that are refuted exactly if the program is of this system and claim.

    Raises AnotherProgram where its names, variables, actions or parameters are other ones, and
    where it is none.
    """
    try:
        return tuple(_conditions(program, system, claim, representative))
    except AnotherProgram:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, z3.Z3Exception) as error:
        raise AnotherProgram(f"a node that has no meaning: {error}") from error


def _conditions(
    program: Mapping[str, Any],
    system: GroundSystem,
    claim: GroundProperty,
    representative: Sequence[Term] | None,
) -> Iterator[Condition]:
    actions = program["actions"]
    _require("name", program["name"] == system.name)
    _require("claim", program["claim"] == claim.id)
    _require("variables", program["variables"] == [declared(v) for v in system.variables])
    _require("actions", [a["name"] for a in actions] == [a.name for a in system.actions])
    _require("representative", (program["representative"] is None) == (representative is None))
    terms = _terms(program, system.variables, ())
    ranges = [variable.in_range() for variable in system.variables]

    def differ(name: str, there: Term, here: Term, *known: Term) -> Condition:
        return Condition(name, z3.And(*ranges, *known, there != here))

    yield differ("it starts alike", _all(terms, program["initially"]), system.initially)
    yield differ("it claims the same of states", terms(program["state"]), claim.state)
    for number, term in enumerate(representative or ()):
        there = terms(program["representative"][number])
        name = f"it represents {system.variables[number].name} alike"
        yield differ(name, there, term)
    for there, action in zip(actions, system.actions, strict=True):
        yield from _of_action(there, action, program, system, claim, differ)


def _of_action(
    there: Mapping[str, Any],
    action: GroundAction,
    program: Mapping[str, Any],
    system: GroundSystem,
    claim: GroundProperty,
    differ: Callable[..., Condition],
) -> Iterator[Condition]:
    _require("parameters", there["parameters"] == [declared(p) for p in action.parameters])
    terms = _terms(program, system.variables, action.parameters)
    known = [parameter.in_range() for parameter in action.parameters]
    guard = _all(terms, there["guard"])
    yield differ(f"{action.name} is possible alike", guard, action.guard, *known)
    updates = {place: terms(node) for place, node in there["updates"]}
    _require("updates", updates.keys() <= set(range(len(system.variables))))
    for place, variable in enumerate(system.variables):
        new: Term = updates.get(place, variable.term)
        stated: Term = action.updates.get(variable.name, variable.term)
        if not new.eq(stated):
            name = f"{action.name} gives {variable.name} the same value"
            yield differ(name, new, stated, *known, action.guard)
    claimed = z3.BoolVal(True) if there["claimed"] is None else terms(there["claimed"])
    stated = claim.steps.get(action.name, z3.BoolVal(True))
    yield differ(f"it claims the same of {action.name}", claimed, stated, *known, action.guard)


def declared(variable: Variable) -> list[Any]:
    """A variable as a program declares it: name, bits (0 for a truth), and number of values."""
    return [variable.name, 0 if variable.is_bool else variable.term.size(), variable.size]


def _require(part: str, is_same: bool) -> None:
    if not is_same:
        raise AnotherProgram(f"its program has another {part.removesuffix('s')}")


def _all(terms: Callable[[int], Term], numbers: Sequence[int]) -> Term:
    return z3.And([terms(number) for number in numbers])


def _terms(
    program: Mapping[str, Any], variables: Sequence[Variable], parameters: Sequence[Variable]
) -> Callable[[int], Term]:
    """A function from a node's number to the term that it stands for, for one action."""
    nodes = program["nodes"]
    kept: dict[int, Term] = {}

    def term(root: int) -> Term:
        stack = [root]
        while stack:
            kind, bits, *rest = nodes[stack[-1]]
            below = [] if kind in _LEAVES else rest[:1] if kind == "extract" else rest
            missing = [number for number in below if number not in kept]
            if any(not 0 <= number < stack[-1] for number in missing):
                raise AnotherProgram(f"its program has the node {[kind, bits, *rest]}")
            stack += missing
            if not missing:
                kept[stack[-1]] = _term(kind, bits, [kept[number] for number in below], rest)
                stack.pop()
        return kept[root]

    def _term(kind: str, bits: int, args: list[Term], rest: list[int]) -> Term:
        if kind in ("var", "par"):
            return (variables if kind == "var" else parameters)[rest[0]].term
        if kind == "const":
            return z3.BitVecVal(rest[0], bits) if bits else z3.BoolVal(bool(rest[0]))
        if kind == "extract":
            return _extract(args[0], bits, rest[1])
        return _BUILT[kind, bits > 0](*args)

    return term


_LEAVES = ("var", "par", "const")
_BUILT: dict[tuple[str, bool], Callable[..., Term]] = {
    ("and", False): lambda *args: z3.And(list(args)),
    ("or", False): lambda *args: z3.Or(list(args)),
    ("xor", False): lambda *args: functools.reduce(z3.Xor, args),
    ("and", True): lambda *args: functools.reduce(lambda a, b: a & b, args),
    ("or", True): lambda *args: functools.reduce(lambda a, b: a | b, args),
    ("xor", True): lambda *args: functools.reduce(lambda a, b: a ^ b, args),
    ("add", True): lambda *args: functools.reduce(lambda a, b: a + b, args),
    ("mul", True): lambda *args: functools.reduce(lambda a, b: a * b, args),
    ("eq", False): lambda a, b: a == b,
    ("ite", False): z3.If,
    ("ite", True): z3.If,
    ("ult", False): z3.ULT,
    ("shl", True): lambda a, b: a << b,
    ("lshr", True): z3.LShR,
}


def _extract(term: Term, bits: int, low: int) -> Term:
    """So many bits from the lowest one on; above the term's own there are zeros."""
    if low + bits <= term.size():
        return z3.Extract(low + bits - 1, low, term)
    rest = z3.Extract(term.size() - 1, low, term)
    return z3.ZeroExt(bits - rest.size(), rest)
