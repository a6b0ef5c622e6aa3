"""The nearest violation from where a run has led: it is one, and none is nearer."""

from __future__ import annotations

import json
import subprocess

import pytest
from explored import BROKEN, session_at

from mktme import ownfiles
from mktme.explore import sought
from mktme.explore.paths import PathError
from mktme.explore.session import Session
from mktme.explore.sought import COMMAND, Found, Sought, nearest, sent
from mktme.explore.view import view_of
from mktme.explore.world import world_of

ENCRYPTED = "design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A);encrypt(vma=0,key=0)"

FOUND = [
    ("design=rfc-v2", "tables-agree", 2),
    ("design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)", "tables-agree", 1),
    ("design=rfc-v2", "failure-is-noop", 1),
    (BROKEN, "failure-is-noop", 1),
    (ENCRYPTED, "right-key", 3),
    ("system=locks", "no-deadlock", 4),
    ("system=locks&run=begin(thread=0,operation=encrypt_last)", "no-deadlock", 3),
    ("system=payload", "payload-as-documented", 4),
]


def violates_within(session: Session, property_id: str, depth: int) -> bool:
    """Whether some run of so many calls violates the property: a search over plain states."""
    machine, (claim, ground) = session.world.machine, session.world.claims[property_id]
    level = {session.trace.states[-1]}
    for _ in range(depth):
        following = set()
        for state in level:
            for call in machine.enabled(state):
                if claim.kind == "step" and not machine.allows(ground, state, call):
                    return True
                _, after = machine.step(state, call)
                following.add(after)
        if any(not machine.holds(ground, state) for state in following):
            return True
        level = following
    return False


@pytest.mark.parametrize(("text", "property_id", "calls"), FOUND)
def test_what_is_found_is_a_violation_and_none_is_nearer(text, property_id, calls):
    found = nearest(Sought(path=text, property=property_id))
    assert ("found", calls) == (found.what, found.calls)
    longer = session_at(found.path)
    lamp = next(lamp for lamp in longer.lamps() if lamp.property == property_id)
    assert "violated" == lamp.light
    assert len(longer.trace) - len(session_at(text).trace) == calls
    assert str(longer.path).startswith(text if "design" in text else f"design=rfc-v2&{text}")
    assert not violates_within(session_at(text), property_id, calls - 1)
    assert "" == longer.disagreement


def test_a_state_that_violates_it_is_near_enough():
    found = nearest(Sought(path=BROKEN, property="tables-agree"))
    assert ("here", "tables-agree is violated here already") == (found.what, found.words)


def test_what_can_never_be_violated_is_said_with_what_was_explored():
    path = "design=rfc-v2-fixed&system=payload"
    found = nearest(Sought(path=path, property="payload-as-documented"))
    words = "whatever happens from here, payload-as-documented holds: 121 states can be reached"
    assert ("never", words, "") == (found.what, found.words, found.path)


def test_what_is_not_found_in_time_is_said_with_how_far_it_was_looked_for(monkeypatch):
    monkeypatch.setattr(sought, "STATES_MAX", 3000)
    monkeypatch.setattr(sought, "DEPTH_MAX", 3)
    found = nearest(Sought(path="design=rfc-v2-fixed", property="tables-agree"))
    assert "not-found" == found.what
    expected = "no run of 4 calls or fewer violates tables-agree from here; more than 3000 states"
    assert expected == found.words


@pytest.mark.parametrize("property_id", ["no-deadlock", "payload-as-documented"])
def test_a_property_of_another_system_is_refused(property_id):
    with pytest.raises(PathError, match=f"{property_id} is not judged here"):
        nearest(Sought(path="", property=property_id))


def test_a_property_that_does_not_apply_is_refused_with_the_reason():
    path = "design=rfc-v2,savekeys=on"
    with pytest.raises(PathError, match="savekeys=on: the design keeps user keys on purpose"):
        nearest(Sought(path=path, property="no-plaintext-unsaved"))


def test_as_a_program_it_reads_a_question_and_writes_an_answer():
    question = sent(Sought(path="system=locks", property="no-deadlock"))
    done = subprocess.run(COMMAND, input=question, capture_output=True, text=True, check=True)
    assert 4 == Found.model_validate_json(done.stdout).calls
    question = sent(Sought(path="system=lock", property="no-deadlock"))
    done = subprocess.run(COMMAND, input=question, capture_output=True, text=True, check=True)
    assert "unknown system 'lock'" in json.loads(done.stdout)["error"]


OWN = """
from z3 import Not
from mktme import own

own.design("mine", savekeys="on")
own.property(
    name="nothing-mapped",
    sentence="No key is ever mapped.",
    formula=lambda s: s.every(own.KEYID, lambda k: Not(s.is_mapped(None, k))),
    premise=lambda s: s.some(own.KEYID, lambda k: s.is_mapped(None, k)),
)
"""


def test_a_users_own_design_and_property_are_explored_and_sought_too():
    world_of.cache_clear()
    try:
        ownfiles.load([ownfiles.OwnFile("mine.py", OWN)])
        question = sent(Sought(path="design=mine", property="nothing-mapped"))
        done = subprocess.run(COMMAND, input=question, capture_output=True, text=True, check=True)
        found = Found.model_validate_json(done.stdout)
        assert ("found", 1) == (found.what, found.calls)
        view = view_of(session_at(found.path))
        assert "mine" in {design.name for design in view.designs}
        assert ("nothing-mapped",) == view.violated[1][-1:]
        lamp = view.lamps[-1]
        assert ("nothing-mapped", "violated") == (lamp.property, lamp.light)
    finally:
        ownfiles.forget()
        world_of.cache_clear()
