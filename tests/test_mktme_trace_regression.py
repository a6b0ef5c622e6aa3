"""A run as a pytest file: it passes, is in the house's form, and fails once anything changes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_runs import RUNS, found, made, on, record_of

from mktme.traces import regression
from mktme.traces.again import again, made_again
from mktme.traces.forms import write
from mktme.traces.recorded import RecordError
from model import Scope

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ["failed update", "per package", "payload", "locks", "key in DRAM"]


def text_of(name: str) -> str:
    run = found(name)
    return write(run.record, run.trace, run.grounding, "test")


def pytest_says(folder: Path) -> tuple[int, str]:
    """What pytest says of the files of a folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    return done.returncode, done.stdout


def test_the_files_of_runs_of_every_system_pass(tmp_path) -> None:
    for name in SHOWN:
        (tmp_path / regression.file_name(record_of(name))).write_text(text_of(name))
    status, said = pytest_says(tmp_path)
    assert 0 == status, said
    assert f"{len(SHOWN)} passed" in said


ALTERED = {
    "repaired": ('DESIGN = "rfc-v2"', 'DESIGN = "rfc-v2-fixed"', "assert 2 == None"),
    "failure": (" fails[1]=yes", "", "assert 2 == None"),
    "key": ("bytes=B", "bytes=C", "bytes is no 'C'"),
    "order": ("instantiate", "update", "is not possible there"),
    "identity": ("4d3578f88663", "4d3578f88664", "assert '4d3578f88664' == '4d3578f88663'"),
}


def test_a_file_fails_where_the_design_is_repaired_or_a_call_is_another(tmp_path) -> None:
    text = text_of("failed update")
    for name, (was, now, _) in ALTERED.items():
        assert was in text
        (tmp_path / f"test_{name}.py").write_text(text.replace(was, now))
    status, said = pytest_says(tmp_path)
    assert 1 == status, said
    assert f"{len(ALTERED)} failed" in said
    for _, _, why in ALTERED.values():
        assert why in said


def test_the_file_is_named_after_design_and_property() -> None:
    record = record_of("failed update")
    assert "test_rfc_v2_violates_tables_agree.py" == regression.file_name(record)
    many = record.design.but(parser="strict", parse_error="frees_payload", lock_order="map_first")
    long = dataclasses.replace(
        record, design=many.but(bitmap_bits="n_plus_1", count_entries="n_plus_1")
    )
    assert f"rfc_v2_{long.id}_violates_tables_agree" == regression.slug(long)


@pytest.mark.parametrize("name", RUNS)
def test_the_file_is_as_the_linter_and_the_formatter_leave_it(name: str, tmp_path) -> None:
    assert "" == complaints(text_of(name), tmp_path)


def complaints(text: str, folder: Path) -> str:
    path = folder / "test_run.py"
    path.write_text(text)
    assert 100 >= max(map(len, text.splitlines()))
    pytest.importorskip("ruff", reason="ruff is not installed: it is in the extra `dev`")
    said = ""
    for command in (["check", "-q"], ["format", "-q", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--config", "pyproject.toml"]
        done = subprocess.run(
            [*arguments, str(path)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        said += done.stdout + done.stderr + ("" if done.returncode == 0 else "refused")
    return said


@pytest.mark.deep
def test_a_file_about_a_design_of_many_knobs_and_a_call_of_many_arguments_is_in_form(
    tmp_path,
) -> None:
    design = (
        "resupply,parser=lenient,parse_error=leaks_payload,program_struct=dirty_free,"
        "key_lookup=by_address,error_unlock=missing,lock_order=map_first"
    )
    scope = Scope(2, 1, 6, 1, 1, 1)
    supplied = " ".join(f"supplied[{keyid}]=zeros" for keyid in range(1, 7))
    calls = (
        "instantiate key=0 kind=user bytes=A  package_add package=1"
        f" cpu_startup package=1 cpu=0 fails_at=1 {supplied}"
    )
    run = again(design, "hotplug-admitted", scope, calls, absent=[1])
    assert 3 == run.broken_at
    text = regression.test(run.record, run.trace, run.grounding)
    assert "" == complaints(text, tmp_path)
    assert "absent=[1]" in text
    (tmp_path / "test_run.py").write_text(text)
    assert 0 == pytest_says(tmp_path)[0]


# What the files are written in terms of


def test_a_run_that_is_made_again_is_violated_at_its_last_call() -> None:
    for name in RUNS:
        assert "" == made(name).disagreement
        assert len(made(name).trace) == made(name).broken_at


def test_the_same_calls_on_a_repaired_design_violate_nothing_and_both_sides_say_so() -> None:
    repaired = on("failed update", "rfc-v2-fixed")
    assert (None, "") == (repaired.broken_at, repaired.disagreement)


def test_calls_after_the_violation_do_not_hide_it() -> None:
    design, property_id, scope, calls, *_ = RUNS["failed update"]
    longer = again(design, property_id, scope, f"{calls} destroy key=0")
    assert (2, "") == (longer.broken_at, longer.disagreement)


REFUSALS = {
    "": "a run without calls shows nothing",
    "key=0 instantiate": "no call begins with 'key=0'",
    "frob": "step 1: unknown call 'frob'",
    "destroy key=0": "rfc-v2 does not have this run: step 1, destroy, is not possible there",
}


@pytest.mark.parametrize("calls", REFUSALS)
def test_calls_that_are_no_run_are_refused(calls: str) -> None:
    with pytest.raises(RecordError) as refused:
        again("rfc-v2", "tables-agree", RUNS["failed update"][2], calls)
    assert str(refused.value).startswith(REFUSALS[calls])


def test_a_property_that_does_not_apply_is_refused() -> None:
    record = record_of("failed update")
    saving = dataclasses.replace(
        record, property_id="no-plaintext-unsaved", design=record.design.but(savekeys="on")
    )
    with pytest.raises(RecordError, match="no-plaintext-unsaved does not apply to rfc-v2,savekeys"):
        made_again(saving)
