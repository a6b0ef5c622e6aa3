"""A run made by hand: what it offers, what it is judged to be, and how it is taken back."""

from __future__ import annotations

import itertools

import pytest
from explored import BROKEN, afresh, session_at, walked

from checker import first_violation
from checker.answers.trace import choice_of, is_true_in
from checker.systems.system import Call
from conformance.mutants.catalogue import MUTANTS
from mktme.explore.paths import CALLS_MAX, PathError, path_from_text
from mktme.explore.session import Session
from mktme.explore.typed import numbered
from mktme.explore.view import view_of
from mktme.traces.recorded import RecordedCall, RecordError, call_read
from mktme.traces.telling import marked
from properties import PROPERTIES

PLACES = (
    "design=rfc-v2",
    "design=rfc-v2&absent=1",
    BROKEN,
    "design=per-package&run=instantiate(key=0,kind=user,bytes=A,wanted.1)",
    "design=rfc-v2&system=locks&run=begin(thread=0,operation=update)",
    "design=rfc-v2&system=payload&run=begin(capable,length=within)",
)


@pytest.mark.parametrize("place", PLACES)
def test_exactly_the_calls_that_the_model_enables_are_offered(place):
    session = session_at(place)
    system, state = session.world.grounding.system, session.trace.states[-1]
    expected = [
        call
        for action in system.actions
        for values in itertools.product(*(range(p.size) for p in action.parameters))
        if is_true_in(
            system, state, action.guard, *choice_of(system, call := Call(action.name, values))
        )
    ]
    offered = [call_read(system, 1, call) for call, _ in numbered(session.offers())]
    assert sorted(expected, key=repr) == sorted(offered, key=repr)


@pytest.mark.parametrize("place", PLACES)
def test_every_offered_call_has_words_of_its_own(place):
    words = [words for _, words in numbered(session_at(place).offers())]
    assert sorted(set(words)) == sorted(words)


WALKS = [
    *(("design=rfc-v2", seed) for seed in range(3)),
    ("design=rfc-v2,savekeys=on&bypass=yes", 0),
    ("design=per-package&absent=1", 0),
    *(("design=rfc-v2&system=locks", seed) for seed in range(2)),
    *(("design=rfc-v2&system=payload", seed) for seed in range(2)),
]


@pytest.mark.parametrize(("text", "seed"), WALKS)
def test_lamps_say_what_z3_says_of_the_run_and_the_implementation_agrees(text, seed):
    session = walked(text, 7, seed)
    system = session.world.grounding.system
    for lamp in session.lamps():
        if lamp.light == "not-applicable":
            assert lamp.property in session.world.excluded
            continue
        ground = session.world.grounding.property(PROPERTIES[lamp.property])
        first = first_violation(system, ground, session.trace)
        assert first == (lamp.steps[0] if lamp.steps else None), lamp.property
        assert bool(lamp.broken) == (lamp.light == "violated")
    assert "" == session.disagreement


def test_a_red_lamp_says_which_facts_are_false_and_how_they_came_about():
    lamps = {lamp.property: lamp for lamp in session_at(BROKEN).lamps()}
    lamp = lamps["tables-agree"]
    assert ("violated", (2,), "4d3578f88663") == (lamp.light, lamp.steps, lamp.trace)
    assert lamp.broken is not None
    assert ("entry_bytes[0,1] is B, but entry_bytes[1,1] is A",) == lamp.broken.facts
    assert "step 2 did not program it: PCONFIG there answered DEVICE_BUSY" in lamp.broken.causes
    frame = marked(session_at(BROKEN).frame(), frozenset(lamp.broken.reads))
    tables = next(panel for panel in frame.panels if panel.id == "key-tables")
    broken = [
        (row.head, title)
        for row in tables.rows
        for (title, _), entry in zip(tables.columns, row.entries, strict=True)
        if "broken" in entry.marks
    ]
    assert [("1", "package 0"), ("1", "package 1")] == broken


def test_a_step_property_judges_the_last_call_and_is_remembered_afterwards():
    session = session_at("design=rfc-v2")

    def lamp():
        return next(lamp for lamp in session.lamps() if lamp.property == "failure-is-noop")

    assert ("holds", "it is about calls, and none was made yet") == (lamp().light, lamp().words)
    session.go(path_from_text(BROKEN))
    assert ("violated", (2,)) == (lamp().light, lamp().steps)
    session.make(RecordedCall("destroy", (("key", "0"),)))
    assert ("was-violated", (2,), "") == (lamp().light, lamp().steps, lamp().trace)
    assert lamp().words.startswith("the call answers ENOKEY, and yet package 0's entry")


def test_a_lamp_that_cannot_apply_says_why():
    lamps = {lamp.property: lamp for lamp in session_at("design=rfc-v2,savekeys=on").lamps()}
    lamp = lamps["no-plaintext-unsaved"]
    expected = ("not-applicable", "savekeys=on: the design keeps user keys on purpose")
    assert expected == (lamp.light, lamp.words)


def test_a_lamp_knows_the_price_of_the_posture():
    session = session_at(
        "design=per-package&run=instantiate(key=0,kind=user,bytes=A,wanted.0);"
        "instantiate(key=1,kind=user,bytes=B,wanted.1)"
    )
    lamp = next(lamp for lamp in session.lamps() if lamp.property == "keyid-names-key")
    assert "violated" == lamp.light
    assert lamp.price is not None


@pytest.mark.parametrize(("text", "seed"), [WALKS[0], WALKS[4], WALKS[5], WALKS[7]])
def test_what_is_taken_back_leaves_nothing_behind(text, seed):
    session = walked(text, 6, seed)
    taken = session.path.calls
    session.undo(2)
    assert taken[:-2] == session.path.calls
    assert view_of(afresh(session)) == view_of(session)
    for call in taken[-2:]:
        session.make(call)
    assert view_of(afresh(session)) == view_of(session)
    session.undo(99)
    assert () == session.path.calls
    session.undo()
    assert view_of(afresh(session)) == view_of(session)


def test_a_session_goes_to_any_path_of_its_machine():
    session = walked("design=rfc-v2", 5, 1)
    for text in (BROKEN, "design=rfc-v2", BROKEN.replace("bytes=A", "bytes=B")):
        session.go(path_from_text(text))
        assert text == str(session.path)
        assert view_of(session_at(text)) == view_of(session)


def test_a_path_of_another_machine_is_refused():
    with pytest.raises(PathError, match="the path is of another machine"):
        session_at(BROKEN).go(path_from_text("design=rfc-v2&absent=1"))


def test_a_call_that_is_not_possible_is_refused_and_changes_nothing():
    session = session_at(BROKEN)
    before = view_of(session)
    for call, said in (
        (RecordedCall("destroy", (("key", "1"),)), "step 3, destroy key=1, is not possible there"),
        (RecordedCall("destroi"), "unknown call 'destroi' (did you mean destroy?)"),
        (RecordedCall("destroy", (("kay", "1"),)), "unknown argument 'kay' (did you mean key?)"),
        (RecordedCall("destroy", (("key", "9"),)), "key is no '9'"),
    ):
        with pytest.raises(RecordError) as refusal:
            session.make(call)
        assert said in str(refusal.value)
    assert before == view_of(session)


def test_a_call_that_an_error_of_ours_interrupts_was_not_made(monkeypatch):
    session = session_at(BROKEN)
    before, call = view_of(session), session.path.calls[0]

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(type(session.beside), "make", broken)
    again = RecordedCall("preparse_error", (("bytes", "A"),))
    with pytest.raises(ZeroDivisionError):
        session.make(again)
    monkeypatch.undo()
    assert (before, call) == (view_of(session), session.path.calls[0])


def test_a_run_has_a_greatest_length():
    session = session_at("design=rfc-v2")
    call = RecordedCall("preparse_error", (("bytes", "A"),))
    path = session.path.then(*[call] * CALLS_MAX)
    with pytest.raises(PathError, match=f"at most {CALLS_MAX} calls"):
        path.then(call)


FAULTS = {
    "text-not-cleared": ("run=instantiate(key=0,kind=user,bytes=A)", "in a place the model does"),
    "clear-keeps-the-key": (
        "design=rfc-v2-fixed&run=instantiate(key=0,kind=cpu,bytes=zeros);destroy(key=0)",
        "entry_mode[0,1]: model tme, implementation encrypt",
    ),
    "hotplug-takes-map-first": (
        "system=locks&run=begin(thread=0,operation=cpu_startup)",
        "cpu_startup asks for something else: take map",
    ),
    "capability-not-asked": (
        "system=payload&run=begin(length=within)",
        "the model answers EACCES, the implementation",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_implementation_is_said_and_ends_what_is_asked_of_it(fault):
    text, said = FAULTS[fault]
    with MUTANTS[fault].fault.planted():
        session = session_at(text)
        steps = len(session.trace)
        assert session.disagreement.startswith(f"step {steps}: ")
        assert said in session.disagreement
        call, _ = numbered(session.offers())[0]
        session.make(call)
        assert f"step {steps}: " in session.disagreement
        assert () == session.regions()
        assert not view_of(session).implementation.agrees
        session.undo(2)
        assert "" == session.disagreement


def test_every_system_can_be_explored_under_every_design():
    for design in ("no-hotplug", "cpu-keys-only", "wrapped-vault", "resupply"):
        for system in ("", "&system=locks", "&system=payload"):
            session = Session(path_from_text(f"design={design}{system}"))
            assert session.offers()
            assert "" == session.disagreement
