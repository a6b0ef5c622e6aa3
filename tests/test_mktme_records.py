"""What a run is called, and how it is made again from what was written down."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest

from checker.answers.trace import Trace, TraceError, first_violation, run
from checker.systems.system import Call, GroundSystem
from conformance.lockstep import ground
from designs import DESIGNS, design_from_text
from mktme.judge import judge
from mktme.traces.recorded import Record, RecordedCall, RecordError, recorded, retraced
from model import Scope
from properties import PROPERTIES

QUOTED = {
    ("rfc-v2", "tables-agree"): "4d3578f88663",
    ("rfc-v2", "no-lost-lock"): "ccf6341b591c",
    ("rfc-v2", "payload-as-documented"): "3a4fbaeced09",
    ("per-package", "right-key"): "1688848bd617",
}
"""Identities of counterexamples. To change one is to change what people have quoted."""

ORDERS = list(itertools.permutations(range(2)))


def violation(design: str, property_id: str, scope: Scope | None = None) -> tuple[Record, Trace]:
    cell = judge(design_from_text(design), PROPERTIES[property_id], scope or Scope())
    grounding = ground(cell.design, scope or Scope(), PROPERTIES[property_id].system)
    record = recorded(cell.design, property_id, scope or Scope(), grounding, cell.trace)
    assert record.id == cell.trace_id
    return record, cell.trace


@pytest.mark.parametrize(("design", "property_id"), QUOTED)
def test_a_violation_has_the_identity_that_was_quoted(design, property_id):
    record, _ = violation(design, property_id)
    assert QUOTED[design, property_id] == record.id


def test_a_name_for_the_design_is_not_part_of_the_identity():
    plain, _ = violation("rfc-v2", "tables-agree")
    other = dataclasses.replace(plain, design=dataclasses.replace(plain.design, name="mine"))
    assert plain.id == other.id


def test_a_knob_that_is_not_as_posted_is_part_of_the_identity():
    plain, _ = violation("rfc-v2", "tables-agree")
    changed = dataclasses.replace(plain, design=plain.design.but(parser="strict"))
    assert plain.id != changed.id


def test_the_same_calls_in_a_larger_machine_have_the_same_identity():
    small, _ = violation("rfc-v2", "tables-agree")
    large, _ = violation("rfc-v2", "tables-agree", Scope(cpus=1, keyids=3, vmas=1))
    assert small.id == large.id


@pytest.mark.parametrize(("design", "property_id"), QUOTED)
def test_a_record_is_enough_to_make_the_run_again(design, property_id):
    record, trace = violation(design, property_id)
    assert trace == retraced(record)


def renamed(call: Call, system: GroundSystem, orders: dict[str, tuple[int, ...]]) -> Call:
    """The call with packages, KeyIDs, key objects and user keys renamed."""
    labels = call.labelled(system)
    told = {}
    for name, label in labels.items():
        head, bracket, index = name.partition("[")
        key = name if not bracket else f"{head}[{orders['package'][int(index[:-1])]}]"
        told[key] = label
        if name in ("package", "key"):
            told[key] = str(orders[name][int(label)])
        elif name in ("keyid", "fails_at"):
            told[key] = str(orders["keyid"][int(label) - 1] + 1)
        elif name == "bytes" and label in "AB":
            told[key] = "AB"[orders["bytes"]["AB".index(label)]]
    parameters = system.action(call.action).parameters
    return Call(call.action, tuple(p.labels.index(told[p.name]) for p in parameters))


@pytest.mark.parametrize("property_id", ["tables-agree", "right-key", "no-lost-keyid", "map-exact"])
def test_no_renaming_of_packages_keyids_and_keys_gives_a_lesser_counterexample(property_id):
    record, trace = violation("rfc-v2", property_id)
    grounding = ground(record.design, record.scope)
    system, claim = grounding.system, grounding.property(PROPERTIES[property_id])
    position = {action.name: n for n, action in enumerate(system.actions)}
    made = 0

    def in_order(calls: list[Call]) -> list[tuple[int, tuple[int, ...]]]:
        return [(position[call.action], call.values) for call in calls]

    calls = [step.call for step in trace.steps]
    for chosen in itertools.product(ORDERS, repeat=4):
        orders = dict(zip(("package", "keyid", "key", "bytes"), chosen, strict=True))
        other = [renamed(call, system, orders) for call in calls]
        try:
            ran = run(system, trace.start, other)
        except TraceError:
            continue
        if first_violation(system, claim, ran) is not None:
            made += 1
            assert in_order(calls) <= in_order(other)
    assert made > 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (RecordedCall("destory", ()), "step 1: unknown call 'destory' (did you mean destroy?)"),
        (RecordedCall("destroy", (("kee", "0"),)), "unknown argument 'kee' (did you mean key?)"),
        (RecordedCall("destroy", (("key", "7"),)), "step 1, destroy: key is no '7'; known: 0, 1"),
        (RecordedCall("destroy", (("key", "0"),)), "step 1, destroy, is not possible there"),
    ],
)
def test_a_call_that_the_model_does_not_have_is_refused(call, words):
    record = Record(DESIGNS["rfc-v2"], "tables-agree", Scope(), (), False, (call,))
    with pytest.raises(RecordError, match=re.escape(words)):
        retraced(record)


def test_a_machine_that_cannot_boot_is_refused():
    record = Record(DESIGNS["rfc-v2"], "tables-agree", Scope(), (0, 1), False, ())
    with pytest.raises(RecordError, match="boots with absent=0 absent=1"):
        retraced(record)
