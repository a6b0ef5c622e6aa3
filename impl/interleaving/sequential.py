"""Decides what operations can lead to when each runs to its end before the next begins.

These are the outcomes that a caller may expect: every order of the whole operations, with every
choice of the environment. An operation that needs a lock which the ones before it left held, or
which it holds itself, waits for ever; the others have their turn all the same.
"""

from __future__ import annotations

from itertools import permutations

from impl.interleaving.scenario import Outcome, Run, Scenario, World
from impl.interleaving.schedule import Choice


def sequential(
    scenario: Scenario[World], shared: set[str], runs_max: int
) -> tuple[dict[Outcome, list[Choice]], bool, int]:
    """Every such outcome, in the order found, with the steps of one run that has it.

    ``shared``: the names of the locks that readers ask for. At most ``runs_max`` runs are made; the
    second value says whether those were all, the third how many steps they had together.
    """
    found: dict[Outcome, list[Choice]] = {}
    runs = steps = 0
    for order in permutations(range(len(scenario.operations))):
        unexplored: list[list[Choice]] = [[]]
        while unexplored:
            if runs == runs_max:
                return found, False, steps
            runs += 1
            run = Run(scenario, shared)
            taken, others = _one_after_the_other(run, order, unexplored.pop())
            steps += len(taken)
            found.setdefault(run.outcome(), taken)
            # The last alternative is explored first; pushed in reverse, they come in order.
            unexplored += reversed(others)
    return found, True, steps


def _one_after_the_other(
    run: Run[World], order: tuple[int, ...], prefix: list[Choice]
) -> tuple[list[Choice], list[list[Choice]]]:
    """The steps of a run that begins with ``prefix``, and the alternatives it did not take."""
    taken: list[Choice] = []
    others: list[list[Choice]] = []
    for number in order:
        while ways := run.ways(number):
            if len(taken) < len(prefix):
                choice = prefix[len(taken)]
            else:
                choice = Choice(number, ways[0])
                others += [[*taken, Choice(number, way)] for way in ways[1:]]
            run.take(choice)
            taken.append(choice)
    return taken, others
