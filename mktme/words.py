"""How calls, changes and scopes are said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker import Grounding, Index
from checker.answers.trace import Trace, TraceStep
from checker.systems.reading import Reading
from mktme import lockwords
from model import words as model_words
from model.sorts import PROGRESS

Labels = Mapping[str, str]


def call_in_words(reading: Reading, step: TraceStep) -> str:
    """A call with its arguments and the environment's choices; `reading` is the state before."""
    labels = step.call.labelled(reading.grounding.system)
    return _CALLS[step.call.action](reading, labels)


def start_in_words(grounding: Grounding, trace: Trace) -> str:
    """How the machine boots in a trace."""
    reading = Reading(grounding, trace.start)
    if not reading.has("present"):
        return lockwords.START
    packages = range(reading.size("present", 0))
    absent = [str(p) for p in packages if not reading.is_true("present", p)]
    if not absent:
        return "boot with all packages"
    return f"boot with {_packages(absent)} absent"


def trace_in_words(grounding: Grounding, trace: Trace) -> str:
    """The whole trace in one line: calls with their answers, refusals named."""
    said = [start_in_words(grounding, trace)]
    for before, step in zip(trace.states, trace.steps, strict=False):
        answer = "" if step.answer == "ok" else answer_in_words(step.answer, " ({})")
        said.append(call_in_words(Reading(grounding, before), step) + answer)
    return "; ".join(said)


def answer_in_words(answer: str, pattern: str = " → {}") -> str:
    """A step's answer in such a pattern; nothing where the call's words say it all."""
    return "" if answer in PROGRESS.values else pattern.format(answer)


def changes_in_words(grounding: Grounding, before: Reading, after: Reading) -> list[str]:
    """What a step changed, but for key table entries, which are shown as a grid."""
    said: list[str] = []
    for family in grounding.text.families:
        if family.name not in _CHANGES:
            continue
        for at in grounding.finite.tuples(family.over):
            old, new = before(family.name, *at), after(family.name, *at)
            if old != new and not (family.ghost and not _is_update(before, after, at[0])):
                said.append(_CHANGES[family.name](at, new, after))
    return list(dict.fromkeys(said))


def _is_update(before: Reading, after: Reading, key: int) -> bool:
    """Whether a key was one before and still is: where it is not, the map's change says it all."""
    return before.is_true("live", key) and after.is_true("live", key)


def _payload(labels: Labels) -> str:
    if labels["kind"] == "user":
        return f"user {model_words.material(labels['bytes'])}"
    return {"cpu": "a CPU-generated key", "clear": "clear", "no_encrypt": "no-encrypt"}[
        labels["kind"]
    ]


def _packages(numbers: list[str]) -> str:
    return f"package {numbers[0]}" if len(numbers) == 1 else f"packages {' and '.join(numbers)}"


def _chosen(labels: Labels, name: str) -> list[str]:
    """The packages for which a choice such as `fails[1]` was made."""
    prefix = f"{name}["
    return [
        key[len(prefix) : -1]
        for key, value in labels.items()
        if key.startswith(prefix) and value == "yes"
    ]


def _failing(labels: Labels) -> str:
    failing = _chosen(labels, "fails")
    return f" while PCONFIG fails on {_packages(failing)}" if failing else ""


def _the_key(reading: Reading, labels: Labels) -> str:
    places = _places(reading, int(labels["key"]))
    return f"the key at {' and '.join(places)}" if places else "a key without a KeyID"


def _owner_of(reading: Reading, key: int) -> str:
    return f"the owner of the key at {' and '.join(_places(reading, key))}"


def _places(reading: Reading, key: int) -> list[str]:
    """The KeyIDs of a key, with their packages if KeyIDs are per package."""
    places = []
    for at in reading.grounding.finite.tuples(_family_over(reading, "mapped")[1:]):
        if reading.is_true("mapped", key, *at):
            *package, keyid = at
            where = f" of package {package[0]}" if package else ""
            places.append(model_words.keyid_name(keyid) + where)
    return places


def _family_over(reading: Reading, name: str) -> tuple[Index, ...]:
    families = {family.name: family for family in reading.grounding.text.families}
    return families[name].over


def _instantiate(_reading: Reading, labels: Labels) -> str:
    wanted = _chosen(labels, "wanted")
    where = f" on {_packages(wanted)}" if wanted else ""
    return f"add {_payload(labels)}{where}{_failing(labels)}"


def _update(reading: Reading, labels: Labels) -> str:
    return f"update {_the_key(reading, labels)} to {_payload(labels)}{_failing(labels)}"


def _destroy(reading: Reading, labels: Labels) -> str:
    return f"destroy {_the_key(reading, labels)}{_failing(labels)}"


def _extend(reading: Reading, labels: Labels) -> str:
    failing = " while PCONFIG fails" if labels["fails"] == "yes" else ""
    return f"extend {_the_key(reading, labels)} to package {labels['package']}{failing}"


def _preparse_error(_reading: Reading, labels: Labels) -> str:
    return f"submit a malformed payload with user {model_words.material(labels['bytes'])} in it"


def _package_add(_reading: Reading, labels: Labels) -> str:
    return f"add package {labels['package']} to the machine"


def _cpu_startup(_reading: Reading, labels: Labels) -> str:
    said = f"start CPU {labels['cpu']} of package {labels['package']}"
    if labels.get("fails") == "yes":
        said += f" while PCONFIG fails at KeyID {labels['fails_at']}"
    if labels.get("answered") == "no":
        said += " while an owner does not answer"
    return said


def _cpu_teardown(_reading: Reading, labels: Labels) -> str:
    return f"take CPU {labels['cpu']} of package {labels['package']} offline"


def _retry_clear(_reading: Reading, labels: Labels) -> str:
    failing = " while PCONFIG fails" if labels["fails"] == "yes" else ""
    return f"clear KeyID {labels['keyid']} of package {labels['package']} again{failing}"


_CALLS: Mapping[str, Callable[[Reading, Labels], str]] = {
    "instantiate": _instantiate,
    "update": _update,
    "destroy": _destroy,
    "extend": _extend,
    "preparse_error": _preparse_error,
    "package_add": _package_add,
    "cpu_startup": _cpu_startup,
    "cpu_teardown": _cpu_teardown,
    "retry_clear": _retry_clear,
    **lockwords.CALLS,
}


def _slot(at: tuple[int, ...]) -> str:
    *package, keyid = at
    return model_words.keyid_name(keyid) + (f" of package {package[0]}" if package else "")


def _mapped(at: tuple[int, ...], new: str, after: Reading) -> str:
    key, *where = at
    if new == "no":
        return f"{_slot(tuple(where))} is unmapped"
    return f"{_slot(tuple(where))} is mapped to {model_words.requested(after, key)}"


def _bytes_label(after: Reading, position: int) -> str:
    families = {family.name: family for family in after.grounding.text.families}
    (sort,) = families["leaked"].over
    return model_words.material(sort.label(position))


def _requested(at: tuple[int, ...], _new: str, after: Reading) -> str:
    return f"{_owner_of(after, at[0])} now has {model_words.requested(after, at[0])}"


_Change = Callable[[tuple[int, ...], str, Reading], str]

_CHANGES: Mapping[str, _Change] = {
    "present": lambda at, new, _: f"package {at[0]} is in the machine",
    "memory": lambda at, new, _: f"the memory of package {at[0]} is present",
    "online": lambda at, new, _: (
        f"CPU {at[1]} of package {at[0]} is {'online' if new == 'yes' else 'offline'}"
    ),
    "lead": lambda at, new, _: (
        f"CPU {at[1]} {'leads' if new == 'yes' else 'no longer leads'} package {at[0]}"
    ),
    "mapped": _mapped,
    "bit": lambda at, new, _: f"the bit of {_slot(at)} is {'set' if new == 'yes' else 'cleared'}",
    "uncleared": lambda at, new, _: (
        f"{model_words.keyid_name(at[1])} {'waits' if new == 'yes' else 'waits no longer'} to be"
        f" cleared on package {at[0]}"
    ),
    "vault_control": lambda at, new, _: (
        f"the vault's control word of {model_words.keyid_name(at[0])} is {new}"
    ),
    "vault_bytes": lambda at, new, _: (
        f"the vault's keys of {model_words.keyid_name(at[0])} are {model_words.material(new)}"
    ),
    "struct_residue": lambda at, new, after: (
        f"the freed programming structure {'holds' if new == 'yes' else 'no longer holds'} user"
        f" {_bytes_label(after, at[0])}"
    ),
    "leaked": lambda at, new, after: (
        f"a payload structure that is never freed holds user {_bytes_label(after, at[0])}"
    ),
    "requested_kind": _requested,
    "requested_bytes": _requested,
    **lockwords.CHANGES,
}
