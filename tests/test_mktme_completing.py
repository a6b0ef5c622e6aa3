"""Completion: what each of three shells is offered, asked as each of them asks."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
from unittest import mock

import pytest

from conformance.mutants.catalogue import MUTANTS
from designs import DESIGNS, KNOBS
from mktme import cli, completing, listings, published
from mktme.orders import ENGINE_NAMES
from mktme.results.output import FORMATS
from properties import PROPERTIES

PROGRAM = "import sys; sys.argv = ['mktme', *sys.argv[1:]]; from mktme.cli import main; main()"


def answered(**environment: str) -> list[str]:
    """The lines that the program answers to a shell; an empty one is no offer."""
    out = io.StringIO()
    asked = mock.patch.dict(os.environ, environment), mock.patch.object(sys, "argv", ["mktme"])
    with asked[0], asked[1], contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        cli.main()
    assert 0 == end.value.code
    return [line for line in out.getvalue().splitlines() if line]


def bash(*words: str) -> list[str]:
    """What bash is offered; the last word is the one before the cursor."""
    return answered(
        _MKTME_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(("mktme", *words)),
        COMP_CWORD=str(len(words)),
    )


def zsh(line: str) -> list[str]:
    """What zsh is offered, without meanings."""
    said = " ".join(answered(_MKTME_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line))
    if "((" not in said:
        return []
    offers = shlex.split(said.partition("((")[2].rpartition("))")[0])
    return [offer.partition(":")[0].replace("\\", "") for offer in offers]


def fish(line: str) -> list[str]:
    """What fish is offered, without meanings."""
    lines = answered(
        _MKTME_COMPLETE="complete_fish",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        _TYPER_COMPLETE_ARGS=line,
    )
    return [line.partition("\t")[0] for line in lines]


def every_shell(line: str) -> list[list[str]]:
    """What each shell is offered behind a line without `=`, which bash would cut."""
    return [bash(*line.split(" ")[1:]), zsh(line), fish(line)]


SAVEKEYS = ["rfc-v2,savekeys=off", "rfc-v2,savekeys=on"]

OFFERED = {
    "mktme ch": ["check"],
    "mktme check per": ["per-package"],
    "mktme compare rfc-v2 no-": ["no-hotplug"],
    "mktme check rfc-v2,save": SAVEKEYS,
    "mktme check rfc-v2 bit": ["bitmap-exact"],
    "mktme explain rfc-v2 no-d": ["no-deadlock", "no-dangling"],
    "mktme check rfc-v2 --engine ": list(ENGINE_NAMES),
    "mktme check rfc-v2 --as s": ["sarif"],
    "mktme check rfc-v2 --expect s": ["shipped"],
    "mktme compare --property lead": ["lead-exact"],
    "mktme mutants vault-s": [name for name in MUTANTS if name.startswith("vault-s")],
    "mktme list ": list(listings.TABLES),
    "mktme schema ": list(published.SHAPES),
    "mktme check rfc-v2 --expe": ["--expect"],
}


@pytest.mark.parametrize("line", OFFERED)
def test_each_shell_is_offered_what_could_stand_there(line):
    assert [OFFERED[line]] * 3 == every_shell(line)


def test_nothing_is_offered_where_nothing_fits():
    assert [[]] * 3 == every_shell("mktme check rfc-v2 zzz")


@pytest.mark.parametrize("ask", [zsh, fish])
def test_a_value_is_offered_after_its_knob(ask):
    assert SAVEKEYS == ask("mktme explain rfc-v2,savekeys=")
    assert ["rfc-v2,savekeys=on,vault_form=wrapped"] == ask(
        "mktme explain rfc-v2,savekeys=on,vault_form=w"
    )


def test_bash_which_cuts_words_at_equals_signs_gets_the_rest_of_the_word():
    assert ["off", "on"] == bash("explain", "rfc-v2,savekeys", "=")
    assert ["on"] == bash("explain", "rfc-v2,savekeys", "=", "on")
    cut = ("rfc-v2,savekeys", "=", "on,vault_form", "=", "w")
    assert ["wrapped"] == bash("explain", *cut)
    assert ["on,user_keys=allowed", "on,user_keys=refused"] == bash(
        "explain", "rfc-v2,savekeys", "=", "on,user"
    )


def test_bash_finds_what_comes_after_a_word_that_it_cut():
    assert ["bitmap-exact"] == bash("explain", "rfc-v2,savekeys", "=", "on", "bit")


def test_bash_that_cuts_nothing_gets_the_whole_word():
    assert SAVEKEYS == bash("explain", "rfc-v2,savekeys=o")


def test_a_knob_that_is_set_is_not_offered_again():
    offered = [offer for offer, _ in completing._designs("rfc-v2,savekeys=on,")]
    assert [f"rfc-v2,savekeys=on,{knob}=" for knob in KNOBS if knob != "savekeys"] == offered
    assert [] == list(completing._designs("rfc-v2,nonsense="))


def test_whatever_is_offered_is_known():
    assert list(DESIGNS) == [offer for offer, _ in completing._designs("")]
    assert list(PROPERTIES) == [offer for offer, _ in completing.property_()]
    assert list(FORMATS) == [offer for offer, _ in completing.format_()]
    assert set(cli.COMMANDS) == set(bash(""))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_program_shows_the_script_that_a_shell_needs(shell):
    lines = answered(_MKTME_COMPLETE=f"source_{shell}")
    assert [] != [line for line in lines if "_MKTME_COMPLETE=complete_" + shell in line]


@pytest.mark.skipif(shutil.which("bash") is None, reason="this system has no bash")
def test_a_real_bash_completes_with_that_script(tmp_path):
    program = tmp_path / "mktme"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c {shlex.quote(PROGRAM)}\n")
    program.chmod(0o755)
    script = "\n".join(answered(_MKTME_COMPLETE="source_bash"))
    asked = "COMP_WORDS=(mktme check rfc-v2,savekeys = o); COMP_CWORD=4; _mktme_completion mktme"
    ran = subprocess.run(
        ["bash", "--norc", "-c", f'{script}\n{asked}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["off", "on"] == ran.stdout.splitlines()
