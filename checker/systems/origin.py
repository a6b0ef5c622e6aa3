"""Whom a refusal names: where a piece of a model is written, and what a name was meant to be."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import z3

from checker.systems.system import ModelError


class UnknownName(ModelError, AttributeError):
    """A family or parameter that is not there. An AttributeError too, as attributes need it."""


def origin(function: Any) -> str:
    """` (file:line)` of a function's text; empty for what was not written in Python."""
    while isinstance(function, functools.partial):
        function = function.func
    if not callable(function):
        return ""
    function = inspect.unwrap(function)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    return "" if code is None else f" ({_place(code.co_filename, code.co_firstlineno)})"


def caller(depth: int = 1) -> str:
    """` (file:line)` of the call of the function that asks, or of one so many calls above."""
    frame = sys._getframe(depth + 1)
    return f" ({_place(frame.f_code.co_filename, frame.f_lineno)})"


@contextlib.contextmanager
def blamed(culprit: str, written: Any = None) -> Iterator[None]:
    """Refusals of what is done inside name the culprit, and where it is written.

    Z3 refuses terms whose sorts do not fit by an exception of its own: that is a refusal too.
    """
    try:
        yield
    except (ModelError, z3.Z3Exception) as error:
        raise ModelError(f"{culprit}{origin(written)}: {error}") from error


def among(name: str, known: Iterable[str]) -> str:
    """The tail of a refusal: the likely meaning of a name, and all that is known."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"{hint}; known: {', '.join(known) or 'none'}"


def twice(names: Iterable[str]) -> str | None:
    """The first name that comes a second time, if one does."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def applied(function: Callable[..., Any], arguments: tuple[Any, ...], what: str) -> Any:
    """The function of these arguments. Raises ModelError when it takes another number of them."""
    try:
        return function(*arguments)
    except TypeError as error:
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            given = f"{len(arguments)} indices" if len(arguments) != 1 else "one index"
            raise ModelError(f"{what} cannot be given {given}{origin(function)}") from error
        raise


def _place(file: str, line: int) -> str:
    """A file as it is reached from the current directory, where it lies below that."""
    below = os.path.relpath(file) if os.path.isabs(file) else file
    return f"{file if below.startswith(os.pardir) else below}:{line}"
