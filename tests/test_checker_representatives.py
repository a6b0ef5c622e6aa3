"""A search of representatives gives the same answers, with counts of its own, and real runs."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import z3
from small_systems import ANSWER, FALSE, claim_of, numeral

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker.answers.proof import Condition
from checker.exploring.explore import explore
from checker.reducing.reduction import reduce
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import GroundAction, GroundSystem, ModelError, Variable


@dataclasses.dataclass(frozen=True)
class ByHand:
    """A reduction that is sound because a person says so."""

    representative: tuple
    conditions: tuple = (Condition("by hand", z3.BoolVal(False)),)


def dials(number=3, bits=2, start=0):
    """Dials that are turned one at a time and are all alike; a scratch bit that nothing reads.

    Sorted dials and a cleared bit stand for the others.
    """
    turned = [numeral(f"d{i}", bits) for i in range(number)]
    scratch = Variable("scratch", z3.Bool("scratch"), ("no", "yes"))
    which = Variable("which", z3.BitVec("turn!which", 3), tuple(map(str, range(number))))
    most = (1 << bits) - 1

    def chosen(text):
        return z3.Or([z3.And(which.term == i, text(d.term)) for i, d in enumerate(turned)])

    actions = (
        GroundAction(
            "turn",
            (which,),
            z3.And(which.in_range(), chosen(lambda d: d != most)),
            ANSWER,
            {d.name: z3.If(which.term == i, d.term + 1, d.term) for i, d in enumerate(turned)}
            | {"scratch": z3.Not(scratch.term)},
        ),
        GroundAction(
            "back",
            (which,),
            z3.And(which.in_range(), chosen(lambda d: d == most)),
            ANSWER,
            {d.name: z3.If(which.term == i, 0, d.term) for i, d in enumerate(turned)},
        ),
    )
    any_start = z3.Or([d.term == start for d in turned])
    initially = z3.And(any_start, *(z3.Or(d.term == start, d.term == 0) for d in turned))
    system = GroundSystem("dials", (*turned, scratch), initially, actions, ("done",))
    values = [d.term for d in turned]
    for end in range(number - 1, 0, -1):
        for i in range(end):
            low, high = values[i], values[i + 1]
            values[i] = z3.If(z3.ULE(low, high), low, high)
            values[i + 1] = z3.If(z3.ULE(low, high), high, low)
    return system, [d.term for d in turned], ByHand((*values, FALSE))


def claims_about(terms):
    """Claims that treat the dials alike."""
    total = sum(z3.ZeroExt(4, d) for d in terms)
    return {
        "sum": claim_of(total != 7),
        "two": claim_of(
            z3.Or([z3.Distinct(*terms), z3.Not(z3.And([d != 1 for d in terms])), total != 6])
        ),
        "step": claim_of(steps={"back": z3.Or([d == 0 for d in terms])}),
        "true": claim_of(z3.ULE(total, 9), premise=total == 9),
    }


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", ["sum", "two", "step", "true"])
def test_representatives_give_the_whole_search_s_answers(name, start):
    system, terms, reduction = dials(start=start)
    claim = claims_about(terms)[name]
    whole, reduced = explore(system, [claim]), explore(system, [claim], reduction=reduction)
    assert reduced.states < whole.states
    expected, verdict = whole.verdict(system, claim), reduced.verdict(system, claim)
    assert expected.trace == verdict.trace
    assert (expected.word, expected.depth) == (verdict.word, verdict.depth)
    assert expected.premise_reached == verdict.premise_reached
    assert ("PROVED" if name == "true" else "VIOLATED") == verdict.word


@pytest.mark.parametrize("jit", [False, True])
def test_the_counts_are_of_representatives(jit):
    if jit:
        pytest.importorskip("numba")
    system, _, reduction = dials()
    seen = explore(system, [], reduction=reduction, jit=jit)
    multisets = list(itertools.combinations_with_replacement(range(4), 3))
    assert len(multisets) == seen.states
    by_sum = [sum(sum(m) == total for m in multisets) for total in range(10)]
    assert tuple(by_sum) == seen.levels
    assert {
        "turn": sum(d != 3 for m in multisets for d in m),
        "back": sum(d == 3 for m in multisets for d in m),
    } == seen.fired


def test_machine_code_reduces_as_numpy_does():
    pytest.importorskip("numba")
    system, terms, reduction = dials(4)
    claims = [dataclasses.replace(c, id=n) for n, c in claims_about(terms).items()]
    by_arrays, by_code = (
        explore(system, claims, reduction=reduction, jit=jit) for jit in (False, True)
    )
    assert by_arrays == by_code
    closed = [
        explore(system, [], reduction=reduction, jit=jit, keep_states=True) for jit in (False, True)
    ]
    states = [seen.closed_set(system).states.tolist() for seen in closed]
    assert math.comb(7, 4) == len(states[0])
    assert states[0] == states[1]


def test_a_reduction_that_reduces_nothing_changes_nothing():
    system, terms, _ = dials()
    claim = claims_about(terms)["sum"]
    identity = ByHand(tuple(v.term for v in system.variables))
    assert explore(system, [claim]) == explore(system, [claim], reduction=identity)


def test_a_closed_search_that_kept_its_states_has_a_proof():
    system, terms, reduction = dials()
    claim = claims_about(terms)["true"]
    for used in (None, reduction):
        seen = explore(system, [claim], reduction=used, keep_states=True)
        proof = seen.verdict(system, claim).proof
        values = {
            tuple(int(row[word]) >> shift & (1 << bits) - 1 for word, shift, bits in proof.fields)
            for row in proof.states
        }
        assert (seen.states, seen.states) == (len(values), len(proof.states))
        assert sorted(proof.states.tolist()) == proof.states.tolist()
        dial_values = set(itertools.product(range(4), repeat=3))
        if used is not None:
            assert {(*sorted(v), 0) for v in dial_values} == values
            assert reduction.representative == proof.representative
            assert reduction.conditions == proof.conditions
        else:
            assert dial_values == {v[:3] for v in values}
            assert (None, ()) == (proof.representative, proof.conditions)
        assert np.uint64 == proof.states.dtype


def test_without_its_states_a_search_has_no_proof_to_offer():
    system, terms, _ = dials()
    claims = claims_about(terms)
    assert explore(system, [claims["true"]]).verdict(system, claims["true"]).proof is None
    violated = explore(system, [claims["sum"]], keep_states=True)
    assert violated.verdict(system, claims["sum"]).proof is None
    with pytest.raises(ValueError, match="closed"):
        violated.closed_set(system)


def test_a_closed_set_of_several_words_is_ascending():
    wide = [numeral(f"w{i}", 2) for i in range(2)]
    still = [Variable(f"s{i}", z3.BitVec(f"s{i}", 60), ("0",)) for i in range(2)]
    up = GroundAction("up", (), wide[1].term != 3, ANSWER, {"w1": wide[1].term + 1})
    back = GroundAction("back", (), wide[0].term == 0, ANSWER, {"w0": wide[0].term + 3})
    order = (wide[0], still[0], wide[1], still[1])
    start = z3.And([v.term == 0 for v in order])
    system = GroundSystem("wide", order, start, (up, back), ("done",))
    closed = explore(system, [], keep_states=True).closed_set(system)
    assert (8, 2) == closed.states.shape
    assert sorted(closed.states.tolist()) == closed.states.tolist()


def test_a_reduction_that_was_proved_for_another_claim_is_refused():
    """What is alike for one claim may be what another tells apart."""
    finite = Finite({PACKAGE: 2, KEYID: 1, BYTES: 2})
    ground = Grounding(key_tables(finite))
    claim = ground.property(online_packages_agree(finite))
    reduction = reduce(ground, ground.system, [claim])
    assert explore(ground.system, [claim], reduction=reduction).closed
    other = dataclasses.replace(claim, id="other")
    with pytest.raises(ModelError, match="the reduction is not proved for these claims"):
        explore(ground.system, [other], reduction=reduction)
