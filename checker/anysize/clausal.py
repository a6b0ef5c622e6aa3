"""Which lifted statements are worth a proof: a fast and rough selection in one scope.

A lifted statement is a set of clauses in every scope, over literals that IC3's template has anyhow;
so hundreds of statements can be tried with a SAT solver, where building their formulas alone would
take longer. It is rough in one way: of the instances of a statement that are alike but for which
elements they speak of, one is asked about. Nothing rests on the selection: `houdini` makes its own
from what is left here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from checker.anysize.houdini import Undecided
from checker.anysize.statements import SOME, Element, Lifted, LiftedAtom, Vocabulary
from checker.solving.blast import blast
from checker.solving.sat import solver
from checker.systems.deadlines import is_over
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import Enum, GroundSystem, Index

BACKEND = "glucose4"
"""Of the SAT solvers of python-sat one that is quick at many small questions."""

Instance = tuple[int, ...]
"""A clause: literals of which at least one is true."""


def worth_trying(
    grounding: Grounding,
    cone: GroundSystem,
    claim: GroundProperty,
    statements: Sequence[Lifted],
    deadline: float | None = None,
) -> list[Lifted] | None:
    """Those statements that the claim needs, of all that seem inductive beside it, in order.

    None if the claim does not seem to be inductive with them. Raises Undecided at the deadline.
    """
    return _Selecting(grounding, cone, claim, statements, deadline).run()


class _Statement:
    """One statement as clauses, and the literal under which it is assumed to hold now."""

    def __init__(self, number: int, assumed: int, start: list[Instance], after: list[Instance]):
        self.number = number
        self.assumed = assumed
        self.start = start
        self.after = after
        self.rests_on: set[int] = set()


class _Selecting:
    def __init__(
        self,
        grounding: Grounding,
        cone: GroundSystem,
        claim: GroundProperty,
        statements: Sequence[Lifted],
        deadline: float | None,
    ) -> None:
        self._deadline = deadline
        self._given = statements
        self._blasted = blast(cone, claim, holds_next=True)
        self._solver = solver(BACKEND, self._blasted.clauses)
        self._claim_holds = -self._blasted.bad.now
        literals = _Literals(grounding, cone)
        used = self._blasted.variables
        self._statements: dict[int, _Statement] = {}
        for number, lifted in enumerate(statements):
            used += 1
            try:
                now = list(literals.all(lifted, self._blasted.atoms_now))
                start = list(literals.typical(lifted, self._blasted.atoms_now))
                after = list(literals.typical(lifted, self._blasted.atoms_next))
            except KeyError:
                continue  # it speaks of something that this cone does not have
            for instance in now:
                self._solver.add([-used, *instance])
            self._statements[used] = _Statement(number, used, start, after)

    def run(self) -> list[Lifted] | None:
        left = {
            assumed: statement
            for assumed, statement in self._statements.items()
            if all(self._never(self._blasted.initially, *_negated(i)) for i in statement.start)
        }
        pending = dict.fromkeys(left)
        while pending:
            assumed = next(iter(pending))
            del pending[assumed]
            if assumed in left and not self._is_kept(left[assumed], left):
                del left[assumed]
                pending |= {n: None for n, other in left.items() if assumed in other.rests_on}
        needed = self._needed_for_claim(left)
        if needed is None:
            return None
        for assumed in needed:  # grows while it is walked through
            self._is_kept(left[assumed], left, needed)
            needed += sorted(left[assumed].rests_on - set(needed))
        return [self._given[left[assumed].number] for assumed in sorted(needed)]

    def _is_kept(
        self,
        statement: _Statement,
        left: dict[int, _Statement],
        known: Sequence[int] = (),
    ) -> bool:
        """Whether the statement holds after every step; `rests_on` is then why, if possible all
        that is known to be needed anyhow.
        """
        statement.rests_on = set()
        for instance in statement.after:
            core = self._core(_negated(instance), left, [*known, statement.assumed])
            if core is None:
                return False
            statement.rests_on |= core
        return True

    def _needed_for_claim(self, left: dict[int, _Statement]) -> list[int] | None:
        found: set[int] = set()
        for bad in (self._blasted.bad.next, self._blasted.bad.step):
            core = self._core([bad or self._blasted.bad.step], left, [])
            if core is None:
                return None
            found |= core
        return sorted(found)

    def _core(
        self, bad: Sequence[int], left: dict[int, _Statement], known: Sequence[int]
    ) -> set[int] | None:
        """Statements because of which no step leads to what is bad; None if one does."""
        fixed = [self._blasted.guard, self._claim_holds, *bad]
        for names in (list(known), list(left)):
            if self._never(*fixed, *names):
                kept = self._solver.core() & set(names)
                for name in sorted(kept):  # the longest statements come first
                    if name in kept and self._never(*fixed, *(kept - {name})):
                        kept = self._solver.core() & (kept - {name})
                return kept
        return None

    def _never(self, *literals: int) -> bool:
        if is_over(self._deadline):
            raise Undecided("out of time while statements were selected")
        return not self._solver.solve(literals)


def _negated(instance: Instance) -> list[int]:
    return [-literal for literal in instance]


class _Literals:
    """Instances of lifted statements in one scope."""

    def __init__(self, grounding: Grounding, cone: GroundSystem) -> None:
        self._grounding = grounding
        self._finite = grounding.finite
        self._vocabulary = Vocabulary(grounding.text.families)
        self._places = {variable.name: i for i, variable in enumerate(cone.variables)}

    def all(self, lifted: Lifted, atoms: Sequence[Sequence[int]]) -> Iterator[Instance]:
        """Every instance. Raises KeyError where a variable is not in the cone."""
        variables = self._vocabulary.variables(lifted)
        ranges = [range(self._size(variable)) for variable in variables]
        for positions in itertools.product(*ranges):
            chosen = dict(zip(variables, positions, strict=True))
            if all(chosen.get(a, a.position) != chosen.get(b, b.position) for a, b in lifted.apart):
                yield tuple(self._clause(lifted, chosen, atoms))

    def typical(self, lifted: Lifted, atoms: Sequence[Sequence[int]]) -> Iterator[Instance]:
        """One instance for each way in which its elements may be equal or not. Raises KeyError."""
        variables = self._vocabulary.variables(lifted)
        for positions in itertools.product(*(range(self._size(v)) for v in variables)):
            chosen = dict(zip(variables, positions, strict=True))
            if not self._is_typical(chosen):
                continue
            if all(chosen.get(a, a.position) != chosen.get(b, b.position) for a, b in lifted.apart):
                yield tuple(self._clause(lifted, chosen, atoms))

    def _is_typical(self, chosen: dict[Element, int]) -> bool:
        """Whether each element is a constant, one that came before, or the next one."""
        following: dict[str, int] = {}
        for element, position in chosen.items():
            constants = len(self._vocabulary.sorts[element.sort].constants)
            fresh = following.get(element.sort, constants)
            if position > fresh:
                return False
            following[element.sort] = max(fresh, position + 1)
        return True

    def _clause(
        self, lifted: Lifted, chosen: dict[Element, int], atoms: Sequence[Sequence[int]]
    ) -> Iterator[int]:
        for atom in lifted.atoms:
            free = [self._size(e) for e in atom.at if e.position == SOME]
            for some in itertools.product(*map(range, free)):
                literal = self._literal(atom, chosen, some, atoms)
                yield literal if atom.positive else -literal

    def _literal(
        self,
        atom: LiftedAtom,
        chosen: dict[Element, int],
        some: tuple[int, ...],
        atoms: Sequence[Sequence[int]],
    ) -> int:
        positions = iter(some)
        at = tuple(
            next(positions) if e.position == SOME else chosen.get(e, e.position) for e in atom.at
        )
        family = self._vocabulary.families[atom.family]
        place = self._places[self._grounding.name_of(atom.family, at)]
        if isinstance(atom.value, Element):
            value = chosen.get(atom.value, atom.value.position)
        else:
            value = family.of.values.index(atom.value) if isinstance(family.of, Enum) else 1
        return atoms[place][value]

    def _size(self, element: Element) -> int:
        sort: Index = self._vocabulary.sorts[element.sort]
        return self._finite.size(sort)
