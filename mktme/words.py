"""How calls, changes and scopes are said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker import Grounding
from checker.answers.trace import Trace, TraceStep
from checker.systems.reading import Reading
from mktme import lockwords, payloadwords
from model import changewords
from model import words as model_words
from model.sorts import PROGRESS

Labels = Mapping[str, str]


def call_in_words(reading: Reading, step: TraceStep, system: str = "") -> str:
    """A call with its arguments and the environment's choices; `reading` is the state before.

    `system` is the one of the design's systems that the reading is of, as a claim names it.
    """
    labels = step.call.labelled(reading.grounding.system)
    if system == "payload":
        return payloadwords.call_in_words(step.call.action, labels)
    return _CALLS[step.call.action](reading, labels)


def start_in_words(grounding: Grounding, trace: Trace, system: str = "") -> str:
    """How the machine boots in a trace."""
    if system == "payload":
        return payloadwords.START
    reading = Reading(grounding, trace.start)
    if not reading.has("present"):
        return lockwords.START
    packages = range(reading.size("present", 0))
    absent = [str(p) for p in packages if not reading.is_true("present", p)]
    said = f"boot with {_packages(absent)} absent" if absent else "boot with all packages"
    return f"{said}, TME in bypass" if reading.is_true("bypass") else said


def trace_in_words(grounding: Grounding, trace: Trace, system: str = "") -> str:
    """The whole trace in one line: calls with their answers, refusals named."""
    said = [start_in_words(grounding, trace, system)]
    for before, step in zip(trace.states, trace.steps, strict=False):
        answer = "" if step.answer == "ok" else answer_in_words(step.answer, " ({})")
        said.append(call_in_words(Reading(grounding, before), step, system) + answer)
    return "; ".join(said)


def answer_in_words(answer: str, pattern: str = " → {}") -> str:
    """A step's answer in such a pattern; nothing where the call's words say it all."""
    return "" if answer in (*PROGRESS.values, "reading") else pattern.format(answer)


def changes_in_words(
    grounding: Grounding, before: Reading, after: Reading, system: str = ""
) -> list[str]:
    """What a step changed, but for what is shown as a table."""
    if system == "payload":
        return payloadwords.changes_in_words(grounding, before, after)
    return changewords.changes(before, after, {**changewords.SAID, **lockwords.CHANGES})


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


def _places(reading: Reading, key: int) -> list[str]:
    """The KeyIDs of a key, with their packages if KeyIDs are per package."""
    return model_words.places(reading, key)


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


def _encrypt(reading: Reading, labels: Labels) -> str:
    return f"encrypt VMA {labels['vma']} with {_the_key(reading, labels)}{_failing(labels)}"


def _unmap(_reading: Reading, labels: Labels) -> str:
    return f"unmap VMA {labels['vma']}{_failing(labels)}"


def _fork(_reading: Reading, labels: Labels) -> str:
    return f"fork the process of VMA {labels['vma']}: its child has VMA {labels['child']}"


def _write(_reading: Reading, labels: Labels) -> str:
    return f"write to the page of VMA {labels['vma']} from package {labels['package']}"


def _migrate(_reading: Reading, labels: Labels) -> str:
    return f"migrate the page of VMA {labels['vma']} to package {labels['package']}"


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
    "encrypt": _encrypt,
    "unmap": _unmap,
    "fork": _fork,
    "write": _write,
    "migrate": _migrate,
    **lockwords.CALLS,
}
