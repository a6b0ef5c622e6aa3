"""The clauses of a step say what Z3's simplifier says of it, whatever the operators."""

from __future__ import annotations

import pytest
import random_systems
import textbook
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_search import search
from pysat.solvers import Solver
from random_systems import flag
from small_systems import ANSWER, TRUE, claim_of, counter, numeral

from checker.answers.trace import choice_of, first_violation, is_true_in, run
from checker.exploring.compile import CompileError
from checker.ic3.search import ic3
from checker.solving.bits import Translation
from checker.solving.blast import blast
from checker.solving.bounded import bounded
from checker.solving.circuit import Circuit
from checker.systems.system import GroundAction, GroundSystem, Variable

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def number(bits, model):
    """The value that bits have in a model."""
    return sum(1 << i for i, bit in enumerate(bits) if model[abs(bit) - 1] == bit)


@SLOW
@given(random_systems.truths(3) | random_systems.numbers(8, 3), st.randoms(use_true_random=False))
def test_every_operator_means_what_z3_means_by_it(term, random):
    circuit = Circuit()
    widths = {str(x): x.size() if z3.is_bv(x) else 1 for x in random_systems.INPUTS}
    inputs = {name: circuit.inputs(width) for name, width in widths.items()}
    bits = Translation(circuit, inputs).bits(term)
    with Solver("minisat22", bootstrap_with=circuit.clauses) as solver:
        for _ in range(5):
            values = {name: random.getrandbits(width) for name, width in widths.items()}
            assumed = [
                bit if values[name] >> i & 1 else -bit
                for name, its in inputs.items()
                for i, bit in enumerate(its)
            ]
            assert solver.propagate(assumed)[0]
            assert solver.solve(assumed)
            literals = [
                (x, z3.BitVecVal(values[str(x)], x.size()) if z3.is_bv(x) else
                 z3.BoolVal(values[str(x)] == 1))
                for x in random_systems.INPUTS
            ]  # fmt: skip
            expected = z3.simplify(z3.substitute(term, *literals))
            expected = int(z3.is_true(expected)) if z3.is_bool(term) else expected.as_long()
            assert expected == number(bits, solver.get_model())


def models(blasted, *assumed):
    """Every assignment of a template's state, selectors and parameters, where these hold."""
    free = {abs(bit) for bits in blasted.now for bit in bits} | set(blasted.selectors)
    free |= {bit for parameters in blasted.parameters for bits in parameters for bit in bits}
    with Solver("minisat22", bootstrap_with=blasted.clauses) as solver:
        while solver.solve(assumed):
            model = solver.get_model()
            yield model, blasted.first_moment().assignment(model)
            solver.add_clause([-x for x in model if abs(x) in free])


@settings(SLOW, max_examples=20)
@given(st.data())
def test_a_template_has_exactly_the_steps_of_its_system(data):
    system = data.draw(random_systems.systems())
    claim = data.draw(random_systems.claims(system))
    blasted = blast(system, claim, holds_next=True)
    everywhere = GroundSystem(system.name, system.variables, TRUE, system.actions, system.answers)
    found = set()
    for model, assignment in models(blasted, blasted.guard):
        state, call = blasted.state(assignment), blasted.call(assignment)
        step = run(everywhere, state, [call]).steps[0]
        found.add((state, call))
        choice = choice_of(system, call)

        def holds(literal, model=model):
            return model[abs(literal) - 1] == literal

        def value(term, default, state=state, choice=choice):
            return is_true_in(system, state, term, *choice) if term is not None else default

        assert step.state == tuple(number(bits, model) for bits in blasted.next)
        assert value(claim.state, True) != holds(blasted.bad.now)
        assert value(claim.steps.get(call.action), True) != holds(blasted.bad.step)
        assert value(claim.premise_state, False) == holds(blasted.premise.now)
        assert value(claim.premise_steps.get(call.action), False) == holds(blasted.premise.step)
        assert is_true_in(system, state, system.initially) == holds(blasted.initially)
        assert is_true_in(system, step.state, claim.state) != holds(blasted.bad.next)
        assert is_true_in(system, step.state, claim.premise_state) == holds(blasted.premise.next)
        for atoms, values in ((blasted.atoms_now, state), (blasted.atoms_next, step.state)):
            for its, expected in zip(atoms, values, strict=True):
                assert [expected] == [i for i, literal in enumerate(its) if holds(literal)]
    plain = search(everywhere)
    assert plain.transitions == len(found)


def unrolled(blasted, depth):
    """Clauses of a run of so many steps from an initial state, and its copies."""
    copies = [blasted.first_moment()]
    for i in range(depth):
        copies.append(blasted.following(copies[-1], (i + 1) * blasted.variables))
    clauses = [clause for copy in copies for clause in copy.clauses()]
    clauses += [[copies[0](blasted.initially)], *([copy(blasted.guard)] for copy in copies[:-1])]
    return clauses, copies


@pytest.mark.parametrize("build", [textbook.die_hard, textbook.missionaries])
def test_copies_unroll_to_the_shortest_run(build):
    ground, (claim,) = build()
    system = ground.system
    blasted = blast(system, claim)
    length = search(system, claim).violation
    for depth in range(length + 1):
        clauses, copies = unrolled(blasted, depth)
        with Solver("cadical153", bootstrap_with=clauses) as solver:
            assert (depth == length) == solver.solve([copies[-1](blasted.bad.now)])
            model = solver.get_model()
    assignments = [copy.assignment(model) for copy in copies]
    calls = [blasted.call(assignment) for assignment in assignments[:-1]]
    trace = run(system, blasted.state(assignments[0]), calls)
    assert trace.states == tuple(map(blasted.state, assignments))
    assert length == first_violation(system, claim, trace)


def test_a_system_without_actions_has_no_step():
    system, n = counter()
    still = GroundSystem("still", system.variables, system.initially, (), ("done",))
    blasted = blast(still, claim_of(n != 0))
    with Solver("minisat22", bootstrap_with=blasted.clauses) as solver:
        assert not solver.solve([blasted.guard])
        assert solver.solve([blasted.initially, blasted.bad.now])


def test_a_variable_with_many_values_has_no_atoms():
    system, n = counter(bits=5)
    blasted = blast(system, claim_of(n != 3), holds_next=True)
    assert ((),) == blasted.atoms_now
    assert 5 == len(blasted.now[0])


def test_equal_gates_are_one_gate_and_constants_are_none():
    circuit = Circuit()
    a, b, c = circuit.inputs(3)
    assert circuit.all_of([a, b]) == circuit.all_of([b, a, 1])
    assert circuit.differ(a, -b) == -circuit.differ(b, a)
    assert circuit.choose(a, b, c) == circuit.choose(-a, c, b)
    assert circuit.choose(a, b, b) == b
    assert circuit.all_of([a, -a]) == -1
    assert circuit.any_of([]) == -1
    assert (circuit.differ(a, a), circuit.differ(a, -a), circuit.differ(a, 1)) == (-1, 1, -a)


def test_an_unknown_operator_or_constant_is_refused():
    u = z3.BitVec("u", 3)
    circuit = Circuit()
    translation = Translation(circuit, {"u": circuit.inputs(3)})
    with pytest.raises(CompileError, match="no translation of the operator 'bvudiv'"):
        translation.bits(z3.UDiv(u, u))
    with pytest.raises(CompileError, match="other is not one of the inputs"):
        translation.bits(u + z3.BitVec("other", 3))


def test_a_long_chain_of_terms_does_not_exhaust_the_stack():
    n = numeral("n", 2)
    term = n.term
    for _ in range(5000):
        term = z3.If(term == 1, n.term, term + 1)
    circuit = Circuit()
    assert 2 == len(Translation(circuit, {"n": circuit.inputs(2)}).bits(term))


def test_parameters_of_as_many_values_and_different_widths_are_not_the_same():
    """The second action may be taken with 2 only, which no bits of a narrow parameter say."""
    narrow = Variable("p", z3.BitVec("a!p", 2), tuple("012"))
    wide = Variable("r", z3.BitVec("b!r", 8), tuple("012"))
    x = flag("x")
    a = GroundAction(
        "a", (narrow,), narrow.in_range(), ANSWER, {"x": z3.And(x.term, narrow.term == 1)}
    )
    at_two = z3.And(wide.in_range(), z3.SignExt(8, wide.term) == 2)
    b = GroundAction("b", (wide,), at_two, ANSWER, {"x": TRUE})
    system = GroundSystem("widths", (x,), z3.Not(x.term), (a, b), ("done",))
    never = claim_of(z3.Not(x.term))
    assert ("VIOLATED", 1) == (bounded(system, never, 3).word, len(bounded(system, never, 3).trace))
    always = claim_of(TRUE, premise=x.term)
    assert "PROVED" == ic3(system, always).word
