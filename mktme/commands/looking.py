"""The commands that answer from what is there: certificates, payloads, lists, schemas."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer
from rich.text import Text

from checker import CertificateError
from designs import design_from_text, nearest
from impl import KernelError
from mktme import (
    completing,
    listed,
    listings,
    options,
    payloads,
    published,
    statuses,
    verified,
    verify,
)
from mktme.commands.asking import console, on_stderr
from mktme.results.shape import schema_of


def verify_certificate(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Certificates.")],
    as_json: options.AsJson = False,
) -> int:
    """Check certificates again, alone: against the file and the installed model.

    Example: mktme verify-certificate certificates/rfc-v2-fixed_tables-agree.smt2
    """
    for file in files:
        verify.require_file(file)
    found: list[verified.Certificate] = []
    for file in files:
        try:
            confirmation = verify.verify(file)
        except CertificateError as refusal:
            reason = " ".join(str(refusal).split())
            on_stderr([reason])
            found.append(verified.refused(file, reason))
        else:
            found.append(verified.confirmed(file, confirmation))
            if not as_json:
                console().print(Text(f"confirmed: {confirmation}"))
    if as_json:
        print(verified.Certificates(certificates=found).written())
    return statuses.HOLDS if all(one.confirmed for one in found) else statuses.DISAGREE


def payload(
    design: options.DesignArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The payload; standard input if absent.")
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Say what a design's parser makes of a payload text.

    A payload holds a key: on standard input it stays out of the shell's history.

    Example: mktme payload rfc-v2,parser=strict < payload.txt
    """
    chosen = design_from_text(design)
    if text is None and sys.stdin is None:
        raise typer.BadParameter("there is no text, and standard input is closed")
    given = sys.stdin.buffer.read().rstrip(b"\r\n") if text is None else os.fsencode(text)
    try:
        found = payloads.parsed(chosen, given)
    except KernelError as error:
        if as_json:
            print(payloads.refused(chosen, error).written())
        raise
    if as_json:
        print(found.written())
    else:
        console().print(found.said())
    return statuses.HOLDS


def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="LIST",
            help=f"One of: {', '.join(listings.TABLES)}.",
            autocompletion=completing.list_,
        ),
    ],
    as_json: options.AsJson = False,
) -> int:
    """Show what there is: designs, properties, knobs, the commands of a script, …

    Example: mktme list knobs
    """
    if what not in listings.TABLES:
        raise typer.BadParameter(f"unknown list {what!r}{nearest(what, listings.TABLES)}")
    if as_json:
        print(listed.record(what).written())
        return statuses.HOLDS
    for part in listings.TABLES[what]():
        console().print(part)
    return statuses.HOLDS


def schema(
    what: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT",
            help=f"One of: {', '.join(published.SHAPES)}.",
            autocompletion=completing.shape,
        ),
    ],
    as_json: options.AsJson = False,  # It is JSON anyway: who always asks for JSON may do so here.
) -> int:
    """Print the JSON Schema of what a command prints with --json, or of a baseline.

    It is JSON with and without --json.

    Example: mktme schema results
    """
    if what not in published.SHAPES:
        raise typer.BadParameter(f"unknown object {what!r}{nearest(what, published.SHAPES)}")
    print(json.dumps(schema_of(published.SHAPES[what]), indent=2, ensure_ascii=False))
    return statuses.HOLDS
