"""One run of the modelled key service, driven and read by labels instead of positions."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

from checker import Call, Grounding, GroundSystem, Machine, State, Trace, Variable
from checker.answers.trace import run as executed
from conformance.lockstep import Lockstep, ground
from designs import Design, design_from_text
from model import Scope
from properties import PROPERTIES

Choice = Mapping[str, object]

KEY_SERVICE = [name for name, claim in PROPERTIES.items() if not claim.system]
"""The properties of the key service's system, the first and largest one."""


@functools.lru_cache(maxsize=64)
def grounded(design: Design, scope: Scope) -> Grounding:
    """The ground system of a design, built once in a process."""
    return ground(design, scope)


@functools.lru_cache(maxsize=64)
def machine_of(design: Design, scope: Scope) -> Machine:
    """Its machine, whose code is compiled once in a process."""
    return Machine(grounded(design, scope).system)


@functools.lru_cache(maxsize=64)
def starts_of(design: Design, scope: Scope) -> tuple[State, ...]:
    """Its initial states."""
    return tuple(machine_of(design, scope).initial_states())


def start_without(design: Design, scope: Scope, *absent: int, bypass: bool = False) -> State:
    """The initial state in which exactly these packages are not in the machine.

    With `bypass`, KeyID 0 traffic reaches DRAM unencrypted.
    """
    names = [v.name for v in grounded(design, scope).system.variables]
    for start in starts_of(design, scope):
        values = dict(zip(names, start, strict=True))
        found = {p for p in range(scope.packages) if not values[f"present[{p}]"]}
        if found == set(absent) and bypass == bool(values["bypass"]):
            return start
    raise ValueError(f"no initial state lacks exactly the packages {absent}")


def call_of(system: GroundSystem, action: str, **choice: object) -> Call:
    """A call by its parameters' labels: `fails={1}` chooses package 1, `supplied={1: "A"}` a value.

    What is not given is the first value: no, zeros, 0.
    """
    parameters = system.action(action).parameters
    known = {p.name.split("[")[0] for p in parameters}
    if not choice.keys() <= known:
        raise ValueError(f"{action} has no parameter {sorted(choice.keys() - known)}")
    return Call(action, tuple(_position(p, choice) for p in parameters))


def _position(parameter: Variable, choice: Choice) -> int:
    name, _, index = parameter.name.rstrip("]").partition("[")
    value = choice.get(name, 0 if name != "kind" else "missing")
    if name not in choice and name != "kind":
        return 0
    if index and isinstance(value, Mapping):
        value = value.get(int(index), parameter.labels[0])
    elif index and isinstance(value, Collection):
        value = int(index) in value
    if isinstance(value, bool):
        return int(value)
    return parameter.labels.index(str(value))


def answers(lockstep: Lockstep, calls: Sequence[tuple[str, Choice]]) -> list[str]:
    """Make calls on model and implementation; gives the answers on which they agree."""
    system = lockstep.grounding.system
    return [lockstep.step(call_of(system, action, **choice)) for action, choice in calls]


class Run:
    """A run from boot. Reading `run("entry_mode", 1, 2)` gives the label of entry_mode[1,2]."""

    def __init__(
        self,
        design: str | Design,
        scope: Scope | None = None,
        absent: int = -1,
        *,
        bypass: bool = False,
    ) -> None:
        self.design = design if isinstance(design, Design) else design_from_text(design)
        self.scope = scope or Scope()
        self.grounding = grounded(self.design, self.scope)
        self.machine = machine_of(self.design, self.scope)
        self.system = self.machine.system
        missing = () if absent < 0 else (absent,)
        self.start = self.state = start_without(self.design, self.scope, *missing, bypass=bypass)
        self.calls: list[Call] = []

    def __call__(self, family: str, *at: object) -> str:
        name = f"{family}[{','.join(map(str, at))}]" if at else family
        position = [v.name for v in self.system.variables].index(name)
        return self.system.variables[position].labels[self.state[position]]

    def can(self, action: str, **choice: object) -> bool:
        """Whether the call is possible now."""
        return self.machine.step(self.state, call_of(self.system, action, **choice)) is not None

    def do(self, action: str, **choice: object) -> str:
        """Make the call; gives its answer."""
        call = call_of(self.system, action, **choice)
        outcome = self.machine.step(self.state, call)
        if outcome is None:
            raise ValueError(f"{action} is not possible")
        answer, self.state = outcome
        self.calls.append(call)
        return answer

    @property
    def trace(self) -> Trace:
        """The run so far, executed again by substitution."""
        return executed(self.system, self.start, self.calls)

    def changes(self, action: str, **choice: object) -> dict[str, str]:
        """Make the call; gives the variables that it changed, with their new values."""
        before = self.state
        self.do(action, **choice)
        return {
            v.name: v.labels[new]
            for v, old, new in zip(self.system.variables, before, self.state, strict=True)
            if old != new
        }
