"""Decides how the program ends: the status that an end earns, and the one line that it says.

The terminal libraries end the program with status 1 where nobody reads its output any more, and
status 1 is an answer here. So they never see that error: standard output is wrapped for a while.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import typer
from typer.exceptions import TyperException

from checker.exploring.checkpoint import CheckpointError
from conformance.mutants.catalogue import MutantError
from designs import DesignError, nearest
from impl import KernelError
from mktme import completing, statuses
from mktme.baseline import BaselineError
from mktme.executors import ExecutorError
from mktme.explore.listening import ServerError
from mktme.explore.paths import PathError
from mktme.exports import ExportError
from mktme.orders import OrderError
from mktme.results.output import NotWritten
from mktme.simulation.printable import escaped
from mktme.simulation.script import ScriptError
from mktme.simulation.simulate import Unmet
from mktme.traces.recorded import RecordError
from mktme.verify import Unreadable
from model import ScopeError
from properties import PropertyError
from properties.own import OwnError

REFUSALS: Final = (
    DesignError,
    PropertyError,
    ScopeError,
    KernelError,
    ScriptError,
    OrderError,
    ExecutorError,
    ExportError,
    MutantError,
    CheckpointError,
    Unreadable,
    OwnError,
    BaselineError,
    PathError,
    RecordError,
    ServerError,
)


class OutputLost(Exception):
    """Standard output takes no more; ``error`` says why. It is no OSError, see above."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write the answer: {error.strerror}")
        self.is_reader_gone = error.errno == errno.EPIPE


class Output:
    """A stream whose failure to write is OutputLost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As the stream does. Raises OutputLost."""
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputLost(error) from None

    def flush(self) -> None:
        """As the stream does. Raises OutputLost."""
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputLost(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def status_of(run: Callable[[], int | None], commands: Iterable[str]) -> int:
    """Run a command to its end, and give the status that the program ends with.

    ``commands``: the names of all commands, for who names an unknown one.
    """
    stream = sys.stdout
    if stream is None:
        said = "cannot write the answer: standard output is closed"
        return _refuse(said, statuses.NOT_WRITTEN)
    sys.stdout = cast(TextIO, Output(stream))
    try:
        return _status(run, commands)
    finally:
        sys.stdout = stream


def _status(run: Callable[[], int | None], commands: Iterable[str]) -> int:
    try:
        status = run() or statuses.HOLDS
        sys.stdout.flush()
    except OutputLost as lost:
        return _lost(lost)
    except REFUSALS as refusal:
        return _refuse(str(refusal))
    except NotWritten as failure:
        return _refuse(str(failure), statuses.NOT_WRITTEN)
    except Unmet as surprise:
        return _refuse(str(surprise), statuses.VIOLATED)
    except TyperException as refusal:
        return _refuse(_as_ours(refusal, commands))
    except (KeyboardInterrupt, typer.Abort):
        status = statuses.INTERRUPTED
    except Exception:
        with suppress(OSError):
            traceback.print_exc()
        return _refuse("an error of this program, see above", statuses.INTERNAL)
    # The terminal library makes a status of an interrupt by itself.
    return _refuse("interrupted", status) if status == statuses.INTERRUPTED else status


def _lost(lost: OutputLost) -> int:
    """What is left to write goes nowhere, so that the interpreter does not complain at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return statuses.READER_GONE if lost.is_reader_gone else _refuse(str(lost), statuses.NOT_WRITTEN)


PARSED_AS_NUMBER = "Input should be a valid integer, unable to parse string as an integer"
"""What the library that reads options says of what is no number."""


def _as_ours(refusal: TyperException, commands: Iterable[str]) -> str:
    """What the terminal library refuses, with the nearest word and all that is known, as we say it.

    It has no public names for these refusals, and so they are known by their words.
    """
    message = refusal.format_message().replace(PARSED_AS_NUMBER, "a whole number is wanted")
    command = re.match(r"No such command ['\"](.*?)['\"]\.", message)
    if command:
        return f"unknown command {command[1]!r}{nearest(command[1], commands)}"
    if message.startswith("Missing "):
        known = _known(getattr(refusal, "param", None))
        return f"{message.rstrip('.')}; known: {', '.join(known)}" if known else message
    option, context = getattr(refusal, "option_name", None), getattr(refusal, "ctx", None)
    if option is None or context is None or not message.startswith("No such option"):
        return message
    options = [one for parameter in context.command.get_params(context) for one in parameter.opts]
    return f"unknown option {option!r}{nearest(option, [o for o in options if o.startswith('-')])}"


def _known(parameter: Any) -> Iterable[str]:
    """What can stand where a parameter stands, if these are words that the program knows.

    Which words is told by what help calls it, such as `LIST`, or `DESIGN[,knob=value…]`.
    """
    called = re.match(r"[A-Z]+", getattr(parameter, "metavar", None) or "")
    return completing.KNOWN.get(called[0], ()) if called else ()


def _refuse(message: str, status: int = statuses.BAD_INPUT) -> int:
    with suppress(OSError):
        print(f"mktme: {escaped(' '.join(message.split()))}", file=sys.stderr)
    return status
