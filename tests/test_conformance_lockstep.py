"""Model and implementation agree on every call of random runs, under every design."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any, ClassVar

import graph_coverage
import pytest
from graph_coverage import ROWS, Coverage, lines
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from runs import call_of, grounded, machine_of, start_without, starts_of

from checker import Call, State
from conformance import Disagreement, Lockstep
from conformance.edges import SMALLEST
from conformance.graph import graph_of
from designs import DESIGNS, design_from_text
from impl.service.system import System
from model import Scope

MIXES = (
    "rfc-v2,startup_gate=none",
    "rfc-v2,user_keys=refused",
    "rfc-v2,unreachable_package=refuse_keys,teardown=keep_last_lead",
    "rfc-v2-savekeys,vault_on_release=scrub",
    "rfc-v2-fixed,on_release=keep",
    "per-package,on_program_failure=leave",
    "per-package,bitmap_bits=n,program_struct=dirty_free",
    "resupply,bitmap_bits=n",
    "resupply,program_struct=dirty_free,teardown=always",
)

BRIEF = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=10,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(BRIEF, max_examples=40, stateful_step_count=40)


Kind = tuple[str, str]
"""An action and its answer."""


class Driven(RuleBasedStateMachine):
    """One of the calls that the model enables, again and again.

    Of an action and with an answer that this run has seldom seen, and mostly a call that leads
    where the run has not been: left to chance, most calls leave everything as it is. What other
    runs have seen does not count, for Hypothesis must be able to make the same run again.
    """

    start: ClassVar[State]
    coverage: ClassVar[Coverage]
    made: ClassVar[set[str]]

    @initialize()
    def boot(self) -> None:
        self.lockstep = Lockstep(self.coverage.design, self.coverage.scope, self.start)
        self.calls: list[Call] = []
        self.counts: Counter[Kind] = Counter()
        self.been: set[State] = set()
        self.look()

    def look(self) -> None:
        """List the calls that are possible now, by kind: all, and those that lead on."""
        state = self.lockstep.state
        self.been.add(state)
        self.coverage.visit(state, self.start, self.calls)
        self.enabled: dict[Kind, list[Call]] = {}
        self.leading: dict[Kind, list[Call]] = {}
        for call, answer, after in self.coverage.possible(state):
            kind = call.action, answer
            self.enabled.setdefault(kind, []).append(call)
            if after not in self.been:
                self.leading.setdefault(kind, []).append(call)

    @rule(data=st.data())
    def make(self, data: Any) -> None:
        kinds = sorted(self.enabled, key=lambda kind: self.counts[kind])
        kind = data.draw(st.sampled_from(kinds[: (len(kinds) + 1) // 2]), label="kind")
        calls = self.enabled[kind]
        if data.draw(st.integers(0, 3), label="leads on"):
            calls = self.leading.get(kind, calls)
        call = data.draw(st.sampled_from(calls), label="call")
        self.counts[kind] += 1
        self.coverage.make(self.lockstep.state, call)
        self.calls.append(call)
        answer = self.lockstep.step(call)
        self.made.add(f"{call.action} {answer}")
        self.look()


def drive(text: str, scope: Scope, profile: settings) -> set[str]:
    """Random runs from every initial state; gives the actions that were made, with their answers.

    What the runs saw of the graph is told in the report. Raises Disagreement.
    """
    design = design_from_text(text)
    made: set[str] = set()
    coverage = Coverage(design, scope, machine_of(design, scope))
    for start in starts_of(design, scope):
        parts = {"coverage": coverage, "start": start, "made": made}
        run_state_machine_as_test(type("Driven", (Driven,), parts), settings=profile)
    ROWS.append(coverage.row())
    return made


@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_in_random_runs(text: str) -> None:
    made = drive(text, Scope(), BRIEF)
    assert 5 <= len({action.split()[0] for action in made})


@pytest.mark.parametrize("text", ["rfc-v2-fixed", "no-hotplug", "cpu-keys-only"])
def test_model_and_implementation_agree_in_random_runs_where_the_graph_is_known(text: str) -> None:
    made = drive(text, Scope(2, 2, 1, 1, 1, 1), BRIEF)
    assert 5 <= len({action.split()[0] for action in made})
    assert ROWS[-1]["whole"]


@pytest.mark.deep
@pytest.mark.parametrize(
    "scope", [Scope(), Scope(3, 2, 2), Scope(2, 2, 3), Scope(2, 3, 1, 3)], ids=str
)
@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_in_long_runs(text: str, scope: Scope) -> None:
    made = drive(text, scope, LONG)
    assert 6 <= len({action.split()[0] for action in made})


def test_a_random_run_finds_a_fault_in_the_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "clear", lambda *_: ())
    only_look = settings(BRIEF, phases=[Phase.generate], print_blob=False)
    with pytest.raises(Disagreement, match=r"^after destroy .* implementation "):
        drive("rfc-v2-fixed", Scope(), only_look)


def test_a_call_that_the_model_does_not_enable_is_not_made() -> None:
    design = DESIGNS["rfc-v2"]
    lockstep = Lockstep(design, Scope())
    with pytest.raises(ValueError, match=r"^destroy is not possible in the model's present state$"):
        lockstep.step(call_of(lockstep.grounding.system, "destroy", key=0))


def test_a_different_answer_is_told_with_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    design = DESIGNS["no-hotplug"]
    monkeypatch.setattr(System, "refuse_unreachable", lambda *_: None)
    lockstep = Lockstep(design, Scope(2, 1, 1), start_without(design, Scope(2, 1, 1)))
    step = functools.partial(call_of, lockstep.grounding.system)
    assert "ok" == lockstep.step(step("cpu_teardown", package=1, cpu=0))
    expected = (
        "instantiate {'key': '0', 'kind': 'cpu', 'bytes': 'zeros', 'fails[0]': 'no',"
        " 'fails[1]': 'no'}: the model answers EINVAL, the implementation ok (done)"
    )
    with pytest.raises(Disagreement) as told:
        lockstep.step(step("instantiate", key=0, kind="cpu"))
    assert expected == str(told.value)


def test_a_lockstep_starts_where_it_is_told() -> None:
    design = DESIGNS["rfc-v2"]
    lockstep = Lockstep(design, Scope(3, 1, 1), start_without(design, Scope(3, 1, 1), 1))
    packages = lockstep.subject.kernel.machine.packages
    assert [True, False, True] == [package.present for package in packages]


def coverage_of(name: str, scope: Scope) -> Coverage:
    return Coverage(DESIGNS[name], scope, machine_of(DESIGNS[name], scope))


def test_runs_that_made_every_call_have_seen_the_whole_graph() -> None:
    coverage = coverage_of("cpu-keys-only", Scope(1, 1, 1, 1, 1, 1))
    graph = graph_of(coverage.machine)
    for state, edges in zip(graph.states, graph.edges, strict=True):
        coverage.visit(state, state, [])
        for edge in edges:
            coverage.make(state, edge.call)
    row = coverage.row()
    assert (True, []) == (row["whole"], row["never"])
    told = list(lines([row]))[1]
    assert "    150 states of 150 (100 %), 1,658 edges of 1,658 (100 %)" == told


def test_the_report_names_what_was_possible_and_never_made() -> None:
    design = DESIGNS["no-hotplug"]
    coverage = coverage_of("no-hotplug", SMALLEST)
    start = start_without(design, SMALLEST)
    call = call_of(grounded(design, SMALLEST).system, "preparse_error", bytes="A")
    coverage.visit(start, start, [])
    coverage.make(start, call)
    row = coverage.row()
    assert (1, 1, 0) == (row["states"], row["edges"], row["rarest"][0][1])
    assert [
        "boot with all packages; add user key A",
        "boot with all packages; add user key A while PCONFIG fails on package 1 (ENOKEY)",
    ] == row["never"]
    assert all("malformed" not in told for told in row["never"])


def test_a_graph_that_is_not_explored_to_its_end_has_no_per_cent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_coverage, "STATES_MAX", 50)
    row = coverage_of("rfc-v2", SMALLEST).row()
    assert "    0 states of more than 326, 0 edges of more than 864" == list(lines([row]))[1]
