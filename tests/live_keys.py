"""The same calls on keys for the simulated and for the running kernel, with comparable answers.

A script is a list of calls ``(verb, arguments...)``; `Ref(n)` among the arguments is the serial
number that call n gave. Both sides begin with a fresh anonymous session keyring, which is call 0.
An answer is None, a text, bytes, or an errno as ``Errno(n)``; a serial number is answered as
``Ref(n)``, where n is the call that gave it first, and what a keyring links as a set of these.

The running kernel is called from a forked child, so that the keyrings of the test's own process
stay as they are; what the child made goes with it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from designs import DESIGNS
from impl.errors import KernelError
from impl.hardware.machine import Machine
from impl.keyrings.keyring import unpack_serials
from impl.keyrings.process import ROOT_CAPABILITIES, Process
from impl.keyrings.retention import KeyRetention
from impl.service.system import System
from impl.threads import Operation, run

UNSEEN = 1_999_999_999
"""A serial number that no key has; what a Ref to a refused call stands for."""


@dataclass(frozen=True)
class Ref:
    """The serial number that a call of the script gave; -1: one that no call gave."""

    call: int

    def __repr__(self) -> str:
        return f"Ref({self.call})"


@dataclass(frozen=True)
class Errno:
    """A refusal. Shown by name."""

    number: int

    def __repr__(self) -> str:
        names = {errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EDEADLK: "EDEADLK"}
        return names.get(self.number, errno.errorcode[self.number])


Call = tuple[Any, ...]
Answer = None | str | bytes | Errno | Ref | frozenset[Ref]


class Serials:
    """Serial numbers to and from the calls that gave them."""

    def __init__(self) -> None:
        self._of_call: dict[int, int] = {}
        self._first: dict[int, Ref] = {}

    def resolve(self, argument: Any) -> Any:
        """An argument as the kernel takes it."""
        return self._of_call.get(argument.call, UNSEEN) if isinstance(argument, Ref) else argument

    def note(self, call: int, serial: int) -> Ref:
        """A call gave a serial number."""
        self._of_call[call] = serial
        return self._first.setdefault(serial, Ref(call))

    def name(self, serial: int) -> Ref:
        """Which call gave it first."""
        return self._first.get(serial, Ref(-1))


class Simulated:
    """The kernel of `impl`. ``delay``: the collector's, as the running kernel has it."""

    def __init__(self, uid: int = 0, gid: int = 0, service: Any = None) -> None:
        self.system = system = System(DESIGNS["rfc-v2"], Machine(), 0)
        self.keyctl = KeyRetention(system, service)
        self.keyctl.collector.delay = 300.0
        self.process = Process(1, uid, gid)
        self.become(uid, gid, ())
        self.serials = Serials()
        self.answers: list[Answer] = []
        self.answers.append(self.answer(("join", None)))

    def become(self, uid: int, gid: int, groups: tuple[int, ...]) -> None:
        """Other credentials for the same process."""
        self.process.uid, self.process.gid = uid, gid
        self.process.groups = frozenset(groups)
        self.process.capabilities = frozenset() if uid else ROOT_CAPABILITIES

    def answer(self, call: Call) -> Answer:
        """Make one call."""
        verb, *arguments = call
        given = [self.serials.resolve(argument) for argument in arguments]
        if verb == "become":
            return self.become(*given)
        if verb == "sleep":
            return self.keyctl.clock.advance(*given)
        if verb == "settle":
            return self.collect()
        number = len(self.answers)
        try:
            result = run(self._operation(verb, given), verb)
        except KernelError as error:
            return Errno(error.errno)
        if verb == "links":
            return frozenset(self.serials.name(serial) for serial in unpack_serials(result))
        return self.serials.note(number, result) if isinstance(result, int) else result

    def _operation(self, verb: str, given: list[Any]) -> Operation[Any]:
        calls: dict[str, Callable[..., Operation[Any]]] = {
            "add": self.keyctl.add_key,
            "links": self.keyctl.read,
            "request": self.keyctl.request_key,
            "join": self.keyctl.join_session_keyring,
            "get": self.keyctl.get_keyring_id,
            "timeout": self.keyctl.set_timeout,
        }
        return (calls.get(verb) or getattr(self.keyctl, verb))(self.process, *given)

    def collect(self) -> None:
        """Let the garbage collector run."""
        run(self.keyctl.collect(), "collect")

    def run(self, script: list[Call]) -> list[Answer]:
        """The answers to a script, that of call 0 first."""
        for call in script:
            self.answers.append(self.answer(call))
        return self.answers


# System call numbers (add_key, request_key, keyctl, membarrier) by machine.
NUMBERS = {"x86_64": (248, 249, 250, 324), "aarch64": (217, 218, 219, 283)}
GLOBAL_BARRIER = 1
READ_MAX = 65_536
SESSION = -3
# keyctl operation numbers.
OPERATIONS = {
    "get": 0,
    "join": 1,
    "update": 2,
    "revoke": 3,
    "chown": 4,
    "setperm": 5,
    "describe": 6,
    "clear": 7,
    "link": 8,
    "unlink": 9,
    "search": 10,
    "read": 11,
    "links": 11,
    "timeout": 15,
    "invalidate": 21,
}
GIVE_SERIALS = {"add", "request", "join", "get", "search"}


class Running:
    """The kernel that runs this test, called by this very process."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._add, self._request, self._keyctl, self._barrier = NUMBERS[platform.machine()]
        self.serials = Serials()
        self.answers: list[Answer] = []

    def begin(self) -> Running:
        """Join a fresh session keyring: call 0.

        On one CPU the kernel's delayed clean-up happens in order, on which `settle` relies.
        """
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.answers.append(self.answer(("join", None)))
        return self

    def _call(self, number: int, *arguments: Any) -> int:
        given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        result: int = self._libc.syscall(ctypes.c_long(number), *given)
        if result < 0:
            raise OSError(ctypes.get_errno(), "system call")
        return result

    def answer(self, call: Call) -> Answer:
        """Make one call."""
        verb, *arguments = call
        given = [self.serials.resolve(argument) for argument in arguments]
        given = [a.encode() if isinstance(a, str) else a for a in given]
        number = len(self.answers)
        try:
            result = self._answer(verb, given)
        except OSError as error:
            return Errno(error.errno or 0)
        if isinstance(result, int):
            return self.serials.note(number, result) if verb in GIVE_SERIALS else None
        return result

    def _answer(self, verb: str, given: list[Any]) -> int | str | bytes | frozenset[Ref] | None:
        if verb == "become":
            return become(*given)
        if verb == "sleep":
            return time.sleep(*given)
        if verb == "settle":
            return self.settle()
        if verb == "add":
            kind, description, payload, ring = given
            return self._call(self._add, kind, description, payload, len(payload), ring)
        if verb == "request":
            return self._call(self._request, given[0], given[1], None, *(given[2:] or [0]))
        operation = OPERATIONS[verb]
        if verb == "update":
            return self._call(self._keyctl, operation, *given, len(given[1]))
        if verb not in ("describe", "read", "links"):
            padding = [0] * (4 - len(given))
            return self._call(self._keyctl, operation, *given, *padding)
        content = self._read(operation, *given)
        if verb == "links":
            return frozenset(self.serials.name(serial) for serial in unpack_serials(content))
        return content if verb == "read" else content.rstrip(b"\0").decode()

    def _read(self, operation: int, key: int) -> bytes:
        buffer = ctypes.create_string_buffer(READ_MAX)
        length = self._call(self._keyctl, operation, key, buffer, READ_MAX)
        return buffer.raw[:length]

    def settle(self) -> None:
        """Wait until the kernel's own clean-up is done, as far as two keys made for it tell.

        What is unlinked loses the keyring's reference after an RCU grace period, and what is
        invalidated is unlinked by a kernel worker.
        """
        self._call(self._barrier, GLOBAL_BARRIER, 0)
        for verb, look in (("invalidate", "links"), ("unlink", "describe")) * 2:
            probe = self._probe()
            self._answer(verb, [probe, SESSION] if verb == "unlink" else [probe])
            wait_until(partial(self._is_gone, probe, look))

    def _probe(self) -> int:
        """A new key. While keys that are going still count, the quota may refuse it."""
        made: list[int] = []

        def make() -> bool:
            kind, name = b"user", b"probe of the clean-up"
            try:
                made.append(self._call(self._add, kind, name, b"x", 1, SESSION))
            except OSError as error:
                if error.errno != errno.EDQUOT:
                    raise
            return bool(made)

        wait_until(make)
        return made[0]

    def _is_gone(self, probe: int, look: str) -> bool:
        if look == "links":
            return probe not in unpack_serials(self._read(OPERATIONS["read"], SESSION))
        try:
            self._answer("describe", [probe])
        except OSError:
            return True
        return False

    def run(self, script: list[Call]) -> list[Answer]:
        """The answers to a script, that of call 0 first."""
        for call in script:
            self.answers.append(self.answer(call))
        return self.answers


def wait_until(is_done: Callable[[], bool]) -> None:
    """Look again and again, for two seconds at most."""
    end = time.monotonic() + 2
    while not is_done() and time.monotonic() < end:
        time.sleep(0.001)


def become(uid: int, gid: int, groups: tuple[int, ...]) -> None:
    """Other effective credentials for this process, which keeps root as its saved ones."""
    os.setresuid(-1, 0, -1)
    os.setgroups(list(groups))
    os.setresgid(-1, gid, -1)
    os.setresuid(-1, uid, -1)


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a forked child. Raises RuntimeError when the child fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as sink:
                pickle.dump(work(), sink)
            status = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        data = source.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("the child that calls the running kernel failed; see its error output")
    return pickle.loads(data)


def ask_running(script: list[Call], uid: int | None = None) -> list[Answer]:
    """The running kernel's answers to a script, that of call 0 first.

    ``uid``: the user and group that make the calls, if not this process's own; takes root.
    """

    def work() -> list[Answer]:
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        return Running().begin().run(script)

    answers: list[Answer] = in_child(work)
    return answers


def ask_simulated(script: list[Call], uid: int | None = None) -> list[Answer]:
    """The simulated kernel's answers to the same."""
    if uid is not None:
        return Simulated(uid, uid).run(script)
    return Simulated(os.geteuid(), os.getegid()).run(script)


def why_not() -> str | None:
    """Why the running kernel cannot be asked, or None if it can."""
    if sys.platform != "linux":
        return f"no Linux but {sys.platform}"
    if platform.machine() not in NUMBERS:
        return f"the system call numbers of {platform.machine()} are not known here"
    first = ask_running([("add", "user", "probe", b"x", Ref(0))])
    refused = [answer for answer in first if isinstance(answer, Errno)]
    return f"the running kernel refuses add_key: {refused[0]}" if refused else None
