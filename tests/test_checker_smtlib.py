"""Scripts are standard SMT-LIB, say what the terms say, and are refuted by cvc5 or not at all."""

from __future__ import annotations

import time

import pytest
import z3
from certificate_files import tautology
from hypothesis import given, settings
from hypothesis import strategies as st
from random_systems import numbers, truths

from checker.answers.proof import Condition
from checker.certifying.refutation import Answers, ScriptError, refuted_by_cvc5
from checker.certifying.smtlib import script
from checker.certifying.smtlib_words import NotStandard, quoted, symbol

PLACE = z3.DeclareSort("Place")
HERE, THERE = z3.Consts("here there", PLACE)
MODE, (TME, NO_KEY) = z3.EnumSort("Kind of Place", ["tme", "no key"])
MODE_OF = z3.Function("mode[of]", PLACE, MODE)
WORD = z3.BitVec("word[0,1]", 3)


def alone(formula, name="it"):
    """The script of one condition."""
    return script([Condition(name, formula)])


def test_a_script_declares_everything_once_and_asks_for_each_condition() -> None:
    invariant = z3.ForAll([HERE], MODE_OF(HERE) == TME)
    conditions = [
        Condition('it is "so"', z3.And(invariant, MODE_OF(THERE) == NO_KEY)),
        Condition("nor this", z3.And(WORD + 1 == 0, z3.Not(WORD + 1 == 0))),
    ]
    expected = """\
(set-info :smt-lib-version 2.6)
(set-logic UFDTBV)
(declare-datatypes ((|Kind of Place| 0)) (((tme) (|no key|))))
(declare-sort Place 0)
(declare-fun |mode[of]| (Place) |Kind of Place|)
(declare-fun there () Place)
(declare-fun |word[0,1]| () (_ BitVec 3))
(define-fun known () Bool (forall ((?1 Place)) (= (|mode[of]| ?1) tme)))
(push 1)
(echo "it is ""so""\")
(assert (and known (= (|mode[of]| there) |no key|)))
(check-sat)
(pop 1)
(push 1)
(echo "nor this")
(assert (let (($1 (= (bvadd |word[0,1]| #b001) #b000))) (and $1 (not $1))))
(check-sat)
(pop 1)
"""
    text = script(conditions, {"known": invariant})
    assert expected == text
    answers = refuted_by_cvc5(text)
    assert (('it is "so"', "unsat"), ("nor this", "unsat")) == answers.each
    assert answers.all_refuted


def test_common_subterms_are_written_once() -> None:
    term = WORD
    for number in range(200):
        term = z3.If(term == number % 8, term + 1, term * term)
    text = alone(term == 0)
    assert len(text) < 200 * 160
    assert refuted_by_cvc5(text, 1).each[0][0] == "it"


def test_a_term_of_great_depth_is_written() -> None:
    term = z3.Bool("deep")
    for number in range(2000):
        term = z3.Not(z3.And(term, z3.Bool(f"b{number % 7}")))
    assert alone(term).count("(not (and ") == 2000


@settings(deadline=None)
@given(st.data())
def test_what_is_read_back_is_what_was_written(data) -> None:
    width = data.draw(st.sampled_from([3, 8]))
    term = z3.And(
        data.draw(truths(3)), data.draw(numbers(width, 3)) == data.draw(numbers(width, 1))
    )
    asserted = alone(term).replace("(push 1)", "").split("(check-sat)")[0]
    (again,) = z3.parse_smt2_string(asserted)
    assert tautology(term == again)


@settings(deadline=None, max_examples=15)
@given(truths(3))
def test_cvc5_answers_as_z3_does(term) -> None:
    solver = z3.Solver()
    solver.add(term)
    assert str(solver.check()) == refuted_by_cvc5(alone(term)).each[0][1]


@pytest.mark.parametrize(
    ("formula", "logic"),
    [
        (z3.Bool("a"), "QF_UF"),
        (WORD == 1, "QF_BV"),
        (HERE == THERE, "QF_UF"),
        (MODE_OF(HERE) == TME, "QF_UFDT"),
        (z3.ForAll([HERE], MODE_OF(HERE) == TME), "UFDT"),
        (z3.ForAll([HERE, THERE], HERE == THERE), "UF"),
        (z3.And(WORD == 1, HERE == THERE), "QF_UFBV"),
    ],
)
def test_the_logic_is_the_least_one_that_says_it(formula, logic) -> None:
    text = alone(formula)
    assert f"(set-logic {logic})" in text
    assert "sat" in refuted_by_cvc5(text).each[0][1]


def test_bound_variables_never_take_the_name_of_something_else() -> None:
    here = z3.Function("here", PLACE, z3.BoolSort())
    inner = z3.ForAll([HERE], z3.And(here(HERE), z3.Exists([HERE], z3.Not(here(HERE)))))
    text = alone(z3.And(inner, here(THERE)))
    assert "(forall ((?1 Place)) (and (here ?1) (exists ((?2 Place)) " in text
    assert refuted_by_cvc5(text).all_refuted


@pytest.mark.parametrize("name", ["$1", "$2", "?1", "?2", "and", "x"])
def test_no_let_captures_a_bound_variable_nor_the_other_way_round(name) -> None:
    # Of these, two are bound by `let` inside of the quantifier, and one has the let's name.
    bound, free = z3.Bool(name), z3.Bool("x")
    shared = z3.Not(free)
    false = z3.ForAll([bound], z3.Or(z3.Not(bound), z3.And(shared, free), z3.Xor(shared, shared)))
    assert alone(z3.And(false, false == z3.Xor(shared, shared))).count("let") > 0
    assert refuted_by_cvc5(alone(false)).all_refuted
    assert ("it",) == refuted_by_cvc5(alone(z3.Not(false))).satisfiable


def test_what_is_bound_has_no_name_that_begins_like_a_declared_one() -> None:
    taken = z3.Or(z3.Bool("?1"), z3.Bool("$1"), z3.Bool("$$"))
    text = alone(z3.And(taken, z3.ForAll([HERE], z3.And(HERE == THERE, taken, z3.Not(taken)))))
    assert "(forall ((??1 Place))" in text
    assert "($$$1 (or ?1 $1 $$))" in text


def test_a_definition_stands_where_its_formula_occurs() -> None:
    a, b = z3.Bools("a b")
    both = z3.And(a, b)
    text = script([Condition("c", z3.And(both, z3.Not(both)))], {"both": both, "one": a})
    assert "(define-fun both () Bool (and a b))" in text
    assert "(define-fun one () Bool a)" in text
    assert "(assert (and both (not both)))" in text


def test_z3s_own_word_for_one_bit_is_written_as_others_say_it() -> None:
    bit = z3.BoolRef(z3.Z3_mk_bit2bool(WORD.ctx_ref(), 2, WORD.as_ast()))
    text = alone(z3.And(bit, WORD == 3))
    assert "(= ((_ extract 2 2) |word[0,1]|) #b1)" in text
    assert refuted_by_cvc5(text).all_refuted


def test_connectives_without_arguments_are_constants() -> None:
    assert "(assert (and true false))" in alone(z3.And(z3.And([]), z3.Or([])))
    assert "(assert a)" in alone(z3.Or([z3.Bool("a")]))


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (z3.AtMost(z3.Bool("a"), z3.Bool("b"), 1), "the operator 'at-most'"),
        (z3.PbEq([(z3.Bool("a"), 2)], 2), "the operator 'pbeq'"),
        (z3.Int("i") == 0, "the sort Int"),
        (z3.UDiv(WORD, WORD) == 0, "the operator 'bvudiv'"),
        (z3.Select(z3.Array("m", PLACE, z3.BoolSort()), HERE), r"the sort Array\(Place, Bool\)"),
        (z3.Bool("true"), "'true' has a meaning of its own"),
        (z3.Bool("bvadd"), "'bvadd' has a meaning of its own"),
        (z3.Bool("a|b"), "cannot be written"),
        (z3.Bool("a\nb"), "cannot be written"),
        (z3.And(z3.Bool("x"), z3.BitVec("x", 2) == 0), "'x' names two things"),
        (z3.And(z3.Bool("Place"), HERE == THERE), "'Place' names two things"),
        (z3.And(z3.Bool("tme"), MODE_OF(HERE) == TME), "'tme' names two things"),
    ],
)
def test_what_is_not_standard_is_refused(formula, reason) -> None:
    with pytest.raises(NotStandard, match=reason):
        alone(formula)


def test_a_definition_may_not_have_the_name_of_a_variable() -> None:
    with pytest.raises(NotStandard, match="'a' names two things"):
        script([Condition("c", z3.Bool("a"))], {"a": z3.Bool("b")})


def test_symbols_and_texts_are_quoted_where_they_must_be() -> None:
    assert ["a!b", "|a b|", "|0a|", "|ä|", "n@1", "|.x|"] == [
        symbol(name) for name in ("a!b", "a b", "0a", "ä", "n@1", ".x")
    ]
    assert '"one ""two"" three"' == quoted('one "two"\n three')


def test_a_condition_that_has_a_model_is_named() -> None:
    good = Condition("good", z3.And(WORD == 1, WORD == 2))
    answers = refuted_by_cvc5(script([good, Condition("bad", WORD == 1), good]))
    assert (False, ("bad",), ()) == (
        answers.all_refuted,
        answers.satisfiable,
        answers.undecided,
    )


def test_a_quantified_condition_that_has_a_finite_model_is_named() -> None:
    some = z3.And(z3.ForAll([HERE], MODE_OF(HERE) == TME), HERE != THERE)
    assert ("some",) == refuted_by_cvc5(alone(some, "some")).satisfiable


def test_a_script_without_conditions_refutes_nothing() -> None:
    assert not refuted_by_cvc5(script([])).all_refuted
    assert not Answers((), 0.0).all_refuted


def test_a_condition_that_takes_too_long_is_undecided_and_the_others_are_answered() -> None:
    a, b = z3.BitVecs("a b", 48)
    hard = z3.And(
        a * b == 0xC2F29BA16F4B, z3.UGT(a, 1), z3.UGT(b, 1), z3.ULT(a, 1 << 24), z3.ULT(b, 1 << 24)
    )
    text = script([Condition("easy", z3.And(a == 1, a == 2)), Condition("hard", hard)])
    begun = time.monotonic()
    answers = refuted_by_cvc5(text, 1.0)
    assert time.monotonic() - begun < 10
    assert (("easy", "unsat"), ("hard", "unknown")) == answers.each
    assert ("hard",) == answers.undecided


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(assert false)(push 1)(echo \"a\")(assert true)(check-sat)(pop 1)", "assert stands"),
        ("(push 1)(assert false)(echo \"a\")(check-sat)(pop 1)", "assert stands"),
        ("(push 1)(echo \"a\")(assert false)(assert true)(check-sat)(pop 1)", "assert stands"),
        ("(push 1)(echo \"a\")(assert false)(pop 1)", "is not checked"),
        ("(push 1)(echo \"a\")(check-sat)(pop 1)", "check-sat stands"),
        ("(push 1)(echo \"a\")(assert false)(check-sat)", "the last condition is not complete"),
        ("(push 1)(push 1)(echo \"a\")(assert false)(check-sat)(pop 1)(pop 1)", "push stands"),
        ("(push 2)(echo \"a\")(assert false)(check-sat)(pop 2)", "does not say .push 2."),
        ("(push 1)(declare-fun a () Bool)(echo \"a\")(assert a)(check-sat)(pop 1)", "inside of"),
        ("(check-sat)", "check-sat stands"),
        ('(push 0)(echo "a")(assert false)(check-sat)(pop 0)', "does not say .push 0."),
        ("(exit)", "does not say .exit"),
        ("(reset)", "does not say .reset"),
        ("(set-option :produce-models true)", "does not say .set-option"),
        ("(get-model)", "does not say .get-model"),
        ("(assert a)", "Symbol 'a' not declared"),
        ("(frobnicate)", "Expected SMT-LIBv2 command"),
        ("(push 1", "end of file|Expected|EOF"),
        ("no script at all", "Expected EOF_TOK or LPAREN_TOK"),
    ],
)  # fmt: skip
def test_a_script_that_says_something_else_is_refused(text, reason) -> None:
    with pytest.raises(ScriptError, match=reason):
        refuted_by_cvc5(f"(set-logic QF_BV){text}")
