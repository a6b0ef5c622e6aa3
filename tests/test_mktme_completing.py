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
import typer
from simulations import mktme

from conformance.mutants.catalogue import MUTANTS
from designs import DESIGNS, KNOBS
from mktme import cli, completing, listings, published, shells, statuses
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


NOWHERE = typer.Context(typer.main.get_command(cli.app))
"""Where a command line has just begun."""

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
    "mktme --show-completion ": list(completing.SHELLS),
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
    assert list(PROPERTIES) == [offer for offer, _ in completing.property_(NOWHERE)]
    assert list(FORMATS) == [offer for offer, _ in completing.format_()]
    assert set(cli.COMMANDS) == set(bash(""))


# Traces, and what a user has written


@pytest.fixture
def kept(tmp_path, monkeypatch) -> str:
    """The identity of a trace that is kept, beside a file that is none."""
    monkeypatch.setenv("MKTME_TRACES", str(tmp_path))
    (tmp_path / "ab3578f88663.json").write_text('{"design": "rfc-v2", "property": "in-bounds"}')
    (tmp_path / "cd3578f88663.json").write_text("[")
    (tmp_path / "note.json").write_text("{}")
    return "ab3578f88663"


def test_traces_that_were_found_here_are_offered_to_replay_and_explore(kept):
    assert [[kept, "cd3578f88663"]] * 3 == every_shell("mktme replay ")
    assert [[kept]] * 3 == every_shell("mktme replay ab")
    assert [[kept]] * 3 == every_shell("mktme explore ab")
    assert [[]] * 3 == every_shell("mktme replay rfc")
    assert kept not in bash("explore", "")
    assert ["per-package"] == bash("explore", "per")


def test_a_trace_is_offered_with_what_it_is_of_while_they_are_few(kept, monkeypatch):
    assert [(kept, "rfc-v2 / in-bounds")] == list(completing.trace("ab"))
    assert [("cd3578f88663", "")] == list(completing.trace("cd"))
    monkeypatch.setattr(completing, "TOLD_MAX", 1)
    assert ["", ""] == [meaning for _, meaning in completing.trace("")]


OWN = """
from mktme import own
from mktme.own import property
raise SystemExit("it was run")
own.design("in-reach", base="rfc-v2")
own.design(name="in-touch")
own.design("put " + "together")
property("tables-in-reach", "A sentence.")
design()
"""


def test_what_a_file_adds_is_offered_and_the_file_is_not_run(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    assert [["in-reach", "in-touch"]] * 3 == every_shell(f"mktme --with {file} check in-")
    offered = every_shell(f"mktme --with {file} check in-reach tables-")
    assert [["tables-agree", "tables-in-reach"]] * 3 == offered
    assert ["in-reach", "in-touch"] == answered(
        MKTME_WITH=str(file),
        _MKTME_COMPLETE="complete_bash",
        COMP_WORDS="mktme\ncheck\nin-",
        COMP_CWORD="2",
    )


@pytest.mark.parametrize("text", ["design(", "\0", '"\\d"; design("in-reach")'])
def test_a_file_that_is_not_well_written_disturbs_nothing(tmp_path, text, capsys):
    file = tmp_path / "own.py"
    file.write_text(text)
    offered = ["in-reach"] if "in-reach" in text else []
    assert offered == bash("--with", str(file), "check", "in-")
    assert [] == bash("--with", str(tmp_path / "none.py"), "check", "in-")
    assert "" == capsys.readouterr().err


# Shells


@pytest.mark.parametrize("shell", completing.SHELLS)
def test_the_script_of_the_shell_that_is_named_is_shown(shell):
    script = "\n".join(answered(_MKTME_COMPLETE=f"source_{shell}"))
    for asked in ((shells.SHOW, shell), (f"{shells.SHOW}={shell}",)):
        status, out, err = mktme(*asked)
        assert (0, script.split(), "") == (status, out.split(), err)


@pytest.mark.parametrize("shell", completing.SHELLS)
def test_the_shell_that_is_named_gets_the_script_and_no_other_file_is_touched(
    shell, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    status, out, err = mktme(shells.INSTALL, shell)
    assert (0, "", True) == (status, err, out.startswith(f"{shell} completes mktme from its next"))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert all(shell in str(path) or ".zfunc" in str(path) for path in written)
    assert any(f"complete_{shell}" in path.read_text() for path in written)


@pytest.mark.parametrize("option", [shells.SHOW, shells.INSTALL])
def test_an_unknown_shell_is_refused_and_nothing_is_written(option, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    known = "mktme: unknown shell 'nope'; known: bash, zsh, fish\n"
    assert (statuses.BAD_INPUT, "", known) == mktme(option, "nope")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [shells.SHOW, shells.INSTALL])
def test_where_no_shell_is_named_it_is_the_current_one(option, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = {
        None: "this shell cannot be told: name one of bash, zsh, fish",
        "dash": "unknown shell 'dash' (did you mean bash?); known: bash, zsh, fish",
    }
    for found, said in refused.items():
        monkeypatch.setattr(shells, "_get_shell_name", lambda found=found: found)
        assert (statuses.BAD_INPUT, "", f"mktme: {said}\n") == mktme(option)
    monkeypatch.setattr(shells, "_get_shell_name", lambda: "fish")
    assert mktme(option) == mktme(option, "fish")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_home_that_cannot_be_written_to_is_said(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("HOME", str(tmp_path))
    status, out, err = mktme(shells.INSTALL, "fish")
    assert (statuses.NOT_WRITTEN, "", 1) == (status, out, err.count("\n"))
    assert "mktme: cannot write " in err


def test_a_home_that_is_a_file_is_said(tmp_path, monkeypatch):
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    status, out, err = mktme(shells.INSTALL, "fish")
    assert (statuses.NOT_WRITTEN, "", 1) == (status, out, err.count("\n"))
    assert err.startswith("mktme: cannot write ")


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
