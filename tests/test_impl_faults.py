"""Planned, seeded and chosen PCONFIG failures."""

from __future__ import annotations

# House style puts the expected value first.
import pytest

from impl.hardware.faults import Chosen, Failure, Script, Seeded
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Command, Faults, Status, Structure, control, possible

STRUCTURE = 0x2_0000
DIRECT, RANDOM = Command.SET_KEY_DIRECT, Command.SET_KEY_RANDOM
OK, BUSY, ENTROPY = Status.PROG_SUCCESS, Status.DEVICE_BUSY, Status.ENTROPY_ERROR
NOT_TRANSIENT = [Status.INVALID_PROG_CMD, Status.INVALID_KEYID, Status.INVALID_ENC_ALG]


def answers(faults: Faults, *asked: tuple[int, int], command: Command = DIRECT) -> list[Status]:
    return [faults(package, keyid, command) for package, keyid in asked]


@pytest.mark.parametrize(
    ("command", "statuses"),
    [
        (Command.SET_KEY_DIRECT, (OK, BUSY)),
        (Command.SET_KEY_RANDOM, (OK, BUSY, ENTROPY)),
        (Command.CLEAR_KEY, (OK, BUSY)),
        (Command.NO_ENCRYPT, (OK, BUSY)),
    ],
)
def test_what_the_environment_may_choose_depends_on_the_command(
    command: Command, statuses: tuple[Status, ...]
) -> None:
    assert statuses == possible(command)


def test_an_empty_script_lets_everything_pass() -> None:
    assert [OK, OK] == answers(Script(), (0, 1), (1, 2))


def test_a_planned_failure_strikes_so_often_and_no_more() -> None:
    script = Script([Failure(BUSY, times=2)])
    assert [BUSY, BUSY, OK] == answers(script, (0, 1), (1, 2), (0, 1))
    assert [] == script.pending


def test_a_planned_failure_waits_for_its_package_and_keyid() -> None:
    script = Script([Failure(BUSY, package=1, keyid=2)])
    assert [OK, OK, OK, BUSY, OK] == answers(script, (0, 2), (1, 1), (0, 1), (1, 2), (1, 2))


def test_a_failure_without_keyid_strikes_any_keyid_of_its_package() -> None:
    script = Script([Failure(BUSY, package=1, times=2)])
    assert [BUSY, OK, BUSY, OK] == answers(script, (1, 1), (0, 1), (1, 2), (1, 1))


def test_the_first_planned_failure_that_fits_answers() -> None:
    script = Script([Failure(ENTROPY, package=1), Failure(BUSY)])
    assert [BUSY, ENTROPY, OK] == answers(script, (0, 1), (1, 1), (1, 1), command=RANDOM)


def test_a_planned_success_puts_a_failure_off() -> None:
    script = Script([Failure(OK, times=2), Failure(BUSY)])
    assert [OK, OK, BUSY, OK] == answers(script, *[(0, 1)] * 4)


def test_a_failure_without_end_never_ends() -> None:
    script = Script([Failure(BUSY, package=0, times=None)])
    assert [BUSY] * 5 == answers(script, *[(0, 1)] * 5)
    assert [Failure(BUSY, package=0, times=None)] == script.pending


def test_failures_can_be_planned_later() -> None:
    script = Script()
    assert [OK] == answers(script, (0, 1))
    script.plan(Failure(BUSY))
    assert [BUSY, OK] == answers(script, (0, 1), (0, 1))


def test_exhausted_entropy_waits_for_a_command_that_draws_keys() -> None:
    script = Script([Failure(ENTROPY)])
    assert [OK] == answers(script, (0, 1), command=DIRECT)
    assert [ENTROPY] == answers(script, (0, 1), command=RANDOM)


@pytest.mark.parametrize("status", NOT_TRANSIENT)
def test_a_status_that_is_not_transient_cannot_be_planned_or_chosen(status: Status) -> None:
    with pytest.raises(ValueError, match="it is no transient failure"):
        Failure(status)
    with pytest.raises(ValueError, match="it is no transient failure"):
        Chosen().choose(status)


@pytest.mark.parametrize("times", [0, -1])
def test_a_failure_strikes_once_at_least(times: int) -> None:
    with pytest.raises(ValueError, match="less than once"):
        Failure(BUSY, times=times)


def test_the_same_seed_gives_the_same_failures() -> None:
    asked = [(n % 2, 1) for n in range(200)]
    first = answers(Seeded(7, 0.5), *asked, command=RANDOM)
    assert first == answers(Seeded(7, 0.5), *asked, command=RANDOM)
    assert first != answers(Seeded(8, 0.5), *asked, command=RANDOM)
    assert {OK, BUSY, ENTROPY} == set(first)


def test_a_seeded_failure_is_one_that_the_command_can_have() -> None:
    assert {BUSY} == set(answers(Seeded(1, 1.0), *[(0, 1)] * 50))
    assert {BUSY, ENTROPY} == set(answers(Seeded(1, 1.0), *[(0, 1)] * 50, command=RANDOM))


def test_a_failure_without_probability_never_strikes() -> None:
    assert {OK} == set(answers(Seeded(1, 0.0), *[(0, 1)] * 200))


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_a_probability_lies_between_0_and_1(probability: float) -> None:
    with pytest.raises(ValueError, match="is not a probability"):
        Seeded(1, probability)


def execute(machine: Machine, keyid: int, keyid_ctrl: int) -> Status:
    machine.write(STRUCTURE, Structure(keyid, keyid_ctrl).encode())
    return machine.pconfig(0, 0, STRUCTURE).status


def test_a_choice_answers_one_execution() -> None:
    machine = Machine()
    chosen = machine.faults = Chosen()
    chosen.choose(BUSY)
    assert BUSY is execute(machine, 1, control(DIRECT, 1))
    with pytest.raises(ValueError, match="SET_KEY_DIRECT of KeyID 1 on package 0: nothing was cho"):
        execute(machine, 1, control(DIRECT, 1))


def test_the_last_choice_before_an_execution_counts() -> None:
    machine = Machine()
    chosen = machine.faults = Chosen()
    chosen.choose(BUSY)
    assert Status.INVALID_ENC_ALG is execute(machine, 1, control(DIRECT, 2))
    chosen.choose(OK)
    assert OK is execute(machine, 1, control(DIRECT, 1))


def test_a_choice_that_the_command_cannot_have_is_refused() -> None:
    machine = Machine()
    chosen = machine.faults = Chosen()
    chosen.choose(ENTROPY)
    with pytest.raises(ValueError, match="SET_KEY_DIRECT has no such transient failure"):
        execute(machine, 1, control(DIRECT, 1))
