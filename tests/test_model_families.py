"""Which variables, actions and answers the model has, and that its ghosts are ghosts."""

from __future__ import annotations

from collections import Counter

import pytest
import z3
from model_runs import offered, with_key, with_two_keys, with_vma
from runs import Run, grounded

from checker import explore
from checker.systems.asking import ask
from checker.systems.system import variables_in
from designs import DESIGNS, Design
from model import Scope, key_service
from model.families import families
from model.sorts import ANSWER

SERVICE = ["instantiate", "update", "destroy", "preparse_error"]
HARDWARE = ["package_add", "cpu_startup", "cpu_teardown"]
MEMORY = ["encrypt", "unmap", "fork", "write", "migrate"]

SMALLEST = Scope(2, 1, 1, 1, 2, 1)
"""Every action can happen: see `FEWER` for why less is too little."""

FEWER = {
    "packages": (Scope(1, 1, 1, 1, 2, 1), set(HARDWARE)),
    "vmas": (Scope(2, 1, 1, 1, 1, 1), {"fork"}),
}
"""For each bound of `SMALLEST` that can be less: the scope, and the actions that it lacks.

With one package, which has the machine's last CPU, none can be added, come or go, and a key cannot
be extended (a fork's child needs a second VMA).
"""

GHOSTS = {
    *("released", "overread", "overrun", "requested_kind", "requested_bytes", "known", "given"),
    *("astray", "wants", "left", "intact", "plain", "written", "opens", "own"),
}

GHOST_READERS: dict[str, set[str]] = {
    # What an owner supplies again is the environment's choice, limited to what it had asked for.
    "resupply": {"cpu_startup guard"},
    "per-package": {"extend bit", "extend entry_bytes", "extend entry_mode"},
}

KNOBS: dict[str, str] = {
    "keyid_scope": "per_package",
    "user_keys": "refused",
    "savekeys": "on",
    "startup_gate": "resupply",
    "teardown": "keep_last_lead",
    "unreachable_package": "refuse_keys",
    "bitmap_bits": "n_plus_1",
    "count_entries": "n_plus_1",
    "bitmap_update": "after_success",
    "error_unlock": "present",
    "last_put": "deferred",
    "on_program_failure": "quarantine",
    "on_release": "clear_first",
    "vault_on_release": "scrub",
    "program_struct": "scrubbed_free",
    "parse_error": "frees_payload",
    "parser": "strict",
    "key_lookup": "by_serial",
}
"""Each knob at a setting that `rfc-v2` does not have, where nothing else need change."""


def actions_of(design: Design) -> list[str]:
    return [a.name for a in key_service(design, grounded(design, Scope()).finite).actions]


def test_the_posted_designs_have_no_retry_and_only_per_package_extends() -> None:
    actions = {name: actions_of(design) for name, design in DESIGNS.items()}
    posted = [*SERVICE, *HARDWARE, *MEMORY]
    repaired = [*SERVICE, *HARDWARE, "retry_clear", *MEMORY]
    expected = dict.fromkeys(DESIGNS, repaired) | dict.fromkeys(
        ("rfc-v2", "rfc-v2-savekeys"), posted
    )
    expected["per-package"] = [*SERVICE, "extend", *HARDWARE, "retry_clear", *MEMORY]
    assert expected == actions


@pytest.mark.parametrize("knob", ["on_release", "on_program_failure"])
def test_either_repair_that_waits_for_clearing_tries_it_again(knob: str) -> None:
    assert "retry_clear" in actions_of(DESIGNS["rfc-v2"].but(**{knob: KNOBS[knob]}))


@pytest.mark.parametrize("name", DESIGNS)
def test_every_action_happens_in_the_smallest_scope(name: str) -> None:
    fired = explore(grounded(DESIGNS[name], SMALLEST).system, [], states_max=30_000).fired
    assert [] == [action for action, count in fired.items() if not count]


@pytest.mark.parametrize("bound", FEWER)
@pytest.mark.parametrize("name", DESIGNS)
def test_with_one_package_or_vma_less_some_action_never_happens(name: str, bound: str) -> None:
    scope, lacking = FEWER[bound]
    found = explore(grounded(DESIGNS[name], scope).system, [], states_max=400_000)
    assert found.closed
    missing = {action for action, count in found.fired.items() if not count}
    extension = {"extend"} if name == "per-package" and bound == "packages" else set()
    assert lacking | extension == missing


# Ghosts, and what is left out


def ghosts_read(design: Design) -> set[str]:
    """What of an action reads a ghost: its guard, its answer, or a variable that is none."""
    grounding = grounded(design, Scope())
    found = set()
    for action in grounding.system.actions:
        terms = {f"{action.name} guard": [action.guard], f"{action.name} answer": [action.answer]}
        for variable, update in action.updates.items():
            family = variable.split("[")[0]
            if family not in GHOSTS:
                terms.setdefault(f"{action.name} {family}", []).append(update)
        for what, read in terms.items():
            if {variable.split("[")[0] for variable in variables_in(read)} & GHOSTS:
                found.add(what)
    return found


@pytest.mark.parametrize("name", DESIGNS)
def test_the_ghosts_are_what_only_owners_and_observers_know(name: str) -> None:
    assert GHOSTS == {family.name for family in families(DESIGNS[name]) if family.ghost}


@pytest.mark.parametrize("name", DESIGNS)
def test_nothing_reads_a_ghost_but_where_owners_supply_their_keys_again(name: str) -> None:
    assert GHOST_READERS.get(name, set()) == ghosts_read(DESIGNS[name])


@pytest.mark.parametrize("knob", KNOBS)
def test_no_setting_of_a_knob_makes_anything_else_read_a_ghost(knob: str) -> None:
    setting = {knob: KNOBS[knob]}
    expected = GHOST_READERS.get({"keyid_scope": "per-package"}.get(knob, KNOBS[knob]), set())
    if knob == "keyid_scope":
        expected = expected | {"extend struct_residue"}  # as posted, what it supplies is left there
    assert expected == ghosts_read(DESIGNS["rfc-v2"].but(**setting))


def test_the_knobs_tried_are_all_that_the_model_has() -> None:
    base = DESIGNS["rfc-v2"]
    assert all(value != getattr(base, knob) for knob, value in KNOBS.items())
    others = {"vault_form", "lock_order"}
    assert set(KNOBS) | others == set(Counter(vars(base))) - {"name"}


@pytest.mark.parametrize(
    ("design", "knob", "value"),
    [
        # Only threads meet the order of locks: `locks`.
        ("rfc-v2", "lock_order", "hotplug_first"),
        # A wrapped vault is another thing only to who reads memory: `attacker.disclosed`.
        ("rfc-v2-savekeys", "vault_form", "wrapped"),
    ],
)
def test_a_knob_that_acts_elsewhere_changes_nothing(design: str, knob: str, value: str) -> None:
    one = grounded(DESIGNS[design], Scope()).system
    two = grounded(DESIGNS[design].but(**{knob: value}), Scope()).system
    assert one.initially.eq(two.initially)
    for left, right in zip(one.actions, two.actions, strict=True):
        assert left.name == right.name
        assert left.updates.keys() == right.updates.keys()
        pairs = [(left.guard, right.guard), (left.answer, right.answer)]
        pairs += [(left.updates[name], right.updates[name]) for name in left.updates]
        # Z3 may have written the operands down in another order.
        solver = z3.Solver()
        solver.add(z3.Or([mine != theirs for mine, theirs in pairs]))
        assert z3.unsat == ask(solver)


def test_every_answer_of_the_model_is_given_somewhere() -> None:
    given = {
        Run("rfc-v2").do("instantiate", kind="cpu"),
        Run("rfc-v2").do("preparse_error", bytes="A"),
        Run("rfc-v2").do("instantiate", kind="cpu", fails={0}),
        offered("rfc-v2", "user").do("cpu_startup", package=1, cpu=0),
        with_key("no-hotplug", scope=Scope(2, 1, 1)).do("cpu_teardown", package=1, cpu=0),
        with_vma("rfc-v2").do("migrate", vma=0, package=1),
    }
    run = with_two_keys("rfc-v2")
    run.do("destroy", key=0)
    given.add(run.do("encrypt", vma=0, key=1))
    assert set(ANSWER.values) == given


def test_a_boot_has_no_key_no_vma_and_nothing_lying_about() -> None:
    of_the_machine = {"bypass", "present", "memory", "online", "lead"}
    for name in DESIGNS:
        run = Run(name)
        set_at_boot = {
            v.name.split("[")[0]
            for v, x in zip(run.system.variables, run.state, strict=True)
            if v.labels[x] not in ("no", "tme", "zeros", "empty", "user")
        }
        assert of_the_machine - {"bypass"} == set_at_boot, name
