"""Which variables a claim depends on: a smaller system that has the same runs as far as it sees.

A variable is kept when the claim, a guard, or the update of a kept variable reads it. All actions
stay. Because every variable of every guard is kept, a sequence of calls is a run of the small
system exactly when it is one of the full system, and what is kept has the same values in both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

import z3

from checker.systems.asking import ask
from checker.systems.property import GroundProperty
from checker.systems.system import (
    Call,
    GroundAction,
    GroundSystem,
    State,
    Term,
    Variable,
    variables_in,
)

SECONDS_MAX = 30.0
"""How long Z3 may think about one thing that could be dropped: mostly it takes milliseconds."""


def cone_of_influence(system: GroundSystem, claim: GroundProperty) -> GroundSystem:
    """The system without the variables and parameters that the claim does not depend on.

    Sound and complete for the claim and its premise: the runs of the result are exactly the
    projections of the system's runs. Its initial states are the projections of the system's: a
    dropped variable shares no conjunct of `initially` with a kept one, so the conjuncts about
    dropped variables say only that some values exist, which Z3 confirms. A parameter is dropped
    when nothing kept reads it, except for guards that it cannot falsify when it is 0 (Z3 confirms
    this too): then 0 is enabled wherever any value is, and leads to the same state. Answers are
    not computed: nothing in a claim refers to them any more, and they may read dropped variables.
    """
    conjuncts = list(_conjuncts(z3.simplify(system.initially)))
    reads = [(c, system.reads([c])) for c in conjuncts]
    kept = _kept(system, claim, [names for _, names in reads])
    initially = [conjunct for conjunct, names in reads if names <= kept]
    elsewhere = [conjunct for conjunct, names in reads if not names <= kept]
    dropped = [variable for variable in system.variables if variable.name not in kept]
    answer = _answer([*elsewhere, *(variable.in_range() for variable in dropped)])
    if answer == z3.unknown:  # then nothing is known to be free to be dropped
        return system
    if answer == z3.unsat:
        initially = [z3.BoolVal(False)]
    return GroundSystem(
        name=system.name,
        variables=tuple(variable for variable in system.variables if variable.name in kept),
        initially=z3.And(initially),
        actions=tuple(_action(system, action, claim, kept) for action in system.actions),
        answers=("not computed",),
    )


def without(system: GroundSystem, names: Collection[str]) -> GroundSystem:
    """The system without these variables, but for those that another one depends on."""
    told = [v.term == v.literal(0) for v in system.variables if v.name not in names]
    true = z3.BoolVal(True)
    return cone_of_influence(
        system, GroundProperty("the rest", "state", z3.And(told), {}, true, {})
    )


def lift(cone: GroundSystem, full_system: GroundSystem, calls: Sequence[Call]) -> list[Call]:
    """Calls of the cone as calls of the full system: dropped parameters become 0."""
    lifted = []
    for call in calls:
        known = {
            p.name: value
            for p, value in zip(cone.action(call.action).parameters, call.values, strict=True)
        }
        parameters = full_system.action(call.action).parameters
        lifted.append(Call(call.action, tuple(known.get(p.name, 0) for p in parameters)))
    return lifted


def lift_start(cone: GroundSystem, full_system: GroundSystem, start: State) -> State:
    """An initial state of the full system that has these values in the cone.

    Raises ValueError when there is none, which would contradict how the cone was made.
    """
    solver = z3.Solver()
    solver.add(full_system.initially, *(v.in_range() for v in full_system.variables))
    solver.add(*(v.term == v.literal(x) for v, x in zip(cone.variables, start, strict=True)))
    if ask(solver) != z3.sat:
        raise ValueError(f"{full_system.name} has no initial state like that of its cone")
    model = solver.model()
    values = [model.eval(v.term, model_completion=True) for v in full_system.variables]
    return tuple(int(z3.is_true(v)) if z3.is_bool(v) else int(v.as_long()) for v in values)


def _kept(
    system: GroundSystem, claim: GroundProperty, together: Sequence[frozenset[str]]
) -> set[str]:
    """Names of variables to keep. `together` has those that share a conjunct of `initially`."""
    names, needs = system.names, system.needs
    groups = [group & names for group in together]
    fresh = set(names & (system.reads(claim.terms()) | system.guarded))
    kept: set[str] = set()
    while fresh:
        kept |= fresh
        needed = set().union(*(needs[name] for name in fresh))
        shared = set().union(*(group for group in groups if group & kept))
        fresh = (needed | shared) - kept
    return kept


def _action(
    system: GroundSystem, action: GroundAction, claim: GroundProperty, kept: set[str]
) -> GroundAction:
    updates = {name: update for name, update in action.updates.items() if name in kept}
    formulas = [
        steps[action.name] for steps in (claim.steps, claim.premise_steps) if action.name in steps
    ]
    read = system.reads([*updates.values(), *formulas])
    guard, parameters = action.guard, []
    for parameter in action.parameters:
        reduced = None if _name(parameter) in read else _without(guard, parameter)
        if reduced is None:
            parameters.append(parameter)
        else:
            guard = reduced
    return dataclasses.replace(
        action,
        parameters=tuple(parameters),
        guard=guard,
        answer=z3.BitVecVal(0, 1),
        updates=updates,
    )


def _name(variable: Variable) -> str:
    return str(variable.term.decl().name())


def _without(guard: Term, parameter: Variable) -> Term | None:
    """The guard with 0 for a parameter, if that is enabled wherever any value is; else None."""
    if _name(parameter) not in variables_in([guard]):
        return guard
    at_zero = z3.simplify(z3.substitute(guard, (parameter.term, parameter.literal(0))))
    if _answer([guard, parameter.in_range(), z3.Not(at_zero)]) != z3.unsat:
        return None
    return at_zero


def _answer(formulas: Iterable[Term]) -> z3.CheckSatResult:
    """Whether Z3 finds values; where it cannot say, nothing is dropped."""
    solver = z3.Solver()
    solver.add(*formulas)
    return ask(solver, seconds=SECONDS_MAX)


def _conjuncts(formula: Term) -> Iterable[Term]:
    if z3.is_and(formula):
        for child in formula.children():
            yield from _conjuncts(child)
    elif z3.is_not(formula) and z3.is_or(formula.arg(0)):
        for child in formula.arg(0).children():
            yield from _conjuncts(z3.simplify(z3.Not(child)))
    else:
        yield formula
