"""`mktme explore` as it is typed: where it leads, what it refuses, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from explored import BROKEN
from served import MKTME, explorer
from simulations import mktme

from mktme import statuses

REFUSALS = {
    ("rfc-v3",): "unknown design 'rfc-v3' (did you mean rfc-v2?); known: rfc-v2,",
    ("rfc-v2,savekey=on",): "unknown knob 'savekey' (did you mean savekeys?)",
    ("design=rfc-v2", "--packages", "1"): "'design=rfc-v2' says system and scope itself",
    ("4d3578f88663", "--system", "locks"): "'4d3578f88663' says system and scope itself",
    ("rfc-v2", "--packages", "9"): "packages=9 is out of range; known: 1 to 8",
    ("rfc-v2", "--system", "lock"): "unknown system 'lock' (did you mean locks?)",
    ("design=rfc-v2&run=destroi",): "unknown call 'destroi' (did you mean destroy?)",
    ("desing=rfc-v2",): "a path has no part 'desing' (did you mean design?)",
    ("http://127.0.0.1:1/#run=destroy(key=0)",): "step 1, destroy key=0, is not possible there",
    ("http://example.com/foo",): "the address 'http://example.com/foo' has no path behind its #",
    ("rfc-v2", "--port", "70000"): "Invalid value for '--port'",
    ("0000000000",): "no trace begins with 0000000000",
}


@pytest.mark.parametrize("arguments", REFUSALS)
@pytest.mark.parametrize("how", ["--no-open", "--text", "--json"])
def test_what_does_not_exist_is_refused_in_one_line(arguments, how):
    status, out, err = mktme("explore", *arguments, how)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert REFUSALS[arguments] in err


def test_a_talk_in_the_terminal_and_json_are_not_asked_for_together():
    status, out, err = mktme("explore", "rfc-v2", "--text", "--json")
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert "--text talks in the terminal, --json prints once" in err


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((), "design=rfc-v2"),
        (("no-hotplug",), "design=no-hotplug"),
        (
            ("rfc-v2,savekeys=on", "--packages", "1"),
            "design=rfc-v2,savekeys=on&packages=1",
        ),
        (("rfc-v2", "--system", "locks", "--threads", "3"), "design=rfc-v2&system=locks&threads=3"),
        ((BROKEN,), BROKEN),
        ((f"http://127.0.0.1:8000/#{BROKEN}",), BROKEN),
    ],
)
def test_a_design_a_path_and_an_address_lead_where_they_say(arguments, path):
    status, out, _ = mktme("explore", *arguments, "--json")
    assert (statuses.HOLDS, path) == (status, json.loads(out)["path"])


def test_a_counterexample_in_a_file_leads_where_it_ends(tmp_path):
    status, document, _ = mktme("explain", "rfc-v2", "tables-agree", "--json")
    assert statuses.HOLDS == status
    file = tmp_path / "trace.json"
    file.write_text(document, encoding="utf-8")
    status, out, _ = mktme("explore", str(file), "--json")
    lamps = {lamp["property"]: lamp for lamp in json.loads(out)["lamps"]}
    assert (statuses.HOLDS, "violated") == (status, lamps["tables-agree"]["light"])
    assert json.loads(document)["id"] == lamps["tables-agree"]["trace"]


def test_an_identity_leads_to_the_end_of_what_it_names(tmp_path, monkeypatch):
    monkeypatch.setenv("MKTME_TRACES", str(tmp_path))
    _, document, _ = mktme("explain", "rfc-v2,savekeys=on", "tables-agree", "--json")
    identity = json.loads(document)["id"]
    status, out, _ = mktme("explore", identity, "--json")
    lamps = {lamp["property"]: lamp for lamp in json.loads(out)["lamps"]}
    assert (statuses.HOLDS, identity) == (status, lamps["tables-agree"]["trace"])


@pytest.mark.parametrize("content", [b"\xff", b"[1]", b"{}"])
def test_a_file_that_has_no_counterexample_is_refused_in_one_line(tmp_path, content):
    file = tmp_path / "trace.json"
    file.write_bytes(content)
    status, out, err = mktme("explore", str(file), "--json")
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))


def test_a_port_that_is_taken_is_refused_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, _, err = mktme("explore", "--no-open", "--port", port)
    expected = f"mktme: cannot listen on port {port} of 127.0.0.1: Address already in use\n"
    assert (statuses.BAD_INPUT, expected) == (status, err)


def test_it_serves_until_ctrl_c_and_ends_with_status_0():
    with explorer(BROKEN) as (address, running):
        assert address.endswith(f"#{BROKEN}")
        with urllib.request.urlopen(address.partition("#")[0]) as page:
            assert b"mktme explore" in page.read()
        bare = address.partition("?")[0]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(bare)
        running.send_signal(signal.SIGINT)
        assert statuses.HOLDS == running.wait(20)
        assert ("Ctrl-C ends it.\n", "") == (running.stdout.read(), running.stderr.read())


def test_each_run_has_a_token_of_its_own():
    with explorer("--system", "payload") as (one, _), explorer("--system", "payload") as (two, _):
        tokens = [address.partition("token=")[2].partition("#")[0] for address in (one, two)]
    assert 2 == len(set(tokens))
    assert all(len(token) >= 32 for token in tokens)


def test_lines_of_a_pipe_are_answered_and_the_end_of_it_is_the_end():
    lines = "instantiate kind=user bytes=A\nlink\n"
    done = subprocess.run(
        [*MKTME, "explore", "--text"], input=lines, capture_output=True, text=True, check=False
    )
    assert (statuses.HOLDS, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)\n")
