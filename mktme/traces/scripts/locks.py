"""How a run of the locks' system is said in a script: operations in a race, each on its own things.

The model says which way an operation takes. The lines before the race lay out a key, a page, a
package or a CPU for each, such that it goes that way whatever the others do, as the replay does
(`conformance.lockscenario`). A race tries every order of the steps, and so the run's too. Of a run
of one operation there is nothing to race: it is a line like any other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace
from designs import Design
from mktme.traces.recorded import Record
from mktme.traces.scripts.inexpressible import Inexpressible
from mktme.traces.scripts.keyservice import comment

CPU_KEY: Final = '"type=cpu algorithm=aes-xts-128"'
FOUND: Final = {
    "no-deadlock": "some deadlocks",
    "no-lost-lock": "some locks",
    "operations-finish": "some deadlocks",
}
"""What a race finds where a property of locks is violated."""


def lines(record: Record, trace: Trace, grounding: Grounding, broken: str) -> Iterator[str]:
    """The machine, what is laid out, the operations, and what they come to."""
    labelled = [(s.call.action, s.call.labelled(grounding.system)) for s in trace.steps]
    begun = [labels["operation"] for action, labels in labelled if action == "begin"]
    failures = sum(action == "fail" for action, _ in labelled)
    stage = _Stage(record.design, begun)
    yield stage.machine
    yield ""
    yield from stage.laid_out()
    yield ""
    yield from comment(f"Broken: {broken}.")
    if len(begun) > 1:
        yield "race faults=1" if failures else "race"
        yield from (f"    {line}" for line in stage.operations)
        yield f"end => {FOUND[record.property_id]}"
        return
    if failures:
        yield f"fault pconfig busy times={failures}"
    yield f"{stage.operations[0]}{_answer(record, begun[0])}"
    yield "show locks => some locks"


def _answer(record: Record, operation: str) -> str:
    """What is expected of an operation by itself."""
    if record.property_id != "no-lost-lock":
        return " => hangs"
    return " => EBUSY" if operation == "update_ebusy" else ""


class _Stage:
    """The lines that lay out the things of operations, and a line for each operation."""

    def __init__(self, design: Design, names: list[str]) -> None:
        for name in ("destroy_last", "destroy_shared", "retry_clear"):
            what = name.partition("_")[0]
            if sum(other.startswith(what) for other in names) > 1:
                raise Inexpressible(f"two kernel threads that each {what} one thing only")
        self._design = design
        self._is_per_package = design.keyid_scope == "per_package"
        boot = 2 if self._is_per_package else 1
        late = range(boot, boot + names.count("cpu_startup"))
        absent = f" absent={','.join(map(str, late))}" if late else ""
        cpus, keyids = 1 + names.count("cpu_teardown"), 2 * len(names) + 1
        self.machine = f"machine packages={boot + len(late)} cpus={cpus} keyids={keyids}{absent}"
        self._late, self._cpus = iter(late), itertools.count(1)
        self._numbers = itertools.count(1)
        self._keys: list[str] = []
        self._pages: list[str] = []
        self._last: list[str] = [f"package add {package} => ok" for package in late]
        self.operations: list[str] = [getattr(self, f"_{name}")() for name in names]

    def laid_out(self) -> list[str]:
        """Keys first: one that came after another is gone could get its address. Packages last."""
        return [*self._keys, *self._pages, *self._last]

    def _where(self, packages: str = "0,1") -> str:
        return f" packages={packages}" if self._is_per_package else ""

    def _key(self, packages: str = "0,1") -> str:
        name = f"key{next(self._numbers)}"
        where = self._where(packages)
        self._keys.append(f"{name} = keyctl add mktme {name} {CPU_KEY} @u{where} => ok")
        return f"${name}"

    def _page(self, key: str = "") -> str:
        name = f"page{next(self._numbers)}"
        self._pages.append(f"{name} = mmap 4K => ok")
        if key:
            self._pages.append(f"encrypt_mprotect ${name} 4K rw {key} => ok")
        return f"${name}"

    def _last_page(self) -> str:
        """A page that is encrypted with a key that is gone: it has the last reference."""
        key = self._key()
        page = self._page(key)
        self._pages += [f"keyctl unlink {key} @u => ok", "gc => 1 key"]
        return page

    # One for each operation, in the order of `model.lockpaths`

    def _instantiate(self) -> str:
        return f"keyctl add mktme new{next(self._numbers)} {CPU_KEY} @u{self._where()}"

    def _update(self) -> str:
        return f"keyctl update {self._key()} {CPU_KEY}"

    def _update_ebusy(self) -> str:
        key = self._key()
        self._page(key)
        return f"keyctl update {key} {CPU_KEY}"

    def _update_einval(self) -> str:
        raise Inexpressible("a live key without KeyID, to which no call by itself leads")

    def _destroy_last(self) -> str:
        self._last.append(f"keyctl unlink {self._key()} @u => ok")
        return "gc"

    def _destroy_shared(self) -> str:
        key = self._key()
        self._page(key)
        self._last.append(f"keyctl unlink {key} @u => ok")
        return "gc"

    def _cpu_startup(self) -> str:
        self._key()
        return f"cpu online {next(self._late)}.0"

    def _cpu_teardown(self) -> str:
        return f"cpu offline 0.{next(self._cpus)}"

    def _encrypt(self) -> str:
        key = self._key()
        return f"encrypt_mprotect {self._page()} 4K rw {key}"

    def _encrypt_last(self) -> str:
        key, page = self._key(), self._last_page()
        return f"encrypt_mprotect {page} 4K rw {key}"

    def _munmap(self) -> str:
        return f"munmap {self._page()} 4K"

    def _munmap_last(self) -> str:
        return f"munmap {self._last_page()} 4K"

    def _extend(self) -> str:
        return f"keyctl extend {self._key('0')} package=1 {CPU_KEY}"

    def _retry_clear(self) -> str:
        """PCONFIG fails when the KeyID is released, or where that clears nothing, at an update."""
        key = self._key()
        is_cleared = self._design.on_release == "clear_first"
        way = [f"keyctl unlink {key} @u => ok", "gc => 1 key"]
        if not is_cleared:
            way = [f"keyctl update {key} {CPU_KEY} => ENOKEY"]
        self._pages += ["fault pconfig busy package=0 times=always", *way, "fault none"]
        return "worker"
