"""Hypothesis strategies for small ground systems, claims about them, and terms."""

from __future__ import annotations

import z3
from hypothesis import strategies as st

from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Variable

LABELS = ("x", "y", "z")


def flag(name: str) -> Variable:
    """A Boolean variable."""
    return Variable(name, z3.Bool(name), ("no", "yes"))


def three(name: str, symbol: str = "") -> Variable:
    """A variable with three values in two bits, so that one bit pattern is out of range."""
    return Variable(name, z3.BitVec(symbol or name, 2), LABELS)


@st.composite
def conditions(draw, variables, depth=3):
    """A Boolean term over the variables."""
    kind = draw(st.sampled_from(["atom", "atom", "not", "and", "or", "ite"][: 2 + 2 * depth]))
    if kind == "atom":
        variable = draw(st.sampled_from(variables))
        if variable.is_bool:
            return variable.term
        others = [v for v in variables if v.term.sort() == variable.term.sort()]
        other = draw(
            st.sampled_from([*(v.term for v in others), *map(variable.literal, (0, 1, 2))])
        )
        return variable.term == other
    inner = conditions(variables, depth=depth - 1)
    if kind == "not":
        return z3.Not(draw(inner))
    if kind == "ite":
        return z3.If(draw(inner), draw(inner), draw(inner))
    return (z3.And if kind == "and" else z3.Or)(draw(inner), draw(inner))


@st.composite
def values(draw, of, variables):
    """A term of a variable's sort that stays in its range."""
    if of.is_bool:
        return draw(
            conditions(variables, depth=1) | st.sampled_from([z3.Not(of.term), z3.BoolVal(True)])
        )
    same = [v.term for v in variables if v.term.sort() == of.term.sort() and v is not of]
    leaves = st.sampled_from([*same, *map(of.literal, range(of.size))])
    if draw(st.booleans()):
        return draw(leaves)
    return z3.If(draw(conditions(variables, depth=1)), draw(leaves), draw(leaves))


@st.composite
def actions(draw, name, variables):
    """An action with one parameter of three values, which its guard keeps in range."""
    parameter = three("p", f"{name}!p")
    seen = [*variables, parameter]
    changed = draw(st.lists(st.sampled_from(variables), min_size=1, max_size=2, unique=True))
    # Most guards are weak, so that most systems have more than a few states.
    guard = z3.Or([draw(conditions(seen, depth=1)) for _ in range(draw(st.integers(1, 3)))])
    return GroundAction(
        name=name,
        parameters=(parameter,),
        guard=z3.And(parameter.in_range(), guard),
        answer=z3.If(draw(conditions(seen, depth=0)), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)),
        updates={v.name: draw(values(v, seen)) for v in changed},
    )


@st.composite
def systems(draw):
    """A system of three or four actions over at most 36 states."""
    variables = [three("e"), flag("a"), three("f"), flag("b")][: draw(st.integers(2, 4))]
    initially = [v.term == v.literal(0) for v in variables]
    if draw(st.booleans()):
        initially = initially[1:]
    names = ["go", "run", "jump", "fly"][: draw(st.integers(3, 4))]
    return GroundSystem(
        name="random",
        variables=tuple(variables),
        initially=z3.And(initially),
        actions=tuple(draw(actions(name, variables)) for name in names),
        answers=("done", "refused"),
    )


@st.composite
def rare(draw, variables):
    """A conjunction of a few equations, which few states satisfy."""
    some = draw(st.lists(st.sampled_from(variables), min_size=1, max_size=4, unique=True))
    # Values from 1: a state in which everything is 0 is the usual start.
    return z3.And([v.term == v.literal(draw(st.integers(1, v.size - 1))) for v in some])


@st.composite
def claims(draw, system):
    """A state or step claim about a system, with a premise of either kind."""
    variables = list(system.variables)

    def steps(negated):
        found = {}
        for action in system.actions:
            if draw(st.booleans()):
                term = draw(rare([*variables, *action.parameters]))
                found[action.name] = z3.Not(term) if negated else term
        return found

    about_steps, premise_about_steps = draw(st.booleans()), draw(st.booleans())
    never = z3.BoolVal(False)
    return GroundProperty(
        id="claim",
        kind="step" if about_steps else "state",
        state=z3.Not(never if about_steps else draw(rare(variables))),
        steps=steps(negated=True) if about_steps else {},
        premise_state=never if premise_about_steps else draw(rare(variables)),
        premise_steps=steps(negated=False) if premise_about_steps else {},
    )


INPUTS = (
    *(z3.Bool(name) for name in "pq"),
    *(z3.BitVec(name, 3) for name in "uv"),
    *(z3.BitVec(name, 8) for name in "wx"),
)


@st.composite
def truths(draw, depth):
    """A Boolean term over INPUTS with any operator that compiles."""
    if depth == 0:
        return draw(st.sampled_from([*INPUTS[:2], z3.BoolVal(True), z3.BoolVal(False)]))
    inner = truths(depth - 1)
    kind = draw(st.integers(0, 8))
    if kind <= 4:
        build = [z3.And, z3.Or, z3.Xor, z3.Implies, lambda a, b: a == b][kind]
        return build(draw(inner), draw(inner))
    if kind == 5:
        return z3.Not(draw(inner))
    if kind == 6:
        return z3.If(draw(inner), draw(inner), draw(inner))
    width = draw(st.sampled_from([3, 8]))
    a, b, c = (draw(numbers(width, depth - 1)) for _ in range(3))
    if kind == 7:
        return z3.Distinct(a, b, c)
    compare = draw(
        st.sampled_from(
            [
                z3.ULT,
                z3.ULE,
                z3.UGT,
                z3.UGE,
                lambda a, b: a < b,
                lambda a, b: a <= b,
                lambda a, b: a > b,
                lambda a, b: a >= b,
                lambda a, b: a == b,
            ]
        )
    )
    return compare(a, b)


@st.composite
def numbers(draw, width, depth):
    """A bit-vector term over INPUTS, of three or eight bits."""
    inputs = [term for term in INPUTS[2:] if term.size() == width]
    if depth == 0:
        literal = z3.BitVecVal(draw(st.integers(0, (1 << width) - 1)), width)
        return draw(st.sampled_from([*inputs, literal]))
    inner = numbers(width, depth - 1)
    if draw(st.integers(0, 4)) == 0:
        return z3.If(draw(truths(depth - 1)), draw(inner), draw(inner))
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from([lambda a: ~a, lambda a: -a]))(draw(inner))
    if draw(st.integers(0, 4)) == 0:
        if width == 3:
            return z3.Extract(6, 4, draw(numbers(8, depth - 1)))
        small = draw(numbers(3, depth - 1))
        return draw(
            st.sampled_from(
                [
                    z3.ZeroExt(5, small),
                    z3.SignExt(5, small),
                    z3.Concat(small, z3.BitVecVal(2, 2), small),
                ]
            )
        )
    build = draw(
        st.sampled_from(
            [
                lambda a, b: a + b,
                lambda a, b: a - b,
                lambda a, b: a * b,
                lambda a, b: a & b,
                lambda a, b: a | b,
                lambda a, b: a ^ b,
                lambda a, b: a << b,
                z3.LShR,
            ]
        )
    )
    return build(draw(inner), draw(inner))
