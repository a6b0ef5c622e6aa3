"""What it takes to bring a package online while keys are in use.

The last package is absent at boot. Keys are added on the others, it is put in, and its first CPU is
started: with no key in use, with one, and so on up to one for every KeyID, each time on a freshly
booted kernel. So a formula is a summary of what was measured, and never a guess at what was not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from conformance.costing.bench import Bench, Shape
from conformance.owners import payload
from designs import Design


@dataclasses.dataclass(frozen=True)
class Startup:
    """One package that comes online, or does not, while `keys` keys are in use.

    `errno` is "" where it came online. `asked`: how often an owner was asked for a key again.
    """

    keys: int
    errno: str
    executions: int
    asked: int


def startups(
    design: Design, shape: Shape, kind: str, owners_answer: bool = True
) -> tuple[Startup, ...]:
    """One for 0, 1, … keys of a kind ("user", "cpu"), as many as the design accepts.

    Empty where the machine has one package only. Raises ValueError as `Bench` does.
    """
    if shape.last is None:
        return ()
    measured = []
    for keys in range(shape.keyids + 1):
        texts = [payload(kind, f"{number}") for number in range(keys)]
        startup = _startup(design, shape, shape.last, texts, owners_answer)
        if startup is None:
            break
        measured.append(startup)
    return tuple(measured)


def _startup(
    design: Design, shape: Shape, joining: int, texts: Sequence[bytes], owners_answer: bool
) -> Startup | None:
    """None where one of the keys is refused."""
    bench = Bench(design, shape, without_last=True)
    for number, text in enumerate(texts):
        if not bench.add(f"{number}", text).is_done:
            return None
    supplied = {bench.serials[f"{number}"]: text for number, text in enumerate(texts)}
    asked: list[int] = []

    def owner(serial: int) -> bytes | None:
        asked.append(serial)
        return supplied[serial] if owners_answer else None

    bench.kernel.resupply = owner
    answer = bench.plug_in(joining)
    return Startup(len(texts), answer.errno, answer.executions, len(asked))


def formula(startups: Sequence[Startup]) -> str:
    """The PCONFIGs of a startup as a function of k, the number of keys in use.

    "0", "k", "2k + 1": exactly so for every k that was measured. "EPERM if k > 0": refused with
    every key. Anything else is spelled out, k by k. Empty where nothing was measured.
    """
    refused = {startup.errno for startup in startups[1:]}
    if len(refused) == 1 and all(refused) and not startups[0].errno:
        return f"{refused.pop()} if k > 0"
    counts = [startup.executions for startup in startups]
    slope = counts[1] - counts[0] if len(counts) > 1 else 0
    is_linear = counts == [counts[0] + slope * s.keys for s in startups] if counts else True
    if any(startup.errno for startup in startups) or not is_linear:
        return ", ".join(startup.errno or f"{startup.executions}" for startup in startups)
    return _linear(slope, counts[0]) if counts else ""


def _linear(slope: int, constant: int) -> str:
    if not slope:
        return f"{constant}"
    term = "k" if slope == 1 else f"{slope}k"
    return f"{term} + {constant}" if constant else term
