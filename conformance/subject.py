"""How a call of the model is made on the running kernel: one method for each action.

A `Subject` is a kernel together with what only its environment knows: which serial number stands
for which of the model's key objects and what each owner last successfully asked for (`keywatch`),
and what each process wrote to its page (`pagewatch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.systems.grounding import Grounding
from checker.systems.system import Call
from conformance.chances import Choice, faults_of, handing_out
from conformance.keywatch import KEY, KeyWatch, Slot
from conformance.owners import label_of, malformed_payload, payload
from conformance.pagewatch import ADDRESS, PageWatch
from designs import Design
from impl import Deadlock, Kernel, KernelError, Mode, Snapshot
from impl.errors import BadAddress, GeneralProtection
from impl.hardware import pconfig
from impl.hardware.dram import PAGE_BYTES
from impl.keyrings.permissions import EVERY_BIT
from impl.service.system import no_answer
from impl.threads import Operation, T
from model import Scope

FOREVER = "waits for ever"
"""The answer of a call that never comes back."""

CRASHED = "crashes"
"""That of a call in which the kernel stops; no call of the model gives it."""

CRASHES = (GeneralProtection, BadAddress, ValueError, LookupError, ArithmeticError)
"""What the simulated kernel and its hardware raise where a real kernel would stop with an oops."""


class Subject:
    """A booted kernel under one design and scope, driven by the model's calls.

    `absent` are the packages that are not in the machine at boot; with `bypass`, KeyID 0 traffic
    reaches DRAM unencrypted.
    """

    def __init__(
        self, design: Design, scope: Scope, absent: Iterable[int] = (), *, bypass: bool = False
    ) -> None:
        self.design = design
        self.scope = scope
        self.kernel = Kernel(
            design,
            scope.packages,
            scope.cpus,
            scope.keyids,
            absent=frozenset(absent),
            tme="bypass" if bypass else "on",
        )
        self.keys = KeyWatch(design.keyid_scope == "per_package")
        self.pages = PageWatch(self.kernel, scope.vmas)
        self.labels = [chr(ord("A") + number) for number in range(scope.values)]
        self.refusal = ""

    def snapshot(self) -> Snapshot:
        """The moment between two calls: the kernel, and what its environment knows."""
        return Snapshot(self)

    def restore(self, moment: Snapshot) -> None:
        """Bring a moment of this subject back, any number of times."""
        moment.restore()

    def call(self, grounding: Grounding, call: Call) -> str:
        """Make the call, with its choice of faults; "ok", the errno's name, FOREVER or CRASHED.

        `refusal` keeps the kernel's own words when it is not "ok".
        """
        parameters = grounding.system.action(call.action).parameters
        choice = {p.name: v for p, v in zip(parameters, call.values, strict=True)}
        labels = call.labelled(grounding.system)
        self.refusal = ""
        before = self.kernel.entries()
        if "bytes" in labels:
            self.keys.supplied(labels["bytes"])
        self.kernel.machine.faults = faults_of(choice, self.scope.packages)
        try:
            getattr(self, f"_{call.action}")(choice, labels)
            return "ok"
        except KernelError as error:
            self.refusal = str(error)
            return error.name
        except Deadlock as deadlock:
            self.refusal = str(deadlock)
            return FOREVER
        except CRASHES as crash:
            self.refusal = f"{type(crash).__name__}: {crash}"
            return CRASHED
        finally:
            self.kernel.machine.faults = pconfig.never
            self._settle(before)

    def _settle(self, before: Mapping[Slot, int]) -> None:
        """Write down what follows from the kernel's state after a call, whatever it was."""
        live = self.kernel.live_serials()
        for key, serial in list(self.keys.serials.items()):
            if serial not in live:
                if self.kernel.key(serial) is not None:
                    # It lost its KeyIDs to a failed update: nothing keeps it from being collected.
                    self._collect(key)
                self.keys.went(key)
        handles = {self.pages.handle(vma) for vma in range(self.scope.vmas)}
        by_key = handles if self._is_per_package else set()
        self.keys.settle(before, self.kernel.entries(), by_key)
        self.pages.look()

    # Keys

    def _instantiate(self, choice: Choice, labels: Mapping[str, str]) -> None:
        key, got = choice["key"], (labels["kind"], labels["bytes"])
        before = self.kernel.entries()
        kept = self.keys.stale() if self.design.key_lookup == "by_address" else set()
        with handing_out(self.kernel.slab.cache("key_jar"), self.keys.values.get(key), kept):
            serial = self.kernel.instantiate(payload(*got), self._wanted(choice))
        slots = self._new(before)
        if (made := self.kernel.key(serial)) is not None:
            made.perm = EVERY_BIT  # any process may name it
        self.keys.came(key, self.kernel.slot_value(serial), serial, slots, got)
        self._tell_pages(slots)
        self._lead_astray(key, slots)

    def _lead_astray(self, key: int, slots: Iterable[Slot]) -> None:
        """VMAs that use slots which become this key's use another than their owners named."""
        meant: set[Slot] = set(slots)
        if self._is_per_package and meant:
            meant = {self.keys.values[key]}
        for vma, watched in enumerate(self.pages.vmas):
            watched.is_astray |= self.pages.handle(vma) in meant

    def _new(self, before: Mapping[Slot, int]) -> list[Slot]:
        return [slot for slot in self.kernel.entries() if slot not in before]

    def _tell_pages(self, slots: Iterable[Slot]) -> None:
        for slot in slots:
            package, keyid = slot if isinstance(slot, tuple) else (None, slot)
            self.pages.given(package, keyid)

    def _update(self, choice: Choice, labels: Mapping[str, str]) -> None:
        key, got = choice["key"], (labels["kind"], labels["bytes"])
        found = self.keys.found(key, self.kernel.entries())
        if self.design.user_keys == "allowed":
            self.keys.learned(key, found, got)
        self.kernel.update(self.keys.serials[key], payload(*got))
        self.keys.changed(key, found, got)
        self._lead_astray(key, set(found) - self.keys.given[key])

    def _destroy(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self._collect(choice["key"])

    def _collect(self, key: int) -> None:
        """The collector comes for a key, and drops its reference where a look-up finds it."""
        found = self.keys.found(key, self.kernel.entries())
        self.kernel.destroy(self.keys.serials[key])
        self.keys.drop(KEY, found)

    def _extend(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        key, before = choice["key"], self.kernel.entries()
        text = payload(*self.keys.asked_of(key))
        self.kernel.extend(self.keys.serials[key], choice["package"], text)
        slots = self._new(before)
        value = self.keys.values[key]
        users = [v for v in range(self.scope.vmas) if self.pages.handle(v) == value]
        self.keys.grew(key, slots, users)
        self._tell_pages(slots)

    def _preparse_error(self, _choice: Choice, labels: Mapping[str, str]) -> None:
        everywhere = range(self.scope.packages) if self._is_per_package else None
        self.kernel.instantiate(malformed_payload(labels["bytes"]), everywhere)

    # The machine

    def _package_add(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.package_add(choice["package"])

    def _cpu_startup(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.resupply = self._owners_answer if choice.get("answered") else no_answer
        self.kernel.cpu_startup(choice["package"], choice["cpu"])

    def _cpu_teardown(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.cpu_teardown(choice["package"], choice["cpu"])

    def _retry_clear(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.retry_clear(choice["package"], choice["keyid"] + 1)

    # Memory

    def _encrypt(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        vma, key = choice["vma"], choice["key"]
        watched, entries = self.pages.vmas[vma], self.kernel.entries()
        if watched.process is None:
            watched.process = self.kernel.process()
            self._run(self.kernel.mm.mmap(watched.process, PAGE_BYTES, ADDRESS))
        before, found = self._slots_of(vma, entries), self.keys.found(key, entries)
        handle, shared = self.pages.handle(vma), bool(self.pages.sharers(vma))
        serial = self.keys.serials[key]
        encrypt = self.kernel.mm.encrypt_mprotect
        try:
            self._run(encrypt(watched.process, ADDRESS, PAGE_BYTES, "rw", serial))
        except Deadlock:
            self.keys.drop(vma, before)
            watched.is_hung = True
            self.keys.in_flight.add(key)
            raise
        watched.is_astray = not set(found) <= self.keys.given[key]
        watched.wants = self.keys.asks_for_encryption(key)
        if self.pages.handle(vma) != handle:
            self.keys.drop(vma, before)
            self.keys.take(vma, found)
            self.pages.lost(vma, shared)

    def _unmap(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        """munmap, or exit: they drop the VMA in one way."""
        vma = choice["vma"]
        watched = self.pages.vmas[vma]
        slots, shared = self._slots_of(vma, self.kernel.entries()), bool(self.pages.sharers(vma))
        if vma % 2:
            self._run(self.kernel.mm.exit(self.pages.process(vma)))
        else:
            self._run(self.kernel.mm.munmap(self.pages.process(vma), ADDRESS, PAGE_BYTES))
        self.keys.drop(vma, slots)
        self.pages.lost(vma, shared)
        watched.process = None
        watched.is_astray = watched.wants = False

    def _fork(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        vma, child = choice["vma"], choice["child"]
        forked = self._run(self.kernel.mm.fork(self.pages.process(vma)))
        self.pages.forked(vma, child, forked)
        self.keys.take(child, self._slots_of(vma, self.kernel.entries()))

    def _write(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        vma = choice["vma"]
        process, data = self.pages.process(vma), self.pages.fresh_bytes()
        process.node = choice["package"]
        self._run(self.kernel.mm.write(process, ADDRESS, data))
        watched = self.pages.vmas[vma]
        watched.data, watched.is_intact = data, True
        self._placed(vma, data)

    def _migrate(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        vma, package = choice["vma"], choice["package"]
        page, process = self.pages.page(vma), self.pages.process(vma)
        stored = b"" if page is None else self.pages.read(*page)
        movers = [vma, *self.pages.sharers(vma)]
        self._run(self.kernel.mm.migrate(process, ADDRESS, package))
        if self.pages.page(vma) != page:
            for one in movers:
                self._placed(one, stored)

    def _placed(self, vma: int, stored: bytes) -> None:
        given = set().union(*self.keys.given.values())
        is_anothers = self.pages.vmas[vma].is_astray and self._slot_of_page(vma) in given
        self.pages.placed(vma, stored, self._label_under(vma), is_anothers)

    def _slot_of_page(self, vma: int) -> Slot | None:
        """The slot whose KeyID a VMA's page carries."""
        page = self.pages.page(vma)
        package = self.pages.package_of(page)
        if page is None or package is None:
            return None
        return (package, page[1]) if self._is_per_package else page[1]

    def _run(self, operation: Operation[T]) -> T:
        return self.kernel.run(operation)

    def _slots_of(self, vma: int, entries: Mapping[Slot, int]) -> list[Slot]:
        """The slots whose KeyIDs a VMA's pages carry."""
        handle = self.pages.handle(vma)
        if not self._is_per_package:
            return [handle] if handle else []
        lowest: dict[int, Slot] = {}
        for slot in sorted(slot for slot in entries if isinstance(slot, tuple)):
            if handle and entries[slot] == handle:
                lowest.setdefault(slot[0], slot)
        return list(lowest.values())

    def _label_under(self, vma: int) -> str | None:
        """Under which key a page was just stored; None if it was not encrypted."""
        page = self.pages.page(vma)
        package = self.pages.package_of(page)
        if page is None or package is None:
            return None
        entry = self.kernel.machine.packages[package].table[page[1]]
        return label_of(entry, self.labels) if entry.mode is Mode.ENCRYPT else None

    @property
    def _is_per_package(self) -> bool:
        return self.design.keyid_scope == "per_package"

    def _wanted(self, choice: Choice) -> list[int] | None:
        if not self._is_per_package:
            return None
        return [p for p in range(self.scope.packages) if choice[f"wanted[{p}]"]]

    def _owners_answer(self, serial: int) -> bytes | None:
        for key, known in self.keys.serials.items():
            if known == serial and self.keys.given[key]:
                return payload(*self.keys.asked_of(key))
        return None
