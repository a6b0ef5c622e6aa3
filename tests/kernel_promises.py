"""Which claims a design promises, and what breaks the others: a mistake, or the price of a posture.

A `Loss` names a claim, the settings that lose it, and a short run that shows it. A design promises
what no loss takes away. Settings of detail knobs are mistakes of the posted code, and the repair is
another value; settings of postures alone are prices. No run here is about interleavings, so that
nothing is lost to ``lock_order``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import kernel_runs as runs
from kernel_claims import CLAIMS, violations
from kernel_pages import Watcher
from kernel_step import NotAdmitted

from designs import Design

Run = Callable[[Watcher], Any]


@dataclass(frozen=True)
class Loss:
    """Under these settings the claim does not hold; ``run`` shows it on the ``machine``."""

    claim: str
    settings: dict[str, str]
    run: Run
    machine: dict[str, Any] = field(default_factory=dict)

    def takes_from(self, design: Design) -> bool:
        """Whether the design has all of the settings."""
        return all(getattr(design, knob) == value for knob, value in self.settings.items())

    def __str__(self) -> str:
        knobs = ", ".join(f"{knob}={value}" for knob, value in self.settings.items())
        return f"{self.claim}: {knobs or 'every design'}: {self.run.__name__}"


PLAIN, ADDED, MANY = {"tme": "off"}, {"absent": (1,)}, {"keyids": 64}

GLOBAL = {"keyid_scope": "global"}
PER_PACKAGE = {"keyid_scope": "per_package"}
# With per-package KeyIDs either of these being otherwise keeps a key's packages in step.
OUT_OF_REACH = PER_PACKAGE | {"unreachable_package": "ignored", "teardown": "always"}
IGNORED = GLOBAL | {"unreachable_package": "ignored"}
LEAVE = {"on_program_failure": "leave"}
ADDRESS = {"key_lookup": "by_address"}
UNSAVED = {"savekeys": "off"}
UNCOUNTED = GLOBAL | UNSAVED | {"bitmap_bits": "n", "startup_gate": "user_bitmap"}
USER_BITMAP = GLOBAL | UNSAVED | {"startup_gate": "user_bitmap", "user_keys": "allowed"}

LOSSES = (
    # Mistakes of the posted code
    Loss("tables-agree", LEAVE, runs.update_fails_on_a_package),
    Loss("memory-agrees", LEAVE, runs.update_fails_on_a_package),
    Loss("table-as-requested", LEAVE, runs.update_fails_on_a_package),
    Loss("released-is-clear", LEAVE, runs.add_fails_on_a_package),
    Loss("bitmap-exact", {"bitmap_bits": "n"}, runs.the_last_keyid_gets_a_user_key),
    Loss(
        "bitmap-exact",
        LEAVE | {"bitmap_update": "clear_before_program"},
        runs.update_fails_everywhere,
    ),
    Loss("tables-agree", UNCOUNTED, runs.a_user_key_with_the_last_keyid_meets_the_gate),
    Loss("table-as-requested", UNCOUNTED, runs.a_user_key_with_the_last_keyid_meets_the_gate),
    Loss("live-data-intact", UNCOUNTED, runs.data_under_the_last_keyid_meets_the_gate),
    Loss("right-key", UNCOUNTED, runs.data_under_the_last_keyid_meets_the_gate),
    Loss("no-lost-lock", {"error_unlock": "missing"}, runs.a_used_key_is_updated),
    Loss("refusal-is-noop", {"error_unlock": "missing"}, runs.a_used_key_is_updated),
    Loss("no-deadlock", {"error_unlock": "missing"}, runs.a_key_is_added_after_a_busy_update),
    Loss("no-deadlock", {"last_put": "locks_again"}, runs.the_last_user_takes_another_key),
    Loss("operations-finish", {"error_unlock": "missing"}, runs.a_key_is_added_after_a_busy_update),
    Loss("operations-finish", {"last_put": "locks_again"}, runs.the_last_user_takes_another_key),
    Loss("released-is-clear", {"on_release": "keep"}, runs.a_key_is_destroyed),
    Loss(
        "no-plaintext-after-release",
        {"savekeys": "on", "vault_on_release": "keep", "vault_form": "plaintext"},
        runs.a_key_is_destroyed,
    ),
    Loss(
        # Clearing the KeyID's entries would fill the same structure again.
        "no-plaintext-after-release",
        {"program_struct": "dirty_free", "on_release": "keep"},
        runs.a_key_is_destroyed,
    ),
    Loss(
        "no-plaintext-unsaved",
        UNSAVED | {"program_struct": "dirty_free"},
        runs.a_user_key_is_added,
    ),
    Loss("cold-boot-keys", {"program_struct": "dirty_free"}, runs.a_user_key_is_added, PLAIN),
    Loss(
        "no-plaintext-unsaved",
        UNSAVED | {"parse_error": "leaks_payload"},
        runs.a_malformed_payload,
    ),
    Loss("refusal-is-noop", {"parse_error": "leaks_payload"}, runs.a_malformed_payload),
    Loss(
        "cold-boot-keys",
        {"parse_error": "leaks_payload"},
        runs.a_malformed_payload_then_a_whole_one,
        PLAIN,
    ),
    Loss(
        "no-plaintext-after-release",
        {"parse_error": "leaks_payload"},
        runs.a_malformed_payload_then_a_key_destroyed,
    ),
    Loss("in-bounds", {"parser": "lenient"}, runs.a_user_key_is_added),
    Loss("in-bounds", {"count_entries": "n"}, runs.every_keyid_gets_a_key),
    Loss("in-bounds", {"bitmap_bits": "n"}, runs.a_word_full_of_keyids, MANY),
    Loss("payload-as-documented", {"parser": "lenient"}, runs.a_forbidden_payload),
    Loss("no-dangling", ADDRESS, runs.a_used_key_is_destroyed),
    Loss("map-exact", ADDRESS, runs.its_object_is_reused),
    Loss("table-as-requested", ADDRESS, runs.the_key_in_its_object_is_updated),
    Loss("live-data-intact", ADDRESS, runs.the_key_in_its_object_is_updated),
    Loss("right-key", ADDRESS, runs.the_key_in_its_object_encrypts),
    Loss("no-neighbour", ADDRESS, runs.its_object_is_reused),
    Loss("refcount-exact", ADDRESS, runs.the_key_in_its_object_is_destroyed),
    Loss("no-lost-keyid", GLOBAL | ADDRESS, runs.the_key_in_its_object_is_destroyed),
    # Prices of postures
    Loss("memory-agrees", IGNORED, runs.a_key_is_added_past_a_dark_package),
    Loss("right-key", IGNORED, runs.its_vma_may_have_pages_there),
    Loss("never-in-clear", IGNORED, runs.its_data_lies_there, PLAIN),
    Loss("cold-boot-data", IGNORED, runs.its_data_lies_there, PLAIN),
    Loss("no-neighbour", IGNORED, runs.its_data_lies_there_beside_another_key),
    Loss("live-data-intact", IGNORED, runs.the_package_comes_back_over_its_data),
    Loss(
        "live-data-intact",
        GLOBAL | {"teardown": "always"},
        runs.a_package_comes_back_over_data_of_a_cpu_key,
    ),
    Loss(
        "cold-boot-keys",
        {"savekeys": "on", "vault_form": "plaintext"},
        runs.a_user_key_is_added,
        PLAIN,
    ),
    Loss("hotplug-admitted", USER_BITMAP, runs.a_package_is_added_to_a_user_key, ADDED),
    Loss(
        "hotplug-admitted",
        {"startup_gate": "refuse_any_key"},
        runs.a_package_is_added_to_any_key,
        ADDED,
    ),
    Loss(
        "hotplug-admitted",
        {"startup_gate": "resupply", "user_keys": "allowed"},
        runs.a_package_is_added_to_a_user_key,
        ADDED,
    ),
    Loss("teardown-admitted", {"teardown": "keep_last_lead"}, runs.a_package_goes_dark_with_a_key),
    Loss(
        "user-keys-admitted",
        {"unreachable_package": "refuse_keys"},
        runs.a_user_key_is_added_past_a_dark_package,
    ),
    Loss("user-keys-admitted", {"user_keys": "refused"}, runs.a_user_key_is_added),
    Loss("payload-as-documented", {"user_keys": "refused"}, runs.a_user_key_is_added),
    Loss("user-keys-admitted", PER_PACKAGE, runs.a_user_key_is_wanted_on_a_dark_package),
    Loss("migration-admitted", PER_PACKAGE, runs.a_page_is_to_leave_its_package),
    Loss("keyid-names-key", PER_PACKAGE, runs.two_packages_have_keys_of_their_own),
    Loss("memory-agrees", OUT_OF_REACH, runs.a_key_is_updated_past_a_dark_package),
    Loss("tables-agree", OUT_OF_REACH, runs.the_package_comes_back_to_the_updated_key),
    Loss("table-as-requested", OUT_OF_REACH, runs.the_package_comes_back_to_the_updated_key),
    Loss("right-key", OUT_OF_REACH, runs.the_updated_key_encrypts),
    Loss("never-in-clear", OUT_OF_REACH, runs.data_of_the_updated_key_lies_there, PLAIN),
    Loss("cold-boot-data", OUT_OF_REACH, runs.data_of_the_updated_key_lies_there, PLAIN),
    Loss("no-neighbour", OUT_OF_REACH, runs.data_of_the_updated_key_lies_beside_another),
    # No design can take a programming back, nor what a range has changed before it stopped.
    Loss("failure-is-noop", {}, runs.add_fails_on_a_package),
    Loss("failure-is-noop", {}, runs.a_range_with_a_gap),
)


def not_applicable(design: Design) -> dict[str, str]:
    """The claims whose premise the design's own setting excludes, with the setting."""
    found = {}
    if design.savekeys == "on":
        found["no-plaintext-unsaved"] = "savekeys=on"
    if design.user_keys == "refused":
        without = "user_keys=refused"
        found |= dict.fromkeys(("bitmap-exact", "cold-boot-keys", "cold-boot-keys-tme"), without)
    return found


def losses_of(design: Design) -> list[Loss]:
    """What takes claims from a design."""
    return [loss for loss in LOSSES if loss.takes_from(design)]


def promised(design: Design) -> list[str]:
    """The ids of the claims that the design keeps; those that do not apply are kept for nothing."""
    lost = {loss.claim for loss in losses_of(design)}
    return [claim for claim in CLAIMS if claim not in lost]


def calls_until(design: Design, loss: Loss) -> int | None:
    """After how many calls the run of a loss breaks its claim in a design; None if it does not."""
    return watch(design, loss.run, loss.machine, [loss.claim]).get(loss.claim)


def watch(
    design: Design, run: Run, machine: dict[str, Any], claims: Iterable[str]
) -> dict[str, int]:
    """Make a run: id -> after how many calls it was violated first, for those of the claims."""
    watcher, found = Watcher(design, **machine), dict[str, int]()

    def judge() -> None:
        for claim in claims:
            if claim not in found and violations(watcher, claim):
                found[claim] = len(watcher.steps)
        if watcher.is_stuck:
            raise NotAdmitted

    watcher.between = judge
    try:
        run(watcher)
        judge()
    except NotAdmitted:
        pass
    return found
