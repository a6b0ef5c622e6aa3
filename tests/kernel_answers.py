"""The catalogue's claims on what calls answer, judged of a running kernel as `kernel_claims` says.

READINGS:
* teardown-admitted does not ask that the machine's last online CPU goes: no kernel lets it.
* user-keys-admitted speaks of new keys, of callers with the capability, and of packages whose
  memory is present; a KeyID that is out of service is not free.
* payload-as-documented: a payload is accepted when anything but EINVAL is answered.
* failure-is-noop leaves out freed memory and serial numbers yet to come; memory that is never
  freed is a change. No kernel can take a PCONFIG back, nor what a range of pages has changed
  before it stops; ``refusal-is-noop`` is the part of the claim that a kernel can keep.
"""

from __future__ import annotations

from collections.abc import Callable

from kernel_digest import changed
from kernel_pages import Watcher

Claim = Callable[[Watcher], list[str]]


def admitted(claim: str) -> Claim:
    """A call that is due is not refused, unless a PCONFIG failed."""

    def judge(watcher: Watcher) -> list[str]:
        step = watcher.step
        if step.due != claim or step.refusal is None or step.pconfig_failed:
            return []
        return [f"{step.verb} answers {step.refusal.name}: {step.refusal}"]

    return judge


def no_deadlock(watcher: Watcher) -> list[str]:
    """Some operation in flight can always take a step."""
    return [watcher.step.hung] if watcher.step.hung and not watcher.step.is_endless else []


def operations_finish(watcher: Watcher) -> list[str]:
    """Every operation returns, if transient failures are finite."""
    return [watcher.step.hung] if watcher.step.hung else []


def no_lost_lock(watcher: Watcher) -> list[str]:
    """Between operations no lock is held."""
    return [f"the {lock.name} is held" for lock in watcher.locks if lock.is_held]


def in_bounds(watcher: Watcher) -> list[str]:
    """Every array, bitmap and buffer access is within bounds."""
    return [f"{event.what}[{event.index}]" for event in watcher.kernel.events]


def payload_as_documented(watcher: Watcher) -> list[str]:
    """Exactly the documented payloads are accepted."""
    step = watcher.step
    if step.payload is None or step.hung:
        return []
    if step.payload.documented and watcher.design.unreachable_package == "refuse_keys":
        dark = (p for p in watcher.machine.packages if p.memory_present and not p.has_online_cpu())
        if next(dark, None):
            # The parser may well have accepted it: this EINVAL is another one.
            return []
    is_refused = step.refusal is not None and step.refusal.name == "EINVAL"
    if is_refused == step.payload.documented:
        word = "refused" if is_refused else "accepted"
        return [f"the payload '{step.payload.name}' is {word}"]
    return []


def failure_is_noop(watcher: Watcher) -> list[str]:
    """An operation that returns an error has changed nothing that can be observed later."""
    step = watcher.step
    if step.refusal is None:
        return []
    names = changed(step.old, step.new)
    return [f"{step.verb} answers {step.refusal.name} and changed {name}" for name in names]


def refusal_is_noop(watcher: Watcher) -> list[str]:
    """The same where no PCONFIG failed and no part of a range was accepted: mere refusals."""
    if watcher.step.pconfig_failed or watcher.step.spans:
        return []
    return failure_is_noop(watcher)


ANSWERS: dict[str, Claim] = {
    "hotplug-admitted": admitted("hotplug-admitted"),
    "teardown-admitted": admitted("teardown-admitted"),
    "user-keys-admitted": admitted("user-keys-admitted"),
    "migration-admitted": admitted("migration-admitted"),
    "no-deadlock": no_deadlock,
    "no-lost-lock": no_lost_lock,
    "operations-finish": operations_finish,
    "in-bounds": in_bounds,
    "payload-as-documented": payload_as_documented,
    "failure-is-noop": failure_is_noop,
    "refusal-is-noop": refusal_is_noop,
}
