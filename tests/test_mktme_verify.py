"""What `mktme verify-certificate` confirms: a file that proves what it names, and no other."""

from __future__ import annotations

import dataclasses
import functools
import io
import re

import numpy as np
import pytest
import z3
from certificate_files import spoiled

from checker.answers.verdict import Verdict
from checker.anysize.any_size import any_size
from checker.certifying import invariance
from checker.certifying.certificate import certified, closed_set_file, file_name, write
from checker.certifying.recheck import CertificateError
from checker.certifying.script_file import ScriptFile, read_script_file
from checker.exploring.explore import explore
from checker.ic3.search import ic3
from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from conformance.lockstep import ground
from designs import design_from_text
from mktme.verify import Unreadable, subject_of, verify
from model import Scope, key_service
from properties import PROPERTIES
from properties.lemmas import LEMMAS

DESIGN, CLAIM, SCOPE = design_from_text("rfc-v2-fixed"), "released-is-clear", Scope(1, 1, 2, 1)


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
        "rfc-v2-fixed / released-is-clear (cpus 1, keyids 2, packages 1, threads 2, values 1,"
        " vmas 2), closed-set: "
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
        "rfc-v2-fixed / released-is-clear for any number of packages, CPUs, KeyIDs, keys"
        " and VMAs: cvc5 refutes all "
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


def test_a_name_is_not_enough_the_states_must_be_those_of_what_is_named(put) -> None:
    for subject in ({"design": "rfc-v2"}, {"keyids": "1"}, {"packages": "2"}):
        message = refusal(put(spoiled(closed(), about(**subject))))
        assert message.startswith("it is not about what it names: ")
    expected = "it is about released-is-clear, not tables-agree"
    assert expected == refusal(put(spoiled(closed(), about(property="tables-agree"))))


def test_another_claim_under_the_name_of_this_one_is_refused(put) -> None:
    def forge(parts):
        parts["header"]["claim"] = parts["header"]["subject"]["property"] = "tables-agree"
        parts["program"]["claim"] = "tables-agree"

    assert refusal(put(spoiled(closed(), forge))).startswith("it is not about what it names: ")


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


@pytest.mark.parametrize(
    "change",
    [
        _forget_an_action,
        _lose_a_parameter,
        _strengthen_a_guard,
        _claim_nothing,
        _start_nowhere,
        _undo_an_update,
        lambda parts: parts.update(program=[]),
    ],
)
def test_the_program_of_a_file_is_of_no_account(put, change) -> None:
    # Its own program may say anything: what counts is the one that is made of what it names.
    content = spoiled(closed(), change)
    assert content != closed()
    assert verify(put(content)).line == verify(put(closed())).line


def frozen(change, design="rfc-v2", claim="tables-agree", scope=SCOPE) -> bytes:
    """A file that has a violated design's initial states only, and a program that is changed."""
    _, judged, system = cone(design_from_text(design), claim, scope)
    stopped = dataclasses.replace(system, actions=())
    idle = dataclasses.replace(judged, state=z3.BoolVal(True), steps={})
    states = explore(stopped, [idle], keep_states=True).closed_set(stopped)
    subject = subject_of(design_from_text(design), claim, scope)
    return spoiled(closed_set_file(states, system, judged, subject), change)


def _forbid_by(*nodes):
    """Nothing is possible: a condition in every guard that looks true elsewhere."""

    def forbid(parts):
        program = parts["program"]
        for kind, bits, *rest in nodes:
            rest = [len(program["nodes"]) + n if n < 0 else n for n in rest]
            program["nodes"].append([kind, bits, *rest])
        for action in program["actions"]:
            action["guard"].append(len(program["nodes"]) - 1)

    return forbid


FORBIDDEN = {
    "a constant of too many bits": _forbid_by(["const", 1, 2], ["const", 1, 0], ["eq", 0, -2, -1]),
    "a truth that is two": _forbid_by(["const", 0, 2], ["const", 0, 1], ["eq", 0, -2, -1]),
    "a sum of fewer bits": _forbid_by(
        ["const", 4, 8], ["add", 3, -1, -1], ["const", 3, 0], ["ult", 0, -1, -2]
    ),
    "an equation of bits": _forbid_by(["const", 1, 1], ["const", 1, 1], ["eq", 1, -2, -1]),
    "numbers of two widths": _forbid_by(["const", 1, 1], ["const", 2, 1], ["eq", 0, -2, -1]),
}


@pytest.mark.parametrize("change", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_violated_claim_has_no_closed_set_whatever_the_file_says(put, change) -> None:
    content = frozen(change)
    assert "it is not about what it names: " in refusal(put(content))


def test_a_set_with_a_state_too_few_is_refused(put) -> None:
    def drop(parts):
        parts["states"] = parts["states"][:-1]

    assert "leads out of the set" in refusal(put(spoiled(closed(), drop)))


def test_representatives_are_made_again_whatever_the_file_says_of_them(put) -> None:
    content = closed(scope=Scope(2, 1, 1, 1), reduced=True)
    line = verify(put(content)).line

    def forge(parts):
        # Everything is represented by the first state, and nothing says why.
        program = parts["program"]
        program["nodes"] += [["const", bits, 0] for _, bits, _ in program["variables"]]
        first = len(program["nodes"]) - len(program["variables"])
        program["representative"] = list(range(first, len(program["nodes"])))
        parts["conditions"] = ""

    def drop(parts):
        forge(parts)
        parts["states"] = parts["states"][:1]

    def forget(parts):
        parts["program"]["representative"] = None

    assert line == verify(put(spoiled(content, forge))).line
    left = "leads out of the set", "an initial state is not in the set"
    assert refusal(put(spoiled(content, drop))).endswith(left)
    assert refusal(put(spoiled(content, forget))).endswith(left)


def test_an_invariant_of_something_else_is_refused(put) -> None:
    message = refusal(put(renamed(induction(), property="tables-agree")))
    assert "it is about released-is-clear, not tables-agree" == message
    message = refusal(put(renamed(induction(), keyids="1", packages="2")))
    assert message.startswith("its invariant cannot be read: 'entry_mode[0,2]' is nothing that")
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

    # What is counted is what was made again, not what the file has.
    assert verify(put(rewritten(induction(), body=always))).line == verify(put(induction())).line

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
        ({"conjuncts": 99}, "its invariant cannot be read: there is no invariant.1"),
        ({"k": 101}, "its induction has more than 100 steps and 100000 conjuncts"),
        ({"conjuncts": 100_001}, "its induction has more than 100 steps and 100000 conjuncts"),
        ({"conjuncts": -1}, "or fewer than none"),
        ({"claim": "x"}, "it is about x, not released-is-clear"),
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

    for formulas in ([],):
        assert message(*formulas).startswith("it is not about what it names: cvc5 finds that")
    assert message(*invariant, "false").endswith("holds at the start")
    unread = "its invariant cannot be read: "
    assert message("(magic)").startswith(unread)
    assert message("true) (assert false").startswith(unread)
    assert message("(forall ((p Package)) (online2 p))").startswith(unread)


REFUTED = """\
(set-info :smt-lib-version 2.6)
(set-logic QF_UF)
(push 1)
(echo "x")
(assert false)
(check-sat)
(pop 1)
"""


def forged(header, body=REFUTED, claim="tables-agree") -> bytes:
    """A file about a design that violates the claim, with one condition that is refuted."""
    subject = subject_of(design_from_text("rfc-v2"), claim, SCOPE)
    common = {"subject": subject, "claim": claim, "versions": {}}
    return ScriptFile({**common, **header}, body).content()


def forged_formula(formula: str) -> bytes:
    """The same with one formula for any size."""
    return forged({"kind": "any-size", "lemmas": [], "invariant": [formula]})


UNREAD = "its invariant cannot be read: "


def test_a_formula_is_never_a_command(put, tmp_path) -> None:
    written = tmp_path / "written"
    for commands in (
        f'(set-option :regular-output-channel "{written}") (echo "chosen")',
        "(reset-assertions) (declare-const |b'1| Bool)",
        "(push 1)",
    ):
        message = refusal(put(forged_formula(f"true) {commands} (assert true")))
        assert message == f"{UNREAD}formula 0: a parenthesis is closed that is not open"
    assert not written.exists()


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("(forall ((and Bool)) and)", "the name 'and' has a meaning of its own"),
        ("(= destroy!key destroy!key)", "'destroy!key' is nothing that an invariant may speak of"),
        ("(= i.least i.least)", "'i.least' is nothing that an invariant may speak of"),
        ("(forall ((b Bool)) (= b |b'1|))", '"b\'1" is nothing that an invariant may speak of'),
        ("(! true :named x)", "':named x)' begins with nothing that is allowed"),
        ("(! true)", "'!' is nothing that an invariant may speak of"),
        ("true ; not", "'; not' begins with nothing"),
    ],
)
def test_a_formula_speaks_of_states_alone(put, formula, reason) -> None:
    message = refusal(put(forged_formula(formula)))
    assert message.startswith(f"{UNREAD}formula 0: ")
    assert reason in message


def test_a_bound_variable_may_be_called_like_what_a_printer_makes_up(put, monkeypatch) -> None:
    monkeypatch.setattr(invariance, "CORE_MILLISECONDS", 300)
    for name in ("$1", "$40", "?1", "bound", "bound!1"):
        false = f"(forall ((|{name}| Bool)) (or (not |{name}|) (not true) (not true)))"
        message = refusal(put(forged_formula(false)), 2.0)
        assert message.endswith("a condition does not hold: formula 0 holds at the start")


def test_an_induction_has_no_quantifiers_and_obeys_no_commands(put) -> None:
    for value, reason in (
        ("(exists ((|$1| Bool)) (and |$1| (not |$1|)))", "no variable may have the sort 'Bool'"),
        ("true) (assert false", "a parenthesis is closed that is not open"),
        ("(select a true)", "'a' is nothing that an invariant may speak of"),
        ("secret", "'secret' is nothing that an invariant may speak of"),
    ):
        defined = "(declare-fun secret () Bool)\n(declare-fun a () (Array Bool Bool))\n"
        defined += f"(define-fun invariant.0 () Bool {value})\n(push 1)\n"
        body = REFUTED.replace("QF_UF", "ALL").replace("(push 1)\n", defined)
        header = {"kind": "induction", "k": 1, "distinct": False, "conjuncts": 1}
        message = refusal(put(forged(header, body)))
        assert message.startswith((UNREAD, "its script is none: "))
        assert reason in message or "its script is none: " in message


def test_a_formula_may_be_deep_and_large_but_not_too_deep_and_not_too_large(put) -> None:
    def nested(opened, depth, inside="true"):
        return opened * depth + inside + ")" * depth

    too_deep = f"{UNREAD}formula 0: it is nested more than 200 deep"
    assert too_deep == refusal(put(forged_formula(nested("(not ", 200))))
    doubled = "".join(f"(let ((a{i + 1} (and a{i} a{i}))) " for i in range(20))
    large = f"(let ((a0 true)) {doubled}a20{')' * 21}"
    too_large = f"{UNREAD}formula 0: it has more than 20000 terms"
    assert too_large == refusal(put(forged_formula(large)))
    for deep in ("(not ", "(forall ((x Key)) "):  # which nothing runs out of a stack for
        message = refusal(put(forged_formula(nested(deep, 198, "(= true false)"))), 1.0)
        assert message.startswith("it is not about what it names: ")


def test_there_may_not_be_too_many_formulas(put) -> None:
    header = {"kind": "any-size", "lemmas": [], "invariant": ["true"] * 1001}
    assert f"{UNREAD}it has more than 1000 formulas" == refusal(put(forged(header)))


def test_a_proof_for_any_size_of_another_design_is_refused(put) -> None:
    message = refusal(put(renamed(any_number(), design="rfc-v2")))
    assert message.startswith("it is not about what it names: cvc5 finds that")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello\n\n\n", b"\x80\n\n"])
def test_what_is_no_certificate_is_refused(put, content) -> None:
    assert refusal(put(content)).startswith(("the file is empty", "it was cut", "it does not"))


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_a_file_that_was_cut_is_refused_as_such(put, kept) -> None:
    for whole in (closed(), any_number()):
        assert refusal(put(whole[: int(kept * len(whole))])).startswith("it was cut")


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(Unreadable, match=r"cannot read .*gone: No such file"):
        verify(tmp_path / "gone")
    with pytest.raises(Unreadable, match=r"cannot read .*: Is a directory"):
        verify(tmp_path)


def test_pickled_objects_are_never_loaded(put) -> None:
    with np.load(io.BytesIO(closed())) as file:
        parts = {name: file[name] for name in file.files}
    parts["states"] = np.array([{"a": 1}], dtype=object)
    out = io.BytesIO()
    np.savez_compressed(out, **parts)
    refusal(put(out.getvalue()))


def test_what_is_written_under_its_name_is_confirmed(tmp_path) -> None:
    _, judged, system = cone()
    verdict = explore(system, [judged], keep_states=True).verdict(system, judged)
    found = certified(verdict, system, judged, subject_of(DESIGN, CLAIM, SCOPE))
    path = tmp_path / file_name(found.certificate, DESIGN.name, CLAIM)
    write(path, found.certificate)
    assert "rfc-v2-fixed_released-is-clear.npz" == path.name
    assert verify(path).line == found.certificate.confirmed
