"""Drives calls on a kernel, one after the other, and keeps what only the environment knows of it.

`kernel_claims` judges what a `Watcher` (kernel_pages) saw. A verb here is one call: it returns what
the call gave, or None when it was refused or hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kernel_digest import Slot, digest, slot, slot_values
from kernel_owners import CPU, Owned, Page, Payload, tokens
from kernel_step import Endless, NotAdmitted, Step

from designs import Design
from impl.errors import Deadlock, KernelError
from impl.hardware.faults import Failure, Script
from impl.hardware.pconfig import Status
from impl.kernel import Kernel
from impl.keyrings.process import Process
from impl.locks import Lock
from impl.threads import Acquire, Operation

SESSION = -3
REQUESTS_MAX = 10_000


class Watch:
    """A kernel, its processes, and their knowledge.

    ``keys``: serial number -> `Owned`, collected ones included. ``holder``: slot -> serial number
    on whose behalf it was programmed last. ``pages``: (pid, page address) -> `Page`. ``secrets``:
    every token written to a page whose owner asked for encryption -> the key's serial number,
    and what its owner had asked for then.
    ``is_stuck``: whether an operation hangs. ``between`` runs between two calls.
    """

    def __init__(
        self,
        design: Design,
        packages: int = 2,
        keyids: int = 2,
        absent: Iterable[int] = (),
        tme: str = "on",
    ) -> None:
        self.design = design
        self.kernel = Kernel(design, packages, 2, keyids, frozenset(absent), 0, tme)
        self.machine = self.kernel.machine
        self.failures = self.machine.faults = Script()
        self.owners_answer = True
        self.kernel.resupply = self._supply
        self.keys: dict[int, Owned] = {}
        self.holder: dict[Slot, int] = {}
        self.pages: dict[tuple[int, int], Page] = {}
        self.secrets: dict[bytes, tuple[int, Payload]] = {}
        self.steps: list[Step] = []
        self.is_stuck = False
        self.between: Callable[[], None] = lambda: None
        self.locks: set[Lock] = set()
        self._tokens = tokens()
        self.root = self.kernel.init
        self.kernel.run(self.kernel.keyctl.join_session_keyring(self.root))
        self.processes = [self.root, self._unprivileged()]

    def _unprivileged(self) -> Process:
        """A process without capabilities that possesses what root's session keyring links."""
        child = self.kernel.run(self.kernel.mm.fork(self.root))
        self.kernel.keyctl.fork(self.root, child)
        child.uid = child.gid = 1000
        child.capabilities, child.node = frozenset(), 1
        return child

    def _supply(self, serial: int) -> bytes | None:
        # A slot that dangles may lead to a serial number that nobody was ever told.
        key = self.keys.get(serial)
        return key.wish.text if key and self.owners_answer else None

    # What calls share

    @property
    def is_per_package(self) -> bool:
        return self.design.keyid_scope == "per_package"

    @property
    def step(self) -> Step:
        """The last call."""
        return self.steps[-1]

    def _call(self, step: Step, begin: Callable[[], Operation[Any]]) -> Any:
        """Run one call to its end."""
        if self.steps:
            self.between()
        mm, result = self.kernel.mm, None
        executed, plain = len(self.machine.executions), len(mm.plain_writes)
        step.old = digest(self.kernel, self.locks)
        try:
            result = self.kernel.run(self._noting(begin()), step.verb)
        except KernelError as refusal:
            step.refusal = refusal
        except (Deadlock, Endless) as why:
            step.hung, step.is_endless = str(why), isinstance(why, Endless)
            self.is_stuck = True
        step.executions = self.machine.executions[executed:]
        step.plain_writes = mm.plain_writes[plain:]
        step.new = digest(self.kernel, self.locks)
        self.steps.append(step)
        return result

    def _noting(self, operation: Operation[Any]) -> Operation[Any]:
        """The same operation; notes its locks, and ends it if it never ends."""
        for _ in range(REQUESTS_MAX):
            try:
                request = next(operation)
            except StopIteration as stop:
                return stop.value
            if isinstance(request, Acquire):
                self.locks.add(request.lock)
            yield request
        raise Endless(f"cannot see an end after {REQUESTS_MAX} requests")

    def _programmed_for(self, serial: int) -> None:
        """The entries that this call programmed are the key's."""
        for done in self.step.executions:
            if done.status is Status.PROG_SUCCESS:
                where = slot(done.package if self.is_per_package else None, done.keyid)
                self.holder[where] = serial
                entry = self.machine.packages[done.package].table[done.keyid]
                self.keys[serial].issued[done.package] = entry

    # Keys

    def usable(self) -> list[int]:
        """The packages where a key can be wanted."""
        return [p for p, package in enumerate(self.machine.packages) if package.memory_present]

    def add(
        self,
        payload: Payload = CPU,
        description: str = "key",
        packages: Iterable[int] | None = None,
        process: Process | None = None,
    ) -> int | None:
        """add_key to root's session keyring; ``packages``: all usable ones unless given."""
        wanted = sorted(self.usable() if packages is None else packages)
        process = process or self.root
        again = [k for k in self.keys.values() if k.description == description and k.can_update]
        is_judged = bool(process.capabilities) and not again and self._may_reach(wanted)
        step = Step("add_key", payload=payload if is_judged else None)
        is_due = is_judged and payload.documented and payload.kind == "user"
        step.due = "user-keys-admitted" if is_due and self._has_room(wanted) else None
        add = self.kernel.keyctl.add_key
        where = wanted if self.is_per_package else None
        serial: int | None = self._call(
            step, lambda: add(process, "mktme", description, payload.text, SESSION, where)
        )
        if serial is None:
            for key in again:
                self._may_have_lost(key)
            return None
        for old in self.keys.values():
            if old.description == description and old.serial != serial:
                old.can_update = False
        self.keys.setdefault(serial, Owned(serial, description, payload)).wishes(payload)
        self._programmed_for(serial)
        return serial

    def have(
        self,
        payload: Payload = CPU,
        description: str = "key",
        packages: Iterable[int] | None = None,
    ) -> int:
        """The same, when nothing else makes sense without it. Raises NotAdmitted."""
        serial = self.add(payload, description, packages)
        if serial is None:
            raise NotAdmitted
        return serial

    def _may_reach(self, wanted: list[int]) -> bool:
        """Whether a call may be made at all: it names memory that there is."""
        return not self.is_per_package or (bool(wanted) and set(wanted) <= set(self.usable()))

    def _has_room(self, wanted: list[int]) -> bool:
        """Whether a KeyID is free, on each package where it is wanted."""
        keyids, used = range(1, self.machine.keyids + 1), slot_values(self.kernel)
        waiting = self.kernel.uncleared()
        if self.is_per_package:
            return all(
                any((p, k) not in used and (p, k) not in waiting for k in keyids) for p in wanted
            )
        return any(k not in used and k not in {j for _, j in waiting} for k in keyids)

    def update(self, serial: int, payload: Payload, process: Process | None = None) -> None:
        """keyctl update."""
        update = self.kernel.keyctl.update
        self._call(Step("update"), lambda: update(process or self.root, serial, payload.text))
        if self.step.is_done:
            self.keys[serial].wishes(payload)
            self._programmed_for(serial)
        else:
            self._may_have_lost(self.keys[serial])

    def _may_have_lost(self, key: Owned) -> None:
        """With quarantine a key whose update fails on some package is a key no more."""
        if self.step.pconfig_failed and self.design.on_program_failure == "quarantine":
            key.is_alive = key.can_update = False

    def extend(self, serial: int, package: int) -> None:
        """The owner supplies its key again, for one more package."""
        text, extend = self.keys[serial].wish.text, self.kernel.keyctl.extend
        self._call(Step("extend"), lambda: extend(self.root, serial, package, text))
        if self.step.is_done:
            self._programmed_for(serial)

    def end(self, verb: str, serial: int, process: Process | None = None) -> None:
        """revoke, invalidate or unlink."""
        call, more = getattr(self.kernel.keyctl, verb), (SESSION,) if verb == "unlink" else ()
        self._call(Step(verb), lambda: call(process or self.root, serial, *more))
        if self.step.is_done:
            self.keys[serial].can_update = False

    def set_timeout(self, serial: int, seconds: int) -> None:
        """keyctl set_timeout."""
        call = self.kernel.keyctl.set_timeout
        self._call(Step("set_timeout"), lambda: call(self.root, serial, seconds))

    def sleep(self, seconds: int) -> None:
        """Time goes by."""
        self.kernel.keyctl.clock.advance(seconds)

    def collect(self) -> None:
        """The garbage collector runs."""
        for serial in self._call(Step("collect"), self.kernel.keyctl.collect) or ():
            if serial in self.keys:
                self.keys[serial].is_alive = self.keys[serial].can_update = False

    def destroy(self, serial: int) -> None:
        """Unlink, and collect."""
        self.end("unlink", serial)
        self.collect()

    # The machine

    def start(self, package: int, cpu: int = 0) -> None:
        """A CPU comes online."""
        hardware = self.machine.packages[package]
        is_due = hardware.present and not hardware.has_online_cpu()
        self._call(
            Step("cpu_startup", due="hotplug-admitted" if is_due else None),
            lambda: self.kernel.calls.cpu_startup(package, cpu),
        )
        if self.step.is_done and not self.is_per_package:
            for done in self.step.executions:
                self._programmed_for_holder(package, done.keyid)

    def _programmed_for_holder(self, package: int, keyid: int) -> None:
        serial = self.holder.get(keyid)
        if serial is not None:
            self.keys[serial].issued[package] = self.machine.packages[package].table[keyid]

    def stop(self, package: int, cpu: int = 0) -> None:
        """A CPU goes offline. The machine's last one never does, in no kernel: nothing is due."""
        is_due = self.machine.packages[package].present and self.machine.count_online() > 1
        self._call(
            Step("cpu_teardown", due="teardown-admitted" if is_due else None),
            lambda: self.kernel.calls.cpu_teardown(package, cpu),
        )

    def stop_all(self, package: int) -> None:
        """All CPUs of a package go offline."""
        for cpu, _ in enumerate(self.machine.packages[package].cpus):
            self.stop(package, cpu)

    def add_package(self, package: int) -> None:
        """An absent package is put in."""
        self._call(Step("package_add"), lambda: self.kernel.calls.package_add(package))

    def retry_clear(self, package: int, keyid: int) -> None:
        """The kernel's worker tries again."""
        self._call(Step("retry_clear"), lambda: self.kernel.calls.retry_clear(package, keyid))

    def fail(self, package: int, times: int = 3, status: Status = Status.DEVICE_BUSY) -> None:
        """The next so many PCONFIGs of a package fail."""
        self.failures.plan(Failure(status, package, times=times))
