"""The command that writes a design and a property for other model checkers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from checker.exchange.formats import FORMATS
from designs import design_from_text
from mktme import exports, options, statuses
from model import Scope
from properties import property_from_text

DEPTH = 10
"""How many steps a bounded search goes, unless more is asked for."""


def export(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    to: Annotated[str, typer.Option(metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")],
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE|-", help="Where to; - is standard output."),
    ] = "-",
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
    depth: Annotated[
        int, typer.Option(help="Steps of the bounded search in smt2.", min=0, max=1000)
    ] = DEPTH,
) -> int:
    """Write a design and a property as a file that another model checker reads.

    It has what the property depends on, and begins with a line on how to check it. A TLA+ module
    is called like its file, and its configuration is written beside it.

    Example: mktme export rfc-v2 tables-agree --to smv -o rfc-v2.smv
    """
    form = exports.format_from_text(to)
    chosen, claim = design_from_text(design), property_from_text(property_id)
    scope = Scope(packages, cpus, keyids, vmas=vmas, threads=threads)
    if output == "-":
        name = exports.name_for(chosen, claim)
        written = exports.texts(chosen, claim, scope, form, name, depth)
        sys.stdout.write(exports.on_one_stream(written, form, name))
        return statuses.HOLDS
    path = exports.target_from_text(output, form)
    written = exports.texts(chosen, claim, scope, form, path.stem, depth)
    exports.write(path, written, form)
    return statuses.HOLDS
