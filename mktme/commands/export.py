"""The command that writes a design and a property for other model checkers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from checker.exchange.formats import FORMATS
from designs import design_from_text
from mktme import completing, exports, options, statuses
from mktme.commands import groups
from mktme.commands.asking import on_stderr
from mktme.commands.grouped import with_groups
from properties import property_from_text

DEPTH = 10
"""How many steps a bounded search goes, unless more is asked for."""


@with_groups
def export(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help=f"One of {', '.join(FORMATS)}.",
            autocompletion=completing.exchange,
        ),
    ],
    scope: groups.ScopeOptions,
    file: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE|-", help="Where to; - is standard output."),
    ] = "-",
    depth: Annotated[
        int, typer.Option(help="Steps of the bounded search in smt2.", min=0, max=1000)
    ] = DEPTH,
    as_json: options.AsJson = False,
) -> int:
    """Write a design and a property as a file that another model checker reads.

    It has what the property depends on, and begins with a line on how to check it. A TLA+ module
    is called like its file, and its configuration is written beside it; on standard output, below
    the module's end.

    Example: mktme export rfc-v2 tables-agree --to smv -o rfc-v2.smv
    """
    form = exports.format_from_text(to)
    chosen, claim = design_from_text(design), property_from_text(property_id)
    path = None if file == "-" else exports.target_from_text(file, form)
    name = path.stem if path else exports.name_for(chosen, claim)
    written = exports.texts(chosen, claim, scope, form, name, depth)
    files: dict[str, str | None] = {f"{name}{ending}": text for ending, text in written.items()}
    if path is not None:
        files = {str(each): None for each in exports.write(path, written, form)}
    if as_json:
        told = exports.Exported(design=chosen.name, property=claim.id, to=to, files=files)
        print(told.written())
        return statuses.HOLDS
    if path is None:
        sys.stdout.write(exports.on_one_stream(written, form, name))
    on_stderr(exports.about_others(written, form, path, name))
    return statuses.HOLDS
