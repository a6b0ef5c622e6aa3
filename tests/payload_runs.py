"""The payload's system in the tests: its groundings, runs token by token, and faulty parsers."""

from __future__ import annotations

import functools

from mutants import Mutant
from runs import call_of

from checker import Call, Finite, Grounding, Machine, State, Trace, Verdict, decide
from checker.answers.trace import run
from checker.systems.property import Property
from conformance.lockstep import ground
from designs import design_from_text
from model import Scope, text_of

BEGIN = {"capable": True, "length": "within", "nul": False}


@functools.lru_cache(maxsize=32)
def parser_of(design: str) -> Grounding:
    """The ground system of a design's parser."""
    return ground(design_from_text(design), Scope(), "payload")


@functools.lru_cache(maxsize=32)
def machine_of(design: str) -> Machine:
    """The same, compiled."""
    return Machine(parser_of(design).system)


def faulty_parser(design: str, mutant: Mutant) -> Grounding:
    """The ground system of a design's parser with a fault in it."""
    chosen = design_from_text(design)
    return Grounding(mutant(text_of(chosen, "payload")(Finite(Scope().sizes(chosen)))))


def judged(grounding: Grounding, claim: Property) -> Verdict:
    """What exploration says of a claim."""
    return decide(grounding.system, grounding.property(claim))


class Text:
    """A run of one design's parser: `Text("rfc-v2").begin().take("type", "clear").end()`."""

    def __init__(self, design: str) -> None:
        self.grounding = parser_of(design)
        self.machine = machine_of(design)
        (self.start,) = self.machine.initial_states()
        self.state: State = self.start
        self.calls: list[Call] = []
        self.answer = ""

    def do(self, action: str, **choice: object) -> Text:
        """Make a step. Raises ValueError where it is not possible."""
        call = call_of(self.grounding.system, action, **choice)
        outcome = self.machine.step(self.state, call)
        if outcome is None:
            raise ValueError(f"{action} is not possible")
        self.answer, self.state = outcome
        self.calls.append(call)
        return self

    def begin(self, **choice: object) -> Text:
        """A call by a capable process, of a text in bounds without a NUL, unless chosen."""
        return self.do("begin", **{**BEGIN, **choice})

    def take(self, *tokens: str) -> Text:
        """Tokens as "name=class"."""
        for token in tokens:
            name, _, value = token.partition("=")
            self.do("take", token=name, value=value)
        return self

    def end(self) -> Text:
        """The text ends."""
        return self.do("end_of_text")

    def __call__(self, family: str, *at: str) -> str:
        name = f"{family}[{','.join(at)}]" if at else family
        position = [v.name for v in self.grounding.system.variables].index(name)
        return self.grounding.system.variables[position].labels[self.state[position]]

    @property
    def trace(self) -> Trace:
        """The run so far, executed again by substitution."""
        return run(self.grounding.system, self.start, self.calls)
