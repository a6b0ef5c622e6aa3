"""Machine code sees exactly what NumPy sees; it is kept on disk, and used when it repays itself."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import subprocess
import sys

import numpy as np
import plain_search
import pytest
import random_systems
import textbook
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import grounded
from small_systems import claim_of, counter
from test_checker_explore import grid

from checker.exploring import jit, sweep, tables
from checker.exploring.emit import Emitter
from checker.exploring.explore import explore
from checker.exploring.jit import JitUnavailable, Machinery
from checker.exploring.spill import Memory
from designs import DESIGNS
from model import Scope
from properties import claims_about

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="the extra [jit] is not installed"
)
generously = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def interpreted(monkeypatch):
    """Kernels as plain Python, which is slow but takes no time to compile."""
    monkeypatch.setattr(jit, "is_available", lambda: True)
    monkeypatch.setattr(
        Machinery, "function", lambda machinery, name, _: machinery._namespace[name]
    )
    with np.errstate(over="ignore"):  # NumPy warns of what scalars do, and not of what arrays do
        yield


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """A directory for compiled code that nothing is in yet, and no code in the process either."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jit, "_COMPILED", {})
    return tmp_path / "mktme" / "jit"


def both_ways(system, claims, **limits):
    """What NumPy and machine code see, which must be the same in everything; the one of them."""
    by_arrays = explore(system, claims, jit=False, **limits)
    by_code = explore(system, claims, jit=True, **limits)
    assert by_arrays.compiling is None
    assert by_code.compiling is not None or not by_code.levels
    assert by_arrays == by_code
    for claim in claims:
        assert by_arrays.verdict(system, claim) == by_code.verdict(system, claim)
    return by_code


def compare_drawn(monkeypatch, data):
    system = data.draw(random_systems.systems())
    claims = [data.draw(random_systems.claims(system)) for _ in range(data.draw(st.integers(0, 2)))]
    claims = [dataclasses.replace(c, id=f"claim{i}") for i, c in enumerate(claims)]
    monkeypatch.setattr(tables, "BITS_MAX", data.draw(st.sampled_from([0, 28])))
    both_ways(system, claims, states_max=data.draw(st.sampled_from([None, None, 4, 10])))


@settings(generously, max_examples=40)
@given(st.data())
def test_kernels_see_what_numpy_sees_in_random_systems(monkeypatch, interpreted, data):
    compare_drawn(monkeypatch, data)


@needs_numba
@settings(generously, max_examples=2)
@given(st.data())
def test_machine_code_sees_what_numpy_sees_in_random_systems(monkeypatch, data):
    compare_drawn(monkeypatch, data)


@needs_numba
@pytest.mark.deep
@settings(generously, max_examples=50)
@given(st.data())
def test_machine_code_sees_what_numpy_sees_in_many_random_systems(monkeypatch, data):
    compare_drawn(monkeypatch, data)


INPUTS = random_systems.INPUTS


def value_of(term, row):
    literals = [
        z3.BoolVal(bool(v)) if z3.is_bool(t) else z3.BitVecVal(v, t.size())
        for t, v in zip(INPUTS, row, strict=True)
    ]
    result = z3.simplify(z3.substitute(term, *zip(INPUTS, literals, strict=True)))
    return int(z3.is_true(result)) if z3.is_bool(term) else result.as_long()


def compare_with_z3(terms, rows):
    """The emitted text, read by Numba, on words of 64 bits."""
    emitter = Emitter(INPUTS)
    results = emitter.emit(terms)
    lines = ["import numpy as np", "number = np.uint64"]
    lines += [f"c{n} = np.uint64({n})" for n in sorted(emitter.constants)]
    lines += [f"def run({', '.join(f'x{i}' for i in range(len(INPUTS)))}, out):"]
    lines += [f"    {line}" for line in emitter.lines]
    lines += [f"    out[{i}] = {result}" for i, result in enumerate(results)]
    kinds = ["boolean" if z3.is_bool(t) else "uint64" for t in INPUTS]
    run = Machinery("\n".join(lines) + "\n").function("run", f"void({','.join(kinds)},uint64[::1])")
    for row in rows:
        out = np.empty(len(terms), np.uint64)
        run(*(bool(v) if z3.is_bool(t) else v for t, v in zip(INPUTS, row, strict=True)), out)
        assert [value_of(term, row) for term in terms] == out.tolist()


drawn_terms = st.lists(
    random_systems.truths(3) | random_systems.numbers(8, 3), min_size=8, max_size=8
)
drawn_rows = st.lists(
    st.tuples(*(st.integers(0, 1 if z3.is_bool(t) else (1 << t.size()) - 1) for t in INPUTS)),
    min_size=10,
    max_size=10,
)


@needs_numba
@settings(generously, max_examples=4)
@given(drawn_terms, drawn_rows)
def test_numba_agrees_with_z3_on_the_emitted_text(terms, rows):
    compare_with_z3(terms, rows)


@needs_numba
@pytest.mark.deep
@settings(generously, max_examples=60)
@given(drawn_terms, drawn_rows)
def test_numba_agrees_with_z3_on_many_texts(terms, rows):
    compare_with_z3(terms, rows)


@needs_numba
def test_numba_has_every_operator_of_the_emitter():
    p, q, u, v, w, x = INPUTS
    terms = [u + v, u - v, u * v, -u, ~u, u & v, u | v, u ^ v, w << x, z3.LShR(w, x),
             z3.If(p, w, x), z3.If(p, q, z3.Not(q)), z3.Concat(u, v), z3.Extract(5, 2, w),
             z3.ZeroExt(5, u), z3.SignExt(5, u), z3.Xor(p, q), z3.Implies(p, q), p == q, u == v,
             z3.ULT(u, v), z3.ULE(u, v), z3.UGT(u, v), z3.UGE(u, v), u < v, u <= v, u > v, u >= v,
             z3.Distinct(u, v, v + 1), z3.And(p, q), z3.Or(p, q)]  # fmt: skip
    rng = np.random.default_rng(4)
    sizes = [2 if z3.is_bool(t) else 1 << t.size() for t in INPUTS]
    compare_with_z3(terms, [tuple(map(int, rng.integers(sizes))) for _ in range(40)])


def claims_of(design, packages):
    grounding = grounded(DESIGNS[design], Scope(packages, 1, 1, 1, 1, 1))
    return grounding.system, [grounding.property(text) for text in claims_about("")]


def test_kernels_see_the_model_of_a_design(interpreted):
    system, claims = claims_of("cpu-keys-only", 1)
    seen = both_ways(system, claims)
    assert (150, 1658) == (seen.states, seen.transitions)
    assert {"PROVED", "VIOLATED", "VACUOUS"} == {seen.verdict(system, c).word for c in claims}


@needs_numba
def test_machine_code_sees_the_model_of_a_design():
    seen = both_ways(*claims_of("resupply", 1))
    assert (582, 6722) == (seen.states, seen.transitions)


@needs_numba
@pytest.mark.deep
@pytest.mark.parametrize("design", DESIGNS)
def test_machine_code_sees_the_model_of_each_design(design):
    both_ways(*claims_of(design, 2))


@needs_numba
@pytest.mark.parametrize("spread", [1, 3])
def test_states_of_several_words_are_hashed_alike(spread, monkeypatch):
    monkeypatch.setattr(tables, "BITS_MAX", 0)
    system, x, y = grid(spread)
    seen = both_ways(system, [claim_of(z3.Not(z3.And(x == 4, y == 6)))])
    assert plain_search.search(grid()[0]).levels == seen.levels


def test_what_was_seen_is_not_new_however_the_table_grows(interpreted, monkeypatch):
    monkeypatch.setattr(tables, "_FILLED", 64)
    rng = np.random.default_rng(7)
    for words in (1, 2, 3):
        table = tables.HashTable(words, Memory())
        rows = rng.integers(0, 3, (700, words)).astype(np.uint64) << np.uint64(61)
        rows = np.concatenate([rows, rng.integers(0, 40, (700, words)).astype(np.uint64)])
        known: list[tuple[int, ...]] = []
        fresh = np.empty((len(rows), words), np.uint64)
        for start in range(0, len(rows), 50):
            part = rows[start : start + 50]
            held = np.array(known, np.uint64).reshape(-1, words)
            table.grow(len(part), lambda held=held: tables.slices(held))
            end = table.insert(part, len(part), fresh, 0)
            found = map(tuple, part.tolist())
            expected = list(dict.fromkeys(row for row in found if row not in known))
            assert expected == list(map(tuple, fresh[:end].tolist()))
            known += expected


def test_full_words_are_states_like_others(interpreted, monkeypatch):
    monkeypatch.setattr(tables, "BITS_MAX", 0)
    system, n = counter(4, 60)
    still = [variable.term for variable in system.variables[:60]]
    flipped = z3.substitute(system.initially, *((bit, z3.Not(bit)) for bit in still))
    both_ways(dataclasses.replace(system, initially=flipped), [claim_of(n != 15)])


def test_without_numba_machine_code_is_refused_or_done_without(monkeypatch):
    system, _ = counter()
    for module in (jit, sweep):
        monkeypatch.setattr(module, "is_available", lambda: False)
    with pytest.raises(JitUnavailable, match="numba is not installed"):
        explore(system, [], jit=True)
    assert explore(system, []).closed


def test_machine_code_is_made_when_what_is_left_repays_it(interpreted, monkeypatch):
    ground, (claim,) = textbook.two_phase_commit(5)
    expected = explore(ground.system, [claim], jit=False)
    monkeypatch.setattr(sweep, "FRONTIER_MIN", 100)
    monkeypatch.setattr(sweep, "is_available", lambda: True)
    monkeypatch.setattr(sweep, "SECONDS_AT_LEAST", 0)
    monkeypatch.setattr(sweep, "TEXT_SECONDS", 0)
    for cost, is_made in ((math.inf, False), (0.0, True)):
        monkeypatch.setattr(sweep, "compile_seconds", lambda lines, digest, cost=cost: cost)
        seen = explore(ground.system, [claim])
        assert is_made == (seen.compiling is not None)
        assert expected == seen


def test_machine_code_is_not_made_when_there_is_no_time_for_it(interpreted, monkeypatch):
    ground, _ = textbook.two_phase_commit(5)
    monkeypatch.setattr(sweep, "FRONTIER_MIN", 100)
    monkeypatch.setattr(sweep, "GROWING", 10**9)
    monkeypatch.setattr(sweep, "is_available", lambda: True)
    monkeypatch.setattr(sweep, "compile_seconds", lambda lines, digest: 1000.0)
    assert explore(ground.system, [], seconds_max=1500).compiling is None
    assert explore(ground.system, []).compiling is not None


def test_machine_code_that_cannot_be_made_is_done_without_unless_forced(monkeypatch):
    def broken(kernels, deadline):
        raise OSError("no compiler today")

    ground, _ = textbook.two_phase_commit(4)
    expected = explore(ground.system, [], jit=False)
    monkeypatch.setattr(sweep, "Code", broken)
    monkeypatch.setattr(sweep, "is_available", lambda: True)
    monkeypatch.setattr(sweep, "FRONTIER_MIN", 100)
    monkeypatch.setattr(sweep, "SECONDS_AT_LEAST", 0)
    monkeypatch.setattr(sweep, "compile_seconds", lambda lines, digest: 0.0)
    assert expected == explore(ground.system, [])
    with pytest.raises(OSError, match="no compiler today"):
        explore(ground.system, [], jit=True)


def test_small_searches_do_not_ask_what_machine_code_would_cost(monkeypatch):
    ground, _ = textbook.two_phase_commit(3)
    monkeypatch.setattr(sweep, "kernels_of", None)
    assert explore(ground.system, []).closed


@needs_numba
def test_compiled_code_is_kept_for_the_next_process(own_cache):
    system, _ = counter()
    first = explore(system, [], jit=True)
    (done,) = own_cache.glob("*.done")
    stamps = {path: path.stat().st_mtime_ns for path in own_cache.rglob("*.nbc")}
    assert stamps
    jit._COMPILED.clear()
    again = explore(system, [], jit=True)
    assert first == again
    assert stamps == {path: path.stat().st_mtime_ns for path in own_cache.rglob("*.nbc")}
    digest = done.stem.removeprefix("mktme_kernel_")
    assert jit.SECONDS_AT_LEAST == jit.compile_seconds(10**6, digest)
    assert 10**6 * jit.SECONDS_PER_LINE < jit.compile_seconds(10**6, "another")


@needs_numba
@pytest.mark.parametrize("harm", ["a file in the way", "garbage"])
def test_a_cache_that_cannot_be_used_is_done_without(own_cache, harm):
    system, _ = counter()
    if harm == "a file in the way":
        own_cache.parent.parent.mkdir(exist_ok=True)
        own_cache.parent.write_text("not a directory")
        assert jit.cache_directory() is None
    else:
        explore(system, [], jit=True)
        for path in [*own_cache.rglob("*.nb*"), *own_cache.glob("*.py")]:
            path.write_bytes(b"\xff garbage")
        jit._COMPILED.clear()
    assert explore(system, [], jit=False) == explore(system, [], jit=True)


@needs_numba
def test_processes_that_compile_at_once_do_not_disturb_each_other(own_cache):
    code = (
        "from small_systems import counter; from checker.exploring.explore import explore;"
        " print(explore(counter(5)[0], [], jit=True).states)"
    )
    path = [p for p in sys.path if p]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert ["32\n", "32\n"] == [process.communicate(timeout=120)[0] for process in running]
    assert [0, 0] == [process.returncode for process in running]
