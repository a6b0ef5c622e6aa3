"""Systems that no engine can work with are refused, by the name of the action and its file."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest
import textbook
import z3
from small_systems import ANSWER, TRUE, counter, numeral

from checker.systems.effect import Effect
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import Premise, Property
from checker.systems.system import (
    BOOL,
    Action,
    Enum,
    Family,
    GroundSystem,
    Index,
    ModelError,
    Parameter,
    Step,
    System,
    Variable,
)
from checker.systems.wellformed import require_well_formed

HERE = pathlib.Path(__file__).name


def line_of(text: str) -> int:
    """The number of the only line of this file that has the text."""
    lines = pathlib.Path(__file__).read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if text in line and "line_of" not in line]
    return number


def changed(**fields):
    """The counter with a changed action."""
    system, _ = counter()
    return dataclasses.replace(system, actions=(dataclasses.replace(system.actions[0], **fields),))


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (changed(guard=ANSWER), "action up of system counter: its guard is not Boolean"),
        (changed(updates={"m": ANSWER}), "up of system counter: it changes m"),
        (changed(updates={"n": ANSWER}), "it gives n a value of sort BitVec\\(1\\)"),
        (changed(guard=z3.Bool("stranger")), "up of system counter: it reads stranger"),
        (
            changed(parameters=(dataclasses.replace(numeral("p", 2), labels=("0",)),)),
            "up of system counter: it is possible with p out of range",
        ),
        (changed(parameters=(numeral("n", 4),)), "two variables or parameters of one name: n"),
    ],
)
def test_a_malformed_action_is_named(system, message):
    with pytest.raises(ModelError, match=message):
        require_well_formed(system)


def test_an_update_out_of_range_is_named():
    system, _ = counter()
    short = dataclasses.replace(system.variables[0], labels=tuple("012345"))
    system = dataclasses.replace(system, variables=(short,))
    with pytest.raises(ModelError, match="up of system counter: it puts n out of its range"):
        require_well_formed(system)


def test_a_value_that_only_arithmetic_keeps_in_range_is_accepted():
    system, n = counter()
    short = dataclasses.replace(system.variables[0], labels=tuple("012345"))
    up = dataclasses.replace(system.actions[0], updates={"n": z3.URem(n + 1, 6)})
    require_well_formed(dataclasses.replace(system, variables=(short,), actions=(up,)))


def test_two_actions_of_one_name_are_refused():
    system, _ = counter()
    with pytest.raises(ModelError, match="two actions of one name: up"):
        require_well_formed(dataclasses.replace(system, actions=system.actions * 2))


def test_two_variables_that_are_one_term_are_refused():
    system, _ = counter()
    twin = dataclasses.replace(system.variables[0], name="m")
    with pytest.raises(ModelError, match="variable m of system counter has the term n"):
        dataclasses.replace(system, variables=(*system.variables, twin))


def test_an_initial_condition_about_something_else_is_refused():
    system, _ = counter()
    with pytest.raises(ModelError, match="initial condition of counter: it reads stranger"):
        require_well_formed(dataclasses.replace(system, initially=z3.Bool("stranger")))


@pytest.mark.parametrize(
    "build", [textbook.die_hard, textbook.peterson, textbook.philosophers, textbook.missionaries]
)
def test_textbook_systems_are_well_formed(build):
    require_well_formed(build()[0].system)


COLOUR = Enum("Colour", ("red", "green", "blue"))
SHELF = Index("Shelf")
SHOP = (Family("colour", (), COLOUR), Family("full", (SHELF,), BOOL))


ONE_SHELF = (Parameter("shelf", SHELF),)


def shop(step, finite=None, families=SHOP, parameters=ONE_SHELF):
    """A shop with two shelves and one action."""
    finite = finite or Finite({SHELF: 2})
    return textbook.system("shop", finite, families, lambda s: TRUE, [("paint", parameters, step)])


def paints(change):
    """A step whose effect is made with `Effect`."""

    def step(old, choice):
        new = Effect(old)
        change(new, old, choice)
        return TRUE, new.cases()

    return step


def red(old):
    return z3.BitVecVal(0, 2)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda old, _: (TRUE, {"colours": old.colour}), r"it changes 'colours'.*mean colour\?"),
        (lambda old, _: (TRUE, {"colour": TRUE}), "it gives colour a value of sort Bool"),
        (lambda old, _: (TRUE, {"colour": 2}), "it gives colour a value of sort int"),
        (lambda old, _: (TRUE, {"colour": lambda p: red(old)}), "on colour must be a plain term"),
        (lambda old, _: (TRUE, {"full": TRUE}), "effect on full must be a function of indices"),
        (lambda old, _: (TRUE, {"full": lambda p, q: TRUE}), "on full cannot be given one index"),
        (lambda old, _: (TRUE, {"colour": z3.BitVecVal(3, 2)}), "puts colour out of its range"),
        (lambda old, _: (old.colour, {}), "its guard is not Boolean; it has sort BitVec"),
        (lambda old, _: (z3.And(old.colour), {}), "action paint of system shop"),
        (lambda old, _: (old.ful[0], {}), r"no family or parameter 'ful' \(did you mean full\?\)"),
        (lambda old, c: (old.full[c.shelfs], {}), "did you mean shelf"),
        (lambda old, _: (old.full[z3.BitVecVal(1, 1), TRUE], {}), "given 2 indices"),
        (lambda old, _: (old.full[0], {}), "full is read at 0, which is no term"),
        (lambda old, _: (old.full[z3.BitVecVal(2, 2)], {}), "full has no Shelf 2"),
    ],
)
def test_grounding_names_the_action_that_is_wrong_and_its_file(step, message):
    place = rf"action paint of system shop \((tests/)?{HERE}:\d+\): "
    with pytest.raises(ModelError, match=message) as refusal:
        shop(step)
    assert refusal.match(place)


@pytest.mark.parametrize(
    ("guard", "message"),
    [
        (lambda i, old, _: i.every(SHELF, lambda s: None), "over is not Boolean; it has sort None"),
        (lambda i, old, _: i.every(SHELF, lambda s: old.full), "it has sort _Selection"),
        (lambda i, old, _: i.some(SHELF, lambda s: old.colour), r"it has sort BitVec\(2\)"),
        (lambda i, old, _: i.some(SHELF, lambda s: 1), "it has sort int"),
        (lambda i, old, c: i.less(c.shelf, old.full), "action paint"),
        (lambda i, old, _: i.some(SHELF, lambda s: i.less(s, i.constant(COLOUR, "red"))), "sort"),
    ],
)
def test_a_quantifier_or_a_comparison_outside_its_domain_is_refused(guard, message):
    finite = Finite({SHELF: 2})
    with pytest.raises(ModelError, match=message) as refusal:
        shop(lambda old, choice: (guard(finite, old, choice), {}), finite)
    assert refusal.match(rf"action paint of system shop \((tests/)?{HERE}:\d+\): ")


def twice_plain(new, old, _):
    new.set("colour", TRUE, to=red(old))
    new.set("colour", TRUE, to=old.colour)


def twice_pointwise(new, old, choice):
    new.set("full", lambda s: s == choice.shelf, to=True)  # first
    new.set("full", lambda shelf: shelf == choice.shelf, to=False)


def never_the_first(new, old, choice):
    new.set("full", lambda s: s == choice.shelf, to=True)
    new.set("full", lambda s: TRUE, to=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (twice_plain, "colour is assigned twice under one condition"),
        (twice_pointwise, "full is assigned twice under one condition"),
        (never_the_first, "full is assigned twice under one condition"),
        (lambda new, old, _: new.set("hue", TRUE, to=red(old)), "no family or parameter 'hue'"),
        (lambda new, old, _: new.set("full", TRUE, to=True), "must be a function of indices"),
        (lambda new, old, _: new.set("colour", lambda: TRUE, to=red(old)), "must be a plain term"),
        (lambda new, old, _: new.set("full", lambda: TRUE, to=True), "condition of full"),
        (lambda new, old, _: new.set("full", lambda s: TRUE, to=lambda: TRUE), "value of full"),
        (lambda new, old, _: new.set("colour", TRUE, to=9), "colour is given 9, which is no term"),
        (lambda new, old, _: new.set("colour", TRUE, to=TRUE), "action paint of system shop"),
    ],
)
def test_an_effect_outside_its_domain_is_refused(change, message):
    with pytest.raises(ModelError, match=message) as refusal:
        shop(paints(change))
    assert refusal.match(rf"action paint of system shop \((tests/)?{HERE}:\d+\): ")


def test_both_lines_of_a_double_assignment_are_named():
    line = line_of("to=True)  # first")
    with pytest.raises(
        ModelError, match=rf"{HERE}:{line}\) and again \((tests/)?{HERE}:{line + 1}"
    ):
        shop(paints(twice_pointwise))


def fill(new, where):
    new.set("full", where, to=True)


def test_overlapping_cases_are_meant_and_so_is_replacing_what_a_routine_did():
    def change(new, old, choice):
        fill(new, lambda s: s == choice.shelf)
        new.set("full", lambda s: s == choice.shelf, to=False)
        new.set("full", lambda s: z3.And(s == choice.shelf, old.full[s]), to=True)
        new.set("full", lambda s: z3.BoolVal(False), to=True)
        new.set("full", lambda s: z3.BoolVal(False), to=False)

    (action,) = shop(paints(change)).system.actions
    assert {"full[0]", "full[1]"} == set(action.updates)


def test_an_answer_of_another_sort_is_refused():
    step = Action("paint", (), lambda old, _: Step(TRUE, TRUE, {}))
    finite = Finite({SHELF: 2})
    text = System("shop", finite, SHOP, COLOUR, lambda s: TRUE, (step,), lambda values: values)
    with pytest.raises(ModelError, match=rf"paint of system shop \(.*{HERE}:.*no Colour"):
        Grounding(text)


def test_grounding_refuses_two_of_one_name():
    idle = ("idle", (), lambda old, _: (TRUE, {}))
    with pytest.raises(ModelError, match=rf"{HERE}.*two actions of one name: 'idle'"):
        textbook.system("shop", Finite({SHELF: 2}), SHOP, lambda s: TRUE, [idle, idle])
    with pytest.raises(ModelError, match=rf"system shop \(.*{HERE}.*the name 'colour'"):
        shop(idle[2], families=(SHOP[0], SHOP[0]))
    with pytest.raises(ModelError, match=rf"paint of system shop \(.*{HERE}.*the name 'p'"):
        shop(idle[2], parameters=(Parameter("p", SHELF), Parameter("p", COLOUR)))
    colours = (Family("colour", (), Enum("Colour", ("red", "red"))),)
    with pytest.raises(ModelError, match="Colour has two elements 'red'"):
        shop(idle[2], families=colours, parameters=())


@pytest.mark.parametrize(
    "family", [Family("hue", (), Enum("Hue", ())), Family("on", (SHELF,), BOOL)]
)
def test_an_empty_family_is_refused(family):
    with pytest.raises(ModelError, match=rf"system shop \(.*{HERE}.*'{family.name}' is empty"):
        shop(lambda old, _: (TRUE, {}), Finite({}), (family,), ())


@pytest.mark.parametrize(
    ("sort", "size"), [(SHELF, 0), (Index("Key", constants=("zeros", "random")), 1)]
)
def test_an_index_sort_has_room_for_its_constants(sort, size):
    with pytest.raises(ModelError, match=rf"{sort.name} cannot have {size} elements.*{HERE}"):
        Finite({sort: size})


def test_there_is_no_element_beyond_the_last():
    finite = Finite({SHELF: 3})
    with pytest.raises(ModelError, match="Shelf has 3 elements, and none at 3"):
        finite.element(SHELF, 3)
    with pytest.raises(ModelError, match=r"Colour has no value 'gren' \(did you mean green\?\)"):
        finite.constant(COLOUR, "gren")


def claim(kind, formula, premise=lambda _: TRUE):
    return Property("dry", kind, "", formula, Premise(kind, premise), str, "")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (claim("state", lambda s: TRUE), "names no variable"),
        (claim("step", lambda t: z3.BoolVal(t.action != "paint")), "names no variable"),
        (claim("step", lambda t: True), "names no variable"),
        (claim("state", lambda s: s.colour), "its formula is not Boolean"),
        (claim("state", lambda s: Finite({SHELF: 2}).every(SHELF, lambda x: 1)), "is over is not"),
        (claim("state", lambda s: s.full), "its formula is not Boolean"),
        (claim("step", lambda t: t.old.colour), "its formula for paint is not Boolean"),
        (claim("state", lambda s: s.colours == s.colour), "did you mean colour"),
        (claim("state", lambda s: z3.Bool("colou")), "it reads colou, which is no variable"),
        (claim("state", lambda s: s.full[red(s)], lambda s: s.colour), "premise of property dry"),
        (claim("state", lambda s: z3.And(s.colour)), "property dry of system shop"),
    ],
)
def test_a_property_that_says_nothing_is_refused_by_its_file(wrong, message):
    ground = shop(lambda old, _: (TRUE, {}))
    with pytest.raises(ModelError, match=message) as refusal:
        ground.property(wrong)
    assert refusal.match(rf"property dry of system shop \((tests/)?{HERE}:\d+\): ")


def test_a_variable_is_named_as_its_term_is():
    """Else what a claim reads and what an action changes would be kept apart by the cone."""
    crossed = Variable("x", z3.Bool("y"), ("no", "yes"))
    with pytest.raises(ModelError, match="variable x of system crossed has the term y"):
        GroundSystem("crossed", (crossed,), z3.Not(crossed.term), (), ("done",))
