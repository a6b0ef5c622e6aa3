"""Ctrl-C during a check ends the program, and a time limit is no interrupt."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import z3

from checker.solving import sat
from checker.systems.asking import _heeding, ask, query

# What takes Z3 hours: the factors of a number of 123 bits.
A, B = z3.BitVecs("a b", 128)
HARD = [A * B == (2**61 - 1) * (2**62 - 57)]
HARD += [z3.And(z3.ULT(x, 1 << 63), z3.UGT(x, 1)) for x in (A, B)]


def hard(logic):
    solver = z3.Solver() if logic is None else z3.SolverFor(logic)
    solver.add(*HARD)
    return solver


def tracked():
    """With names for what is assumed Z3 calls an interrupt, and a time limit, the same."""
    solver = z3.Solver()
    for number, term in enumerate(HARD):
        solver.assert_and_track(term, f"part {number}")
    return solver


def endless():
    """A question about Horn clauses that Spacer works at for hours, and its goal."""
    horn = z3.Fixedpoint()
    horn.set(engine="spacer")
    reached = z3.Function("reached", A.sort(), z3.BoolSort())
    goal = z3.Function("goal", z3.BoolSort())
    horn.register_relation(reached, goal)
    horn.declare_var(A, B)
    horn.rule(reached(A), [A == 1])
    horn.rule(reached(A * B), [reached(A), z3.ULT(B, 1 << 63), B * B * B == A * A * A + 7 * B + 11])
    horn.rule(goal(), [reached(A), z3.BitVecVal((2**61 - 1) * (2**62 - 57), 128) == A])
    return horn, goal()


SOLVERS = {
    "plain": lambda: hard(None),
    "tracked": tracked,
    "QF_BV": lambda: hard("QF_BV"),
    "QF_FD": lambda: hard("QF_FD"),
}


@pytest.fixture
def interrupting():
    """Sends this process SIGINT in half a second."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.mark.parametrize("kind", SOLVERS)
def test_ctrl_c_ends_a_check(kind, interrupting):
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(SOLVERS[kind](), seconds=60)
    assert time.monotonic() - begun < 20


def test_ctrl_c_ends_a_query(interrupting):
    with pytest.raises(KeyboardInterrupt):
        query(*endless(), seconds=60)
    easy = z3.Solver()
    easy.add(A == 3)
    assert z3.sat == ask(easy)


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_time_limit_makes_unknown(kind):
    assert z3.unknown == ask(SOLVERS[kind](), seconds=0.2)


def test_a_time_limit_makes_unknown_of_a_query():
    assert z3.unknown == query(*endless(), seconds=0.2)


def test_another_error_of_a_query_is_raised(monkeypatch):
    def fails(*_):
        raise z3.Z3Exception(b"out of memory")

    monkeypatch.setattr(z3.Fixedpoint, "query", fails)
    with pytest.raises(z3.Z3Exception, match="out of memory"):
        query(*endless())


def test_another_error_of_a_sat_solver_is_raised(monkeypatch):
    asked = sat.solver("cadical153", [[1]], deadline=time.monotonic() + 60)

    def fails(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(asked._solver, "solve_limited", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        asked.solve([])


def test_an_interrupted_check_has_ended_when_the_interrupt_is_raised():
    # Z3 asked by two threads at once has said "sat" of formulas that it was about to refute.
    for _ in range(2):
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            ask(tracked())
        assert z3.unknown == ask(tracked(), seconds=0.2)


def test_an_interrupt_that_z3_missed_is_repeated(interrupting):
    stops = threading.Semaphore(0)

    def call():
        for _ in range(2):
            assert stops.acquire(timeout=20)

    with pytest.raises(KeyboardInterrupt):
        _heeding(call, stops.release)


@pytest.mark.parametrize("collects", [True, False])
def test_nothing_is_collected_while_z3_is_at_work(collects):
    # A collection in another thread frees Z3's terms, and the process ends with a crash.
    seen = []

    def look():
        time.sleep(0.2)
        seen.append(gc.isenabled())

    before = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        looking = threading.Thread(target=look)
        looking.start()
        ask(hard("QF_BV"), seconds=0.5)
        looking.join()
        seen.append(gc.isenabled())
    finally:
        (gc.enable if before else gc.disable)()
    assert [False, collects] == seen


def test_whoever_handles_ctrl_c_himself_is_asked(monkeypatch, interrupting):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        assert z3.unknown == ask(hard("QF_BV"), seconds=1.5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [1] == seen


def test_other_threads_ask_as_well():
    answers = []
    solver = z3.Solver()
    solver.add(A == 3)
    thread = threading.Thread(target=lambda: answers.append(ask(solver)))
    thread.start()
    thread.join()
    assert [z3.sat] == answers


def interrupted(text):
    """What a Python process with this text says on stderr, when it gets SIGINT at work."""
    with subprocess.Popen(
        [sys.executable, "-c", text],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "ready\n" == process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            said, complaint = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "" == said
    return complaint.rstrip().splitlines()[-1]


PROGRAMS = {
    "a condition of a reduction": """
from checker.reducing.bisimulation import Obligation
print('ready', flush=True)
print(Obligation('it factors', (), (('', z3.And(*HARD)),)).objection(10**9))
""",
    "a value out of range": """
from checker.systems import wellformed
print('ready', flush=True)
print(wellformed._require_impossible('it', *HARD))
""",
    "what could be dropped": """
from checker.systems import cone
print('ready', flush=True)
print(cone._answer(HARD))
""",
    "initial states": """
from checker.exploring.instances import initial_states
from checker.systems.system import GroundSystem
system = GroundSystem('hard', (), z3.And(*HARD), (), ('done',))
print('ready', flush=True)
print(initial_states(system))
""",
    "an invariant": """
from checker.solving import spacer
print('ready', flush=True)
print(spacer._is_impossible(HARD, None))
""",
    "lemmas in a scope": """
from checker.anysize.houdini import _Solver
solver = _Solver(())
solver.solver.add(*HARD)
print('ready', flush=True)
print(solver.finds())
""",
    "a condition for any size": """
from checker.anysize import any_size
any_size.ATTEMPT_SECONDS = (600,)
print('ready', flush=True)
print(any_size._core(HARD, 0, None))
""",
    "clauses": """
import itertools
from checker.solving.sat import solver
holes, pigeons = range(14), range(15)
clauses = [[p * 14 + h + 1 for h in holes] for p in pigeons]
clauses += [[-(p * 14 + h + 1), -(q * 14 + h + 1)]
            for h in holes for p, q in itertools.combinations(pigeons, 2)]
asked = solver('NAME', clauses, DEADLINE)
print('ready', flush=True)
print(asked.solve([]))
""",
}
CLAUSES = PROGRAMS.pop("clauses").replace("DEADLINE", "None")
PROGRAMS["clauses by Z3"] = CLAUSES.replace("NAME", "z3")
PROGRAMS["clauses by CaDiCaL"] = CLAUSES.replace("NAME", "cadical153")


@pytest.mark.parametrize("what", PROGRAMS)
def test_ctrl_c_ends_a_process_that_asks_about(what):
    text = f"from test_checker_asking import A, B, HARD\nimport z3\n{PROGRAMS[what]}"
    assert "KeyboardInterrupt" == interrupted(text)
