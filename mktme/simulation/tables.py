"""Decides how the inside of a simulated machine is shown: plain lines, and never a key byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from impl import Entry, Kernel, Mode
from impl.hardware.keytable import fingerprint
from impl.keyrings.process import Process
from mktme.simulation.columns import columns, table
from mktme.simulation.expectations import Answer
from mktme.simulation.servicetables import shown_counts, shown_map, shown_vault
from mktme.simulation.session import Session

ALGORITHMS: Final = {1: "AES-XTS-128"}
# More KeyIDs than this are shown only where they hold something.
KEYIDS_MAX: Final = 8


def shown(session: Session, what: str) -> Answer:
    """What `show` answers."""
    return _SHOWN[what](session)


# Key tables


def entry_in_words(entry: Entry) -> str:
    """Mode, algorithm and fingerprint of one entry."""
    if entry.mode is not Mode.ENCRYPT:
        mode: str = entry.mode.value
        return mode
    algorithm = ALGORITHMS.get(entry.algorithm, f"algorithm {entry.algorithm}")
    return f"encrypt {algorithm} <{fingerprint(entry.data_key, entry.tweak_key)}>"


def key_tables(kernel: Kernel) -> tuple[str, ...]:
    """The entries of all packages side by side, as lines."""
    machine = kernel.machine
    present = [p for p, package in enumerate(machine.packages) if package.present]
    rows, left_out = [["KeyID", *(f"package {p}" for p in present)]], 0
    for keyid in range(1, machine.keyids + 1):
        entries = [entry_in_words(machine.packages[p].table[keyid]) for p in present]
        if machine.keyids > KEYIDS_MAX and set(entries) == {Mode.TME.value}:
            left_out += 1
        else:
            rows.append([str(keyid), *entries])
    if left_out:
        rows.append(["others", *(Mode.TME.value for _ in present)])
    return columns(rows)


def key_tables_record(kernel: Kernel) -> list[dict[str, Any]]:
    """The same for programs: by KeyID, and of each package that is present its entry."""
    machine = kernel.machine
    return [
        {
            "keyid": keyid,
            "packages": [
                {"package": number, **_entry_record(package.table[keyid])}
                for number, package in enumerate(machine.packages)
                if package.present
            ],
        }
        for keyid in range(1, machine.keyids + 1)
    ]


def _entry_record(entry: Entry) -> dict[str, Any]:
    if entry.mode is not Mode.ENCRYPT:
        return {"mode": entry.mode.value, "algorithm": None, "key": None}
    algorithm = ALGORITHMS.get(entry.algorithm, f"algorithm {entry.algorithm}")
    key = f"<{fingerprint(entry.data_key, entry.tweak_key)}>"
    return {"mode": entry.mode.value, "algorithm": algorithm, "key": key}


def _tables(session: Session) -> Answer:
    record = {"tables": key_tables_record(session.kernel)}
    return Answer(said="key tables", details=key_tables(session.kernel), record=record)


def _cpus(session: Session) -> Answer:
    """Every CPU by its number in the machine, and which one leads its package."""
    kernel, number = session.kernel, 0
    leads = set() if session.is_reset else kernel.lead_cpus()
    rows = [["CPU", "package", "CPU in it", "state", "lead"]]
    for at, package in enumerate(kernel.machine.packages):
        for place, cpu in enumerate(package.cpus):
            state = "online" if cpu.online else "offline" if package.present else "absent"
            lead = "lead" if (at, place) in leads else "-"
            rows.append([str(number), str(at), str(place), state, lead])
            number += 1
    return table(rows, "CPUs")


# Keys and processes


def _keys(session: Session) -> Answer:
    """What /proc/keys shows to the process that makes the calls."""
    lines = session.kernel.keyctl.listing(session.processes[session.current])
    if not lines:
        return Answer(said="no keys", counts={"keys": 0})
    # The columns of proc_keys(5), whose widths are fixed.
    title = "ID       flags   usage time perm       uid   gid type      description"
    return Answer(said="keys", counts={"keys": len(lines)}, details=(title, *lines))


def _processes(session: Session) -> Answer:
    rows = [["name", "pid", "uid", "gid", "package", "capabilities", "state"]]
    for name, process in session.processes.items():
        held = ",".join(sorted(process.capabilities)) or "none"
        state = session.gone.get(name, "now" if name == session.current else "-")
        row = [process.pid, process.uid, process.gid, process.node, held, state]
        rows.append([name, *map(str, row)])
    return table(rows, "processes")


def _vmas(session: Session) -> Answer:
    rows = [["process", "from", "to", "prot", "memory", "key", "pages present"]]
    for name, process in session.processes.items():
        rows += [[name, *row] for row in _vmas_of(session.kernel, process)]
    return table(rows, "VMAs")


def _pages(session: Session) -> Answer:
    rows = [["process", "page", "package", "physical address", "KeyID"]]
    for name, process in session.processes.items():
        for at, page in session.kernel.mm.page_table(process).items():
            where = [str(page.package), f"{page.address:#x}", str(page.keyid)]
            rows.append([name, f"{at:#x}", *where])
    return table(rows, "pages present", pages=len(rows) - 1)


def _vmas_of(kernel: Kernel, process: Process) -> Iterable[list[str]]:
    pages = kernel.mm.page_table(process)
    for vma in kernel.mm.vmas(process):
        by_package: dict[tuple[int, int], int] = {}
        for at, page in pages.items():
            if vma.start <= at < vma.end:
                where = page.package, page.keyid
                by_package[where] = by_package.get(where, 0) + 1
        present = ", ".join(
            f"{count} on package {package} with KeyID {keyid}"
            for (package, keyid), count in sorted(by_package.items())
        )
        memory = "anonymous" if vma.is_anonymous else "file"
        prot = vma.prot or "none"
        key = _handle(kernel, vma.handle)
        yield [f"{vma.start:#x}", f"{vma.end:#x}", prot, memory, key, present or "-"]


def _handle(kernel: Kernel, handle: int) -> str:
    if not handle:
        return "-"
    if kernel.design.keyid_scope == "global":
        return f"KeyID {handle}"
    # With per-package KeyIDs a VMA remembers what the map slots of its key hold.
    by_serial = kernel.design.key_lookup == "by_serial"
    return f"key {handle}" if by_serial else f"key object at {handle:#x}"


# The rest


def _locks(session: Session) -> Answer:
    """Every lock that is held now, between two lines, is lost."""
    rows = [["lock", "held by", "how"]]
    for name, lock in session.locks.items():
        rows += [[name, holder.name, mode.value] for holder, mode in lock.holders.items()]
    return table(rows, "locks held", locks=len(rows) - 1)


def _events(session: Session) -> Answer:
    events = session.kernel.events
    rows = [["out of bounds", "index"], *([event.what, str(event.index)] for event in events)]
    return table(rows, "accesses out of bounds", events=len(events))


_SHOWN: Final[Mapping[str, Callable[[Session], Answer]]] = {
    "tables": _tables,
    "cpus": _cpus,
    "map": shown_map,
    "vault": shown_vault,
    "counts": shown_counts,
    "keys": _keys,
    "vmas": _vmas,
    "pages": _pages,
    "processes": _processes,
    "locks": _locks,
    "events": _events,
}
