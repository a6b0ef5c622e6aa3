"""Every script under examples/ runs, answers as it says, is listed, and shows no key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from simulations import mktme

from mktme.simulation.simulate import read

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.sim"))


@pytest.fixture
def simulate():
    """Run `mktme simulate` on an example; gives (status, stdout, stderr)."""
    return lambda name, *options: mktme("simulate", str(EXAMPLES / name), *options)


def test_there_are_examples_of_the_documentation_and_of_the_debate():
    assert 18 == len(SCRIPTS)
    assert 3 == sum(name.startswith("rfc-") for name in SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_answers_as_it_says(simulate, name):
    status, out, err = simulate(name, "--show", "tables")
    assert (0, "") == (status, err)
    assert len(read(str(EXAMPLES / name)).lines) == len(re.findall(r"(?m)^ *\d+  .* → ", out))


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_says_what_it_shows_and_expects_something(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "Shows: " in text.split("\n\n")[0].replace("\n# ", " ")
    assert any(line.expected is not None for line in read(str(EXAMPLES / name)).lines)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_example_shows_a_key(simulate, name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    keys = set(re.findall(r"(?:key|tweak)=([0-9a-f]{32})", text))
    _, out, _ = simulate(name, "--show", "tables")
    _, records, _ = simulate(name, "--json")
    for key in keys:
        assert key not in out + records
        assert key[:8] not in out + records


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_answers_a_program_with_one_object_a_line(simulate, name):
    status, out, _ = simulate(name, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert 0 == status
    assert [one.number for one in read(str(EXAMPLES / name)).lines] == [r["line"] for r in records]
    assert all(record["met"] for record in records)


def test_every_example_is_listed_with_one_line():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert SCRIPTS == sorted(re.findall(r"(?m)^\| `([^`]+\.sim)` \| .+ \|$", text))


def test_the_documentation_gives_one_example_that_is_refused(simulate):
    _, out, _ = simulate("rfc-usage-keys.sim")
    assert 1 == out.count("→ EINVAL: ")


def test_a_thief_finds_each_half_of_the_key_in_the_vault_and_once_more(simulate):
    _, out, _ = simulate("savekeys-cold-boot.sim")
    assert 4 == out.count(": live vault + ")
    assert 2 * 4 == out.count(" of line 8: ")


def test_the_race_has_a_schedule_of_six_steps(simulate):
    _, out, _ = simulate("race-lock-order.sim")
    assert "schedule of 6 steps, 1 context switch:" in out


@pytest.fixture
def shown():
    """The blocks of the page that shows how to write a script: the commands, and the script."""
    page = EXAMPLES.parent / "docs" / "how-to" / "write-a-script.md"
    return re.findall(r"```(?:sh|text)\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_script_of_the_manual_answers_as_it_says(simulate, tmp_path, shown):
    script = tmp_path / "manual.sim"
    script.write_text(shown[1])
    assert (0, "") == simulate(str(script))[::2]


def test_the_commands_of_the_manual_run_as_they_stand_there(monkeypatch, tmp_path, shown):
    commands, script = shown
    lines = [line.partition("#")[0].split() for line in commands.splitlines()]
    assert ["simulate", "simulate", "list"] == [line[1] for line in lines]
    (tmp_path / "my.sim").write_text(script)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    for _, *words in lines:
        assert (0, "") == mktme(*words)[::2]
