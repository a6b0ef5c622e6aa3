"""Scripts of calls on keys, for the simulated and for the running kernel (see `live_keys`).

``ANSWERS`` in `key_answers` pins what Linux 6.18 answers to each for root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from live_keys import Answer, Call, Ref

S = Ref(0)
SESSION, THREAD, PROCESS, USER, USER_SESSION = -3, -1, -2, -4, -5
UID = 61_321
"""A user that nobody is, as the next two: its keyrings and its quota are the tests' own."""

NO_SERIAL = 99_999_999
NUMBERS = (0, -1, -2, -6, -7, -8, -9, NO_SERIAL)


@dataclass(frozen=True)
class Script:
    """``uid``: who makes the calls. ``needs_root``: whether the credentials change on the way.

    ``lasts``: why the running kernel is not asked, if it is not.
    """

    calls: list[Call]
    uid: int | None = None
    needs_root: bool = False
    lasts: str = ""


SCRIPTS: dict[str, Script] = {}


class Builder:
    """Collects calls; each gives the `Ref` to its answer."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, *call: Any) -> Ref:
        self.calls.append(call)
        return Ref(len(self.calls))

    def user(self, description: str, ring: Ref | int = S) -> Ref:
        """A user key with the payload x."""
        return self("add", "user", description, b"x", ring)

    def ring(self, description: str, ring: Ref | int = S) -> Ref:
        """A keyring."""
        return self("add", "keyring", description, b"", ring)

    def each(self, verbs: str, *arguments: Any) -> None:
        """Several calls with the same arguments."""
        for verb in verbs.split():
            self(verb, *arguments)


Build = Callable[[Builder], None]


def script(**settings: Any) -> Callable[[Build], Build]:
    """Enter what a function builds under its name."""

    def enter(build: Build) -> Build:
        builder = Builder()
        build(builder)
        SCRIPTS[build.__name__] = Script(builder.calls, **settings)
        return build

    return enter


def render(answers: list[Answer]) -> str:
    """Answers as one text, as they are pinned."""
    return " ".join(
        "{" + ",".join(str(ref.call) for ref in sorted(answer, key=lambda ref: ref.call)) + "}"
        if isinstance(answer, frozenset)
        else f"#{answer.call}"
        if isinstance(answer, Ref)
        else "ok"
        if answer is None
        else repr(answer)
        for answer in answers
    )


@script()
def numbers_that_are_no_serial_number(call: Builder) -> None:
    for number in NUMBERS:
        call.each("get describe read revoke invalidate", number)
        call("update", number, b"x")
        call("unlink", number, S)


@script()
def numbers_that_make_a_keyring(call: Builder) -> None:
    for number in NUMBERS:
        call("timeout", number, 0)
        call("setperm", number, 0x3F01_0000)
        call("chown", number, 0, -1)
        call("link", number, S)
        call("clear", number)


@script()
def names_of_types(call: Builder) -> None:
    key = call.user("a")
    for name in ("nope", ".x", "", "t" * 32, "t" * 31):
        call("add", name, "a", b"x", S)
    for ring in (key, 0, NO_SERIAL):
        call("add", "nope", "a", b"x", ring)
    for name in ("t" * 32, "", ".user", "nope"):
        call("search", S, name, "x")
        call("request", name, "x")
    for ring in (0, NO_SERIAL):
        call("search", ring, "nope", "x")
        call("search", S, "nope", "x", ring)
        call("request", "nope", "x", NO_SERIAL)


@script()
def names_of_keys(call: Builder) -> None:
    key = call.user("a")
    for kind in ("user", "keyring", "logon", "nope"):
        for description in ("", None, ".d"):
            for ring in (S, 0, key):
                call("add", kind, description, b"", ring)
                call("add", kind, description, b"x", ring)
    call("add", "keyringg", ".d", b"", S)
    call("search", S, "user", "")
    call("request", "user", "")


@script()
def lengths(call: Builder) -> None:
    call.user("d" * 4095)
    call.user("d" * 4096)
    call("search", S, "user", "d" * 4096)
    call("request", "user", "d" * 4096)
    call("join", "x" * 4096)
    call("join", "." + "x" * 4096)
    call("add", "user", "m", b"", S)
    key = call("add", "user", "m", b"x" * 32_767, S)
    for size in (32_768, 2**20 - 1, 2**20):
        call("add", "user", "m", b"x" * size, S)
    call("add", "user", "m", b"x" * 2**20, 0)
    for payload in (b"y" * 4096, b"y" * 4097, b""):
        call("update", key, payload)
    call("update", 0, b"y" * 4097)


@script()
def logon_keys(call: Builder) -> None:
    for description in ("plain", ":x", ""):
        call("add", "logon", description, b"x", S)
    call("add", "logon", "plain", b"", S)
    key = call("add", "logon", "a:b", b"x", S)
    call.each("describe read", key)
    call("add", "logon", "a:b", b"y", S)
    call("update", key, b"yy")
    call("update", key, b"")
    call("search", S, "logon", "a:b")
    call.each("revoke read describe", key)


@script()
def adding_again_updates(call: Builder) -> None:
    key = call("add", "user", "a", b"one", S)
    call("read", key)
    call("add", "user", "a", b"two", S)
    call("read", key)
    call("update", key, b"three")
    call("read", key)
    ring = call.ring("r")
    call("describe", ring)
    call("update", ring, b"x")
    call("update", ring, b"")
    call.ring("r")
    call("links", S)
    call("settle")
    call("describe", ring)
    call("setperm", key, 0x3B01_0000)
    call.user("a")
    call("update", key, b"x")


@script()
def revoked_keys(call: Builder) -> None:
    ring = call.ring("r")
    key = call.user("a")
    call("revoke", key)
    call.each("describe read revoke invalidate get clear", key)
    call("update", key, b"x")
    call("timeout", key, 1)
    call("setperm", key, 0x3F3F_0000)
    call("chown", key, 0, 0)
    call("chown", key, -1, -1)
    call("link", key, ring)
    call("search", S, "user", "a")
    call("request", "user", "a")
    call("links", S)
    again = call.user("a")
    call("links", S)
    call("settle")
    call("describe", key)
    call("unlink", key, S)
    call("unlink", again, S)
    last = call.user("b")
    call("revoke", last)
    call("unlink", last, S)
    call("request", "user", "b")


@script()
def revoked_keyrings(call: Builder) -> None:
    ring = call.ring("r")
    key = call.user("a", ring)
    call("link", key, S)
    call("revoke", ring)
    call("read", ring)
    call("links", S)
    call("describe", key)
    call.user("a", ring)
    call.each("unlink link", key, ring)
    call("clear", ring)
    call("search", ring, "user", "a")
    call("search", S, "keyring", "r")
    call.ring("r")


@script()
def a_revoked_session_keyring(call: Builder) -> None:
    call.user("a")
    call("revoke", SESSION)
    call("describe", SESSION)
    call.user("a", SESSION)
    call("get", SESSION, 1)
    call("get", SESSION)
    call("request", "user", "a")
    call("join", None)
    call("describe", SESSION)


@script()
def invalidated_keys(call: Builder) -> None:
    key = call.user("a")
    ring = call.ring("r")
    inner = call.user("in", ring)
    call("setperm", inner, 0x3F00_0000)
    call("invalidate", key)
    call.each("describe revoke invalidate", key)
    call("update", key, b"x")
    call("link", key, ring)
    call.user("a")
    call("settle")
    call("links", S)
    call("request", "user", "a")
    call("invalidate", ring)
    call("describe", ring)
    call("read", inner)


@script()
def expired_keys(call: Builder) -> None:
    key, other = call.user("a"), call.user("b")
    ring = call.ring("r")
    inner, free = call.user("in", ring), call.ring("f")
    for timed in (key, other, ring):
        call("timeout", timed, 1)
    call("sleep", 1.1)
    call.each("describe read revoke invalidate get", key)
    call("update", key, b"x")
    call("update", key, b"")
    call("timeout", key, 0)
    call("setperm", key, 0x3F3F_0000)
    call("chown", key, 0, 0)
    call("link", key, free)
    call("search", S, "user", "a")
    call("request", "user", "a")
    call("add", "user", "a", b"", S)
    call("add", "user", "a", b"new", S)
    call.each("read describe", key)
    call("unlink", other, S)
    call("search", S, "user", "in")
    call("read", inner)
    call("search", S, "keyring", "r")
    call.user("in2", ring)
    call("links", ring)
    call("unlink", inner, ring)
    call.ring("r")
    call("links", S)


@script()
def timeouts(call: Builder) -> None:
    key = call.user("a")
    for seconds in (-1, 1000, 0):
        call("timeout", key, seconds)
        call("describe", key)
    call("timeout", S, 0)


@script()
def cycles(call: Builder) -> None:
    ring, key = call.ring("r"), call.user("a")
    for what, where in ((ring, ring), (S, ring), (S, S), (key, key), (ring, key)):
        call("link", what, where)
    call("clear", key)
    call("unlink", key, key)
    call("search", key, "user", "a")
    call("search", S, "user", "a", key)
    call("unlink", key, ring)
    call.each("link link", key, ring)
    call("links", ring)
    for what, where in ((NO_SERIAL, 0), (key, NO_SERIAL), (0, NO_SERIAL), (NO_SERIAL, S)):
        call.each("link unlink", what, where)


@script()
def depth(call: Builder) -> None:
    for levels in range(1, 9):
        first = last = call.ring(f"ring {levels}-0")
        for level in range(1, levels):
            last = call.ring(f"ring {levels}-{level}", last)
        top = call.ring(f"top {levels}")
        call("link", first, top)
        call.user(f"key {levels}", last)
        call("search", S, "user", f"key {levels}")
        call("link", top, last)


@script()
def links_by_type_and_description(call: Builder) -> None:
    key, ring = call.user("a"), call.ring("r")
    other = call.user("a", ring)
    call("link", other, S)
    call("links", S)
    call("settle")
    call("describe", key)
    call("link", other, S)
    call("links", S)
    # What is unlinked is whatever the keyring has of that type and description.
    left, right = call.ring("left"), call.ring("right")
    in_left = call.user("z", left)
    call.user("z", right)
    call("unlink", in_left, right)
    call("links", right)
    call("links", left)
    call("unlink", in_left, right)
    call("clear", S)
    call("settle")
    call("describe", other)
    call("links", S)
    call("read", S)


@script()
def searches(call: Builder) -> None:
    ring = call.ring("r")
    key = call.user("n", ring)
    call("search", S, "user", "n")
    call("search", S, "user", "n", S)
    call("links", S)
    call("unlink", key, S)
    call("request", "user", "n")
    call("request", "user", "n", S)
    call("search", S, "user", "none")
    call("request", "user", "none")
    call("request", "user", "none", key)
    call("search", S, "keyring", "_ses")
    call("search", ring, "keyring", "r")
    call("request", "keyring", "r")
    call("request", "keyring", ".r")
    call("search", ring, "user", "n", key)
    call("request", "user", "n", key)
    call("setperm", key, 0x2F01_0000)
    call("search", S, "user", "n", ring)
    call("request", "user", "n", ring)
    call("link", key, ring)
    call("search", S, "user", "n")
    call("setperm", S, 0x3700_0000)
    call("search", S, "keyring", "_ses")
    call("describe", S)
    call("get", SESSION)
    call("request", "user", "n")
    call("read", key)


@script()
def errors_of_several_keyrings(call: Builder) -> None:
    key = call.user("a")
    call("revoke", key)
    call("request", "user", "a")
    thread = call("get", THREAD, 1)
    call("request", "user", "a")
    call("setperm", thread, 0x3701_0000)
    call("request", "user", "a")
    process = call("get", PROCESS, 1)
    call("request", "user", "a")
    call("revoke", process)
    call("get", PROCESS, 1)
    call.user("q", PROCESS)
    call("request", "user", "a")
    call("read", thread)


MASKS = (
    *(0x3F00_0000, 0x0100_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000),
    *(0x2000_0000, 0x0E00_0000, 0, 0x003F_0000),
)


@script()
def what_a_mask_lets_one_do_to_a_key(call: Builder) -> None:
    ring = call.ring("r")
    for mask in (*MASKS, 0x0001_0000):
        name = f"{mask:08x}"
        key = call.user(name)
        call("setperm", key, mask)
        call.each("describe read", key)
        call("update", key, b"y")
        call("link", key, ring)
        call("search", S, "user", name)
        call("request", "user", name)
        call("timeout", key, 0)
        call.user(name)
        call("chown", key, 0, 0)
        call("chown", key, -1, -1)
        call("setperm", key, mask)
        call("get", key)
        call("unlink", key, S)
        call("clear", ring)
    for mask in (0x4000_0000, 0xFF00_0000, 0x0000_0040):
        call("setperm", S, mask)
        call("setperm", 0, mask)
    for mask, verb in ((0x3B01, "revoke"), (0x1B01, "revoke"), (0x3701, "invalidate")):
        key = call.user("e")
        call("setperm", key, mask << 16)
        call(verb, key)


@script()
def what_a_mask_lets_one_do_to_a_keyring(call: Builder) -> None:
    for mask in MASKS:
        name = f"{mask:08x}"
        ring = call.ring(f"ring {name}")
        key = call.user(f"in {name}", ring)
        call("setperm", ring, mask)
        call.user(f"in {name}", ring)
        call.user(f"more {name}", ring)
        call("links", ring)
        call("search", S, "user", f"in {name}")
        call("search", ring, "user", f"in {name}")
        call("describe", key)
        call("get", ring)
        call("unlink", key, ring)
        call("clear", ring)


@script(needs_root=True)
def owners_groups_and_others(call: Builder) -> None:
    def key(name: str, uid: int, gid: int, mask: int) -> Ref:
        made = call.user(name)
        call("chown", made, uid, gid)
        call("setperm", made, mask)
        return made

    keys = [
        key("own", -1, -1, 0x003F_0000),
        key("group 0", UID, 0, 0x3F00),
        key("group 7", UID, 7, 0x3F00),
        key("others, no group bit", UID, 0, 0x3F),
        key("others, a group bit", UID, 0, 0x23F),
        key("others", 99_999, 99_998, 0x3F),
        key("own, for others", -1, -1, 0x3F),
        key("possessor", UID, UID, 0x3F00_0000),
    ]
    for one in keys:
        call.each("describe read", one)
    users = ((UID, UID, ()), (UID, UID, (0,)), (UID, 0, ()), (UID + 1, 7, (0, 7)), (UID + 1, 8, ()))
    for credentials in users:
        call("become", *credentials)
        for one in keys:
            call("describe", one)
            call("timeout", one, 0)
    call("become", UID, UID, (7,))
    for one in (keys[1], keys[5], keys[7]):
        call("setperm", one, 0x3F3F_3F3F)
        for owner in ((0, -1), (UID, -1), (-1, 7), (-1, 8), (-1, UID), (-1, -1)):
            call("chown", one, *owner)
    call("become", 0, 0, ())
    call("setperm", S, 0x3F3F_0000)
    call("become", UID, UID, ())
    mine = call.user("mine")
    call("chown", mine, -1, 9)
    call("become", 0, 0, ())
    call("setperm", mine, 0x3F3F_3F3F)
    call("chown", mine, 5, 6)
    call("describe", mine)


@script(uid=UID)
def keyrings_of_a_process(call: Builder) -> None:
    call("describe", SESSION)
    for special in (THREAD, PROCESS):
        call("get", special)
        call("get", special, 1)
        call.each("describe get", special)
    key = call.user("t", THREAD)
    call("request", "user", "t")
    call("request", "keyring", "_tid")
    call("links", THREAD)
    call("join", None)
    call("describe", SESSION)
    call("read", key)
    call("settle")
    call("link", key, S)
    call("link", key, SESSION)


@script(uid=UID)
def keyrings_of_a_user(call: Builder) -> None:
    # The keyrings of a user outlast its processes, so the script begins by making them as new.
    ring = call("get", USER)
    call("setperm", USER, 0x1F3F_0000)
    call("clear", USER)
    call("link", ring, USER_SESSION)
    call.each("describe", USER)
    call.each("describe links", USER_SESSION)
    call("unlink", ring, USER_SESSION)
    call("unlink", ring, USER_SESSION)
    call("links", USER_SESSION)
    key = call.user("x", USER)
    call("read", key)
    call("link", USER, SESSION)
    call("read", key)
    for mask in (0x003F_0000, 0x3F3F_0000, 0x1F3F_0000):
        call("setperm", USER, mask)
    call("chown", USER, -1, -1)
    call("chown", USER, -1, 0)
    call("clear", USER)
    call("link", ring, USER_SESSION)


@script(uid=UID)
def joining_by_name(call: Builder) -> None:
    call("settle")
    call("get", USER_SESSION)
    call("join", ".n")
    call("join", "")
    first = call("join", "n1")
    call("describe", first)
    second = call("join", "n1")
    # A link keeps it, whatever the process joins.
    call("link", second, THREAD)
    call("setperm", second, 0x3F1F_0000)
    call("join", "n2")
    call("join", "n1")
    call("describe", SESSION)
    call("join", "n3")
    call("setperm", SESSION, 0x3F3F_0000)
    call("join", "n3")
    session = call("join", None)
    revoked = call.ring("pub", session)
    call("link", revoked, THREAD)
    call("setperm", revoked, 0x3F3F_0000)
    call("revoke", revoked)
    other = call.ring("pub", session)
    call("setperm", other, 0x3F3F_0000)
    call("join", "pub")
    user_session = call("join", f"_uid_ses.{UID}")
    call("describe", user_session)
    call.user("x", SESSION)
    call("describe", SESSION)


@script(uid=UID, lasts="the user's keyrings would stay out of use for minutes")
def keyrings_of_a_user_that_expired(call: Builder) -> None:
    call("timeout", USER, 1)
    call("sleep", 1.0)
    call("get", USER)
    call("get", USER_SESSION)
    call.user("x", USER)
    call("describe", SESSION)
