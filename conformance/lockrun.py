"""How a call of the locks' system is made on the running kernel, and how threads are read back.

A call is one step of one thread, made through `impl.interleaving`: one choice of a `Run`, or more
where the model has one request for all that follow one another without a lock between them. What is
read back is what the threads were seen to ask for, and who holds and awaits the kernel's locks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from checker.answers.trace import Trace
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import Call, State
from conformance.abstraction import AbstractionError
from conformance.inventory import Inventory
from conformance.lockscenario import IDLE, scenario
from conformance.replayed import ReplayStep, decoded, has_failed
from designs import Design
from impl import Status
from impl.hardware.pconfig import Execution
from impl.interleaving.scenario import Run
from impl.interleaving.schedule import GOES_ON, WAITS, Choice, Way
from impl.locks import Mode
from impl.threads import Acquire, Execute, Pause, Release
from impl.threads import Request as Asked
from model.lockpaths import EXECUTE, LOOK, RETRY, Path, Request
from model.lockstate import IDLE as IDLE_PLACE
from model.lockstate import place_name
from model.sorts import LOCK

FAULTS_MAX: Final = 1
"""How many programmings may fail in a run, as in the model."""

HOTPLUG_LOCK: Final = "CPU-hotplug lock"
"""The only lock that these operations read under: only a writer of it can be seen to queue."""

_LOCKS: Final = {"map lock": "map", HOTPLUG_LOCK: "hotplug", "mmap_sem of process 1": "mmap_sem"}
_MODES: Final = {Mode.SHARED: "shared", Mode.EXCLUSIVE: "exclusive"}
_RELEASING: Final = frozenset({"destroy_last", "encrypt_last", "munmap_last"})
"""Operations that succeed although a PCONFIG fails: the KeyID is cleared another time."""

_ACTIONS: Final[dict[Way, str]] = {
    GOES_ON: "step",
    Status.PROG_SUCCESS: "step",
    WAITS: "queue",
    Status.DEVICE_BUSY: "fail",
}


@dataclasses.dataclass
class _Seen:
    """An operation in flight, what it was seen to ask for, and whether a programming failed."""

    operation: str
    asked: list[Request]
    failed: bool = False


class LockRun:
    """A kernel whose threads make the steps that the model's calls name.

    `calls` are all calls that will be made: what their operations need is laid out at boot. What
    the kernel does otherwise than a call says raises AbstractionError.
    """

    def __init__(self, design: Design, grounding: Grounding, calls: Iterable[Call]) -> None:
        self._grounding = grounding
        self._paths = grounding.old.table.paths
        self._refused = {"update_einval": "EINVAL", "update_ebusy": "EBUSY"}
        if design.startup_gate == "refuse_any_key":
            self._refused["cpu_startup"] = "EPERM"
        threads = grounding.finite.size(grounding.text.families[0].over[0])
        turns: list[list[str]] = [[] for _ in range(threads)]
        for call in calls:
            if call.action == "begin":
                turns[call.values[0]].append(self._operation(call))
        self.run = Run(scenario(design, turns, FAULTS_MAX), {HOTPLUG_LOCK})
        self._seen: list[_Seen | None] = [None] * threads
        self._executed: list[Execution] = []
        for thread in range(threads):
            self.run.take(Choice(thread, GOES_ON))

    def make(self, call: Call) -> ReplayStep:
        """Make the call. Its answer is what becomes of the operation: goes_on, waits or returns."""
        thread = call.values[0]
        executions = self.run.world.kernel.machine.executions
        before = len(executions)
        if call.action == "begin":
            answer, refusal = self._begin(thread, self._operation(call)), ""
        else:
            answer, refusal = self._go_on(thread, call.action)
        self._executed = executions[before:]
        return ReplayStep(answer, refusal, decoded(self._executed))

    def failed_otherwise(self, call: Call) -> bool:
        """Whether a PCONFIG failed that should not have, or none that should."""
        return has_failed(self._executed) != (call.action == "fail")

    def _operation(self, call: Call) -> str:
        return call.labelled(self._grounding.system)["operation"]

    def _begin(self, thread: int, operation: str) -> str:
        self.run.take(Choice(thread, GOES_ON))
        self._seen[thread] = _Seen(operation, [self._request(thread)])
        return "goes_on"

    def _go_on(self, thread: int, action: str) -> tuple[str, str]:
        seen, asked = self._seen[thread], self.run.pending[thread]
        way = next((w for w in self.run.ways(thread) if _ACTIONS.get(w) == action), None)
        if seen is None or way is None:
            raise AbstractionError(f"the model lets thread {thread} {action}, the kernel does not")
        self.run.take(Choice(thread, way))
        if way == WAITS:
            return "waits", ""
        while _is_one_with(asked, self.run.pending[thread]):
            self.run.take(Choice(thread, self.run.ways(thread)[0]))
        if self.run.pending[thread] is IDLE:
            return "returns", self._return(thread, seen, way)
        request = self._request(thread)
        seen.failed |= way is Status.DEVICE_BUSY and request != RETRY
        seen.asked.append(request)
        return "goes_on", ""

    def _return(self, thread: int, seen: _Seen, way: Way) -> str:
        """The operation is over; it must have gone the way that the model chose."""
        self._seen[thread] = None
        expected = self._refused.get(seen.operation, "ok")
        if (seen.failed or way is Status.DEVICE_BUSY) and seen.operation not in _RELEASING:
            expected = "ENOKEY"
        answer, refusal = self.run.world.answers[thread]
        if answer != expected:
            raise AbstractionError(f"{seen.operation} answers {answer} and not {expected}")
        return refusal

    def _request(self, thread: int) -> Request:
        match self.run.pending[thread]:
            case Acquire(lock, mode):
                return Request("read" if mode is Mode.SHARED else "take", _name(lock.name))
            case Release(lock):
                return Request("give", _name(lock.name))
            case Execute(attempt=attempt):
                return RETRY if attempt else EXECUTE
            case Pause():
                return LOOK
        raise AbstractionError(f"thread {thread} asks for nothing")

    # What is read back

    def enabled(self) -> set[tuple[str, int]]:
        """Every (action, thread) that the kernel lets happen now."""
        found = set()
        for thread, asked in enumerate(self.run.pending):
            if asked is IDLE:
                found.add(("begin", thread))
            else:
                ways = self.run.ways(thread)
                found |= {(_ACTIONS[way], thread) for way in ways if way in _ACTIONS}
        return found

    def state(self) -> State:
        """The model state that the kernel is in. Raises AbstractionError where there is none."""
        values = []
        for family in self._grounding.text.families:
            read: Callable[..., str] = getattr(self, f"_{family.name}")
            labels = self._grounding.finite.labels(family.of)
            for positions in self._grounding.finite.tuples(family.over):
                values.append(labels.index(read(*positions)))
        return tuple(values)

    def _at(self, thread: int) -> str:
        seen = self._seen[thread]
        if seen is None:
            return IDLE_PLACE
        number = position_in(self._paths[seen.operation], seen.asked)
        if number is None:
            asked = ", ".join(map(str, seen.asked))
            raise AbstractionError(f"{seen.operation} asks for something else: {asked}")
        return place_name(seen.operation, number)

    def _holds(self, thread: int, lock: int) -> str:
        name = f"thread {thread}"
        held = {
            _MODES[Mode(mode)]
            for kernel_lock, holder, mode in self.run.world.kernel.held_locks()
            if holder == name and _name(kernel_lock) == LOCK.constants[lock]
        }
        return held.pop() if held else "no"

    def _queued(self, thread: int) -> str:
        waiting = (self.run.threads[thread] in k.waiting_writers for k in self.run.locks.values())
        return "yes" if any(waiting) else "no"

    def _may_fail(self) -> str:
        return "yes" if self.run.faults_left else "no"

    def inventory(self) -> tuple[Inventory, ...]:
        """Nothing: threads are seen by what they ask for, not by what lies in the tables."""
        return ()

    def observe(self, _claim: Property, _trace: Trace) -> Iterator[str]:
        """Who holds and who waits, as the kernel's own locks have it."""
        idle = {f"thread {t}" for t, asked in enumerate(self.run.pending) if asked is IDLE}
        for lock, who, how in self.run.world.kernel.held_locks():
            still = "has returned and still holds" if who in idle else "holds"
            yield f"{who} {still} the {lock} {how}"
        for thread, asked in enumerate(self.run.pending):
            if isinstance(asked, Acquire) and GOES_ON not in self.run.ways(thread):
                yield f"thread {thread} waits for the {asked.lock.name} {asked.mode.value}"


def position_in(path: Path, asked: Sequence[Request]) -> int | None:
    """Where in its path an operation is that has asked for this so far; None if it left the path.

    Retries are passed by unless they are asked for.
    """
    at = -1
    for request in asked:
        at += 1
        while at < len(path) and path[at] == RETRY != request:
            at += 1
        if at == len(path) or path[at] != request:
            return None
    return at


def _name(lock: str) -> str:
    if lock not in _LOCKS:
        raise AbstractionError(f"the model has no {lock}")
    return _LOCKS[lock]


def _is_one_with(asked: Asked | None, following: Asked | None) -> bool:
    """Whether the model has one request for both: no lock is between them, and no failure."""
    if isinstance(asked, Execute):
        return isinstance(following, Execute) and not following.attempt
    return isinstance(asked, Pause) and isinstance(following, Pause) and following is not IDLE
