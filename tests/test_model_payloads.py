"""The modelled parser: each kind of token, each end of a call, and what each knob changes."""

from __future__ import annotations

import itertools

import pytest
from payload_runs import Text, machine_of, parser_of

from checker import GroundAction, Grounding, explore
from conformance.lockstep import ground
from designs import DESIGNS, KNOBS
from model import SYSTEMS, Scope
from model.documentation import DOCUMENTED, OTHERS
from model.payloads import ENTROPY, REQUIRED

BOTH = pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2-fixed"])

KEYS = ("algorithm=right", "key=right", "tweak=right")

COUNTS = {
    # lenient, and a refused payload is leaked
    "rfc-v2": (601, 9340, (1, 3, 24, 104, 205, 188, 72, 4)),
    "rfc-v2-savekeys": (601, 9340, (1, 3, 24, 104, 205, 188, 72, 4)),
    # strict, and freed
    "rfc-v2-fixed": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "rfc-v2-savekeys-fixed": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "no-hotplug": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "cpu-keys-only": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "per-package": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "wrapped-vault": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "resupply": (121, 2130, (1, 2, 8, 29, 43, 30, 8)),
    "rfc-v2,parser=strict": (161, 2530, (1, 2, 10, 41, 61, 38, 8)),
    "rfc-v2-fixed,parser=lenient": (441, 7740, (1, 3, 22, 86, 151, 126, 48, 4)),
    "rfc-v2,user_keys=refused": (597, 9300, (1, 3, 24, 104, 205, 188, 69, 3)),
}
"""Design to states, transitions, and the states first reached by 0, 1, … steps."""


@pytest.mark.parametrize("design", COUNTS)
def test_every_reachable_state_is_counted(design: str) -> None:
    found = explore(parser_of(design).system, [])
    assert COUNTS[design] == (found.states, found.transitions, tuple(found.levels))


def test_the_payloads_system_is_one_of_a_designs_systems() -> None:
    assert "payload" in SYSTEMS
    assert {"begin", "take", "nul", "end_of_text"} == {
        action.name for action in parser_of("rfc-v2").system.actions
    }


@BOTH
def test_every_state_has_a_way_on(design: str) -> None:
    machine = machine_of(design)
    seen = set(machine.initial_states())
    fringe = list(seen)
    while fringe:
        state = fringe.pop()
        following = {machine.step(state, call)[1] for call in machine.enabled(state)}  # type: ignore[index]
        assert following
        fringe += following - seen
        seen |= following
    assert COUNTS[design][0] == len(seen)


# How a call begins


@BOTH
def test_a_caller_without_the_capability_is_refused_before_its_text_is_looked_at(
    design: str,
) -> None:
    for length in ("zero", "within", "above"):
        text = Text(design).begin(capable=False, length=length)
        assert ("EACCES", "refused", "no") == (text.answer, text("stage"), text("source_overread"))


@BOTH
@pytest.mark.parametrize("length", ["zero", "above"])
def test_a_text_whose_length_is_out_of_bounds_is_refused_before_it_is_copied(
    design: str, length: str
) -> None:
    text = Text(design).begin(length=length)
    assert ("EINVAL", "refused", "no") == (text.answer, text("stage"), text("source_overread"))


def test_only_the_lenient_parsers_copy_reads_past_the_source() -> None:
    assert "yes" == Text("rfc-v2").begin()("source_overread")
    assert "no" == Text("rfc-v2-fixed").begin()("source_overread")


def test_the_strict_parser_refuses_a_nul_before_any_token_and_the_lenient_one_reads_up_to_it() -> (
    None
):
    assert "EINVAL" == Text("rfc-v2-fixed").begin(nul=True).answer
    text = Text("rfc-v2").begin(nul=True).take("type=clear")
    with pytest.raises(ValueError, match="end_of_text is not possible"):
        text.end()
    text.do("nul")
    with pytest.raises(ValueError, match="take is not possible"):
        text.take("key=right")
    assert "ok" == text.end().answer


def test_a_text_of_no_bytes_has_no_nul() -> None:
    with pytest.raises(ValueError, match="begin is not possible"):
        Text("rfc-v2").begin(length="zero", nul=True)


@BOTH
def test_a_new_call_begins_anew_and_not_while_a_text_is_read(design: str) -> None:
    text = Text(design).begin().take("type=user", *KEYS).end().begin()
    assert Text(design).begin().state == text.state
    with pytest.raises(ValueError, match="begin is not possible"):
        text.begin()


# Tokens


@BOTH
@pytest.mark.parametrize("token", ["type=empty", "key=bare", "unknown=garbage", "tweak=empty"])
def test_an_unknown_token_is_refused_and_bit_minus_one_is_set_by_the_lenient_parser(
    design: str, token: str
) -> None:
    text = Text(design).begin().take(token)
    overrun = "yes" if design == "rfc-v2" else "no"
    assert ("EINVAL", overrun) == (text.answer, text("mask_overrun"))


@BOTH
@pytest.mark.parametrize("token", ["type=cpu", "algorithm=right", "key=right", "tweak=right"])
def test_a_repeated_token_is_refused_within_the_mask(design: str, token: str) -> None:
    text = Text(design).begin().take(token, token)
    assert ("EINVAL", "no") == (text.answer, text("mask_overrun"))


def test_a_repeated_token_converts_nothing() -> None:
    text = Text("rfc-v2").begin().take("key=broken")
    assert ("EINVAL", "part") == (text.answer, text("data_key"))
    text = Text("rfc-v2").begin().take("key=right", "key=broken")
    assert ("EINVAL", "whole") == (text.answer, text("data_key"))


HEX = {
    # class: what is left of it under the lenient and the strict parser, if both leak
    "right": (("reading", "whole"), ("reading", "whole")),
    "long": (("reading", "whole"), ("EINVAL", "nothing")),
    "short": (("EINVAL", "part"), ("EINVAL", "nothing")),
    "broken": (("EINVAL", "part"), ("EINVAL", "part")),
    "garbage": (("EINVAL", "nothing"), ("EINVAL", "nothing")),
}


@pytest.mark.parametrize("value", HEX)
@pytest.mark.parametrize(("token", "field"), [("key", "data_key"), ("tweak", "tweak_key")])
def test_hexadecimal_values_convert_as_far_as_the_parser_looks(
    token: str, field: str, value: str
) -> None:
    lenient = Text("rfc-v2").begin().take(f"{token}={value}")
    strict = Text("rfc-v2,parser=strict").begin().take(f"{token}={value}")
    found = ((lenient.answer, lenient(field)), (strict.answer, strict(field)))
    assert HEX[value] == found


@BOTH
@pytest.mark.parametrize("value", ["long", "short", "broken", "garbage"])
@pytest.mark.parametrize("token", ["type", "algorithm"])
def test_a_type_or_algorithm_is_taken_whole_or_not_at_all(
    design: str, token: str, value: str
) -> None:
    assert "EINVAL" == Text(design).begin().take(f"{token}={value}").answer


def test_a_type_is_never_right_without_a_name_nor_an_option_with_one() -> None:
    for token in ("type=right", "key=user", "algorithm=clear", "unknown=right"):
        with pytest.raises(ValueError, match="take is not possible"):
            Text("rfc-v2").begin().take(token)


# The end


@BOTH
def test_no_tokens_are_no_payload(design: str) -> None:
    assert "EINVAL" == Text(design).begin().end().answer


def decided(design: str, kind: str, beside: tuple[str, ...]) -> str:
    """The answer to a text of a type and right tokens beside it."""
    return Text(design).begin().take(f"type={kind}", *(f"{t}=right" for t in beside)).end().answer


SUBSETS = [c for n in range(4) for c in itertools.combinations(OTHERS, n)]


@pytest.mark.parametrize("kind", REQUIRED)
@pytest.mark.parametrize("beside", SUBSETS, ids="+".join)
def test_a_lenient_parser_wants_enough_and_a_strict_one_exactly_what_is_documented(
    kind: str, beside: tuple[str, ...]
) -> None:
    enough = set(REQUIRED[kind]) <= set(beside)
    exact = (kind, frozenset(beside)) in DOCUMENTED
    assert ("ok" if enough else "EINVAL") == decided("rfc-v2", kind, beside)
    assert ("ok" if exact else "EINVAL") == decided("rfc-v2-fixed", kind, beside)


def test_the_documentation_lists_seven_payloads_by_their_tokens() -> None:
    assert 7 == len(set(DOCUMENTED)) == len(DOCUMENTED)
    assert {"user": 1, "cpu": 4, "clear": 1, "no_encrypt": 1} == {
        kind: sum(kind == known for known, _ in DOCUMENTED) for kind in REQUIRED
    }
    for kind, beside in DOCUMENTED:
        optional = set(ENTROPY) if kind == "cpu" else set()
        assert set(REQUIRED[kind]) == beside - optional


@pytest.mark.parametrize("order", list(itertools.permutations(("type=user", *KEYS))), ids=" ".join)
def test_tokens_come_in_any_order(order: tuple[str, ...]) -> None:
    assert "ok" == Text("rfc-v2-fixed").begin().take(*order).end().answer


def test_refused_user_keys_are_refused_at_the_end_of_their_text() -> None:
    text = Text("cpu-keys-only").begin().take("type=user", *KEYS)
    assert ("reading", "EINVAL") == (text.answer, text.end().answer)
    assert "ok" == decided("cpu-keys-only", "cpu", ("algorithm",))


def test_a_call_that_ends_forgets_its_stack_and_keeps_its_structure_while_it_is_in_use() -> None:
    text = Text("rfc-v2-fixed").begin().take("type=user", *KEYS)
    assert "yes" == text("seen", "key")
    text.end()
    assert ("accepted", "user", "whole", "no") == (
        text("stage"),
        text("kind"),
        text("data_key"),
        text("seen", "key"),
    )


def test_a_refused_payload_is_lost_with_its_key_or_cleared_and_freed() -> None:
    tokens = ("key=right", "tweak=short")
    lost = Text("rfc-v2").begin().take(*tokens)
    freed = Text("rfc-v2,parse_error=frees_payload").begin().take(*tokens)
    assert ("whole", "part") == (lost("data_key"), lost("tweak_key"))
    assert ("nothing", "nothing") == (freed("data_key"), freed("tweak_key"))


# Which knobs act


def terms_of(grounding: Grounding) -> list[str]:
    return [
        term.sexpr()
        for action in grounding.system.actions
        for term in (action.guard, action.answer, *action.updates.values())
    ]


ACTING = {
    "parser": {"begin", "take", "nul", "end_of_text"},
    "parse_error": {"take", "end_of_text"},
    "user_keys": {"end_of_text"},
}


def other_settings(knob: str) -> Grounding:
    """The posted design with another value of a knob, in a posture in which it makes sense."""
    extra = {"savekeys": "on"} if knob == "vault_form" else {}
    return ground(
        DESIGNS["rfc-v2"].but(**{knob: KNOBS[knob].values[1], **extra}), Scope(), "payload"
    )


@pytest.mark.parametrize("knob", KNOBS)
def test_exactly_three_knobs_act_on_a_payloads_text(knob: str) -> None:
    other, posted = other_settings(knob), parser_of("rfc-v2")
    if knob not in ACTING:
        assert terms_of(posted) == terms_of(other)
        return
    others = {action.name: action for action in other.system.actions}

    def is_alike(one: GroundAction) -> bool:
        two = others.get(one.name)
        return (
            two is not None
            and one.answer.eq(two.answer)
            and one.updates.keys() == two.updates.keys()
            and all(term.eq(two.updates[name]) for name, term in one.updates.items())
        )

    assert ACTING[knob] == {one.name for one in posted.system.actions if not is_alike(one)}


def test_no_guard_answer_or_effect_of_the_parser_reads_the_documentation() -> None:
    ghosts = {f.name for f in parser_of("rfc-v2").text.families if f.ghost}
    assert {"asked", "written", "spoilt"} == ghosts
    for action in parser_of("rfc-v2").system.actions:
        own = [t for name, t in action.updates.items() if name.partition("[")[0] not in ghosts]
        for term in (action.guard, action.answer, *own):
            assert not any(ghost in term.sexpr() for ghost in ghosts)
