"""How a run is written as a Value Change Dump, for waveform viewers such as GTKWave.

Each ground variable is a signal in the scope of its family: a wire where it is Boolean, and else a
text, which is GTKWave's extension of the format. A signal's name begins with its scope's, since a
viewer shows the name alone; files from before it did are read too. What happened is in the signals
`action`, `call` and `answer`, and in the scope `executions` which PCONFIGs each package executed
for the call. Keys are fingerprints: the scope `fingerprints` has those of the letters that name
user keys elsewhere, `entry_keys` and `vault_keys` what lies in the tables and in the vault. Time 0
is the boot, and each call takes one unit of time. The record is the comment.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from vcd.common import VarType
from vcd.reader import Token, TokenKind, VarDecl, VCDParseError, tokenize
from vcd.writer import VCDWriter

from checker import Grounding
from checker.answers.trace import Trace
from checker.systems.system import Family
from mktme.traces.content import content
from mktme.traces.observed import fingerprints, observed
from mktme.traces.recorded import Record, RecordedCall, RecordError

TOP: Final = "mktme"
BOOT: Final = "boot"
NOTHING: Final = "none"
"""No PCONFIG, or no key."""

SEEN: Final = ("executions", "fingerprints", "entry_keys", "vault_keys")
"""The scopes of the implementation. Files of before they were are read too."""

CHANGES: Final = (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_STRING, TokenKind.CHANGE_VECTOR)

Texts = dict[tuple[tuple[str, ...], str], str]
"""Scope and name of a signal to its text."""

Signals = dict[str, str]
"""Name of a signal, with its scopes, to its value."""


def vcd(record: Record, trace: Trace, grounding: Grounding) -> str:
    """The run as the text of a VCD file."""
    out = io.StringIO()
    comment = json.dumps(content(record))
    texts = [
        said | seen
        for said, seen in zip(_said(trace, grounding), _seen(record, grounding), strict=True)
    ]
    with VCDWriter(out, timescale="1 s", date="", comment=comment, version=TOP) as writer:

        def signal(scope: tuple[str, ...], name: str, kind: VarType, init: Any = None) -> Any:
            return writer.register_var((TOP, *scope), "_".join((*scope, name)), kind, 1, init)

        words = {place: signal(*place, VarType.string, value) for place, value in texts[0].items()}
        signals = [
            signal(*place, VarType.wire if v.is_bool else VarType.string)
            for place, v in zip(_names(grounding), grounding.system.variables, strict=True)
        ]
        for time, state in enumerate(trace.states):
            for place, word in texts[time].items():
                writer.change(words[place], time, word)
            for wave, v, value in zip(signals, grounding.system.variables, state, strict=True):
                writer.change(wave, time, value if v.is_bool else v.labels[value])
        writer.close(len(trace.states))
    return out.getvalue()


def _said(trace: Trace, grounding: Grounding) -> Iterator[Texts]:
    """What happened. The call has its number: the same call again is a change that shows."""
    yield {((), "action"): BOOT, ((), "call"): f"0: {BOOT}", ((), "answer"): "ok"}
    for number, step in enumerate(trace.steps, 1):
        labelled = step.call.labelled(grounding.system)
        call = RecordedCall(step.call.action, tuple(labelled.items()))
        said = f"{number}: {call.said()}"
        yield {((), "action"): call.action, ((), "call"): said, ((), "answer"): step.answer}


def _seen(record: Record, grounding: Grounding) -> Iterator[Texts]:
    """What the implementation did and held; executions have their call's number, as calls do."""
    letters = fingerprints(grounding, record.system)
    moments = observed(record)
    # Threads run on a machine that has the packages which their operations need.
    ran_on = [1 + done.package for one in moments for done in one.executions]
    packages = range(max([record.scope.packages, *ran_on]))
    keyids = range(1, record.scope.keyids + 1) if record.system == "" else ()
    executions, fixed, entry_keys, vault_keys = ((scope,) for scope in SEEN)
    for number, one in enumerate(moments):
        found: Texts = {}
        for package in packages:
            done = [str(each) for each in one.executions if each.package == package]
            text = f"{number}: {'; '.join(done)}" if done else NOTHING
            found[executions, f"Package{package}"] = text
        found |= {(fixed, letter): key for letter, key in letters.items()}
        for package, keyid in itertools.product(packages, keyids):
            key = one.entries.get((package, keyid), NOTHING)
            found[entry_keys, f"Package{package}_KeyID{keyid}"] = key
        for keyid in keyids:
            found[vault_keys, f"KeyID{keyid}"] = one.vault.get(keyid, NOTHING)
        yield found


def _names(grounding: Grounding) -> Iterator[tuple[tuple[str, ...], str]]:
    """The scope and own name of each variable's signal: entry_mode, Package0_KeyID1."""
    for family in grounding.text.families:
        for at in grounding.finite.tuples(family.over):
            yield ((family.name,), _place(family, at)) if at else ((), family.name)


def _place(family: Family, at: tuple[int, ...]) -> str:
    sorts = zip(family.over, at, strict=True)
    return "_".join(f"{sort.name}{sort.label(position)}" for sort, position in sorts)


def comment_of(text: str) -> object:
    """The JSON value in a VCD file's comment. Raises RecordError."""
    comments = [token.data for token in _tokens(text) if token.kind is TokenKind.COMMENT]
    if len(comments) != 1:
        raise RecordError("the VCD file has no comment with a record in it")
    try:
        found: object = json.loads(str(comments[0]))
    except (ValueError, RecursionError):
        raise RecordError("the VCD file's comment is no record") from None
    return found


def require_states(text: str, record: Record, trace: Trace, grounding: Grounding) -> None:
    """Raise RecordError unless the signals of a VCD file are those of the run."""
    right = list(_waves(vcd(record, trace, grounding)))
    found = list(_waves(text))
    if [time for time, _ in found] != [time for time, _ in right]:
        raise RecordError(f"the VCD file's times are not 0 to {len(trace.states)}")
    is_old = not any(map(_is_seen, found[0][1])) if found else False
    for (time, seen), (_, expected) in zip(found, right, strict=True):
        if is_old:
            expected = {name: value for name, value in expected.items() if not _is_seen(name)}
        if seen.keys() != expected.keys():
            raise RecordError("the VCD file's signals are not those of the record's system")
        for name, value in expected.items():
            if seen[name] != value:
                fact = f"time {time}: {name} is not what the record's run has there"
                raise RecordError(fact)


def _is_seen(name: str) -> bool:
    """Whether a signal is one of the implementation's."""
    return name.startswith(tuple(f"{TOP}.{scope}." for scope in SEEN))


def _waves(text: str) -> Iterator[tuple[int, Signals]]:
    """Each time of a file, and the values that all signals have then."""
    names: dict[str, str] = {}
    scopes: list[str] = []
    values: Signals = {}
    time: int | None = None
    for token in _tokens(text):
        if token.kind is TokenKind.SCOPE:
            scopes.append(token.scope.ident)
        elif token.kind is TokenKind.UPSCOPE:
            scopes = scopes[:-1]
        elif isinstance(token.data, VarDecl):
            names[token.data.id_code] = _named_once(token.data.ref_str, scopes, names)
        elif token.kind is TokenKind.CHANGE_TIME:
            if time is not None:
                yield time, dict(values)
            time = token.time_change
        elif token.kind in CHANGES:
            change: Any = token.data
            if change.id_code not in names:
                raise RecordError("the VCD file has a value of a signal that it does not declare")
            values[names[change.id_code]] = str(change.value)
    if time is not None:
        yield time, dict(values)


def _named_once(written: str, scopes: list[str], names: dict[str, str]) -> str:
    """A signal's name with its scopes. Raises RecordError where another has it: of two values one
    would never be looked at.
    """
    own = written.removeprefix(f"{scopes[-1]}_" if scopes else "")
    name = ".".join([*scopes, own])
    if name in names.values():
        raise RecordError(f"the VCD file has the signal {name} twice")
    return name


def _tokens(text: str) -> Iterator[Token]:
    """What a file says, piece by piece. Raises RecordError."""
    data = io.BytesIO(text.encode(errors="replace"))
    try:
        yield from tokenize(data)
    except VCDParseError as error:
        raise RecordError(f"the VCD file cannot be read: {error}") from None
    except (ValueError, LookupError, RuntimeError):
        # The library does not foresee every text: a huge number, a sign that is not ASCII.
        raise RecordError("the VCD file cannot be read") from None
