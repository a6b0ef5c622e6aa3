"""The manual: it builds, what it shows can be typed, its reference has all that is known."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from manual_blocks import blocks
from manual_site import build

from checker.answers.verdict import Word
from designs import DESIGNS, KNOBS, design_from_text
from manual import commands as command_pages
from manual import formats, markdown, pages, reference
from mktme import cli, ownfiles, render, statuses
from mktme.simulation.language import FORMS
from mktme.traces import itf, vcd
from mktme.traces.document import MARKS, Document
from properties import PROPERTIES, property_from_text

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = typer.main.get_command(cli.app).commands


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    ownfiles.forget()


def lines_of(text: str) -> list[str]:
    """The command lines of a page's blocks for a shell, without comments."""
    found = []
    for block in blocks(text):
        for line in block.text.splitlines():
            line = line.removeprefix("$ ") if block.language == "console" else line
            if block.language in ("console", "sh") and re.match(r"(MKTME_WITH=\S+ )?mktme ", line):
                found.append(line)
    return found


SHOWN = [(path, line) for path, text in pages.written().items() for line in lines_of(text)]


def words_of(line: str) -> list[str]:
    """The words behind `mktme`; a file of `--with` is loaded."""
    words = shlex.split(line, comments=True)
    while words[0] != "mktme":
        words.pop(0)
    words.pop(0)
    while words[0] == "--with":
        words = words[2:]
    return words


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    assert (0, []) == build(folder)
    return folder


def test_the_manual_builds_without_a_warning_and_has_every_page(site: Path) -> None:
    expected = {path.removesuffix(".md") + ".html" for path in pages.written() | pages.generated()}
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"404.html"}
    assert expected == built


def test_a_built_page_takes_nothing_from_the_network(site: Path) -> None:
    loaded = re.compile(r"""<(?:script|link|img)[^>]+(?:src|href)=["'](?:https?:)?//[^"']+""")
    found = {
        path.name: loaded.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    assert {} == {name: links for name, links in found.items() if links}


def test_the_menu_has_every_page_that_somebody_wrote() -> None:
    written = {path.relative_to(pages.DOCS).as_posix() for path in pages.DOCS.rglob("*.md")}
    listed = {
        f"{folder}/{name}.md".lstrip("/") for folder, names in pages.ORDER.items() for name in names
    }
    assert written | pages.generated().keys() == listed


def test_a_page_without_a_title_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "written", lambda: {"index.md": "no title"})
    with pytest.raises(ValueError, match="a page begins with a title"):
        pages.navigation()


# What is shown can be typed


@pytest.mark.parametrize(("path", "line"), SHOWN)
def test_a_command_that_a_page_shows_is_one_that_the_program_takes(path: str, line: str) -> None:
    ownfiles.load(ownfiles.read([ROOT / "examples" / "in_reach.py"]))
    name, *arguments = words_of(line)
    # Reading the words is all: the command itself is not run.
    given = COMMANDS[name].make_context(name, arguments).params
    for design in _many(given.get("design"), given.get("designs")):
        design_from_text(design)
    for claim in _many(given.get("property_id"), given.get("properties")):
        property_from_text(claim)


def _many(*values: str | list[str] | tuple[str, ...] | None) -> list[str]:
    found: list[str] = []
    for value in values:
        found += [value] if isinstance(value, str) else value or ()
    return found


def test_the_pages_show_commands_at_all() -> None:
    assert len(SHOWN) > 40


def test_the_files_that_pages_name_are_there() -> None:
    named = {
        word
        for _, line in SHOWN
        for word in re.findall(r"examples/[\w.-]+", line)
        if not (ROOT / word).is_file()
    }
    assert set() == named


PYTHON = [
    (path, block.text)
    for path, text in pages.written().items()
    for block in blocks(text)
    if block.language == "python" and not block.file
]


@pytest.mark.parametrize(("path", "text"), PYTHON)
def test_a_file_that_a_page_shows_can_be_loaded(path: str, text: str) -> None:
    before = len(ownfiles.loaded())
    ownfiles.load([ownfiles.OwnFile(path, text)])
    assert before + 1 == len(ownfiles.loaded())


def test_the_scripts_that_pages_show_run_as_they_expect(tmp_path: Path) -> None:
    scripts = [b.text for t in pages.written().values() for b in blocks(t) if b.language == "text"]
    assert scripts
    for script in scripts:
        done = subprocess.run(
            [sys.executable, "-c", "from mktme.cli import main; main()", "simulate", "-"],
            input=script,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (0, "") == (done.returncode, done.stderr)


# The reference


def test_the_reference_has_every_knob_value_and_design() -> None:
    page = reference.PAGES["knobs"]()
    for knob in KNOBS.values():
        assert f"### `{knob.name}`" in page
        for value, meaning in knob.meanings.items():
            assert f"`{value}`" in page
            assert markdown.plain(meaning) in page
    assert all(f"### `{name}`" in reference.PAGES["designs"]() for name in DESIGNS)


def test_the_reference_has_every_property_with_its_sentence_source_and_limits() -> None:
    page = reference.PAGES["properties"]()
    for claim in PROPERTIES.values():
        assert f"## {claim.id}\n\n{markdown.plain(claim.sentence)}\n" in page
        assert f"* Source: {markdown.plain(claim.source)}." in page
    section = page.partition("## hotplug-admitted\n")[2].partition("\n## ")[0]
    assert (
        "* A price of `no-hotplug`: no package can come online while any key is in use." in section
    )
    section = page.partition("## no-plaintext-unsaved\n")[2].partition("\n## ")[0]
    assert (
        "* Does not apply to `rfc-v2-savekeys`, `rfc-v2-savekeys-fixed`, `wrapped-vault`:"
        " savekeys=on: the design keeps user keys on purpose." in section
    )


def test_the_reference_has_every_verdict_mark_and_status() -> None:
    page = reference.PAGES["verdicts"]()
    words = [*typing.get_args(Word), "NOT_APPLICABLE"]
    assert all(f"| `{word}` | " in page for word in words)
    assert all(f"| `{mark}` |" in page for mark in render.LEGEND)
    assert all(f"| `{sign}` | {mark} |" in page for mark, (sign, _) in MARKS.items())
    page = reference.PAGES["statuses"]()
    assert all(f"| {status} | " in page for status in statuses.MEANINGS)


def test_the_reference_has_every_command_and_option() -> None:
    page = command_pages.page()
    for name, command in COMMANDS.items():
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"| `{', '.join(parameter.opts)}" in section
        assert "```sh\nmktme " in section


def test_the_reference_has_every_command_of_a_script() -> None:
    page = reference.PAGES["scripts"]()
    assert all(markdown.code(form.usage).replace("|", "\\|") in page for form in FORMS.values())


def test_the_reference_has_every_field_of_the_formats_and_their_schemas() -> None:
    page = formats.page()
    for name, model in formats.models().items():
        assert f"## {name}\n" in page
        assert all(f"| `{field}` |" in page for field in model.model_fields)
    schemas = [json.loads(block.text) for block in blocks(page) if block.language == "json"]
    assert Document.model_json_schema() == schemas[0]
    assert len(formats.models()) == len(schemas)


def test_the_reference_has_the_variables_of_the_formats_that_others_have_defined() -> None:
    page = formats.page()
    assert all(f"| `{name}` | `{type_}` |" in page for name, type_ in itf.TYPES.items())
    assert all(f"`{scope}`" in page.partition("## VCD\n")[2] for scope in vcd.SEEN)


def test_a_cell_of_a_table_stays_one_cell() -> None:
    assert "| a |\n| --- |\n| b \\| c d |\n" == markdown.table(["a"], [["b | c\n  d"]])
    assert "\\*\\_\\[x\\]&lt;" == markdown.plain("*_[x]<")
    assert ("`a`", "``a`b``", "") == tuple(map(markdown.code, ("a", "a`b", "")))


# Nobody reads of what is not there


def test_figures_of_the_pages_are_in_blocks_that_tests_run() -> None:
    """Counts such as "12,000" go stale; the pages name the command that prints them instead."""
    found = {}
    for path, text in pages.written().items():
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        if numbers := re.findall(r"\b\d{1,3}(?:,\d{3})+\b", plain):
            found[path] = numbers
    assert {} == found


def test_mkdocs_is_what_the_documentation_is_built_with() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "mkdocs build --strict" in text
    assert shutil.which("bash") is not None
