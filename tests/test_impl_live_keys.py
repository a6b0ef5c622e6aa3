"""Generic keys as the running kernel treats them, call by call, against the simulated kernel.

What Linux does later by itself is not compared: a key that nothing refers to any more may still be
found for a moment (RCU), and an invalidated one may still be linked. Nor is the order in which
keyrings inside a keyring are searched, which no document promises. Serial numbers are compared by
the call that gave them.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from key_scripts import SCRIPTS, UID
from live_keys import (
    Answer,
    Call,
    Errno,
    Ref,
    Running,
    Simulated,
    ask_running,
    ask_simulated,
    in_child,
    why_not,
)

from impl.keyrings.keys import Index, Key

REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"{REASON}")
NEEDS_ROOT = "only root can change its credentials"


@pytest.mark.parametrize("name", [name for name, script in SCRIPTS.items() if not script.lasts])
def test_a_script_is_answered_as_the_running_kernel_answers_it(name: str) -> None:
    script = SCRIPTS[name]
    if (script.needs_root or script.uid is not None) and os.geteuid() != 0:
        pytest.skip(NEEDS_ROOT)
    assert ask_running(script.calls, script.uid) == ask_simulated(script.calls, script.uid)


def test_the_keyrings_of_this_process_stay_as_they_are() -> None:
    def session() -> Answer:
        # A child has the session keyring of this process; it only looks.
        return in_child(lambda: Running().answer(("describe", -3)))

    before = session()
    asked = ask_running([("setperm", -3, 0x3F3F_0000), ("describe", -3)])
    assert asked[2] != before
    assert before == session()


def test_a_child_that_fails_is_reported() -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    with pytest.raises(RuntimeError, match="the child that calls the running kernel failed"):
        in_child(fail)


# Random calls. Descriptions are few, so that keys meet; a call is a recipe that the state fills in.

WHERE = st.integers(0, 7)
NAMES = st.sampled_from(["a", "b", "c"])
MASKS = st.sampled_from(
    [0x3F3F_0000, 0x3F01_0000, 0x1F01_0000, 0x3B01_0000, 0x3701_0000, 0x2F01_0000, 0x0001_0000, 0]
)
RECIPES = st.one_of(
    st.tuples(st.just("user"), NAMES, st.binary(max_size=3), WHERE),
    st.tuples(st.just("ring"), NAMES, WHERE),
    st.tuples(st.just("update"), WHERE, st.binary(max_size=3)),
    st.tuples(st.sampled_from(["link", "unlink"]), WHERE, WHERE),
    st.tuples(st.sampled_from(["revoke", "invalidate", "clear"]), WHERE),
    st.tuples(st.sampled_from(["describe", "read", "get"]), WHERE),
    st.tuples(st.just("setperm"), WHERE, MASKS),
    st.tuples(st.just("timeout"), WHERE, st.sampled_from([0, 1000])),
    st.tuples(st.just("search"), WHERE, st.sampled_from(["user", "keyring"]), NAMES, WHERE),
    st.tuples(st.just("request"), st.sampled_from(["user", "keyring"]), NAMES),
)


class Walk:
    """The simulated side of a random run. It also chooses which of the calls can be compared."""

    def __init__(self) -> None:
        self.kernel = Simulated(os.geteuid(), os.getegid())
        self.calls: list[Call] = []
        self.made: list[Ref] = [Ref(0)]
        self.gone: set[Index] = set()

    def step(self, recipe: tuple[Any, ...]) -> None:
        """Make the call of a recipe, if the running kernel's answer to it is determined."""
        verb, *given = recipe
        refs = [self.made[n % len(self.made)] if isinstance(n, int) else n for n in given]
        if verb == "user":
            call: Call = ("add", "user", *refs)
        elif verb == "ring":
            call = ("add", "keyring", refs[0], b"", refs[1])
        elif verb in ("timeout", "setperm"):
            call = (verb, refs[0], given[1])
        elif verb == "read":
            call = ("links" if self._is_keyring(refs[0]) else "read", *refs)
        else:
            call = (verb, *refs)
        if not self._is_determined(call):
            return
        self.calls.append(call)
        if call[0] == "invalidate":
            key = self._key(call[1])
            self.gone |= {key.index} if key else set()
        answer = self.kernel.answer(call)
        self.kernel.answers.append(answer)
        self.kernel.collect()
        if call[0] == "add" and isinstance(answer, Ref) and answer not in self.made:
            self.made.append(answer)

    def comparable(self, answers: list[Answer]) -> list[tuple[Call, Answer]]:
        """Calls and answers, without links to keys that were invalidated at some time."""
        gone = {call[1] for call in self.calls if call[0] == "invalidate"}
        return [
            (call, answer - gone if isinstance(answer, frozenset) else answer)
            for call, answer in zip(self.calls, answers[1:], strict=True)
        ]

    def _key(self, ref: Ref) -> Key | None:
        return self.kernel.system.keys.find(self.kernel.serials.resolve(ref))

    def _is_keyring(self, ref: Ref) -> bool:
        key = self._key(ref)
        return key is not None and key.type == "keyring"

    def _is_determined(self, call: Call) -> bool:
        """Whether it is about keys that are there, and a search has one way to go at most.

        While an invalidated key is still linked, the running kernel's searches stumble over it.
        """
        if any(self._key(argument) is None for argument in call if isinstance(argument, Ref)):
            return False
        if call[0] not in ("search", "request"):
            return True
        _, _, *index = call if call[0] == "search" else (None, *call)
        sought = index[0], index[1]
        homes = [key for key in self.kernel.system.keys.known() if sought in key.links]
        return len(homes) < 2 and sought not in self.gone


@given(st.lists(RECIPES, min_size=1, max_size=30))
@settings(max_examples=75, deadline=None)
def test_random_calls_are_answered_as_the_running_kernel_answers_them(
    recipes: list[tuple[Any, ...]],
) -> None:
    walk = Walk()
    for recipe in recipes:
        walk.step(recipe)
    running = walk.comparable(ask_running(walk.calls))
    assert running == walk.comparable(walk.kernel.answers)


def test_a_user_that_owns_too_much_is_told_so() -> None:
    if os.geteuid() != 0:
        pytest.skip(NEEDS_ROOT)
    uid = UID + 1
    calls: list[Call] = [("settle",), ("get", -4)]
    calls += [("add", "user", f"k{n}", b"x" * 6000, Ref(0)) for n in range(5)]
    calls += [("update", Ref(3), b"x"), ("add", "user", "k3", b"x" * 6000, Ref(0))]
    calls += [("add", "user", "k4", b"x" * 1900, Ref(0)), ("update", Ref(3), b"x" * 4096)]
    calls += [("revoke", Ref(3)), ("clear", Ref(0)), ("settle",)]
    calls += [("add", "user", f"k{n}", b"x" * 6000, Ref(0)) for n in range(4)]
    answers = ask_running(calls, uid)
    assert Errno(122) in answers
    assert answers == ask_simulated(calls, uid)


def test_a_user_that_owns_too_many_keys_is_told_so() -> None:
    if os.geteuid() != 0:
        pytest.skip(NEEDS_ROOT)
    calls: list[Call] = [("settle",), ("get", -4)]
    calls += [("add", "user", f"k{n}", b"x", Ref(0)) for n in range(210)]
    calls += [("join", None), ("join", "n"), ("get", -1, 1), ("get", -2, 1)]
    answers = ask_running(calls, UID + 2)
    assert Errno(122) in answers
    assert answers == ask_simulated(calls, UID + 2)
