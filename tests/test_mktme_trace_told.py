"""What files tell beside states: PCONFIGs, keys and words, the same in all, and true or refused."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable

import pytest
from recorded_runs import READABLE, RUNS, edited, record_of, refusal, text_of

from conformance.owners import user_key
from mktme.traces import content, itf, vcd
from mktme.traces.reading import record_from_text
from mktme.traces.retold import WORDED

# What the implementation did and held


def executions_of(name: str) -> list[list[dict]]:
    """The PCONFIGs of each state as the document has them."""
    calls = json.loads(text_of(name, "json"))["calls"]
    return [[], *(call["executions"] for call in calls)]


def plain_number(value: object) -> object:
    return int(value["#bigint"]) if isinstance(value, dict) else value


@pytest.mark.parametrize("name", RUNS)
def test_itf_has_the_pconfigs_that_the_document_has(name: str) -> None:
    states = json.loads(text_of(name, "itf"))["states"]
    found = [
        [{field: plain_number(value) for field, value in one.items()} for one in s["executions"]]
        for s in states
    ]
    expected = executions_of(name)
    for one in (one for executions in expected for one in executions):
        one.pop("words")
    assert expected == found


def text_signals(text: str, scope: str) -> list[dict[str, str]]:
    """The signals of a scope at each time, as a viewer has them."""
    return [
        {
            name.rpartition(".")[2]: value.replace(r"\x20", " ")
            for name, value in signals.items()
            if name.startswith(f"mktme.{scope}.")
        }
        for _, signals in vcd._waves(text)
    ]


@pytest.mark.parametrize("name", RUNS)
def test_vcd_has_the_pconfigs_that_the_document_has(name: str) -> None:
    found = text_signals(text_of(name, "vcd"), "executions")
    for number, (signals, executions) in enumerate(zip(found, executions_of(name), strict=False)):
        for package, text in signals.items():
            here = [e["words"] for e in executions if f"Package{e['package']}" == package]
            assert (f"{number}: {'; '.join(here)}" if here else "none") == text
        assert {f"Package{e['package']}" for e in executions} <= set(signals)


def test_a_pconfig_that_failed_shows_its_operand_and_its_status() -> None:
    *_, last = json.loads(text_of("failed update", "itf"))["states"]
    assert {
        "package": {"#bigint": "1"},
        "cpu": {"#bigint": "0"},
        "command": "SET_KEY_DIRECT",
        "keyid": {"#bigint": "1"},
        "algorithm": "AES-XTS-128",
        "key": "bd2d",
        "status": "DEVICE_BUSY",
    } == last["executions"][1]
    shown = text_signals(text_of("failed update", "vcd"), "executions")[2]
    assert shown["Package1"].startswith("2: CPU 0 of package 1: SET_KEY_DIRECT KeyID 1, ")
    assert shown["Package1"].endswith(", key bd2d -> DEVICE_BUSY")


def test_keys_have_the_fingerprints_that_the_panels_show_random_ones_too() -> None:
    def place(package: int) -> dict:
        return {"#tup": [{"#bigint": str(package)}, {"#bigint": "1"}]}

    for name in ("failed update", "lost data"):
        frames = json.loads(text_of(name, "json"))["frames"]
        waves = text_signals(text_of(name, "vcd"), "entry_keys")
        for number, state in enumerate(json.loads(text_of(name, "itf"))["states"]):
            row = frames[number]["panels"][0]["rows"][0]
            shown = [entry["key"] for entry in row["entries"][-2:]]
            held = [[place(p), key] for p, key in enumerate(shown) if key]
            assert held == state["entry_keys"]["#map"]
            assert [k or "none" for k in shown] == [*waves[number].values()]
    state = json.loads(text_of("failed update", "itf"))["states"][0]
    assert [["A", "1f34"], ["B", "bd2d"]] == state["fingerprints"]["#map"]
    assert {"A": "1f34", "B": "bd2d"} == text_signals(
        text_of("failed update", "vcd"), "fingerprints"
    )[0]


@pytest.mark.parametrize("form", READABLE)
def test_no_file_has_a_key_in_it(form: str) -> None:
    text = text_of("failed update", form)
    for letter in ("A", "B"):
        key = user_key(letter)
        for half in (key.data_key, key.tweak_key):
            assert half.hex() not in text.lower()
            assert repr(half)[2:-1] not in text


def older_itf(document: dict) -> None:
    """As it was written before it had what the implementation did."""
    document["vars"] = [name for name in document["vars"] if name not in itf.SEEN]
    for state in document["states"]:
        for name in itf.SEEN:
            del state[name]


def older_vcd(text: str) -> str:
    """The same of a VCD file: without those scopes, and without values of the signals in them."""
    gone: set[str] = set()
    for scope in vcd.SEEN:
        block = re.compile(rf"\$scope module {scope} \$end\n(.*?)\$upscope \$end\n", re.DOTALL)
        for declared in block.findall(text):
            gone.update(line.split()[3] for line in declared.splitlines())
        text = block.sub("", text)
    lines = text.splitlines(keepends=True)
    first = lines.index("#0\n")
    kept = [one for one in lines[first:] if one[0] != "s" or one.split()[1] not in gone]
    return "".join([*lines[:first], *kept])


@pytest.mark.parametrize("name", RUNS)
def test_an_older_file_without_them_is_read(name: str) -> None:
    assert record_of(name) == record_from_text(edited(name, "itf", older_itf))
    older = older_vcd(text_of(name, "vcd"))
    assert "executions" not in older
    assert record_of(name) == record_from_text(older)


def test_a_file_that_has_only_some_of_them_is_refused() -> None:
    def change(document: dict) -> None:
        document["vars"].remove("executions")

    said = "its variables are not those of the record's system"
    assert said == refusal(edited("failed update", "itf", change))
    text = text_of("failed update", "vcd").replace("module executions", "module execution")
    said = "the VCD file's signals are not those of the record's system"
    assert said == refusal(text)


# Documents in which something was changed


DOCUMENT_REFUSALS: dict[str, Callable[[dict], object]] = {
    "calls[0].answer is 'EBUSY', and 'ok' in the record's run": (
        lambda d: d["calls"][0].update(answer="EBUSY")
    ),
    "calls[1].executions[1].status is 'PROG_SUCCESS', and 'DEVICE_BUSY' in the record's run": (
        lambda d: d["calls"][1]["executions"][1].update(status="PROG_SUCCESS")
    ),
    "calls[1].executions[0].package is true, and 0 in the record's run": (
        lambda d: d["calls"][1]["executions"][0].update(package=True)
    ),
    "calls[1].executions has 1 parts, and 2 in the record's run": (
        lambda d: d["calls"][1]["executions"].pop()
    ),
    "frames[2].panels[0].rows[0].entries[4].key is '0000', and 'bd2d' in the record's run": (
        lambda d: d["frames"][2]["panels"][0]["rows"][0]["entries"][4].update(key="0000")
    ),
    "broken.reads is missing": lambda d: d["broken"].pop("reads"),
    "is_least is 'yes', and true in the record's run": lambda d: d.update(is_least="yes"),
    "frames is missing": lambda d: d.pop("frames"),
    "a document has no 'more'": lambda d: d.update(more=1),
    "calls[0] has no 'a\\nb'": lambda d: d["calls"][0].update({"a\nb": 1}),
}


@pytest.mark.parametrize("said", DOCUMENT_REFUSALS)
def test_a_document_that_tells_what_is_not_so_is_refused_by_its_first_difference(said: str) -> None:
    assert refusal(edited("failed update", "json", DOCUMENT_REFUSALS[said])).startswith(said)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The way to each value that has no parts."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, part in parts:
        inner = isinstance(part, dict | list)
        found += places(part, (*path, key)) if inner else [(*path, key)]
    return found


@pytest.mark.parametrize("name", ["failed update", "payload", "locks"])
def test_a_document_in_which_anything_of_a_call_but_its_words_was_changed_is_refused(
    name: str,
) -> None:
    document = json.loads(text_of(name, "json"))
    changed = 0
    for *way, last in places(document["calls"]):
        if WORDED & {*way, last}:
            continue
        inner = document["calls"]
        for key in way:
            inner = inner[key]
        was, inner[last] = inner[last], "another"
        assert refusal(json.dumps(document))
        inner[last] = was
        changed += 1
    assert changed >= 3
    assert record_of(name) == record_from_text(json.dumps(document))


def test_a_document_that_says_the_same_in_other_words_is_read() -> None:
    def change(document: dict) -> None:
        document["broken"]["words"] = document["sentence"] = "as another version would say it"
        document["calls"][1]["words"] = document["frames"][0]["panels"][0]["title"] = "otherwise"
        del document["broken"]["variables"]

    assert record_of("failed update") == record_from_text(edited("failed update", "json", change))


def test_a_document_need_not_be_of_the_least_run_and_may_leave_out_arguments_that_are_no() -> None:
    def change(document: dict) -> None:
        document["is_least"] = False
        for call in document["calls"]:
            call["arguments"] = {k: v for k, v in call["arguments"].items() if v != "no"}

    assert record_of("failed update") == record_from_text(edited("failed update", "json", change))


def test_a_document_of_a_run_that_violates_nothing_is_refused() -> None:
    document = json.loads(text_of("failed update", "json"))
    cut = dataclasses.replace(
        record_of("failed update"), calls=record_of("failed update").calls[:1]
    )
    said = refusal(json.dumps(document | content.content(cut)))
    assert "it tells what is broken, and the run does not violate tables-agree in the end" == said
