"""A world of locks and variables for the tests of the explorer, and programs that run in it."""

from __future__ import annotations

from math import comb

from impl.errors import Busy
from impl.hardware.accesses import Accesses
from impl.hardware.pconfig import Command, Status
from impl.interleaving.replayed import end_of
from impl.interleaving.scenario import Run, Scenario
from impl.locks import Lock, Mode
from impl.threads import Acquire, Execute, Pause, Release


class Toy:
    """Locks and variables by name. Variables in ``hidden`` are used without being noted."""

    def __init__(self, hidden=frozenset()):
        self.accesses = Accesses()
        self.hidden = hidden
        self.locks = {}
        self.values = {}
        self.status = Status.PROG_SUCCESS

    def lock(self, name):
        return self.locks.setdefault(name, Lock(name))

    def get(self, name):
        if name not in self.hidden:
            self.accesses.read(name)
        return self.values.get(name, 0)

    def set(self, name, value):
        if name not in self.hidden:
            self.accesses.write(name)
        self.values[name] = value

    def refuse_if(self, name):
        if self.get(name):
            raise Busy("go on", "it is set")

    def choose(self, status):
        self.status = status

    def program(self, package):
        self.set(f"table {package}", int(self.status))


# Instruction -> the request it makes of the driver, from the world and the instruction's argument.
REQUESTS = {
    "lock": lambda world, lock: Acquire(world.lock(lock)),
    "read lock": lambda world, lock: Acquire(world.lock(lock), Mode.SHARED),
    "unlock": lambda world, lock: Release(world.lock(lock)),
    "pause": lambda world, before: Pause(before),
    "program": lambda world, package: Execute(package, 0, 1, Command.SET_KEY_DIRECT),
    "program randomly": lambda world, package: Execute(package, 0, 1, Command.SET_KEY_RANDOM),
}

# Instruction -> what it leaves in the thread's register, from the world, the register and the
# argument.
EFFECTS = {
    "load": lambda world, register, variable: world.get(variable),
    "store": lambda world, register, variable: world.set(variable, register) or register,
    "put": lambda world, register, variable, value: world.set(variable, value) or register,
    "add": lambda world, register, number: register + number,
    "refuse if": lambda world, register, variable: world.refuse_if(variable) or register,
    "program": lambda world, register, package: world.program(package) or register,
    "program randomly": lambda world, register, package: world.program(package) or register,
}


def program(*instructions):
    """An operation of a toy world from a list of instructions, each a tuple with its name first."""

    def operation(world):
        register = 0
        for name, *arguments in instructions:
            if name in REQUESTS:
                yield REQUESTS[name](world, *arguments)
            if name in EFFECTS:
                register = EFFECTS[name](world, register, *arguments)
        return register or None

    return operation


def toy(faults_max=0, hidden=frozenset(), **programs):
    """A scenario of toy programs: thread name -> list of instructions."""
    return Scenario(
        boot=lambda: Toy(hidden),
        operations={name: program(*lines) for name, lines in programs.items()},
        accesses=lambda world: world.accesses,
        observe=lambda world: tuple(f"{k} = {v}" for k, v in sorted(world.values.items())),
        choose=Toy.choose,
        faults_max=faults_max,
    )


def interleavings(*steps):
    """How many orders there are of threads with so many steps each."""
    orders, total = 1, 0
    for number in steps:
        total += number
        orders *= comb(total, number)
    return orders


def plain_search(scenario, shared):
    """Every schedule to its end, by the plainest recursion: (how it ends, which trace it is)."""
    found = []
    unexplored = [[]]
    while unexplored:
        choices = unexplored.pop()
        run = Run(scenario, shared)
        footprints = [run.measure(choice) for choice in choices]
        following = run.choices()
        unexplored += [[*choices, choice] for choice in following]
        if not following:
            found.append((end_of(run), trace(choices, footprints)))
    return found


def trace(choices, footprints):
    """What all orders that differ by swaps of independent neighbours have in common."""
    done, steps = {}, []
    for choice in choices:
        done[choice.thread] = done.get(choice.thread, 0) + 1
        steps.append((choice, done[choice.thread]))
    dependent = {
        (steps[i], steps[j])
        for j in range(len(steps))
        for i in range(j)
        if footprints[i].conflicts(footprints[j])
    }
    return frozenset(steps), frozenset(dependent)
