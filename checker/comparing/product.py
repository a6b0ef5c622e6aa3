"""Two ground systems that make the same calls: what the left one allows and the right one does not.

A call of the product is a call of both, matched by a `Correspondence`. The left system allows it,
and a claim says that the right one does too; so a shortest counterexample is a shortest run of
calls that the left one allows, of which the right one answers something else to the last. What a
state is after such a call means nothing. A call that only one system has, or that one of them
cannot make then, is no call of the product: it is neither allowed nor refused.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import z3

from checker.comparing.correspondence import Correspondence, Tie, family_of
from checker.systems.property import GroundProperty
from checker.systems.system import (
    Call,
    GroundAction,
    GroundSystem,
    ModelError,
    State,
    Term,
    Variable,
)

LEFT, RIGHT = "left", "right"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Where a side's parameter gets its value from: a parameter of the product, or it has none.

    `values` has for each value of the product's parameter the side's own; with `name` None the one
    value that the side's parameter has.
    """

    name: str | None
    values: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Product:
    """Two systems as one, and the claim that the right one allows what the left one does.

    `chosen` has, by side and action, where each of the side's parameters gets its value from.
    """

    system: GroundSystem
    claim: GroundProperty
    sides: Mapping[str, GroundSystem]
    chosen: Mapping[tuple[str, str], tuple[Chosen, ...]]

    def calls(self, side: str, calls: Sequence[Call]) -> list[Call]:
        """Calls of the product as one side's calls."""
        return [self._call(side, call) for call in calls]

    def _call(self, side: str, call: Call) -> Call:
        parameters = self.system.action(call.action).parameters
        known = {p.name: value for p, value in zip(parameters, call.values, strict=True)}
        sources = self.chosen[side, call.action]
        values = (s.values[known[s.name] if s.name is not None else 0] for s in sources)
        return Call(call.action, tuple(values))

    def state(self, side: str, state: State) -> State:
        """A state of the product as one side's state."""
        by_name = {v.name: x for v, x in zip(self.system.variables, state, strict=True)}
        return tuple(by_name[f"{side}.{v.name}"] for v in self.sides[side].variables)


def product(
    left: GroundSystem, right: GroundSystem, matched: Correspondence, allowed: str
) -> Product:
    """The two systems as one; a call is allowed where it is answered `allowed`.

    Raises ModelError where a system has no such answer, or a parameter no value in common.
    """
    sides = {LEFT: left, RIGHT: right}
    for system in sides.values():
        if allowed not in system.answers:
            raise ModelError(f"{system.name} never answers {allowed!r}")
    names = [a.name for a in left.actions if a.name in {b.name for b in right.actions}]
    joint = [_Joint(sides, name, matched, allowed) for name in names]
    joint = [one for one in joint if not z3.is_false(one.action.guard)]
    variables = [_renamed(v, side) for side, s in sides.items() for v in s.variables]
    system = GroundSystem(
        name=f"{left.name} beside {right.name}",
        variables=(*variables, *_pairs(sides, matched.tie)),
        initially=z3.simplify(z3.And(list(_begins(sides, matched)))),
        actions=tuple(one.action for one in joint),
        answers=right.answers,
    )
    said = {one.action.name: one.is_allowed for one in joint}
    is_any, none = z3.BoolVal(True), z3.BoolVal(False)
    name = f"{right.name} allows what {left.name} does"
    claim = GroundProperty(name, "step", is_any, said, none, said)
    chosen = {(side, one.action.name): one.chosen[side] for one in joint for side in sides}
    return Product(system, claim, sides, chosen)


def _renamed(variable: Variable, side: str, action: str = "") -> Variable:
    """A side's variable or parameter as one of the product."""
    name = f"{side}.{variable.name}"
    return _like(variable, name, f"{action}!{name}" if action else name, variable.labels)


def _like(variable: Variable, name: str, symbol: str, labels: tuple[str, ...]) -> Variable:
    """Another variable of the same sort."""
    term = z3.Const(symbol, variable.term.sort())
    return Variable(name, term, labels)


def _begins(sides: Mapping[str, GroundSystem], matched: Correspondence) -> Iterator[Term]:
    """That both begin, alike in what the correspondence says, and nothing has been made."""
    for side, system in sides.items():
        begins = beginning(system, matched.begins)
        yield from _in_product(system, side, [begins])
    for variable in sides[LEFT].variables:
        if family_of(variable) in matched.together:
            other = sides[RIGHT].variable(variable.name)
            yield _renamed(variable, LEFT).term == _renamed(other, RIGHT).term
    for pair in _pairs(sides, matched.tie):
        yield z3.Not(pair.term)


def beginning(system: GroundSystem, labels: Mapping[str, str]) -> Term:
    """How the system begins where these variables, if it has them, have these labels."""
    known = [(system.variable(name), x) for name, x in labels.items() if name in system.names]
    told = (variable.term == variable.literal(variable.labels.index(x)) for variable, x in known)
    return z3.And(system.initially, *told)


def _in_product(
    system: GroundSystem, side: str, terms: Sequence[Term], *more: tuple[Term, Term]
) -> list[Term]:
    """A side's terms over the product's variables; `more` says what its parameters become."""
    known = [(v.term, _renamed(v, side).term) for v in system.variables]
    # Substituting in all terms at once looks at what they share, and at the variables, once.
    together = z3.Function("together", *(term.sort() for term in terms), z3.BoolSort())
    found: list[Term] = z3.substitute(together(*terms), *known, *more).children()
    return found


def _pairs(sides: Mapping[str, GroundSystem], tie: Tie | None) -> tuple[Variable, ...]:
    """One Boolean for each two numbers: that they mean the same thing, left and right."""
    if tie is None:
        return ()
    return tuple(_pair(i, j) for i, j in itertools.product(*_numbers(sides, tie)))


def _pair(i: int, j: int) -> Variable:
    name = f"same[{i},{j}]"
    return Variable(name, z3.Bool(name), ("no", "yes"))


def _numbers(sides: Mapping[str, GroundSystem], tie: Tie) -> Iterator[range]:
    """The numbers that each side has for what the tied parameter names."""
    for system in sides.values():
        tied = [p for p in system.action(tie.made_by).parameters if p.name == tie.parameter]
        if not tied:
            raise ModelError(f"{tie.made_by} of {system.name} has no parameter {tie.parameter!r}")
        yield range(tied[0].size)


class _Joint:
    """One action of both systems. `is_allowed`: the right one allows it, as the left one does."""

    def __init__(
        self,
        sides: Mapping[str, GroundSystem],
        name: str,
        matched: Correspondence,
        allowed: str,
    ) -> None:
        self._sides, self._name, self._matched = sides, name, matched
        self._parameters: dict[str, Variable] = {}
        self.chosen = {side: tuple(self._choices(side)) for side in sides}
        guards, answers, self._updated = {}, {}, {}
        for side in sides:
            action = self._of(side)
            said = self._terms(side, [action.guard, action.answer, *action.updates.values()])
            guards[side], answers[side], *updates = said
            self._updated[side] = dict(zip(action.updates, updates, strict=True))
        is_allowed = {side: self._is(side, answers[side], allowed) for side in sides}
        self.is_allowed = is_allowed[RIGHT]
        in_range = [parameter.in_range() for parameter in self._parameters.values()]
        self.action = GroundAction(
            name=name,
            parameters=tuple(self._parameters.values()),
            guard=z3.simplify(z3.And(*guards.values(), is_allowed[LEFT], *in_range, *self._tied())),
            answer=answers[RIGHT],
            updates=dict(self._updates()),
        )

    def _of(self, side: str) -> GroundAction:
        return self._sides[side].action(self._name)

    def _choices(self, side: str) -> Iterator[Chosen]:
        other = {p.name: p for p in self._of(LEFT if side == RIGHT else RIGHT).parameters}
        for parameter in self._of(side).parameters:
            yield self._choice(side, parameter, other.get(parameter.name))

    def _choice(self, side: str, parameter: Variable, other: Variable | None) -> Chosen:
        matched = self._matched
        if matched.is_fixed(parameter) or (other is None and matched.is_quiet(parameter)):
            return Chosen(None, (0,))
        if other is None or not matched.is_matched(parameter):
            own = _renamed(parameter, side, self._name)
            self._parameters[own.name] = own
            return Chosen(own.name, tuple(range(own.size)))
        if parameter.name not in self._parameters:
            self._parameters[parameter.name] = self._shared(parameter, other)
        shared = self._parameters[parameter.name]
        return Chosen(shared.name, tuple(parameter.labels.index(x) for x in shared.labels))

    def _shared(self, parameter: Variable, other: Variable) -> Variable:
        """What both sides choose: among the labels that both have, in the left one's order."""
        common = tuple(label for label in parameter.labels if label in other.labels)
        if not common:
            raise ModelError(f"{self._name}: parameter {parameter.name} has no value on both sides")
        return _like(parameter, parameter.name, f"{self._name}!{parameter.name}", common)

    def _terms(self, side: str, terms: Sequence[Term]) -> list[Term]:
        """A side's terms over the product's variables and this action's parameters."""
        parameters = self._of(side).parameters
        values = [
            (parameter.term, self._value(parameter, chosen))
            for parameter, chosen in zip(parameters, self.chosen[side], strict=True)
        ]
        return _in_product(self._sides[side], side, terms, *values)

    def _value(self, parameter: Variable, chosen: Chosen) -> Term:
        """A side's parameter as a term over the product's."""
        if chosen.name is None:
            return parameter.literal(chosen.values[0])
        source = self._parameters[chosen.name]
        is_same = chosen.values == tuple(range(parameter.size))
        if is_same and source.term.sort() == parameter.term.sort():
            return source.term
        *others, last = chosen.values
        value = parameter.literal(last)
        for number, mine in reversed(list(enumerate(others))):
            value = z3.If(source.term == source.literal(number), parameter.literal(mine), value)
        return value

    def _is(self, side: str, answer: Term, allowed: str) -> Term:
        """That a side's answer is the one by which it allows a call."""
        number = self._sides[side].answers.index(allowed)
        value = z3.BoolVal(bool(number)) if z3.is_bool(answer) else number
        return z3.simplify(answer == value)

    def _updates(self) -> Iterator[tuple[str, Term]]:
        for side, updates in self._updated.items():
            for name, update in updates.items():
                yield f"{side}.{name}", z3.simplify(update)
        tie = self._matched.tie
        if tie is None or tie.made_by != self._name:
            return
        for i, j, both, neither in self._numbered(tie):
            pair = _pair(i, j)
            yield pair.name, z3.simplify(z3.Or(both, z3.And(neither, pair.term)))

    def _tied(self) -> Iterator[Term]:
        """What the guard says of the numbers that the two sides choose."""
        tie = self._matched.tie
        if tie is None or not self._names_tied(tie):
            return
        known = z3.Or([z3.And(both, _pair(i, j).term) for i, j, both, _ in self._numbered(tie)])
        if tie.made_by != self._name:
            yield known
            return
        left, right = (self._again(tie, side) for side in self._sides)
        if left is not None and right is not None:
            yield left == right
            yield z3.Implies(left, known)

    def _names_tied(self, tie: Tie) -> bool:
        has = [any(p.name == tie.parameter for p in self._of(s).parameters) for s in self._sides]
        if any(has) and not all(has):
            raise ModelError(f"{self._name} has the parameter {tie.parameter!r} on one side only")
        return all(has)

    def _again(self, tie: Tie, side: str) -> Term | None:
        formula = tie.again[0 if side == LEFT else 1]
        return None if formula is None else self._terms(side, [formula])[0]

    def _numbered(self, tie: Tie) -> Iterator[tuple[int, int, Term, Term]]:
        """For each two numbers: that the two sides choose them, and that neither side does."""
        for i, j in itertools.product(*_numbers(self._sides, tie)):
            mine, others = (self._parameters[f"{side}.{tie.parameter}"] for side in self._sides)
            first, second = mine.term == mine.literal(i), others.term == others.literal(j)
            yield i, j, z3.And(first, second), z3.And(z3.Not(first), z3.Not(second))
