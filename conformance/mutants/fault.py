"""What a mutant is: one fault, where it is, and what would have to notice it.

A fault of the implementation replaces one function of a class or module while a `with` block runs;
a fault of the model makes one action of a system take another step. Either is a mistake that
somebody could have made in that function, and never what a design's knob chooses anyway.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from checker.systems.effect import Effect
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import Action, Step, System, as_term
from designs import Design
from model import Scope, text_of

Owner = type | ModuleType
Faulty = Callable[[Any, Any, Step], Step]
"""The step that is taken instead: of the old state, the choice, and the right step."""

_NOT_THERE = object()


@dataclasses.dataclass(frozen=True)
class Patch:
    """A function of the implementation that is replaced: a method, or what a module calls."""

    owner: Owner
    name: str
    wrong: Any

    @property
    def where(self) -> str:
        """Module and function, as a reader finds them."""
        if isinstance(self.owner, ModuleType):
            return f"{self.owner.__name__}.{self.name}"
        return f"{self.owner.__module__}.{self.owner.__name__}.{self.name}"

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The fault is there inside the block, and gone after it, however it ends."""
        right = vars(self.owner).get(self.name, _NOT_THERE)
        setattr(self.owner, self.name, self.wrong)
        try:
            yield
        finally:
            if right is _NOT_THERE:
                delattr(self.owner, self.name)
            else:
                setattr(self.owner, self.name, right)


def around(owner: Owner, name: str, wrong: Callable[..., Any]) -> Patch:
    """A function that gets the right one before its own arguments."""
    right = getattr(owner, name)

    @functools.wraps(right)
    def faulty(*given: Any, **named: Any) -> Any:
        return wrong(right, *given, **named)

    return Patch(owner, name, faulty)


@dataclasses.dataclass(frozen=True)
class Change:
    """An action of the model that takes another step. `system` is one of `model.SYSTEMS`."""

    action: str
    faulty: Faulty
    system: str = ""

    @property
    def where(self) -> str:
        """The system and its action."""
        return f"model, {self.system or 'key service'}: {self.action}"

    def of(self, text: System) -> System:
        """The text with the fault in it. Raises ValueError where there is no such action."""
        if self.action not in {action.name for action in text.actions}:
            raise ValueError(f"cannot change {text.name}: it has no action {self.action}")
        actions = tuple(self._wrapped(a) if a.name == self.action else a for a in text.actions)
        return dataclasses.replace(text, actions=actions)

    def ground(self, design: Design, scope: Scope) -> Grounding:
        """The faulty system of a design in a scope."""
        return Grounding(self.of(text_of(design, self.system)(Finite(scope.sizes(design)))))

    def _wrapped(self, action: Action) -> Action:
        def step(old: Any, choice: Any) -> Step:
            return self.faulty(old, choice, action.step(old, choice))

        return dataclasses.replace(action, step=step)


def forgets(action: str, *families: str, system: str = "") -> Change:
    """The action leaves some families as they were. Raises ValueError if it never changes one."""

    def faulty(_old: Any, _choice: Any, right: Step) -> Step:
        if missing := set(families) - right.effect.keys():
            raise ValueError(f"{action} never changes {', '.join(sorted(missing))}")
        kept = {name: value for name, value in right.effect.items() if name not in families}
        return dataclasses.replace(right, effect=kept)

    return Change(action, faulty, system)


def only_where(action: str, where: Callable[..., Any], *families: str) -> Change:
    """The action changes some families only where `where(old, choice, *indices)` holds."""

    def faulty(old: Any, choice: Any, right: Step) -> Step:
        new = Effect(old)
        for name in families:
            value = right.effect[name]
            here = functools.partial(where, old, choice)
            new.set(name, lambda *at, here=here: here(*at), to=lambda *at, value=value: value(*at))
        return dataclasses.replace(right, effect={**right.effect, **new.cases()})

    return Change(action, faulty)


def blind(action: str, sees: Callable[[Any, Any], dict[str, Callable[..., Any]]]) -> Change:
    """The action gets other answers than the state gives to some of its questions.

    `sees(old, choice)` has for each predicate of `model.State` what it answers instead.
    """

    def faulty(old: Any, choice: Any, _right: Step) -> Step:
        interpretation = old._interpretation
        text = text_of(old.design)(interpretation)
        (step,) = (found.step for found in text.actions if found.name == action)
        said = {name: _method(answer) for name, answer in sees(old, choice).items()}
        view = type("Blind", (type(old),), said)
        return step(view(old.design, interpretation, old._values), choice)

    return Change(action, faulty)


def _method(answer: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _self, *asked: answer(*asked)


def yes(*_: Any) -> Any:
    """True of everything."""
    return as_term(True)


def no(*_: Any) -> Any:
    """True of nothing."""
    return as_term(False)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One named single fault.

    `wrong` is a sentence; `design` is the one it is tried in, over `scope`. `first` is the check
    that is tried first, because it is cheap there: a hint, and not the answer. `survives` explains
    why no check notices it, for a fault that is known not to be noticed.
    """

    id: str
    wrong: str
    layer: str
    fault: Patch | Change
    design: str = "rfc-v2-fixed"
    scope: Scope = Scope()  # noqa: RUF009 (it is immutable)
    first: str = "lockstep"
    survives: str = ""
