"""How text becomes machine code: by Numba where it is installed, kept on disk for the next run.

A module's text is written once under its digest into a cache directory of the user's, and Numba
keeps the machine code beside it (or under NUMBA_CACHE_DIR). So the same text is compiled once for a
machine; another text has another name. Where no directory can be written, everything works and
is compiled again each time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS_PER_LINE = 0.006
"""What compiling a line of a kernel takes, on the slow side."""

SECONDS_AT_LEAST = 0.7
"""What loading Numba and whatever is compiled already takes, on the slow side."""


class JitUnavailable(RuntimeError):
    """Machine code was asked for, but Numba is not installed."""


@functools.cache
def is_available() -> bool:
    """Whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


def cache_directory() -> Path | None:
    """Where texts are kept: a directory of the user's that can be written, or None."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        directory = (Path(base) if base else Path.home() / ".cache") / "mktme" / "jit"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return directory if os.access(directory, os.W_OK) else None


def digest_of(text: str) -> str:
    """The name of a text for the Python and Numba that are installed: 24 hexadecimal digits."""
    version = importlib.metadata.version("numba") if is_available() else ""
    parts = "\0".join([text, version, sys.version])
    return hashlib.sha256(parts.encode()).hexdigest()[:24]


def compile_seconds(lines: int, digest: str) -> float:
    """About how long it takes until the machine code of so many lines can run."""
    directory = cache_directory()
    kept = directory is not None and (directory / f"mktme_kernel_{digest}.done").exists()
    return SECONDS_AT_LEAST + (0 if kept else lines * SECONDS_PER_LINE)


_COMPILED: dict[tuple[str, str, str], Callable[..., Any]] = {}
"""What has been compiled in this process: by text, function and signature."""


class Machinery:
    """The functions of one text, compiled on demand. Raises JitUnavailable without Numba."""

    def __init__(self, text: str) -> None:
        if not is_available():
            raise JitUnavailable("cannot compile to machine code: numba is not installed")
        self.digest = digest_of(text)
        self._name = f"mktme_kernel_{self.digest}"
        self._path = _kept(self._name, text)
        self._namespace = _imported(self._name, text, self._path)

    def function(self, name: str, signature: str) -> Callable[..., Any]:
        """A function of the text, compiled for the types of its arguments."""
        key = self.digest, name, signature
        if key not in _COMPILED:
            _COMPILED[key] = self._compiled(self._namespace[name], signature)
        return _COMPILED[key]

    def _compiled(self, plain: Callable[..., Any], signature: str) -> Callable[..., Any]:
        njit = functools.partial(importlib.import_module("numba").njit, signature, nogil=True)
        compiled: Callable[..., Any]
        if self._path is not None:
            # A cache that cannot be read or written is no reason to do without the code.
            with contextlib.suppress(Exception):
                compiled = njit(cache=True)(plain)
                return compiled
        compiled = njit()(plain)
        return compiled

    def finished(self) -> None:
        """Note on disk that every function has been compiled."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.with_suffix(".done").touch()


def _kept(name: str, text: str) -> Path | None:
    """The file that has the text, written when it is not there; None where that is impossible."""
    directory = cache_directory()
    if directory is None:
        return None
    path = directory / f"{name}.py"
    try:
        if path.exists() and path.read_text() == text:
            return path
        with tempfile.NamedTemporaryFile(
            "w", dir=directory, prefix=name, suffix=".new", delete=False
        ) as file:
            file.write(text)
        os.replace(file.name, path)
    except (OSError, ValueError):
        return None
    return path


def _imported(name: str, text: str, path: Path | None) -> dict[str, Any]:
    """The text as a module of that name, which is how Numba finds it again."""
    module = sys.modules.get(name)
    if module is None:
        module = types.ModuleType(name)
        module.__file__ = str(path) if path is not None else None
        # This is safe for the reason given in `compile`: no name of a model is part of the text.
        exec(compile(text, str(path or "<kernels>"), "exec"), module.__dict__)
        sys.modules[name] = module
    return module.__dict__
