"""Whether a claim holds at every depth, by the engine for Horn clauses that Z3 brings along.

Source: Komuravelli, Gurfinkel, Chaki, "SMT-Based Model Checking for Recursive Programs", CAV 2014.
It shares nothing with `ic3` but the ground system, and is there to contradict it. What it says is
not taken on trust: a violation is searched for again by `bounded`, which gives a shortest run, and
an invariant is checked before it is offered as a proof.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import z3

from checker.answers.proof import Invariant
from checker.answers.verdict import Verdict
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.unroll import Unknown
from checker.systems.asking import ask, query
from checker.systems.deadlines import deadline_after, is_over, seconds_left
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Term

ENGINE = "spacer"
NEAR = 4
"""To this depth a premise is looked for by bounded search before Spacer is asked about it."""
FAR = 1_000_000
"""What Spacer says is reachable is looked for to this depth, or until the time is over."""


def spacer(
    system: GroundSystem, claim: GroundProperty, *, seconds_max: float | None = None
) -> Verdict:
    """Judge a claim about a well-formed system, without a bound on the depth.

    PROVED carries an Invariant that together with the claim is inductive in one step; Z3 has
    confirmed that it is. VACUOUS: the claim holds, and Spacer says so of the premise's opposite.
    VIOLATED has a shortest run. UNKNOWN says why: out of time, an invariant that does not stand,
    or a violation or premise without a run that shows it. `depth` is 0 except for VIOLATED.
    """
    deadline = deadline_after(seconds_max)
    try:
        proof = _unreachable(system, z3.Not(claim.state), _violations(claim), deadline)
        if proof is None:
            return _violated(system, claim, deadline)
        if not _is_inductive(system, claim, proof, deadline):
            return _unknown("its invariant is not inductive together with the claim")
        if _premise_reached(system, claim, deadline):
            return Verdict("PROVED", ENGINE, 0, proof=proof)
        return Verdict("VACUOUS", ENGINE, 0, premise_reached=False)
    except Unknown as unknown:
        return _unknown(str(unknown))


def _unknown(reason: str) -> Verdict:
    return Verdict("UNKNOWN", ENGINE, 0, premise_reached=False, reason=reason)


def _violations(claim: GroundProperty) -> dict[str, Term]:
    return {name: z3.Not(term) for name, term in claim.steps.items()}


def _violated(system: GroundSystem, claim: GroundProperty, deadline: float | None) -> Verdict:
    """A shortest run to a violation that Spacer says there is."""
    found = bounded(system, claim, FAR, seconds_left(deadline))
    if found.word == "VIOLATED":
        return dataclasses.replace(found, engine=ENGINE)
    return _unknown(f"found violated, but no run was reconstructed: {found.reason}")


def _premise_reached(system: GroundSystem, claim: GroundProperty, deadline: float | None) -> bool:
    """Whether a run reaches the premise, or, by Spacer's word, none does. Raises Unknown."""
    if reaches_premise(system, claim, NEAR, seconds_left(deadline)) is not None:
        return True
    if _unreachable(system, claim.premise_state, claim.premise_steps, deadline) is not None:
        return False
    return reaches_premise(system, claim, FAR, seconds_left(deadline)) is not None


def _unreachable(
    system: GroundSystem, state: Term, steps: Mapping[str, Term], deadline: float | None
) -> Invariant | None:
    """An invariant that keeps runs away from a state or step; None when one comes there.

    Raises Unknown when Spacer gives no answer.
    """
    left = seconds_left(deadline)
    if left is not None and left <= 0:
        raise Unknown("out of time")
    terms = [variable.term for variable in system.variables]
    reached = z3.Function("reached", *(term.sort() for term in terms), z3.BoolSort())
    goal = z3.Function("goal", z3.BoolSort())
    horn = _rules(system, reached, terms)
    horn.register_relation(goal)
    horn.rule(goal(), [reached(*terms), state])
    for action in system.actions:
        if action.name in steps:
            horn.declare_var(*(parameter.term for parameter in action.parameters))
            horn.rule(goal(), [reached(*terms), action.guard, steps[action.name]])
    answer = query(horn, goal(), seconds=left)
    if answer == z3.unknown:
        if is_over(deadline):
            raise Unknown("out of time")
        raise Unknown(f"Spacer gave no answer: {horn.reason_unknown()}")
    if answer == z3.sat:
        return None
    cover = horn.get_cover_delta(-1, reached)
    return Invariant(system, (z3.simplify(z3.substitute_vars(cover, *terms)),))


def _rules(system: GroundSystem, reached: z3.FuncDeclRef, terms: list[Term]) -> z3.Fixedpoint:
    """Where runs begin, and where they go from anywhere that they have come to."""
    horn = z3.Fixedpoint()
    horn.set(engine="spacer")
    horn.register_relation(reached)
    if terms:
        horn.declare_var(*terms)
    in_range = [variable.in_range() for variable in system.variables]
    horn.rule(reached(*terms), [system.initially, *in_range])
    for action in system.actions:
        if action.parameters:
            horn.declare_var(*(parameter.term for parameter in action.parameters))
        after = [action.updates.get(v.name, v.term) for v in system.variables]
        horn.rule(reached(*after), [reached(*terms), action.guard])
    return horn


def _is_inductive(
    system: GroundSystem, claim: GroundProperty, proof: Invariant, deadline: float | None
) -> bool:
    """Whether an invariant and the claim hold initially and stay. Raises Unknown."""
    holds = z3.And(claim.state, *proof.conjuncts)
    in_range = [variable.in_range() for variable in system.variables]
    questions = [[system.initially, *in_range, z3.Not(holds)]]
    for action in system.actions:
        after = [(v.term, action.updates.get(v.name, v.term)) for v in system.variables]
        kept = z3.And(z3.substitute(holds, *after), claim.steps.get(action.name, z3.BoolVal(True)))
        questions.append([holds, *in_range, action.guard, z3.Not(kept)])
    return all(_is_impossible(question, deadline) for question in questions)


def _is_impossible(formulas: list[Term], deadline: float | None) -> bool:
    solver = z3.Solver()
    solver.add(*formulas)
    answer = ask(solver, seconds=seconds_left(deadline))
    if answer == z3.unknown:
        raise Unknown(f"Z3 gave no answer about the invariant: {solver.reason_unknown()}")
    return bool(answer == z3.unsat)
