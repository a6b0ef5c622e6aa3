"""Decides what a moment of a running kernel consists of, and brings it back.

A snapshot is found by walking whatever the kernel refers to, not by asking each class what it would
like to keep: state that somebody adds later is found too, and what the walk has no rule for is
refused. Objects keep their identity. What can change is copied one level deep and written back in
place, so that a snapshot serves any number of times and shares everything that cannot change: bytes
(a page of DRAM is one immutable string), values, and the ciphers, which need not be built again.

Between operations only: a generator is taken for an operation whose thread waits for ever. It does
nothing more, so there is nothing in it to bring back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from enum import Enum
from random import Random
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    NoneType,
    WrapperDescriptorType,
)
from typing import Any, Final, Generic, Protocol

from impl.hardware.engine import LineEngine

UNCHANGING: Final = frozenset(
    {
        BuiltinFunctionType,
        GeneratorType,
        NoneType,
        bool,
        bytes,
        float,
        int,
        range,
        str,
        type,
        # It remembers tweaks that follow from its keys, and nothing else.
        LineEngine,
    }
)
"""Types whose objects never answer differently, whatever happens to the kernel."""

_EMPTY: Final = object()
_HEAP_TYPE: Final = 1 << 9
_WRITTEN_IN_C: Final = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)


class Snapshot:
    """Everything that a root object refers to and that can change, as it was when this was made.

    Opaque: it shows nothing of what it holds. Raises TypeError for a kind of object that the walk
    has no rule for.
    """

    __slots__ = ("_ahead", "_cells", "_dicts", "_lists", "_sets", "_slots", "_streams")

    def __init__(self, root: object) -> None:
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._sets: list[tuple[set[Any], set[Any]]] = []
        self._cells: list[tuple[CellType, object]] = []
        self._slots: list[tuple[object, str, object]] = []
        self._streams: list[tuple[Random, tuple[Any, ...]]] = []
        self._ahead: list[Any] = [root]
        # Everything met is held by the root or by a copy, so no id is used twice.
        met: set[int] = set()
        while self._ahead:
            found = self._ahead.pop()
            kind = type(found)
            if kind not in UNCHANGING and id(found) not in met:
                met.add(id(found))
                (_RULES.get(kind) or _rule(kind))(self, found)

    def restore(self) -> None:
        """Bring the moment back: every object that belonged to it is as it was then."""
        for mapping, entries in self._dicts:
            mapping.clear()
            mapping.update(entries)
        for sequence, items in self._lists:
            sequence[:] = items
        for collection, members in self._sets:
            collection.clear()
            collection.update(members)
        for cell, content in self._cells:
            if content is _EMPTY:
                del cell.cell_contents
            else:
                cell.cell_contents = content
        for owner, name, value in self._slots:
            if value is not _EMPTY:
                object.__setattr__(owner, name, value)
            elif hasattr(owner, name):
                object.__delattr__(owner, name)
        for stream, state in self._streams:
            stream.setstate(state)

    # One rule for each kind of object: keep what can change, and go on to what it refers to.

    def _instance(self, found: Any) -> None:
        attributes = found.__dict__
        self._dicts.append((attributes, attributes.copy()))
        self._members(attributes.values())

    def _slotted(self, found: object) -> None:
        if hasattr(found, "__dict__"):
            self._instance(found)
        for kind in type(found).__mro__:
            for name in _slots_of(kind):
                value = getattr(found, name, _EMPTY)
                self._slots.append((found, name, value))
                if value is not _EMPTY:
                    self._ahead.append(value)

    def _dict(self, found: dict[Any, Any]) -> None:
        self._dicts.append((found, found.copy()))
        self._members(found)
        self._members(found.values())

    def _list(self, found: list[Any]) -> None:
        self._lists.append((found, found.copy()))
        self._members(found)

    def _set(self, found: set[Any]) -> None:
        self._sets.append((found, found.copy()))
        self._members(found)

    def _members(self, found: Iterable[Any]) -> None:
        self._ahead += [member for member in found if type(member) not in UNCHANGING]

    def _function(self, found: FunctionType) -> None:
        self._ahead.extend(found.__closure__ or ())
        self._ahead.extend(found.__defaults__ or ())
        self._ahead.extend((found.__kwdefaults__ or {}).values())

    def _method(self, found: MethodType) -> None:
        self._ahead.append(found.__self__)

    def _cell(self, found: CellType) -> None:
        try:
            content = found.cell_contents
        except ValueError:
            self._cells.append((found, _EMPTY))
        else:
            self._cells.append((found, content))
            self._ahead.append(content)

    def _random(self, found: Random) -> None:
        self._streams.append((found, found.getstate()))

    def _nothing(self, found: object) -> None:
        pass


_Rule = Callable[[Snapshot, Any], None]

_RULES: dict[type, _Rule] = {
    dict: Snapshot._dict,
    list: Snapshot._list,
    set: Snapshot._set,
    tuple: Snapshot._members,
    frozenset: Snapshot._members,
    FunctionType: Snapshot._function,
    MethodType: Snapshot._method,
    CellType: Snapshot._cell,
    Random: Snapshot._random,
}


def _rule(kind: type) -> _Rule:
    """The rule for a type that is met for the first time. Raises TypeError where there is none."""
    rule: _Rule
    if issubclass(kind, Enum | type):
        rule = Snapshot._nothing
    elif not all(map(_is_written_in_python, kind.__mro__)):
        raise TypeError(f"cannot take a snapshot: there is no rule for {kind.__qualname__}")
    elif _is_frozen(kind):
        rule = _frozen_rule(kind)
    else:
        rule = Snapshot._instance if not any(map(_slots_of, kind.__mro__)) else Snapshot._slotted
    return _RULES.setdefault(kind, rule)


def _is_written_in_python(kind: type) -> bool:
    """Whether its objects keep their state in attributes alone, as far as this class goes."""
    if kind in (object, Generic, Protocol):
        return True
    return bool(kind.__flags__ & _HEAP_TYPE) and not any(
        isinstance(member, _WRITTEN_IN_C) for member in vars(kind).values()
    )


def _slots_of(kind: type) -> tuple[str, ...]:
    names = vars(kind).get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _is_frozen(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def _frozen_rule(kind: Any) -> _Rule:
    """A frozen dataclass refers to the same things for ever; only they can change."""
    names = [field.name for field in dataclasses.fields(kind)]

    def rule(snapshot: Snapshot, found: Any) -> None:
        snapshot._members([getattr(found, name) for name in names])

    return rule
