"""`mktme replay`, what is kept for it, and `--as` of the commands: statuses, words, files."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from recorded_runs import RUNS, found, made, record_of
from simulations import mktme

from mktme import statuses
from mktme.commands import tracing
from mktme.traces import finding, store
from mktme.traces.content import content
from mktme.traces.forms import FORMS, write
from mktme.traces.recorded import Record

ROOT = Path(__file__).resolve().parent.parent
ID = "4d3578f88663"


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """A folder in which traces are kept."""
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "traces"))
    return tmp_path / "traces"


@pytest.fixture
def file(tmp_path) -> Path:
    """A file with a run in it."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(content(record_of("failed update"))))
    return path


# Statuses


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_still_there_ends_with_status_0(name: str, tmp_path) -> None:
    for form in ("json", "itf", "vcd"):
        run = found(name)
        path = tmp_path / f"run.{form}"
        path.write_text(write(run.record, run.trace, run.grounding, form))
        status, out, err = mktme("replay", str(path))
        assert (statuses.HOLDS, "") == (status, err)
        assert f"The implementation did the same, and violates {run.record.property_id}" in out


def test_a_run_that_violates_nothing_on_another_design_ends_with_status_1(file) -> None:
    status, out, err = mktme("replay", str(file), "--design", "rfc-v2-fixed")
    assert (statuses.VIOLATED, "") == (status, err)
    assert "rfc-v2-fixed / tables-agree: the design has this run, and it does not violate" in out
    assert "2. update the key at KeyID 1 to user key B while PCONFIG fails on package 1" in out
    assert "The implementation did the same, and the property holds of it too." in out


def test_a_design_that_shares_the_mistake_ends_with_status_0(file) -> None:
    status, out, _ = mktme("replay", str(file), "--design", "rfc-v2,savekeys=on")
    assert statuses.HOLDS == status
    assert "rfc-v2,savekeys=on violates tables-agree" in out


def test_a_design_that_breaks_earlier_is_told_up_to_there(tmp_path) -> None:
    record = record_of("failed update")
    end = dataclasses.replace(record.calls[0], action="destroy", arguments=(("key", "0"),))
    longer = dataclasses.replace(record, calls=(*record.calls, end))
    path = tmp_path / "longer.json"
    path.write_text(json.dumps(content(longer)))
    status, out, _ = mktme("replay", str(path))
    assert statuses.HOLDS == status
    assert "It is violated there already: 1 step more are left out." in " ".join(out.split())
    status, out, _ = mktme("replay", str(path), "--as", "json")
    assert (statuses.HOLDS, ID) == (status, json.loads(out)["id"])


def test_a_run_that_a_design_does_not_have_ends_with_status_2(file) -> None:
    status, out, err = mktme("replay", str(file), "--design", "per-package")
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert "mktme: per-package does not have this run: step 1, instantiate, is not" in err


def test_a_property_that_a_design_excludes_ends_with_status_2(tmp_path) -> None:
    path = tmp_path / "run.json"
    kept_in = dataclasses.replace(record_of("key in DRAM"), property_id="no-plaintext-unsaved")
    path.write_text(json.dumps(content(kept_in)))
    assert statuses.HOLDS == mktme("replay", str(path))[0]
    status, _, err = mktme("replay", str(path), "--design", "rfc-v2,savekeys=on")
    assert statuses.BAD_INPUT == status
    assert "no-plaintext-unsaved does not apply to rfc-v2,savekeys=on" in err


@pytest.mark.parametrize("options", [(), ("--as", "json")])
def test_a_disagreement_ends_with_status_5(file, monkeypatch, options) -> None:
    honest = tracing.made_again

    def contradicted(record: Record):
        again = honest(record)
        replay = dataclasses.replace(again.replay, disagreement="the implementation answers ok")
        return dataclasses.replace(again, replay=replay)

    monkeypatch.setattr(tracing, "made_again", contradicted)
    status, out, err = mktme("replay", str(file), *options)
    assert statuses.DISAGREE == status
    assert "the implementation answers ok" in out + err


# --as


@pytest.mark.parametrize("form", FORMS)
def test_a_run_is_written_in_every_form(form: str, file, tmp_path) -> None:
    status, out, err = mktme("replay", str(file), "--as", form)
    assert (statuses.HOLDS, "") == (status, err)
    run = found("failed update")
    assert write(run.record, run.trace, run.grounding, form) == out
    path = tmp_path / "written"
    assert (0, "", "") == mktme("replay", str(file), "--as", form, "-o", str(path))
    assert out == path.read_text(encoding="utf-8")


def test_explain_writes_what_replay_writes(file) -> None:
    arguments = ["rfc-v2", "tables-agree", "--keyids", "1", "--cpus", "1", "--vmas", "1"]
    explained = mktme("explain", *arguments, "--as", "test")
    assert statuses.HOLDS == explained[0]
    assert (
        explained[1].splitlines()[-5:]
        == mktme("replay", str(file), "--as", "test")[1].splitlines()[-5:]
    )


def test_explain_writes_its_document_as_json(kept) -> None:
    status, out, _ = mktme("explain", "rfc-v2", "in-bounds", "--as", "json")
    assert (statuses.HOLDS, True) == (status, json.loads(out)["is_least"])
    (path,) = kept.iterdir()
    again = json.loads(mktme("replay", str(path), "--as", "json")[1])
    assert again == json.loads(out)


def test_explain_takes_its_document_s_format_twice_and_no_second_one(kept, tmp_path) -> None:
    path = tmp_path / "run.json"
    once = mktme("explain", "rfc-v2", "in-bounds", "--json")
    assert once == mktme("explain", "rfc-v2", "in-bounds", "--as", "json", "--json")
    twice = "--as", "json", "--json", "-o", str(path)
    assert (statuses.HOLDS, "", "") == mktme("explain", "rfc-v2", "in-bounds", *twice)
    assert once[1] == path.read_text()
    status, out, err = mktme("explain", "rfc-v2", "in-bounds", "--as", "itf", "--json")
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert "--json is the answer and --as itf the run: choose one" in err


def test_explain_writes_the_answer_to_its_file_too_where_nothing_is_violated(tmp_path) -> None:
    path = tmp_path / "answer.json"
    asked = "explain", "rfc-v2-fixed", "in-bounds", "--as", "json", "--json", "-o", str(path)
    assert (statuses.HOLDS, "", "") == mktme(*asked)
    assert "PROVED" == json.loads(path.read_text())["results"][0]["verdict"]


def test_the_answer_of_replay_is_another_object_than_the_run_in_json(file) -> None:
    status, out, err = mktme("replay", str(file), "--as", "json", "--json")
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert "--json is the answer and --as json the run: choose one" in err


def test_explain_has_nothing_to_write_where_nothing_is_violated(tmp_path) -> None:
    path = tmp_path / "none"
    status, out, err = mktme("explain", "rfc-v2-fixed", "in-bounds", "--as", "itf", "-o", str(path))
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert "there is nothing to write: rfc-v2-fixed / in-bounds: no counterexample, ✓" in err
    assert not path.exists()


def test_a_run_that_violates_nothing_is_not_written(file, tmp_path) -> None:
    path = tmp_path / "none"
    status, out, err = mktme(
        "replay", str(file), "--design", "rfc-v2-fixed", "--as", "test", "-o", str(path)
    )
    assert (statuses.VIOLATED, "") == (status, out)
    assert "it does not violate the property" in err
    assert not path.exists()


REFUSALS = {
    ("--as", "scrip"): "unknown form 'scrip' (did you mean script?); known: text, json, itf, vcd,",
    (
        "-o",
        "x",
    ): "a file needs --as json, itf, vcd, test, script; text is for",
    ("--as", "vcd", "-o", "/dev/null/x"): "cannot write '/dev/null/x': there is no directory",
    ("--as", "vcd", "--json"): "--json is the answer and --as vcd the run: choose one",
    ("--design", "rfc-v3"): "unknown design 'rfc-v3' (did you mean rfc-v2?)",
}


@pytest.mark.parametrize("options", REFUSALS)
def test_options_that_make_no_sense_are_refused(options, file) -> None:
    status, out, err = mktme("replay", str(file), *options)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert REFUSALS[options] in err


def test_a_disk_that_is_full_ends_with_74_and_leaves_the_file_as_it_was(
    file, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "kept"
    path.write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    status, out, err = mktme("replay", str(file), "--as", "vcd", "-o", str(path))
    assert (statuses.NOT_WRITTEN, "") == (status, out)
    assert "No space left on device" in err
    assert ("before", [path]) == (path.read_text(), [*tmp_path.glob("*kept*")])


# Identities


def test_a_run_is_found_by_the_digits_that_its_identity_begins_with(kept) -> None:
    assert 0 == mktme("explain", "rfc-v2", "tables-agree")[0]
    assert [f"{ID}.json"] == os.listdir(kept)
    for digits in (ID, ID[:6], ID.upper()):
        assert statuses.HOLDS == mktme("replay", digits)[0]


def test_check_and_compare_keep_what_they_find_and_a_proof_keeps_nothing(kept) -> None:
    mktme("check", "rfc-v2-fixed", "in-bounds")
    assert not kept.exists()
    mktme("check", "rfc-v2", "in-bounds", "no-dangling")
    mktme("compare", "rfc-v2", "--property", "tables-agree")
    assert ["4d3578f88663.json", "b62f64dd8713.json", "f3bd0d59af58.json"] == sorted(
        os.listdir(kept)
    )


def test_digits_that_begin_several_identities_are_refused(kept) -> None:
    store.keep([record_of("failed update")])
    (kept / "4d3578000000.json").write_text("{}")
    status, _, err = mktme("replay", "4d3578")
    assert statuses.BAD_INPUT == status
    assert f"4d3578 begins several traces: 4d3578000000, {ID}" in err


UNKNOWN = {
    "4d357": "there is no file '4d357', and it is no trace's identity: an identity has 6 to 12",
    "none.json": "there is no file 'none.json', and it is no trace's identity",
    "4d3578f886631": "and it is no trace's identity",
    300 * "a": "and it is no trace's identity",
    "a\0b": "and it is no trace's identity",
    "/": "cannot read /: Is a directory",
    "aaaaaa": "no trace begins with aaaaaa: `mktme explain`, `check` and `compare` keep those",
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_neither_file_nor_identity_is_refused(text: str, kept) -> None:
    status, _, err = mktme("replay", text)
    assert (statuses.BAD_INPUT, 1) == (status, err.count("\n"))
    assert UNKNOWN[text] in err


def test_a_refusal_says_that_nothing_is_kept(monkeypatch) -> None:
    monkeypatch.setenv(store.VARIABLE, "off")
    assert "(none are: MKTME_TRACES is off)" in mktme("replay", "aaaaaa")[2]


def test_a_kept_file_with_another_run_in_it_is_refused(kept) -> None:
    store.keep([record_of("failed update")])
    (kept / f"{ID}.json").rename(kept / "aaaaaaaaaaaa.json")
    assert f"what was aaaaaaaaaaaa has become {ID}" in mktme("replay", "aaaaaa")[2]
    (kept / "aaaaaaaaaaaa.json").write_text("{}")
    assert "aaaaaaaaaaaa.json: the record lacks 'format'" in mktme("replay", "aaaaaa")[2]


def test_what_ships_with_the_program_is_judged_again(kept, monkeypatch) -> None:
    scope = record_of("failed update").scope
    shipped = {
        ID: ("rfc-v2", "tables-agree", scope),
        "beef00beef00": ("rfc-v2", "in-bounds", scope),
    }
    monkeypatch.setattr(finding, "known_traces", lambda: shipped)
    assert statuses.HOLDS == mktme("replay", ID[:8])[0]
    assert "what was beef00beef00 has become f3bd0d59af58" in mktme("replay", "beef00")[2]
    shipped["beef00beef00"] = ("rfc-v2-fixed", "in-bounds", scope)
    assert "beef00beef00 has become no counterexample" in mktme("replay", "beef00")[2]


# What is kept


def test_traces_are_kept_in_the_user_s_state_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv(store.VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Path(platformdirs.user_state_dir("mktme"), "traces") == store.folder()
    store.keep([record_of("failed update")])
    assert {ID} == store.kept("").keys()


@pytest.mark.parametrize("said", ["", "off"])
def test_keeping_can_be_turned_off(said: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(store.VARIABLE, said)
    monkeypatch.chdir(tmp_path)
    store.keep([record_of("failed update")])
    assert {} == store.kept("4d3578")
    assert [] == os.listdir(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_in_nobody_s_way(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "file"))
    status, out, err = mktme("explain", "rfc-v2", "in-bounds")
    assert (statuses.HOLDS, "") == (status, err)
    assert "Broken" in out or "broken" in out
    assert {} == store.kept("4d3578")


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(kept) -> None:
    (kept / f"{ID}.json").mkdir(parents=True)
    store.keep([record_of("failed update")])
    assert [f"{ID}.json"] == os.listdir(kept)


def test_the_oldest_traces_go_and_no_file_of_anybody_else_s(kept, monkeypatch) -> None:
    monkeypatch.setattr(store, "KEPT_MAX", 2)
    kept.mkdir()
    (kept / "notes.json").write_text("mine")
    names = ["failed update", "per package", "payload"]
    for age, name in enumerate(names):
        store.keep([record_of(name)])
        path = kept / f"{made(name).id}.json"
        if path.exists():
            os.utime(path, (age, age))
    store.keep([record_of("payload")])
    left = {made(name).id for name in names[1:]}
    assert left == store.kept("").keys()
    assert "mine" == (kept / "notes.json").read_text()


def test_the_program_keeps_and_finds_across_processes(kept) -> None:
    """As a user has it, and nothing of it in this process."""
    run = [sys.executable, "-m", "mktme"] if (ROOT / "mktme/__main__.py").exists() else None
    code = "from mktme.cli import main; main()"
    command = run or [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments, status in [(["check", "rfc-v2", "in-bounds"], 1), (["replay", "f3bd0d"], 0)]:
        done = subprocess.run([*command, *arguments], capture_output=True, env=environment)
        assert status == done.returncode, done.stderr
