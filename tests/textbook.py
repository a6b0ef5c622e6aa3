"""Textbook systems, written as a model would be: families, guards, pointwise effects.

Their state counts and shortest lengths are known from elsewhere, or by hand.
"""

from __future__ import annotations

import functools

import z3

from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Premise, Property, Transition
from checker.systems.system import BOOL, Action, Enum, Family, Index, Parameter, Step, System

DONE = Enum("Answer", ("done", "refused"))


def state_claim(name, formula, premise=lambda state: z3.BoolVal(True)):
    """A state property without the words around it."""
    return Property(name, "state", name, formula, Premise("state", premise), str, "textbook")


def step_claim(name, formula, premise):
    """A step property without the words around it; its premise is about steps."""
    return Property(name, "step", name, formula, Premise("step", premise), str, "textbook")


def system(name, finite, families, initially, actions) -> Grounding:
    """A grounded system whose actions always answer "done"."""
    done = finite.constant(DONE, "done")

    def wrapped(step):
        @functools.wraps(step)
        def build(old, parameters):
            guard, effect = step(old, parameters)
            return Step(guard, done, effect)

        return build

    text = System(
        name=name,
        interpretation=finite,
        families=families,
        answers=DONE,
        initially=initially,
        actions=tuple(Action(n, parameters, wrapped(step)) for n, parameters, step in actions),
        view=lambda values: values,
    )
    return Grounding(text)


def die_hard(wanted: int = 4) -> tuple[Grounding, list[GroundProperty]]:
    """Jugs of three and five litres; the claim is that no jug ever holds `wanted` litres.

    Known: 16 of the 24 fillings are reachable, and 4 litres take six steps (Lamport, DieHard.tla).
    """
    small_litres = Enum("Small", tuple("0123"))
    big_litres = Enum("Big", tuple("012345"))
    finite = Finite({})

    def small(litres):
        return finite.element(small_litres, litres)

    def big(litres):
        return finite.element(big_litres, litres)

    def table(old, rows):
        """The value of the first row whose amounts are there; rows list (small, big, value)."""
        *rest, (_, _, value) = rows
        for s, b, v in reversed(rest):
            value = z3.If(z3.And(old.small == small(s), old.big == big(b)), v, value)
        return value

    amounts = [(s, b) for s in range(4) for b in range(6)]

    def pour(to_big):
        def step(old, _):
            moved = {(s, b): min(s, 5 - b) if to_big else -min(b, 3 - s) for s, b in amounts}
            return z3.BoolVal(True), {
                "small": table(old, [(s, b, small(s - moved[s, b])) for s, b in amounts]),
                "big": table(old, [(s, b, big(b + moved[s, b])) for s, b in amounts]),
            }

        return step

    always = z3.BoolVal(True)
    ground = system(
        "die-hard",
        finite,
        (Family("small", (), small_litres), Family("big", (), big_litres)),
        lambda s: z3.And(s.small == small(0), s.big == big(0)),
        [
            ("fill_small", (), lambda old, _: (always, {"small": small(3)})),
            ("fill_big", (), lambda old, _: (always, {"big": big(5)})),
            ("empty_small", (), lambda old, _: (always, {"small": small(0)})),
            ("empty_big", (), lambda old, _: (always, {"big": big(0)})),
            ("small_to_big", (), pour(True)),
            ("big_to_small", (), pour(False)),
        ],
    )
    # Beyond five litres it is no element of the sort, and the claim holds.
    claim = ground.property(
        state_claim("not-wanted", lambda s: s.big != z3.BitVecVal(wanted, s.big.size()))
    )
    return ground, [claim]


def two_phase_commit(managers: int = 3) -> tuple[Grounding, list[GroundProperty]]:
    """Two-phase commit (Gray and Lamport, "Consensus on Transaction Commit", section 4).

    Known: 288 distinct states for three resource managers, 8832 for five (stateright, 2pc.rs).
    """
    rm = Index("RM")
    phase = Enum("Phase", ("working", "prepared", "committed", "aborted"))
    manager = Enum("Manager", ("init", "committed", "aborted"))
    finite = Finite({rm: managers})

    def p(name):
        return finite.constant(phase, name)

    def t(name):
        return finite.constant(manager, name)

    def at(old_value, changed, value):
        return lambda r: z3.If(r == changed, value, old_value[r])

    true = z3.BoolVal(True)
    one = (Parameter("r", rm),)
    ground = system(
        "two-phase-commit",
        finite,
        (
            Family("rm", (rm,), phase),
            Family("tm", (), manager),
            Family("noted", (rm,), BOOL),
            Family("said", (rm,), BOOL),
            Family("commit", (), BOOL),
            Family("abort", (), BOOL),
        ),
        lambda s: z3.And(
            finite.every(
                rm, lambda r: z3.And(s.rm[r] == p("working"), z3.Not(s.noted[r]), z3.Not(s.said[r]))
            ),
            s.tm == t("init"),
            z3.Not(s.commit),
            z3.Not(s.abort),
        ),
        [
            ("note", one, lambda old, c: (
                z3.And(old.tm == t("init"), old.said[c.r]), {"noted": at(old.noted, c.r, true)})),
            ("decide_commit", (), lambda old, c: (
                z3.And(old.tm == t("init"), finite.every(rm, lambda r: old.noted[r])),
                {"tm": t("committed"), "commit": true})),
            ("decide_abort", (), lambda old, c: (
                old.tm == t("init"), {"tm": t("aborted"), "abort": true})),
            ("prepare", one, lambda old, c: (
                old.rm[c.r] == p("working"),
                {"rm": at(old.rm, c.r, p("prepared")), "said": at(old.said, c.r, true)})),
            ("give_up", one, lambda old, c: (
                old.rm[c.r] == p("working"), {"rm": at(old.rm, c.r, p("aborted"))})),
            ("hear_commit", one, lambda old, c: (
                old.commit, {"rm": at(old.rm, c.r, p("committed"))})),
            ("hear_abort", one, lambda old, c: (
                old.abort, {"rm": at(old.rm, c.r, p("aborted"))})),
        ],
    )  # fmt: skip
    agree = state_claim(
        "consistent",
        lambda s: finite.every(
            rm, rm, lambda a, b: z3.Not(z3.And(s.rm[a] == p("aborted"), s.rm[b] == p("committed")))
        ),
        lambda s: finite.some(rm, lambda r: s.rm[r] == p("committed")),
    )
    return ground, [ground.property(agree)]


def peterson(fair: bool = True) -> tuple[Grounding, list[GroundProperty]]:
    """Peterson's mutual exclusion of two processes; without `fair` the turn is not given away.

    The second claim is the lemma that makes the first inductive.
    """
    process = Index("Process")
    place = Enum("Place", ("idle", "asked", "waiting", "critical"))
    finite = Finite({process: 2})

    def at(name):
        return finite.constant(place, name)

    def moved(old, who, name):
        return lambda q: z3.If(q == who, at(name), old.place[q])

    one = (Parameter("who", process),)
    ground = system(
        "peterson",
        finite,
        (
            Family("place", (process,), place),
            Family("flag", (process,), BOOL),
            Family("turn", (), process),
        ),
        lambda s: z3.And(
            finite.every(process, lambda q: z3.And(s.place[q] == at("idle"), z3.Not(s.flag[q]))),
            s.turn == finite.element(process, 0),
        ),
        [
            ("ask", one, lambda old, c: (
                old.place[c.who] == at("idle"),
                {"place": moved(old, c.who, "asked"),
                 "flag": lambda q: z3.Or(q == c.who, old.flag[q])})),
            ("give_turn", one, lambda old, c: (
                old.place[c.who] == at("asked"),
                {"place": moved(old, c.who, "waiting"),
                 "turn": ~c.who if fair else c.who})),
            ("enter", one, lambda old, c: (
                z3.And(old.place[c.who] == at("waiting"),
                       z3.Or(z3.Not(old.flag[~c.who]), old.turn == c.who)),
                {"place": moved(old, c.who, "critical")})),
            ("leave", one, lambda old, c: (
                old.place[c.who] == at("critical"),
                {"place": moved(old, c.who, "idle"),
                 "flag": lambda q: z3.And(q != c.who, old.flag[q])})),
        ],
    )  # fmt: skip
    exclusive = state_claim(
        "exclusive",
        lambda s: z3.Not(finite.every(process, lambda q: s.place[q] == at("critical"))),
        lambda s: finite.some(process, lambda q: s.place[q] == at("critical")),
    )
    lemma = state_claim(
        "flags-and-turn",
        lambda s: finite.every(process, lambda q: z3.And(
            s.flag[q] == (s.place[q] != at("idle")),
            z3.Implies(
                s.place[q] == at("critical"),
                z3.Or(s.place[~q] == at("idle"), s.place[~q] == at("asked"), s.turn == q),
            ),
        )),
    )  # fmt: skip
    return ground, [ground.property(exclusive), ground.property(lemma)]


def philosophers(
    seats: int = 3, left_handed: bool = False
) -> tuple[Grounding, list[GroundProperty]]:
    """Dijkstra's philosophers, who take their first fork, then their second, then put both down.

    The first claim, that somebody can always move, fails after `seats` steps unless the last
    philosopher is left-handed. The second is about steps: nobody takes a fork that is in use.
    """
    seat = Index("Seat")
    hand = Enum("Hands", ("empty", "one", "both"))
    finite = Finite({seat: seats})

    def has(name):
        return finite.constant(hand, name)

    def first_of(j):
        return (j + 1) % seats if left_handed and j == seats - 1 else j

    def second_of(j):
        return j if left_handed and j == seats - 1 else (j + 1) % seats

    def fork_free(s, fork):
        hands = [s.hands[finite.element(seat, j)] for j in range(seats)]
        first = [hands[j] != has("empty") for j in range(seats) if first_of(j) == fork]
        second = [hands[j] == has("both") for j in range(seats) if second_of(j) == fork]
        return z3.Not(z3.Or(first + second))

    def can(s, who, name, fork_of):
        return z3.Or([
            z3.And(who == finite.element(seat, j), s.hands[finite.element(seat, j)] == has(name),
                   fork_free(s, fork_of(j)))
            for j in range(seats)
        ])  # fmt: skip

    def moved(old, who, name):
        return lambda q: z3.If(q == who, has(name), old.hands[q])

    one = (Parameter("who", seat),)
    ground = system(
        "philosophers",
        finite,
        (Family("hands", (seat,), hand),),
        lambda s: finite.every(seat, lambda q: s.hands[q] == has("empty")),
        [
            ("take_first", one, lambda old, c: (
                can(old, c.who, "empty", first_of), {"hands": moved(old, c.who, "one")})),
            ("take_second", one, lambda old, c: (
                can(old, c.who, "one", second_of), {"hands": moved(old, c.who, "both")})),
            ("put_down", one, lambda old, c: (
                old.hands[c.who] == has("both"), {"hands": moved(old, c.who, "empty")})),
        ],
    )  # fmt: skip

    def can_move(s):
        return finite.some(seat, lambda q: z3.Or(
            can(s, q, "empty", first_of), can(s, q, "one", second_of), s.hands[q] == has("both")
        ))  # fmt: skip

    def one_hand_at_a_time(step: Transition):
        return finite.every(seat, lambda q: z3.Not(z3.And(
            step.old.hands[q] == has("empty"), step.new.hands[q] == has("both")
        )))  # fmt: skip

    claims = [
        state_claim("no-deadlock", can_move),
        step_claim(
            "one-hand-at-a-time",
            one_hand_at_a_time,
            lambda step: z3.BoolVal(step.action == "take_second"),
        ),
    ]
    return ground, [ground.property(claim) for claim in claims]


def missionaries() -> tuple[Grounding, list[GroundProperty]]:
    """Three missionaries and three cannibals cross in a boat for two; eleven crossings are needed.

    Known: 16 safe positions are reachable (four more are safe, and are not).
    """
    count = Enum("Count", tuple("0123"))
    finite = Finite({})

    def n(number):
        return finite.element(count, number)

    def safe(m, c):
        return z3.Or(m == n(0), m == n(3), m == c)

    def cross(m, c):
        def step(old, _):
            away = z3.Not(old.here)
            to_m = z3.If(old.here, old.m - n(m), old.m + n(m))
            to_c = z3.If(old.here, old.c - n(c), old.c + n(c))
            enough = z3.And(
                z3.If(old.here, z3.UGE(old.m, n(m)), z3.ULE(old.m, n(3 - m))),
                z3.If(old.here, z3.UGE(old.c, n(c)), z3.ULE(old.c, n(3 - c))),
            )
            return z3.And(enough, safe(to_m, to_c)), {"m": to_m, "c": to_c, "here": away}

        return step

    loads = [(1, 0), (2, 0), (0, 1), (0, 2), (1, 1)]
    ground = system(
        "missionaries",
        finite,
        (Family("m", (), count), Family("c", (), count), Family("here", (), BOOL)),
        lambda s: z3.And(s.m == n(3), s.c == n(3), s.here),
        [(f"cross_{m}_{c}", (), cross(m, c)) for m, c in loads],
    )
    across = state_claim("never-across", lambda s: z3.Or(s.m != n(0), s.c != n(0)))
    return ground, [ground.property(across)]
