"""How the calls of the key service's system are said in a script: one method for each action."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace, TraceStep
from checker.systems.reading import Reading
from conformance.owners import malformed_payload, payload
from mktme.traces.scripts.inexpressible import Inexpressible
from mktme.traces.scripts.objects import KeyObjects
from mktme.traces.scripts.processes import Process, Processes
from mktme.words import call_in_words
from model import words as model_words

Labels = Mapping[str, str]

WIDTH: Final = 100
"""Signs in a line of a comment."""

ROOT: Final = "root"
EVERY_RIGHT: Final = "0x3f3f3f3f"
ANSWERS: Final = {"waits for ever": "hangs"}
"""Answers that a script calls otherwise."""


class KeyServiceScript:
    """The lines of a script, written call by call. Raises Inexpressible."""

    def __init__(self, grounding: Grounding, trace: Trace) -> None:
        self.grounding = grounding
        self.trace = trace
        self.last = Reading(grounding, trace.states[-1])
        self.lines: list[str] = []
        self.processes = Processes(grounding, trace)
        self.written: dict[int, str] = {}
        self._current = ROOT
        self._objects = KeyObjects()
        self._keys: dict[int, str] = {}
        self._counted: dict[str, int] = {}
        self._encrypts = any(step.call.action == "encrypt" for step in trace.steps)
        self._owners = "silent"

    def calls(self) -> None:
        """Write all calls of the run."""
        for number, step in enumerate(self.trace.steps):
            before = Reading(self.grounding, self.trace.states[number])
            after = Reading(self.grounding, step.state)
            self.lines += ["", *comment(f"{number + 1}. {call_in_words(before, step)}")]
            _Call(self, number, step, before, after).write()

    # What the calls share

    def say(self, line: str, by: str | None = ROOT) -> None:
        """One more line; a process makes its call, or with None whoever is there."""
        if by is not None and by != self._current:
            self.lines.append(f"as {by}")
            self._current = by
        self.lines.append(line)

    def is_gone(self, process: str) -> None:
        """The process makes no more calls: the next line is another's."""
        if self._current == process:
            self.lines.append(f"as {ROOT}")
            self._current = ROOT

    def counted(self, what: str) -> str:
        """A new name: key1, key2, and so on."""
        number = self._counted[what] = self._counted.get(what, 0) + 1
        return f"{what}{number}"

    def key(self, number: int) -> str:
        """The variable that has a live key's serial number."""
        return f"${self._keys[number]}"

    def add(self, key: int, line: str, answer: str, stale: Iterable[int]) -> None:
        """A new key, at the object that the model means."""
        for _ in range(self._objects.fillers(key, set(stale))):
            self.say(f"keyctl newring {self.counted('filler')} @u => ok")
        name = self.counted("key")
        self.say(f"{name} = {line.replace('NAME', name, 1)} => {answer}")
        if answer != "ok":
            return
        self._keys[key] = name
        self._objects.take(key)
        if self._encrypts:
            self.say(f"keyctl setperm ${name} {EVERY_RIGHT} => ok")

    def collect(self, key: int) -> None:
        """The key's last link goes, and it is collected."""
        self.say(f"keyctl unlink {self.key(key)} @u => ok")
        self.say("gc => 1 key")
        self._keys.pop(key)
        self._objects.give(key)

    def owners(self, answer: bool) -> None:
        """Whether owners supply their keys again, from here on."""
        word = "answers" if answer else "silent"
        if word != self._owners:
            self.say(f"owner {word}", by=None)
            self._owners = word


class _Call:
    """One call, with the states before and after it."""

    def __init__(
        self,
        script: KeyServiceScript,
        number: int,
        step: TraceStep,
        before: Reading,
        after: Reading,
    ) -> None:
        self._script = script
        self._number = number
        self._action = step.call.action
        self._labels: Labels = step.call.labelled(script.grounding.system)
        self._answer = ANSWERS.get(step.answer, step.answer)
        self._before, self._after = before, after
        self._is_per_package = model_words.is_per_package(before)

    def write(self) -> None:
        """Write it, between the failures that it meets and their end."""
        failures = list(self._failures())
        for failure in failures:
            self._script.say(f"fault pconfig busy {failure} times=always", by=None)
        getattr(self, f"_{self._action}")()
        if failures:
            self._script.say("fault none", by=None)

    def _failures(self) -> Iterable[str]:
        """Where PCONFIG fails while the call lasts."""
        labels = self._labels
        if self._action == "retry_clear":
            yield from self._other_clearings()
        if labels.get("fails") == "yes":
            where = f"package={labels['package']}"
            keyid = labels.get("fails_at") or labels.get("keyid")
            yield f"{where} keyid={keyid}" if keyid else where
        for package in self._chosen("fails"):
            yield f"package={package}"

    def _other_clearings(self) -> Iterable[str]:
        """The worker tries all that waits, and the model's call only one: the others fail."""
        reading, labels = self._before, self._labels
        for package in range(reading.size("uncleared", 0)):
            for keyid in range(reading.size("uncleared", 1)):
                this = (str(package), str(keyid + 1))
                is_it = this == (labels["package"], labels["keyid"])
                if reading.is_true("uncleared", package, keyid) and not is_it:
                    yield f"package={this[0]} keyid={this[1]}"

    def _chosen(self, name: str) -> list[int]:
        packages = range(self._before.size("present", 0))
        return [p for p in packages if self._labels.get(f"{name}[{p}]") == "yes"]

    def _say(self, line: str, by: str | None = ROOT) -> None:
        self._script.say(f"{line} => {self._answer}", by)

    def _int(self, name: str) -> int:
        return int(self._labels[name])

    def _payload(self) -> str:
        return _quoted(payload(self._labels["kind"], self._labels["bytes"]))

    # Keys

    def _instantiate(self) -> None:
        wanted = ",".join(map(str, self._chosen("wanted")))
        where = f" packages={wanted}" if self._is_per_package else ""
        line = f"keyctl add mktme NAME {self._payload()} @u{where}"
        self._script.add(self._int("key"), line, self._answer, self._stale())

    def _stale(self) -> Iterable[int]:
        """The key objects that are free and whose addresses are still in use."""
        reading = self._before
        for key in range(reading.size("live", 0)):
            uses = [
                reading.is_true("uses", vma, key)
                for vma in range(reading.size("uses", 0))
                if self._is_per_package
            ]
            slots = model_words.slots(reading)
            held = any(model_words.holder(reading, k, p) == key for k, p in slots) or any(uses)
            if held and not reading.is_true("live", key):
                yield key

    def _update(self) -> None:
        key = self._int("key")
        self._say(f"keyctl update {self._script.key(key)} {self._payload()}")
        if not self._after.is_true("live", key):
            self._script.collect(key)

    def _destroy(self) -> None:
        self._script.collect(self._int("key"))

    def _extend(self) -> None:
        key, package = self._int("key"), self._int("package")
        kind, label = (self._before(f"requested_{what}", key) for what in ("kind", "bytes"))
        asked = _quoted(payload(kind, label))
        self._say(f"keyctl extend {self._script.key(key)} package={package} {asked}")

    def _preparse_error(self) -> None:
        packages = range(self._before.size("present", 0))
        where = f" packages={','.join(map(str, packages))}" if self._is_per_package else ""
        text = _quoted(malformed_payload(self._labels["bytes"]))
        self._say(f"keyctl add mktme {self._script.counted('refused')} {text} @u{where}")

    # The machine

    def _package_add(self) -> None:
        self._say(f"package add {self._labels['package']}", by=None)

    def _cpu_startup(self) -> None:
        if "answered" in self._labels:
            self._script.owners(self._labels["answered"] == "yes")
        self._say(f"cpu online {self._labels['package']}.{self._labels['cpu']}", by=None)

    def _cpu_teardown(self) -> None:
        self._say(f"cpu offline {self._labels['package']}.{self._labels['cpu']}", by=None)

    def _retry_clear(self) -> None:
        cleared = "1 pair" if self._answer == "ok" else "no pairs"
        self._script.say(f"worker => {cleared}", by=None)

    # Memory

    def _process(self) -> Process:
        process = self._script.processes.of(self._int("vma"))
        if process is None:
            raise Inexpressible(f"VMA {self._labels['vma']} has no process")
        return process

    def _encrypt(self) -> None:
        vma, script = self._int("vma"), self._script
        process = script.processes.of(vma)
        if process is None:
            process, package = script.processes.begin(vma, self._number)
            node = f" node={package}" if package else ""
            script.say(f"process {process.name}{node}", by=None)
            script.say(f"{process.address} = mmap 4K => ok", process.name)
        key = script.key(self._int("key"))
        self._say(f"encrypt_mprotect ${process.address} 4K rw {key}", process.name)
        if self._answer == "hangs":
            script.is_gone(process.name)

    def _unmap(self) -> None:
        """munmap, or exit: as the replay does, one for every other VMA."""
        vma, process = self._int("vma"), self._process()
        self._script.processes.end(vma)
        if vma % 2:
            self._say("exit", process.name)
            self._script.is_gone(process.name)
        else:
            self._say(f"munmap ${process.address} 4K", process.name)

    def _fork(self) -> None:
        vma, child = self._int("vma"), self._int("child")
        parent = self._process()
        self._say(f"fork {self._script.processes.fork(vma, child).name}", parent.name)
        if vma in self._script.written:
            self._script.written[child] = self._script.written[vma]

    def _write(self) -> None:
        vma, process = self._int("vma"), self._process()
        text = f"{self._script.counted('text ')} of VMA {vma}"
        self._say(f'write ${process.address} "{text}"', process.name)
        self._script.written[vma] = text

    def _migrate(self) -> None:
        process = self._process()
        where = f"package={self._labels['package']}"
        self._say(f"migrate ${process.address} {where}", process.name)


def comment(text: str) -> list[str]:
    """A comment, on as many lines as it takes."""
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _quoted(text: bytes) -> str:
    return f'"{text.decode()}"'
