"""Programs say what the systems say that they were made of, and are compared by what they say."""

from __future__ import annotations

import dataclasses

import pytest
import z3
from certificate_files import tautology
from hypothesis import given, settings
from hypothesis import strategies as st
from random_systems import INPUTS, claims, conditions, numbers, systems, truths
from small_systems import claim_of, counter
from textbook import peterson

from checker.certifying.agreement import AnotherProgram, agreement
from checker.certifying.nodes import NodeTable, Renumbering
from checker.certifying.program import program_of, text_of
from checker.systems.system import GroundSystem, Variable


def differences(program, system, claim, representative=None):
    """The names of the conditions that have a model."""
    found = agreement(program, system, claim, representative)
    return [condition.name for condition in found if not tautology(z3.Not(condition.formula))]


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_program_agrees_with_its_own_system(data) -> None:
    system = data.draw(systems())
    claim = data.draw(claims(system))
    same = [variable.term for variable in system.variables]
    assert [] == differences(program_of(system, claim), system, claim)
    assert [] == differences(program_of(system, claim, same), system, claim, same)


@settings(deadline=None)
@given(st.data())
def test_every_operator_is_read_back(data) -> None:
    variables = tuple(
        Variable(str(v), v, tuple(map(str, range(2 if z3.is_bool(v) else 1 << v.size()))))
        for v in INPUTS
    )
    system = GroundSystem("terms", variables, z3.BoolVal(True), (), ("done",))
    width = data.draw(st.sampled_from([3, 8]))
    value = data.draw(numbers(width, 3)) == data.draw(numbers(width, 1))
    claim = claim_of(z3.And(data.draw(truths(2)), value))
    assert [] == differences(program_of(system, claim), system, claim)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_another_guard_is_found_exactly_where_it_makes_a_difference(data) -> None:
    system = data.draw(systems())
    first, *others = system.actions
    choice = [*system.variables, *first.parameters]
    guard = z3.Or(first.guard, data.draw(conditions(choice, depth=1)))
    changed = dataclasses.replace(
        system, actions=(dataclasses.replace(first, guard=guard), *others)
    )
    ranges = z3.And([variable.in_range() for variable in choice])
    expected = [f"{first.name} is possible alike"]
    if tautology(z3.Implies(ranges, guard == first.guard)):
        expected = []
    assert expected == differences(program_of(changed, claim_of()), system, claim_of())


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"name": "other"}, "its program has another name"),
        ({"claim": "other"}, "its program has another claim"),
        ({"variables": []}, "its program has another variable"),
        ({"actions": []}, "its program has another action"),
        ({"representative": [0]}, "its program has another representative"),
        ({"nodes": []}, "a node that has no meaning"),
        ({"state": 999}, "a node that has no meaning"),
        ({"initially": None}, "a node that has no meaning"),
    ],
)
def test_a_program_of_something_else_is_named(change, part) -> None:
    system, _ = counter()
    claim = claim_of(z3.BitVec("n", 4) != 3)
    program = {**program_of(system, claim), **change}
    with pytest.raises(AnotherProgram, match=part):
        agreement(program, system, claim, None)


def test_a_node_that_refers_to_itself_is_refused() -> None:
    system, _ = counter()
    program = program_of(system, claim_of(z3.BitVec("n", 4) != 3))
    program["nodes"][program["state"]] = ["xor", 0, program["state"], 0]
    with pytest.raises(AnotherProgram, match="its program has the node"):
        agreement(program, system, claim_of(z3.BitVec("n", 4) != 3), None)


def test_equal_nodes_have_one_number_and_numbers_follow_the_order_of_asking() -> None:
    table = NodeTable()
    x, y, z = (table.add(["var", 0, i]) for i in range(3))
    assert table.add(["and", 0, x, y]) == table.add(["and", 0, y, x])
    assert table.add(["ult", 0, x, y]) != table.add(["ult", 0, y, x])
    order = Renumbering(table)
    assert 0 == order.new(z)
    assert 3 == order.new(table.add(["ult", 0, y, x]))
    assert [["var", 0, 2], ["var", 0, 1], ["var", 0, 0], ["ult", 0, 1, 2]] == order.nodes()


def test_a_program_is_plain_data() -> None:
    grounding, (exclusive, _) = peterson()
    text = text_of(program_of(grounding.system, exclusive))
    assert text.startswith('{"actions":[{"claimed":null,"guard":[')
    assert '"parameters":[["who",1,2]]' in text
