"""In which forms a run can be written, and where it is written to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace
from conformance import replay
from designs import nearest
from mktme.results import output
from mktme.traces import regression
from mktme.traces.document import Document
from mktme.traces.itf import itf
from mktme.traces.recorded import Record, RecordError
from mktme.traces.scripts.writing import script
from mktme.traces.telling import told_of_run
from mktme.traces.vcd import vcd
from properties import KNOWN_PROPERTIES

Form = Callable[[Record, Trace, Grounding], str]


def _json(record: Record, trace: Trace, grounding: Grounding) -> str:
    """The whole document: what the implementation did is part of it."""
    claim = KNOWN_PROPERTIES[record.property_id]
    done = replay(record.design, record.scope, grounding, claim, trace)
    return json_of(told_of_run(record, grounding, trace, done))


def json_of(document: Document) -> str:
    """A document as the text of a file."""
    return document.written() + "\n"


JSON: Final = "json"

FORMS: Final[Mapping[str, Form]] = {
    JSON: _json,
    "itf": itf,
    "vcd": vcd,
    "test": regression.test,
    "script": script,
}
"""Name to the function that writes it. The first three can be read again."""


AS_TEXT: Final = "text"
"""The form for a terminal, which is no text to keep."""


def form_from_option(text: str, file: str | None, as_json: bool) -> tuple[str | None, Path | None]:
    """The form that a run is to be written in, None for a terminal's, and the file, if any.

    Raises RecordError, and OrderError for a file that cannot be written.

    `as_json`: whether the answer is wanted as an object, which leaves no room for the run.
    """
    if text != AS_TEXT and as_json:
        raise RecordError(f"--json is the answer and --as {text} the run: choose one")
    if text == AS_TEXT and file is not None:
        forms = ", ".join(FORMS)
        raise RecordError(f"a file needs --as {forms}; text is for a terminal, or `> FILE`")
    if text not in FORMS and text != AS_TEXT:
        raise RecordError(f"unknown form {text!r}{nearest(text, (AS_TEXT, *FORMS))}")
    path = None if file is None else output.file_from_text(file)
    return None if text == AS_TEXT else text, path


def write(record: Record, trace: Trace, grounding: Grounding, form: str) -> str:
    """A run that violates its property in the end, as a text that ends in a line's end.

    Raises RecordError for a run that no script can make.
    """
    return FORMS[form](record, trace, grounding)


def put(text: str, path: Path | None) -> None:
    """To a file, whole or not at all, or to standard output. Raises NotWritten."""
    if path is None:
        print(text, end="")
    else:
        output.write(path, text)
