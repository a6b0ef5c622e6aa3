"""What `mktme verify-certificate` confirms: a file that proves what it names, and no other."""

from __future__ import annotations

import functools
import io
import re

import numpy as np
import pytest
from certificate_files import spoiled

from checker.answers.verdict import Verdict
from checker.anysize.any_size import any_size
from checker.certifying import invariance
from checker.certifying.certificate import certified, file_name, write
from checker.certifying.recheck import CertificateError
from checker.certifying.script_file import ScriptFile, read_script_file
from checker.exploring.explore import explore
from checker.ic3.search import ic3
from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from conformance.lockstep import ground
from designs import design_from_text
from mktme.verify import subject_of, verify
from model import Scope, key_service
from properties import PROPERTIES
from properties.lemmas import LEMMAS

DESIGN, CLAIM, SCOPE = design_from_text("rfc-v2-fixed"), "bitmap-exact", Scope(1, 1, 2, 1)


@functools.cache
def cone(design=DESIGN, claim=CLAIM, scope=SCOPE):
    """Grounding, claim and its cone."""
    grounding = ground(design, scope)
    judged = grounding.property(PROPERTIES[claim])
    return grounding, judged, cone_of_influence(grounding.system, judged)


def settled(verdict: Verdict, design=DESIGN, claim=CLAIM, scope=SCOPE) -> bytes:
    """The certificate of a verdict."""
    _, judged, system = cone(design, claim, scope)
    found = certified(verdict, system, judged, subject_of(design, claim, scope))
    assert ("PROVED", "") == (found.word, found.reason)
    return found.certificate.content


@functools.cache
def closed(claim=CLAIM, scope=SCOPE, reduced=False) -> bytes:
    """The certificate of a closed exploration."""
    grounding, judged, system = cone(DESIGN, claim, scope)
    reduction = reduce(grounding, system, [judged]) if reduced else None
    found = explore(system, [judged], keep_states=True, reduction=reduction)
    return settled(found.verdict(system, judged), DESIGN, claim, scope)


@functools.cache
def induction() -> bytes:
    """The certificate of an invariant that IC3 finds."""
    _, judged, system = cone()
    return settled(ic3(system, judged))


@functools.cache
def any_number() -> bytes:
    """The certificate of a proof for any size."""
    text = functools.partial(key_service, DESIGN)
    return settled(any_size(text, PROPERTIES[CLAIM], LEMMAS, premise_reached=True))


@pytest.fixture
def put(tmp_path):
    """Writes a certificate's content, and gives the path."""

    def write_down(content: bytes):
        path = tmp_path / "certificate"
        path.write_bytes(content)
        return path

    return write_down


def test_a_closed_exploration_is_confirmed(put) -> None:
    found = verify(put(closed()))
    assert ("closed-set", subject_of(DESIGN, CLAIM, SCOPE)) == (found.kind, found.subject)
    assert str(found).startswith(
        "rfc-v2-fixed / bitmap-exact (cpus 1, keyids 2, packages 1, values 1), closed-set: "
    )
    assert str(found).endswith("none of them violates the claim")


def test_an_exploration_of_representatives_is_confirmed(put) -> None:
    scope = Scope(2, 1, 1, 1)
    assert "cvc5 refutes all" in verify(put(closed(scope=scope, reduced=True))).line


def test_an_induction_is_confirmed(put) -> None:
    found = verify(put(induction()))
    assert "induction" == found.kind
    assert found.line.startswith("cvc5 refutes all ")


def test_a_proof_for_any_size_is_confirmed(put) -> None:
    found = verify(put(any_number()))
    assert str(found).startswith(
        "rfc-v2-fixed / bitmap-exact for any number of packages and KeyIDs: cvc5 refutes all "
    )


def refusal(path, seconds_max=60.0) -> str:
    """Why a file is not confirmed, in one line."""
    with pytest.raises(CertificateError) as raised:
        verify(path, seconds_max)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(f"cannot confirm {path}: ")
    return message.removeprefix(f"cannot confirm {path}: ")


def about(**subject):
    """A change to what a closed set's header says that it is about."""

    def change(parts):
        parts["header"]["subject"].update(subject)

    return change


def rewritten(content: bytes, header=None, body=lambda text: text) -> bytes:
    """A script's file with a changed header or body, and a checksum that fits."""
    file = read_script_file(content)
    return ScriptFile({**file.header, **(header or {})}, body(file.body)).content()


def renamed(content: bytes, **subject: str) -> bytes:
    """A script's file that says it is about something else."""
    return rewritten(content, {"subject": {**subject_of(DESIGN, CLAIM, SCOPE), **subject}})


def test_a_name_is_not_enough_the_program_must_be_the_one_that_is_named(put) -> None:
    another = "it is not about what it names: its program has another "
    for subject, part in (
        ({"design": "rfc-v2"}, "name"),
        ({"keyids": "1"}, "variable"),
        ({"packages": "2"}, "variable"),
    ):
        message = refusal(put(spoiled(closed(), about(**subject))))
        assert (another + part) == message
    expected = "it is about bitmap-exact, not tables-agree"
    assert expected == refusal(put(spoiled(closed(), about(property="tables-agree"))))


def test_another_claim_under_the_name_of_this_one_is_refused(put) -> None:
    def forge(parts):
        parts["header"]["claim"] = parts["header"]["subject"]["property"] = "released-is-clear"
        parts["program"]["claim"] = "released-is-clear"

    assert "its program has another" in refusal(put(spoiled(closed(), forge)))


def _forget_an_action(parts):
    parts["program"]["actions"].pop()


def _strengthen_a_guard(parts):
    program = parts["program"]
    program["nodes"].append(["const", 0, 0])
    for action in program["actions"]:
        action["guard"].append(len(program["nodes"]) - 1)


def _claim_nothing(parts):
    program = parts["program"]
    program["nodes"].append(["const", 0, 1])
    program["state"] = len(program["nodes"]) - 1


def _start_nowhere(parts):
    program = parts["program"]
    program["nodes"].append(["const", 0, 0])
    program["initially"].append(len(program["nodes"]) - 1)


def _undo_an_update(parts):
    for action in parts["program"]["actions"]:
        action["updates"] = []


def _lose_a_parameter(parts):
    for action in parts["program"]["actions"]:
        action["parameters"] = []


FAILS = "cvc5 finds that a condition does not hold: "


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (_forget_an_action, "its program has another action"),
        (_lose_a_parameter, "its program has another parameter"),
        (_strengthen_a_guard, FAILS + "instantiate is possible alike"),
        (_claim_nothing, FAILS + "it claims the same of states"),
        (_start_nowhere, FAILS + "it starts alike"),
        (_undo_an_update, FAILS + "instantiate gives live[0] the same value"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("_"),
)
def test_a_program_that_is_easier_to_prove_is_refused(put, change, part) -> None:
    path = put(spoiled(closed(), change))
    if change is _lose_a_parameter:  # which the checker of closed sets refuses by itself
        assert "it is not as it was written" in refusal(path)
    else:
        assert f"it is not about what it names: {part}" == refusal(path)


def test_a_program_that_says_the_same_in_other_words_is_confirmed(put) -> None:
    def reword(parts):
        # Twice "not" before the claim and every guard, as another version of Z3 might write it.
        program = parts["program"]
        nodes = program["nodes"]

        def doubled(number):
            nodes.append(["const", 0, 1])
            nodes.append(["xor", 0, number, len(nodes) - 1])
            nodes.append(["xor", 0, len(nodes) - 1, len(nodes) - 2])
            return len(nodes) - 1

        program["state"] = doubled(program["state"])
        for action in program["actions"]:
            action["guard"] = [doubled(number) for number in action["guard"]]

    content = spoiled(closed(), reword)
    assert content != closed()
    assert verify(put(content)).line == verify(put(closed())).line


def test_a_set_with_a_state_too_few_is_refused(put) -> None:
    def drop(parts):
        parts["states"] = parts["states"][:-1]

    assert "leads out of the set" in refusal(put(spoiled(closed(), drop)))


def test_representatives_that_nothing_proves_are_refused(put) -> None:
    content = closed(scope=Scope(2, 1, 1, 1), reduced=True)

    def forge(parts):
        # Everything is represented by the first state.
        program = parts["program"]
        program["nodes"] += [["const", bits, 0] for _, bits, _ in program["variables"]]
        first = len(program["nodes"]) - len(program["variables"])
        program["representative"] = list(range(first, len(program["nodes"])))

    message = refusal(put(spoiled(content, forge)))
    assert "an initial state is not in the set" == message or "representative" in message

    def forget(parts):
        parts["conditions"] = ""

    assert "it has no conditions" == refusal(put(spoiled(content, forget)))

    def keep_one(parts):
        head, *conditions = parts["conditions"].split("(push 1)")
        parts["conditions"] = "(push 1)".join([head, conditions[0]])

    # The conditions that belong to the model's reductions are made again and refuted.
    assert verify(put(spoiled(content, keep_one))).line.endswith("cvc5 refutes all 1 conditions")


def test_an_invariant_of_something_else_is_refused(put) -> None:
    message = refusal(put(renamed(induction(), property="tables-agree")))
    assert "it is about bitmap-exact, not tables-agree" == message
    message = refusal(put(renamed(induction(), keyids="1", packages="2")))
    assert "its invariant speaks of " in message or "it is not about what it names" in message
    message = refusal(put(renamed(induction(), design="rfc-v2,startup_gate=last")))
    assert message.startswith(("it is not about what it names", "what it names is not known here"))


def test_conditions_that_are_none_of_the_system_do_not_help(put) -> None:
    def all_are(value: str):
        """The script with an invariant that is this, and one condition that is easily refuted."""
        definition = r"\(define-fun (invariant.\d+) \(\) Bool .*"
        return lambda text: re.sub(definition, rf"(define-fun \1 () Bool {value})", always(text))

    def always(text: str) -> str:
        head, *conditions = text.split("(push 1)")
        easy = re.sub(r"\(assert .*\)\n", "(assert false)\n", conditions[0])
        return "(push 1)".join([head, easy])

    assert verify(put(rewritten(induction(), body=always))).line.endswith("all 1 conditions")

    open_there = "it is not about what it names: cvc5 finds that a condition does not hold: "
    assert refusal(put(rewritten(induction(), body=all_are("true")))).startswith(open_there)
    assert (open_there + "the initial states satisfy it") == refusal(
        put(rewritten(induction(), body=all_are("false")))
    )


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"k": 0}, "its header does not say how many steps"),
        ({"k": True}, "its header does not say how many steps"),
        ({"conjuncts": None}, "its header does not say how many steps"),
        ({"conjuncts": 99}, "its invariant cannot be read"),
        ({"claim": "x"}, "it is about x, not bitmap-exact"),
        ({"subject": None}, "its header does not say what it is about"),
        ({"subject": {"design": "rfc-v2"}}, "its header names design"),
        ({"kind": "any-size"}, "its header has no invariant"),
    ],
)
def test_a_header_that_lacks_what_it_needs_is_refused(put, header, reason) -> None:
    assert reason in refusal(put(rewritten(induction(), header)))


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ({"design": "rfc-v9"}, "what it names is not known here: "),
        ({"property": "tables-agre"}, "what it names is not known here: unknown property"),
        ({"packages": "9"}, "what it names is not known here: packages=9 is out of range"),
        ({"packages": "many"}, "what it names is not known here: "),
    ],
)
def test_a_subject_that_is_not_known_is_refused(put, subject, reason) -> None:
    assert refusal(put(renamed(induction(), **subject))).startswith(reason)


def test_formulas_for_any_size_must_be_inductive_and_say_what_is_claimed(put, monkeypatch) -> None:
    monkeypatch.setattr(invariance, "CORE_MILLISECONDS", 300)
    invariant = read_script_file(any_number()).header["invariant"]
    assert len(invariant) > 1

    def message(*formulas):
        return refusal(put(rewritten(any_number(), {"invariant": list(formulas)})), 2.0)

    for formulas in (invariant[1:], []):
        assert message(*formulas).startswith("it is not about what it names: cvc5 finds that")
    assert message(*invariant, "false").endswith("holds at the start")
    unread = "its invariant cannot be read: "
    assert message("(magic)").startswith(unread)
    assert message("true) (assert false").startswith(unread)
    assert message("(forall ((p Package)) (online2 p))").startswith(unread)


def test_a_proof_for_any_size_of_another_design_is_refused(put) -> None:
    message = refusal(put(renamed(any_number(), design="rfc-v2")))
    assert message.startswith("it is not about what it names: cvc5 finds that")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello\n\n\n", b"\x80\n\n"])
def test_what_is_no_certificate_is_refused(put, content) -> None:
    assert refusal(put(content)).startswith(
        ("it has no header", "it is not as it was", "it does not")
    )


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(CertificateError, match=r"cannot read .*gone: No such file"):
        verify(tmp_path / "gone")
    with pytest.raises(CertificateError, match=r"cannot read .*: Is a directory"):
        verify(tmp_path)


def test_pickled_objects_are_never_loaded(put) -> None:
    with np.load(io.BytesIO(closed())) as file:
        parts = {name: file[name] for name in file.files}
    parts["states"] = np.array([{"a": 1}], dtype=object)
    out = io.BytesIO()
    np.savez_compressed(out, **parts)
    assert "Object arrays cannot be loaded" in refusal(put(out.getvalue()))


def test_what_is_written_under_its_name_is_confirmed(tmp_path) -> None:
    _, judged, system = cone()
    verdict = explore(system, [judged], keep_states=True).verdict(system, judged)
    found = certified(verdict, system, judged, subject_of(DESIGN, CLAIM, SCOPE))
    path = tmp_path / file_name(found.certificate, DESIGN.name, CLAIM)
    write(path, found.certificate)
    assert "rfc-v2-fixed_bitmap-exact.npz" == path.name
    assert verify(path).line == found.certificate.confirmed
