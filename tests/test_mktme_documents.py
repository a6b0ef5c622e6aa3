"""A counterexample as a document: calls, panels and their marks, what is broken and how it came."""

from __future__ import annotations

import functools
import json

import pytest
from payload_runs import Text
from pydantic import ValidationError

from checker.exploring.instances import initial_states
from checker.systems.reading import Reading
from conformance.lockstep import ground
from conformance.owners import user_key
from conformance.replayed import Executed, ReplayStep
from designs import design_from_text
from mktme.judge import judge
from mktme.traces import causes
from mktme.traces.document import MARKS, Document, Entry
from mktme.traces.drawing import Moment
from mktme.traces.telling import document_of, frame_of
from model import Scope
from properties import PROPERTIES


@functools.cache
def document(design: str, property_id: str) -> Document:
    cell = judge(design_from_text(design), PROPERTIES[property_id], Scope())
    grounding = ground(cell.design, Scope(), PROPERTIES[property_id].system)
    return document_of(cell, Scope(), grounding)


def entry(shown: Document, frame: int, panel: str, row: str, column: str) -> Entry:
    (found,) = (one for one in shown.frames[frame].panels if one.id == panel)
    (line,) = (one for one in found.rows if one.head == row)
    titles = [title for title, _ in found.columns]
    return line.entries[titles.index(column)]


def marks(shown: Document) -> set[str]:
    panels = (panel for frame in shown.frames for panel in frame.panels)
    entries = (one for panel in panels for row in panel.rows for one in row.entries)
    return {mark for one in entries for mark in one.marks}


def test_the_right_entries_are_marked_where_the_tables_disagree():
    shown = document("rfc-v2", "tables-agree")
    a, b = user_key("A").fingerprint, user_key("B").fingerprint
    before = entry(shown, 1, "key-tables", "1", "package 0")
    here = entry(shown, 2, "key-tables", "1", "package 0")
    there = entry(shown, 2, "key-tables", "1", "package 1")
    assert ("encrypt AES-XTS-128, key A", a, ("changed",)) == (
        before.text,
        before.key,
        before.marks,
    )
    assert ("encrypt AES-XTS-128, key B", b) == (here.text, here.key)
    assert ("changed", "stale", "broken") == here.marks
    assert "encrypt AES-XTS-128, key A" == here.was
    assert (a, ("broken",)) == (there.key, there.marks)
    assert [] == [
        one
        for panel in shown.frames[2].panels
        for row in panel.rows
        for one in row.entries
        if "broken" in one.marks and one not in (here, there)
    ]


def test_what_is_false_is_said_with_its_values_and_its_cause():
    broken = document("rfc-v2", "tables-agree").broken
    assert ("entry_bytes[0,1] is B, but entry_bytes[1,1] is A",) == broken.facts
    assert ("entry_bytes[Package,KeyID]: the key in a table's entry",) == broken.variables
    assert (
        "package 0's entry of KeyID 1 was programmed last in step 2",
        "package 1's entry of KeyID 1 was programmed last in step 1",
        "step 2 did not program it: PCONFIG there answered DEVICE_BUSY",
    ) == broken.causes


def test_where_a_conclusion_names_nothing_its_premise_is_what_is_false():
    shown = document("rfc-v2", "map-exact")
    assert ("mapped[0,1] is yes", "mapped[0,2] is yes") == shown.broken.facts
    for row in ("1", "2"):
        assert "broken" in entry(shown, 4, "key-tables", row, "map").marks


def test_a_package_without_a_cpu_is_a_cause():
    found = document("per-package", "right-key").broken.causes
    assert "step 4 did not program it: the package had no online CPU" in found


def test_a_package_that_was_absent_is_a_cause():
    grounding = ground(design_from_text("rfc-v2"), Scope())
    starts = [Reading(grounding, start) for start in initial_states(grounding.system)]
    absent = next(start for start in starts if not start.is_true("present", 1))
    done = Executed(0, 0, "SET_KEY_DIRECT", 1, "AES-XTS-128", "1f34", "PROG_SUCCESS")
    why = causes.why_not(absent, ReplayStep("ok", "", (done,)), 1)
    assert "the package was not in the machine" == why


def test_a_step_that_breaks_a_property_is_told_by_its_answer():
    broken = document("rfc-v2", "hotplug-admitted").broken
    assert "answer is EPERM, not ok" in broken.facts
    assert () == broken.causes


def test_the_pconfigs_of_a_call_are_there_with_their_decoded_operands():
    (first, *_) = document("rfc-v2", "tables-agree").calls[1].executions
    assert (0, 0, "SET_KEY_DIRECT", 1, "AES-XTS-128", user_key("B").fingerprint) == (
        first.cpu,
        first.package,
        first.command,
        first.keyid,
        first.algorithm,
        first.key,
    )
    assert "PROG_SUCCESS" == first.status


@pytest.mark.parametrize(
    ("design", "property_id", "mark"),
    [
        ("rfc-v2", "tables-agree", "erased"),
        ("rfc-v2", "no-plaintext-unsaved", "residual"),
        ("rfc-v2-savekeys", "cold-boot-keys", "saved"),
        ("rfc-v2", "map-exact", "stale"),
        ("rfc-v2", "released-is-clear", "residual"),
    ],
)
def test_each_kind_of_key_material_has_its_mark(design, property_id, mark):
    assert mark in marks(document(design, property_id))


def test_each_mark_has_a_sign_and_a_meaning_of_its_own():
    signs = [sign for sign, _ in MARKS.values()]
    assert len(MARKS) == len(set(signs)) == len({meaning for _, meaning in MARKS.values()})


def test_locks_have_their_holders_and_who_waits_for_them():
    shown = document("rfc-v2-fixed,lock_order=map_first", "no-deadlock")
    held = entry(shown, len(shown.calls), "locks", "the map lock", "held by")
    awaited = entry(shown, len(shown.calls), "locks", "the map lock", "awaited by")
    assert ("thread 1", "thread 0") == (held.text, awaited.text)
    assert "thread 1" in shown.calls[-1].who


def test_a_refused_payload_that_is_never_freed_is_residual():
    text = Text("rfc-v2").begin().take("key=broken")
    frame = frame_of([Moment(Reading(text.grounding, text.state))], "payload")
    (structure,) = (panel for panel in frame.panels if panel.id == "structure")
    assert ("data key", ("residual",)) == (
        structure.rows[0].head,
        structure.rows[0].entries[0].marks,
    )


def test_key_bytes_are_nowhere_in_a_document():
    for design, property_id in (("rfc-v2", "no-plaintext-unsaved"), ("rfc-v2", "cold-boot-keys")):
        written = document(design, property_id).model_dump_json()
        for label in "AB":
            for part in (user_key(label).data_key, user_key(label).tweak_key):
                assert not any(part.hex()[at : at + 8] in written for at in range(0, 24, 2))


def test_a_document_is_read_back_as_it_was_written():
    shown = document("rfc-v2", "tables-agree")
    assert shown == Document.model_validate_json(shown.model_dump_json())


@pytest.mark.parametrize("change", [{"version": 2}, {"format": "other"}, {"unknown": 1}])
def test_another_format_is_no_document(change):
    written = json.loads(document("rfc-v2", "tables-agree").model_dump_json()) | change
    with pytest.raises(ValidationError):
        Document.model_validate(written)


@pytest.mark.deep
@pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2-savekeys", "per-package", "cpu-keys-only"])
@pytest.mark.parametrize("property_id", PROPERTIES)
def test_every_violation_has_a_document_with_facts(design, property_id):
    cell = judge(design_from_text(design), PROPERTIES[property_id], Scope())
    if cell.word != "VIOLATED":
        pytest.skip("it is not violated")
    grounding = ground(cell.design, Scope(), PROPERTIES[property_id].system)
    shown = document_of(cell, Scope(), grounding)
    assert len(shown.frames) == len(shown.calls) + 1
    assert shown.broken.facts
