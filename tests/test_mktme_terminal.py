"""Colours and progress: on a terminal only, and no colours where NO_COLOR is set."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

MKTME = [sys.executable, "-c", "from mktme.cli import main; main()"]
CHECK = ("check", "rfc-v2", "no-plaintext-unsaved")
COMPARE = ("compare", "rfc-v2", "--property", "no-plaintext-unsaved", "--executor", "processes:1")

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;\d+)*m")
MOVES = re.compile(r"\x1b\[\d*[AGK]|\x1b\[\?25l")


def environment(**changes: str) -> dict[str, str]:
    """This process's, without what speaks of terminals, and with these changes."""
    spoken = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    kept = {name: value for name, value in os.environ.items() if name not in spoken}
    return kept | {"TERM": "xterm-256color"} | changes


def on_a_terminal(*arguments: str, stream: str = "stdout", **changes: str) -> str:
    """What arrives at a terminal that one stream leads to; the other leads nowhere."""
    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: theirs}
    process = subprocess.Popen(
        [*MKTME, *arguments], stdin=subprocess.DEVNULL, env=environment(**changes), **streams
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux's way to say that nobody writes any more
            break
        if not part:
            break
        said += part
    os.close(ours)
    process.wait(timeout=60)
    return said.decode()


def in_a_pipe(*arguments: str, **changes: str) -> tuple[str, str]:
    ran = subprocess.run(
        [*MKTME, *arguments], capture_output=True, text=True, env=environment(**changes)
    )
    return ran.stdout, ran.stderr


def test_a_terminal_sees_colours():
    said = on_a_terminal(*CHECK)
    assert "✗ 1 step" in said
    assert COLOUR.search(said)


def test_no_color_takes_every_colour_away_and_nothing_else_that_is_said():
    said = on_a_terminal(*CHECK, NO_COLOR="1")
    assert "✗ 1 step" in said
    assert not COLOUR.search(said)


def test_a_terminal_sees_progress():
    assert MOVES.search(on_a_terminal(*COMPARE, stream="stderr"))


def test_no_color_takes_the_colours_of_progress_away_too():
    said = on_a_terminal(*COMPARE, stream="stderr", NO_COLOR="1")
    assert MOVES.search(said)
    assert not COLOUR.search(said)


@pytest.mark.parametrize("arguments", [CHECK, COMPARE, ("list", "designs"), ("--help",)])
def test_a_pipe_gets_text_only_and_no_progress(arguments):
    out, err = in_a_pipe(*arguments)
    assert "\x1b" not in out
    assert "" == err


def test_who_forces_colours_into_a_pipe_gets_them_but_no_progress():
    out, err = in_a_pipe(*COMPARE, FORCE_COLOR="1")
    assert COLOUR.search(out)
    assert "" == err


@pytest.mark.parametrize("format_", ["json", "junit", "sarif", "markdown"])
def test_what_programs_read_has_no_colours_on_a_terminal_either(format_):
    assert "\x1b" not in on_a_terminal(*CHECK, "--as", format_)
