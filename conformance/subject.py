"""How a call of the model is made on the running kernel: one method for each action.

A `Subject` is a kernel together with what only its environment knows: which serial number stands
for which of the model's key objects, and what each owner last successfully asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.systems.grounding import Grounding
from checker.systems.system import Call
from conformance.owners import malformed_payload, payload
from designs import Design
from impl import Command, Kernel, KernelError, Snapshot, Status
from model import Scope

Choice = Mapping[str, int]
"""Parameter name ("key", "fails[1]", …) to the position of its value."""


class Subject:
    """A booted kernel under one design and scope, driven by the model's calls.

    `absent` are the packages that are not in the machine at boot. `requested` maps a key object's
    position to (kind, label) of what its owner last got.
    """

    def __init__(self, design: Design, scope: Scope, absent: Iterable[int] = ()) -> None:
        self.design = design
        self.scope = scope
        self.kernel = Kernel(
            design, scope.packages, scope.cpus, scope.keyids, absent=frozenset(absent)
        )
        self.serials: dict[int, int] = {}
        self.requested: dict[int, tuple[str, str]] = {}
        self.refusal = ""

    def snapshot(self) -> Snapshot:
        """The moment between two calls: the kernel, and what its environment knows."""
        return Snapshot(self)

    def restore(self, moment: Snapshot) -> None:
        """Bring a moment of this subject back, any number of times."""
        moment.restore()

    def call(self, grounding: Grounding, call: Call) -> str:
        """Make the call, with its choice of faults; gives "ok" or the errno's name.

        `refusal` keeps the kernel's own words when it is not "ok".
        """
        parameters = grounding.system.action(call.action).parameters
        choice = {p.name: v for p, v in zip(parameters, call.values, strict=True)}
        labels = call.labelled(grounding.system)
        self.refusal = ""
        try:
            getattr(self, f"_{call.action}")(choice, labels)
        except KernelError as error:
            self.refusal = str(error)
            return error.name
        finally:
            self.kernel.machine.faults = _no_faults
            self._forget_lost_keys()
        return "ok"

    def _instantiate(self, choice: Choice, labels: Mapping[str, str]) -> None:
        self._fail_on_packages(choice)
        text = payload(labels["kind"], labels["bytes"])
        serial = self.kernel.instantiate(text, self._wanted(choice))
        self.serials[choice["key"]] = serial
        self.requested[choice["key"]] = (labels["kind"], labels["bytes"])

    def _update(self, choice: Choice, labels: Mapping[str, str]) -> None:
        self._fail_on_packages(choice)
        text = payload(labels["kind"], labels["bytes"])
        self.kernel.update(self.serials[choice["key"]], text)
        self.requested[choice["key"]] = (labels["kind"], labels["bytes"])

    def _destroy(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self._fail_on_packages(choice)
        self.kernel.destroy(self.serials[choice["key"]])

    def _extend(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self._fail_always(bool(choice["fails"]))
        text = payload(*self.requested[choice["key"]])
        self.kernel.extend(self.serials[choice["key"]], choice["package"], text)

    def _preparse_error(self, _choice: Choice, labels: Mapping[str, str]) -> None:
        everywhere = range(self.scope.packages) if self._is_per_package else None
        self.kernel.instantiate(malformed_payload(labels["bytes"]), everywhere)

    def _package_add(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.package_add(choice["package"])

    def _cpu_startup(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        if choice.get("fails"):
            struck = choice["fails_at"] + 1

            def faults(_package: int, keyid: int, _command: Command) -> Status:
                return Status.DEVICE_BUSY if keyid == struck else Status.PROG_SUCCESS

            self.kernel.machine.faults = faults
        self.kernel.resupply = self._owners_answer if choice.get("answered") else _no_answer
        self.kernel.cpu_startup(choice["package"], choice["cpu"])

    def _cpu_teardown(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self.kernel.cpu_teardown(choice["package"], choice["cpu"])

    def _retry_clear(self, choice: Choice, _labels: Mapping[str, str]) -> None:
        self._fail_always(bool(choice["fails"]))
        self.kernel.retry_clear(choice["package"], choice["keyid"] + 1)

    @property
    def _is_per_package(self) -> bool:
        return self.design.keyid_scope == "per_package"

    def _wanted(self, choice: Choice) -> list[int] | None:
        if not self._is_per_package:
            return None
        return [p for p in range(self.scope.packages) if choice[f"wanted[{p}]"]]

    def _fail_on_packages(self, choice: Choice) -> None:
        """A chosen failure lasts as long as the call, and so outlasts the kernel's retries."""
        failing = {p for p in range(self.scope.packages) if choice[f"fails[{p}]"]}

        def faults(package: int, _keyid: int, _command: Command) -> Status:
            return Status.DEVICE_BUSY if package in failing else Status.PROG_SUCCESS

        self.kernel.machine.faults = faults

    def _fail_always(self, fails: bool) -> None:
        if fails:
            self.kernel.machine.faults = lambda *_: Status.DEVICE_BUSY

    def _owners_answer(self, serial: int) -> bytes | None:
        for key, known in self.serials.items():
            if known == serial:
                return payload(*self.requested[key])
        return None

    def _forget_lost_keys(self) -> None:
        """A key that was destroyed, or lost its KeyIDs to a failed update, is a key no more."""
        live = self.kernel.live_serials()
        for key in [key for key, serial in self.serials.items() if serial not in live]:
            del self.serials[key], self.requested[key]


def _no_faults(_package: int, _keyid: int, _command: Command) -> Status:
    return Status.PROG_SUCCESS


def _no_answer(_serial: int) -> bytes | None:
    return None
