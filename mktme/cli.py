"""The program: its commands by name, and how each ends.

A command returns its exit status (see `statuses`); `main` turns every refusal into one line.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from mktme import completing, ending, ownfiles, shells, statuses
from mktme.commands import (
    agreeing,
    differ,
    explaining,
    exploring,
    export,
    judging,
    looking,
    reporting,
    simulating,
    tracing,
)
from mktme.results.objects import versions

COMMANDS: Final[Mapping[str, Callable[..., int]]] = {
    "compare": judging.compare,
    "check": judging.check,
    "explain": explaining.explain,
    "explore": exploring.explore,
    "lemmas": explaining.lemmas,
    "differ": differ.differ,
    "report": reporting.report,
    "replay": tracing.replay,
    "conform": agreeing.conform,
    "mutants": agreeing.mutants,
    "verify-certificate": looking.verify_certificate,
    "payload": looking.payload,
    "list": looking.list_,
    "schema": looking.schema,
    "simulate": simulating.simulate,
    "export": export.export,
}

WIDTH: Final = 76
"""Characters of a line of help."""


def _help(command: Callable[..., int]) -> str:
    """The command's words, with the example on a line of its own, so that it can be copied."""
    return inspect.cleandoc(command.__doc__ or "").replace("Example: ", "\b\nExample:\n  ")


def _epilog() -> str:
    """The exit statuses, each with what it means."""
    lines = ["\b", "Exit statuses:"]
    for status, meaning in statuses.MEANINGS.items():
        head = f"  {status:<4}"
        lines += textwrap.wrap(
            meaning, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
        )
    return "\n".join([*lines, f"  {statuses.ORDER}"])


app = typer.Typer(
    add_completion=False,  # `shells` has its options
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Settle design arguments about a kernel memory-encryption key service: for each design and"
        " property, a proof, or a shortest counterexample that replays on running code.\n\n"
        "\b\nExample:\n  mktme compare rfc-v2 no-hotplug per-package"
    ),
    epilog=_epilog(),
)


def _version(is_asked: bool) -> None:
    """What answers here, down to the solvers: another of them may have another answer."""
    if is_asked:
        found = versions()
        for name in ("mktme", *(name for name in found if name != "mktme")):
            print(name, found[name])
        raise typer.Exit


@app.callback()
def before(
    own: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            envvar="MKTME_WITH",
            show_default=False,
            help="Know the designs and properties of this Python file too (repeatable). It is run.",
        ),
    ] = None,
    shown: shells.Shown = None,
    installed: shells.Installed = None,
    _shows_version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_version,
            help="Print the versions of this program, Python and the libraries that judge.",
        ),
    ] = False,
) -> None:
    """What is done before any command: load what a user has written."""
    ownfiles.load(ownfiles.read(own or ()))


for _name, _command in COMMANDS.items():
    _words = _help(_command)
    app.command(_name, help=_words, short_help=_words.partition("\n\n")[0])(_command)


def main() -> None:
    """Run a command and exit with its status; every refusal becomes one line on stderr."""

    def run() -> int | None:
        completing.mend(os.environ)
        shells.ready()
        arguments = shells.named(sys.argv[1:]) or ["--help"]
        status: int | None = app(args=arguments, prog_name=shells.PROGRAM, standalone_mode=False)
        return status

    sys.exit(ending.status_of(run, COMMANDS))
