"""How the program ends where nobody reads it, nothing can be written, or somebody interrupts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from simulations import mktme, simulate

from mktme import statuses
from mktme.simulation.lines import LINE_MAX

MKTME = [sys.executable, "-c", "from mktme.cli import main; main()"]
FULL = Path("/dev/full")
COMMANDS = [
    ["list", "knobs"],
    ["--help"],
    ["simulate", "--help"],
    ["simulate", "-"],
    ["simulate", "-", "--json"],
    ["check", "rfc-v2", "released-is-clear"],
    ["payload", "rfc-v2", "type=cpu algorithm=aes-xts-128"],
]


def started(*arguments: str, stdout: object) -> subprocess.Popen:
    return subprocess.Popen(
        [*MKTME, *arguments], stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("arguments", COMMANDS)
def test_where_nobody_reads_the_answer_the_program_ends_quietly_with_a_status_of_its_own(arguments):
    with started(*arguments, stdout=subprocess.PIPE) as running:
        running.stdout.close()
        _, err = running.communicate(b"gc\ngc\n")
    assert (statuses.READER_GONE, b"") == (running.returncode, err)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS)
def test_where_nothing_can_be_written_the_program_says_so_in_one_line(arguments):
    with FULL.open("w") as full, started(*arguments, stdout=full) as running:
        _, err = running.communicate(b"gc\ngc\n")
    said = b"mktme: cannot write the answer: No space left on device\n"
    assert (statuses.NOT_WRITTEN, said) == (running.returncode, err)


def test_an_interrupt_is_said_in_one_line():
    script = b"""
        race runs=1000000
            keyctl add mktme a "type=cpu algorithm=aes-xts-128" @u
            keyctl add mktme b "type=cpu algorithm=aes-xts-128" @u
            keyctl add mktme c "type=cpu algorithm=aes-xts-128" @u
            gc
        end
    """
    with started("simulate", "-", stdout=subprocess.PIPE) as running:
        running.stdin.write(b"gc\n" + script)
        running.stdin.close()
        # The first answer is there, so the race has begun.
        assert b"gc" in running.stdout.readline()
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        err = running.stderr.read()
        running.wait(timeout=60)
    assert (statuses.INTERRUPTED, b"mktme: interrupted\n") == (running.returncode, err)


CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


@pytest.mark.skipif(not CHILDREN.exists(), reason="this system does not list a process's children")
@pytest.mark.parametrize("later", [0.05, 1.0])
def test_an_interrupt_of_all_processes_at_once_is_said_in_one_line(later):
    """As a terminal sends it: workers that are starting, or at work, have nothing to say."""
    arguments = ("compare", "rfc-v2-fixed", "no-hotplug", "--executor", "processes:2")
    with subprocess.Popen(
        [*MKTME, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        while len(children.read_text().split()) < 2:
            time.sleep(0.01)
        time.sleep(later)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (statuses.INTERRUPTED, b"", b"mktme: interrupted\n") == (running.returncode, out, err)


def test_a_closed_standard_output_is_no_success():
    with subprocess.Popen(
        ["sh", "-c", 'exec "$@" >&-', "sh", *MKTME, "list", "knobs"], stderr=subprocess.PIPE
    ) as running:
        _, err = running.communicate()
    said = b"mktme: cannot write the answer: standard output is closed\n"
    assert (statuses.NOT_WRITTEN, said) == (running.returncode, err)


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert (2, "", "mktme: standard input: cannot read it: it is closed\n") == mktme(
        "simulate", "-"
    )
    status, _, err = mktme("payload", "rfc-v2")
    assert (2, True) == (status, err.endswith("there is no text, and standard input is closed\n"))


@pytest.mark.parametrize("line", ["gcc " + "a" * 3_000_000, "'\" " * 1_000_000, "$" * 3_000_000])
def test_a_line_that_nobody_typed_is_refused_in_time(line):
    started_at = time.monotonic()
    expected = f"mktme: x.sim:2: a line has {LINE_MAX} signs at most\n"
    assert (2, "", expected) == simulate("gc\n" + line)
    assert time.monotonic() - started_at < 5


def test_the_longest_lines_are_judged_in_time_and_quoted_in_part():
    started_at = time.monotonic()
    for line in ("show {}", "gc => {}", "gc => 1 {}", "{} = gc", "keyctl add user {} x @u", "{}"):
        _, _, err = simulate(line.format("ab-" * ((LINE_MAX - 40) // 3)))
        assert len(err) < 2000
    assert time.monotonic() - started_at < 10
