"""Hypothesis strategies for systems written over families, most of them symmetric.

Formulas speak of processes and colours through equality and quantifiers, and now and then by order
or by name, which breaks the symmetry.
"""

from __future__ import annotations

import z3
from hypothesis import strategies as st

from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Premise, Property
from checker.systems.system import (
    BOOL,
    Action,
    Enum,
    Family,
    Index,
    Normaliser,
    Parameter,
    Step,
    Symmetry,
    System,
)

PROCESS = Index("Process")
COLOUR = Index("Colour", constants=("none",), numbered_from=None)
DONE = Enum("Answer", ("done",))

FAMILIES = (
    Family("flag", (PROCESS,), BOOL),
    Family("holds", (PROCESS,), COLOUR),
    Family("worn", (COLOUR,), BOOL),
    Family("shared", (), COLOUR),
    Family("turn", (), PROCESS),
)


@st.composite
def formulas(draw, fair, depth=2):
    """A function from (interpretation, state, process, colour) to a formula."""
    kinds = ["flag", "holds", "worn", "shared", "turn", "none"] + [] * depth
    if depth:
        kinds += ["not", "and", "every", "some", "some"]
    if not fair:
        kinds += ["first", "less"]
    kind = draw(st.sampled_from(kinds))
    atoms = {
        "flag": lambda i, s, p, c: s.flag[p],
        "holds": lambda i, s, p, c: s.holds[p] == c,
        "worn": lambda i, s, p, c: s.worn[c],
        "shared": lambda i, s, p, c: s.shared == c,
        "turn": lambda i, s, p, c: s.turn == p,
        "none": lambda i, s, p, c: c == i.constant(COLOUR, "none"),
        "first": lambda i, s, p, c: p == i.element(PROCESS, 0),
        "less": lambda i, s, p, c: i.less(p, s.turn),
    }
    if kind in atoms:
        return atoms[kind]
    inner = draw(formulas(fair, depth - 1))
    if kind == "not":
        return lambda i, s, p, c: z3.Not(inner(i, s, p, c))
    if kind == "and":
        other = draw(formulas(fair, depth - 1))
        return lambda i, s, p, c: z3.And(inner(i, s, p, c), other(i, s, p, c))
    quantified = "every" if kind == "every" else "some"
    if draw(st.booleans()):
        return lambda i, s, p, c: getattr(i, quantified)(PROCESS, lambda q: inner(i, s, q, c))
    return lambda i, s, p, c: getattr(i, quantified)(COLOUR, lambda d: inner(i, s, p, d))


@st.composite
def actions(draw, name, finite, fair):
    """One process does something with one colour."""
    guard = draw(formulas(fair))
    where, condition = draw(formulas(fair)), draw(formulas(fair))
    changed = draw(st.sampled_from([f.name for f in FAMILIES]))
    widely = draw(st.booleans())

    def step(old, choice):
        p, c = choice.process, choice.colour

        def at(q):
            return where(finite, old, q, c) if widely else q == p

        effects = {
            "flag": lambda q: z3.If(at(q), condition(finite, old, q, c), old.flag[q]),
            "holds": lambda q: z3.If(at(q), c, old.holds[q]),
            "worn": lambda d: z3.If(d == c, condition(finite, old, p, c), old.worn[d]),
            "shared": z3.If(condition(finite, old, p, c), c, old.holds[p]),
            "turn": z3.If(condition(finite, old, p, c), p, old.turn),
        }
        return Step(
            z3.And(guard(finite, old, p, c)),
            finite.constant(DONE, "done"),
            {changed: effects[changed]},
        )

    return Action(name, (Parameter("process", PROCESS), Parameter("colour", COLOUR)), step)


@st.composite
def normalisers(draw, finite, fair):
    """Values that may or may not be dead."""
    dead = draw(formulas(fair, depth=1))
    none = finite.constant(COLOUR, "none")
    effect = draw(
        st.sampled_from(
            [
                lambda s: {"holds": lambda p: z3.If(dead(finite, s, p, none), none, s.holds[p])},
                lambda s: {"flag": lambda p: z3.And(z3.Not(dead(finite, s, p, none)), s.flag[p])},
                lambda s: {"worn": lambda c: z3.And(dead(finite, s, s.turn, c), s.worn[c])},
            ]
        )
    )
    return Normaliser("dead", "a guess", effect)


@st.composite
def grounded(draw) -> tuple[Grounding, GroundProperty]:
    """A grounded system that declares two symmetries and a normaliser, and a claim about it."""
    finite = Finite(
        {PROCESS: draw(st.sampled_from([2, 3, 3])), COLOUR: draw(st.sampled_from([2, 3]))}
    )
    fair = draw(st.sampled_from([True, True, False]))
    none = finite.constant(COLOUR, "none")
    first = finite.element(PROCESS, 0)
    system = System(
        name="random",
        interpretation=finite,
        families=FAMILIES,
        answers=DONE,
        initially=lambda s: z3.And(
            finite.every(PROCESS, lambda p: z3.And(z3.Not(s.flag[p]), s.holds[p] == none)),
            finite.every(COLOUR, lambda c: z3.Not(s.worn[c])),
            s.shared == none,
            s.turn == first,
        ),
        actions=tuple(draw(actions(name, finite, fair)) for name in ("go", "run", "fly")),
        view=lambda values: values,
        reductions=(draw(normalisers(finite, fair)), Symmetry(PROCESS), Symmetry(COLOUR)),
    )
    grounding = Grounding(system)
    bad, reached = draw(formulas(fair)), draw(formulas(fair))
    judges = draw(st.sampled_from(["state", "state", "step"]))

    def some(formula):
        return lambda s: finite.some(
            PROCESS, COLOUR, lambda p, c: z3.And(formula(finite, s, p, c), s.flag[p])
        )

    def claimed(seen):
        if judges == "state":
            return z3.Not(some(bad)(seen))
        who, what = seen.parameters.process, seen.parameters.colour
        return z3.Not(z3.And(bad(finite, seen.new, who, what), seen.old.flag[who]))

    claim = Property(
        "claim", judges, "claim", claimed, Premise("state", some(reached)), str, "random"
    )
    return grounding, grounding.property(claim)
