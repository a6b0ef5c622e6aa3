"""What each command prints with --json is what its schema says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from simulations import mktme

from mktme import baseline, cli, listed, listings, published, statuses
from mktme.results.shape import schema_of

SAID = {
    ("check", "rfc-v2-fixed", "bitmap-exact"): "results",
    ("compare", "rfc-v2", "per-package", "--property", "in-bounds", "--keyids", "1"): "results",
    ("explain", "rfc-v2", "no-plaintext-unsaved"): "trace",
    ("explain", "rfc-v2-fixed", "bitmap-exact"): "results",
    ("lemmas", "rfc-v2-fixed", "no-lost-keyid"): "lemmas",
    ("lemmas", "rfc-v2", "bitmap-exact"): "lemmas",
    ("lemmas", "rfc-v2-savekeys", "no-plaintext-unsaved"): "lemmas",
    ("differ", "no-hotplug", "rfc-v2", "--depth-max", "3"): "differ",
    ("replay", "4d3578f88663"): "replay",
    ("replay", "4d3578f88663", "--design", "rfc-v2-fixed"): "replay",
    ("mutants", "status-ignored"): "mutants",
    ("explore", "run=instantiate(key=0,kind=cpu,bytes=zeros)"): "explore",
    ("conform", "no-hotplug", "--packages", "1", "--cpus", "1", "--vmas", "1"): "conform",
    ("verify-certificate", __file__): "certificates",
    ("payload", "rfc-v2", "type=cpu algorithm=aes-xts-128"): "payload",
    ("payload", "rfc-v2", "type=usr"): "payload",
    ("export", "rfc-v2", "payload-as-documented", "--to", "tla"): "export",
    ("report", "rfc-v2", "--property", "payload-as-documented", "-o", os.devnull): "report",
    **{("list", name): "list" for name in listings.TABLES},
}
"""A command line to the name of its answer's schema."""

LINES = ("simulate", str(Path(__file__).parent.parent / "examples" / "rfc-demo-program.sim"))
"""A command that prints an object for each line, instead of one."""

SCHEMA = ("schema", "results")
"""A command that prints a schema, whose shape is that of all schemas."""


def test_every_command_is_tried():
    assert set(cli.COMMANDS) == {command for command, *_ in (*SAID, LINES, SCHEMA)}


def test_every_schema_is_tried_but_that_of_baselines():
    assert set(published.SHAPES) == {"baseline", "simulate", *SAID.values()}


@pytest.mark.parametrize("arguments", SAID)
def test_an_answer_is_as_its_schema_says(arguments):
    _, out, _ = mktme(*arguments, "--json")
    said = json.loads(out)
    jsonschema.validate(said, printed(SAID[arguments]))
    assert published.SHAPES[SAID[arguments]].model_validate_json(out).format == said["format"]


@pytest.mark.parametrize("shown", [(), ("--show", "tables")])
def test_every_line_of_a_simulation_is_as_its_schema_says(shown):
    _, out, _ = mktme(*LINES, *shown, "--json")
    schema = printed("simulate")
    for line in out.splitlines():
        jsonschema.validate(json.loads(line), schema)
        published.SHAPES["simulate"].model_validate_json(line)
    tables = [json.loads(line)["tables"] for line in out.splitlines()]
    assert bool(shown) == any(tables)


def test_a_schema_is_printed_with_json_as_without():
    assert (statuses.HOLDS, mktme(*SCHEMA)[1], "") == mktme(*SCHEMA, "--json")


def test_the_shipped_baseline_is_as_its_schema_says():
    said = json.loads(baseline.read(baseline.SHIPPED).written())
    jsonschema.validate(said, printed("baseline"))


def printed(name: str) -> dict:
    """The schema as the command prints it."""
    status, out, err = mktme("schema", name)
    assert (statuses.HOLDS, "") == (status, err)
    return json.loads(out)


@pytest.mark.parametrize("name", published.SHAPES)
def test_a_schema_is_one_and_names_format_and_version(name):
    schema = schema_of(published.SHAPES[name])
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    assert jsonschema.Draft202012Validator is kind
    assert {"format", "version"} <= set(schema["required"])
    assert schema["properties"]["format"]["const"].startswith("mktme-")


@pytest.mark.parametrize(
    "wrong", [{"more": 1}, {"version": 2}, {"results": None}, {"scope": {"packages": "two"}}]
)
def test_the_schema_of_results_refuses_what_is_none(wrong):
    _, out, _ = mktme("check", "rfc-v2", "no-plaintext-unsaved", "--json")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(out) | wrong, printed("results"))


def test_an_unknown_schema_is_refused_with_the_nearest():
    status, out, err = mktme("schema", "result")
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert "unknown object 'result' (did you mean results?); known: results, baseline," in err


def test_lists_for_people_and_for_programs_have_the_same_names():
    assert list(listings.TABLES) == list(listed.LISTS)


def test_every_status_is_listed_with_its_meaning():
    _, out, _ = mktme("list", "statuses", "--json")
    said = {entry["name"]: entry["meaning"] for entry in json.loads(out)["entries"]}
    assert {str(status): meaning for status, meaning in statuses.MEANINGS.items()} == said
    _, shown, _ = mktme("list", "statuses")
    assert [] == [status for status in said if f"│ {status} " not in shown]
    assert "Where several apply, 5 comes before 1, before 4, before 3." == shown.splitlines()[-1]


def test_a_lemma_list_in_json_has_what_the_proof_rests_on_or_where_it_gets_stuck():
    _, out, _ = mktme("lemmas", "rfc-v2-fixed", "no-lost-keyid", "--json")
    proved = json.loads(out)
    assert ("PROVED", None) == (proved["verdict"], proved["gap"])
    assert "A mapped KeyID has a reference." in proved["lemmas"]
    assert proved["conditions"] >= proved["decidable"] > 0
    _, out, _ = mktme("lemmas", "rfc-v2", "bitmap-exact", "--json")
    stuck = json.loads(out)
    assert ("UNKNOWN", None) == (stuck["verdict"], stuck["lemmas"])
    assert "bitmap-exact" == stuck["gap"]["failed"]
    # Which step it is, and so whether it is real, depends on what the solver was asked before.
    assert stuck["gap"]["call"]
    assert stuck["gap"]["reached"] in ("confirmed", "refuted")


def test_a_refused_payload_is_an_answer_in_json_and_bad_input_all_the_same():
    status, out, err = mktme("payload", "rfc-v2", "type=usr", "--json")
    said = json.loads(out)
    assert (statuses.BAD_INPUT, False, "EINVAL") == (status, said["accepted"], said["errno"])
    assert f"mktme: {said['reason']}\n" == err


def test_a_payload_in_json_has_a_fingerprint_and_no_key():
    key = "0123456789abcdef0123456789abcdef"
    text = f"type=user algorithm=aes-xts-128 key={key} tweak={key}"
    _, out, _ = mktme("payload", "rfc-v2", text, "--json")
    said = json.loads(out)
    assert ("SET_KEY_DIRECT", "4884") == (said["command"], said["key"])
    assert [f"payload text at {len(text)}"] == said["out_of_bounds"]
    assert key not in out


def test_a_certificate_that_is_none_is_told_in_json_too():
    status, out, _ = mktme("verify-certificate", __file__, "--json")
    (one,) = json.loads(out)["certificates"]
    assert (statuses.DISAGREE, False, None) == (status, one["confirmed"], one["kind"])
    assert "it does not begin as a certificate does" in one["said"]
