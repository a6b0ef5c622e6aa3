"""Decides which process of a script stands for which VMA of a run, and on which package it runs.

Each of the model's VMAs is one page of a process of its own, and its process may run anywhere when
it writes. A script's process stays on one package: that of the write which gives it a page.
"""

from __future__ import annotations

import dataclasses

from checker import Grounding
from checker.answers.trace import Trace
from checker.systems.reading import Reading
from mktme.traces.scripts.inexpressible import Inexpressible


@dataclasses.dataclass(frozen=True)
class Process:
    """A process by its name in the script, and the variable that has its page's address."""

    name: str
    address: str


@dataclasses.dataclass
class _Family:
    """A process with its descendants, who run where it runs."""

    packages: set[int] = dataclasses.field(default_factory=set)


class Processes:
    """Who is there, while a script is written call by call."""

    def __init__(self, grounding: Grounding, trace: Trace) -> None:
        self._families = _families(grounding, trace)
        self._known: dict[int, Process] = {}
        self._made: dict[int, int] = {}

    def of(self, vma: int) -> Process | None:
        """The process that has the VMA, if it has one."""
        return self._known.get(vma)

    def begin(self, vma: int, step: int) -> tuple[Process, int]:
        """A new process for a VMA that begins in a step (from 0), and the package it runs on."""
        packages = self._families[step].packages
        if len(packages) > 1:
            said = " and ".join(map(str, sorted(packages)))
            raise Inexpressible(f"the process of VMA {vma} writes from packages {said}")
        name = self._name(vma)
        self._known[vma] = Process(name, f"page{name.removeprefix('vma')}")
        return self._known[vma], min(packages, default=0)

    def fork(self, vma: int, child: int) -> Process:
        """A child of the VMA's process, whose page is at the same address."""
        self._known[child] = Process(self._name(child), self._known[vma].address)
        return self._known[child]

    def end(self, vma: int) -> Process:
        """The VMA's process has it no more."""
        return self._known.pop(vma)

    def _name(self, vma: int) -> str:
        number = self._made[vma] = self._made.get(vma, 0) + 1
        return f"vma{vma}" if number == 1 else f"vma{vma}_{number}"


def _families(grounding: Grounding, trace: Trace) -> dict[int, _Family]:
    """The process with its descendants that begins in each step in which one begins."""
    begun: dict[int, _Family] = {}
    now: dict[int, _Family] = {}
    for number, (state, step) in enumerate(zip(trace.states, trace.steps, strict=False)):
        labels = step.call.labelled(grounding.system)
        match step.call.action:
            case "encrypt" if int(labels["vma"]) not in now:
                now[int(labels["vma"])] = begun[number] = _Family()
            case "fork":
                now[int(labels["child"])] = now[int(labels["vma"])]
            case "unmap":
                del now[int(labels["vma"])]
            case "write" if _gets_page(Reading(grounding, state), int(labels["vma"])):
                now[int(labels["vma"])].packages.add(int(labels["package"]))
    return begun


def _gets_page(reading: Reading, vma: int) -> bool:
    """Whether the VMA's next write gives it a page frame: it has none, or shares one."""
    packages, vmas = range(reading.size("page", 1)), range(reading.size("shares", 1))
    is_there = any(reading.is_true("page", vma, package) for package in packages)
    return not is_there or any(reading.is_true("shares", vma, other) for other in vmas)
