"""The program: its commands by name, and how each ends.

A command returns its exit status (see `statuses`); `main` turns every refusal into one line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

import typer

from mktme import ending, statuses
from mktme.commands import agreeing, differ, explaining, judging, looking, simulating

COMMANDS: Final[Mapping[str, Callable[..., int]]] = {
    "compare": judging.compare,
    "check": judging.check,
    "explain": explaining.explain,
    "lemmas": explaining.lemmas,
    "differ": differ.differ,
    "conform": agreeing.conform,
    "mutants": agreeing.mutants,
    "verify-certificate": looking.verify_certificate,
    "payload": looking.payload,
    "list": looking.list_,
    "schema": looking.schema,
    "simulate": simulating.simulate,
}

app = typer.Typer(
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Settle design arguments about a kernel memory-encryption key service: for each design and"
        " property, a proof, or a shortest counterexample that replays on running code."
    ),
    epilog="Exit statuses: "
    + "; ".join(f"{status} {meaning}" for status, meaning in statuses.MEANINGS.items())
    + ".",
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run a command and exit with its status; every refusal becomes one line on stderr."""

    def run() -> int | None:
        status: int | None = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
        return status

    sys.exit(ending.status_of(run, COMMANDS))
