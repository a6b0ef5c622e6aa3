"""How clauses of a scope are lifted, and which claims are proved without a lemma from anybody."""

from __future__ import annotations

import pytest
import z3
from textbook import state_claim

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker.anysize.clausal import worth_trying
from checker.anysize.discovery import discover
from checker.anysize.houdini import Undecided, select
from checker.anysize.lifting import Lifter
from checker.anysize.parametric import Parametric
from checker.anysize.quantified import QuantifiedSystem
from checker.anysize.statements import Vocabulary
from checker.certifying.refutation import refuted_by_cvc5
from checker.certifying.smtlib import script
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from designs import DESIGNS
from model import Scope, key_service
from model.sorts import BYTES as MODEL_BYTES
from model.sorts import CPU, KEY, VMA
from model.sorts import KEYID as MODEL_KEYID
from model.sorts import PACKAGE as MODEL_PACKAGE
from properties import PROPERTIES

SMALL = {PACKAGE: 2, KEYID: 2, BYTES: 3}
LARGER = {PACKAGE: 3, KEYID: 3, BYTES: 4}
ENTRIES = "for all b, k, p: if key_of[k] = b and online[p] and b is not none then table[p, k] = b"

LEARNED_IN = (Scope(2, 1, 1, 1, 1, 1), Scope(2, 2, 2, 1, 1, 1), Scope(2, 2, 2, 2, 1, 1))
TRIED_IN = {MODEL_PACKAGE: 3, CPU: 3, MODEL_KEYID: 3, KEY: 3, MODEL_BYTES: 4, VMA: 3}


def grounded(sizes):
    """Key tables of these sizes."""
    return Grounding(key_tables(Finite(sizes)))


def clause(grounding, *literals):
    """A clause from literals such as ("key_of[1]", "A", False)."""
    places = {variable.name: i for i, variable in enumerate(grounding.system.variables)}
    return frozenset(
        (places[name], grounding.system.variable(name).labels.index(value), positive)
        for name, value, positive in literals
    )


def sentences(grounding, *clauses):
    """What the clauses may mean, in words."""
    lifted = Lifter(grounding, grounding.system).candidates(clauses)
    vocabulary = Vocabulary(grounding.text.families)
    return {vocabulary.sentence(statement) for statement in lifted}


def about_entry(grounding, package, keyid, key):
    """Where the package is online and the KeyID has the key, the entry has it."""
    return clause(
        grounding,
        (f"online[{package}]", "yes", False),
        (f"key_of[{keyid}]", key, False),
        (f"table[{package},{keyid}]", key, True),
    )


def test_positions_and_values_become_variables_and_constants_stay():
    grounding = grounded(SMALL)
    assert {ENTRIES, ENTRIES.replace(" and b is not none", "")} == sentences(
        grounding, about_entry(grounding, 0, 1, "A")
    )
    about_none = clause(grounding, ("online[0]", "yes", False), ("key_of[1]", "none", True))
    assert {"for all k, p: if online[p] then key_of[k] = none"} == sentences(grounding, about_none)


def test_clauses_of_one_orbit_are_lifted_to_one_statement():
    grounding = grounded(SMALL)
    clauses = [
        about_entry(grounding, package, keyid, key)
        for package in (0, 1)
        for keyid in (1, 2)
        for key in ("A", "B")
    ]
    assert sentences(grounding, clauses[0]) == sentences(grounding, *clauses)


def test_what_differs_in_the_clause_must_differ_or_need_not():
    grounding = grounded({**SMALL, PACKAGE: 3})
    both = clause(grounding, ("online[0]", "yes", False), ("online[2]", "yes", False))
    assert {
        "for all p, q: if online[p] and p is not q then not online[q]",
        "for all p, q: if online[p] then not online[q]",
    } == sentences(grounding, both)


def test_what_runs_through_all_elements_may_mean_some_element():
    grounding = grounded(SMALL)
    either = clause(grounding, ("online[0]", "yes", True), ("online[1]", "yes", True))
    assert {
        "for all p, q: if p is not q then online[p] or online[q]",
        "for all p, q: online[p] or online[q]",
        "online[p] for some Package p",
    } == sentences(grounding, either)


def test_what_runs_through_all_elements_may_also_not_hold_of_some():
    grounding = grounded({**SMALL, BYTES: 2})
    not_both = clause(
        grounding,
        ("online[0]", "yes", False),
        ("online[1]", "yes", False),
        ("key_of[1]", "none", True),
    )
    assert ("for all k: if online[p] for every Package p then key_of[k] = none") in sentences(
        grounding, not_both
    )
    assert "not online[p] for some Package p" in sentences(
        grounding, clause(grounding, ("online[0]", "yes", False), ("online[1]", "yes", False))
    )


def test_a_bit_of_a_number_is_no_statement_about_an_element():
    grounding = grounded(SMALL)
    place = next(i for i, v in enumerate(grounding.system.variables) if v.name == "key_of[1]")
    assert set() == sentences(grounding, frozenset({(place, -1, True)}))


def test_a_lifted_statement_is_a_lemma_under_both_interpretations():
    grounding = grounded(SMALL)
    claim = grounding.property(online_packages_agree(grounding.finite))
    lifted = Lifter(grounding, grounding.system).candidates([about_entry(grounding, 0, 1, "A")])
    vocabulary = Vocabulary(grounding.text.families)
    lemmas = [vocabulary.lemma(statement, grounding.finite) for statement in lifted]
    assert (ENTRIES,) == select(grounding, claim, lemmas).chosen
    interpretation = Parametric()
    read = QuantifiedSystem(key_tables(interpretation))
    (lemma,) = [
        made
        for statement in lifted
        if (made := vocabulary.lemma(statement, interpretation)).sentence == ENTRIES
    ]
    formula = lemma.formula(read.old)
    assert ["b", "k", "p"] == [formula.var_name(i) for i in range(formula.num_vars())]


def test_the_rough_selection_agrees_with_the_exact_one():
    small, larger = grounded(SMALL), grounded(LARGER)
    clauses = [
        about_entry(small, 0, 1, "A"),
        clause(small, ("online[0]", "yes", True), ("online[1]", "yes", True)),
        clause(small, ("online[0]", "yes", True)),
        clause(small, ("key_of[1]", "none", False)),
    ]
    lifted = Lifter(small, small.system).candidates(clauses)
    claim = larger.property(online_packages_agree(larger.finite))
    rough = worth_trying(larger, larger.system, claim, lifted)
    vocabulary = Vocabulary(larger.text.families)
    exact = select(larger, claim, [vocabulary.lemma(x, larger.finite) for x in lifted])
    assert [ENTRIES] == [vocabulary.sentence(statement) for statement in rough]
    assert (ENTRIES,) == exact.chosen
    assert worth_trying(larger, larger.system, claim, []) is None
    with pytest.raises(Undecided, match="out of time while statements were selected"):
        worth_trying(larger, larger.system, claim, lifted, deadline=0.0)


def test_key_tables_are_proved_with_what_is_found():
    discovery = discover(key_tables, online_packages_agree, [SMALL], LARGER)
    assert ("PROVED", "any size") == (discovery.verdict.word, discovery.verdict.extent)
    assert (ENTRIES,) == discovery.found
    assert refuted_by_cvc5(script(discovery.verdict.proof.conditions), 30).all_refuted


def test_a_claim_that_is_violated_teaches_nothing():
    discovery = discover(
        lambda i: key_tables(i, misses_last=True), online_packages_agree, [SMALL], LARGER
    )
    assert "UNKNOWN" == discovery.verdict.word
    assert "IC3 proved nothing to learn from in a small scope: VIOLATED" == discovery.verdict.reason
    assert (0, None) == (discovery.candidates, discovery.attempt)


def test_what_holds_in_the_small_scope_only_is_not_proved():
    def claim(interpretation):
        return state_claim(
            "not-three-mapped",
            lambda state: interpretation.some(
                KEYID,
                lambda k: interpretation.every(
                    KEYID,
                    lambda j: interpretation.every(
                        KEYID,
                        lambda m: _or_two_equal(interpretation, state, k, j, m),
                    ),
                ),
            ),
        )

    discovery = discover(key_tables, claim, [SMALL], LARGER)
    assert "UNKNOWN" == discovery.verdict.word


def _or_two_equal(interpretation, state, k, j, m):
    free = state.key_of[k] == interpretation.constant(BYTES, "none")
    return z3.Or(k == j, j == m, k == m, free)


def test_there_has_to_be_a_scope_to_learn_in():
    discovery = discover(key_tables, online_packages_agree, [], LARGER)
    assert "there was no scope to learn in" == discovery.verdict.reason


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        (
            "bitmap-exact",
            set(),
        ),
        pytest.param(
            "released-is-clear",
            {
                "for all k, p: entry_mode[p, k] = tme or mapped[l, k] for some Key l"
                " or uncleared[p, k]",
                "for all c, p: if lead[p, c] then present[p]",
                "for all k, p: entry_mode[p, k] = tme or present[p]",
            },
            marks=pytest.mark.deep,
        ),
    ],
)
def test_claims_about_the_key_service_are_proved_without_a_lemma(claim, found):
    discovery = discovered("rfc-v2-fixed", claim)
    assert "PROVED" == discovery.verdict.word
    assert found == set(discovery.found)


@pytest.mark.deep
def test_that_tables_agree_is_proved_without_a_lemma():
    discovery = discovered("rfc-v2-fixed", "tables-agree")
    assert "PROVED" == discovery.verdict.word
    assert "for all c, p: if online[p, c] then lead[p, d] for some CPU d" in discovery.found
    assert refuted_by_cvc5(script(discovery.verdict.proof.conditions), 60).all_refuted


def discovered(design, claim):
    """What is found out about a claim without lemmas."""
    setting = DESIGNS[design]
    scopes = [scope.sizes(setting) for scope in LEARNED_IN]
    return discover(lambda i: key_service(setting, i), PROPERTIES[claim], scopes, TRIED_IN)
