"""Which question a search is about, as a number: the same for the same system and claims only.

Z3 may order the arguments of commutative operators differently in another process, so these are
put in an order of their own. Everything else counts: names, labels, the order of variables and
actions, and every term.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import z3

from checker.exploring.emit import postorder
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Term, Variable

_COMMUTATIVE = {
    z3.Z3_OP_AND,
    z3.Z3_OP_OR,
    z3.Z3_OP_XOR,
    z3.Z3_OP_EQ,
    z3.Z3_OP_IFF,
    z3.Z3_OP_DISTINCT,
    z3.Z3_OP_BAND,
    z3.Z3_OP_BOR,
    z3.Z3_OP_BXOR,
    z3.Z3_OP_BADD,
    z3.Z3_OP_BMUL,
}


def fingerprint(
    system: GroundSystem,
    claims: Sequence[GroundProperty],
    representative: Sequence[Term] | None = None,
) -> str:
    """A SHA-256 of the system, the claims and the reduction, as 64 hexadecimal digits."""
    texts: list[str] = []
    terms: list[Term] = [system.initially]
    texts += ["variables", *_variables(system.variables)]
    for action in system.actions:
        updates = sorted(action.updates.items())
        texts += ["action", action.name, *_variables(action.parameters), *(n for n, _ in updates)]
        terms += [action.guard, *(term for _, term in updates)]
    for claim in claims:
        steps = [*sorted(claim.steps.items()), *sorted(claim.premise_steps.items())]
        texts += ["claim", claim.id, claim.kind, *(name for name, _ in steps)]
        texts += [f"{len(claim.steps)} steps"]
        terms += [claim.state, claim.premise_state, *(term for _, term in steps)]
    texts.append("whole" if representative is None else "representative")
    terms += representative or ()
    texts += _digests(terms)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _variables(variables: Sequence[Variable]) -> list[str]:
    return [f"{v.name}: {v.term.sort()} {' '.join(v.labels)}" for v in variables]


def _digests(terms: Sequence[Term]) -> list[str]:
    """What distinguishes each term from others."""
    known: dict[int, str] = {}
    for term, children in postorder(terms):
        below = [known[child.get_id()] for child in children]
        if term.decl().kind() in _COMMUTATIVE:
            below.sort()
        if z3.is_bv_value(term):
            own = f"{term.as_long()}:{term.size()}"
        else:
            own = f"{term.decl().name()} {term.params()} {term.sort()}"
        text = "\0".join([own, *below])
        known[term.get_id()] = hashlib.sha256(text.encode()).hexdigest()
    return [known[term.get_id()] for term in terms]
