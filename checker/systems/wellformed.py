"""Whether a ground system is well formed: what every engine takes for granted, checked once.

Bounded search and induction assume that every value stays in its range, and exploration that a
guard refuses parameters out of range. A system that breaks this would get different answers.
"""

from __future__ import annotations

import z3

from checker.systems.system import GroundAction, GroundSystem, ModelError, variables_in


def require_well_formed(system: GroundSystem) -> None:
    """Raise ModelError, naming the system and the action, on what no engine can work with."""
    known = {str(variable.term.decl().name()) for variable in system.variables}
    _require_known(system, "the initial condition", variables_in([system.initially]) - known)
    names = [variable.name for variable in system.variables]
    if len(set(names)) < len(names):
        raise ModelError(f"{system.name} has two variables of one name")
    if len({action.name for action in system.actions}) < len(system.actions):
        raise ModelError(f"{system.name} has two actions of one name")
    for action in system.actions:
        if not z3.is_bool(action.guard):
            raise ModelError(f"the guard of {action.name} in {system.name} is not Boolean")
        parameters = {str(p.term.decl().name()) for p in action.parameters}
        terms = [action.guard, action.answer, *action.updates.values()]
        _require_known(system, action.name, variables_in(terms) - known - parameters)
        _require_in_range(system, action)


def _require_known(system: GroundSystem, where: str, unknown: set[str]) -> None:
    if unknown:
        listed = ", ".join(sorted(unknown))
        raise ModelError(f"{where} of {system.name} reads {listed}: no variable or parameter")


def _require_in_range(system: GroundSystem, action: GroundAction) -> None:
    for parameter in action.parameters:
        if _possible(action.guard, z3.Not(parameter.in_range())):
            raise ModelError(
                f"{action.name} of {system.name} is possible with {parameter.name} out of range"
            )
    states = [variable.in_range() for variable in system.variables]
    for name, update in action.updates.items():
        if name not in {variable.name for variable in system.variables}:
            raise ModelError(f"{action.name} of {system.name} changes {name}: no such variable")
        variable = system.variable(name)
        if update.sort() != variable.term.sort():
            raise ModelError(
                f"{action.name} of {system.name} gives {name} a value of sort {update.sort()};"
                f" it has sort {variable.term.sort()}"
            )
        inside = z3.substitute(variable.in_range(), (variable.term, update))
        if not z3.is_true(z3.simplify(inside)) and _possible(action.guard, *states, z3.Not(inside)):
            raise ModelError(f"{action.name} of {system.name} puts {name} out of its range")


def _possible(*formulas: z3.BoolRef) -> bool:
    """Whether Z3 finds values, or cannot say."""
    solver = z3.Solver()
    solver.add(*formulas)
    return bool(solver.check() != z3.unsat)
