"""What the parametric interpretation says of sorts of any size, and how a text is read under it."""

from __future__ import annotations

import itertools

import pytest
import z3
from plain_search import search
from small_systems import claim_of

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker.anysize.parametric import Parametric, index_sort
from checker.anysize.quantified import QuantifiedSystem
from checker.anysize.stratified import alternations, cycle, is_stratified
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import (
    BOOL,
    Action,
    Enum,
    Family,
    Index,
    ModelError,
    Parameter,
    Step,
    System,
)
from designs import DESIGNS
from model import key_service
from properties import claims_about

ITEM = Index("Item", constants=("first", "second"))
COLOUR = Enum("Colour", ("red", "green"))
ANSWER = Enum("Said", ("ok",))


MARKED = Family("marked", (ITEM,), BOOL)


def system_of(step, families=(MARKED,), parameters=()):
    """A system of one action, read under the parametric interpretation."""
    interpretation = Parametric()
    return QuantifiedSystem(
        System(
            name="small",
            interpretation=interpretation,
            families=tuple(families),
            answers=ANSWER,
            initially=lambda state: z3.BoolVal(True),
            actions=(Action("act", tuple(parameters), lambda old, choice: step(interpretation)),),
            view=lambda values: values,
        )
    )


def is_valid(formula, *given):
    """Whether the formula follows."""
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(*given, z3.Not(formula))
    return solver.check() == z3.unsat


def exactly(sort, size):
    """Constants that are all elements of an index sort, and that they are, in order."""
    made = index_sort(sort)
    elements = z3.Consts(" ".join(f"{sort.name}{i}" for i in range(size)), made)
    some = z3.Const("e", made)
    less = z3.Function(f"{sort.name}.less", made, made, z3.BoolSort())
    facts = [z3.ForAll([some], z3.Or([some == element for element in elements]))]
    facts += [left != right for left, right in itertools.combinations(elements, 2)]
    facts += [
        less(left, right) if i < j else z3.Not(less(left, right))
        for i, left in enumerate(elements)
        for j, right in enumerate(elements)
    ]
    facts += [
        z3.Const(f"{sort.name}.{name}", made) == element
        for name, element in zip(sort.constants, elements, strict=False)
    ]
    facts.append(z3.Const(f"{sort.name}.last", made) == elements[-1])
    return elements, facts


def test_quantified_variables_have_the_names_of_the_text():
    formula = Parametric().every(ITEM, ITEM, lambda one, other: one == other)
    assert ["one", "other"] == [formula.var_name(i) for i in range(formula.num_vars())]


def test_a_name_that_an_enclosing_quantifier_has_is_not_taken_again():
    interpretation = Parametric()
    formula = interpretation.every(ITEM, lambda i: interpretation.some(ITEM, lambda j: i == j))
    captured = interpretation.every(ITEM, lambda i: interpretation.some(ITEM, _is(i)))
    assert is_valid(formula)
    assert is_valid(captured)
    assert not is_valid(interpretation.every(ITEM, lambda i: interpretation.every(ITEM, _is(i))))


def _is(outer):
    return lambda i: i == outer


def test_a_quantified_variable_does_not_take_the_name_of_a_family():
    interpretation = Parametric()
    interpretation.reserve("i")
    formula = interpretation.every(ITEM, lambda i: i == z3.Const("i", index_sort(ITEM)))
    assert "i1" == formula.var_name(0)
    assert not is_valid(formula)


def test_constants_differ_and_come_first_and_the_last_element_is_the_greatest():
    interpretation = Parametric()
    first, second = (interpretation.constant(ITEM, name) for name in ITEM.constants)
    comes_first = interpretation.every(
        ITEM, lambda i: z3.Or(i == first, interpretation.less(first, i))
    )
    follows = interpretation.every(
        ITEM, lambda i: z3.Or(i == first, i == second, interpretation.less(second, i))
    )

    def has_greater(i):
        return interpretation.some(ITEM, lambda j: interpretation.less(i, j))

    is_greatest = interpretation.every(
        ITEM, lambda i: z3.Implies(interpretation.is_last(ITEM, i), z3.Not(has_greater(i)))
    )
    axioms = interpretation.axioms()
    assert is_valid(first != second, *axioms)
    assert is_valid(comes_first, *axioms)
    assert is_valid(follows, *axioms)
    assert is_valid(is_greatest, *axioms)


def test_an_order_that_nobody_speaks_of_is_not_axiomatised():
    interpretation = Parametric()
    interpretation.every(ITEM, lambda i: i == i)
    assert [] == interpretation.axioms()


def test_a_text_that_asks_for_smaller_ones_may_rely_on_a_least_one():
    interpretation = Parametric()
    marked = z3.Function("marked", index_sort(ITEM), z3.BoolSort())

    def is_least(i):
        smaller = interpretation.some(ITEM, lambda j: z3.And(interpretation.less(j, i), marked(j)))
        return z3.And(marked(i), z3.Not(smaller))

    has_least = interpretation.some(ITEM, is_least)
    axioms = interpretation.axioms()
    has_any = interpretation.some(ITEM, lambda i: marked(i))
    assert is_valid(z3.Implies(has_any, has_least), *axioms)
    assert not is_valid(has_least, *axioms)


@pytest.mark.parametrize("design", ["rfc-v2-fixed", "per-package", "resupply"])
def test_the_axioms_are_true_of_every_small_size(design):
    read = QuantifiedSystem(key_service(DESIGNS[design], Parametric()))
    for claim in claims_about("").values():
        read.judged(claim)
    axioms = read.interpretation.axioms()
    sorts = {
        sort
        for family in read.text.families
        for sort in (*family.over, family.of)
        if isinstance(sort, Index)
    }
    for size in (1, 2, 3):
        facts = [
            fact for sort in sorts for fact in exactly(sort, max(size, len(sort.constants)))[1]
        ]
        assert all(is_valid(axiom, *facts) for axiom in axioms)


def test_both_readings_of_a_text_agree_on_guards_and_claims_in_every_state():
    sizes = {PACKAGE: 2, KEYID: 2, BYTES: 2}
    grounding = Grounding(key_tables(Finite(sizes)))
    ground = grounding.property(online_packages_agree(grounding.finite))
    interpretation = Parametric()
    read = QuantifiedSystem(key_tables(interpretation))
    claim, _ = read.judged(online_packages_agree(interpretation))
    found = {sort: exactly(sort, size) for sort, size in sizes.items()}
    facts = [fact for _, its in found.values() for fact in its]
    reached = sorted(search(grounding.system, claim_of()).reached)
    solver = z3.Solver()
    solver.add(*facts)
    for state in reached[::7]:
        values = dict(zip((v.name for v in grounding.system.variables), state, strict=True))
        solver.push()
        for family in grounding.text.families:
            for indices in grounding.finite.tuples(family.over):
                value = values[grounding.name_of(family.name, indices)]
                at = getattr(read.old, family.name)[
                    tuple(found[s][0][i] for s, i in zip(family.over, indices, strict=True))
                ]
                said = z3.BoolVal(bool(value)) if family.of == BOOL else found[BYTES][0][value]
                solver.add(at == said)
        terms = [(v.term, v.literal(values[v.name])) for v in grounding.system.variables]
        holds = z3.is_true(z3.simplify(z3.substitute(ground.state, *terms)))
        assert z3.unsat == solver.check(claim != z3.BoolVal(holds))
        action = grounding.system.action("teardown")
        for package in range(2):
            possible = z3.simplify(
                z3.substitute(
                    action.guard,
                    *terms,
                    (action.parameters[0].term, action.parameters[0].literal(package)),
                )
            )
            step = read.steps["teardown"]
            named = step.parameters.package == found[PACKAGE][0][package]
            differs = step.step.guard != z3.BoolVal(z3.is_true(possible))
            assert z3.unsat == solver.check(named, differs)
        solver.pop()


def test_an_effect_is_read_by_substitution_and_leaves_the_rest_alone():
    chosen = Parameter("chosen", ITEM)
    read = system_of(
        lambda interpretation: Step(
            z3.BoolVal(True),
            interpretation.constant(ANSWER, "ok"),
            {"marked": lambda i: i == interpretation.constant(ITEM, "first")},
        ),
        families=(MARKED, Family("colour", (), COLOUR)),
        parameters=(chosen,),
    )
    step = read.steps["act"]
    index = z3.Const("index", index_sort(ITEM))
    first = read.interpretation.constant(ITEM, "first")
    assert (index == first).eq(step.transition.new.marked[index])
    assert read.old.colour.eq(step.transition.new.colour)
    assert "act!chosen" == str(step.parameters.chosen)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            lambda i: Step(z3.BoolVal(True), i.constant(ANSWER, "ok"), {"gone": lambda k: k}),
            "action act of small changes 'gone', which is no family",
        ),
        (
            lambda i: Step(z3.IntVal(1), i.constant(ANSWER, "ok"), {}),
            "the guard of act in small is not Boolean",
        ),
        (
            lambda i: Step(z3.BoolVal(True), i.constant(ANSWER, "ok"), {"marked": lambda k: k}),
            "action act of small gives marked a value of sort Item; it has sort Bool",
        ),
    ],
)
def test_a_step_that_is_not_well_formed_is_refused(step, message):
    with pytest.raises(ModelError, match=message):
        system_of(step)


def test_an_index_that_is_none_is_refused():
    read = system_of(lambda i: Step(z3.BoolVal(True), i.constant(ANSWER, "ok"), {}))
    with pytest.raises(ModelError, match="1 is no index of marked: not a Item"):
        read.old.marked[z3.BitVecVal(1, 2)]
    with pytest.raises(ModelError, match=r"marked\[Item\] was given 2 indices"):
        read.old.marked[1, 2]
    with pytest.raises(AttributeError, match="no family or parameter 'other'; known: marked"):
        _ = read.old.other


def test_names_that_are_not_known_are_refused():
    interpretation = Parametric()
    with pytest.raises(ModelError, match="Item has no value 'third'; known: first, second"):
        interpretation.constant(ITEM, "third")
    with pytest.raises(ModelError, match="are not two indices of one sort"):
        interpretation.less(interpretation.constant(ITEM, "first"), z3.BitVecVal(1, 2))
    with pytest.raises(ModelError, match="is not under a parametric interpretation"):
        QuantifiedSystem(key_tables(Finite({PACKAGE: 1, KEYID: 1, BYTES: 2})))


A, B = z3.DeclareSort("A"), z3.DeclareSort("B")
a, a2, b = z3.Const("a", A), z3.Const("a2", A), z3.Const("b", B)
related = z3.Function("related", A, B, z3.BoolSort())
image = z3.Function("image", A, B)
origin = z3.Function("origin", B, A)


def test_a_some_inside_an_all_leads_from_sort_to_sort():
    formula = z3.ForAll([a], z3.Exists([b], related(a, b)))
    assert frozenset({("A", "B")}) == alternations(formula)
    assert is_stratified(formula)
    assert frozenset() == alternations(z3.Exists([a], z3.ForAll([b], related(a, b))))


def test_negation_turns_some_into_all():
    formula = z3.Not(z3.Exists([a], z3.ForAll([b], related(a, b))))
    assert frozenset({("A", "B")}) == alternations(formula)


def test_only_what_a_some_depends_on_leads_to_it():
    independent = z3.ForAll([a], z3.Or(a == a2, z3.Exists([b], related(a2, b))))
    assert frozenset() == alternations(independent)
    through = z3.ForAll(
        [a], z3.Exists([b], z3.And(related(a, b), z3.Exists([a2], origin(b) == a2)))
    )
    assert ("A", "B") in alternations(through)
    assert ("A", "A", "A")[:2] == cycle(through)


def test_a_condition_or_an_equivalence_has_both_polarities():
    some = z3.Exists([b], related(a, b))
    assert frozenset({("A", "B")}) == alternations(z3.ForAll([a], z3.If(some, a == a2, a != a2)))
    assert frozenset({("A", "B")}) == alternations(z3.ForAll([a], some == (a == a2)))


def test_functions_between_sorts_count_and_a_circle_is_named():
    circle = z3.And(z3.ForAll([a], z3.Exists([b], related(a, b))), origin(b) == a)
    assert ("A", "B", "A") == cycle(circle)
    assert not is_stratified(circle)
    assert is_stratified(image(a) == b)


def test_two_enumerations_may_have_one_name():
    one, other = Enum("Twice", ("red", "green")), Enum("Twice", ("blue", "red"))
    interpretation = Parametric()
    red, blue = interpretation.constant(one, "red"), interpretation.constant(other, "blue")
    assert red.sort() != blue.sort()
    assert "Twice.red" == str(red)
    assert is_valid(interpretation.constant(other, "red") != blue)
