"""A proof becomes a certificate when a second checker accepts what is written, and not else."""

from __future__ import annotations

import dataclasses
import io
import os
import re
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import z3
from certificate_files import SUBJECT, closed_set_of, coned, file_of
from small_systems import claim_of, counter
from textbook import peterson, two_phase_commit

from checker.answers.proof import AnySize, Certificate, ClosedSet, Condition, Invariant
from checker.answers.verdict import Verdict
from checker.certifying import certificate as module
from checker.certifying import closed_set, confined
from checker.certifying.certificate import certified, file_name, is_refused, write
from checker.certifying.recheck import CertificateError, checked
from checker.certifying.refutation import Answers
from checker.certifying.script_file import NoScriptFile, ScriptFile, read_script_file
from checker.killable import Killable


def proved(proof):
    """A verdict that rests on a proof."""
    return Verdict("PROVED", "engine", 3, states=5, transitions=7, proof=proof)


@pytest.fixture(scope="module")
def exclusion():
    """Peterson's system, the claim, and the invariant that proves it."""
    grounding, (exclusive, lemma) = peterson()
    return grounding.system, exclusive, Invariant(grounding.system, (lemma.state,))


@pytest.fixture(scope="module")
def healthy(exclusion):
    """The certificate of that."""
    system, claim, invariant = exclusion
    verdict = certified(proved(invariant), system, claim, SUBJECT)
    assert verdict.certificate is not None
    return verdict.certificate.content


def test_an_induction_is_certified_by_cvc5(exclusion) -> None:
    system, claim, invariant = exclusion
    verdict = certified(proved(invariant), system, claim, SUBJECT)
    assert ("PROVED", "", None, 3, 5) == (
        verdict.word,
        verdict.reason,
        verdict.proof,
        verdict.depth,
        verdict.states,
    )
    assert ("induction", "cvc5 refutes all 5 conditions") == (
        verdict.certificate.kind,
        verdict.certificate.confirmed,
    )
    file = read_script_file(verdict.certificate.content)
    assert {"claim", "conjuncts", "distinct", "k", "kind", "subject", "versions"} == set(
        file.header
    )
    assert ("exclusive", 1, False, 1, SUBJECT) == tuple(
        file.header[name] for name in ("claim", "conjuncts", "distinct", "k", "subject")
    )
    assert "(define-fun invariant.0 () Bool " in file.body


def test_a_closed_set_is_certified_by_the_checker_of_closed_sets() -> None:
    system, claim = coned(two_phase_commit())
    verdict = certified(proved(closed_set_of(system)), system, claim, SUBJECT)
    assert ("PROVED", "closed-set") == (verdict.word, verdict.certificate.kind)
    assert verdict.certificate.confirmed.startswith("288 states hold all 1 initial ones")


def test_a_proof_for_any_size_is_certified_by_cvc5(exclusion) -> None:
    place = z3.DeclareSort("Place")
    p, f = z3.Const("p", place), z3.Function("f", place, z3.BoolSort())
    kept = Condition("go keeps it", z3.And(z3.ForAll([p], f(p)), z3.Exists([p], z3.Not(f(p)))))
    verdict = certified(proved(AnySize(("f is true",), ("x",), (kept,))), *exclusion[:2], SUBJECT)
    assert ("any-size", "cvc5 refutes all 1 conditions") == (
        verdict.certificate.kind,
        verdict.certificate.confirmed,
    )
    header = read_script_file(verdict.certificate.content).header
    assert (["f is true"], ["x"]) == (header["lemmas"], header["invariant"])


def test_the_same_proof_makes_the_same_certificate(exclusion, healthy) -> None:
    system, claim, invariant = exclusion
    again = certified(proved(invariant), system, claim, SUBJECT)
    assert healthy == again.certificate.content


def test_a_wrong_invariant_is_refused_and_the_verdict_is_unknown(exclusion) -> None:
    system, claim, invariant = exclusion
    verdict = certified(
        proved(dataclasses.replace(invariant, conjuncts=())), system, claim, SUBJECT
    )
    assert "UNKNOWN" == verdict.word
    assert (
        "the certificate was refused: cvc5 finds that this may fail: enter keeps it"
        == verdict.reason
    )
    assert is_refused(verdict)
    assert (None, None) == (verdict.proof, verdict.certificate)


def test_an_invariant_that_is_false_is_refused(exclusion) -> None:
    system, claim, _ = exclusion
    verdict = certified(proved(Invariant(system, (z3.BoolVal(False),))), system, claim, SUBJECT)
    assert verdict.reason.endswith("may fail: the initial states satisfy it")
    assert is_refused(verdict)


def test_a_set_that_is_not_closed_is_refused() -> None:
    system, claim = coned(two_phase_commit())
    whole = closed_set_of(system)
    less = dataclasses.replace(whole, states=np.delete(whole.states, 5, axis=0))
    verdict = certified(proved(less), system, claim, SUBJECT)
    assert "UNKNOWN" == verdict.word
    assert verdict.reason.startswith("the certificate was refused: ")
    assert verdict.reason.endswith(" leads out of the set")
    assert is_refused(verdict)


def test_a_set_of_another_system_is_refused() -> None:
    system, claim = coned(two_phase_commit())
    other, _ = counter()
    verdict = certified(proved(closed_set_of(other)), system, claim, SUBJECT)
    assert "the certificate was refused: the states are those of another system" == verdict.reason


def test_representatives_need_conditions_and_cvc5_must_refute_them() -> None:
    system, _ = counter(bits=2)
    plain = closed_set_of(system)
    same = tuple(variable.term for variable in system.variables)

    def answer(*conditions):
        proof = ClosedSet(system, plain.states, plain.fields, same, conditions)
        return certified(proved(proof), system, claim_of(), SUBJECT)

    assert "nothing says that the representatives stand for the others" in answer().reason
    n = z3.BitVec("n", 2)
    fine = Condition("fine", z3.And(n == 0, n == 1))
    assert answer(fine).certificate.confirmed.endswith("; cvc5 refutes all 1 conditions")
    wrong = answer(fine, Condition("a twin claims the same", n == 0))
    assert wrong.reason.endswith("cvc5 finds that this may fail: a twin claims the same")
    assert is_refused(wrong)


def test_no_answer_in_time_is_unknown_and_no_refusal(exclusion, monkeypatch) -> None:
    system, claim, invariant = exclusion
    late = Answers((("a", "unsat"), ("b", "unknown"), ("c", "unknown")), 1.0)
    monkeypatch.setattr(module, "refuted_by_cvc5", lambda *_: late)
    verdict = certified(proved(invariant), system, claim, SUBJECT)
    assert (
        "UNKNOWN",
        "the certificate is not confirmed: cvc5 does not decide: b (and 1 more)",
    ) == (
        verdict.word,
        verdict.reason,
    )
    assert not is_refused(verdict)


def test_a_verdict_without_a_proof_is_unknown(exclusion) -> None:
    system, claim, _ = exclusion
    verdict = certified(proved(None), system, claim, SUBJECT)
    assert "the certificate is not confirmed: the engine offered no proof" == verdict.reason
    assert not is_refused(verdict)


def test_a_term_that_cannot_be_written_is_unknown() -> None:
    system, count = counter()
    odd = claim_of(z3.UDiv(count, z3.BitVecVal(3, 4)) != 9)
    for proof in (Invariant(system, ()), closed_set_of(system)):
        verdict = certified(proved(proof), system, odd, SUBJECT)
        assert verdict.reason.startswith("the certificate is not confirmed: the operator 'bvudiv")


def test_only_what_is_proved_is_certified(exclusion) -> None:
    with pytest.raises(ValueError, match="nothing to certify about VACUOUS"):
        certified(Verdict("VACUOUS", "engine", 1), *exclusion[:2], SUBJECT)


def changed(content: bytes, header=None, body=lambda text: text) -> bytes:
    """A script's file with a changed header or body and a checksum that fits."""
    file = read_script_file(content)
    return ScriptFile({**file.header, **(header or {})}, body(file.body)).content()


def test_a_healthy_file_is_confirmed(healthy) -> None:
    found = checked(healthy)
    assert ("induction", "cvc5 refutes all 5 conditions") == (found.kind, found.line)
    assert healthy == changed(healthy)


def weaken(text: str) -> str:
    """A script whose invariant says nothing."""
    return re.sub(r"\(define-fun invariant.0 .*", "(define-fun invariant.0 () Bool true)", text)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (weaken, "cvc5 finds that a condition does not hold: ask keeps it"),
        (lambda text: text.replace("() Bool (", "() Bool (or true ", 1), "its script is none"),
        (lambda text: text.replace("(push 1)", "(assert false)\n(push 1)", 1), "assert stands"),
        (lambda text: text.replace("(check-sat)\n", "", 1), "is not checked"),
        (lambda text: text.split("(push 1)")[0], "it has no conditions"),
        (lambda text: "", "it has no conditions"),
        (lambda text: text.replace("(pop 1)", "(pop 1)\n(exit)", 1), "does not say (exit)"),
        (lambda text: text[: len(text) // 2], "its script is none"),
    ],
)
def test_a_forged_script_is_refused_although_its_checksum_fits(healthy, change, reason) -> None:
    with pytest.raises(CertificateError) as raised:
        checked(changed(healthy, body=change))
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda old: b"", "the file is empty"),
        (lambda old: old[:1], "it was cut: its header has no end"),
        (lambda old: old[:50], "it was cut: its header has no end"),
        (lambda old: old[:200], "it was cut: its header has no end"),
        (lambda old: old[:-1], "it was cut or changed: its checksum is not that of its content"),
        (lambda old: old + b"\n", "its checksum is not that of its content"),
        (lambda old: old.replace(b"exclusive", b"inclusive"), "its checksum is not that of"),
        (lambda old: old.replace(b'"format": 1', b'"format": 2'), "version 2; the version is 1"),
        (lambda old: old.replace(b'"induction"', b'"deduction"'), "it is of kind 'deduction'"),
        (lambda old: b";" + old, "it does not begin as a certificate does"),
        (lambda old: b"\xff" + old, "it does not begin as a certificate does"),
        (lambda old: old + b"\xff", "it is no text in UTF-8"),
        (lambda old: old.replace(b"; {", b"; [{", 1), "its header is no JSON object"),
        (lambda old: old.replace(b'"sha256"', b'"sha255"', 1), "does not name its sha256"),
        (lambda old: b"\n" * 9, "it does not begin as a certificate does"),
    ],
)
def test_a_changed_script_file_is_refused(healthy, content, reason) -> None:
    with pytest.raises(CertificateError) as raised:
        checked(content(healthy))
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_flipped_byte_of_a_script_file_is_refused(healthy) -> None:
    for place in range(0, len(healthy), 5):
        spoiled = bytearray(healthy)
        spoiled[place] ^= 0x04
        with pytest.raises(NoScriptFile):
            read_script_file(bytes(spoiled))


def test_file_names_say_what_it_is_about_and_nothing_that_a_file_system_minds() -> None:
    made = [
        file_name(Certificate(kind, b"", ""), design, "tables-agree")
        for kind, design in (
            ("induction", "rfc-v2,savekeys=on"),
            ("any-size", "../a b/ü"),
            ("closed-set", "per-package"),
        )
    ]
    assert [
        "rfc-v2,savekeys=on_tables-agree.smt2",
        "-a-b--_tables-agree.smt2",
        "per-package_tables-agree.npz",
    ] == made


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "proof.smt2"
    path.write_bytes(b"old")
    write(path, Certificate("induction", b"new", ""))
    assert b"new" == path.read_bytes()

    def fail(*_):
        raise OSError("no more room")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no more room"):
        write(path, Certificate("induction", b"newer", ""))
    assert [path] == list(tmp_path.iterdir())
    assert b"new" == path.read_bytes()


def test_a_large_closed_set_is_confirmed_in_a_process_that_has_a_limit(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE_MAX", 0)
    system, claim = coned(two_phase_commit())
    proof = closed_set_of(system)
    accepted = module.certificate_of(proof, system, claim, SUBJECT)
    assert "closed-set" == accepted.kind
    with pytest.raises(module.CertificateNotConfirmed, match="was killed after 0 seconds"):
        module.certificate_of(proof, system, claim, SUBJECT, seconds_max=0.0)
    beyond = dataclasses.replace(proof, states=proof.states[:-1])
    with pytest.raises(module.CertificateRefused, match=r"leads out of the set|not in the set"):
        module.certificate_of(beyond, system, claim, SUBJECT)


def counted(bits: int = 18):
    """A counter, and the set of all its states, of which no array in memory is made."""
    system, _ = counter(bits)
    few = closed_set_of(*counter(bits=2)[:1])
    with tempfile.TemporaryFile() as file:
        states = np.memmap(file, np.uint64, "w+", shape=(1 << bits, 1))
    states[:, 0] = np.arange(1 << bits, dtype=np.uint64)
    shift = 64 - bits
    states <<= np.uint64(shift)
    assert ((0, 62, 2),) == few.fields
    return system, ClosedSet(system, states, ((0, shift, bits),))


def test_a_large_set_is_written_a_block_at_a_time():
    system, proof = counted()
    tracemalloc.start()
    try:
        content = module.closed_set_file(proof, system, claim_of(), SUBJECT)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2 << 20 == proof.states.nbytes
    assert held < 1 << 20
    assert closed_set.confirm(content)[3].startswith("262144 states hold all 1 initial ones")


@pytest.mark.parametrize("width", [1, 70])
def test_a_file_is_the_same_however_large_the_blocks_and_as_numpy_writes_it(monkeypatch, width):
    system, _ = counter(6, width)
    whole = file_of(system, claim_of())
    monkeypatch.setattr(module, "BLOCK", 7)
    assert whole == file_of(system, claim_of())
    with np.load(io.BytesIO(whole)) as file:
        parts = {name: file[name] for name in file.files}
    again = io.BytesIO()
    np.savez_compressed(again, **parts)
    assert whole == again.getvalue()


def test_a_closed_set_that_needs_too_much_memory_is_unknown_and_no_refusal(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE_MAX", 0)
    system, claim = coned(two_phase_commit())
    verdict = proved(closed_set_of(system))
    answer = certified(verdict, system, claim, SUBJECT, memory_max=2_879)
    assert 2_880 == confined.needed(288, 1)
    expected = "the certificate is not confirmed: it needs more than 2,879 bytes"
    assert ("UNKNOWN", expected, None) == (answer.word, answer.reason, answer.certificate)
    assert not is_refused(answer)
    enough = certified(verdict, system, claim, SUBJECT, memory_max=2_880)
    assert "PROVED" == enough.word


def test_a_checker_that_meets_its_limit_does_not_refuse_the_set():
    system, proof = counted(22)  # 32 MiB
    content = module.closed_set_file(proof, system, claim_of(), SUBJECT)
    with Killable(60) as processes, pytest.raises(confined.TooMuchMemory, match="than 7 bytes"):
        processes.submit(_confirmed_in_little, content).result()


def _confirmed_in_little(content: bytes) -> None:
    confined.ALLOWANCE = 8 << 20
    confined.confirm_within(content, 7)
