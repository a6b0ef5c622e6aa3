"""Counterexamples replay, tampered ones do not, and two engines agree on every cell."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest
from expected import CELLS, LENGTHS, SMALL
from runs import Run, grounded

from checker import Limits, Trace, answer, bounded, cone_of_influence, decide
from conformance import Replay, replay
from conformance.owners import user_key
from designs import DESIGNS, design_from_text
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Execution, Status
from impl.heap.slab import Object
from impl.service.program import Programmer
from mktme.judge import question_of
from model import Scope
from properties import PROPERTIES

SHORT = 4
"""Counterexamples up to this length are looked for in the default scope in every run."""

DEPTH = 5
"""How deep bounded search looks where there is no counterexample."""


def _marks(design: str, length: int) -> tuple[pytest.MarkDecorator, ...]:
    """Long counterexamples take long, and what is tried with one design need not be with all."""
    is_quick = length <= SHORT and design in ("rfc-v2", "rfc-v2-fixed", "no-hotplug")
    return () if is_quick else (pytest.mark.deep,)


IN_SMALL = [cell[:3] for cell in CELLS if cell[2]]
IN_DEFAULT = [
    pytest.param(design, property_id, length, marks=_marks(design, length))
    for design, property_id, small, length in CELLS
    if length and (length > SHORT or small != length)
]
"""Those that are as short in both scopes are left to the small one."""

NOT_IN_SMALL = [cell[:2] for cell in CELLS if not cell[2]]
NOT_IN_DEFAULT = [cell[:2] for cell in CELLS if not cell[3]]


VIOLATED = [cell for cell in CELLS if 0 < cell[3] <= 2][:6]


def counterexample(design: str, property_id: str) -> Trace:
    grounding = grounded(design_from_text(design), Scope())
    trace = decide(grounding.system, grounding.property(PROPERTIES[property_id])).trace
    assert trace is not None
    return trace


def replayed(design: str, property_id: str, trace: Trace, scope: Scope) -> Replay:
    chosen = design_from_text(design)
    return replay(chosen, scope, grounded(chosen, scope), PROPERTIES[property_id], trace)


def test_the_table_of_lengths_has_only_cells_that_apply() -> None:
    applying = {cell[:2] for cell in CELLS}
    assert set() == {(d, p) for d, row in LENGTHS.items() for p in row} - applying
    violated = [sum(cell[place] > 0 for cell in CELLS) for place in (2, 3)]
    assert (227, [76, 83]) == (len(CELLS), violated)


# The engines


def _both_engines(design: str, property_id: str, length: int, scope: Scope) -> None:
    """Exploration and bounded search find a counterexample of this length, and it replays."""
    grounding = grounded(DESIGNS[design], scope)
    claim = grounding.property(PROPERTIES[property_id])
    searched = bounded(cone_of_influence(grounding.system, claim), claim, length)
    assert ("VIOLATED", length) == (searched.word, searched.depth)
    explored = decide(grounding.system, claim, Limits(states_max=3_000_000))
    assert ("VIOLATED", length, "explore") == (explored.word, explored.depth, explored.engine)
    assert explored.trace is not None
    again = replayed(design, property_id, explored.trace, scope)
    assert "" == again.disagreement
    assert [step.answer for step in explored.trace.steps] == [step.answer for step in again.steps]
    assert [] != list(again.observed)


@pytest.mark.parametrize(("design", "property_id", "length"), IN_SMALL)
def test_both_engines_find_the_shortest_counterexample_of_a_small_scope_and_it_replays(
    design: str, property_id: str, length: int
) -> None:
    _both_engines(design, property_id, length, SMALL)


@pytest.mark.parametrize(("design", "property_id", "length"), IN_DEFAULT)
def test_both_engines_find_the_shortest_counterexample_and_it_replays(
    design: str, property_id: str, length: int
) -> None:
    _both_engines(design, property_id, length, Scope())


@pytest.mark.deep
@pytest.mark.parametrize(("design", "property_id"), NOT_IN_SMALL)
def test_both_engines_find_none_in_a_small_scope_where_there_is_none(
    design: str, property_id: str
) -> None:
    grounding = grounded(DESIGNS[design], SMALL)
    claim = grounding.property(PROPERTIES[property_id])
    searched = bounded(cone_of_influence(grounding.system, claim), claim, 8)
    assert ("HOLDS_TO", 8) == (searched.word, searched.depth)
    assert decide(grounding.system, claim).word in ("PROVED", "VACUOUS")


@pytest.mark.deep
@pytest.mark.parametrize(("design", "property_id"), NOT_IN_DEFAULT)
def test_bounded_search_finds_none_where_there_is_none(design: str, property_id: str) -> None:
    grounding = grounded(DESIGNS[design], Scope())
    claim = grounding.property(PROPERTIES[property_id])
    searched = bounded(cone_of_influence(grounding.system, claim), claim, DEPTH)
    assert ("HOLDS_TO", DEPTH) == (searched.word, searched.depth)


PLUS_ONE = [
    Scope(3, 2, 2, 2, 2, 1),
    Scope(2, 3, 2, 2, 2, 1),
    Scope(2, 2, 3, 2, 2, 1),
    Scope(2, 2, 2, 3, 2, 1),
    Scope(2, 2, 2, 2, 3, 1),
]


@pytest.mark.deep
@pytest.mark.parametrize("scope", PLUS_ONE, ids=str)
@pytest.mark.parametrize(("design", "property_id", "small", "default"), CELLS)
def test_a_bound_plus_one_changes_no_verdict(
    design: str, property_id: str, small: int, default: int, scope: Scope
) -> None:
    """The same violation, at most one call later, or the same proof, and the premise is reached."""
    recipe = functools.partial(question_of, DESIGNS[design], property_id, scope)
    verdict = answer(recipe, Limits(seconds_max=300))
    if default:
        assert "VIOLATED" == verdict.word
        assert len(verdict.trace) in (default, default + 1)
    else:
        assert ("PROVED", "any size", "") == (verdict.word, verdict.extent, verdict.reason)


# What a replay notices


def example() -> tuple[str, str, Trace]:
    """A key was made and its update failed on package 1, as posted."""
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("update", key=0, kind="user", bytes="B", fails={1})
    return "rfc-v2", "tables-agree", driven.trace


def with_step(trace: Trace, number: int, **changes: Any) -> Trace:
    """The trace with another answer or state in one of its steps."""
    steps = list(trace.steps)
    steps[number] = dataclasses.replace(steps[number], **changes)
    return Trace(trace.start, tuple(steps))


def test_a_replay_tells_what_the_kernel_did() -> None:
    done = replayed(*example(), Scope())
    assert done.agrees
    assert ["ok", "ENOKEY"] == [step.answer for step in done.steps]
    a, b = user_key("A").fingerprint, user_key("B").fingerprint
    assert [
        f"CPU 0 of package 0: SET_KEY_DIRECT KeyID 1, AES-XTS-128, key {b} -> PROG_SUCCESS",
        f"CPU 0 of package 1: SET_KEY_DIRECT KeyID 1, AES-XTS-128, key {b} -> DEVICE_BUSY",
    ] == list(map(str, done.steps[1].executions))
    assert [
        {},
        {(0, 1): a, (1, 1): a},
        {(0, 1): b, (1, 1): a},
    ] == [held.entries for held in done.inventories]
    assert [{}, {1: None}, {1: None}] == [
        {keyid[0]: None for keyid in held.serials} for held in done.inventories
    ]
    serial = done.observed[0].split(",")[0]
    assert [
        f"{serial}, KeyID 1, package 0 (2 CPUs online): encrypt aes-xts-128 key {b}",
        f"{serial}, KeyID 1, package 1 (2 CPUs online): encrypt aes-xts-128 key {a}",
    ] == list(done.observed)


def test_a_trace_with_a_wrong_answer_does_not_replay() -> None:
    design, claim, trace = example()
    done = replayed(design, claim, with_step(trace, 1, answer="ok"), Scope())
    assert not done.agrees
    assert "step 2, update: the model answers ok, the implementation ENOKEY" == done.disagreement
    assert () == done.observed


def test_a_trace_with_a_wrong_state_does_not_replay() -> None:
    design, claim, trace = example()
    names = [v.name for v in grounded(DESIGNS[design], Scope()).system.variables]
    state = list(trace.steps[0].state)
    place = names.index("bit[1]")
    state[place] = 1 - state[place]
    done = replayed(design, claim, with_step(trace, 0, state=tuple(state)), Scope())
    assert "step 1, instantiate: bit[1]: model no, implementation yes" == done.disagreement


def test_a_trace_with_a_wrong_start_does_not_replay() -> None:
    design, claim, trace = example()
    names = [v.name for v in grounded(DESIGNS[design], Scope()).system.variables]
    start = list(trace.start)
    start[names.index("bit[2]")] = 1
    done = replayed(design, claim, Trace(tuple(start), trace.steps), Scope())
    assert "booting: bit[2]: model yes, implementation no" == done.disagreement


def test_a_trace_of_another_design_does_not_replay() -> None:
    _, claim, trace = example()
    done = replayed("rfc-v2,program_struct=scrubbed_free", claim, trace, Scope())
    assert (
        "step 1, instantiate: struct_residue[A]: model yes, implementation no"
    ) == done.disagreement


def test_a_trace_that_does_not_violate_its_property_is_none() -> None:
    design, claim, trace = example()
    shortened = Trace(trace.start, trace.steps[:1])
    done = replayed(design, claim, shortened, Scope())
    assert "the implementation did the same, yet the property holds of it" == done.disagreement


def test_a_trace_whose_last_step_is_admitted_does_not_violate_hotplug_admitted() -> None:
    driven = Run("rfc-v2", absent=1)
    driven.do("package_add", package=1)
    driven.do("cpu_startup", package=1, cpu=0)
    done = replayed("rfc-v2", "hotplug-admitted", driven.trace, Scope())
    assert "the implementation did the same, yet the property holds of it" == done.disagreement


def test_an_implementation_that_scrubs_though_the_design_does_not_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    design, claim, trace = example()

    def free(self: Programmer, structure: Object) -> None:
        self._slab.kfree_sensitive(structure)

    monkeypatch.setattr(Programmer, "_free", free)
    done = replayed(design, claim, trace, Scope())
    assert (
        "step 1, instantiate: struct_residue[A]: model yes, implementation no"
    ) == done.disagreement


def test_an_implementation_that_ignores_an_injected_failure_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    design, claim, trace = example()
    right = Machine.pconfig

    def pconfig(self: Machine, package: int, cpu: int, address: int, **how: Any) -> Any:
        chosen, self.faults = self.faults, type(self)(1, 1, 1).faults
        try:
            return right(self, package, cpu, address, **how)
        finally:
            self.faults = chosen

    monkeypatch.setattr(Machine, "pconfig", pconfig)
    done = replayed(design, claim, trace, Scope())
    assert "step 2, update: the model answers ENOKEY, the implementation ok" == done.disagreement


def test_a_pconfig_failure_that_the_trace_did_not_choose_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a refused CPU could count as refused although no PCONFIG failed."""
    design, claim, trace = example()
    right = Machine.pconfig

    def pconfig(self: Machine, package: int, cpu: int, address: int, **how: Any) -> Any:
        self.executions.append(Execution(cpu, package, 1, 0, Status.DEVICE_BUSY))
        return right(self, package, cpu, address, **how)

    monkeypatch.setattr(Machine, "pconfig", pconfig)
    done = replayed(design, claim, trace, Scope())
    assert (
        "step 1, instantiate: the PCONFIGs that failed are not those of the trace"
    ) == done.disagreement


def test_a_user_key_in_an_unforeseen_place_ends_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    design, claim, trace = example()
    right = Programmer.program

    def program(self: Programmer, keyid: int, material: Any, cpus: Any, lock: Any) -> Any:
        self._memory.write(self._stack.address, material.data_key)
        return right(self, keyid, material, cpus, lock)

    monkeypatch.setattr(Programmer, "program", program)
    done = replayed(design, claim, trace, Scope())
    assert done.disagreement.startswith(
        "key A lies in a place the model does not know: live kernel stack at 0x"
    )


def test_no_replay_shows_key_bytes() -> None:
    shown = repr([replayed(d, p, counterexample(d, p), Scope()) for d, p, *_ in VIOLATED])
    needles = [n for label in "AB" for n in user_key(label).needles()]
    forms = [n.decode("latin-1") for n in needles] + [repr(n)[2:-1] for n in needles]
    assert [] == [form for form in forms if form in shown]
    assert user_key("A").fingerprint in shown
