"""What a search leaves in a directory, so that another process can go on with it.

`explored-states` has the levels that are complete, one after another: it only ever grows.
`explored-next-…` has what is known of the level after them, and the violating states.
`explored.json` says what in these files counts, with their checksums; it is replaced as a whole
once they are on the disk, so that at any moment the directory has one checkpoint, which is whole.
Nothing is believed before its checksum is right: a file that is damaged, cut short, of another
question or of a newer version is refused.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from checker.exploring.spill import Array, mapped

VERSION = 1
FORMAT = "mktme exploration checkpoint"

_NEXT = "explored-next-"
_READ = 1 << 20


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message names the file and the reason."""


@dataclasses.dataclass(frozen=True)
class ClaimSoFar:
    """What is known of a claim: see `Judged`."""

    premise_reached: bool
    depth: int | None
    found: Array


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A search between two chunks: of the last of `levels`, so many states are `expanded`.

    Levels are judged. `following` has the states of the next level that are known. `fired` counts
    the transitions of each action, `fired_before` those from all levels but the last. Where it was
    loaded, the levels are a file that is mapped into memory.
    """

    levels: Sequence[Array]
    expanded: int
    following: Array
    fired: Mapping[str, int]
    fired_before: Mapping[str, int]
    claims: Sequence[ClaimSoFar]


class Checkpoint:
    """A directory that belongs to one search at a time. Raises CheckpointError.

    `digest` says which question the search is about, `dtype` how its states are packed.
    """

    def __init__(self, directory: Path, digest: str, dtype: Any) -> None:
        self.directory = directory
        self._digest = digest
        self._dtype = np.dtype(dtype)
        self._header = directory / "explored.json"
        self._states = directory / "explored-states"
        self._written = 0
        self._count = 0
        self._sum = hashlib.sha256()
        self._serial = 0
        with self._errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(directory / "explored.lock")

    def close(self) -> None:
        """Let another search have the directory."""
        self._lock.close()

    def save(self, snapshot: Snapshot) -> None:
        """Replace what the directory has. Raises CheckpointError where it cannot be written."""
        with self._errors(self.directory):
            self._append(snapshot.levels[self._count :])
            rest = [snapshot.following, *(claim.found for claim in snapshot.claims)]
            self._serial += 1
            name = f"{_NEXT}{self._serial}"
            digest = _write(self.directory / name, rest)
            claims = [
                {"premise": c.premise_reached, "depth": c.depth, "found": len(c.found)}
                for c in snapshot.claims
            ]
            body = {
                "format": FORMAT,
                "version": VERSION,
                "question": self._digest,
                "item": self._dtype.str,
                "levels": [len(level) for level in snapshot.levels],
                "states": self._sum.hexdigest(),
                "expanded": snapshot.expanded,
                "following": len(snapshot.following),
                "fired": dict(snapshot.fired),
                "fired_before": dict(snapshot.fired_before),
                "claims": claims,
                "next": name,
                "next_digest": digest,
            }
            text = json.dumps({"body": body, "digest": _digest_of(body)}, indent=1)
            _replace(self._header, text.encode())
            for old in self.directory.glob(f"{_NEXT}*"):
                if old.name != name:
                    old.unlink()

    def refused(self, reason: str) -> CheckpointError:
        """The error for a checkpoint that is whole, and of no use."""
        return self._refused(self._header, reason)

    def load(self) -> Snapshot | None:
        """What a search left here; None when there is nothing. Raises CheckpointError."""
        if not self._header.exists():
            return None
        with self._errors(self._header):
            header = self._checked_header(self._header.read_bytes())
        sizes, item = header["levels"], self._dtype.itemsize
        size = sum(sizes) * item
        self._sum = self._checked(self._states, size, header["states"])
        path = self.directory / header["next"]
        counts = [header["following"], *(claim["found"] for claim in header["claims"])]
        self._checked(path, sum(counts) * item, header["next_digest"])
        with self._errors(self._states), self._states.open("r+b") as file:
            # What a process wrote before it was killed, and never came to count, is cut off.
            file.truncate(size)
        self._count, self._written = len(sizes), size
        self._serial = int(header["next"].removeprefix(_NEXT))
        with self._errors(path):
            following, *found = _split(np.fromfile(path, self._dtype), counts)
            levels = _split(mapped(self._states, self._dtype), sizes)
        claims = [
            ClaimSoFar(claim["premise"], claim["depth"], states)
            for claim, states in zip(header["claims"], found, strict=True)
        ]
        fired = header["fired"], header["fired_before"]
        return Snapshot(levels, header["expanded"], following, *fired, claims)

    def _append(self, levels: Sequence[Array]) -> None:
        """Add levels to the states' file."""
        with self._states.open("ab") as file:
            file.truncate(self._written)
            for level in levels:
                self._written += _put(file, level, self._sum)
            _flushed(file)
        self._count += len(levels)

    def _checked_header(self, raw: bytes) -> dict[str, Any]:
        try:
            whole = json.loads(raw)
            body = whole["body"]
            digest, written = whole["digest"], body["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._refused(self._header, "it is no checkpoint's header") from error
        if written != FORMAT:
            raise self._refused(self._header, "it is no checkpoint's header")
        version = body.get("version")
        if version != VERSION:
            raise self._refused(
                self._header, f"it has version {version}; this program writes version {VERSION}"
            )
        if digest != _digest_of(body):
            raise self._refused(self._header, "its checksum is wrong")
        if body["question"] != self._digest or body["item"] != self._dtype.str:
            raise self._refused(
                self._header, "it is about another system, claim or reduction than this search"
            )
        if not _makes_sense(body):
            raise self._refused(self._header, "its numbers make no sense")
        checked: dict[str, Any] = body
        return checked

    def _checked(self, path: Path, size: int, expected: str) -> Any:
        """The checksum of the first so many bytes of a file, which is as expected."""
        digest, left = hashlib.sha256(), size
        with self._errors(path), path.open("rb") as file:
            while left and (raw := file.read(min(left, _READ))):
                digest.update(raw)
                left -= len(raw)
        if left:
            raise self._refused(path, f"it has {size - left} bytes of {size}")
        if digest.hexdigest() != expected:
            raise self._refused(path, "its checksum is wrong")
        return digest

    def _refused(self, path: Path, reason: str) -> CheckpointError:
        return CheckpointError(f"cannot use checkpoint file {path}: {reason}")

    @contextlib.contextmanager
    def _errors(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refused(path, error.strerror or str(error)) from error


def _makes_sense(body: Mapping[str, Any]) -> bool:
    """Whether a header's parts have the types and ranges that `save` gives them."""
    try:
        levels, claims = body["levels"], body["claims"]
        counts = [*levels, body["expanded"], body["following"], *(c["found"] for c in claims)]
        counts += [*body["fired"].values(), *body["fired_before"].values()]
        depths = [claim["depth"] for claim in claims if claim["depth"] is not None]
        return (
            all(type(count) is int and count >= 0 for count in (*counts, *depths))
            and body["expanded"] <= (levels[-1] if levels else 0)
            and all(depth < len(levels) for depth in depths)
            and all(type(claim["premise"]) is bool for claim in claims)
            and re.fullmatch(rf"{_NEXT}\d+", body["next"]) is not None
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _digest_of(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _split(states: Array, counts: Sequence[int]) -> list[Array]:
    parts = []
    for count in counts:
        parts.append(states[:count])
        states = states[count:]
    return parts


def _put(file: IO[bytes], states: Array, digest: Any) -> int:
    """Write states and take them into the digest; gives their bytes."""
    for start in range(0, len(states), _READ):
        raw = states[start : start + _READ].tobytes()
        digest.update(raw)
        file.write(raw)
    return int(states.nbytes)


def _flushed(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write(path: Path, arrays: Sequence[Array]) -> str:
    """Write arrays into a new file; gives their checksum."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for states in arrays:
            _put(file, states, digest)
        _flushed(file)
    return digest.hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """Replace a file at one stroke."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="explored-new-", delete=False) as file:
        file.write(content)
        _flushed(file)
    os.replace(file.name, path)


def _locked(path: Path) -> IO[bytes]:
    """An open file that no other process has locked. Raises OSError."""
    file = path.open("wb")
    try:
        import fcntl
    except ImportError:  # no such locks on this system: two searches must not share a directory
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise OSError(0, "another search is using the directory") from None
    return file
