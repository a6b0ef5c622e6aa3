"""Decides which facts of a kernel make two final states the same to everybody who can ask.

Addresses and serial numbers depend on who came first and mean nothing, so a key is called "key 2"
if it was there before the operations began, else by its type and description, or by the operation
that made it where it has none. A random key is told from a user key by the last PCONFIG that
succeeded, and from another random key not at all. Bytes are shown as a fingerprint; those that no
key decrypts right are garbage, which differs from run to run.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.hardware.dram import PAGE_BYTES
from impl.hardware.keytable import Mode, fingerprint
from impl.hardware.pconfig import Command, Status
from impl.interleaving.scenario import Scenario, as_text
from impl.kernel import Kernel
from impl.mm.manager import MemoryManager
from impl.mm.vma import UNENCRYPTED, USER_START
from impl.threads import Operation

MAKING = "a key that is being made"

# Shorter strings do not compress either, whatever they are.
GARBAGE_MIN = 256


@dataclass
class Booted:
    """A kernel with its setup done, and what the operations gave back that may be serial numbers.

    ``before``: the serial numbers of the keys that were there when the operations began.
    """

    kernel: Kernel
    before: frozenset[int]
    made: dict[int, str] = field(default_factory=dict)

    def name_of(self, serial: int) -> str:
        """What a key is called."""
        if serial in self.before:
            return f"key {serial}"
        key = self.kernel.key(serial)
        if key is not None and key.description:
            return f"{key.type} key {key.description}"
        return f"the key of {self.made[serial]}" if serial in self.made else MAKING


def kernel_scenario(
    boot: Callable[[], Kernel],
    operations: Mapping[str, Callable[[Kernel], Operation[Any]]],
    faults_max: int = 0,
) -> Scenario[Booted]:
    """A scenario of kernel operations. ``boot``: a new kernel, with the setup done."""

    def booted() -> Booted:
        kernel = boot()
        return Booted(kernel, frozenset(kernel.live_serials()))

    return Scenario(
        boot=booted,
        operations={name: _named(name, begin) for name, begin in operations.items()},
        accesses=lambda world: world.kernel.machine.accesses,
        observe=observe,
        answer=answer,
        choose=choose,
        faults_max=faults_max,
    )


def _named(
    name: str, begin: Callable[[Kernel], Operation[Any]]
) -> Callable[[Booted], Operation[Any]]:
    def operation(world: Booted) -> Operation[Any]:
        result = yield from begin(world.kernel)
        if is_serial(result):
            world.made.setdefault(result, name)
        return result

    return operation


def is_serial(result: object) -> bool:
    """Whether a result can be a serial number: a small number; addresses of processes are large."""
    return type(result) is int and 0 < result < USER_START


def choose(world: Booted, status: Status) -> None:
    """The PCONFIG that comes next answers this, if nothing else is wrong with it."""
    world.kernel.machine.faults = lambda package, keyid, command: status


def answer(world: Booted, result: object) -> str:
    """A result without serial numbers and without bytes of memory."""
    if is_serial(result):
        return "ok"
    if isinstance(result, bytes):
        return f"ok, {len(result)} bytes: {contents(result)}"
    return as_text(result) if isinstance(result, int | str) else "ok"


def contents(data: bytes) -> str:
    """A digest of bytes. What neither compresses nor is text was deciphered with a wrong key."""
    is_long = len(data) >= GARBAGE_MIN
    looks_random = len(zlib.compress(data)) >= len(data) if is_long else not data.isascii()
    return "garbage" if looks_random else hashlib.sha256(data).hexdigest()[:8]


def observe(world: Booted) -> tuple[str, ...]:
    """A fact a line: key tables, KeyIDs, vault, CPUs, keys, and the memory of every process."""
    kernel = world.kernel
    facts = [*_tables(kernel), *_keyids(world), *_cpus(kernel), *sorted(_keys(world))]
    return (*facts, *_vmas(world, kernel.mm))


def _tables(kernel: Kernel) -> Iterator[str]:
    machine = kernel.machine
    drawn = {
        (done.package, done.keyid): done.command == Command.SET_KEY_RANDOM
        for done in machine.executions
        if done.status is Status.PROG_SUCCESS
    }
    for number, package in enumerate(machine.packages):
        for keyid in range(1, machine.keyids + 1):
            entry = package.table[keyid]
            if entry.mode is Mode.TME:
                continue
            holds = entry.mode.value
            if entry.mode is Mode.ENCRYPT:
                is_random = drawn.get((number, keyid), False)
                print_ = fingerprint(entry.data_key, entry.tweak_key)
                holds += " random" if is_random else f" key {print_}"
            yield f"package {number}: KeyID {keyid} holds {holds}"


def _keyids(world: Booted) -> Iterator[str]:
    """What the kernel keeps of each KeyID; one about which it keeps nothing is left out."""
    kernel = world.kernel
    mapped: Mapping[Any, int] = kernel.mapped()
    is_global = kernel.design.keyid_scope == "global"
    for place in _places(kernel):
        key = place[-1] if is_global else place
        where = f"KeyID {place[-1]}" if is_global else f"KeyID {place[1]} of package {place[0]}"
        facts = []
        if key in mapped:
            facts.append(f"is mapped to {world.name_of(mapped[key])}")
        if kernel.bit(*place):
            facts.append("is marked as a user key")
        if references := kernel.references(*place):
            facts.append(f"has {references} reference{'s' if references > 1 else ''}")
        if is_global:
            facts += _vault(kernel, place[0])
        yield from (f"{where} {fact}" for fact in facts)
    for package, keyid in sorted(kernel.uncleared()):
        yield f"KeyID {keyid} is out of service until package {package} has cleared it"
    names = sorted(world.name_of(serial) for serial in kernel.live_serials())
    yield f"live: {', '.join(names) or 'no key'}"


def _places(kernel: Kernel) -> list[tuple[int, ...]]:
    keyids = range(1, kernel.machine.keyids + 1)
    if kernel.design.keyid_scope == "global":
        return [(keyid,) for keyid in keyids]
    return [(p, keyid) for p in range(len(kernel.machine.packages)) for keyid in keyids]


def _vault(kernel: Kernel, keyid: int) -> Iterator[str]:
    control_word, data_key, tweak_key = kernel.vault(keyid)
    if any(data_key) or any(tweak_key):
        yield f"has key {fingerprint(data_key, tweak_key)} in its vault slot"
    if control_word:
        yield f"has control word {control_word:#x} in its vault slot"


def _cpus(kernel: Kernel) -> Iterator[str]:
    leads = dict(kernel.lead_cpus())
    for number, package in enumerate(kernel.machine.packages):
        online = [str(number) for number, cpu in enumerate(package.cpus) if cpu.online]
        lead = f"CPU {leads[number]} leads" if number in leads else "no CPU leads"
        memory = "" if package.memory_present else ", its memory is not usable"
        yield f"package {number}: CPUs online: {', '.join(online) or 'none'}; {lead}{memory}"


def _keys(world: Booted) -> Iterator[str]:
    """What the key retention service knows of every key that something refers to."""
    for key in world.kernel.known_keys():
        states = {"revoked": key.is_revoked, "invalidated": key.is_invalidated}
        state = "".join(f", {name}" for name, is_so in states.items() if is_so)
        links = ", ".join(sorted(world.name_of(linked.serial) for linked in key.links.values()))
        expiry = "" if key.expiry is None else f", expires at {key.expiry:g} s"
        owned = f"uid {key.uid}, permissions {key.perm:#010x}"
        linking = f", links {links}" if links else ""
        yield f"{world.name_of(key.serial)}: {owned}{state}{expiry}{linking}"


def _vmas(world: Booted, mm: MemoryManager) -> Iterator[str]:
    machine = world.kernel.machine
    for pid, process in sorted(mm.processes.items()):
        for vma in mm.vmas(process):
            pages = (vma.end - vma.start) // PAGE_BYTES
            size = f"{pages} page{'s' if pages > 1 else ''}, {vma.prot or 'none'}"
            yield f"process {pid}: {size}, {_encryption(world, vma.handle)}"
        for page in mm.page_table(process).values():
            address = page.address | page.keyid << machine.keyid_shift
            stored = machine.read(address, PAGE_BYTES)
            where = f"on package {page.package} through KeyID {page.keyid}"
            yield f"process {pid}: a page {where}: {contents(stored)}"


def _encryption(world: Booted, handle: int) -> str:
    if handle == UNENCRYPTED:
        return "not encrypted"
    if world.kernel.design.keyid_scope == "global":
        return f"KeyID {handle}"
    # With per-package KeyIDs a VMA remembers what the map slots of its key hold.
    return f"encrypted with {world.name_of(world.kernel.serial_of(handle))}"
