"""What `mktme mutants` prints, and with which status it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from conformance.mutants.catalogue import MUTANTS, Tried, tried
from conformance.mutants.killers import Kill
from mktme import cli, mutation, statuses

LOCKSTEP = Tried("vault-stale", Kill("lockstep", 1087, "calls", "differs"), 0.5)
EXPLAINED = Tried("removed-package-keeps-table", None, 0.5)
UNEXPLAINED = Tried("vault-stale", None, 0.5)

HEAD = """\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ mutant, and what is wrong                        ┃ layer   ┃ killed by                   ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ vault-stale                                      │ service │ lockstep, after 1,087 calls │
│ the vault keeps the first payload of a KeyID and │         │                             │
│ is not loaded by an update                       │         │                             │
└──────────────────────────────────────────────────┴─────────┴─────────────────────────────┘
1 mutant: 1 killed.
"""


def printed(*found: Tried, width: int = 92) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        for part in mutation.told(found):
            console.print(part)
    return captured.get()


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[object, str, str]:
    monkeypatch.setattr("sys.argv", ["mktme", "mutants", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


def test_the_table_has_a_row_for_each_mutant() -> None:
    assert HEAD == printed(LOCKSTEP)


def test_an_explained_survivor_is_listed_with_its_reason_and_is_no_failure() -> None:
    assert statuses.HOLDS == mutation.status([LOCKSTEP, EXPLAINED])
    shown = printed(LOCKSTEP, EXPLAINED, width=120)
    assert "removed-package-keeps-table survives: no check takes a package out" in shown
    assert "2 mutants: 1 killed, 1 survives for a reason." in shown


def test_an_unexplained_survivor_is_told_and_has_a_status() -> None:
    assert statuses.DISAGREE == mutation.status([LOCKSTEP, EXPLAINED, UNEXPLAINED, UNEXPLAINED])
    shown = printed(LOCKSTEP, EXPLAINED, UNEXPLAINED, UNEXPLAINED, width=120)
    assert "vault-stale survives: nobody has said why" in shown
    assert "4 mutants: 1 killed, 1 survives for a reason, 2 survive unexplained." in shown


def test_the_record_names_the_place_and_is_null_where_nobody_noticed() -> None:
    killed, survivor = mutation.record([LOCKSTEP, EXPLAINED]).mutants
    assert "impl.service.vault.Vault.load" == killed.where
    assert ("lockstep", 1087, "calls", None) == (
        killed.killed_by,
        killed.after,
        killed.unit,
        killed.survives,
    )
    assert (None, None) == (survivor.killed_by, survivor.after)
    assert MUTANTS[EXPLAINED.id].survives == survivor.survives


def test_the_command_tries_the_mutants_that_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("status-ignored", "tweak-has-keyid-bits", "status-ignored")
    status, out, _ = run(monkeypatch, capsys, *asked, "--json")
    assert statuses.HOLDS == status
    found = json.loads(out)["mutants"]
    assert [("status-ignored", "lockstep", 5), ("tweak-has-keyid-bits", "known answers", 2)] == [
        (one["id"], one["killed_by"], one["after"]) for one in found
    ]


def test_an_unknown_mutant_is_refused_before_anything_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(monkeypatch, capsys, "vault-stole")
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert "unknown mutant 'vault-stole' (did you mean vault-stale?)" in err


IN_MANUAL = (
    "vault-stale",
    "clear-keeps-the-key",
    "tweak-has-keyid-bits",
    "hotplug-takes-map-first",
    "model-update-leaves-bit",
    "removed-package-keeps-table",
)


def test_the_manual_shows_what_the_command_prints() -> None:
    """The survivor is not tried here: every check looks for it, which takes half a minute."""
    found = [Tried(id, None, 0.5) if MUTANTS[id].survives else tried(id) for id in IN_MANUAL]
    shown = "\n".join(line.rstrip() for line in printed(*found, width=96).splitlines())
    page = "docs/how-to/hold-model-and-implementation-together.md"
    manual = (Path(__file__).resolve().parent.parent / page).read_text(encoding="utf-8")
    assert f"```\n{shown}\n```\n" in manual
