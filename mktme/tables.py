"""Decides how the inside of a simulated machine is shown: plain lines, and never a key byte.

Columns are padded by hand, not by the terminal library: what is shown must not depend on the width
of a terminal, since scripts are compared by what they print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from impl import Entry, Kernel, Mode
from impl.hardware.keytable import fingerprint
from impl.hardware.pconfig import Command
from impl.keyrings.process import Process
from mktme.expectations import Answer
from mktme.session import Session

ALGORITHMS: Final = {1: "AES-XTS-128"}
GAP: Final = "  "

# More KeyIDs than this are shown only where they hold something.
KEYIDS_MAX: Final = 8


def shown(session: Session, what: str) -> Answer:
    """What `show` answers."""
    return _SHOWN[what](session)


def columns(rows: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Rows as lines, every column as wide as its longest word."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return tuple(
        GAP.join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _lines(rows: Iterable[Sequence[str]], what: str, **counts: int) -> Answer:
    """A table with titles, or a word that there is nothing to show."""
    rows = list(rows)
    if len(rows) < 2:
        return Answer(said=f"no {what}", counts=counts)
    return Answer(said=what, counts=counts, details=columns(rows))


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


def _tables(session: Session) -> Answer:
    return Answer(said="key tables", details=key_tables(session.kernel))


# The key service


def places(kernel: Kernel) -> list[tuple[int, ...]]:
    """Every (KeyID,), or with per-package KeyIDs every (package, KeyID)."""
    keyids = range(1, kernel.machine.keyids + 1)
    if kernel.design.keyid_scope == "global":
        return [(keyid,) for keyid in keyids]
    return [(p, keyid) for p in range(len(kernel.machine.packages)) for keyid in keyids]


def _place(place: tuple[int, ...]) -> str:
    return str(place[0]) if len(place) == 1 else f"{place[1]} of package {place[0]}"


def _mapped(kernel: Kernel) -> dict[tuple[int, ...], int]:
    mapped: Mapping[int | tuple[int, int], int] = kernel.mapped()  # type: ignore[assignment]
    return {(at,) if isinstance(at, int) else at: serial for at, serial in mapped.items()}


def _map(session: Session) -> Answer:
    """The kernel's map, its bitmap, its vault, and what waits to be cleared."""
    kernel, mapped = session.kernel, _mapped(session.kernel)
    is_global = kernel.design.keyid_scope == "global"
    rows = [["KeyID", "key", "user bit", *(["vault"] if is_global else []), "to be cleared on"]]
    for place in places(kernel):
        vault = [_vault(kernel, place[0])] if is_global else []
        waits = ", ".join(
            f"package {package}"
            for package, keyid in sorted(kernel.uncleared())
            if keyid == place[-1] and place[:-1] in ((), (package,))
        )
        key = str(mapped.get(place, "-"))
        bit = "set" if kernel.bit(*place) else "-"
        rows.append([_place(place), key, bit, *vault, waits or "-"])
    return _lines(rows, "map", keys=len(mapped))


def _vault(kernel: Kernel, keyid: int) -> str:
    control_word, data_key, tweak_key = kernel.vault(keyid)
    if not control_word and not any(data_key + tweak_key):
        return "-"
    said = Command(control_word & 0xFF).name
    return f"{said} <{fingerprint(data_key, tweak_key)}>" if any(data_key + tweak_key) else said


def _counts(session: Session) -> Answer:
    kernel = session.kernel
    rows = [["KeyID", "references"]]
    rows += [[_place(place), str(kernel.references(*place))] for place in places(kernel)]
    return _lines(rows, "reference counts")


def _keys(session: Session) -> Answer:
    """What /proc/keys shows to the process that makes the calls."""
    lines = session.kernel.keyctl.listing(session.processes[session.current])
    if not lines:
        return Answer(said="no keys", counts={"keys": 0})
    # The columns of proc_keys(5), whose widths are fixed.
    title = "ID       flags   usage time perm       uid   gid type      description"
    return Answer(said="keys", counts={"keys": len(lines)}, details=(title, *lines))


# Processes


def _processes(session: Session) -> Answer:
    rows = [["name", "pid", "uid", "gid", "package", "capabilities", "state"]]
    for name, process in session.processes.items():
        held = ",".join(sorted(process.capabilities)) or "none"
        state = session.gone.get(name, "now" if name == session.current else "-")
        row = [process.pid, process.uid, process.gid, process.node, held, state]
        rows.append([name, *map(str, row)])
    return _lines(rows, "processes")


def _vmas(session: Session) -> Answer:
    rows = [["process", "from", "to", "prot", "memory", "key", "pages present"]]
    for name, process in session.processes.items():
        rows += [[name, *row] for row in _vmas_of(session.kernel, process)]
    return _lines(rows, "VMAs")


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
    return _lines(rows, "locks held", locks=len(rows) - 1)


def _events(session: Session) -> Answer:
    events = session.kernel.events
    rows = [["out of bounds", "index"], *([event.what, str(event.index)] for event in events)]
    return _lines(rows, "accesses out of bounds", events=len(events))


_SHOWN: Final[Mapping[str, Callable[[Session], Answer]]] = {
    "tables": _tables,
    "map": _map,
    "keys": _keys,
    "vmas": _vmas,
    "counts": _counts,
    "locks": _locks,
    "events": _events,
    "processes": _processes,
}
