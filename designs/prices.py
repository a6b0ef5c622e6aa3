"""What a posture costs: the properties that a design gives up by its very nature.

A *price* is a violation that no repair of a detail would remove: it follows from the postures
alone. It is no mistake of the design; a comparison must show it as what that position costs. The
tests hold this text against the checker: with every detail repaired, the properties listed here
are the ones that are violated, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from designs.knobs import Design


def prices(design: Design) -> Mapping[str, str]:
    """Property id to one sentence that says what is given up, and for what."""
    found: dict[str, str] = {}
    if design.user_keys == "refused":
        found["payload-as-documented"] = "a documented payload of type=user is refused"
    if design.keyid_scope == "per_package":
        return found | _prices_per_package(design)
    if design.unreachable_package == "ignored":
        found["memory-agrees"] = (
            "keys are programmed without the packages that have no online CPU, although their"
            " memory stays in use"
        )
    keeps_nothing = design.savekeys == "off" and design.user_keys == "allowed"
    if design.startup_gate == "refuse_any_key":
        found["hotplug-admitted"] = "no package can come online while any key is in use"
    elif design.startup_gate == "user_bitmap" and keeps_nothing:
        found["hotplug-admitted"] = (
            "user keys are not kept, so no package can come online while one is in use"
        )
    elif design.startup_gate == "resupply" and keeps_nothing:
        found["hotplug-admitted"] = "a package stays offline until every user key's owner answers"
    elif design.startup_gate == "none" and keeps_nothing:
        broken = "a package comes online without the user keys that nobody kept"
        found |= {"tables-agree": broken, "memory-agrees": broken}
    return found


def _prices_per_package(design: Design) -> dict[str, str]:
    if design.unreachable_package == "ignored" and design.teardown == "always":
        missed = (
            "an update misses the packages of the key that have no online CPU, and a package that"
            " comes online again programs nothing"
        )
        return {"tables-agree": missed, "memory-agrees": missed}
    return {}
