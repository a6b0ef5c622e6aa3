"""What a system and one claim are as state variables, inputs, and a next value for each variable.

All formats but TLA+ say a system like this. Which action is taken is an input of its own beside the
actions' parameters. Where the chosen action is not possible, the state stays as it is: so there is
a next state for all inputs, no run gets shorter or longer than it is, and what is reached is the
same. A claim about steps becomes one about states by a variable that says whether the last step was
wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import z3

from checker.exchange.nodes import Node, Nodes
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Term, Variable


@dataclasses.dataclass(frozen=True)
class Relation:
    """A system and a claim, in numbers of nodes.

    `start` has the values that are the same in all initial states; `initially` is what else must be
    true of these (and never of later ones). `following` has a node for each state variable.
    A run violates the claim where it comes to a state in which `holds` is false.
    """

    nodes: Nodes
    states: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    start: Mapping[str, int]
    initially: tuple[int, ...]
    following: Mapping[str, int]
    holds: int


def relation_of(system: GroundSystem, claim: GroundProperty) -> Relation:
    """The relation of a well-formed system. Raises NotWritable."""
    nodes = Nodes()
    choice = chosen_action(system)
    taken = {
        action.name: z3.And(choice.term == choice.literal(i), action.guard)
        for i, action in enumerate(system.actions)
    }
    following: dict[str, Term] = {}
    for variable in system.variables:
        value = variable.term
        for action in reversed(system.actions):
            if variable.name in action.updates:
                value = z3.If(taken[action.name], action.updates[variable.name], value)
        following[variable.name] = value
    states, holds = list(system.variables), claim.state
    if has_flag(system, claim):
        flag = wrong_step(system)
        states.append(flag)
        wrong = [z3.And(taken[name], z3.Not(right)) for name, right in claim.steps.items()]
        following[flag.name] = z3.Or(wrong)
        holds = z3.And(claim.state, z3.Not(flag.term))
    conditions = initial_conditions(nodes, system, states)
    start = dict(found for c in conditions if (found := forced(nodes, c)) is not None)
    return Relation(
        nodes=nodes,
        states=tuple(states),
        inputs=(choice, *(as_input(p) for action in system.actions for p in action.parameters)),
        start=start,
        initially=tuple(c for c in conditions if forced(nodes, c) is None),
        following={name: nodes.of(term) for name, term in following.items()},
        holds=nodes.of(holds),
    )


def initial_conditions(nodes: Nodes, system: GroundSystem, states: Iterable[Variable]) -> list[int]:
    """The conjuncts of what is true of the initial states, and of nothing more."""
    added = [v for v in states if v.name not in system.names]
    in_range = [variable.in_range() for variable in system.variables]
    formula = z3.And(system.initially, *(z3.Not(v.term) for v in added), *in_range)
    return list(nodes.conjuncts(nodes.of(formula)))


def forced(nodes: Nodes, condition: int) -> tuple[str, int] | None:
    """The variable and the value, where a condition says just that."""
    node = nodes[condition]
    if node.operator == "variable":
        return node.name, 1
    if node.operator == "not" and nodes[node.arguments[0]].operator == "variable":
        return nodes[node.arguments[0]].name, 0
    if node.operator == "equal":
        one, other = sorted((nodes[n] for n in node.arguments), key=_is_constant)
        if one.operator == "variable" and _is_constant(other):
            return one.name, other.value
    return None


def _is_constant(node: Node) -> bool:
    return node.operator == "constant"


def chosen_action(system: GroundSystem) -> Variable:
    """The input that says which action is taken, by its place; what is beyond the last is none."""
    names = tuple(action.name for action in system.actions)
    bits = max(1, (len(names) - 1).bit_length())
    name = free_name(system, "action")
    return Variable(name, z3.BitVec(name, bits), names)


def as_input(parameter: Variable) -> Variable:
    """A parameter under the name of its term, which no other action's parameter has."""
    return dataclasses.replace(parameter, name=parameter.term.decl().name())


def has_flag(system: GroundSystem, claim: GroundProperty) -> bool:
    """Whether there is a variable for wrong steps; formats want one variable at least."""
    return claim.kind == "step" or not system.variables


def wrong_step(system: GroundSystem) -> Variable:
    """The variable that says whether the last step violated a claim about steps."""
    name = free_name(system, "wrong_step")
    return Variable(name, z3.Bool(name), ("no", "yes"))


def free_name(system: GroundSystem, name: str) -> str:
    """This name, made longer where a variable or a parameter has it."""
    used = set(system.names)
    used |= {as_input(p).name for action in system.actions for p in action.parameters}
    while name in used:
        name += "_"
    return name
