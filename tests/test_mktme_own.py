"""Designs and properties of a user's own: what they may be, and what is refused, with its line."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.systems.reading import Reading
from conformance.lockstep import ground
from designs import DESIGNS, KNOWN_DESIGNS, design_from_text
from mktme import ownfiles
from mktme.executors import executor
from mktme.matrix import judge_all
from mktme.orders import Orders
from model import Scope
from properties import KNOWN_PROPERTIES, PROPERTIES, not_applicable, property_from_text
from properties.own import OwnError

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "in_reach.py"
REFUSALS = ROOT / "examples" / "refusals.py"


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    ownfiles.forget()


def load(text: str) -> None:
    ownfiles.load([ownfiles.OwnFile("mine.py", text)])


def refusal(text: str) -> str:
    with pytest.raises(OwnError) as refused:
        load(text)
    return str(refused.value)


def claim(**arguments: str) -> str:
    """A file with one property, some of whose arguments are replaced."""
    given = {
        "name": "'p'",
        "sentence": "'A sentence.'",
        "formula": "lambda s: s.every(own.KEYID, lambda k: Not(s.is_mapped(None, k)))",
        "premise": "lambda s: s.some(own.KEYID, lambda k: s.is_mapped(None, k))",
        **arguments,
    }
    said = ", ".join(f"{name}={value}" for name, value in given.items())
    return f"from z3 import Not\nfrom mktme import own\nown.property({said})\n"


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from mktme.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
    )


# What is added is known


def test_an_own_design_has_the_knobs_of_its_base_but_for_those_that_it_sets() -> None:
    load("from mktme import own\nown.design('mine', 'no-hotplug', teardown='always')\n")
    mine = design_from_text("mine")
    assert "mine" == mine.name
    assert DESIGNS["no-hotplug"].but(teardown="always") == mine


def test_knobs_of_an_own_design_can_be_changed_on_the_command_line() -> None:
    load("from mktme import own\nown.design('mine', 'no-hotplug')\n")
    changed = design_from_text("mine,teardown=always")
    assert "mine,teardown=always" == changed.name
    assert "always" == changed.teardown


def test_an_own_design_may_rest_on_another() -> None:
    load(
        "from mktme import own\n"
        "own.design('one', 'rfc-v2-fixed')\n"
        "own.design('two', 'one,teardown=keep_last_lead')\n"
    )
    assert DESIGNS["rfc-v2-fixed"].but(teardown="keep_last_lead") == design_from_text("two")


def test_the_catalogues_do_not_change() -> None:
    before = list(DESIGNS), list(PROPERTIES)
    ownfiles.load(ownfiles.read([EXAMPLE]))
    assert before == (list(DESIGNS), list(PROPERTIES))
    assert [*before[0], "in-reach"] == list(KNOWN_DESIGNS)
    assert [*before[1], "tables-in-reach"] == list(KNOWN_PROPERTIES)
    assert (10, 31) == (len(KNOWN_DESIGNS), len(KNOWN_PROPERTIES))


def test_what_was_loaded_can_be_forgotten() -> None:
    ownfiles.load(ownfiles.read([EXAMPLE]))
    ownfiles.forget()
    assert (list(DESIGNS), list(PROPERTIES)) == (list(KNOWN_DESIGNS), list(KNOWN_PROPERTIES))
    assert () == ownfiles.loaded()


def test_a_file_that_is_loaded_twice_adds_what_it_has_once() -> None:
    ownfiles.load(ownfiles.read([EXAMPLE, EXAMPLE]))
    assert 1 == len(ownfiles.loaded())


def test_a_property_that_speaks_of_some_designs_does_not_apply_to_the_others() -> None:
    ownfiles.load(ownfiles.read([EXAMPLE]))
    own = property_from_text("tables-in-reach")
    assert not_applicable(DESIGNS["no-hotplug"], own) is None
    assert (
        "keyid_scope=per_package: the property speaks of designs with keyid_scope=global"
        == not_applicable(DESIGNS["per-package"], own)
    )


def test_a_misspelt_own_name_is_suggested_like_any_other() -> None:
    ownfiles.load(ownfiles.read([EXAMPLE]))
    with pytest.raises(ValueError, match=r"did you mean in-reach\?"):
        design_from_text("in-reech")
    with pytest.raises(ValueError, match=r"did you mean tables-in-reach\?"):
        property_from_text("tables-in-reech")


def test_without_words_of_its_own_a_property_says_where_it_is_false() -> None:
    load(claim())
    grounding = ground(DESIGNS["rfc-v2-fixed"], Scope(2, 1, 1, 1, 1, 1))
    start = tuple(0 for _ in grounding.system.variables)
    explain = property_from_text("p").explain
    reading = Reading(grounding, start)
    assert "the property is false for KeyID 2 and other at 3" == explain(
        reading, {"k": 1, "other": 3}, {}
    )
    assert "the property is false" == explain(reading, {}, {})


# How it is judged


def test_an_own_property_is_judged_in_other_processes_and_replayed() -> None:
    ownfiles.load(ownfiles.read([EXAMPLE]))
    asked = [(design_from_text(d), "tables-in-reach") for d in ("in-reach", "rfc-v2-fixed")]
    with executor("processes:1") as pool:
        holds, broken = judge_all(asked, Scope(), Orders(), pool)
    assert ("PROVED", "any size") == (holds.word, holds.verdict and holds.verdict.extent)
    assert ("VIOLATED", 3) == (broken.word, broken.trace and len(broken.trace))
    assert "package 0 cannot be programmed any more" == broken.because
    assert broken.replay is not None
    assert broken.replay.agrees
    assert (
        "key 1, KeyID 1, package 0 (0 CPUs online): encrypt aes-xts-128 key 1f34"
        in broken.replay.observed
    )


def test_an_own_property_of_steps_is_judged_and_its_refusal_observed(tmp_path: Path) -> None:
    file = tmp_path / "steps.py"
    file.write_text(
        "from z3 import And, BoolVal, Implies\n"
        "from mktme import own\n"
        "def stops(step):\n"
        "    return BoolVal(step.action == 'cpu_teardown')\n"
        "own.property('cpus-stop', 'A CPU stops.',\n"
        "    lambda step: Implies(stops(step), step.answer == step.answers('ok')),\n"
        "    stops, kind='step')\n",
        encoding="utf-8",
    )
    done = run("--with", str(file), "check", "no-hotplug", "cpus-stop", "--json")
    assert (1, "") == (done.returncode, done.stderr)
    (result,) = json.loads(done.stdout)["results"]
    assert ("VIOLATED", 3, True) == (result["verdict"], result["length"], result["replayed"])


def test_every_repaired_design_keeps_what_is_refused_from_changing_anything() -> None:
    ownfiles.load(ownfiles.read([REFUSALS]))
    posted = ("rfc-v2", "rfc-v2-savekeys", "rfc-v2-fixed,error_unlock=missing")
    designs = dict.fromkeys([*DESIGNS, *posted])
    asked = [(design_from_text(design), "refusal-is-noop") for design in designs]
    with executor("processes:1") as pool:
        cells = dict(zip(designs, judge_all(asked, Scope(), Orders(), pool), strict=True))
    broken = {design for design, cell in cells.items() if cell.word == "VIOLATED"}
    assert set(posted) == broken
    for design in posted:
        trace, replay = cells[design].trace, cells[design].replay
        assert (3, True) == (trace and len(trace), replay and replay.agrees)
        assert "the call answers EBUSY and leaves the map lock held" == cells[design].because
    extents = {cells[design].verdict.extent for design in designs if design not in broken}  # type: ignore[union-attr]
    assert {"any size"} == extents


def test_an_own_property_whose_premise_is_never_reached_is_vacuous(tmp_path: Path) -> None:
    file = tmp_path / "vacuous.py"
    never = "s.some(own.VMA, lambda v: s.some(own.VMA, lambda w: s.less(v, v)))"
    file.write_text(
        claim(formula="lambda s: s.bypass == s.bypass", premise=f"lambda s: {never}"), "utf-8"
    )
    done = run("--with", str(file), "check", "no-hotplug", "p")
    assert 4 == done.returncode
    assert "vacuous" in done.stdout


def test_a_certificate_of_an_own_property_is_confirmed_where_the_file_is_known(
    tmp_path: Path,
) -> None:
    with_it = ("--with", str(EXAMPLE))
    made = run(*with_it, "check", "in-reach", "tables-in-reach", "--certificates", str(tmp_path))
    assert 0 == made.returncode
    (file,) = tmp_path.iterdir()
    known = run(*with_it, "verify-certificate", str(file))
    assert (0, "") == (known.returncode, known.stderr)
    assert known.stdout.startswith("confirmed: in-reach / tables-in-reach")
    unknown = run("verify-certificate", str(file))
    assert 5 == unknown.returncode
    assert "unknown design 'in-reach'" in unknown.stderr


def test_the_environment_names_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKTME_WITH", str(EXAMPLE))
    done = run("list", "designs")
    assert (0, "") == (done.returncode, done.stderr)
    assert "in-reach" in done.stdout


# Where its counterexamples go


def test_a_trace_of_an_own_property_becomes_a_regression_that_passes(tmp_path: Path) -> None:
    file = tmp_path / "test_written.py"
    wanted = ("explain", "rfc-v2-fixed", "tables-in-reach", "--as", "test", "-o", str(file))
    assert 0 == run("--with", str(EXAMPLE), *wanted).returncode
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert (0, "1 passed") == (done.returncode, done.stdout.splitlines()[-1][:8])


def test_a_trace_of_an_own_design_becomes_a_script_that_anybody_can_run(tmp_path: Path) -> None:
    file = tmp_path / "written.sim"
    wanted = ("explain", "in-reach", "hotplug-admitted", "--as", "script", "-o", str(file))
    assert 0 == run("--with", str(EXAMPLE), *wanted).returncode
    done = run("simulate", str(file))
    assert (0, "") == (done.returncode, done.stderr)


def test_a_script_of_an_own_property_shows_the_service_at_its_end(tmp_path: Path) -> None:
    file = tmp_path / "written.sim"
    wanted = ("explain", "rfc-v2-fixed", "tables-in-reach", "--as", "script", "-o", str(file))
    assert 0 == run("--with", str(EXAMPLE), *wanted).returncode
    shown = [li for li in file.read_text("utf-8").splitlines() if li.startswith("show ")]
    assert ["show map => 1 key", "show cpus", "show tables", "show counts", "show vmas"] == shown
    assert 0 == run("simulate", str(file)).returncode


def test_a_trace_file_of_an_own_design_is_replayed_where_the_file_is_known(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    wanted = ("explain", "in-reach", "hotplug-admitted", "--as", "json", "-o", str(file))
    assert 0 == run("--with", str(EXAMPLE), *wanted).returncode
    assert 0 == run("--with", str(EXAMPLE), "replay", str(file)).returncode
    unknown = run("replay", str(file))
    assert 2 == unknown.returncode
    assert "unknown design 'in-reach'" in unknown.stderr


# What is refused


def test_a_file_that_is_not_there_is_refused_with_status_2() -> None:
    done = run("--with", "no-such.py", "list", "designs")
    assert (2, "", "mktme: cannot read no-such.py: No such file or directory\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_a_mistake_in_a_file_is_one_line_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(claim(formula="lambda s: 3"), "utf-8")
    done = run("--with", "mine.py", "list", "designs", cwd=tmp_path)
    said = "mktme: mine.py:3: the formula of property 'p' gives no Boolean term, but a Python int\n"
    assert (2, "", said) == (done.returncode, done.stdout, done.stderr)


def test_what_a_formula_cannot_be_asked_of_a_design_is_refused_with_status_2(
    tmp_path: Path,
) -> None:
    # Without `where`, the property is read for a design with one map for all packages only.
    is_empty = "lambda k: s.vault_control[k] == s.control('empty')"
    text = claim(formula=f"lambda s: s.every(own.KEYID, {is_empty})")
    (tmp_path / "mine.py").write_text(text, "utf-8")
    done = run("--with", "mine.py", "check", "per-package", "p", cwd=tmp_path)
    assert 2 == done.returncode
    assert done.stderr.startswith(
        "mktme: mine.py:3: the formula of property 'p' cannot be read: no family or parameter"
        " 'vault_control'"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(OwnError, match="it is no text in UTF-8"):
        ownfiles.read([file])


def test_a_file_that_nobody_wrote_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(b"#" * (ownfiles.BYTES_MAX + 1))
    with pytest.raises(OwnError, match="too large for a file of designs and properties"):
        ownfiles.read([file])


REFUSED = {
    "syntax": ("x = 1\nx = (\n", "mine.py:2: '(' was never closed"),
    "null": ("x = '\0'", "mine.py:1: source code string cannot contain null bytes"),
    "error": ("x = 1\nx / 0\n", "mine.py:2: ZeroDivisionError: division by zero"),
    "exit": ("import sys\nsys.exit(0)\n", "mine.py:2: SystemExit: 0"),
    "taken design": (
        "from mktme import own\nown.design('no-hotplug')\n",
        "mine.py:2: there is a design 'no-hotplug' already",
    ),
    "twice": (
        "from mktme import own\nown.design('a')\nown.design('a')\n",
        "mine.py:3: there is a design 'a' already",
    ),
    "name": (
        "from mktme import own\nown.design('a,b')\n",
        "mine.py:2: 'a,b' is no name for a design; known: letters, digits, and after the first of"
        " them - _ .",
    ),
    "contradiction": (
        "from mktme import own\nown.design('a', vault_form='wrapped')\n",
        "mine.py:2: design rfc-v2,vault_form=wrapped makes no sense: vault_form=wrapped needs"
        " savekeys=on (there is nothing to wrap)",
    ),
    "taken property": (
        claim(name="'tables-agree'"),
        "mine.py:3: there is a property 'tables-agree' already",
    ),
    "no sentence": (claim(sentence="' '"), "mine.py:3: property 'p' has no sentence"),
    "kind": (claim(kind="'run'"), "mine.py:3: unknown kind 'run'; known: state, step"),
    "no function": (
        claim(formula="3"),
        "mine.py:3: the formula of property 'p' is no function, but a Python int",
    ),
    "Python's and": (
        claim(formula="lambda s: s.bypass and 3"),
        "mine.py:3: the formula of property 'p' cannot be read: Symbolic expressions cannot be cast"
        " to concrete Boolean values. Write And, Or, Not and Implies of z3 for Python's and, or,"
        " not and if.",
    ),
    "no Boolean term": (
        claim(premise="lambda s: s.mode('tme')"),
        "mine.py:3: the premise of property 'p' gives no Boolean term, but a term of sort"
        " BitVec(2)",
    ),
    "no variable": (
        claim(formula="lambda s: Not(False)"),
        "mine.py:3: property p of system rfc-v2 (mine.py:3): it names no variable",
    ),
    "no words": (
        claim(explain="'false'"),
        "mine.py:3: what explains property 'p' is no function, but a Python str",
    ),
    "contradictory where": (
        claim(where="{'keyid_scope': 'per_package', 'savekeys': 'on'}"),
        "mine.py:3: no design has these settings: design posted,keyid_scope=per_package,savekeys=on"
        " makes no sense: savekeys=on needs keyid_scope=global (with per_package, a package that"
        " comes online programs nothing from the vault)",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_refused_with_its_line(mistake: str) -> None:
    text, said = REFUSED[mistake]
    assert said == refusal(text)


@pytest.mark.parametrize(
    ("formula", "end"),
    [
        ("lambda s: s.is_maped(None, 0)", "; of the methods that a state has, is_mapped is the"),
        ("lambda s: not s.bypass", "Write And, Or, Not and Implies of z3 for Python's and, or,"),
    ],
)
def test_what_to_write_instead_is_said_where_it_is_plain(formula: str, end: str) -> None:
    assert end in refusal(claim(formula=formula))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (
            claim(formula="lambda s: s.nothing"),
            "mine.py:3: the formula of property 'p' cannot be read: no family or parameter"
            " 'nothing'; known: bypass, present,",
        ),
        (
            "from mktme import own\nown.design('a', 'rfc-v3')\n",
            "mine.py:2: unknown design 'rfc-v3' (did you mean rfc-v2?); known: rfc-v2,",
        ),
        (
            "from mktme import own\nown.design('a', teerdown='always')\n",
            "mine.py:2: unknown knob 'teerdown' (did you mean teardown?); known: keyid_scope,",
        ),
        (claim(where="{'teerdown': 'x'}"), "mine.py:3: unknown knob 'teerdown' (did you mean"),
        (claim(where="{'teardown': 'x'}"), "mine.py:3: unknown value 'x' of teardown; known: a"),
    ],
)
def test_a_misspelling_is_refused_with_what_is_known(text: str, start: str) -> None:
    assert start == refusal(text)[: len(start)]


def test_words_that_fail_are_refused_with_the_line_that_failed() -> None:
    load(claim(explain="lambda reading, at, call: at['nobody']"))
    with pytest.raises(OwnError, match=r"^mine\.py:3: what explains property 'p' cannot be read"):
        property_from_text("p").explain(None, {}, {})


def test_words_that_are_no_text_are_refused() -> None:
    load(claim(explain="lambda reading, at, call: 3"))
    with pytest.raises(OwnError, match=r"gives no text, but a Python int$"):
        property_from_text("p").explain(None, {}, {})


# Nobody forgets them


CATALOGUES_ALONE = {"mktme/costs.py": {"DESIGNS"}}
"""Who needs a catalogue without what was added: a column's width, for one."""


def test_whoever_looks_a_name_up_knows_a_users_own_too() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "mktme").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in ("designs", "properties"):
                names = {alias.name for alias in node.names} & {"DESIGNS", "PROPERTIES"}
                if names:
                    found.setdefault(str(path.relative_to(ROOT)), set()).update(names)
    assert CATALOGUES_ALONE == found
