"""Which files of a user's are loaded, and how what they add is known in other processes too.

A file travels as its text: to a process beside this one, or to a machine that does not have it.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from designs import KNOWN_DESIGNS
from properties import own as claims
from properties.own import OwnError, Place, place_in

T = TypeVar("T")

BYTES_MAX: Final = 1 << 20
"""No file that somebody has written is larger."""


@dataclasses.dataclass(frozen=True)
class OwnFile:
    """A file of a user's: its path as it was named, and its text."""

    path: str
    text: str


_LOADED: list[OwnFile] = []


def loaded() -> tuple[OwnFile, ...]:
    """What was loaded, in order."""
    return tuple(_LOADED)


def read(paths: Iterable[Path | str]) -> list[OwnFile]:
    """Files by their paths. Raises OwnError where one cannot be read."""
    return [OwnFile(str(path), _text(Path(path))) for path in paths]


def load(files: Iterable[OwnFile]) -> None:
    """Run each that was not loaded before, which adds what it has. Raises OwnError."""
    for file in files:
        if file not in _LOADED:
            _run(file)
            _LOADED.append(file)


def forget() -> None:
    """Leave only what the program itself knows."""
    for file in _LOADED:
        sys.modules.pop(_module_name(file), None)
    _LOADED.clear()
    KNOWN_DESIGNS.forget_own()
    claims.forget_all()


def with_own(call: Callable[[], T]) -> Callable[[], T]:
    """The same call for another process, which first loads what is loaded here."""
    return functools.partial(loaded_then, loaded(), call)


def loaded_then(files: tuple[OwnFile, ...], call: Callable[..., T], *arguments: object) -> T:
    """Load, then call."""
    load(files)
    return call(*arguments)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise OwnError(f"{path} is too large for a file of designs and properties")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise OwnError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise OwnError(f"cannot read {path}: it is no text in UTF-8") from error


def _module_name(file: OwnFile) -> str:
    return f"mktme own {file.path}"


def _run(file: OwnFile) -> None:
    module = types.ModuleType(_module_name(file))
    module.__file__ = file.path
    # Classes look their module up by its name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.text, file.path, "exec", dont_inherit=True), module.__dict__)
    except SyntaxError as error:
        raise OwnError(f"{file.path}:{error.lineno or 1}: {error.msg}") from error
    except OwnError:
        raise
    except (Exception, SystemExit) as error:
        at: Place = place_in(file.path, error, 1)
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        raise OwnError(f"{at}: {said}") from error
