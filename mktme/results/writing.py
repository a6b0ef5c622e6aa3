"""How a report is put where it was asked for: in its format, to a file or to standard output."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from typing import Final

from rich.console import Console

from mktme.results import junit, markdown, objects, output, sarif, table
from mktme.results.output import Output
from mktme.results.report import Report


def _table(report: Report) -> str:
    """The matrix as on a terminal, but for colours, which no file has."""
    out = Console(file=io.StringIO(), highlight=False, color_system=None, force_terminal=False)
    with out.capture() as captured:
        table.show(report, out)
    return captured.get().rstrip("\n")


WRITERS: Final[Mapping[str, Callable[[Report], str]]] = {
    "table": _table,
    "json": objects.text,
    "junit": junit.text,
    "sarif": sarif.text,
    "markdown": markdown.text,
}


def put(report: Report, out: Output) -> None:
    """Write the report whole or not at all. Raises NotWritten."""
    text = WRITERS[out.format](report).rstrip("\n") + "\n"
    if out.path is None:
        sys.stdout.write(text)
    else:
        output.write(out.path, text)
