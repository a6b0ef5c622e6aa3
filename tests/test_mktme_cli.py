"""The commands as a person types them: exit statuses, refusals, JSON, and the matrix."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from reports import EVERY_KIND
from rich.console import Console

from checker import Verdict
from checker.certifying import refutation
from conformance import Replay
from designs import DESIGNS, KNOBS
from mktme import cli, executors, judge, render, statuses
from mktme.commands import asking
from mktme.judge import Cell
from mktme.matrix import judge_all
from mktme.orders import Orders
from mktme.proving import REAL
from mktme.report.answers import answer_of
from model import Scope
from properties import PROPERTIES

RESULT_KEYS = {
    "design",
    "property",
    "verdict",
    "depth",
    "length",
    "states",
    "engine",
    "replayed",
    "price",
    "seconds",
}


@pytest.fixture
def mktme(monkeypatch, capsys):
    """Run a command line in this process; gives (status, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mktme", *arguments])
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return run


REFUSALS = {
    ("check", "rfc-v3"): "unknown design 'rfc-v3' (did you mean rfc-v2?); known: rfc-v2,",
    ("compare", "rfc-v3"): "unknown design 'rfc-v3'",
    ("check", "rfc-v2", "tables"): "unknown property 'tables' (did you mean tables-agree?); known:",
    ("explain", "rfc-v2", "x"): "unknown property 'x'; known: tables-agree,",
    ("check", "rfc-v2,savekey=on"): "unknown knob 'savekey' (did you mean savekeys?); known:",
    ("check", "rfc-v2,savekeys=maybe"): "unknown value 'maybe' of knob savekeys; known: off, on",
    ("check", "rfc-v2,vault_form=wrapped"): "vault_form=wrapped needs savekeys=on",
    ("check", "rfc-v2", "--packages", "9"): "packages=9 is out of range; known: 1 to 8",
    ("compare", "--cpus", "0"): "cpus=0 is out of range; known: 1 to 8",
    ("compare", "--keyids", "16"): "keyids=16 is out of range; known: 1 to 15",
    ("check", "rfc-v2", "--keyids", "two"): "Invalid value for '--keyids'",
    ("check",): "Missing argument 'DESIGN[,knob=value…]'; known: rfc-v2, rfc-v2-savekeys,",
    ("explain", "rfc-v2"): "Missing argument 'PROPERTY'; known: tables-agree,",
    ("list",): "Missing argument 'LIST'; known: designs, properties, knobs,",
    ("schema",): "Missing argument 'OBJECT'; known: results, baseline,",
    ("export", "rfc-v2", "tables-agree"): "Missing option '--to'; known: vmt,",
    ("replay",): "Missing argument 'HASH|FILE'.",
    ("list", "keys"): "unknown list 'keys'; known: designs, properties, knobs",
    ("frob",): "unknown command 'frob'; known: compare, check, explain,",
    (
        "check",
        "rfc-v2",
        "--engine",
        "ic4",
    ): "unknown engine 'ic4' (did you mean ic3?); known:",
    ("check", "rfc-v2", "--memory", "lots"): "'lots' is no amount of memory; known: a number with",
    ("compare", "--executor", "ssh://x"): "unknown executor 'ssh://x'; known: processes,",
    ("check", "rfc-v2", "--checkpoint", "/dev/null/x"): "cannot keep checkpoints in '/dev/null/x'",
    ("lemmas", "rfc-v2", "x"): "unknown property 'x'; known: tables-agree,",
    ("conform", "rfc-v3"): "unknown design 'rfc-v3' (did you mean rfc-v2?); known: rfc-v2,",
    ("conform", "--values", "5"): "values=5 is out of range; known: 1 to 4",
    ("conform", "--histories", "3"): "Invalid value for '--histories'",
    ("payload", "rfc-v2", "type=usr"): "the type is unknown; known: user, cpu, clear, no-encrypt",
}


@pytest.mark.parametrize("arguments", REFUSALS)
def test_bad_input_gets_one_line_that_names_what_is_known(mktme, arguments):
    status, out, err = mktme(*arguments)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert err.startswith("mktme: ")
    assert REFUSALS[arguments] in err


def test_a_check_of_what_holds_exits_with_0(mktme):
    status, out, _ = mktme("check", "rfc-v2-fixed", "bitmap-exact")
    assert statuses.HOLDS == status
    assert "✓ any size" in out


def test_an_engine_can_be_chosen(mktme):
    for engine, said in [("explore", "✓ this scope (35,408)"), ("ic3", "✓ this scope")]:
        status, out, _ = mktme("check", "rfc-v2-fixed", "bitmap-exact", "--engine", engine)
        assert statuses.HOLDS == status
        assert said in " ".join(out.split())


def test_an_engine_that_cannot_tell_is_inconclusive(mktme):
    status, out, _ = mktme("check", "rfc-v2", "bitmap-exact", "--engine", "parametric")
    assert statuses.INCONCLUSIVE == status
    assert "? unknown" in out


def test_a_certificate_is_written_and_confirmed_alone(mktme, tmp_path):
    kept = str(tmp_path / "kept")
    for engine, suffix in [("auto", "smt2"), ("explore", "npz")]:
        arguments = ("rfc-v2-fixed", "bitmap-exact", "--certificates", kept, "--engine", engine)
        status, out, _ = mktme("check", *arguments, "--json")
        path = f"{kept}/rfc-v2-fixed_bitmap-exact.{suffix}"
        assert (statuses.HOLDS, path) == (status, json.loads(out)["results"][0]["certificate"])
        status, out, _ = mktme("verify-certificate", path)
        assert statuses.HOLDS == status
        assert "confirmed: rfc-v2-fixed / bitmap-exact" in " ".join(out.split())


def test_a_certificate_that_is_none_exits_with_5(mktme, tmp_path):
    (tmp_path / "x.smt2").write_text("(check-sat)\n")
    status, out, err = mktme("verify-certificate", str(tmp_path / "x.smt2"))
    assert (statuses.DISAGREE, "", 1) == (status, out, err.count("\n"))
    assert "cannot confirm" in err


def test_a_certificate_of_nothing_is_refused_in_words_of_ours(mktme, tmp_path):
    (tmp_path / "x.smt2").write_text("")
    status, out, err = mktme("verify-certificate", str(tmp_path / "x.smt2"))
    said = f"mktme: cannot confirm {tmp_path / 'x.smt2'}: the file is empty\n"
    assert (statuses.DISAGREE, "", said) == (status, out, err)


def test_a_proof_that_the_second_checker_refuses_exits_with_5_and_says_so(mktme, monkeypatch):
    lie = refutation.Answers((("update keeps bitmap-exact", "sat"),), 0.0)
    monkeypatch.setattr("checker.certifying.certificate.refuted_by_cvc5", lambda *_: lie)
    status, out, _ = mktme("check", "rfc-v2-fixed", "bitmap-exact")
    assert statuses.DISAGREE == status
    assert "THE CHECKERS DISAGREE: the certificate was refused" in " ".join(out.split())


def test_lemmas_shows_what_a_proof_rests_on(mktme):
    status, out, _ = mktme("lemmas", "rfc-v2-fixed", "no-lost-keyid")
    assert statuses.HOLDS == status
    assert "Proved for any number of packages, CPUs, KeyIDs, keys and VMAs." in out
    assert "A mapped KeyID has a reference." in out.splitlines()[-3]


def test_lemmas_says_that_a_property_needs_none(mktme):
    status, out, _ = mktme("lemmas", "rfc-v2-fixed", "bitmap-exact")
    assert statuses.HOLDS == status
    assert "The property is inductive by itself: it rests on no lemma." in out.splitlines()


@pytest.mark.parametrize("how", [(), ("--discover",)])
def test_lemmas_says_where_a_proof_for_any_size_would_not_be_true(mktme, how):
    status, out, _ = mktme("lemmas", "rfc-v2-fixed,bitmap_bits=n", "in-bounds", *how)
    assert statuses.INCONCLUSIVE == status
    assert (
        "No proof for any size: bitmap_bits=n: where the number of KeyIDs fills whole"
        in " ".join(out.split())
    )
    status, out, _ = mktme("check", "rfc-v2-fixed,bitmap_bits=n", "in-bounds", "--json")
    (result,) = json.loads(out)["results"]
    assert (statuses.HOLDS, "PROVED", "scope") == (status, result["verdict"], result["extent"])


@pytest.mark.parametrize("seconds", ["0", "nan", "inf", "1e9"])
def test_seconds_that_no_clock_counts_are_bad_input(mktme, seconds):
    status, out, err = mktme("check", "rfc-v2", "in-bounds", "--seconds-max", seconds)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert "Invalid value for '--seconds-max'" in err


@pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2-fixed"])
def test_where_there_is_no_time_even_to_read_a_system_there_is_no_answer(mktme, design):
    status, out, err = mktme("check", design, "right-key", "--seconds-max", "0.1")
    assert (statuses.INCONCLUSIVE, "") == (status, err)
    assert "? unknown" in out


def test_lemmas_shows_where_an_induction_gets_stuck(mktme):
    status, out, _ = mktme("lemmas", "rfc-v2", "bitmap-exact")
    said = " ".join(out.split())
    assert statuses.INCONCLUSIVE == status
    assert "The induction gets stuck" in said
    assert "bitmap-exact is not:" in said
    # Which step that is, and so whether it is real, depends on what the solver was asked before.
    assert 1 == sum(sentence in said for sentence in REAL.values())


def test_lemmas_says_where_a_property_does_not_apply(mktme):
    status, out, _ = mktme("lemmas", "rfc-v2-savekeys", "no-plaintext-unsaved")
    assert statuses.HOLDS == status
    assert "does not apply" in out


def test_a_check_of_what_is_violated_exits_with_1(mktme):
    status, out, _ = mktme("check", "rfc-v2", "no-plaintext-unsaved")
    assert statuses.VIOLATED == status
    assert "✗ 1 step" in out


def test_a_check_that_does_not_apply_is_a_dash_and_exits_with_0(mktme):
    status, out, _ = mktme("check", "rfc-v2-savekeys", "no-plaintext-unsaved")
    assert statuses.HOLDS == status
    assert "– n/a" in out


def test_a_check_that_runs_into_its_limit_exits_with_3(mktme):
    limits = ("--engine", "bounded", "--depth-max", "1", "--seconds-max", "60")
    status, out, _ = mktme("check", "per-package", "released-is-clear", *limits)
    assert statuses.INCONCLUSIVE == status
    assert "~ to depth" in out


def test_a_vacuous_check_exits_with_4(mktme):
    status, out, _ = mktme("check", "rfc-v2-fixed", "tables-agree", "--packages", "1")
    assert statuses.VACUOUS == status
    assert "∅ vacuous" in out


def test_a_replay_that_disagrees_exits_with_5_and_says_so(mktme, monkeypatch):
    lie = Replay((), (), "the implementation did something else")
    monkeypatch.setattr(judge, "replay", lambda *_: lie)
    status, out, _ = mktme("check", "rfc-v2", "released-is-clear")
    assert statuses.DISAGREE == status
    assert "THE REPLAY DISAGREES: the implementation did something else" in " ".join(out.split())


def test_an_error_of_the_program_exits_with_70(mktme, monkeypatch):
    monkeypatch.setattr(asking, "judge", lambda *_: 1 / 0)
    status, _, err = mktme("check", "rfc-v2", "released-is-clear")
    assert statuses.INTERNAL == status
    assert "ZeroDivisionError" in err


def test_an_interrupt_exits_with_130(mktme, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "judge", interrupted)
    status, _, _ = mktme("check", "rfc-v2", "released-is-clear")
    assert statuses.INTERRUPTED == status


def cell(word: str, *, agrees: bool = True) -> Cell:
    replay = None if agrees else Replay((), (), "different")
    return Cell(DESIGNS["rfc-v2"], "tables-agree", word, replay=replay)


@pytest.mark.parametrize(
    ("cells", "check", "compare"),
    [
        ([cell("PROVED"), cell("NOT_APPLICABLE")], 0, 0),
        ([cell("PROVED"), cell("VIOLATED")], 1, 0),
        ([cell("VIOLATED"), cell("UNKNOWN")], 1, 3),
        ([cell("HOLDS_TO"), cell("PROVED")], 3, 3),
        ([cell("VACUOUS"), cell("UNKNOWN")], 4, 4),
        ([cell("VIOLATED", agrees=False), cell("VACUOUS")], 5, 5),
        ([dataclasses.replace(cell("UNKNOWN"), error="two engines differ")], 5, 5),
    ],
)
def test_the_worst_cell_decides_the_status(cells, check, compare):
    assert (check, compare) == (statuses.for_check(cells), statuses.for_compare(cells))


@pytest.mark.parametrize("make", EVERY_KIND)
@pytest.mark.parametrize("other", EVERY_KIND)
def test_compare_never_ends_with_1_where_nothing_is_expected(make, other):
    assert statuses.VIOLATED != statuses.for_compare([make(), other()])


def test_json_is_one_object_with_scope_versions_and_results(mktme):
    status, out, err = mktme("check", "rfc-v2", "hotplug-admitted", "bitmap-exact", "--json")
    said = json.loads(out)
    assert (statuses.VIOLATED, "") == (status, err)
    assert {"packages": 2, "cpus": 2, "keyids": 2, "values": 2, "vmas": 2, "threads": 2} == said[
        "scope"
    ]
    assert {
        "python",
        "mktme",
        "z3-solver",
        "cvc5",
        "python-sat",
        "numpy",
        "cryptography",
    } == set(said["versions"])
    hotplug, bitmap = said["results"]
    assert RESULT_KEYS <= set(hotplug)
    assert ("VIOLATED", 3, True) == (hotplug["verdict"], hotplug["length"], hotplug["replayed"])
    assert "user keys are not kept" in hotplug["price"]
    assert ("VIOLATED", 2, None) == (bitmap["verdict"], bitmap["length"], bitmap["price"])


def test_explain_tells_the_steps_and_the_replay(mktme):
    status, out, _ = mktme("explain", "rfc-v2", "tables-agree")
    said = " ".join(out.split())
    assert statuses.HOLDS == status
    assert "1. add user key A → ok" in said
    assert "2. update the key at KeyID 1 to user key B while PCONFIG fails on package 1" in said
    assert "KeyID 1 stands for user key A, but package 0 holds key B" in said
    assert "SET_KEY_DIRECT KeyID 1, AES-XTS-128, key bd2d -> DEVICE_BUSY" in said
    assert 3 == said.count("✗")  # two entries, and the legend
    assert "step 2 did not program it: PCONFIG there answered DEVICE_BUSY" in said
    assert "mktme replay 4d3578f88663 makes this run again." in said
    assert "The implementation did the same, and violates tables-agree too." in said


def test_many_designs_stand_in_blocks_that_fit():
    cells = [Cell(design, "tables-agree", "VACUOUS") for design in DESIGNS.values()]
    console = Console(width=80, record=True, file=io.StringIO())
    for block in render.matrices(cells, console.width):
        console.print(block)
    shown = console.export_text()
    assert len(DESIGNS) == shown.count("∅ vacuous")
    assert 3 == shown.count("property")


def test_help_names_every_exit_status(mktme):
    _, out, _ = mktme("--help")
    said = " ".join(out.split())
    assert [] == [n for n, text in statuses.MEANINGS.items() if f"{n} {text}" not in said]


def test_processors_are_counted_where_affinity_cannot_be_asked(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert 3 == executors.processors()


def test_explain_writes_the_certificate_that_it_is_asked_for(mktme, tmp_path):
    status, _, _ = mktme("explain", "rfc-v2-fixed", "bitmap-exact", "--certificates", str(tmp_path))
    assert statuses.HOLDS == status
    assert ["rfc-v2-fixed_bitmap-exact.smt2"] == [path.name for path in tmp_path.iterdir()]


def test_explain_says_so_when_there_is_nothing_to_explain(mktme):
    status, out, _ = mktme("explain", "rfc-v2-fixed", "bitmap-exact")
    assert statuses.HOLDS == status
    assert "no counterexample" in out
    assert "What the proof rests on: mktme lemmas rfc-v2-fixed bitmap-exact\n" in out


def test_explain_says_how_to_keep_a_proof_that_is_of_its_scope_only(mktme):
    asked = ("rfc-v2-fixed", "bitmap-exact", "--packages", "1", "--cpus", "1")
    _, out, _ = mktme("explain", *asked, "--engine", "explore")
    command = "mktme check rfc-v2-fixed bitmap-exact --packages 1 --cpus 1"
    assert f"The proof as a file: {command} --certificates DIR\n" in out


@pytest.mark.parametrize("what", ["designs", "properties", "knobs"])
def test_list_shows_everything(mktme, what):
    names = {"designs": DESIGNS, "properties": PROPERTIES, "knobs": KNOBS}[what]
    _, out, _ = mktme("list", what)
    assert [] == [name for name in names if name not in out]


def test_a_payload_is_shown_by_its_fingerprint_only(mktme):
    key = "0123456789abcdef0123456789abcdef"
    text = f"type=user algorithm=aes-xts-128 key={key} tweak={key}"
    status, out, err = mktme("payload", "rfc-v2", text)
    over_read = f"; out of bounds: payload text at {len(text)}"
    assert (statuses.HOLDS, f"accepted: SET_KEY_DIRECT, key 4884{over_read}\n") == (status, out)
    assert key not in out + err


@pytest.mark.deep
def test_the_manual_shows_the_matrix_that_compare_prints(mktme, manual, monkeypatch):
    """Every violated cell of the main job replays, and no cell is inconclusive."""
    monkeypatch.setenv("COLUMNS", "100")
    shown = [block for block in manual.split("```\n") if "✗ 1 step " in block]
    status, out, _ = mktme("compare", "rfc-v2", "no-hotplug", "per-package")
    printed = " ".join(out.split())
    assert statuses.HOLDS == status
    assert [] == [block for block in shown if " ".join(block.split()) not in printed]
    assert shown


def test_the_manual_shows_what_check_prints_of_its_first_rows(mktme, manual):
    (first, *_) = (block for block in manual.split("```\n") if "✗ 1 step " in block)
    rows = [line.split() for line in first.splitlines()]
    status, out, _ = mktme("check", "rfc-v2", "tables-agree", "no-dangling")
    assert statuses.VIOLATED == status
    for name, length in (("tables-agree", "2"), ("no-dangling", "3")):
        assert [name, "✗", length, "steps"] in [row[:4] for row in rows]
        assert [name, "✗", length, "steps"] in [line.split()[:4] for line in out.splitlines()]


@pytest.fixture
def manual(request):
    return (request.config.rootpath / "docs" / "how-to" / "judge-a-design.md").read_text()


def test_processes_side_by_side_answer_in_the_order_asked(mktme):
    asked = [(DESIGNS["rfc-v2"], "hotplug-admitted"), (DESIGNS["rfc-v2"], "released-is-clear")]
    with executors.executor("processes:2") as pool:
        cells = judge_all(asked, Scope(), Orders(), pool)
    assert [3, 1] == [len(cell.trace) for cell in cells]


def test_every_certificate_is_looked_at_and_a_missing_one_is_bad_input(mktme, tmp_path):
    kept = str(tmp_path)
    mktme("check", "rfc-v2-fixed", "bitmap-exact", "--certificates", kept)
    good, bad = f"{kept}/rfc-v2-fixed_bitmap-exact.smt2", str(tmp_path / "bad.smt2")
    (tmp_path / "bad.smt2").write_text("nothing")
    status, out, err = mktme("verify-certificate", bad, good)
    assert (statuses.DISAGREE, 1) == (status, err.count("\n"))
    assert "confirmed: rfc-v2-fixed / bitmap-exact" in " ".join(out.split())
    for others in ((), (good, bad)):  # nothing is confirmed, or refused, before all are there
        status, out, err = mktme("verify-certificate", *others, str(tmp_path / "gone"))
        assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))


def test_json_has_what_an_exploration_counted(mktme):
    _, out, _ = mktme("check", "rfc-v2", "bitmap-exact", "--engine", "explore", "--json")
    (result,) = json.loads(out)["results"]
    assert result["states"] == sum(result["levels"])
    assert result["transitions"] == sum(result["fired"].values())
    assert "instantiate" in result["fired"]


def test_the_legend_counts_states_only_where_some_were_counted():
    proved = Cell(DESIGNS["rfc-v2"], "tables-agree", "PROVED", Verdict("PROVED", "ic3", 1))
    assert "(n)" not in render.legend([proved]).plain
    explored = dataclasses.replace(proved, verdict=Verdict("PROVED", "explore", 1, states=7))
    assert "(n) distinct states" in render.legend([explored]).plain


def test_states_are_counted_only_where_an_exploration_answered():
    explored = Verdict("PROVED", "explore", 1, states=7, reduced=True)
    by_ic3 = dataclasses.replace(explored, engine="ic3")
    counted, other = (
        Cell(DESIGNS["rfc-v2"], "tables-agree", "PROVED", verdict) for verdict in (explored, by_ic3)
    )
    assert ["(7 classes)", ""] == [render.counted(one) for one in (counted, other)]
    assert "classes" in render.legend([counted]).plain
    assert "(n)" not in render.legend([other]).plain
    assert "states" not in " ".join(name for name, _ in answer_of(other, Scope(), None).facts)


def test_compare_measures_what_every_design_costs_changed_ones_too(mktme):
    asked = ("rfc-v2", "rfc-v2-fixed,on_program_failure=leave", "--property", "bitmap-exact")
    status, out, _ = mktme("compare", *asked, "--packages", "3")
    assert statuses.HOLDS == status
    assert "What it costs, as measured (packages: 3, CPUs of each: 2, KeyIDs: 2)" in out
    assert 3 == out.count(" rfc-v2-fixed,             ")
    _, out, _ = mktme("compare", *asked, "--json")
    measured = json.loads(out)["costs"]
    assert ["rfc-v2", "rfc-v2-fixed,on_program_failure=leave"] == [c["design"] for c in measured]
    assert {"packages": 2, "cpus": 2, "keyids": 2} == measured[0]["machine"]
    assert [32, 0] == [c["exposure"]["in_use"]["plaintext"] for c in measured]
    assert {"errno": "", "executions": 2} == measured[0]["requests"]["add_user"]


def test_only_compare_tells_costs(mktme):
    _, out, _ = mktme("check", "rfc-v2-fixed", "bitmap-exact")
    assert "costs" not in out
    _, out, _ = mktme("check", "rfc-v2-fixed", "bitmap-exact", "--json")
    assert json.loads(out)["costs"] is None


def test_a_deadlock_is_explained_with_the_locks(mktme):
    status, out, _ = mktme("explain", "rfc-v2-fixed,lock_order=map_first", "no-deadlock")
    said = " ".join(out.split())
    assert statuses.HOLDS == status
    assert "violates no-deadlock, in 4 steps" in said
    assert "1. thread 0 begins CPU startup" in said
    assert "4. thread 1 takes the map lock" in said
    assert "thread operation holds waits for" in said
    assert "Seen of the implementation's locks:" in said
    assert "thread 1 waits for the CPU-hotplug lock for reading" in said
    assert "user keys" not in said
    assert "goes_on" not in said


def test_claims_about_locks_are_judged_with_the_number_of_threads(mktme):
    status, out, _ = mktme("check", "rfc-v2-fixed", "no-lost-lock")
    said = " ".join(out.split())
    assert statuses.HOLDS == status
    assert "✓ this scope (10,562)" in said
    assert "2 distinct user keys, 2 VMAs, 2 threads." in said


def test_a_story_of_locks_tells_each_step_and_that_an_operation_returns(mktme):
    status, out, _ = mktme("check", "rfc-v2", "no-lost-lock", "--json")
    (result,) = json.loads(out)["results"]
    assert statuses.VIOLATED == status
    assert (
        "boot; no thread runs an operation; thread 0 begins update of a key that VMAs use;"
        " thread 0 looks without a lock; thread 0 takes the map lock and returns"
    ) == result["story"]
    assert (3, True, None) == (result["length"], result["replayed"], result["price"])


def test_the_list_says_what_is_checked_instead_of_progress(mktme):
    _, out, _ = mktme("list", "properties")
    assert "progress, as steps" in " ".join(out.split())


def test_a_certificate_of_a_claim_about_locks_is_confirmed_by_itself(mktme, tmp_path):
    mktme("check", "rfc-v2-fixed", "no-lost-lock", "--certificates", str(tmp_path))
    (file,) = tmp_path.iterdir()
    status, out, err = mktme("verify-certificate", str(file))
    assert (statuses.HOLDS, "") == (status, err)
    assert "10562 states hold all 1 initial ones" in " ".join(out.split())


def test_notes_come_in_the_order_of_the_matrix_however_they_were_asked_for(mktme):
    asked = ["released-is-clear", "no-plaintext-unsaved"]
    _, out, _ = mktme("check", "rfc-v2", *asked, "--cpus", "1", "--keyids", "1", "--vmas", "1")
    matrix, _, notes = out.partition("Scope:")
    for part in (matrix, notes):
        assert part.index("no-plaintext-unsaved") < part.index("released-is-clear")


def test_the_number_of_user_keys_is_a_size_of_the_scope(mktme):
    _, out, _ = mktme("check", "rfc-v2", "in-bounds", "--values", "1", "--keyids", "1")
    assert "1 KeyID, 1 distinct user key" in " ".join(out.split())


def test_without_time_the_answer_says_what_allows_more(mktme):
    _, out, _ = mktme("explain", "rfc-v2", "right-key", "--seconds-max", "0.1")
    said = " ".join(out.split())
    assert "no counterexample was found" in said
    assert "--seconds-max allows more time" in said


def test_what_is_no_number_is_refused_in_words_of_ours(mktme):
    status, _, err = mktme("check", "rfc-v2", "--packages", "x")
    said = "mktme: Invalid value for '--packages': a whole number is wanted\n"
    assert (statuses.BAD_INPUT, said) == (status, err)
