"""Whether every condition of an SMT-LIB script is refuted, by cvc5 in a process of its own.

cvc5 shares no code with z3, nor with the engines. It runs in another process, so that it can be
ended when its time is over. This module imports nothing of ours, because that process runs it.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

DECLARING = frozenset(
    ["set-info", "set-logic", "declare-sort", "declare-datatypes", "declare-fun", "define-fun"]
)
COMMANDS = DECLARING | {"push", "echo", "assert", "check-sat", "pop"}
"""What a script may consist of; by name, as cvc5 calls a command."""

BITS: tuple[dict[str, str], ...] = ({"bitblast": "eager", "simplification": "none"}, {})
GROUND: tuple[dict[str, str], ...] = ({},)
QUANTIFIED: tuple[dict[str, str], ...] = (
    {"enum-inst": "true"},
    {"mbqi": "true"},
    {"finite-model-find": "true"},
)
"""Options to try in turn. Bit-vectors go to a SAT solver at once, which takes a tenth of the time;
instances of quantifiers are found by enumeration, by models, or by finite models."""

FIRST_SECONDS_MAX = 3.0
"""How long all but the last try may take with a condition: the last one also finds models."""


class ScriptError(ValueError):
    """A script that is none, or that says what no script of conditions says."""


@dataclasses.dataclass(frozen=True)
class Answers:
    """Each condition's name with "unsat", "sat" or "unknown"; `seconds` is wall-clock time."""

    each: tuple[tuple[str, str], ...]
    seconds: float

    @property
    def all_refuted(self) -> bool:
        """Whether there are conditions, and none of them has a model."""
        return bool(self.each) and all(answer == "unsat" for _, answer in self.each)

    @property
    def satisfiable(self) -> tuple[str, ...]:
        """The conditions that have a model: what a proof said is not so."""
        return tuple(name for name, answer in self.each if answer == "sat")

    @property
    def undecided(self) -> tuple[str, ...]:
        """The conditions that got no answer in time."""
        return tuple(name for name, answer in self.each if answer not in ("sat", "unsat"))


def refuted_by_cvc5(text: str, seconds_max: float = 60.0) -> Answers:
    """cvc5's answer for each condition of a script, within that time.

    A condition is asserted between `push` and `pop`, after an `echo` of its name; an assertion
    anywhere else is refused, as it would bear on them all. Raises ScriptError.
    """
    begun = time.monotonic()
    command = [sys.executable, "-I", __file__, str(seconds_max)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = child.communicate(text.encode(), timeout=seconds_max + 5)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    found: dict[int, tuple[str, str]] = {}
    for line in out.decode().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            break  # the process was ended in the middle of its last line
        if "error" in said:
            raise ScriptError(said["error"])
        found[said["number"]] = said["name"], said["answer"]
    if not found and child.returncode:
        said = err.decode(errors="replace").strip().splitlines() or ["no condition was reached"]
        raise ScriptError(f"cvc5 ended with status {child.returncode}: {said[-1]}")
    return Answers(tuple(found[number] for number in sorted(found)), time.monotonic() - begun)


@dataclasses.dataclass(frozen=True)
class _Script:
    """What a script consists of: its declarations, and its conditions' names and assertions."""

    declarations: str
    conditions: tuple[tuple[str, str], ...]

    @property
    def attempts(self) -> tuple[dict[str, str], ...]:
        """The options to try."""
        if "(set-logic QF_BV)" in self.declarations:
            return BITS
        return GROUND if "(set-logic QF_" in self.declarations else QUANTIFIED


_FOLLOWS = {"push": "outside", "echo": "open", "assert": "named", "check-sat": "asserted"}
_LEADS = {"push": "open", "echo": "named", "assert": "asserted", "check-sat": "checked"}


def _scan(cvc5: Any, text: str) -> _Script:
    """Take a script apart, as cvc5 reads it. Raises ScriptError."""
    solver = cvc5.Solver(cvc5.TermManager())
    declarations: list[str] = []
    conditions: list[tuple[str, str]] = []
    state, title = "outside", ""
    for command, name in _commands(cvc5, solver, text):
        if name == "pop":
            if state != "checked":
                raise ScriptError(f"the condition {title!r} is not checked")
            state = "outside"
        elif name in _FOLLOWS:
            if state != _FOLLOWS[name]:
                said = f"{name} stands where it may not, after condition {len(conditions)}"
                raise ScriptError(said)
            state = _LEADS[name]
        elif state != "outside":
            raise ScriptError(f"{name} stands inside of condition {len(conditions) + 1}")
        else:
            declarations.append(str(command))
        if name == "echo":
            title = str(command)[len('(echo "') : -len('")')].replace('""', '"')
        elif name == "assert":
            conditions.append((title, str(command)))
    if state != "outside":
        raise ScriptError("the last condition is not complete")
    return _Script("\n".join(declarations), tuple(conditions))


def _commands(cvc5: Any, solver: Any, text: str) -> Iterator[tuple[Any, str]]:
    """Each command with its name. Those that declare something are carried out."""
    parser = cvc5.InputParser(solver)
    symbols = parser.getSymbolManager()
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "script")
    while True:
        command = parser.nextCommand()
        if command.isNull():
            return
        name = command.getCommandName()
        if name not in COMMANDS or (name in ("push", "pop") and str(command) != f"({name} 1)"):
            raise ScriptError(f"a script of conditions does not say {_short(command)}")
        if name in DECLARING:
            said = command.invoke(solver, symbols)
            if "error" in said:
                raise ScriptError(said.strip())
        yield command, name


def _answer(cvc5: Any, text: str, seconds_max: float) -> None:
    """Print a line for each condition, and another one for each that gets an answer."""
    begun = time.monotonic()
    script = _scan(cvc5, text)
    for number, (name, _) in enumerate(script.conditions):
        _say(number=number, name=name, answer="unknown")
    undecided = list(range(len(script.conditions)))
    for attempt, options in enumerate(script.attempts, 1):
        for number in list(undecided):
            left = seconds_max - (time.monotonic() - begun)
            if left <= 0:
                return
            share = left if attempt == len(script.attempts) else min(FIRST_SECONDS_MAX, left / 4)
            name, assertion = script.conditions[number]
            said = _asked(cvc5, f"{script.declarations}\n{assertion}", options, share)
            if said in ("sat", "unsat"):
                undecided.remove(number)
                _say(number=number, name=name, answer=said)


def _asked(cvc5: Any, text: str, options: dict[str, str], seconds_max: float) -> str:
    """The answer for declarations and one assertion."""
    solver = cvc5.Solver(cvc5.TermManager())
    limit = str(max(1, int(1000 * seconds_max)))
    for option, value in {**options, "tlimit-per": limit}.items():
        solver.setOption(option, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"{text}\n(check-sat)", "condition")
    said = ""
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, parser.getSymbolManager()).strip()
    return said


def _short(command: Any) -> str:
    said = " ".join(str(command).split())
    return said if len(said) <= 60 else f"{said[:60]}…"


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def _main() -> int:
    import cvc5  # type: ignore[import-untyped] # here, so that only this process loads it

    try:
        _answer(cvc5, sys.stdin.read(), float(sys.argv[1]))
    except (ScriptError, RuntimeError) as error:
        _say(error=" ".join(str(error).split()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
