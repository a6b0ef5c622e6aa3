"""What every workload runs on: a booted kernel, root's calls on it, and what each call took.

A call is answered with its errno and the PCONFIG executions that it took, refused or not. Keys go
by names that the workload gives them. With per-package KeyIDs a key is wanted on every package
whose memory is present, unless the workload says otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial

from conformance.owners import payload
from designs import Design
from impl import Command, Kernel, KernelError, Status
from impl.threads import Operation

SESSION = -3
"""KEY_SPEC_SESSION_KEYRING, see keyctl(2)."""

CPU_KEY = payload("cpu", "")


@dataclasses.dataclass(frozen=True)
class Shape:
    """The machine: packages, CPUs of each package, KeyIDs. `impl.Kernel` says what it refuses."""

    packages: int
    cpus: int
    keyids: int

    @property
    def last(self) -> int | None:
        """The package that comes and goes; None where package 0, which holds the kernel, is all."""
        return self.packages - 1 if self.packages > 1 else None


@dataclasses.dataclass(frozen=True)
class Answer:
    """`errno` is the errno's name, "" where the call was done; `executions` of PCONFIG."""

    errno: str
    executions: int

    @property
    def is_done(self) -> bool:
        """Whether the kernel did what it was asked."""
        return not self.errno


class Bench:
    """A booted kernel with a keyring. Raises ValueError for a machine that cannot be built."""

    def __init__(self, design: Design, shape: Shape, without_last: bool = False) -> None:
        absent = frozenset({shape.last} if without_last and shape.last is not None else ())
        self.kernel = Kernel(design, shape.packages, shape.cpus, shape.keyids, absent=absent)
        self.is_per_package = design.keyid_scope == "per_package"
        self.shape = shape
        self.serials: dict[str, int] = {}
        self.keyctl = self.kernel.keyctl
        self.root = self.kernel.init
        self.kernel.run(self.keyctl.join_session_keyring(self.root))

    def call(self, *begin: Callable[[], Operation[object]]) -> Answer:
        """Make calls one after the other, up to the first that is refused.

        Each is begun when the one before is over: some look at the machine as they begin.
        """
        before = len(self.kernel.machine.executions)
        errno = ""
        try:
            for operation in begin:
                self.kernel.run(operation())
        except KernelError as refusal:
            errno = refusal.name
        return Answer(errno, len(self.kernel.machine.executions) - before)

    # Keys

    def add(self, name: str, text: bytes, wanted: Iterable[int] | None = None) -> Answer:
        """add_key of type mktme with a payload text."""
        if self.is_per_package:
            wanted = self.in_use() if wanted is None else wanted

        def noting() -> Operation[None]:
            add = self.keyctl.add_key(self.root, "mktme", name, text, SESSION, wanted)
            self.serials[name] = yield from add

        return self.call(noting)

    def update(self, name: str, text: bytes) -> Answer:
        """Keyctl update."""
        return self.call(lambda: self.keyctl.update(self.root, self.serials[name], text))

    def extend(self, name: str, package: int, text: bytes) -> Answer:
        """A KeyID on one more package."""
        serial = self.serials[name]
        return self.call(lambda: self.keyctl.extend(self.root, serial, package, text))

    def forget(self, name: str) -> Answer:
        """Unlink a key, and let the garbage collector run."""
        serial = self.serials.pop(name)
        return self.call(
            lambda: self.keyctl.unlink(self.root, serial, SESSION), self.keyctl.collect
        )

    # The machine

    def in_use(self) -> list[int]:
        """The packages whose memory is present."""
        packages = enumerate(self.kernel.machine.packages)
        return [number for number, package in packages if package.memory_present]

    def plug_in(self, package: int) -> Answer:
        """Put an absent package in and start its first CPU."""
        calls = self.kernel.calls
        return self.call(lambda: calls.package_add(package), lambda: calls.cpu_startup(package, 0))

    def take_offline(self, package: int) -> Answer:
        """Stop the CPUs of a package, the last one last."""
        teardown = self.kernel.calls.cpu_teardown
        return self.call(*(partial(teardown, package, cpu) for cpu in range(self.shape.cpus)))

    def bring_back(self, package: int) -> Answer:
        """Start the first CPU of a package that went offline."""
        return self.call(lambda: self.kernel.calls.cpu_startup(package, 0))

    def fail_on(self, package: int | None) -> None:
        """From now on every PCONFIG fails on a package; on none for None."""

        def faults(struck: int, _keyid: int, _command: Command) -> Status:
            return Status.DEVICE_BUSY if struck == package else Status.PROG_SUCCESS

        self.kernel.machine.faults = faults

    def let_worker_run(self) -> Answer:
        """The kernel worker clears every (package, KeyID) that is out of service."""
        waiting = sorted(self.kernel.uncleared())
        return self.call(*(partial(self.kernel.calls.retry_clear, *pair) for pair in waiting))
