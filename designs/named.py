"""Which designs have a name: presets for the positions in the debate.

A preset lists only the postures that it takes; a posture that is not listed is as posted. The
designs other than the two posted ones have every detail repaired, so that what remains broken in
them is what the posture costs.
"""

from __future__ import annotations

from collections.abc import Mapping

from designs.knobs import DETAILS, KNOBS, Design, DesignError, nearest
from designs.known import Known


def repaired(design: Design) -> Design:
    """The design with every detail repaired and its postures kept."""
    return design.but(**{name: KNOBS[name].repaired for name in DETAILS})


def _named(name: str, details: str, **posture: str) -> Design:
    settings = {knob: KNOBS[knob].repaired for knob in DETAILS} if details == "repaired" else {}
    return Design(name=name, **posture, **settings)


_KEEP_IN_REACH = {"teardown": "keep_last_lead", "unreachable_package": "refuse_keys"}

DESIGNS: Mapping[str, Design] = {
    design.name: design
    for design in (
        _named("rfc-v2", "posted"),
        _named("rfc-v2-savekeys", "posted", savekeys="on"),
        _named("rfc-v2-fixed", "repaired"),
        _named("rfc-v2-savekeys-fixed", "repaired", savekeys="on"),
        _named("no-hotplug", "repaired", startup_gate="refuse_any_key", **_KEEP_IN_REACH),
        _named("cpu-keys-only", "repaired", user_keys="refused"),
        _named("per-package", "repaired", keyid_scope="per_package"),
        _named("wrapped-vault", "repaired", savekeys="on", vault_form="wrapped", **_KEEP_IN_REACH),
        _named("resupply", "repaired", startup_gate="resupply", **_KEEP_IN_REACH),
    )
}


KNOWN_DESIGNS: Known[Design] = Known(DESIGNS)
"""Every design that a text may name: these, and those that a user has added."""


def design_from_text(text: str) -> Design:
    """Read `NAME[,knob=value…]`, as given on a command line. Raises DesignError."""
    name, *changes = text.split(",")
    if name not in KNOWN_DESIGNS:
        raise DesignError(f"unknown design {name!r}{nearest(name, KNOWN_DESIGNS)}")
    settings: dict[str, str] = {}
    for change in changes:
        knob, equals, value = change.partition("=")
        if not equals:
            raise DesignError(f"expected knob=value after the design's name, got {change!r}")
        if knob in settings:
            raise DesignError(f"knob {knob} is set twice")
        settings[knob] = value
    return KNOWN_DESIGNS[name].but(**settings)
