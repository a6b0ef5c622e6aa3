"""A price that is listed and does not show is an error of this program, or of its table."""

from __future__ import annotations

import pytest

from designs import DESIGNS
from mktme import judge, statuses
from model import Scope
from properties import PROPERTIES

LISTED = "CPUs are sold separately"


@pytest.fixture(autouse=True)
def a_price_that_nobody_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "prices", lambda _design: {"lead-exact": LISTED})


def judged(claim: str, scope: Scope) -> judge.Cell:
    return judge.judge(DESIGNS["rfc-v2-fixed"], PROPERTIES[claim], scope)


@pytest.mark.parametrize("scope", [Scope(), Scope(1, 2, 1, 1, 1, 1)])
def test_a_listed_price_of_what_holds_for_any_size_is_an_error(scope: Scope) -> None:
    cell = judged("lead-exact", scope)
    said = f"it holds, although it is listed as what the posture gives up: {LISTED}"
    assert (said, True) == (cell.error, cell.disagrees)
    assert statuses.DISAGREE == statuses.for_compare([cell])


def test_what_is_not_listed_may_hold() -> None:
    assert "" == judged("bitmap-exact", Scope()).error
