"""How a walk over every transition is asked for and shown."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from conformance.edges import SMALLEST
from designs import DESIGNS
from impl.service.system import System
from mktme import cli, conforming, statuses
from mktme.conforming import Conformed, walked
from model import Scope

ONE = Scope(1, 1, 1, 1, 1, 1)


def shown(found: Sequence[Conformed], scope: Scope) -> str:
    out = io.StringIO()
    console = Console(file=out, width=100)
    for part in conforming.told(found, scope):
        console.print(part)
    return out.getvalue()


def test_the_command_walks_the_smallest_scope_and_shows_what_each_action_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mktme", "conform", "resupply", "--histories", "2"])
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    out = " ".join(capsys.readouterr().out.split())
    assert statuses.HOLDS == exit_.value.code
    assert "│ resupply │ 764 │ 11,820 │ 11,820 │ 11,820 │" in out
    assert f"Scope: {SMALLEST}." in out
    assert "│ cpu_startup │" in out


def test_several_designs_have_a_row_each_and_no_answers() -> None:
    found = [walked(DESIGNS[name], ONE, 1) for name in ("rfc-v2-fixed", "no-hotplug")]
    assert statuses.HOLDS == conforming.status(found)
    text = shown(found, ONE)
    assert 2 == sum(line.startswith("│") for line in text.splitlines())
    assert "answers" not in text


def test_a_disagreement_is_told_and_has_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "quarantines", lambda _: False)
    found = [walked(DESIGNS["rfc-v2-fixed"], ONE, 1), walked(DESIGNS["rfc-v2"], ONE, 1)]
    assert [False, True] == [one.agrees for one in found]
    assert statuses.DISAGREE == conforming.status(found)
    text = " ".join(shown(found, ONE).split())
    assert "│ rfc-v2-fixed │ - │ - │ - │ - │ - │" in text
    assert "rfc-v2-fixed: after instantiate {" in text
    assert "uncleared[0,1]: model yes, implementation no" in text


def test_a_walk_that_is_not_whole_is_no_agreement() -> None:
    made = walked(DESIGNS["rfc-v2-fixed"], ONE, 1).walk
    assert made is not None
    assert made.is_whole
    part = Conformed(made.design, dataclasses.replace(made, walked=made.walked - 1))
    assert statuses.DISAGREE == conforming.status([part])
