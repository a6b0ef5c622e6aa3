"""What terms compute, as functions: of Python's ints for one state, or of NumPy's arrays for many.

The text is that of `emit`; this module gives its names their meaning and makes it callable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.exploring.emit import CompileError, Emitter, widest
from checker.systems.system import Call, GroundAction, GroundSystem, State, Term

__all__ = ["CompileError", "Program", "Successor", "compile_terms", "successor_function", "widest"]


class Program:
    """Compiled terms: call it with one value for each input; it gives a tuple of results.

    `reads` has the positions of the inputs that the code looks at: the others may be None. In the
    NumPy reading a result that depends on no input is a plain Python value.
    """

    def __init__(self, text: str, reads: tuple[int, ...], run: Callable[..., tuple[Any, ...]]):
        self.text = text
        self.reads = reads
        self.run = run

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        return self.run(*inputs)


def compile_terms(
    terms: Sequence[Term], inputs: Sequence[Term], dtype: Any = None, deadline: float | None = None
) -> Program:
    """Code for the terms, as a function of the inputs (Z3 constants that occur in them).

    Without `dtype` it works on ints and bools (0 and 1 will do for a Boolean). With an unsigned
    NumPy `dtype` it works on arrays of one length: Boolean ones, and ones of that dtype. Raises
    CompileError on an operator that has no translation, on a constant that is no input, and on a
    bit-vector that is wider than `dtype`, and OutOfTime after the deadline.
    """
    if dtype is not None:
        bits = widest(terms, deadline)
        if bits > 8 * np.dtype(dtype).itemsize:
            raise CompileError(f"a term has {bits} bits, more than {np.dtype(dtype)} holds")
    emitter = Emitter(inputs)
    results = emitter.emit(terms, deadline)
    arguments = ", ".join(f"x{i}" for i in range(len(inputs)))
    body = "\n    ".join([*emitter.lines, f"return ({''.join(f'{r}, ' for r in results)})"])
    text = f"def run({arguments}):\n    {body}\n"
    number: Callable[[Any], Any] = int if dtype is None else np.dtype(dtype).type
    namespace: dict[str, Any] = {f"c{value}": number(value) for value in emitter.constants}
    namespace["number"] = number
    # This is safe: the text is made by `emit` alone, of its own names x0, t0, c0, …, its own
    # operators, and decimal literals. No name or string of a model ever becomes a part of it.
    exec(compile(text, "<compiled terms>", "exec"), namespace)
    return Program(text, tuple(sorted(emitter.reads)), namespace["run"])


class _CompiledAction:
    """One action for one state: the guard apart, so that a refused call costs no effect."""

    def __init__(self, system: GroundSystem, action: GroundAction) -> None:
        inputs = [v.term for v in (*system.variables, *action.parameters)]
        self.guard = compile_terms([action.guard], inputs).run
        self.effect = compile_terms([action.answer, *action.updates.values()], inputs).run
        place = {variable.name: i for i, variable in enumerate(system.variables)}
        self.places = tuple(place[name] for name in action.updates)


Successor = Callable[[State, Call], tuple[str, State] | None]


def successor_function(system: GroundSystem) -> Successor:
    """A function from a state and a call to the answer and the next state; None when refused.

    Actions are compiled on first use. Raises KeyError on an unknown action; a parameter out of
    range is refused, as every guard refuses it.
    """
    compiled: dict[str, _CompiledAction] = {}

    def successor(state: State, call: Call) -> tuple[str, State] | None:
        action = compiled.get(call.action)
        if action is None:
            action = compiled[call.action] = _CompiledAction(system, system.action(call.action))
        inputs = (*state, *call.values)
        if not action.guard(*inputs)[0]:
            return None
        answer, *values = action.effect(*inputs)
        after = list(state)
        for place, value in zip(action.places, values, strict=True):
            after[place] = int(value)
        return system.answers[int(answer)], tuple(after)

    return successor
