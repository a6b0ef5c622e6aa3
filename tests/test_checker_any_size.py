"""Proofs for any size, what they rest on, and what is said where there is none."""

from __future__ import annotations

import dataclasses
import functools

import pytest
import z3
from textbook import state_claim, step_claim

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker.anysize.any_size import any_size, attempt, small_sizes
from checker.anysize.gap import gap_is_reached
from checker.anysize.houdini import Lemma, Undecided, select
from checker.anysize.stratified import is_stratified
from checker.certifying.refutation import refuted_by_cvc5
from checker.certifying.smtlib import script
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import Premise
from checker.systems.system import ModelError
from designs import DESIGNS
from model import key_service
from properties import PROPERTIES

SIZES = {PACKAGE: 2, KEYID: 2, BYTES: 3}


def entries_hold_the_key(interpretation):
    """What makes the claim about key tables inductive."""
    none = interpretation.constant(BYTES, "none")

    def formula(state):
        def holds(p, k):
            concerned = z3.And(state.online[p], state.key_of[k] != none)
            return z3.Implies(concerned, state.table[p, k] == state.key_of[k])

        return interpretation.every(PACKAGE, KEYID, holds)

    return Lemma("entries", "An online package holds the key of each mapped KeyID.", formula)


def some_package_is_online(interpretation):
    """True, inductive, and of no use."""
    return Lemma(
        "some-online",
        "Some package is online.",
        lambda state: interpretation.some(PACKAGE, lambda p: state.online[p]),
    )


def all_packages_are_online(interpretation):
    """Not inductive, though it would be of use."""
    return Lemma(
        "all-online",
        "All packages are online.",
        lambda state: interpretation.every(PACKAGE, lambda p: state.online[p]),
    )


def one_package(interpretation):
    """Holds for one package only."""
    return Lemma(
        "one-package",
        "There is one package.",
        lambda state: interpretation.every(PACKAGE, PACKAGE, lambda p, q: p == q),
    )


def lemmas_of(*builders):
    """The lemmas under an interpretation."""
    return lambda interpretation: [builder(interpretation) for builder in builders]


def misses_last(interpretation):
    """Key tables with a fault."""
    return key_tables(interpretation, misses_last=True)


ALL = lemmas_of(all_packages_are_online, some_package_is_online, entries_hold_the_key)


def test_the_claim_is_proved_for_any_size_and_cvc5_agrees():
    verdict = any_size(key_tables, online_packages_agree, ALL, sizes=SIZES)
    assert ("PROVED", "any size", "parametric") == (verdict.word, verdict.extent, verdict.engine)
    assert ("An online package holds the key of each mapped KeyID.",) == verdict.proof.lemmas
    assert 2 == len(verdict.proof.invariant)
    answers = refuted_by_cvc5(script(verdict.proof.conditions), 30)
    assert answers.all_refuted
    assert [condition.name for condition in verdict.proof.conditions] == [
        name for name, _ in answers.each
    ]


def test_every_condition_is_in_the_fragment_that_is_decidable():
    proof = any_size(key_tables, online_packages_agree, ALL, sizes=SIZES).proof
    assert all(is_stratified(condition.formula) for condition in proof.conditions)
    assert {
        "online-packages-agree holds at the start",
        "startup keeps online-packages-agree",
        "entries holds at the start",
        "update keeps entries",
    } <= {condition.name for condition in proof.conditions}


def test_the_scope_has_two_elements_beside_the_constants_if_none_is_given():
    assert {PACKAGE: 2, KEYID: 2, BYTES: 3} == small_sizes(key_tables)
    assert "PROVED" == any_size(key_tables, online_packages_agree, ALL).word


def test_without_the_lemma_the_induction_gets_stuck_in_a_state_that_is_not_reached():
    tried = attempt(key_tables, online_packages_agree, lemmas_of(some_package_is_online))
    assert "UNKNOWN" == tried.verdict.word
    assert (
        "not inductive with the lemmas known: startup can break it, with"
        " 2 Package, 2 KeyID, 3 Bytes"
    ) == tried.verdict.reason
    gap = tried.selection.gap
    assert ("online-packages-agree", "startup") == (gap.failed, gap.call.action)
    assert ("some-online", "online-packages-agree") == gap.assumed
    assert "refuted" == gap_is_reached(tried)


def test_a_claim_that_is_violated_is_not_proved():
    tried = attempt(misses_last, online_packages_agree, ALL, sizes=SIZES)
    assert "UNKNOWN" == tried.verdict.word
    assert "startup" == tried.selection.gap.call.action
    assert "entries" in tried.selection.gap.assumed


def test_a_gap_that_is_not_real_says_nothing_of_the_claim():
    def never_two_keys(interpretation):
        none = interpretation.constant(BYTES, "none")
        return state_claim(
            "one-key",
            lambda state: interpretation.every(
                KEYID,
                KEYID,
                lambda k, j: z3.Or(k == j, state.key_of[k] == none, state.key_of[j] == none),
            ),
        )

    tried = attempt(key_tables, never_two_keys, [], sizes=SIZES)
    assert "instantiate" == tried.selection.gap.call.action
    assert "undecided" == gap_is_reached(tried, states_max=1)
    assert gap_is_reached(tried) in ("confirmed", "refuted")
    assert "UNKNOWN" == tried.verdict.word


def test_a_claim_that_is_false_at_the_start_is_said_to_be():
    tried = attempt(
        key_tables,
        lambda i: state_claim("all-off", lambda s: i.every(PACKAGE, lambda p: z3.Not(s.online[p]))),
        [],
    )
    assert "all-off is false in an initial state" == tried.verdict.reason
    assert tried.selection.gap.call is None
    assert "confirmed" == gap_is_reached(tried)


def test_an_attempt_without_a_gap_is_not_asked_whether_it_is_real():
    with pytest.raises(ValueError, match="has no gap"):
        gap_is_reached(attempt(key_tables, online_packages_agree, ALL))


def test_a_lemma_that_holds_in_the_scope_only_does_not_make_a_proof():
    verdict = any_size(
        key_tables,
        online_packages_agree,
        lemmas_of(one_package),
        sizes={PACKAGE: 1, KEYID: 2, BYTES: 3},
    )
    assert "UNKNOWN" == verdict.word
    verdict = any_size(
        key_tables,
        lambda i: state_claim("only-one", lambda state: _one_is_online(i, state)),
        [],
        sizes={PACKAGE: 1, KEYID: 1, BYTES: 2},
    )
    assert "UNKNOWN" == verdict.word
    assert (
        "Z3 could not refute that only-one holds at the start fails for some size"
    ) == verdict.reason


def _one_is_online(interpretation, state):
    return interpretation.every(
        PACKAGE,
        PACKAGE,
        lambda p, q: z3.Implies(z3.And(state.online[p], state.online[q]), p == q),
    )


def test_a_claim_about_steps_is_proved_of_every_step():
    def is_unmapped_before(interpretation):
        none = interpretation.constant(BYTES, "none")

        def formula(step):
            if step.action != "instantiate":
                return z3.BoolVal(True)
            changed = interpretation.every(
                KEYID,
                lambda k: z3.Or(
                    step.old.key_of[k] == step.new.key_of[k], step.old.key_of[k] == none
                ),
            )
            return z3.And(changed, step.parameters.bytes != none)

        premise = Premise("step", lambda step: z3.BoolVal(step.action == "instantiate"))
        return step_claim("takes-free", formula, premise.formula)

    verdict = any_size(key_tables, is_unmapped_before, ALL)
    assert "PROVED" == verdict.word
    assert ["instantiate keeps takes-free"] == [c.name for c in verdict.proof.conditions]
    assert ((), ()) == (verdict.proof.lemmas, verdict.proof.invariant)
    assert refuted_by_cvc5(script(verdict.proof.conditions), 30).all_refuted


def test_a_claim_about_steps_that_fails_has_a_gap():
    def never_releases(interpretation):
        none = interpretation.constant(BYTES, "none")

        def formula(step):
            if step.action != "release":
                return z3.BoolVal(True)
            return step.old.key_of[step.parameters.keyid] == none

        return step_claim("never-releases", formula, lambda step: z3.BoolVal(True))

    tried = attempt(key_tables, never_releases, ALL)
    gap = tried.selection.gap
    assert ("never-releases", "release") == (gap.failed, gap.call.action)
    assert "UNKNOWN" == tried.verdict.word
    assert "confirmed" == gap_is_reached(tried)


def test_a_claim_whose_premise_is_never_reached_is_not_proved():
    def claim(interpretation):
        return dataclasses.replace(
            online_packages_agree(interpretation),
            premise=Premise("state", lambda _: z3.BoolVal(False)),
        )

    verdict = any_size(key_tables, claim, ALL)
    assert ("UNKNOWN", False) == (verdict.word, verdict.premise_reached)
    assert "it holds for any size, but its premise was never reached" == verdict.reason
    assert "PROVED" == any_size(key_tables, claim, ALL, premise_reached=True).word


def test_a_text_that_takes_an_index_for_a_number_is_not_proved():
    def claim(interpretation):
        return state_claim(
            "numbered",
            lambda state: interpretation.every(
                PACKAGE, lambda p: z3.Or(state.online[p], p != z3.BitVecVal(0, 1), p == p)
            ),
        )

    verdict = any_size(key_tables, claim, [], sizes=SIZES)
    assert "UNKNOWN" == verdict.word
    assert verdict.reason.startswith("the text cannot be read for any size: ")


def test_no_time_is_no_answer():
    verdict = any_size(key_tables, online_packages_agree, ALL, seconds_max=0.0)
    assert ("UNKNOWN", None) == (verdict.word, verdict.proof)
    assert "out of time while lemmas were selected" == verdict.reason


def test_the_selection_drops_what_is_not_inductive_and_says_how_it_fails():
    finite = Finite(SIZES)
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    selection = select(grounding, claim, ALL(finite))
    assert ("entries",) == selection.chosen
    assert {"all-online"} == set(selection.dropped)
    failure = selection.dropped["all-online"]
    assert ("all-online", "teardown") == (failure.failed, failure.call.action)
    offline = [n for v, n in zip(grounding.system.variables, failure.after, strict=True)]
    assert offline != list(failure.before)
    assert {"entries", "online-packages-agree"} >= selection.uses["entries", "startup"].ids


def test_a_lemma_that_fails_at_the_start_is_dropped_with_that_state():
    finite = Finite(SIZES)
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    none, entries = finite.constant(BYTES, "none"), entries_hold_the_key(finite)
    wrong = Lemma(
        "mapped",
        "Every KeyID is mapped, and every entry holds its key.",
        lambda state: z3.And(
            finite.every(KEYID, lambda k: state.key_of[k] != none), entries.formula(state)
        ),
    )
    failure = select(grounding, claim, [wrong]).dropped["mapped"]
    assert (None, None, ()) == (failure.call, failure.after, failure.assumed)


def test_a_lemma_that_does_not_apply_is_left_out():
    finite = Finite(SIZES)
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    elsewhere = Lemma("elsewhere", "This is about another system.", lambda state: None)
    selection = select(grounding, claim, [elsewhere, entries_hold_the_key(finite)])
    assert ("entries",) == selection.chosen
    assert {} == selection.dropped


def test_what_was_kept_by_a_lemma_that_is_dropped_is_asked_about_again():
    finite = Finite(SIZES)
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    entries = entries_hold_the_key(finite)
    stronger = Lemma(
        "stronger",
        "Every entry holds its key, and all packages are online.",
        lambda state: z3.And(
            entries.formula(state), finite.every(PACKAGE, lambda p: state.online[p])
        ),
    )
    selection = select(grounding, claim, [entries, stronger])
    assert {"stronger": "teardown"} == {
        name: failure.call.action for name, failure in selection.dropped.items()
    }
    assert ("entries",) == selection.chosen
    assert not any("stronger" in use.ids for use in selection.uses.values())


def test_a_selection_out_of_time_says_so():
    finite = Finite(SIZES)
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    with pytest.raises(Undecided, match="out of time while lemmas were selected"):
        select(grounding, claim, ALL(finite), deadline=0.0)


def test_a_lemma_cannot_take_the_place_of_the_claim():
    """A lemma with the claim's id would be proved in its stead."""
    claim = PROPERTIES["bitmap-exact"]
    trivial = Lemma(claim.id, "Nothing is said.", lambda state: z3.BoolVal(True))
    text = functools.partial(key_service, DESIGNS["rfc-v2"])
    with pytest.raises(ModelError, match="of claim bitmap-exact and its lemmas, two have the id"):
        attempt(text, claim, [trivial])
    twin = Lemma("twin", "Nothing is said.", lambda state: z3.BoolVal(True))
    with pytest.raises(ModelError, match="two have the id twin"):
        attempt(text, claim, [twin, twin])
