"""A price that is listed and does not show is an error of this program, or of its table."""

from __future__ import annotations

import pytest

from designs import DESIGNS, design_from_text
from mktme import judge, statuses
from mktme.pricing import price_told
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


# How a price is told beside the run that is shown


def test_where_details_are_not_repaired_the_run_that_is_shown_may_be_a_mistake() -> None:
    for text in ("rfc-v2", "rfc-v2-fixed,key_lookup=by_address"):
        told = price_told(design_from_text(text), "right-key")
        assert told is not None
        assert told.startswith(
            "With every detail repaired (rfc-v2-fixed) it is violated as well, by this run or"
            " another: keys are programmed without the packages"
        )


def test_a_repaired_design_that_has_no_name_is_not_named() -> None:
    told = price_told(design_from_text("rfc-v2,savekeys=on,vault_form=wrapped"), "right-key")
    assert told is not None
    assert told.startswith("With every detail repaired it is violated as well, by this run")


def test_a_repaired_design_pays_by_the_run_that_is_shown() -> None:
    told = price_told(design_from_text("rfc-v2-fixed"), "right-key")
    assert told is not None
    assert told.startswith("The price of the posture: keys are programmed without the packages")
    assert price_told(design_from_text("rfc-v2-fixed"), "tables-agree") is None
