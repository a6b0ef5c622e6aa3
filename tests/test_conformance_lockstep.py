"""Model and implementation agree on every call of random runs, under every design."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from runs import call_of, start_without, starts_of

from checker import Call, State
from conformance import Disagreement, Lockstep
from designs import DESIGNS, Design, design_from_text
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

ACTIONS = (
    "instantiate",
    "update",
    "destroy",
    "extend",
    "preparse_error",
    "package_add",
    "cpu_startup",
    "cpu_teardown",
    "retry_clear",
)

BRIEF = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=10,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(BRIEF, max_examples=20, stateful_step_count=40)


class Driven(RuleBasedStateMachine):
    """One rule for each action; a rule draws one of the calls that the model enables."""

    design: ClassVar[Design]
    scope: ClassVar[Scope]
    start: ClassVar[State]
    made: ClassVar[set[str]]

    @initialize()
    def boot(self) -> None:
        self.lockstep = Lockstep(self.design, self.scope, self.start)
        self.look()

    def look(self) -> None:
        """List the calls that are possible now, by action."""
        self.enabled: dict[str, list[Call]] = {}
        for call in self.lockstep.machine.enabled(self.lockstep.state):
            self.enabled.setdefault(call.action, []).append(call)

    def make(self, action: str, data: Any) -> None:
        call = data.draw(st.sampled_from(self.enabled[action]), label=action)
        answer = self.lockstep.step(call)
        self.made.add(f"{action} {answer}")
        self.look()


def _rule_of(action: str) -> Any:
    def made(self: Driven, data: Any) -> None:
        self.make(action, data)

    made.__name__ = action
    possible = precondition(lambda self: action in getattr(self, "enabled", ()))
    return possible(rule(data=st.data())(made))


for _action in ACTIONS:
    setattr(Driven, _action, _rule_of(_action))


def drive(text: str, scope: Scope, profile: settings) -> set[str]:
    """Random runs from every initial state; gives the actions that were made, with their answers.

    Raises Disagreement.
    """
    design = design_from_text(text)
    made: set[str] = set()
    for start in starts_of(design, scope):
        parts = {"design": design, "scope": scope, "start": start, "made": made}
        run_state_machine_as_test(type("Driven", (Driven,), parts), settings=profile)
    return made


@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_in_random_runs(text: str) -> None:
    made = drive(text, Scope(), BRIEF)
    assert 5 <= len({action.split()[0] for action in made})


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
