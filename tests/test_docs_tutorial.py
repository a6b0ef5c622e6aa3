"""The tutorial does what it says: its files are written, its commands run, their output seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from manual_blocks import Block, blocks, commands, first_difference

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")

EXPORT = "export MKTME_WITH="


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `mktme` in it, as it is here."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "mktme"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from mktme.cli import main; main()" "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return folder


def environment(program: Path) -> dict[str, str]:
    paths = {"PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return os.environ | paths | {"COLUMNS": "80", "NO_COLOR": "1", "MKTME_TRACES": "off"}


def write(block: Block, folder: Path) -> None:
    path = folder / block.file
    before = path.read_text(encoding="utf-8") + "\n\n" if block.is_more else ""
    path.write_text(before + block.text, encoding="utf-8")


def printed_by(command: str, folder: Path, given: dict[str, str]) -> list[str]:
    done = subprocess.run(
        command, shell=True, cwd=folder, env=given, capture_output=True, text=True, timeout=600
    )
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_the_tutorials_commands_print_what_it_shows(tmp_path: Path, program: Path) -> None:
    given = environment(program)
    different, ran = {}, 0
    for block in blocks(TUTORIAL):
        if block.file:
            write(block, tmp_path)
            continue
        for command, shown in commands(block):
            if command.startswith(EXPORT):
                given["MKTME_WITH"] = command.removeprefix(EXPORT)
                continue
            difference = first_difference(shown, printed_by(command, tmp_path, given))
            if difference:
                different[command] = difference
            ran += 1
    assert {} == different
    assert ran >= 10


def test_the_tutorials_file_is_the_example_that_ships() -> None:
    parts = [block.text for block in blocks(TUTORIAL) if block.file == "in_reach.py"]
    text = "\n\n".join(parts)
    assert (ROOT / "examples" / "in_reach.py").read_text(encoding="utf-8") == text


def test_the_design_and_the_property_have_about_30_lines_each_at_most() -> None:
    design, claim = (b for b in blocks(TUTORIAL) if b.file == "in_reach.py")
    assert len(design.text.splitlines()) <= 30
    assert len(claim.text.splitlines()) <= 30


def test_every_block_of_the_tutorial_is_run_or_is_part_of_a_file() -> None:
    assert [] == [b for b in blocks(TUTORIAL) if b.language != "console" and not b.file]


# The comparison itself


@pytest.mark.parametrize(
    ("shown", "printed", "difference"),
    [
        (["a", "b"], ["", "a  ", "b", ""], ""),
        (["a", "…", "c"], ["a", "b", "c"], ""),
        (["…"], [], ""),
        (["a"], ["b"], "line 1: 'b' instead of 'a'"),
        (["a"], ["a", "b"], "line 2: 'b' instead of the end"),
        (["a", "b"], ["a"], "line 2: 'the end' instead of 'b'"),
        (["…", "c"], ["a", "b"], "nowhere behind line 0: 'c'"),
        (["a", "b"], ["a", "   (93,873)  (121 classes)", "b"], ""),
        (["a", "…", "c"], ["a", "c", "d"], "line 3: 'd' instead of the end"),
    ],
)
def test_a_difference_in_output_is_found(
    shown: list[str], printed: list[str], difference: str
) -> None:
    assert difference == first_difference(shown, printed)
