"""What a page is told: everything that it shows of a path, in words, grids and choices.

A page sends a path and what is to be done with it, and gets a view. Nothing is remembered between
two requests but what makes the next one quick (`shelf`).
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Final, Literal

from pydantic import Field

from designs import KNOBS, KNOWN_DESIGNS
from mktme.explore.lamps import Lamp
from mktme.explore.offers import Offer
from mktme.explore.opening import OpenedCall
from mktme.explore.paths import SIZES, TEXT_MAX
from mktme.explore.regions import Region
from mktme.explore.session import Session
from mktme.explore.world import claims_of
from mktme.results.shape import Shape
from mktme.traces.document import Call, Frame
from model import LIMITS, SYSTEMS
from properties import KNOWN_PROPERTIES

SYSTEM_TITLES: Final = {
    "": "Key service",
    "locks": "Threads and locks",
    "payload": "Payload parser",
}
"""What each of a design's systems is called."""

PathText = Annotated[str, Field(max_length=TEXT_MAX)]


class Going(Shape):
    """Where to go: along a path, and then perhaps one call further.

    With `as_far`, a path whose later calls the machine does not have is gone as far as it has them.
    """

    path: PathText
    then: OpenedCall | None = None
    as_far: bool = False


class Title(Shape):
    """A system, a design, or anything else that is chosen by name."""

    name: str
    words: str


class Setting(Shape):
    """A knob: its value, and what else it can be, with what each value means."""

    name: str
    kind: Literal["posture", "detail"]
    value: str
    values: tuple[Title, ...]


class Boot(Shape):
    """How the machine boots: which packages are absent, and whether TME is in bypass.

    `packages` may be absent; without any, and without `has_bypass`, there is nothing to choose.
    """

    words: str
    packages: tuple[int, ...]
    absent: tuple[int, ...]
    has_bypass: bool
    bypass: bool


class Bound(Shape):
    """A bound of the scope, with its least and greatest value."""

    name: str
    value: int
    least: int
    greatest: int


class Implementation(Shape):
    """What the implementation does beside: whether the same, and what lies in its memory.

    `note` says what is compared in a system that has no memory to look at.
    """

    agrees: bool
    disagreement: str
    note: str
    regions: tuple[Region, ...]


class Elsewhere(Shape):
    """Properties that are judged in another system."""

    system: str
    title: str
    properties: tuple[str, ...]


class View(Shape):
    """All that is shown of a path. `notice`: what else there is to say, such as how far it went.

    `violated` has for the start and each call the properties that it violates.
    """

    format: Literal["mktme-explore"] = "mktme-explore"
    version: Literal[1] = 1
    path: str
    notice: str
    design: str
    designs: tuple[Title, ...]
    knobs: tuple[Setting, ...]
    system: str
    systems: tuple[Title, ...]
    scope: str
    bounds: tuple[Bound, ...]
    boot: Boot
    calls: tuple[Call, ...]
    violated: tuple[tuple[str, ...], ...]
    frame: Frame
    lamps: tuple[Lamp, ...]
    elsewhere: tuple[Elsewhere, ...]
    offers: tuple[Offer, ...]
    implementation: Implementation


class Refusal(Shape):
    """Why something is not done, in one line."""

    error: str


_NOTES: Final = {
    "": "",
    "locks": "Every step is made by the kernel's own threads on its own locks, and compared.",
    "payload": "Every text is handed to the running parser, ended where the run is, and compared.",
}


def view_of(session: Session, notice: str = "") -> View:
    """Everything that is shown of where a session is."""
    path = session.path
    return View(
        path=str(path),
        notice=notice,
        design=path.design.name,
        designs=tuple(Title(name=name, words=name) for name in KNOWN_DESIGNS),
        knobs=tuple(
            Setting(
                name=name,
                kind=knob.kind,
                value=path.design.settings()[name],
                values=tuple(Title(name=n, words=w) for n, w in knob.meanings.items()),
            )
            for name, knob in KNOBS.items()
        ),
        system=path.system,
        systems=tuple(Title(name=name, words=SYSTEM_TITLES[name]) for name in SYSTEMS),
        scope=str(path.scope),
        bounds=tuple(
            Bound(name=n, value=value, least=LIMITS[n][0], greatest=LIMITS[n][1])
            for n, value in dataclasses.asdict(path.scope).items()
            if n in _BOUNDS[path.system]
        ),
        boot=_boot(session),
        calls=session.calls(),
        violated=tuple(
            tuple(sorted(red, key=list(KNOWN_PROPERTIES).index)) for red in session.violated
        ),
        frame=session.frame(),
        lamps=session.lamps(),
        elsewhere=_elsewhere(path.system),
        offers=session.offers(),
        implementation=Implementation(
            agrees=not session.disagreement,
            disagreement=session.disagreement,
            note=_NOTES[path.system],
            regions=session.regions(),
        ),
    )


_BOUNDS: Final = {
    "": tuple(bound for bound in SIZES if bound != "threads"),
    "locks": ("threads",),
    "payload": (),
}
"""The bounds that matter to each system."""


def _boot(session: Session) -> Boot:
    starts, path = session.world.starts, session.path
    return Boot(
        words=session.start(),
        packages=tuple(sorted({p for absent, _ in starts for p in absent})),
        absent=path.absent,
        has_bypass=any(bypass for _, bypass in starts),
        bypass=path.bypass,
    )


def _elsewhere(system: str) -> tuple[Elsewhere, ...]:
    return tuple(
        Elsewhere(
            system=other,
            title=SYSTEM_TITLES[other],
            properties=tuple(claim.id for claim in claims_of(other)),
        )
        for other in SYSTEMS
        if other != system
    )
