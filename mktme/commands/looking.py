"""The commands that answer from what is there: certificates, payloads, lists."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.text import Text

from checker import CertificateError
from designs import DESIGNS, KNOBS, design_from_text, nearest
from mktme import listings, options, payloads, statuses, verify
from mktme.commands.asking import console
from properties import PROPERTIES


def verify_certificate(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Certificates.")],
) -> int:
    """Check certificates again, alone: against the file and the installed model.

    Example: mktme verify-certificate certificates/rfc-v2-fixed_tables-agree.smt2
    """
    status = statuses.HOLDS
    for file in files:
        try:
            console().print(Text(f"confirmed: {verify.verify(file)}"))
        except CertificateError as refusal:
            print(f"mktme: {' '.join(str(refusal).split())}", file=sys.stderr)
            status = statuses.DISAGREE
    return status


def payload(
    design: options.DesignArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The payload; standard input if absent.")
    ] = None,
) -> int:
    """Say what a design's parser makes of a payload text.

    A payload holds a key: on standard input it stays out of the shell's history.

    Example: mktme payload rfc-v2,parser=strict < payload.txt
    """
    chosen = design_from_text(design)
    if text is None and sys.stdin is None:
        raise typer.BadParameter("there is no text, and standard input is closed")
    given = sys.stdin.buffer.read().rstrip(b"\r\n") if text is None else os.fsencode(text)
    console().print(payloads.judged(chosen, given))
    return statuses.HOLDS


def list_(
    what: Annotated[str, typer.Argument(metavar="designs|properties|knobs|commands")],
) -> int:
    """Show what there is: designs, properties, knobs, or the commands of a script.

    Example: mktme list knobs
    """
    tables = {
        "designs": lambda: [listings.designs(DESIGNS)],
        "properties": lambda: [listings.properties(PROPERTIES)],
        "knobs": lambda: [listings.knobs(KNOBS)],
        "commands": listings.commands,
    }
    if what not in tables:
        raise typer.BadParameter(f"unknown list {what!r}{nearest(what, tables)}")
    for table in tables[what]():
        console().print(table)
    return statuses.HOLDS
