"""Systems that no engine can work with are refused with the name of the action."""

from __future__ import annotations

import dataclasses

import pytest
import textbook
import z3
from small_systems import ANSWER, TRUE, counter, numeral

from checker.systems.finite import Finite
from checker.systems.system import Enum, Family, ModelError
from checker.systems.wellformed import require_well_formed


def changed(**fields):
    """The counter with a changed action."""
    system, _ = counter()
    return dataclasses.replace(system, actions=(dataclasses.replace(system.actions[0], **fields),))


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (changed(guard=ANSWER), "guard of up in counter is not Boolean"),
        (changed(updates={"m": ANSWER}), "up of counter changes m"),
        (changed(updates={"n": ANSWER}), "up of counter gives n a value of sort BitVec\\(1\\)"),
        (changed(guard=z3.Bool("stranger")), "up of counter reads stranger"),
        (
            changed(parameters=(dataclasses.replace(numeral("p", 2), labels=("0",)),)),
            "up of counter is possible with p out of range",
        ),
    ],
)
def test_a_malformed_action_is_named(system, message):
    with pytest.raises(ModelError, match=message):
        require_well_formed(system)


def test_an_update_out_of_range_is_named():
    system, _ = counter()
    short = dataclasses.replace(system.variables[0], labels=tuple("012345"))
    system = dataclasses.replace(system, variables=(short,))
    with pytest.raises(ModelError, match="up of counter puts n out of its range"):
        require_well_formed(system)


def test_two_actions_of_one_name_are_refused():
    system, _ = counter()
    with pytest.raises(ModelError, match="two actions of one name"):
        require_well_formed(dataclasses.replace(system, actions=system.actions * 2))


@pytest.mark.parametrize(
    "build", [textbook.die_hard, textbook.peterson, textbook.philosophers, textbook.missionaries]
)
def test_textbook_systems_are_well_formed(build):
    require_well_formed(build()[0].system)


COLOUR = Enum("Colour", ("red", "green", "blue"))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda old, _: (TRUE, {"hue": old.colour}), "action paint of shop changes 'hue'"),
        (lambda old, _: (TRUE, {"colour": TRUE}), "action paint of shop gives colour a value"),
        (lambda old, _: (old.colour, {}), "the guard of paint in shop is not Boolean"),
    ],
)
def test_grounding_names_the_action_that_is_wrong(step, message):
    finite = Finite({})
    families = (Family("colour", (), COLOUR),)
    with pytest.raises(ModelError, match=message):
        textbook.system("shop", finite, families, lambda s: TRUE, [("paint", (), step)])


def test_grounding_refuses_two_actions_of_one_name():
    families = (Family("colour", (), COLOUR),)
    idle = ("idle", (), lambda old, _: (TRUE, {}))
    with pytest.raises(ModelError, match="two actions of one name"):
        textbook.system("shop", Finite({}), families, lambda s: TRUE, [idle, idle])
