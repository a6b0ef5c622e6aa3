"""The Hypothesis state machine over the whole sequential kernel: one rule for each call.

After each call every claim that the design promises is judged.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from kernel_claims import violations
from kernel_owners import CLEAR, CPU, DOCUMENTED, NO_ENCRYPT, PAYLOADS, Payload, user
from kernel_pages import Watcher, address
from kernel_promises import promised

from designs import Design
from impl.hardware.pconfig import Status
from impl.keyrings.process import Process

PROCESSES_MAX = 3
PAGES = 3
LENGTHS = st.integers(1, 2)
OFFSETS = st.sampled_from((0, 100, 4080))
CPUS = st.integers(0, 1)
KINDS = (CPU, NO_ENCRYPT, user("B"), CLEAR)
DESCRIPTIONS = st.sampled_from(("one", "two", "three"))


class BrokenPromise(Exception):
    """A claim that the design promises does not hold; the message lists the violations by claim."""


class Promises(RuleBasedStateMachine):
    """One rule for each call; the invariant judges after each."""

    design: ClassVar[Design]
    seen: ClassVar[Counter[str]]

    @initialize(
        packages=st.integers(2, 3),
        is_late=st.booleans(),
        tme=st.sampled_from(("on", "off", "bypass")),
        first=st.sampled_from((None, CPU, user("A"))),
    )
    def boot(self, packages: int, is_late: bool, tme: str, first: Payload | None) -> None:
        """Most runs begin with a key in use, for that is where most can go wrong."""
        absent = {packages - 1} if is_late else set()
        self.settings = (self.design, packages, 2, frozenset(absent), tme)
        self.start()
        serial = self.watcher.add(first) if first else None
        if serial is not None:
            for process in self.watcher.processes:
                self.watcher.hide(serial, process=process)

    def start(self) -> None:
        self.watcher = Watcher(*self.settings)
        self.watcher.between = self.judge
        self.judged = 0

    def judge(self) -> None:
        """Judge the last call, once."""
        if len(self.watcher.steps) == self.judged:
            return
        self.judged = len(self.watcher.steps)
        step = self.watcher.step
        answer = step.refusal.name if step.refusal else "hangs" if step.hung else "ok"
        self.seen[f"{step.verb} {answer}"] += 1
        broken = {c: found for c in promised(self.design) if (found := violations(self.watcher, c))}
        if broken:
            raise BrokenPromise(f"{self.design.name}, after {step.verb}: {broken}")

    @invariant()
    def every_promise_is_kept(self) -> None:
        """Boot anew where the design's own mistake has stopped the kernel."""
        self.judge()
        if self.watcher.is_stuck or any(lock.is_held for lock in self.watcher.locks):
            self.start()

    # Draws

    def process(self, data: Any) -> Process:
        last = len(self.watcher.processes) - 1
        return self.watcher.processes[int(data.draw(st.integers(0, last), label="process"))]

    def places(self) -> list[tuple[Process, int]]:
        """Every page that a process has mapped."""
        return [
            (process, page)
            for process in self.watcher.processes
            for page in range(PAGES)
            if (process.pid, address(page)) in self.watcher.pages
        ]

    def place(self, data: Any) -> tuple[Process, int]:
        """A process and a page: one that is mapped, mostly."""
        anywhere = [(process, page) for process in self.watcher.processes for page in range(PAGES)]
        places = self.places() * 4 + anywhere
        return places[int(data.draw(st.integers(0, len(places) - 1), label="place"))]

    def serial(self, data: Any) -> int:
        """Of a key that can be used, mostly: a look-up is tried on dead ones too."""
        keys = sorted(self.watcher.keys)
        usable = [serial for serial in keys if self.watcher.keys[serial].can_update]
        return int(data.draw(st.sampled_from(usable * 4 + keys), label="key"))

    def package(self, data: Any) -> int:
        return int(
            data.draw(st.integers(0, len(self.watcher.machine.packages) - 1), label="package")
        )

    def has_key(self) -> bool:
        return bool(self.watcher.keys)

    # Keys

    @rule(data=st.data(), description=DESCRIPTIONS, payload=st.sampled_from(DOCUMENTED))
    def add_key(self, data: Any, description: str, payload: Payload) -> None:
        packages = None
        if self.watcher.is_per_package:
            usable = st.sampled_from(self.watcher.usable())
            packages = data.draw(st.sets(usable, min_size=1), label="packages")
        self.watcher.add(payload, description, packages)

    @rule(data=st.data(), description=DESCRIPTIONS, payload=st.sampled_from(PAYLOADS))
    def add_any_payload(self, data: Any, description: str, payload: Payload) -> None:
        self.watcher.add(payload, description, process=self.process(data))

    @precondition(has_key)
    @rule(data=st.data(), payload=st.sampled_from(KINDS))
    def update(self, data: Any, payload: Payload) -> None:
        self.watcher.update(self.serial(data), payload)

    @rule(description=DESCRIPTIONS, first=st.sampled_from(KINDS), then=st.sampled_from(KINDS))
    def add_and_update(self, description: str, first: Payload, then: Payload) -> None:
        """A key that no VMA uses yet can be updated."""
        serial = self.watcher.add(first, description)
        if serial is not None:
            self.watcher.update(serial, then)

    @precondition(has_key)
    @rule(data=st.data(), payload=st.sampled_from(PAYLOADS))
    def update_by_any(self, data: Any, payload: Payload) -> None:
        self.watcher.update(self.serial(data), payload, self.process(data))

    @precondition(has_key)
    @rule(data=st.data())
    def extend(self, data: Any) -> None:
        self.watcher.extend(self.serial(data), self.package(data))

    @precondition(has_key)
    @rule(data=st.data(), verb=st.sampled_from(("revoke", "invalidate", "unlink")))
    def end(self, data: Any, verb: str) -> None:
        self.watcher.end(verb, self.serial(data), self.process(data))

    @precondition(has_key)
    @rule(data=st.data(), seconds=st.integers(0, 2))
    def set_timeout(self, data: Any, seconds: int) -> None:
        self.watcher.set_timeout(self.serial(data), seconds)

    @rule(seconds=st.integers(1, 2))
    def sleep(self, seconds: int) -> None:
        self.watcher.sleep(seconds)

    @precondition(has_key)
    @rule()
    def collect(self) -> None:
        self.watcher.collect()

    @precondition(has_key)
    @rule(data=st.data())
    def destroy(self, data: Any) -> None:
        self.watcher.end("unlink", self.serial(data))
        self.watcher.collect()

    # Memory

    @rule(data=st.data(), page=st.integers(0, PAGES - 1), pages=LENGTHS)
    def mmap(self, data: Any, page: int, pages: int) -> None:
        self.watcher.mmap(self.process(data), page, pages)

    @rule(data=st.data(), pages=LENGTHS)
    def munmap(self, data: Any, pages: int) -> None:
        self.watcher.munmap(*self.place(data), pages)

    @precondition(has_key)
    @rule(data=st.data(), pages=LENGTHS)
    def encrypt_mprotect(self, data: Any, pages: int) -> None:
        process, page = self.place(data)
        self.watcher.encrypt(process, self.serial(data), page, pages)

    @precondition(has_key)
    @rule(data=st.data(), page=st.integers(0, PAGES - 1))
    def hide(self, data: Any, page: int) -> None:
        """Map, encrypt, write: what most runs need before anything can go wrong."""
        self.watcher.hide(self.serial(data), page, self.process(data))

    @rule(data=st.data(), pages=LENGTHS, prot=st.sampled_from(("rw", "r", "none")))
    def mprotect(self, data: Any, pages: int, prot: str) -> None:
        self.watcher.mprotect(*self.place(data), pages, prot)

    @rule(data=st.data(), offset=OFFSETS)
    def write(self, data: Any, offset: int) -> None:
        self.watcher.write(*self.place(data), offset)

    @rule(offset=OFFSETS)
    def write_everywhere(self, offset: int) -> None:
        """Each process to each of its pages, so that shared ones have to be copied."""
        for process, page in self.places():
            self.watcher.write(process, page, offset)

    @rule(data=st.data(), offset=OFFSETS)
    def read(self, data: Any, offset: int) -> None:
        self.watcher.read(*self.place(data), offset)

    @rule(data=st.data())
    def migrate(self, data: Any) -> None:
        self.watcher.migrate(*self.place(data), self.package(data))

    @rule(data=st.data())
    def migrate_everything(self, data: Any) -> None:
        """As if a package were to be emptied."""
        package = self.package(data)
        for process, page in self.places():
            self.watcher.migrate(process, page, package)

    @precondition(lambda self: len(self.watcher.processes) < PROCESSES_MAX)
    @rule(data=st.data())
    def fork(self, data: Any) -> None:
        self.watcher.fork(self.process(data))

    @precondition(lambda self: len(self.watcher.processes) == PROCESSES_MAX)
    @rule(data=st.data())
    def exit(self, data: Any) -> None:
        number = data.draw(st.integers(1, PROCESSES_MAX - 1), label="process")
        self.watcher.exit(self.watcher.processes[number])

    # The machine, and the environment

    @rule(data=st.data(), cpu=CPUS)
    def cpu_startup(self, data: Any, cpu: int) -> None:
        self.watcher.start(self.package(data), cpu)

    @rule(data=st.data(), cpu=CPUS)
    def cpu_teardown(self, data: Any, cpu: int) -> None:
        self.watcher.stop(self.package(data), cpu)

    @rule(data=st.data())
    def package_goes_dark(self, data: Any) -> None:
        self.watcher.stop_all(self.package(data))

    @precondition(lambda self: not all(p.present for p in self.watcher.machine.packages))
    @rule(is_started=st.booleans())
    def package_add(self, is_started: bool) -> None:
        last = len(self.watcher.machine.packages) - 1
        self.watcher.add_package(last)
        if is_started:
            self.watcher.start(last)

    @precondition(lambda self: self.watcher.kernel.uncleared())
    @rule(data=st.data())
    def retry_clear(self, data: Any) -> None:
        waiting = sorted(self.watcher.kernel.uncleared())
        self.watcher.retry_clear(*data.draw(st.sampled_from(waiting), label="pair"))

    @rule(
        data=st.data(),
        times=st.sampled_from((1, 3, 6)),
        status=st.sampled_from((Status.DEVICE_BUSY, Status.ENTROPY_ERROR)),
    )
    def pconfig_fails(self, data: Any, times: int, status: Status) -> None:
        self.watcher.fail(self.package(data), times, status)

    @rule(answer=st.booleans())
    def owners_answer(self, answer: bool) -> None:
        self.watcher.owners_answer = answer


def drive(design: Design, profile: settings) -> Counter[str]:
    """Random runs; gives how often each call was answered how."""
    seen: Counter[str] = Counter()
    parts = {"design": design, "seen": seen}
    machine = type("Promises", (Promises,), parts)
    run_state_machine_as_test(machine, settings=profile)
    return seen
