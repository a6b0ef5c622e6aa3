"""Compiled terms compute what Z3 computes, for ints and for arrays; the rest is refused."""

from __future__ import annotations

import numpy as np
import pytest
import random_systems
import textbook
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.exploring.compile import CompileError, compile_terms, successor_function
from checker.systems.system import Call

INPUTS = random_systems.INPUTS


def value_of(term, values):
    """What Z3's simplifier makes of a term."""
    literals = [
        z3.BoolVal(bool(v)) if z3.is_bool(t) else z3.BitVecVal(v, t.size())
        for t, v in zip(INPUTS, values, strict=True)
    ]
    result = z3.simplify(z3.substitute(term, *zip(INPUTS, literals, strict=True)))
    return int(z3.is_true(result)) if z3.is_bool(term) else result.as_long()


inputs = st.tuples(*(st.integers(0, 1 if z3.is_bool(t) else (1 << t.size()) - 1) for t in INPUTS))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(random_systems.truths(3) | random_systems.numbers(8, 3), min_size=1, max_size=3),
    st.lists(inputs, min_size=1, max_size=5),
)
def test_python_and_numpy_agree_with_z3(terms, rows):
    expected = [[value_of(term, row) for row in rows] for term in terms]
    plain = compile_terms(terms, INPUTS)
    by_row = [plain(*row) for row in rows]
    assert expected == [[int(result[i]) for result in by_row] for i in range(len(terms))]
    for dtype in (np.uint8, np.uint64):
        kinds = [bool if z3.is_bool(t) else dtype for t in INPUTS]
        columns = [np.array(c, k) for c, k in zip(zip(*rows, strict=True), kinds, strict=True)]
        results = compile_terms(terms, INPUTS, dtype)(*columns)
        as_lists = [np.broadcast_to(result, len(rows)).astype(int).tolist() for result in results]
        assert expected == as_lists
        assert all(np.asarray(r).dtype in (bool, dtype) for r in results if np.ndim(r))


@settings(max_examples=100, deadline=None)
@given(random_systems.truths(3), inputs)
def test_simplified_terms_compile_too(term, row):
    assert value_of(term, row) == int(compile_terms([z3.simplify(term)], INPUTS)(*row)[0])


def test_long_chains_compile_and_keep_their_operands():
    bits = [z3.Bool(f"b{i}") for i in range(200)]
    both = z3.And(bits), z3.Or([z3.Not(bit) for bit in bits]), z3.Distinct(*INPUTS[2:4])
    program = compile_terms(both, [*bits, *INPUTS])
    rest = (0, 0, 3, 4, 0, 0)
    assert (True, False, True) == program(*[True] * 200, *rest)
    assert (False, True, True) == program(*[True] * 150, False, *[True] * 49, *rest)


def test_a_deep_term_compiles():
    bit = z3.Bool("deep")
    term = bit
    for _ in range(3000):
        term = z3.If(term, z3.Not(bit), bit)
    assert compile_terms([term], [bit])(True) in ((True,), (False,))


def test_a_common_subterm_is_computed_once():
    u, v = z3.BitVecs("u v", 3)
    program = compile_terms([u * v == 3, u * v == 4], [u, v])
    assert 1 == program.text.count("*")


def test_a_program_says_which_inputs_it_reads():
    p, q = z3.Bools("p q")
    assert (1,) == compile_terms([z3.Not(q)], [p, q]).reads


def test_an_unknown_operator_is_named():
    u, v = z3.BitVecs("u v", 3)
    with pytest.raises(CompileError, match="bvudiv"):
        compile_terms([z3.UDiv(u, v)], [u, v])
    m, n = z3.Ints("m n")
    with pytest.raises(CompileError, match="'<'"):
        compile_terms([m < n], [m, n])


def test_a_constant_that_is_no_input_is_named():
    with pytest.raises(CompileError, match="stranger"):
        compile_terms([z3.Bool("stranger")], [])


def test_a_term_wider_than_the_array_type_is_refused():
    wide = z3.BitVec("wide", 9)
    with pytest.raises(CompileError, match="9 bits"):
        compile_terms([wide + 1], [wide], np.uint8)


def test_the_successor_function_refuses_or_steps():
    ground, _ = textbook.peterson()
    successor = successor_function(ground.system)
    start = (0, 0, 0, 0, 0)
    assert ("done", (1, 0, 1, 0, 0)) == successor(start, Call("ask", (0,)))
    assert successor(start, Call("enter", (0,))) is None
    with pytest.raises(KeyError):
        successor(start, Call("fly", ()))
