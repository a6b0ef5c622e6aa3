"""Reductions: only what is proved is used, and a reduced search gives the same answer."""

from __future__ import annotations

import dataclasses
import itertools
import time

import pytest
import quotient_search
import symmetric_systems
import textbook
import z3
from hypothesis import HealthCheck, event, given, settings

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker.exploring.compile import compile_terms
from checker.reducing import bisimulation
from checker.reducing.bisimulation import Obligation, substituted
from checker.reducing.orbit import Sorting
from checker.reducing.reduction import RESOURCES, reduce
from checker.reducing.symmetry import Renaming, blocks_of, places_of
from checker.systems import deadlines
from checker.systems.cone import cone_of_influence
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import (
    BOOL,
    Family,
    Index,
    ModelError,
    Normaliser,
    Parameter,
    Symmetry,
)


def declaring(grounding, *reductions):
    """The same system with other reductions declared."""
    return Grounding(dataclasses.replace(grounding.text, reductions=reductions))


def tables(packages=2, keyids=2, keys=2, misses_last=False):
    """The benchmark's system and its claim."""
    finite = Finite({PACKAGE: packages, KEYID: keyids, BYTES: keys + 1})
    grounding = Grounding(key_tables(finite, misses_last))
    return grounding, grounding.property(online_packages_agree(finite))


def two_searches(grounding, claim, system=None):
    """What a search of everything and one of representatives see."""
    system = system or grounding.system
    reduction = reduce(grounding, system, [claim])
    return (
        quotient_search.search(system, claim),
        quotient_search.search(system, claim, reduction.representative),
    )


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(symmetric_systems.grounded())
def test_a_reduced_search_gives_the_same_answer_for_random_systems(judged):
    grounding, claim = judged
    reduction = reduce(grounding, grounding.system, [claim])
    event(f"normaliser {'dead' in reduction.used}, {len(reduction.used)} used")
    whole = quotient_search.search(grounding.system, claim)
    reduced = quotient_search.search(grounding.system, claim, reduction.representative)
    assert whole.answer == reduced.answer
    assert reduced.states <= whole.states


@pytest.mark.parametrize(
    ("sizes", "states", "representatives"),
    [((2, 2, 2), 493, 131), ((3, 1, 2), 263, 36), ((2, 2, 3), 1_767, 175)],
)
def test_key_tables_have_one_representative_for_each_class(sizes, states, representatives):
    whole, reduced = two_searches(*tables(*sizes))
    assert (states, representatives) == (whole.states, reduced.states)
    assert (whole.answer, whole.depth) == (reduced.answer, reduced.depth)


def test_a_violation_is_found_after_as_many_steps():
    whole, reduced = two_searches(*tables(2, 2, 2, misses_last=True))
    assert whole.violation is not None
    assert whole.answer == reduced.answer
    assert reduced.states < whole.states


@pytest.mark.parametrize(("managers", "states"), [(3, 288), (4, 1568)])
def test_two_phase_commit_has_a_class_for_each_multiset_of_managers(managers, states):
    grounding, claims = textbook.two_phase_commit(managers)
    grounding = declaring(grounding, Symmetry(grounding.text.families[0].over[0]))
    places = [
        [i for i, v in enumerate(grounding.system.variables) if f"[{manager}]" in v.name]
        for manager in range(managers)
    ]

    def multiset(state):
        of_managers = sorted(tuple(state[i] for i in own) for own in places)
        others = [value for i, value in enumerate(state) if not any(i in own for own in places)]
        return tuple(of_managers), tuple(others)

    for claim in claims:
        whole, reduced = two_searches(grounding, claim)
        classes = {multiset(state) for state in whole.reached}
        assert (states, len(classes)) == (whole.states, reduced.states)
        assert whole.answer == reduced.answer


def test_the_representative_is_the_same_for_a_whole_class():
    grounding, claim = tables(3, 1, 2)
    system = grounding.system
    reduction = reduce(grounding, system, [claim])
    variables = [variable.term for variable in system.variables]
    standing = compile_terms(reduction.representative, variables).run
    places = places_of(grounding, system)
    orders = [
        [term for _, term in Renaming(grounding.finite, sort, renamed).images(places.state)]
        for sort, renamed in ((PACKAGE, {0: 1, 1: 2, 2: 0}), (BYTES, {1: 2, 2: 1}))
    ]
    renamings = [compile_terms(terms, variables).run for terms in orders]
    for state in quotient_search.search(system, claim).reached:
        representative = tuple(map(int, standing(*state)))
        assert representative == tuple(map(int, standing(*representative)))
        for renaming in renamings:
            assert representative == tuple(map(int, standing(*map(int, renaming(*state)))))


def test_conditions_have_no_model_and_name_what_they_say():
    grounding, claim = tables()
    reduction = reduce(grounding, grounding.system, [claim])
    assert len({condition.name for condition in reduction.conditions}) == len(reduction.conditions)
    assert "exchanging Package 0 and 1 keeps release" in {c.name for c in reduction.conditions}
    for condition in reduction.conditions:
        solver = z3.Solver()
        solver.add(condition.formula)
        assert z3.unsat == solver.check(), condition.name


def test_philosophers_at_a_table_are_not_interchangeable():
    grounding, claims = textbook.philosophers(4)
    seat = grounding.text.families[0].over[0]
    reduction = reduce(declaring(grounding, Symmetry(seat)), grounding.system, claims)
    assert reduction.is_identity
    assert () == reduction.used
    assert [
        ("Seat 0 and 1", "it changes when take_first is possible"),
        ("Seat 1 and 2", "it changes when take_first is possible"),
        ("Seat 2 and 3", "it changes when take_first is possible"),
    ] == [(name, why) for name, why in reduction.refused]


def test_elements_that_a_claim_names_are_left_alone_and_the_others_are_not():
    grounding, claim = tables(3, 1, 2)
    online = grounding.system.variable("online[0]").term
    naming = dataclasses.replace(claim, state=z3.Or(claim.state, online))
    reduction = reduce(grounding, grounding.system, [naming])
    assert ("Package 1 and 2", "Bytes A and B") == reduction.used
    why = "it changes whether online-packages-agree holds in a state"
    assert (("Package 0 and 1", why),) == reduction.refused
    whole, reduced = two_searches(grounding, naming)
    assert whole.answer == reduced.answer
    assert (263, 80) == (whole.states, reduced.states)


def test_a_premise_that_names_an_element_counts_as_well():
    grounding, claim = tables()
    naming = dataclasses.replace(
        claim, premise_state=grounding.system.variable("key_of[1]").term == 1
    )
    reduction = reduce(grounding, grounding.system, [naming])
    why = "it changes whether a state is what online-packages-agree presupposes"
    assert (("Bytes A and B", why),) == reduction.refused


def test_an_action_that_reads_order_is_named():
    grounding, claim = tables(3, 1, 1)
    lowest_last = dataclasses.replace(
        grounding.text,
        actions=tuple(
            dataclasses.replace(action, step=_only_above_others(grounding.finite, action.step))
            if action.name == "teardown"
            else action
            for action in grounding.text.actions
        ),
    )
    ordered = Grounding(lowest_last)
    reduction = reduce(ordered, ordered.system, [claim])
    assert [
        ("Package 0 and 1", "it changes when teardown is possible"),
        ("Package 1 and 2", "it changes when teardown is possible"),
    ] == [*reduction.refused]


def _only_above_others(finite, step):
    def above(old, choice):
        before = step(old, choice)
        lower = finite.some(
            PACKAGE, lambda p: z3.And(finite.less(p, choice.package), old.online[p])
        )
        return dataclasses.replace(before, guard=z3.And(before.guard, z3.Not(lower)))

    return above


def test_initial_states_need_not_be_symmetric():
    grounding, claim = tables(3, 1, 2)
    first = dataclasses.replace(
        grounding.text,
        initially=lambda s: z3.And(
            grounding.text.initially(s), s.online[grounding.finite.element(PACKAGE, 0)]
        ),
    )
    lone = dataclasses.replace(
        first,
        initially=lambda s: z3.And(
            *(s.online[grounding.finite.element(PACKAGE, p)] == (p == 2) for p in range(3)),
            grounding.finite.every(KEYID, lambda k: s.key_of[k] == 0),
            grounding.finite.every(PACKAGE, KEYID, lambda p, k: s.table[p, k] == 0),
        ),
    )
    for text in (first, lone):
        whole, reduced = two_searches(Grounding(text), claim)
        assert whole.answer == reduced.answer
        assert (263, 36) == (whole.states, reduced.states)


def released(finite):
    """A normaliser of key tables: entries of KeyIDs without a key are cleared."""
    none = finite.constant(BYTES, "none")
    return Normaliser(
        "released",
        "an entry is programmed before it is used",
        lambda s: {
            "table": lambda p, k: z3.If(
                z3.Or(s.key_of[k] == none, z3.Not(s.online[p])), none, s.table[p, k]
            )
        },
    )


def test_a_normaliser_that_is_right_for_one_claim_is_refused_for_another():
    grounding, claim = tables()
    finite = grounding.finite
    grounding = declaring(grounding, released(finite))
    assert ("released",) == reduce(grounding, grounding.system, [claim]).used
    whole, reduced = two_searches(grounding, claim)
    assert whole.answer == reduced.answer
    assert (493, 27) == (whole.states, reduced.states)
    clear = textbook.state_claim(
        "released-is-clear",
        lambda s: finite.every(
            PACKAGE, KEYID, lambda p, k: z3.Implies(s.key_of[k] == 0, s.table[p, k] == 0)
        ),
    )
    about_released = grounding.property(clear)
    reduction = reduce(grounding, grounding.system, [claim, about_released])
    assert reduction.is_identity
    assert (
        ("released", "it changes whether released-is-clear holds in a state"),
    ) == reduction.refused


def test_normalisers_and_symmetries_follow_one_another():
    grounding, claim = tables(3, 1, 2)
    grounding = declaring(grounding, released(grounding.finite), *grounding.text.reductions)
    whole, reduced = two_searches(grounding, claim)
    assert whole.answer == reduced.answer
    assert (263, 6) == (whole.states, reduced.states)


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (
            lambda s: {"key_of": lambda k: z3.BitVecVal(0, 2)},
            "online-packages-agree holds in a state",
        ),
        (lambda s: {"online": lambda p: z3.Not(s.online[p])}, "doing it twice gives online[0]"),
        (lambda s: {"key_of": lambda k: ~s.key_of[k]}, "it puts key_of[1] out of its range"),
        (lambda s: {"table": lambda p, k: s.key_of[k]}, "online-packages-agree holds"),
        (
            lambda s: {"table": lambda p, k: z3.If(s.online[p], s.table[p, k], 0)},
            "what startup does to table[",
        ),
    ],
)
def test_a_normaliser_that_is_wrong_is_refused_with_its_reason(effect, reason):
    grounding, claim = tables(2, 1, 2)
    wrong = declaring(grounding, Normaliser("wrong", "none", effect))
    reduction = reduce(wrong, wrong.system, [claim])
    assert reduction.is_identity
    ((name, why),) = reduction.refused
    assert "wrong" == name
    assert reason in why


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            lambda s: {"colour": z3.BoolVal(True)},
            r"wrong of key-tables \(.*test_checker_reduction.py:\d+\) changes 'colour'",
        ),
        (lambda s: {"online": lambda p: z3.BitVecVal(0, 2)}, "gives online.0. a value of sort"),
    ],
)
def test_a_normaliser_that_is_not_well_formed_is_an_error(effect, message):
    grounding, claim = tables()
    wrong = declaring(grounding, Normaliser("wrong", "none", effect))
    with pytest.raises(ModelError, match=message):
        reduce(wrong, wrong.system, [claim])


def test_what_a_claim_does_not_depend_on_is_not_normalised():
    grounding, claim = tables()
    online = dataclasses.replace(
        claim, state=grounding.system.variable("online[0]").term, id="first-online"
    )
    cone = cone_of_influence(grounding.system, online)
    assert not any(variable.name.startswith("table") for variable in cone.variables)
    first = grounding.finite.element(KEYID, 0)
    effects = {
        "tables": lambda s: {"table": lambda p, k: z3.BitVecVal(0, 2)},
        "reads": lambda s: {"online": lambda p: z3.Or(s.online[p], s.table[p, first] == 1)},
    }
    declared = [Normaliser(name, "", effect) for name, effect in effects.items()]
    reduction = reduce(declaring(grounding, *declared), cone, [online])
    assert () == reduction.used
    reasons = dict(reduction.refused)
    assert {"reads"} == set(reasons)
    assert "table[0,1], table[1,1]" in reasons["reads"]


def test_a_counterpart_that_was_dropped_stands_in_the_way():
    finite = Finite({PACKAGE: 2})
    grounding = textbook.system(
        "lamps",
        finite,
        (Family("lit", (PACKAGE,), BOOL),),
        lambda s: finite.every(PACKAGE, lambda p: z3.Not(s.lit[p])),
        [
            (
                "light",
                (Parameter("p", PACKAGE),),
                lambda old, c: (z3.BoolVal(True), {"lit": lambda p: z3.Or(p == c.p, old.lit[p])}),
            )
        ],
    )
    grounding = declaring(grounding, Symmetry(PACKAGE))
    claim = grounding.property(
        textbook.state_claim("dark", lambda s: z3.Not(s.lit[finite.element(PACKAGE, 1)]))
    )
    cone = cone_of_influence(grounding.system, claim)
    reduction = reduce(grounding, cone, [claim])
    assert reduction.is_identity
    why = "lit[1] is looked at, and its counterpart not"
    assert (("Package 0 and 1", why),) == reduction.refused


def factoring():
    """What takes Z3 hours: the factors of a number of 123 bits."""
    a, b = z3.BitVecs("a b", 128)
    small = [z3.And(z3.ULT(x, 1 << 63), z3.UGT(x, 1)) for x in (a, b)]
    return Obligation(
        "it factors", (), (("", z3.And(a * b == (2**61 - 1) * (2**62 - 57), *small)),)
    )


def test_what_z3_cannot_say_with_its_resources_is_refused():
    assert "whether it factors Z3 cannot say within its limit" == factoring().objection(100_000)


def test_what_z3_cannot_say_by_the_deadline_is_refused():
    begun = time.monotonic()
    assert "out of time" == factoring().objection(RESOURCES, begun + 0.3)
    assert time.monotonic() - begun < 10


def test_whether_a_reduction_is_proved_does_not_depend_on_how_fast_the_machine_is(monkeypatch):
    given = []

    def slow(solver, *assumptions, seconds=None):
        given.append(seconds)
        time.sleep(0.01)
        return solver.check(*assumptions)

    grounding, claim = tables()
    usual = reduce(grounding, grounding.system, [claim])
    monkeypatch.setattr(bisimulation, "ask", slow)
    assert usual.used == reduce(grounding, grounding.system, [claim]).used
    assert {None} == set(given)


def test_the_models_conditions_need_a_small_part_of_the_resources():
    grounding, claim = tables(3, 3, 3)
    usual = reduce(grounding, grounding.system, [claim])
    few = reduce(grounding, grounding.system, [claim], resources=RESOURCES // 9)
    assert (usual.used, usual.refused) == (few.used, few.refused)
    none = reduce(grounding, grounding.system, [claim], resources=1000)
    assert none.is_identity
    assert all(why.endswith("Z3 cannot say within its limit") for _, why in none.refused)


def test_what_is_not_proved_by_the_deadline_is_refused():
    grounding, claim = tables()
    reduction = reduce(grounding, grounding.system, [claim], deadline=time.monotonic())
    assert reduction.is_identity
    assert () == reduction.used
    assert {"out of time"} == {why for _, why in reduction.refused}


def test_a_deadline_that_passes_between_two_conditions_is_heeded(monkeypatch):
    now = itertools.count()
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: next(now))
    grounding, claim = tables()
    reduction = reduce(grounding, grounding.system, [claim], deadline=12.5)
    assert ("Package 0 and 1",) == reduction.used
    late = ("Bytes A and B", "out of time"), ("a representative", "out of time")
    assert late == reduction.refused


def test_a_reduction_that_is_not_proved_in_time_is_refused(monkeypatch):
    monkeypatch.setattr(Obligation, "objection", lambda *_: "whether so Z3 cannot say: timeout")
    grounding, claim = tables()
    reduction = reduce(grounding, grounding.system, [claim])
    assert reduction.is_identity
    assert tuple(v.term for v in grounding.system.variables) == reduction.representative
    assert {"whether so Z3 cannot say: timeout"} == {why for _, why in reduction.refused}


def test_a_representative_that_does_more_than_rename_is_refused(monkeypatch):
    moved = Sorting._moved

    def with_a_fault(self, order):
        first, *rest = moved(self, order)
        return (z3.Not(first), *rest)

    monkeypatch.setattr(Sorting, "_moved", with_a_fault)
    grounding, claim = tables()
    reduction = reduce(grounding, grounding.system, [claim])
    assert reduction.is_identity
    why = "not so: putting Package 0, 1 in order renames them and does no more"
    assert ("a representative", why) in reduction.refused


def test_blocks_are_runs_of_neighbours_that_may_be_exchanged():
    many = Index("Many", constants=("zero",))

    def positions(size, proved):
        return [block.positions for block in blocks_of(many, size, proved)]

    assert [(1, 2, 3)] == positions(4, [1, 2])
    assert [(1, 2), (3, 4)] == positions(5, [1, 3])
    assert [] == positions(5, [])
    assert [(1, 2, 3, 4), (5, 6, 7)] == positions(8, range(1, 7))


PEER, TOKEN = Index("Peer"), Index("Token")


def gossip(peers, tokens, reductions):
    """Peers that point at each other, know of each other, and hold tokens."""
    finite = Finite({PEER: peers, TOKEN: tokens})
    one = (Parameter("who", PEER), Parameter("whom", PEER), Parameter("token", TOKEN))
    first = finite.element(PEER, 0)
    grounding = textbook.system(
        "gossip",
        finite,
        (
            Family("next", (PEER,), PEER),
            Family("knows", (PEER, PEER), BOOL),
            Family("spent", (TOKEN,), BOOL),
        ),
        lambda s: z3.And(
            finite.every(PEER, lambda p: s.next[p] == first),
            finite.every(PEER, PEER, lambda p, q: z3.Not(s.knows[p, q])),
            finite.every(TOKEN, lambda t: z3.Not(s.spent[t])),
        ),
        [
            ("tell", one, lambda old, c: (
                z3.And(c.who != c.whom, z3.Not(old.spent[c.token])),
                {"knows": lambda p, q: z3.Or(old.knows[p, q], z3.And(p == c.whom, q == c.who)),
                 "spent": lambda t: z3.Or(old.spent[t], t == c.token),
                 "next": lambda p: z3.If(p == c.who, c.whom, old.next[p])})),
            ("follow", one[:1], lambda old, c: (
                old.knows[c.who, old.next[c.who]],
                {"next": lambda p: z3.If(p == c.who, old.next[old.next[p]], old.next[p])})),
        ],
    )  # fmt: skip
    claim = textbook.state_claim(
        "not-mutual",
        lambda s: z3.Not(
            finite.some(PEER, PEER, lambda p, q: z3.And(s.knows[p, q], s.knows[q, p]))
        ),
    )
    return declaring(grounding, *reductions), grounding.property(claim)


def test_families_with_two_indices_or_values_of_one_sort_are_renamed_as_well():
    grounding, claim = gossip(3, 3, (Symmetry(PEER), Symmetry(TOKEN)))
    whole, reduced = two_searches(grounding, claim)
    assert whole.violation is not None
    assert whole.answer == reduced.answer
    assert (311, 77) == (whole.states, reduced.states)


def test_blocks_that_are_too_many_for_every_renaming_are_put_in_order():
    grounding, claim = gossip(3, 5, (Symmetry(TOKEN), Symmetry(PEER)))
    cramped = dataclasses.replace(grounding.text, reductions=(Symmetry(PEER), Symmetry(TOKEN)))
    for text in (grounding.text, cramped):
        reduction = reduce(Grounding(text), grounding.system, [claim])
        assert 6 == len(reduction.used)
    whole, reduced = two_searches(grounding, claim)
    assert whole.answer == reduced.answer
    assert (4085, 435) == (whole.states, reduced.states)


def test_terms_are_substituted_together_as_one_after_another():
    p, q = z3.Bool("p"), z3.BitVec("q", 3)
    images = [(p, z3.Not(p)), (q, q + 1)]
    terms = (p, q, z3.And(p, q == 1))
    one_by_one = [z3.substitute(term, *images) for term in terms]
    together = substituted(terms, images)
    assert all(a.eq(b) for a, b in zip(one_by_one, together, strict=True))
    assert () == substituted((), images)


def test_step_claims_are_kept_under_renamed_choices():
    grounding, _ = tables(3, 1, 2)
    finite = grounding.finite

    def leaves_one_in_step(step):
        if step.action != "teardown":
            return z3.BoolVal(True)
        return finite.some(
            PACKAGE,
            KEYID,
            lambda p, k: z3.And(step.new.online[p], step.new.table[p, k] == step.new.key_of[k]),
        )

    claim = grounding.property(
        textbook.step_claim(
            "leaves-one-in-step",
            leaves_one_in_step,
            lambda step: z3.BoolVal(step.action == "teardown"),
        )
    )
    whole, reduced = two_searches(grounding, claim)
    assert whole.violation is not None
    assert whole.answer == reduced.answer
    assert (263, 36) == (whole.states, reduced.states)


def test_a_step_claim_that_names_a_choice_is_named():
    grounding, _ = tables(2, 1, 2)
    named = textbook.step_claim(
        "zero-stays",
        lambda step: (
            step.parameters.package != 0 if step.action == "teardown" else z3.BoolVal(True)
        ),
        lambda step: z3.BoolVal(step.action == "teardown"),
    )
    reduction = reduce(grounding, grounding.system, [grounding.property(named)])
    why = "it changes whether teardown keeps zero-stays"
    assert (("Package 0 and 1", why),) == reduction.refused


def test_a_sort_that_nothing_is_over_is_not_mentioned():
    grounding, claim = tables()
    elsewhere = declaring(grounding, Symmetry(Index("Elsewhere")))
    reduction = reduce(elsewhere, elsewhere.system, [claim])
    assert ((), ()) == (reduction.used, reduction.refused)
