"""What the answers of a system depend on: the smaller system that answers every call alike."""

from __future__ import annotations

import dataclasses

import z3

from checker.systems.cone import cone_of_influence
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Term


def answering(system: GroundSystem) -> GroundSystem:
    """The system without the variables that neither a guard nor an answer depends on.

    It has the same runs, call by call and answer by answer: it is the cone of a claim about all
    answers, with the answers, which a cone leaves out, and with all parameters.
    """
    true = z3.BoolVal(True)
    said = {action.name: action.answer == _any_value(action.answer) for action in system.actions}
    cone = cone_of_influence(system, GroundProperty("answers", "step", true, said, true, {}))
    actions = tuple(
        dataclasses.replace(
            action,
            updates={name: term for name, term in action.updates.items() if name in cone.names},
        )
        for action in system.actions
    )
    return dataclasses.replace(cone, actions=actions, answers=system.answers)


def _any_value(answer: Term) -> Term:
    """Some value of the answer's sort: a claim about it reads what the answer reads."""
    return z3.BoolVal(True) if z3.is_bool(answer) else z3.BitVecVal(0, answer.size())
