"""How many states a second the explorer visits, and how many bytes it holds for each.

The system is that of `key_tables`, with three packages, three KeyIDs and three keys: 5,109,877
states, 49,257,654 transitions. The baseline is what one writes by hand for this very system: a
breadth-first search of plain Python over tuples. It is stopped early, where a transition leads to a
new state more often than later, so the ratio to it is rather too small. Time to compile is not in
the rates, and stands beside them.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from benchmarks.rows import Row
from checker.exploring import tables
from checker.exploring.exploration import Exploration
from checker.exploring.explore import explore
from checker.exploring.jit import is_available
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty

SCOPE = 3, 3, 3
STATES, TRANSITIONS = 5_109_877, 49_257_654
PLAIN_STATES = 300_000
ROUNDS = 3

Flat = tuple[int, ...]


def question(packages: int, keyids: int, keys: int) -> tuple[Grounding, list[GroundProperty]]:
    """The system for a scope, and the claim."""
    interpretation = Finite({PACKAGE: packages, KEYID: keyids, BYTES: keys + 1})
    grounding = Grounding(key_tables(interpretation))
    return grounding, [grounding.property(online_packages_agree(interpretation))]


class Plain:
    """The key tables' steps by hand: a state has the packages' flags, the map, and the tables."""

    def __init__(self, packages: int, keyids: int, keys: int) -> None:
        self.packages, self.keyids, self.keys = packages, keyids, keys
        self.tables_at = packages + keyids

    def start(self) -> Flat:
        """Every package online, no key."""
        return (1,) * self.packages + (0,) * (self.keyids + self.packages * self.keyids)

    def successors(self, state: Flat) -> list[Flat]:
        """Where each transition leads to."""
        mapped = state[self.packages : self.tables_at]
        free = mapped.index(0) if 0 in mapped else None
        found = []
        for supplied in range(1, self.keys + 1):
            found.append(state if free is None else self._programmed(state, free, supplied))
        for keyid in range(self.keyids):
            if mapped[keyid]:
                for supplied in range(1, self.keys + 1):
                    found.append(self._programmed(state, keyid, supplied))
                found.append(_changed(state, self.packages + keyid, 0))
        several = sum(state[: self.packages]) > 1
        for package in range(self.packages):
            if not state[package]:
                found.append(self._started(state, package, mapped))
            elif several:
                found.append(_changed(state, package, 0))
        return found

    def _programmed(self, state: Flat, keyid: int, supplied: int) -> Flat:
        after = list(state)
        after[self.packages + keyid] = supplied
        for package in range(self.packages):
            if state[package]:
                after[self.tables_at + package * self.keyids + keyid] = supplied
        return tuple(after)

    def _started(self, state: Flat, package: int, mapped: Flat) -> Flat:
        after = list(state)
        after[package] = 1
        for keyid, key in enumerate(mapped):
            if key:
                after[self.tables_at + package * self.keyids + keyid] = key
        return tuple(after)


def _changed(state: Flat, place: int, value: int) -> Flat:
    return (*state[:place], value, *state[place + 1 :])


def plain_search(
    packages: int, keyids: int, keys: int, states_max: int | None = None
) -> tuple[int, int, int]:
    """States, transitions and depth, by a breadth-first search over tuples."""
    plain = Plain(packages, keyids, keys)
    level = [plain.start()]
    seen = set(level)
    transitions = depth = 0
    while level:
        following = []
        for state in level:
            for after in plain.successors(state):
                transitions += 1
                if after not in seen:
                    seen.add(after)
                    following.append(after)
            if states_max is not None and len(seen) >= states_max:
                return len(seen), transitions, depth
        depth += bool(following)
        level = following
    return len(seen), transitions, depth


@dataclasses.dataclass(frozen=True)
class Timed:
    """The best of a few runs: states a second without compiling, and what the run saw."""

    rate: float
    seen: Exploration


def timed(jit: bool, rounds: int = ROUNDS) -> Timed:
    """The whole space with or without machine code."""
    best = None
    for _ in range(rounds):
        grounding, claims = question(*SCOPE)
        begun = time.perf_counter()
        seen = explore(grounding.system, claims, jit=jit)
        taken = time.perf_counter() - begun - (seen.compiling or 0.0)
        if (STATES, TRANSITIONS) != (seen.states, seen.transitions):
            raise AssertionError(f"wrong counts: {seen.states}, {seen.transitions}")
        if best is None or STATES / taken > best.rate:
            best = Timed(STATES / taken, seen)
    assert best is not None
    return best


def plain_rate() -> float:
    """States a second of the plain search."""
    begun = time.perf_counter()
    states, _, _ = plain_search(*SCOPE, states_max=PLAIN_STATES)
    return states / (time.perf_counter() - begun)


def compilation(is_kept: bool) -> float:
    """Seconds until the code can run in a new process, which finds it on disk or does not."""
    return float(_in_new_process("warm" if is_kept else "cold"))


def resident_bytes(jit: bool) -> float:
    """What a whole search adds to the most memory a process had, in bytes for each state."""
    return float(_in_new_process("jit" if jit else "arrays"))


def _in_new_process(what: str) -> str:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "benchmarks.exploring", what]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def _measure(what: str) -> float:
    """What a process of its own measures."""
    if what in ("cold", "warm"):
        with tempfile.TemporaryDirectory() as directory:
            if what == "cold":
                os.environ["XDG_CACHE_HOME"] = directory
                os.environ.pop("NUMBA_CACHE_DIR", None)
            grounding, claims = question(*SCOPE)
            return explore(grounding.system, claims, states_max=10, jit=True).compiling or 0.0
    jit = what == "jit"
    grounding, claims = question(*SCOPE)
    explore(grounding.system, claims, states_max=10, jit=jit)  # loads libraries and code
    before = _peak()
    explore(grounding.system, claims, jit=jit)
    return (_peak() - before) / STATES


def _peak() -> int:
    """The most bytes of memory that this process ever had."""
    status = Path("/proc/self/status")
    if status.exists():  # which begins anew with a program, as `getrusage` does not
        (line,) = (text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rows() -> list[Row]:
    """Rates, bytes, and what compiling takes."""
    plain = plain_rate()
    arrays = timed(jit=False, rounds=2)
    name = "plain Python, breadth first over tuples"
    found = [
        Row(name, plain / 1e6, "million states/s", note=f"the first {PLAIN_STATES:,} states"),
        Row("NumPy", arrays.rate / 1e6, "million states/s", name, arrays.rate / plain, ">= 0.8"),
        Row("NumPy, arrays at the peak", arrays.seen.memory / STATES, "bytes/state"),
    ]
    if not is_available():
        return found
    code = timed(jit=True)
    rate = code.rate / 1e6
    cold, warm = compilation(is_kept=False), compilation(is_kept=True)
    bits, tables.BITS_MAX = tables.BITS_MAX, 0
    try:
        hashed = timed(jit=True)
    finally:
        tables.BITS_MAX = bits
    return [
        *found,
        Row(
            "machine code",
            rate,
            "million states/s",
            goal=">= 4",
            note=f"compiling took {cold:.1f} s once, {warm:.1f} s from the disk",
        ),
        Row("machine code", rate, "million states/s", name, code.rate / plain, ">= 40", True),
        Row("machine code", rate, "million states/s", "NumPy", code.rate / arrays.rate),
        Row("machine code with a hash set", hashed.rate / 1e6, "million states/s", "NumPy",
            hashed.rate / arrays.rate, note="as for states of more bits"),
        Row("arrays at the peak", code.seen.memory / STATES, "bytes/state", goal="< 40"),
        Row("… with a hash set", hashed.seen.memory / STATES, "bytes/state", goal="< 40"),
        Row("resident set at the peak", resident_bytes(jit=True), "bytes/state", goal="< 40",
            note="of the process, without what it had before"),
    ]  # fmt: skip


if __name__ == "__main__":
    print(_measure(sys.argv[1]))
