"""Certificates for tests: proofs of small systems, and ways to take files apart and spoil them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import z3

from checker.answers.proof import ClosedSet
from checker.certifying import closed_set
from checker.certifying.certificate import closed_set_file
from checker.exploring.explore import explore
from checker.exploring.packed import Packing
from checker.systems.cone import cone_of_influence
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, State

SUBJECT = {"design": "a", "property": "b"}


def packed(system: GroundSystem, states: list[State]) -> np.ndarray[Any, Any]:
    """States as a closed set has them, in the order given."""
    packing = Packing(system.variables)
    rows = np.zeros((len(states), packing.words), np.uint64)
    for row, state in zip(rows, states, strict=True):
        for field, value in zip(packing.fields, state, strict=True):
            row[field.word] |= np.uint64(value << field.shift)
    return rows


def closed_set_of(system: GroundSystem, states: list[State] | None = None) -> ClosedSet:
    """The closed set of these states, or else of all that the explorer reaches."""
    if states is None:
        return explore(system, [], keep_states=True).closed_set(system)
    fields = tuple((f.word, f.shift, f.bits) for f in Packing(system.variables).fields)
    return ClosedSet(system, packed(system, states), fields)


def file_of(system: GroundSystem, claim: GroundProperty, proof: ClosedSet | None = None) -> bytes:
    """The file of a closed set, which need not prove anything."""
    return closed_set_file(proof or closed_set_of(system), system, claim, SUBJECT)


def coned(built: tuple[Any, list[GroundProperty]]) -> tuple[GroundSystem, GroundProperty]:
    """A textbook system's cone for its first claim."""
    grounding, claims = built
    return cone_of_influence(grounding.system, claims[0]), claims[0]


def spoiled(content: bytes, change: Callable[[dict[str, Any]], None], signed: bool = True) -> bytes:
    """A closed set's file with a change to its parts.

    The parts: `header` and `program` as JSON values, `conditions` as text, `states` as an array of
    shape (states, words). With `signed` the checksum is made to fit, as a forger would.
    """
    with np.load(io.BytesIO(content)) as file:
        raw = {name: file[name] for name in file.files}
    header, program = (json.loads(raw[name].tobytes()) for name in ("header", "program"))
    rows = np.ascontiguousarray(raw["states"].T).view("<u8")
    parts = {
        "header": header,
        "program": program,
        "conditions": raw["conditions"].tobytes().decode(),
        "states": np.bitwise_xor.accumulate(rows, axis=0),
    }
    change(parts)
    states = np.ascontiguousarray(parts["states"], "<u8")
    differences = states.copy()
    differences[1:] ^= states[:-1]
    planes = np.ascontiguousarray(
        differences.view(np.uint8).reshape(len(states), 8 * states.shape[1]).T
    )
    texts = {
        "conditions": parts["conditions"].encode(),
        "program": json.dumps(parts["program"], separators=(",", ":"), sort_keys=True).encode(),
    }
    if signed:
        header.pop("sha256", None)
        header["sha256"] = closed_set.digest(header, *texts.values(), planes.tobytes())
    texts["header"] = json.dumps(header, sort_keys=True).encode()
    return zipped({name: np.frombuffer(t, np.uint8) for name, t in texts.items()}, planes)


def zipped(texts: dict[str, Any], states: Any) -> bytes:
    """A zip file of arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, states=states, **texts)
    return file.getvalue()


def tautology(term: Any) -> bool:
    """Whether z3 finds no way to make a formula false."""
    solver = z3.Solver()
    solver.add(z3.Not(term))
    return bool(solver.check() == z3.unsat)
