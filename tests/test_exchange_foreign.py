"""Whether public checkers reach our verdicts on the files that we write for them."""

from __future__ import annotations

import every_operator
import pytest
import reporting
from foreign import FOREIGN, Told

from checker import Exploration, cone_of_influence, explore
from checker.exchange.formats import FORMATS
from checker.exchange.subject import Subject
from conformance.lockstep import ground
from designs import design_from_text
from mktme import exports
from model import Scope
from properties import PROPERTIES

ONE = Scope(packages=2, cpus=1, keyids=1, values=1, vmas=1)
CELLS = {
    ("rfc-v2", "tables-agree", Scope()): 2,
    ("rfc-v2", "never-in-clear", Scope(cpus=1, vmas=1)): 4,
    ("rfc-v2", "in-bounds", ONE): 1,
    ("per-package", "right-key", ONE): 5,
    ("rfc-v2", "no-deadlock", Scope()): 4,
    ("rfc-v2", "operations-finish", Scope()): 4,
    ("rfc-v2", "payload-as-documented", Scope()): 4,
    ("rfc-v2-fixed", "tables-agree", ONE): None,
    ("resupply", "tables-agree", ONE): None,
    ("rfc-v2", "teardown-admitted", ONE): None,
    ("no-hotplug", "in-bounds", ONE): None,
    ("rfc-v2-fixed", "no-deadlock", Scope()): None,
    ("no-hotplug", "payload-as-documented", Scope()): None,
}
"""Claims of states and of steps, of the key service, locks and payloads: how long the violation is,
or None where the claim holds."""


def explored(design: str, claim_id: str, scope: Scope) -> Exploration:
    """What the explorer says of a cell, with the number of states of its cone."""
    claim = PROPERTIES[claim_id]
    grounding = ground(design_from_text(design), scope, claim.system)
    grounded = grounding.property(claim)
    return explore(cone_of_influence(grounding.system, grounded), [grounded])


SLOW = {
    ("TLC", "never-in-clear"),
    ("TLC", "right-key"),
    ("z3's Spacer", "never-in-clear"),
    ("z3's Spacer", "right-key"),
    ("z3's Spacer", "no-deadlock"),
    ("z3's Spacer", "operations-finish"),
    ("TLC", "operations-finish"),
    ("cvc5", "operations-finish"),
    ("btormc", "no-deadlock"),
}
"""What takes up to a minute."""

FEW = {
    ("rfc-v2", "tables-agree"),
    ("rfc-v2", "in-bounds"),
    ("rfc-v2", "no-deadlock"),
    ("rfc-v2-fixed", "tables-agree"),
    ("rfc-v2", "teardown-admitted"),
    ("no-hotplug", "payload-as-documented"),
}
"""Cells that every checker is asked about by default: states and steps, violated and proved."""

TOO_SLOW = {("z3's Spacer", "rfc-v2-fixed", "no-deadlock"), ("cvc5", "rfc-v2-fixed", "no-deadlock")}
"""What takes longer than anybody would wait: nothing is compared there."""


def comparisons():
    """Each checker with each cell."""
    for name in FOREIGN:
        for cell in CELLS:
            if (name, *cell[:2]) not in TOO_SLOW:
                is_slow = (name, cell[1]) in SLOW or cell[:2] not in FEW
                marks = [pytest.mark.deep] if is_slow else []
                yield pytest.param(name, cell, marks=marks, id=f"{name}: {cell[0]} {cell[1]}")


@pytest.mark.parametrize(("name", "cell"), list(comparisons()))
def test_a_foreign_checker_reaches_our_verdict(name, cell, tmp_path):
    foreign = FOREIGN[name]
    if reason := foreign.absent():
        pytest.skip(f"{name} was not asked: {reason}")
    design, claim_id, scope = cell
    form = exports.format_from_text(foreign.format)
    path = tmp_path / f"exported{form.ending}"
    arguments = design_from_text(design), PROPERTIES[claim_id], scope, form, path.stem
    exports.write(path, exports.texts(*arguments, foreign.depth), form)
    ours = explored(*cell)
    found = ours.findings[claim_id].counterexample
    assert CELLS[cell] == (None if found is None else len(found.calls))
    assert ours.closed == (found is None)
    told = foreign.ask(path)
    assert agreeing(told, CELLS[cell], ours.states) == told
    reporting.FOREIGN.append(in_words(name, cell, told))


def agreeing(told: Told, length: int | None, states: int) -> Told:
    """What a checker that tells as much as this one should have said.

    Bounded search may find nothing where a claim holds, and only there.
    """
    if length is not None:
        return Told(False, None if told.length is None else length)
    return Told(None if told.holds is None else True, None, None if told.states is None else states)


def in_words(name: str, cell: tuple[str, str, Scope], told: Told) -> str:
    """One line for the report."""
    verdict = {True: "holds", False: "is violated", None: "is not violated in a few steps"}
    after = "" if told.length is None else f", after {told.length}"
    states = "" if told.states is None else f", {told.states:,} states"
    return f"{name}: {cell[0]} {cell[1]} {verdict[told.holds]}{after}{states}"


OPERATORS_WRONG = ["", "plus", "right", "signed at most"]


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(w, marks=pytest.mark.deep if w else ()) for w in OPERATORS_WRONG],
    ids=lambda wrong: wrong or "none wrong",
)
# Cvc5 reads the same file as Z3, and takes minutes for these tables.
@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "cvc5"])
def test_a_foreign_checker_computes_each_operator_as_python_does(name, wrong, tmp_path):
    foreign = FOREIGN[name]
    if reason := foreign.absent():
        pytest.skip(f"{name} was not asked: {reason}")
    form = FORMATS[foreign.format]
    path = tmp_path / f"operators{form.ending}"
    subject = Subject(*every_operator.tables(wrong), (), path.stem, 1)
    exports.write(path, form.write(subject), form)
    told = foreign.ask(path)
    assert agreeing(told, 0 if wrong else None, every_operator.SIZE**2) == told
