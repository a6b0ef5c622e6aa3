"""A search that was interrupted goes on as if nothing had been, or its checkpoint is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import textbook
import z3
from small_systems import FALSE, claim_of, counter
from test_checker_explore import grid
from test_checker_jit import interpreted  # noqa: F401
from test_checker_representatives import claims_about, dials

from checker.exploring import pauses, stepper, tables
from checker.exploring.checkpoint import VERSION, CheckpointError
from checker.exploring.explore import explore

COMMIT, (CONSISTENT, *_) = textbook.two_phase_commit(3)


class Stop(Exception):
    """Ends a search between two chunks without a word, as if its process were killed."""


def stopping(when, error=KeyboardInterrupt):
    """A progress callback that interrupts where `when` is true of the progress."""

    def progress(at):
        if when(at):
            raise error

    return progress


def interrupted(directory, when, system, claims, error=KeyboardInterrupt, **options):
    with pytest.raises(error):
        explore(
            system,
            claims,
            checkpoint=directory,
            progress=stopping(when, error),
            progress_seconds=0,
            **options,
        )


@pytest.mark.parametrize("jit", [False, True])
def test_a_resumed_search_is_the_uninterrupted_one_at_every_level(
    jit, tmp_path, interpreted  # noqa: F811
):  # fmt: skip
    whole = explore(COMMIT.system, [CONSISTENT], jit=False)
    for depth in range(len(whole.levels)):
        directory = tmp_path / str(depth)
        interrupted(directory, lambda at, d=depth: at.depth == d, COMMIT.system, [CONSISTENT],
                    jit=jit)  # fmt: skip
        # Either way of computing goes on where the other has stopped.
        for going_on in (jit, not jit):
            seen = explore(COMMIT.system, [CONSISTENT], checkpoint=directory, jit=going_on)
            assert whole == seen


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("bits_max", [0, 28])
def test_a_resumed_search_is_the_uninterrupted_one_within_a_level(
    jit, bits_max, tmp_path, monkeypatch, interpreted  # noqa: F811
):  # fmt: skip
    monkeypatch.setattr(stepper, "CHUNK", 40)
    monkeypatch.setattr(tables, "BITS_MAX", bits_max)
    system, terms, _ = dials(4)
    claims = [dataclasses.replace(c, id=n) for n, c in claims_about(terms).items()]
    whole = explore(system, claims, jit=False)
    stops = [(at, n) for at, size in enumerate(whole.levels) for n in range(40, size, 40)]
    assert len(stops) > 4
    for depth, expanded in stops:
        directory = tmp_path / f"{depth}-{expanded}"
        interrupted(
            directory, lambda at, d=depth, e=expanded: (at.depth, at.expanded) == (d, e), system,
            claims, jit=jit,
        )  # fmt: skip
        assert whole == explore(system, claims, checkpoint=directory, jit=not jit)


def test_compiled_code_goes_on_from_a_checkpoint(tmp_path):
    pytest.importorskip("numba")
    whole = explore(COMMIT.system, [CONSISTENT])
    interrupted(tmp_path, lambda at: at.depth == 5, COMMIT.system, [CONSISTENT], jit=True)
    assert whole == explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path, jit=True)


def test_states_of_several_words_go_on_too(tmp_path):
    system, x, y = grid(3)
    claim = claim_of(z3.Not(z3.And(x == 4, y == 6)))
    interrupted(tmp_path, lambda at: at.depth == 4, system, [claim])
    assert explore(system, [claim]) == explore(system, [claim], checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["sum", "step"])
def test_a_search_of_representatives_goes_on_and_shows_a_real_run(name, tmp_path):
    system, terms, reduction = dials(start=1)
    claim = claims_about(terms)[name]
    whole = explore(system, [claim], reduction=reduction)
    interrupted(tmp_path, lambda at: at.depth == 2, system, [claim], reduction=reduction)
    seen = explore(system, [claim], reduction=reduction, checkpoint=tmp_path)
    assert whole == seen
    assert (
        explore(system, [claim]).verdict(system, claim).trace == seen.verdict(system, claim).trace
    )


def test_a_limit_leaves_a_checkpoint_from_which_a_longer_search_goes_on(tmp_path):
    whole = explore(COMMIT.system, [CONSISTENT])
    for most in (5, 40, 90, None):
        limited = explore(COMMIT.system, [CONSISTENT], states_max=most)
        seen = explore(COMMIT.system, [CONSISTENT], states_max=most, checkpoint=tmp_path)
        assert limited == seen
    assert whole == seen
    assert explore(COMMIT.system, [CONSISTENT], seconds_max=60, checkpoint=tmp_path) == whole


def test_a_search_that_is_on_disk_goes_on_from_a_checkpoint(tmp_path):
    interrupted(tmp_path, lambda at: at.depth == 7, COMMIT.system, [CONSISTENT], memory_max=9_000)
    seen = explore(COMMIT.system, [CONSISTENT], memory_max=9_000, checkpoint=tmp_path)
    assert explore(COMMIT.system, [CONSISTENT]) == seen
    assert seen.memory <= 9_000


def test_a_killed_search_goes_on_from_its_last_checkpoint(tmp_path):
    whole = explore(COMMIT.system, [CONSISTENT])
    interrupted(tmp_path, lambda at: at.depth == 8, COMMIT.system, [CONSISTENT], error=Stop,
                checkpoint_seconds=0)  # fmt: skip
    assert 7 <= len(header_of(tmp_path)["body"]["levels"]) <= 9
    # The process may have been killed while it wrote what no header speaks of yet.
    with (tmp_path / "explored-states").open("ab") as file:
        file.write(b"half a level")
    (tmp_path / "explored-next-99").write_bytes(b"half of what is next")
    assert whole == explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path)


def test_checkpoints_are_written_when_it_is_time(tmp_path, monkeypatch):
    headers = []

    def look(at):
        path = tmp_path / "explored.json"
        headers.append(len(header_of(tmp_path)["body"]["levels"]) if path.exists() else 0)

    options = {"checkpoint": tmp_path, "progress": look, "progress_seconds": 0}
    monkeypatch.setattr(pauses, "LEVELS_SECONDS", 0)
    explore(counter()[0], [], **options)
    assert list(range(16)) == headers
    headers.clear()
    monkeypatch.undo()
    for path in tmp_path.iterdir():
        path.unlink()
    explore(counter()[0], [], **options)
    assert [0] * 16 == headers
    assert 16 == len(header_of(tmp_path)["body"]["levels"])


def test_an_interrupt_by_signal_leaves_a_checkpoint(tmp_path):
    whole = explore(COMMIT.system, [CONSISTENT])
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def press(at):
        seen.append(at.depth)
        if at.depth == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path, progress=press,
                progress_seconds=0)  # fmt: skip
    assert 6 == seen[-1]
    assert before is signal.getsignal(signal.SIGINT)
    assert 7 == len(header_of(tmp_path)["body"]["levels"])
    assert whole == explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path)


def test_ctrl_c_on_a_process_leaves_a_checkpoint(tmp_path):
    code = (
        "import time; from pathlib import Path; from small_systems import counter;"
        " from checker.exploring.explore import explore\n"
        "def slowly(at): print(at.depth, flush=True); time.sleep(0.01)\n"
        f"explore(counter(12)[0], [], checkpoint=Path({str(tmp_path)!r}), progress=slowly,"
        " progress_seconds=0)"
    )
    path = [p for p in sys.path if p]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "0\n" == process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert 0 < len(header_of(tmp_path)["body"]["levels"]) < 4096
    system, _ = counter(12)
    assert explore(system, []) == explore(system, [], checkpoint=tmp_path)


def header_of(directory):
    return json.loads((directory / "explored.json").read_text())


def write_header(directory, body):
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    (directory / "explored.json").write_text(json.dumps({"body": body, "digest": digest}))


@pytest.fixture
def left(tmp_path):
    """A checkpoint within a search, with something in every file."""
    interrupted(tmp_path, lambda at: at.depth == 8, COMMIT.system, [CONSISTENT])
    body = header_of(tmp_path)["body"]
    body["next"] = "explored-next-5"
    os.rename(next(tmp_path.glob("explored-next-*")), tmp_path / "explored-next-5")
    with (tmp_path / "explored-next-5").open("ab") as file:
        file.write(bytes(8))
    body["claims"][0]["found"] = 1
    content = (tmp_path / "explored-next-5").read_bytes()
    body["next_digest"] = hashlib.sha256(content).hexdigest()
    write_header(tmp_path, body)
    return tmp_path


def refused(directory, match, system=COMMIT.system, claims=(CONSISTENT,), **options):
    before = {path.name: path.read_bytes() for path in directory.glob("explored*")}
    with pytest.raises(CheckpointError, match=match):
        explore(system, claims, checkpoint=directory, **options)
    assert before == {path.name: path.read_bytes() for path in directory.glob("explored*")}


@pytest.mark.parametrize("name", ["explored.json", "explored-states", "explored-next-5"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999])
def test_a_changed_byte_is_noticed(left, name, place):
    content = bytearray((left / name).read_bytes())
    content[int(place * len(content))] ^= 4
    (left / name).write_bytes(content)
    refused(left, f"cannot use checkpoint file .*{name}: ")


@pytest.mark.parametrize("name", ["explored.json", "explored-states", "explored-next-5"])
@pytest.mark.parametrize("keep", [0, 1, -1])
def test_a_file_that_was_cut_short_is_noticed(left, name, keep):
    content = (left / name).read_bytes()
    (left / name).write_bytes(content[: len(content) // 2] if keep == 1 else content[:keep])
    refused(left, f"cannot use checkpoint file .*{name}: ")


@pytest.mark.parametrize("name", ["explored-states", "explored-next-5"])
def test_a_file_that_is_gone_is_noticed(left, name):
    (left / name).unlink()
    refused(left, f"{name}: No such file")


def test_another_question_s_checkpoint_is_refused(left):
    another = "about another system, claim or reduction"
    refused(left, another, claims=[dataclasses.replace(CONSISTENT, state=FALSE)])
    refused(left, another, claims=[])
    less = dataclasses.replace(COMMIT.system, actions=COMMIT.system.actions[1:])
    refused(left, another, system=less)
    identity = dataclasses.make_dataclass("Identity", ["representative"])
    terms = tuple(variable.term for variable in COMMIT.system.variables)
    refused(left, another, reduction=identity(terms))


def test_a_newer_version_is_refused(left):
    body = header_of(left)["body"] | {"version": VERSION + 1}
    write_header(left, body)
    refused(left, f"explored.json: it has version {VERSION + 1}; this program writes version")


@pytest.mark.parametrize("text", ["{}", "[]", "3", '{"body": [], "digest": ""}', "\x00"])
def test_a_file_that_is_no_header_is_refused(left, text):
    (left / "explored.json").write_text(text)
    refused(left, "explored.json: it is no checkpoint's header")


@pytest.mark.parametrize(
    "change",
    [
        {"next": "../explored-next-5"},
        {"expanded": 10**6},
        {"expanded": -1},
        {"levels": []},
        {"levels": [-1, 2]},
        {"fired": {}},
        {"claims": []},
        {"following": "all"},
        {"next": None},
        {"levels": 3},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(left, change):
    write_header(left, header_of(left)["body"] | change)
    refused(left, "cannot use checkpoint file .*explored")


def test_a_directory_in_use_is_refused(tmp_path):
    pytest.importorskip("fcntl")

    def another(at):
        refused(tmp_path, "another search is using the directory")

    explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path, progress=another)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot use checkpoint file .*file/below"):
        explore(COMMIT.system, [CONSISTENT], checkpoint=tmp_path / "file" / "below")


def test_the_fingerprint_is_of_the_question_and_not_of_the_process(tmp_path):
    # Z3 orders arguments by when terms were made, so other terms are made before.
    code = (
        "import z3; kept = [z3.Bool(f'other{i}') for i in range(300)]\n"
        "import textbook; from checker.exploring.fingerprint import fingerprint\n"
        "ground, claims = textbook.two_phase_commit(3)\n"
        "print(fingerprint(ground.system, claims))"
    )
    path = [p for p in sys.path if p]
    runs = {
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{text}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for text in (code, code.partition("\n")[2])
    }
    assert 1 == len(runs)
