"""How much of a cube is needed for what is known of it: fewer atoms exclude more states."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

from checker.ic3.atoms import Cube
from checker.ic3.frames import Frames

IMAGES_MAX = 2000
"""How many images of one cube are tried at most."""


class Generaliser:
    """Makes cubes smaller as Bradley does, and finds their images under permutations.

    `renamings` are permutations of literals, each generating its group together with the others.
    That they are symmetries is not taken for granted: every image is asked about.
    """

    def __init__(self, frames: Frames, renamings: Sequence[Mapping[int, int]] = ()) -> None:
        self._frames = frames
        self._renamings = renamings
        self._uses: Counter[int] = Counter()

    def generalise(self, cube: Cube, level: int) -> Cube:
        """A part of a cube that is unreachable from the frame of that level, as the cube is.

        It is minimal: with one literal less it meets the initial states or can be entered. Atoms
        that earlier cubes needed are dropped last.
        """
        order = sorted(cube, key=lambda literal: (self._uses[literal], -abs(literal)))
        for literal in order:
            if literal not in cube:
                continue
            rest = tuple(other for other in cube if other != literal)
            if not self._frames.start.meets(rest):
                cube = self._frames.unreachable(rest, level) or cube
        self._uses.update(cube)
        return cube

    def spread(self, cube: Cube, level: int) -> None:
        """Exclude from frames 1 … level those images of an excluded cube that no step enters.

        Only images of excluded cubes are looked at, so a wrong permutation soon ends the search.
        """
        frames = self._frames
        seen = {frozenset(cube)}
        waiting = deque(seen)
        while waiting:
            current = waiting.popleft()
            for renaming in self._renamings:
                image = frozenset(renaming.get(literal, literal) for literal in current)
                if image in seen or len(seen) > IMAGES_MAX:
                    continue
                seen.add(image)
                if frames.excludes(image, level):
                    waiting.append(image)
                elif self._is_unreachable(image, level - 1):
                    frames.add(image, level)
                    waiting.append(image)

    def _is_unreachable(self, image: frozenset[int], level: int) -> bool:
        if any(-literal in image for literal in image) or self._frames.start.meets(image):
            return False
        return self._frames.unreachable(tuple(sorted(image, key=abs)), level) is not None
