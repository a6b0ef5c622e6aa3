"""Where a report goes and in which format: read from what was typed, before anything is judged."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from designs import nearest
from mktme.orders import OrderError

FORMATS: Final[Mapping[str, str]] = {
    "table": "the matrix, a legend and notes, for people",
    "json": "one object; mktme schema results prints its JSON Schema",
    "junit": "JUnit XML: a suite for each design, a case for each property",
    "sarif": "SARIF 2.1.0: a rule for each property, a result for each that does not hold"
    " or is not as a baseline says",
    "markdown": "the matrix and the notes as GitHub shows them",
}


class NotWritten(Exception):
    """A file that could not be written; the message says why. What was there still is."""


@dataclasses.dataclass(frozen=True)
class Output:
    """The format, and the file; None is standard output."""

    format: str = "table"
    path: Path | None = None


def output_from_text(format_: str | None, as_json: bool, file: str | None) -> Output:
    """What `--as`, `--json` and `--output` ask for together. Raises OrderError."""
    if format_ is not None and format_ not in FORMATS:
        raise OrderError(f"unknown format {format_!r}{nearest(format_, FORMATS)}")
    if as_json and format_ not in (None, "json"):
        raise OrderError(f"--json is --as json, which contradicts --as {format_}")
    chosen = "json" if as_json else format_ or "table"
    return Output(chosen, None if file is None else file_from_text(file))


def file_from_text(text: str) -> Path:
    """A file that can be written, as far as can be seen beforehand. Raises OrderError."""
    path = Path(text)
    folder = path.parent
    if path.is_dir():
        raise OrderError(f"cannot write {text!r}: it is a directory")
    if not folder.is_dir():
        raise OrderError(f"cannot write {text!r}: there is no directory {str(folder)!r}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OrderError(f"cannot write {text!r}: permission denied")
    return path


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises NotWritten.

    What is no plain file, such as a pipe, is written as it is; a link stays one.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        _replace(path.resolve(), text)
    except OSError as error:
        raise NotWritten(f"cannot write {str(path)!r}: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _umask() -> int:
    """What this process takes away from the mode of new files; there is no way but to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
