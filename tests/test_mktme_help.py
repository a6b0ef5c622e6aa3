"""What a person is told who does not know the program: help, examples, and the nearest word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import pytest
from simulations import mktme

from mktme import cli, statuses
from mktme.commands.grouped import Group, with_groups
from mktme.results.objects import versions


def example_of(command: str) -> str:
    """The line that the command's help gives as an example."""
    status, out, err = mktme(command, "--help")
    assert (statuses.HOLDS, "") == (status, err)
    lines = [line.strip() for line in out.splitlines()]
    return lines[lines.index("Example:") + 1]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_of_each_command_has_an_example_of_it_in_one_line(command):
    assert ["mktme", command] == shlex.split(example_of(command))[:2]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_example_has_no_option_that_the_command_does_not_have(command):
    _, out, _ = mktme(command, "--help")
    typed = [word for word in shlex.split(example_of(command)) if word.startswith("--")]
    assert [] == [option for option in typed if f" {option}" not in out]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_list_of_commands_says_in_a_whole_sentence_what_each_is_for(command):
    _, out, _ = mktme("--help")
    sentence = " ".join((cli.COMMANDS[command].__doc__ or "").partition("\n\n")[0].split())
    assert sentence in " ".join(out.split())


def test_the_version_is_said_first_and_then_those_of_what_judges():
    status, out, err = mktme("--version")
    assert (statuses.HOLDS, "") == (status, err)
    said = dict(line.split() for line in out.splitlines())
    assert versions() == said
    assert "mktme" == next(iter(said))


def test_without_a_command_the_help_is_shown():
    assert mktme("--help") == mktme()


SCRIPT = str(Path(__file__).parent.parent / "examples" / "rfc-demo-program.sim")

NEAREST = {
    ("chek", "rfc-v2"): "unknown command 'chek' (did you mean check?); known: compare, check,",
    ("check", "rfc-v2-fxed"): "unknown design 'rfc-v2-fxed' (did you mean rfc-v2-fixed?); known:",
    ("compare", "resuply"): "unknown design 'resuply' (did you mean resupply?)",
    ("explain", "rfc-v2", "map-exat"): "unknown property 'map-exat' (did you mean map-exact?)",
    ("compare", "--property", "map-exat"): "unknown property 'map-exat' (did you mean map-exact?)",
    ("conform", "rfc-v2,savekey=on"): "unknown knob 'savekey' (did you mean savekeys?); known:",
    ("check", "rfc-v2,parser=strickt"): "'strickt' of knob parser (did you mean strict?); known:",
    (
        "check",
        "rfc-v2",
        "--packges",
        "3",
    ): "unknown option '--packges' (did you mean --packages?)",
    ("check", "rfc-v2", "--engine", "explor"): "unknown engine 'explor' (did you mean explore?)",
    ("check", "rfc-v2", "--as", "markdwn"): "unknown format 'markdwn' (did you mean markdown?)",
    ("mutants", "vault-stole"): "unknown mutant 'vault-stole' (did you mean vault-stale?); known:",
    ("list", "desings"): "unknown list 'desings' (did you mean designs?); known: designs,",
    ("schema", "resluts"): "unknown object 'resluts' (did you mean results?); known: results,",
    ("check", "rfc-v2", "--engin=ic3"): "unknown option '--engin' (did you mean --engine?); known:",
    ("simulate", SCRIPT, "--design", "rfc-v3"): "unknown design 'rfc-v3' (did you mean rfc-v2?)",
    ("simulate", "-", "--show", "tabels"): "unknown thing to show 'tabels'; known: tables",
}


@pytest.mark.parametrize("arguments", NEAREST)
def test_a_misspelt_word_is_refused_with_the_nearest(arguments):
    status, out, err = mktme(*arguments)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert NEAREST[arguments] in err


def test_what_an_option_lacks_is_said_as_the_terminal_library_says_it():
    status, _, err = mktme("check", "rfc-v2", "--engine")
    assert (statuses.BAD_INPUT, "mktme: Option '--engine' requires an argument.\n") == (status, err)


def test_a_group_of_options_is_shown_flat_and_comes_as_one_value():
    def pair(left: int = 1, right: int = 2) -> tuple[int, int]:
        return left, right

    def command(name: str, *, both: Annotated[tuple[int, int], Group(pair)]) -> int:
        return len(name) + 10 * both[0] + 100 * both[1]

    command.__annotations__["both"] = Annotated[tuple[int, int], Group(pair)]
    flat = with_groups(command)
    assert 345 == flat(name="abcde", left=4, right=3)
    assert ["name", "left", "right"] == list(flat.__annotations__)
    assert command.__doc__ == flat.__doc__


def test_the_statuses_are_said_once_and_the_readme_says_where():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert "`mktme list statuses` has the exit statuses" in " ".join(readme.split())
    assert [] == re.findall(r"^\| \d+ \|.*\|$", readme, re.MULTILINE)


def test_the_readme_is_one_page():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 100
