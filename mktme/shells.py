"""Which shells complete what is typed, and how one of them is made to: its script, or installed.

The terminal library has the scripts, and writes them where each shell looks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

# The library's own two options take no shell's name. So they are ours, and these are theirs.
from typer._completion_classes import completion_init
from typer._completion_shared import _get_shell_name, get_completion_script, install

from designs import nearest
from mktme import completing
from mktme.orders import OrderError
from mktme.results.output import NotWritten

PROGRAM: Final = "mktme"
SHOW: Final = "--show-completion"
INSTALL: Final = "--install-completion"


def ready() -> None:
    """Know how each shell asks and wants to be answered."""
    completion_init()


def named(arguments: Sequence[str]) -> list[str]:
    """The same command line, where either option that names no shell names the current one.

    Raises OrderError where nobody can tell which that is.
    """
    whole: list[str] = []
    for at, argument in enumerate(arguments):
        whole.append(argument)
        is_last = at + 1 == len(arguments) or arguments[at + 1].startswith("-")
        if argument in (SHOW, INSTALL) and is_last:
            whole.append(_current())
    return whole


def _current() -> str:
    found = _get_shell_name()
    if found is None:
        raise OrderError(f"this shell cannot be told: name one of {', '.join(completing.SHELLS)}")
    return found


def show(shell: str) -> None:
    """Print the script."""
    print(get_completion_script(prog_name=PROGRAM, complete_var=completing.COMPLETE, shell=shell))


def put(shell: str) -> None:
    """Write the script where the shell finds it, and have the shell read it. Raises NotWritten."""
    try:
        _, path = install(shell=shell, prog_name=PROGRAM)
    except OSError as error:
        where = error.filename or Path.home()
        raise NotWritten(f"cannot write {str(where)!r}: {error.strerror}") from None
    print(f"{shell} completes {PROGRAM} from its next start on: {path}")


def _then_end(do: Callable[[str], None]) -> Callable[[typer.Context, str | None], str | None]:
    """What is done in place of a command. Raises OrderError for an unknown shell."""

    def done(context: typer.Context, shell: str | None) -> str | None:
        if shell is None or context.resilient_parsing:
            return shell
        if shell not in completing.SHELLS:
            raise OrderError(f"unknown shell {shell!r}{nearest(shell, completing.SHELLS)}")
        do(shell)
        raise typer.Exit

    return done


Shown = Annotated[
    str | None,
    typer.Option(
        SHOW,
        metavar="[SHELL]",
        help=f"Print what completes in a shell: {', '.join(completing.SHELLS)}; this one if none.",
        show_default=False,
        is_eager=True,
        callback=_then_end(show),
        autocompletion=completing.shell,
    ),
]
Installed = Annotated[
    str | None,
    typer.Option(
        INSTALL,
        metavar="[SHELL]",
        help="The same, but write it into your home folder, where that shell reads it.",
        show_default=False,
        is_eager=True,
        callback=_then_end(put),
        autocompletion=completing.shell,
    ),
]
