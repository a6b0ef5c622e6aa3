"""What is to be refuted for an induction of any size: the conditions, with quantifiers.

Claim and lemmas together are inductive if each of them holds in every initial state, and after
every action from a state where all of them hold. A claim about steps is no assumption: it must be
true of every step from such a state. Each of these is a formula that must have no model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import z3

from checker.anysize.houdini import Lemma, Use
from checker.anysize.parametric import conjuncts
from checker.anysize.quantified import QuantifiedSystem
from checker.systems.property import Property
from checker.systems.system import Term, as_term


@dataclasses.dataclass(frozen=True)
class Obligation:
    """That the lemma or claim `kept` holds after an action (None: at the start): never `violated`.

    What says several things is as many obligations, `part` of them. `trivial` says that the action
    leaves everything alone that it speaks of.
    """

    kept: str
    action: str | None
    violated: Term
    trivial: bool = False
    part: str = ""

    @property
    def name(self) -> str:
        """In a few words: "destroy keeps tables-agree", or "destroy keeps right-key (1 of 3)"."""
        if self.action is None:
            return f"{self.kept} holds at the start{self.part}"
        return f"{self.action} keeps {self.kept}{self.part}"


class _Axioms:
    """Axioms, and what each of them speaks of, so that those that matter are found fast."""

    def __init__(self, axioms: Sequence[Term]) -> None:
        self._spoken: dict[int, tuple[Term, frozenset[str]]] = {}
        self._axioms = [(axiom, self._symbols(axiom)) for axiom in axioms]

    def relevant(self, formulas: Sequence[Term]) -> list[Term]:
        """The axioms that speak only of what the formulas speak of.

        Leaving out an axiom can lose a proof, and cannot make a wrong one.
        """
        spoken = frozenset[str]().union(*(self._symbols(formula) for formula in formulas))
        return [axiom for axiom, symbols in self._axioms if symbols <= spoken]

    def _symbols(self, formula: Term) -> frozenset[str]:
        """Names of the uninterpreted functions and constants that occur in it."""
        if formula.get_id() not in self._spoken:
            kept: dict[int, Term] = {}  # keeps terms alive: z3 recycles the ids of dead ones
            stack = [formula]
            while stack:
                term = stack.pop()
                if term.get_id() not in kept:
                    kept[term.get_id()] = term
                    stack.extend(term.children())
            symbols = frozenset(
                term.decl().name()
                for term in kept.values()
                if z3.is_app(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED
            )
            self._spoken[formula.get_id()] = formula, symbols
        return self._spoken[formula.get_id()][1]


class Obligations:
    """The obligations of a claim and the lemmas that are to be proved with it.

    `assumed` are the formulas that are inductive together, by id: the invariant.
    """

    def __init__(self, system: QuantifiedSystem, claim: Property, lemmas: Sequence[Lemma]) -> None:
        self._system = system
        self._claim = claim
        self._formulas = {lemma.id: lemma.formula for lemma in lemmas}
        if claim.kind == "state":
            self._formulas = {claim.id: claim.formula, **self._formulas}
        self.assumed = {
            name: as_term(formula(system.old)) for name, formula in self._formulas.items()
        }
        self._all = tuple(self._listed())
        self._axioms = _Axioms(system.interpretation.axioms())

    def __iter__(self) -> Iterator[Obligation]:
        return (obligation for obligation in self._all if not obligation.trivial)

    def parts(self, obligation: Obligation, use: Use | None = None) -> list[Term]:
        """Formulas that must have no model together; the last says that the obligation fails.

        Of lemmas and guard only those of `use` are there, where given. Fewer formulas are harder
        to refute, and as they are weaker, what is refuted says the more.
        """
        found: list[Term] = []
        if obligation.action is None:
            starts = conjuncts(self._system.initially)
            found += [part for start in starts for part in _directions(start)]
        else:
            ids = self.assumed if use is None else use.ids
            found += [term for name, term in self.assumed.items() if name in ids]
            if use is None or use.guard:
                found += conjuncts(self._system.steps[obligation.action].step.guard)
        found.append(obligation.violated)
        return [*self._axioms.relevant(found), *found]

    def _listed(self) -> Iterator[Obligation]:
        for name, formula in self._formulas.items():
            before = self.assumed[name]
            for part, now in _parts(before):
                yield Obligation(name, None, z3.Not(now), part=part)
            for action in self._system.steps:
                after = self._system.after(formula, action)
                for (part, then), (_, now) in zip(_parts(after), _parts(before), strict=True):
                    yield Obligation(name, action, z3.Not(then), then.eq(now), part)
        if self._claim.kind == "step":
            for action, formula in self._system.judged(self._claim)[1].items():
                trivial = formula.eq(z3.BoolVal(True))
                yield Obligation(self._claim.id, action, z3.Not(formula), trivial)


def _parts(term: Term) -> list[tuple[str, Term]]:
    """The statements that a conjunction makes, numbered."""
    if not z3.is_and(term):
        return [("", term)]
    count = term.num_args()
    return [(f" ({i} of {count})", part) for i, part in enumerate(term.children(), 1)]


def _directions(term: Term) -> list[Term]:
    """ "For all …, this exactly when that" as two statements; any other formula as it is.

    One of them alone may be stratified where both together are not.
    """
    if not (z3.is_quantifier(term) and term.is_forall() and z3.is_eq(term.body())):
        return [term]
    places = range(term.num_vars())
    variables = [z3.Const(term.var_name(i), term.var_sort(i)) for i in places]
    # z3 numbers the variables from the innermost.
    left, right = z3.substitute_vars(term.body(), *reversed(variables)).children()
    if not z3.is_bool(left):
        return [term]
    return [z3.ForAll(variables, z3.Implies(*sides)) for sides in ((left, right), (right, left))]
