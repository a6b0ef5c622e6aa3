"""A claim about a design of which some action cannot happen is vacuous."""

from __future__ import annotations

import pytest

from checker.solving.bounded import never_taken
from conformance.lockstep import ground
from designs import DESIGNS, design_from_text
from mktme import judge
from model import SYSTEMS, Scope
from properties import PROPERTIES


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("design", DESIGNS)
def test_every_action_of_a_named_design_happens(design: str, system: str) -> None:
    assert () == judge.idle_actions(DESIGNS[design], system)


def test_actions_that_need_what_a_scope_lacks_are_named() -> None:
    text = ground(DESIGNS["rfc-v2-fixed"], Scope(1, 1, 1, 1, 1, 1))
    lacking = set(never_taken(text.system, judge.ACTION_STEPS_MAX))
    assert {"package_add", "cpu_startup", "cpu_teardown", "fork"} == lacking


@pytest.mark.parametrize("claim", ["lead-exact", "no-lost-lock"])
def test_what_holds_where_an_action_never_happens_is_vacuous(
    claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "idle_actions", lambda *_: ("retry_clear", "fork"))
    cell = judge.judge(design_from_text("rfc-v2-fixed"), PROPERTIES[claim], Scope())
    assert "VACUOUS" == cell.word
    assert f"{judge.IDLE}: retry_clear, fork" == cell.because
