"""Where results go: formats, files that are written whole or not at all, and the refusals."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from reports import proved, report, violated
from simulations import mktme

from mktme import statuses
from mktme.orders import OrderError
from mktme.results import output, writing
from mktme.results.output import FORMATS, NotWritten, Output, output_from_text

HOLDS = ("check", "rfc-v2-fixed", "bitmap-exact")


def test_every_format_has_a_writer():
    assert list(FORMATS) == list(writing.WRITERS)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_has_what_standard_output_would_have_and_ends_with_its_line(
    format_, tmp_path, capsys
):
    made = report(violated(), proved())
    writing.put(made, Output(format_))
    writing.put(made, Output(format_, tmp_path / "x"))
    text = (tmp_path / "x").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\x1b" not in text


def test_json_is_the_short_form_of_as_json():
    assert Output("json") == output_from_text(None, True, None)
    assert Output("json") == output_from_text("json", True, None)
    assert Output("table") == output_from_text(None, False, None)


REFUSED = {
    ("--as", "xml"): "unknown format 'xml'; known: table, json, junit, sarif, markdown",
    ("--as", "juint"): "unknown format 'juint' (did you mean junit?); known: table,",
    ("--as", "sarif", "--json"): "--json is --as json, which contradicts --as sarif",
    ("-o", "/"): "cannot write '/': it is a directory",
    ("-o", "/no/where"): "cannot write '/no/where': there is no directory '/no'",
    ("--write-expect", "/no/where"): "cannot write '/no/where': there is no directory '/no'",
}


@pytest.mark.parametrize("options", REFUSED)
@pytest.mark.parametrize("command", [("check", "rfc-v2"), ("compare",)])
def test_what_cannot_be_written_is_refused_before_anything_is_judged(command, options):
    status, out, err = mktme(*command, *options)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert REFUSED[options] in err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_takes_no_file_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OrderError, match="permission denied"):
        output.file_from_text(str(tmp_path / "x"))


def test_the_answer_goes_to_the_file_and_nowhere_else(tmp_path):
    path = tmp_path / "x.json"
    assert (statuses.HOLDS, "", "") == mktme(*HOLDS, "--as", "json", "-o", str(path))
    assert "mktme-results" == json.loads(path.read_text())["format"]
    assert [path] == list(tmp_path.iterdir())


def test_a_file_that_cannot_be_replaced_keeps_what_it_had(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(NotWritten, match=r"cannot write '.*/x': No space left on device"):
        output.write(path, "after")
    assert ("before", [path]) == (path.read_text(), list(tmp_path.iterdir()))


def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_any_new_file(tmp_path):
    path, new, other = tmp_path / "x", tmp_path / "new", tmp_path / "other"
    path.write_text("before")
    path.chmod(0o600)
    other.write_text("")
    output.write(path, "after")
    output.write(new, "after")
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, new, other)]
    assert [0o600, modes[2], modes[2]] == modes


def test_a_link_stays_one_and_the_file_behind_it_is_written(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    output.write(tmp_path / "link", "after")
    assert (True, "after") == ((tmp_path / "link").is_symlink(), (tmp_path / "real").read_text())


def test_a_pipe_is_written_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    output.write(pipe, "said")
    reader.join(timeout=30)
    assert (["said"], True) == (read, pipe.is_fifo())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_has_a_status_of_its_own():
    status, out, err = mktme(*HOLDS, "-o", "/dev/full")
    said = "mktme: cannot write '/dev/full': No space left on device\n"
    assert (statuses.NOT_WRITTEN, "", said) == (status, out, err)
