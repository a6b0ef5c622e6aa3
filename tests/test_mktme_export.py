"""The command that writes for other checkers: which files, and how a bad question is answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from checker.exchange.formats import FORMATS
from mktme import cli, statuses

CELL = ("rfc-v2", "no-deadlock")
SMALL = ("--packages", "1", "--cpus", "1", "--keyids", "1", "--vmas", "1")


@pytest.fixture
def mktme(monkeypatch, capsys):
    """Run a command line in this process; gives (status, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mktme", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return run


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_says_what_it_is_and_how_to_check_it(mktme, tmp_path, form):
    path = tmp_path / f"written{FORMATS[form].ending}"
    status, out, err = mktme("export", *CELL, "--to", form, "-o", str(path))
    assert (statuses.HOLDS, "", form == "tla") == (status, out, bool(err))
    text = path.read_text(encoding="utf-8")
    for said in [
        "Design: rfc-v2",
        "Property: no-deadlock: ",
        "Scope: packages=2, cpus=2, keyids=2, values=2, vmas=2, threads=2",
        "Written by mktme ",
        "To check it: ",
    ]:
        assert said in text
    assert 0o644 == path.stat().st_mode & 0o777


@pytest.mark.parametrize("form", FORMATS)
def test_standard_output_has_what_a_file_has(mktme, tmp_path, form):
    name = f"rfc_v2_no_deadlock{FORMATS[form].ending}"
    mktme("export", *CELL, "--to", form, "-o", str(tmp_path / name))
    status, out, _ = mktme("export", *CELL, "--to", form)
    assert statuses.HOLDS == status
    assert out.startswith((tmp_path / name).read_text(encoding="utf-8"))
    rest = out.removeprefix((tmp_path / name).read_text(encoding="utf-8"))
    configuration = "\nFor a file rfc_v2_no_deadlock.cfg beside it:\n\n" + TLC
    assert (configuration if form == "tla" else "") == rest


TLC = "SPECIFICATION Spec\nINVARIANT Holds\n"


def test_a_module_is_called_like_its_file_and_has_its_configuration_beside_it(mktme, tmp_path):
    path = tmp_path / "Deadlocks.tla"
    assert statuses.HOLDS == mktme("export", *CELL, "--to", "tla", "-o", str(path))[0]
    assert path.read_text(encoding="utf-8").startswith("---- MODULE Deadlocks ----\n")
    assert TLC == (tmp_path / "Deadlocks.cfg").read_text(encoding="utf-8")
    assert ["Deadlocks.cfg", "Deadlocks.tla"] == sorted(os.listdir(tmp_path))


def test_a_line_on_stderr_says_where_the_configuration_of_a_module_is(mktme, tmp_path):
    path = tmp_path / "Deadlocks.tla"
    _, _, err = mktme("export", *CELL, "--to", "tla", "-o", str(path))
    beside = tmp_path / "Deadlocks.cfg"
    assert f"mktme: Deadlocks.tla needs {beside}, which is written too\n" == err
    _, out, err = mktme("export", *CELL, "--to", "tla")
    assert "\nFor a file rfc_v2_no_deadlock.cfg beside it:\n" in out
    assert (
        "mktme: rfc_v2_no_deadlock.cfg is no file yet: it stands below the end of"
        " rfc_v2_no_deadlock.tla, and -o rfc_v2_no_deadlock.tla writes both\n"
    ) == err


def test_an_answer_in_json_names_the_configuration_itself_and_stderr_is_silent(mktme, tmp_path):
    path = tmp_path / "Deadlocks.tla"
    _, out, err = mktme("export", *CELL, "--to", "tla", "-o", str(path), "--json")
    assert ("", [str(path), str(tmp_path / "Deadlocks.cfg")]) == (err, [*json.loads(out)["files"]])


def test_two_processes_write_the_same(tmp_path):
    def written(seed):
        command = [sys.executable, "-c", "from mktme.cli import main; main()"]
        arguments = ["export", "rfc-v2", "never-in-clear", *SMALL, "--to", "btor2"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, check=True
        ).stdout

    assert written("1") == written("2")


def test_the_bounded_search_goes_as_far_as_is_asked_for(mktme):
    _, out, _ = mktme("export", *CELL, "--to", "smt2", "--depth", "3")
    assert '(echo "runs of 3")' in out
    assert '(echo "runs of 4")' not in out


REFUSALS = {
    ("rfc-v2", "no-deadlock", "--to", "aiger"): "unknown format 'aiger'; known: vmt, smt2, horn,",
    ("rfc-v2", "no-deadlock", "--to", "btor"): "unknown format 'btor' (did you mean btor2?)",
    ("rfc-v2", "no-deadlock"): "Missing option '--to'",
    ("rfc-v3", "no-deadlock", "--to", "smv"): "unknown design 'rfc-v3' (did you mean rfc-v2?)",
    ("rfc-v2", "deadlock", "--to", "smv"): "unknown property 'deadlock'",
    ("rfc-v2", "no-deadlock", "--to", "smv", "--packages", "9"): "packages=9 is out of range",
    ("rfc-v2", "no-deadlock", "--to", "smt2", "--depth", "-1"): "Invalid value for '--depth'",
    ("rfc-v2", "no-deadlock", "--to", "smv", "-o", "none/x.smv"): (
        "cannot write 'none/x.smv': there is no directory 'none'"
    ),
    ("rfc-v2", "no-deadlock", "--to", "smv", "-o", "."): "cannot write '.': it is a directory",
    ("rfc-v2", "no-deadlock", "--to", "tla", "-o", "x.smv"): (
        "cannot write 'x.smv': a TLA+ module's file has a name like it, M.tla"
    ),
    ("rfc-v2", "no-deadlock", "--to", "tla", "-o", "a-b.tla"): (
        "a TLA+ module cannot be called 'a-b'; known: ASCII letters"
    ),
}


@pytest.mark.parametrize("arguments", REFUSALS, ids=" ".join)
def test_a_bad_question_gets_one_line_status_2_and_no_file(mktme, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    status, out, err = mktme("export", *arguments)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert REFUSALS[arguments] in err
    assert [] == os.listdir(tmp_path)


def test_a_property_that_does_not_apply_is_refused(mktme, tmp_path):
    path = tmp_path / "x.smv"
    status, _, err = mktme("export", "cpu-keys-only", "bitmap-exact", "--to", "smv")
    assert (statuses.BAD_INPUT, False) == (status, path.exists())
    assert "bitmap-exact does not apply to cpu-keys-only" in err


def test_a_file_that_was_there_stays_where_the_new_one_cannot_be_written(
    mktme, tmp_path, monkeypatch
):
    path = tmp_path / "M.tla"
    path.write_text("before")
    (tmp_path / "M.cfg").mkdir()
    status, _, err = mktme("export", *CELL, "--to", "tla", "-o", str(path))
    assert statuses.BAD_INPUT == status
    assert "M.cfg': it is a directory" in err
    assert ("before", ["M.cfg", "M.tla"]) == (path.read_text(), sorted(os.listdir(tmp_path)))


def test_a_full_disk_leaves_nothing_behind(mktme, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    status, _, err = mktme("export", *CELL, "--to", "smv", "-o", str(tmp_path / "x.smv"))
    assert statuses.NOT_WRITTEN == status
    assert f"cannot write '{tmp_path}/x.smv': No space left on device" in err
    assert [] == os.listdir(tmp_path)
