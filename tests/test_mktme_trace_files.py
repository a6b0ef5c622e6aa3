"""Runs in files: written, read back, and refused where anything in them was changed."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_runs import READABLE, RUNS, edited, found, record_of, refusal, text_of
from vcd.reader import TokenKind, tokenize

from designs import DESIGNS, design_from_text
from mktme.orders import OrderError
from mktme.traces import content, reading
from mktme.traces.forms import FORMS, form_from_option
from mktme.traces.reading import found_in_file, found_in_text, record_from_text
from mktme.traces.recorded import RecordError

# Round trips


@pytest.mark.parametrize("form", READABLE)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_was_written_is_read_back(name: str, form: str) -> None:
    again = found_in_text(text_of(name, form))
    assert record_of(name) == again.record
    assert found(name).trace == again.trace


@pytest.mark.parametrize("name", RUNS)
def test_the_plain_record_is_read_back(name: str) -> None:
    text = json.dumps(content.content(record_of(name)))
    assert record_of(name) == record_from_text(text)


def test_a_design_without_a_name_of_its_own_is_written_by_its_knobs() -> None:
    record = record_of("failed update")
    nameless = dataclasses.replace(DESIGNS["rfc-v2-savekeys"], name="mine")
    assert "rfc-v2,savekeys=on" == content.design_text(nameless)
    written = content.content(dataclasses.replace(record, design=nameless))
    assert nameless == content.record_of(written).design
    assert "rfc-v2-savekeys" == content.design_text(DESIGNS["rfc-v2-savekeys"])


def test_a_file_is_the_same_whenever_it_is_written() -> None:
    for form in FORMS:
        assert text_of("failed update", form) == text_of("failed update", form)


# What viewers see


def test_itf_has_every_family_as_a_map_and_says_what_was_called() -> None:
    document = json.loads(text_of("failed update", "itf"))
    assert "ITF" == document["#meta"]["format"]
    assert "<<Int, Int>> -> Str" == document["#meta"]["varTypes"]["entry_mode"]
    assert ["boot", "instantiate", "update"] == [s["action"] for s in document["states"]]
    assert ["ok", "ok", "ENOKEY"] == [state["answer"] for state in document["states"]]
    last = document["states"][-1]
    place = {"#tup": [{"#bigint": "0"}, {"#bigint": "1"}]}
    assert [place, "B"] in last["entry_bytes"]["#map"]
    assert [{"#bigint": "0"}, True] in last["live"]["#map"]
    assert ["fails[1]", "yes"] in last["arguments"]["#map"]


@pytest.mark.parametrize("name", RUNS)
def test_every_state_of_an_itf_file_has_every_variable_and_no_other(name: str) -> None:
    document = json.loads(text_of(name, "itf"))
    assert len(document["vars"]) == len(set(document["vars"]))
    assert set(document["vars"]) == set(document["#meta"]["varTypes"])
    for index, state in enumerate(document["states"]):
        assert {"index": index} == state["#meta"]
        assert {"#meta", *document["vars"]} == set(state)


def test_vcd_has_a_scope_for_each_family_and_a_time_for_each_call() -> None:
    tokens = list(tokenize(io.BytesIO(text_of("failed update", "vcd").encode())))
    scopes = [token.scope.ident for token in tokens if token.kind is TokenKind.SCOPE]
    assert {"mktme", "entry_mode", "bit", "page"} <= set(scopes)
    times = [token.time_change for token in tokens if token.kind is TokenKind.CHANGE_TIME]
    assert [0, 1, 2, 3] == times
    said = [token.string_change.value for token in tokens if token.kind is TokenKind.CHANGE_STRING]
    assert r"2:\x20update\x20key=0\x20kind=user\x20bytes=B\x20fails[1]=yes" in said


def test_the_same_call_again_shows_in_a_waveform() -> None:
    said = re.findall(r"(?m)^s(\d):\\x20step", text_of("locks", "vcd"))
    assert ["2", "3", "4"] == said


# Files that were changed


def other(value: object) -> object:
    """Another value in the place of one of an ITF file."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, dict) and "#map" in value:
        pairs = copy.deepcopy(value["#map"])
        if not pairs:
            return {"#map": [["key", "0"]]}
        pairs[-1][1] = other(pairs[-1][1])
        return {"#map": pairs}
    return "another"


@pytest.mark.parametrize(
    "name",
    ["failed update", pytest.param("per package", marks=pytest.mark.deep), "payload", "locks"],
)
def test_an_itf_file_in_which_any_variable_was_changed_is_refused(name: str) -> None:
    document = json.loads(text_of(name, "itf"))
    for variable in document["vars"]:
        last = document["states"][-1]
        was, last[variable] = last[variable], other(last[variable])
        number = len(document["states"]) - 1
        said = refusal(json.dumps(document))
        assert f"state {number}: {variable} is not what the record's run has there" == said
        last[variable] = was
    assert record_of(name) == record_from_text(json.dumps(document))


def test_an_itf_file_that_another_tool_wrote_anew_is_read() -> None:
    """Numbers as plain JSON, maps in another order: the same values."""

    def plain(value: object) -> object:
        match value:
            case {"#bigint": digits}:
                return int(digits)
            case {"#map": pairs}:
                return {"#map": [plain(pair) for pair in reversed(pairs)]}
            case dict():
                return {key: plain(one) for key, one in value.items()}
            case list():
                return [plain(one) for one in value]
        return value

    def change(document: dict) -> None:
        document["states"] = [plain(state) for state in document["states"]]

    text = edited("failed update", "itf", change)
    assert "#bigint" not in text.partition('"states"')[2]
    assert record_of("failed update") == record_from_text(text)


ITF_REFUSALS: dict[str, Callable[[dict], object]] = {
    "its states are not the 3 of the record's run": lambda d: d["states"].pop(),
    "its variables are not those of the record's system": lambda d: d["vars"].pop(),
    "state 1 is no object": lambda d: d["states"].__setitem__(1, 7),
    "state 2: bit is not what the record's run has there": lambda d: d["states"][2].pop("bit"),
    "state 1: executions is not what the record's run has there": (
        lambda d: d["states"][1]["executions"][0].update(status="DEVICE_BUSY")
    ),
    "its #meta has no record of a run under mktme": lambda d: d["#meta"].pop("mktme"),
}


@pytest.mark.parametrize("said", ITF_REFUSALS)
def test_an_itf_file_that_is_no_run_is_refused(said: str) -> None:
    assert said == refusal(edited("failed update", "itf", ITF_REFUSALS[said]))


def test_an_itf_file_with_a_value_that_is_too_deep_is_refused() -> None:
    text = text_of("locks", "itf")
    deep = 800 * "[" + 800 * "]"
    changed = re.sub(r'"may_fail": true', f'"may_fail": {deep}', text, count=1)
    assert changed != text
    assert "state 0: may_fail is not what the record's run has there" == refusal(changed)


VCD_REFUSALS = {
    (r"(?m)^#1$.*?^(?=#2$)", ""): "the VCD file's times are not 0 to 3",
    (r"(?m)^sENOKEY (.*)$", r"sok \1"): "time 2: mktme.answer is not what the record's run has",
    (r"(?m)^\$var.*overrun \$end\n", ""): "has a value of a signal that it does not declare",
    (r"Package1_KeyID1 \$end", "Package1_KeyID2 $end"): "signals are not those of the record's",
    (r"DEVICE_BUSY", "PROG_SUCCESS"): "time 2: mktme.executions.Package1 is not what the record's",
    (r"\$comment.*?\$end", ""): "the VCD file has no comment with a record in it",
    (r"\$comment .*? \$end", "$comment [[ $end"): "the VCD file's comment is no record",
    (r"\$timescale 1", "$timescale one"): "the VCD file cannot be read: ",
    (r"(?m)^#2$", "#" + 5000 * "2"): "the VCD file cannot be read",
}


@pytest.mark.parametrize(("pattern", "instead"), VCD_REFUSALS)
def test_a_vcd_file_that_is_no_run_is_refused(pattern: str, instead: str) -> None:
    text = text_of("failed update", "vcd")
    changed = re.sub(pattern, lambda m: m.expand(instead), text, flags=re.DOTALL)
    assert changed != text
    assert VCD_REFUSALS[pattern, instead] in refusal(changed)


def test_a_vcd_file_with_one_signal_under_two_names_is_refused() -> None:
    """With its scope's name and without: a false value of one would hide behind the other's."""
    text = text_of("failed update", "vcd")
    line = re.search(r"(?m)^\$var wire 1 \S+ bit_KeyID1 \$end$", text)
    assert line is not None
    twice = text.replace(line[0], f"{line[0]}\n$var wire 1 ~~~ KeyID1 $end")
    assert "the VCD file has the signal mktme.bit.KeyID1 twice" == refusal(twice)


def test_a_vcd_file_whose_signals_have_no_scope_in_their_names_is_read() -> None:
    text = text_of("failed update", "vcd")
    short = re.sub(r"(?m)^(\$var .* )(?:entry_mode|bit)_(.*)$", r"\1\2", text)
    assert "entry_mode_Package1_KeyID1" in text
    assert "entry_mode_Package1_KeyID1" not in short
    assert record_of("failed update") == found_in_text(short).record


@pytest.mark.parametrize(
    "name",
    ["failed update", pytest.param("per package", marks=pytest.mark.deep), "payload", "locks"],
)
def test_a_vcd_file_in_which_any_change_was_left_out_is_refused(name: str) -> None:
    lines = text_of(name, "vcd").splitlines()
    begin = lines.index("#1")
    for number in range(begin + 1, len(lines)):
        if not lines[number].startswith("#"):
            assert "is not what the record's run has there" in refusal(
                "\n".join([*lines[:number], *lines[number + 1 :]]) + "\n"
            )


# Records that are none

RECORD_REFUSALS: dict[str, Callable[[dict], object]] = {
    "its format is 'other' and not mktme-trace": lambda r: r.update(format="other"),
    "its version is 2; this program reads version 1": lambda r: r.update(version=2),
    "its version is true; this program reads version 1": lambda r: r.update(version=True),
    "the record lacks 'calls'": lambda r: r.pop("calls"),
    "the record lacks 'id'": lambda r: r.pop("id"),
    "unknown design 'rfc-v3' (did you mean rfc-v2?); known:": lambda r: r.update(design="rfc-v3"),
    "design is 7 and not a text": lambda r: r.update(design=7),
    "unknown property 'tables-agre' (did you mean tables-agree?)": lambda r: r.update(
        property="tables-agre"
    ),
    "unknown value 'x' of knob savekeys; known: off, on": lambda r: r.update(
        design="rfc-v2,savekeys=x"
    ),
    "the design rfc-v2 is not what it was: savekeys is off in it, and 'on' in the record": (
        lambda r: r["knobs"].update(savekeys="on")
    ),
    "unknown knob 'savekey' (did you mean savekeys?)": lambda r: r["knobs"].update(savekey="on"),
    "the record does not say what parser was in rfc-v2": lambda r: r["knobs"].pop("parser"),
    "the scope lacks cpus": lambda r: r["scope"].pop("cpus"),
    "unknown bound 'cpu' of a scope (did you mean cpus?)": lambda r: r["scope"].update(cpu=1),
    "packages=9 is out of range; known: 1 to 8": lambda r: r["scope"].update(packages=9),
    "packages is true and not a number": lambda r: r["scope"].update(packages=True),
    "scope is a list and not an object": lambda r: r.update(scope=[]),
    "absent is no list of packages, ascending and each once": lambda r: r.update(absent=[1, 1]),
    "bypass is 0 and not true or false": lambda r: r.update(bypass=0),
    "a run has 1 to 10000 calls, and this has 0": lambda r: r.update(calls=[]),
    "step 1 is no call: an object with action and arguments": lambda r: r["calls"][0].pop("action"),
    "step 2: arguments is no object": lambda r: r["calls"][1].update(arguments=[]),
    "step 1: 'a\\nb' is no name of anything": lambda r: r["calls"][0].update(action="a\nb"),
    "step 1: '\\ud800' is no name of anything": lambda r: r["calls"][0].update(action="\ud800"),
    "the id '4d3578f88663' does not fit the run, which is ": lambda r: r["calls"].pop(),
    "the id 'beef' does not fit the run, which is 4d3578f88663": lambda r: r.update(id="beef"),
}


@pytest.mark.parametrize("said", RECORD_REFUSALS)
def test_a_record_that_is_none_is_refused_in_one_line(said: str) -> None:
    given = content.content(record_of("failed update"))
    RECORD_REFUSALS[said](given)
    assert refusal(json.dumps(given)).startswith(said)


def resealed(change: Callable[[dict], object]) -> str:
    """A record that was changed, with the identity that it now has."""
    given = content.content(record_of("failed update"))
    change(given)
    with pytest.raises(RecordError, match="does not fit the run") as refused:
        content.record_of(given)
    (given["id"],) = re.findall(r"which is ([0-9a-f]+)", str(refused.value))
    return json.dumps(given)


MODEL_REFUSALS: dict[str, Callable[[dict], object]] = {
    "step 1: unknown call 'instantiat' (did you mean instantiate?)": (
        lambda r: r["calls"][0].update(action="instantiat")
    ),
    "step 2, update: unknown argument 'keyy' (did you mean key?)": (
        lambda r: r["calls"][1]["arguments"].update(keyy="0")
    ),
    "step 2, update: kind is no 'usr' (did you mean user?)": (
        lambda r: r["calls"][1]["arguments"].update(kind="usr")
    ),
    "rfc-v2 does not have this run: step 1, update, is not possible there": (
        lambda r: r["calls"].pop(0)
    ),
    "no machine of 2 packages, 1 CPU each": lambda r: r.update(absent=[0, 1]),
}


@pytest.mark.parametrize("said", MODEL_REFUSALS)
def test_a_run_that_the_model_does_not_have_is_refused(said: str) -> None:
    assert refusal(resealed(MODEL_REFUSALS[said])).startswith(said)


TEXTS = {
    "": "it is no trace: neither JSON (ours or ITF) nor VCD",
    "hello": "it is no trace: neither JSON (ours or ITF) nor VCD",
    "[1]": "it is no trace: neither JSON (ours or ITF) nor VCD",
    "{": "it is no JSON: line 1: Expecting property name enclosed in double quotes",
    '{"a": ' + 100_000 * "[": "it is no JSON that can be read: too deep, or too long a number",
    '{"a": ' + 5_000 * "1" + "}": "it is no JSON that can be read: too deep, or too long a number",
    "{}": "the record lacks 'format'",
    '{"#meta": 1, "states": []}': "its #meta has no record of a run under mktme",
    '{"#meta": {"mktme": 1}, "states": []}': "a record is an object, and this is none",
    "$end": "the VCD file has no comment with a record in it",
}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_is_no_trace_is_refused(text: str) -> None:
    assert TEXTS[text] == refusal(text)


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path) -> None:
    cases = {"bytes": b"\xff\xfe", "empty": b"", "other": b"{}"}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(RecordError, match=f"{name}: "):
            found_in_file(str(tmp_path / name))
    with pytest.raises(RecordError, match=r"cannot read .*nowhere: No such file"):
        found_in_file(str(tmp_path / "nowhere"))
    with pytest.raises(RecordError, match="cannot read a\0b: embedded null byte"):
        found_in_file("a\0b")


def test_a_file_that_is_too_long_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "run.json"
    path.write_text(text_of("failed update", "json"))
    assert record_of("failed update") == found_in_file(str(path)).record
    monkeypatch.setattr(reading, "BYTES_MAX", 100)
    with pytest.raises(RecordError, match="it has more than 100 bytes"):
        found_in_file(str(path))


def test_a_scope_that_takes_too_long_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(reading, "SECONDS_MAX", 0.0)
    given = content.content(record_of("failed update"))
    given["scope"].update(packages=7)
    assert "its system takes more than 0 seconds to be read" in refusal(json.dumps(given))


def test_an_unknown_form_and_a_file_that_cannot_be_written_are_refused(tmp_path) -> None:
    with pytest.raises(RecordError, match=r"unknown form 'itff' .did you mean itf"):
        form_from_option("itff", None, False)
    with pytest.raises(OrderError, match=r"cannot write '.*/none/x': there is no directory"):
        form_from_option("itf", str(tmp_path / "none" / "x"), False)


# Whatever else a file may be

BASES = [text_of("locks", form) for form in READABLE] + [text_of("payload", "vcd")]
PIECES = st.text(max_size=8) | st.sampled_from(
    ['"', "{", "}", "[", "null", "true", "0", "$end", "$comment", "#1", "no-deadlock", "\\ud800"]
)


def is_read_or_refused(text: str) -> None:
    try:
        said = record_from_text(text).id
    except RecordError as error:
        said = str(error)
    assert "\n" not in said


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(base=st.sampled_from(BASES), data=st.data())
def test_a_file_with_pieces_cut_out_and_put_in_is_read_or_refused(base: str, data) -> None:
    text = base
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, min(len(text), first + 40)))
        text = text[:first] + data.draw(PIECES) + text[last:]
    is_read_or_refused(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=4) | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(base=st.sampled_from(BASES[:2]), data=st.data())
def test_a_file_with_any_value_put_in_is_read_or_refused(base: str, data) -> None:
    document = json.loads(base)
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(VALUES)
    is_read_or_refused(json.dumps(document))


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["", "{", "$", "$var string 1 ! ", "#", "$scope module "]), st.text())
def test_any_text_is_refused(begin: str, text: str) -> None:
    with pytest.raises(RecordError):
        record_from_text(begin + text)


def test_the_designs_of_the_runs_are_as_they_are_read() -> None:
    """A run's design says more than its name only where it was changed."""
    for name in RUNS:
        design = record_of(name).design
        assert design_from_text(content.design_text(design)) == design
