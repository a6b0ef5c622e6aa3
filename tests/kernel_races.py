"""Booted kernels of every kind, the operations that race on them, and what holds however they end.

A kernel has a process with a session keyring and four pages: pages 0 to 2 are one VMA under the key
"used", of which pages 0 and 2 hold text, and page 3 is not encrypted. Nothing but an exit touches
page 2. The key "spare" encrypts nothing, and "doomed" has lost its keyring's link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from address_spaces import BASE, CPU, P, user

from designs import DESIGNS, Design
from impl.hardware.faults import Failure, Script
from impl.hardware.keytable import Mode
from impl.hardware.pconfig import Command, Status, never
from impl.interleaving.explorer import explore
from impl.interleaving.findings import Report
from impl.interleaving.outcome import Booted, kernel_scenario, observe
from impl.interleaving.scenario import Scenario
from impl.kernel import Kernel
from impl.service.globalscope import GlobalKeyService
from impl.service.vault import SLOT_BYTES
from impl.threads import Operation

REPAIRED: Final = [
    name for name in DESIGNS if not name.startswith("rfc-v2") or name.endswith("-fixed")
]
TEXT: Final = b"what nobody touches"
KEYIDS: Final = 4
USER_BYTES: Final = [bytes.fromhex(digit * 32) for digit in "678"]

# What init's keyring links, by serial number, in the order in which boots make them.
RING, USED, SPARE, DOOMED = 1, 2, 3, 4

Begin = Callable[[Kernel], Operation[Any]]


def other_payload(design: Design, digit: str) -> bytes:
    """A user key where the design takes one."""
    return CPU if design.user_keys == "refused" else user(digit)


def asked_for(kernel: Kernel, serial: int) -> bytes:
    """What a user key's owner last asked for and got, as package 0 always has a CPU online.

    The key may be mapped while the call that adds it has not returned yet.
    """
    (keyid,) = (place[0] for place, holder in mapped(kernel).items() if holder == serial)
    return user(kernel.machine.packages[0].table[keyid].data_key.hex()[0])


# Boots


def booted(design: Design, state: str) -> Kernel:
    """``state``: what is up with package 1, with KeyID 3 or with the key "used".

    "online": nothing; "offline": the package's CPU went after the keys came; "added": the package
    came after the keys and has no CPU online; "uncleared": that, and KeyID 3 was released and not
    cleared yet; "released": the keyring links the key "used" no more, and VMAs still use its KeyID.
    """
    late = state in ("added", "uncleared")
    kernel = Kernel(design, 2, 1, KEYIDS, frozenset({1} if late else ()), tme="off")
    kernel.resupply = lambda serial: asked_for(kernel, serial)
    keyctl, mm, init = kernel.keyctl, kernel.mm, kernel.init
    packages = None
    if design.keyid_scope == "per_package":
        packages = [0, 1] if state == "offline" else [0]
    kernel.run(keyctl.join_session_keyring(init))
    for name in ("used", "spare", "doomed"):
        kernel.run(keyctl.add_key(init, "mktme", name, CPU, RING, packages))
    kernel.run(keyctl.unlink(init, DOOMED, RING))
    kernel.run(mm.mmap(init, 4 * P, BASE))
    kernel.run(mm.encrypt_mprotect(init, BASE, 3 * P, "rw", USED))
    for page in (0, 2):
        kernel.run(mm.write(init, BASE + page * P, TEXT))
    if late:
        kernel.package_add(1)
    if state == "offline":
        kernel.cpu_teardown(1, 0)
    if state == "released":
        kernel.run(keyctl.unlink(init, USED, RING))
    if state == "uncleared":
        failure = Failure(Status.DEVICE_BUSY, package=0, times=3)
        kernel.machine.faults = Script([failure])
        kernel.run(keyctl.collect())
        kernel.machine.faults = never
    return kernel


def states(design: Design) -> list[str]:
    """The boots that a design can come to."""
    if design.teardown == "keep_last_lead":
        return ["online", "released", "added", "uncleared"]
    return ["online", "released", "offline", "added", "uncleared"]


# Operations

MEMORY: Final = ("encrypt", "encrypt anew", "unmap", "protect", "fork", "exit", "write", "migrate")
HOTPLUG: Final = ("start", "stop", "add package", "remove package")
WORKERS: Final = ("collect", "clear")


def operations(design: Design) -> dict[str, Begin]:
    """Every operation by name."""
    wanted = [0, 1] if design.keyid_scope == "per_package" else None

    def payload(digit: str) -> bytes:
        return other_payload(design, digit)

    def add(name: str, digit: str) -> Begin:
        return lambda k: k.keyctl.add_key(k.init, "mktme", name, payload(digit), RING, wanted)

    begin: dict[str, Begin] = {
        "add": add("new", "6"),
        "add again": add("spare", "7"),
        "update": lambda k: k.keyctl.update(k.init, SPARE, payload("8")),
        "revoke": lambda k: k.keyctl.revoke(k.init, SPARE),
        "invalidate": lambda k: k.keyctl.invalidate(k.init, USED),
        "unlink": lambda k: k.keyctl.unlink(k.init, USED, RING),
        "extend": lambda k: k.keyctl.extend(k.init, USED, 1, CPU),
        "encrypt": lambda k: k.mm.encrypt_mprotect(k.init, BASE + 3 * P, P, "rw", SPARE),
        "encrypt anew": lambda k: k.mm.encrypt_mprotect(k.init, BASE, P, "rw", SPARE),
        "unmap": lambda k: k.mm.munmap(k.init, BASE + P, P),
        "protect": lambda k: k.mm.mprotect(k.init, BASE + P, P, "r"),
        "fork": lambda k: k.mm.fork(k.init),
        "exit": lambda k: k.mm.exit(k.init),
        "write": lambda k: k.mm.write(k.init, BASE + P - 2, b"text"),
        "migrate": lambda k: k.mm.migrate(k.init, BASE, 1),
        "start": lambda k: k.calls.cpu_startup(1, 0),
        "stop": lambda k: k.calls.cpu_teardown(1, 0),
        "add package": lambda k: k.calls.package_add(1),
        "remove package": lambda k: k.calls.package_remove(1),
        "collect": lambda k: k.keyctl.collect(),
        "clear": lambda k: k.calls.retry_clear(0, 3),
    }
    if design.keyid_scope == "global":
        del begin["extend"]
    return begin


def race(
    design: Design, state: str, names: tuple[str, ...], faults_max: int = 1, runs_max: int = 200_000
) -> Report:
    """Every interleaving of these operations; no end of any breaks what must hold.

    A name that comes twice is two threads.
    """
    known = operations(design)
    threads = {
        name if names.index(name) == place else f"{name}, second": known[name]
        for place, name in enumerate(names)
    }
    return explore(checked(design, state, threads, faults_max), executions_max=runs_max)


def checked(
    design: Design, state: str, threads: Mapping[str, Begin], faults_max: int
) -> Scenario[Booted]:
    """The scenario, which raises AssertionError where an end breaks what must hold.

    The explorer adds the schedule to the error.
    """
    plain = kernel_scenario(lambda: booted(design, state), threads, faults_max)

    def observed(world: Booted) -> tuple[str, ...]:
        facts = observe(world)
        broken = list(violations(world.kernel))
        assert not broken, "; ".join(broken)
        return facts

    return replace(plain, observe=observed)


# What holds between operations


def violations(kernel: Kernel) -> Iterator[str]:
    """What does not hold although it should, in words."""
    yield from locks_held(kernel)
    yield from wrong_counts(kernel)
    yield from wrong_tables(kernel)
    yield from wrong_usage(kernel)
    yield from left_in_memory(kernel)
    yield from wrong_frames(kernel)
    yield from lost_data(kernel)


def locks_held(kernel: Kernel) -> Iterator[str]:
    for lock, holder, _ in kernel.held_locks():
        yield f"{holder} holds the {lock}"
    for key in kernel.known_keys():
        if key.semaphore.is_held:
            yield f"the {key.semaphore.name} is held"


def places(kernel: Kernel) -> list[tuple[int, ...]]:
    """Every KeyID, or with KeyIDs of each package every (package, KeyID)."""
    if is_global(kernel):
        return [(keyid,) for keyid in range(1, KEYIDS + 1)]
    return [(p, k) for p in range(len(kernel.machine.packages)) for k in range(1, KEYIDS + 1)]


def is_global(kernel: Kernel) -> bool:
    return kernel.design.keyid_scope == "global"


def mapped(kernel: Kernel) -> dict[tuple[int, ...], int]:
    """The same places, and the serial number of the key that each is mapped to."""
    return {
        place if isinstance(place, tuple) else (place,): serial
        for place, serial in kernel.mapped().items()
    }


def is_user(kernel: Kernel, serial: int) -> bool:
    """Whether a key that was not collected yet is a user key now."""
    keys = kernel._system.keys
    key = keys.find(serial)
    return key is not None and keys.type_of(key) is Command.SET_KEY_DIRECT


def wrong_counts(kernel: Kernel) -> Iterator[str]:
    """Map, counts and bits agree with the live keys and the VMAs."""
    serials, live = mapped(kernel), kernel.live_serials()
    handles = Counter(
        vma.handle for process in kernel.mm.processes.values() for vma in kernel.mm.vmas(process)
    )
    for place in places(kernel):
        serial = serials.get(place, 0)
        handle = place[0] if is_global(kernel) else serial
        expected = (serial in live) + (handles[handle] if handle else 0)
        if kernel.references(*place) != expected:
            yield f"KeyID {place} has {kernel.references(*place)} references, {expected} expected"
        if serial and not expected:
            yield f"KeyID {place} is mapped and nobody needs it"
        holder = kernel.key(serial) if serial in live else None
        if holder and kernel.bit(*place) != is_user(kernel, serial):
            yield f"the bit of KeyID {place} is {kernel.bit(*place)}"
        if not serial and kernel.bit(*place):
            yield f"the bit of KeyID {place} is set and nobody has it"
    if is_global(kernel) and sorted(serials.values()) != sorted(live | set(serials.values())):
        yield f"live keys {sorted(live)} are mapped as {sorted(serials.values())}"
    service = kernel._service
    for key_map in [service.map] if isinstance(service, GlobalKeyService) else service.maps:
        if key_map.count != len(key_map.entries()):
            yield f"the map counts {key_map.count} of {len(key_map.entries())} KeyIDs"


def wrong_tables(kernel: Kernel) -> Iterator[str]:
    """Lead CPUs are online, free KeyIDs are clear where they can serve, and packages agree."""
    leads = dict(kernel.lead_cpus())
    for number, package in enumerate(kernel.machine.packages):
        online = [cpu for cpu, one in enumerate(package.cpus) if one.online]
        if (leads.get(number) not in online) if online else (number in leads):
            yield f"package {number}: CPUs {online} are online and {leads.get(number)} leads"
        for keyid in range(1, KEYIDS + 1):
            yield from wrong_entry(kernel, number, keyid)
    if is_global(kernel):
        for (keyid,), serial in mapped(kernel).items():
            yield from wrong_agreement(kernel, keyid, serial)


def wrong_entry(kernel: Kernel, number: int, keyid: int) -> Iterator[str]:
    package = kernel.machine.packages[number]
    is_mapped = ((keyid,) if is_global(kernel) else (number, keyid)) in mapped(kernel)
    waits = (number, keyid) in kernel.uncleared()
    if waits and is_mapped:
        yield f"KeyID {keyid} of package {number} is mapped before it was cleared"
    if waits and not package.present:
        yield f"KeyID {keyid} waits for package {number}, which is gone"
    is_clear = package.table[keyid].mode is Mode.TME
    if package.present and not (is_mapped or waits or is_clear):
        yield f"KeyID {keyid} of package {number} is free and not clear"


def wrong_agreement(kernel: Kernel, keyid: int, serial: int) -> Iterator[str]:
    entries = [kernel.machine.packages[number].table[keyid] for number, _ in kernel.lead_cpus()]
    if len({entry.mode for entry in entries}) > 1:
        yield f"the packages disagree on the mode of KeyID {keyid}"
    keys = {(entry.data_key, entry.tweak_key) for entry in entries}
    if is_user(kernel, serial) and len(keys) > 1:
        yield f"the packages disagree on the user key of KeyID {keyid}"


def wrong_usage(kernel: Kernel) -> Iterator[str]:
    """Keys have as many references as links and processes, and their owners pay for these."""
    known = kernel.known_keys()
    usage = Counter(linked.serial for ring in known for linked in ring.links.values())
    for process in kernel.mm.processes.values():
        usage.update(process.keyrings.values())
    for key in known:
        if key.usage != usage[key.serial]:
            yield f"key {key.serial} has {key.usage} references, {usage[key.serial]} expected"
    paid = [key for key in known if key.usage]
    account = kernel.keyctl.quota.account(0)
    if (account.keys, account.bytes) != (len(paid), sum(key.quota_bytes for key in paid)):
        yield f"uid 0 pays for {account}"


def left_in_memory(kernel: Kernel) -> Iterator[str]:
    """User keys lie in the vault slots of mapped KeyIDs at most; no object outlives its use."""
    keeps = kernel.design.savekeys == "on" and kernel.design.vault_form == "plaintext"
    serials = mapped(kernel)
    for key in USER_BYTES:
        for needle in (key, key.hex().encode()):
            for hit in kernel.find(needle):
                in_use = hit.area == "vault" and (hit.offset // SLOT_BYTES,) in serials
                if not (keeps and in_use):
                    yield f"a user key lies in {hit.area}, {hit.holds}, {hit.state}"
    live = [found for found in kernel.slab.objects() if found.live]
    objects = [found for found in live if found.cache == "key_jar"]
    yield from (f"a {found.holds} was never freed" for found in live if found not in objects)
    if len(objects) != len(kernel.known_keys()):
        yield f"there are {len(objects)} key objects of {len(kernel.known_keys())} keys"


def wrong_frames(kernel: Kernel) -> Iterator[str]:
    """Every frame in use is mapped, by those who own it, with the KeyID of its VMA's key."""
    owners: dict[int, set[tuple[int, int]]] = {}
    for pid, process in kernel.mm.processes.items():
        for page, entry in kernel.mm.page_table(process).items():
            owners.setdefault(entry.address, set()).add((pid, page))
            (vma,) = [v for v in kernel.mm.vmas(process) if v.start <= page < v.end]
            if entry.keyid != kernel._service.keyid_on(vma.handle, entry.package):
                yield f"page {page:#x} of process {pid} is mapped with KeyID {entry.keyid}"
    for pool in kernel.mm.frames.pools:
        for frame in pool.frames:
            if set(frame.owners) != owners.get(frame.address, set()):
                yield f"frame {frame.address:#x} has other owners than page tables say"


def lost_data(kernel: Kernel) -> Iterator[str]:
    """Every process still reads what nobody touched."""
    for pid, process in kernel.mm.processes.items():
        if kernel.run(kernel.mm.read(process, BASE + 2 * P, len(TEXT))) != TEXT:
            yield f"process {pid} reads something else in page 2"
