"""Which formats there are, what each is for, and the files that a subject is in each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from checker.exchange.btor2 import btor2
from checker.exchange.smt2 import horn, smt2
from checker.exchange.smv import smv
from checker.exchange.subject import Subject
from checker.exchange.tla import tla
from checker.exchange.vmt import vmt


@dataclasses.dataclass(frozen=True)
class Format:
    """`write` gives texts by the endings of their files' names; `ending` is that of the main one,
    and `beside` has the others'.

    It raises NotWritable on what the format has no words for.
    """

    title: str
    ending: str
    write: Callable[[Subject], Mapping[str, str]]
    beside: tuple[str, ...] = ()


FORMATS: Final[Mapping[str, Format]] = {
    "vmt": Format("VMT-LIB, for ic3ia, nuXmv and pono", ".vmt", vmt),
    "smt2": Format("SMT-LIB 2: one-step induction and bounded search, for solvers", ".smt2", smt2),
    "horn": Format("SMT-LIB 2 as Horn clauses, for Spacer, Golem and Eldarica", ".smt2", horn),
    "smv": Format("SMV, for NuSMV and nuXmv", ".smv", smv),
    "btor2": Format("BTOR2, for btormc, pono and AVR", ".btor2", btor2),
    "tla": Format("TLA+, a module and its configuration for TLC", ".tla", tla, (".cfg",)),
}
"""By the name that a person types."""
