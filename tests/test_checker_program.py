"""Programs say what the systems say that they were made of."""

from __future__ import annotations

import numpy as np
import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st
from random_systems import claims, systems
from small_systems import claim_of, counter
from textbook import peterson

from checker.certifying import closed_set
from checker.certifying.program import program_of, text_of


def nodes_of(program, number):
    """A node of a program, with its arguments in their places."""
    kind, bits, *rest = program["nodes"][number]
    if kind in ("var", "par", "const"):
        return (kind, bits, *rest)
    below = rest[:1] if kind == "extract" else rest
    return (kind, bits, *(nodes_of(program, n) for n in below), *rest[len(below) :])


def test_each_node_stands_once_and_after_its_arguments() -> None:
    system, count = counter()
    program = program_of(system, claim_of(z3.And(count != 3, z3.Not(count == 3))))
    texts = [nodes_of(program, number) for number in range(len(program["nodes"]))]
    assert len(texts) == len(set(texts))
    three = ("eq", 0, ("var", 4, 0), ("const", 4, 3))
    assert ("xor", 0, three, ("const", 0, 1)) in texts


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_is_written_has_a_meaning_for_the_checker_of_closed_sets(data) -> None:
    system = data.draw(systems())
    claim = data.draw(claims(system))
    same = tuple(variable.term for variable in system.variables)
    for representative in (None, same):
        program = program_of(system, claim, representative)
        with pytest.raises(closed_set.Refused) as raised:  # but for its fields it is all right
            closed_set.closed(program, {"fields": []}, np.zeros((1, 8), np.uint8))
        assert "it is not as it was written: zip()" in str(raised.value)


ACTION = {"name": "a", "parameters": [["p", 2, 3]], "guard": [], "updates": [], "claimed": None}


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": [["p", 2, 5]]},
        {"parameters": [["p", 2, 0]]},
        {"parameters": []},
        {"parameters": [["p", 1, 2]]},
        {"guard": [0]},
        {"claimed": 2},
        {"updates": [[0, 1]]},
        {"updates": [[0, 2]]},
        {"updates": [[1, 0]]},
        {"updates": [[-1, 0]]},
    ],
    ids=str,
)
def test_an_action_of_a_program_must_fit_its_parameters_and_the_variables(change) -> None:
    system, _ = counter()
    nodes = [["var", 4, 0], ["const", 0, 1], ["par", 2, 0], ["extract", 4, 2, 0]]
    action = {**ACTION, "guard": [1], "updates": [[0, 3]], **change}
    program = {**program_of(system, claim_of()), "nodes": nodes, "initially": [1], "state": 1}
    program["actions"] = [action]
    with pytest.raises(closed_set.Refused):
        closed_set.closed(program, {"fields": [[0, 0, 4]]}, np.zeros((1, 8), np.uint8))


def test_a_program_is_plain_data() -> None:
    grounding, (exclusive, _) = peterson()
    text = text_of(program_of(grounding.system, exclusive))
    assert text.startswith('{"actions":[{"claimed":null,"guard":[')
    assert '"parameters":[["who",1,2]]' in text
