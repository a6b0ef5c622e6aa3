"""What a line of a script may say, and how a script that says something else is refused."""

from __future__ import annotations

from random import Random

import pytest

from impl.hardware.pconfig import Status
from mktme.simulation import redact
from mktme.simulation.expectations import Answer, expected
from mktme.simulation.forms import form
from mktme.simulation.kinds import KINDS
from mktme.simulation.language import FORMS, GIVING, SET_UP, WITHIN_A_RACE
from mktme.simulation.lines import words_of
from mktme.simulation.script import ScriptError, script
from mktme.simulation.values import CpuNumber, KeyName, KeyringName, Variable

KEY = "000102030405060708090a0b0c0d0e0f"
TWEAK = "101112131415161718191a1b1c1d1e1f"
USER = f'"type=user algorithm=aes-xts-128 key={KEY} tweak={TWEAK}"'


def lines(text: str):
    return script("x.sim", text).lines


def only(text: str):
    (line,) = lines(text)
    return line


# Words


def test_words_are_split_as_a_shell_does():
    found = words_of("""a  "b c" 'd "e' f\\ g "h\\"i" j#k # comment "without end""")
    assert ["a", "b c", 'd "e', "f g", 'h"i', "j#k"] == [word.text for word in found]
    assert [False, True, True, False, True, False] == [word.is_quoted for word in found]


def test_blank_lines_and_comments_are_no_lines():
    assert [3] == [line.number for line in lines("# a\n\n  gc  # now\n   \n")]


VALUES = {
    ("mmap 8K", "length"): 8192,
    ("mmap 0x1000", "length"): 4096,
    ("mmap 1M prot=r", "prot"): "r",
    ("mmap at=0x10000 8K", "at"): 0x10000,
    ("mmap 8K file", "file"): True,
    ("mmap 8K", "file"): False,
    ("mmap 8K", "at"): None,
    ("mprotect 4096 4K PROT_READ|PROT_WRITE", "prot"): "rw",
    ("mprotect 4096 4K PROT_NONE", "prot"): "none",
    ("cpu online 3", "cpu"): CpuNumber(None, 3),
    ("cpu offline 1.0", "cpu"): CpuNumber(1, 0),
    ("package add", "package"): None,
    ("process a uid=1000 groups=1,2", "groups"): frozenset({1, 2}),
    ("process a caps=none", "caps"): frozenset(),
    ("process a caps=CAP_SYS_ADMIN", "caps"): frozenset({"CAP_SYS_ADMIN"}),
    ("fault pconfig package=1 busy", "failure"): Status.DEVICE_BUSY,
    ("fault pconfig entropy times=always", "times"): 0,
    ("fault seeded probability=0.5", "probability"): 0.5,
    ("rdmsr IA32_TME_ACTIVATE package=0", "msr"): 0x982,
    ("rdmsr 0x981 package=0", "msr"): 0x981,
    ("keyctl describe 5", "key"): 5,
    ("keyctl describe %mktme:a:b", "key"): KeyName("mktme", "a:b"),
    ("keyctl clear %:ring", "keyring"): KeyName("keyring", "ring"),
    ("keyctl list @us", "keyring"): KeyringName("@us"),
    ("keyctl setperm 5 0x3f010000", "mask"): 0x3F010000,
    ('keyctl add user a "packages=1" @u', "payload"): "packages=1",
    ("keyctl add user a b @u packages=0,1", "packages"): frozenset({0, 1}),
    ("sleep 1.5", "seconds"): 1.5,
}


@pytest.mark.parametrize(("text", "name"), VALUES)
def test_a_word_becomes_a_value_of_its_kind(text, name):
    assert VALUES[text, name] == only(text).command[name]


def test_an_address_may_be_a_variable_and_a_distance():
    text = "a = mmap 8K\nread $a+4K 8\nread $a-0x10 8\nread $a 8"
    found = [line.command["address"] for line in lines(text)[1:]]
    assert [Variable("a", 4096), Variable("a", -16), Variable("a")] == found


def test_what_is_set_up_comes_first_and_once():
    found = script("x.sim", "machine keyids=1\ndesign rfc-v2,savekeys=on\ngc")
    assert "rfc-v2,savekeys=on" == found.design
    assert 1 == found.machine.command["keyids"]
    assert 2 == found.design_line


def test_a_race_has_the_lines_up_to_its_end():
    (line,) = lines("race faults=1\n  gc\n  worker\nend => no findings")
    assert ["gc", "worker"] == [one.command.name for one in line.body]
    assert (1, 4, (0, "findings")) == (line.number, line.expected_at, line.expected.counted)


def test_every_kind_of_a_usage_is_known_and_every_set_names_commands():
    kinds = {p.kind for one in FORMS.values() for p in one.parameters if p.kind}
    assert set(KINDS) == kinds
    assert set() == (SET_UP | GIVING | WITHIN_A_RACE) - set(FORMS)


def test_a_usage_that_cannot_be_read_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="is no parameter"):
        form("frob Length", "?")


# Refusals

REFUSALS = {
    "": "there is no command in it",
    "# nothing\n": "there is no command in it",
    "design rfc-v2\n": "it sets up, and no command follows",
    "gc\nkeyctll add": "2: unknown command 'keyctll' (did you mean keyctl?); known: design,",
    "type=user key=00": "1: unknown command (not shown, for it may be a payload); known: design,",
    "keyctl": "1: keyctl what? known: add, update,",
    "keyctl upadte 5 x": "1: unknown keyctl command 'upadte' (did you mean update?)",
    f"keyctl {KEY[:24]}": "1: unknown keyctl command (not shown, for it may be",
    "cpu onlin 1": "1: unknown cpu command 'onlin' (did you mean online?); known: online, offline",
    "mmap": "1: mmap lacks LENGTH; usage: mmap LENGTH [prot=PROT]",
    "migrate 4096": "1: migrate lacks package=; usage: migrate ADDRESS package=PACKAGE",
    "munmap 4096 4K now": "1: munmap does not take the word 'now'; usage: munmap ADDRESS LENGTH",
    "keyctl add user a secret @u now": "1: keyctl add does not take the word; usage: keyctl add",
    "mmap 4K prot=r prot=w": "1: mmap has prot= twice",
    "mmap 4Q": "1: LENGTH '4Q' of mmap is no length such as 4096, 4K or 0x1000",
    "mmap -4": "1: LENGTH '-4' of mmap is no length",
    "mmap 4K prot=wx2": "1: prot= 'wx2' of mmap is no protection",
    "munmap here 4K": "1: ADDRESS 'here' of munmap is no address",
    "munmap $a+ 4K": "1: ADDRESS '$a+' of munmap is no variable and distance",
    "keyctl revoke me": "1: KEY 'me' of keyctl revoke is no key: a serial number, $variable,",
    "keyctl revoke $a+1": "1: KEY '$a+1' of keyctl revoke is no variable such as $k",
    "keyctl revoke %mktme": "1: KEY '%mktme' of keyctl revoke is no name of a key",
    "keyctl clear @x": "1: KEYRING '@x' of keyctl clear is no keyring; known: @t, @p, @s, @u, @us",
    "keyctl add user a secret @x": "1: KEYRING of keyctl add is no keyring",
    "cpu online one": "1: CPU 'one' of cpu online is no CPU: a number such as 3, or",
    "process 1a": "1: NAME '1a' of process is no name",
    "process a caps=SYS": "1: caps= 'SYS' of process is no list of capabilities",
    "process a groups=a": "1: groups= 'a' of process is no list of numbers",
    "process a uid=x": "1: uid= 'x' of process is no number",
    "process a\nprocess a": "2: process a exists already",
    "process root": "1: process root exists already",
    "as alcie": "1: unknown process 'alcie'; known: root",
    "process alice\nas alcie": "2: unknown process 'alcie' (did you mean alice?)",
    "sleep long": "1: SECONDS 'long' of sleep is no time in seconds",
    "sleep -1": "1: SECONDS '-1' of sleep is no time",
    "sleep inf": "1: SECONDS 'inf' of sleep is no time",
    "fault pconfig slow": "1: FAILURE 'slow' of fault pconfig is unknown; known: busy, entropy",
    "fault pconfig busy times=0": "1: times= '0' of fault pconfig must not be 0",
    "fault seeded probability=2": "1: probability= '2' of fault seeded is no probability: 0 to 1",
    "fault seeded probability=x": "1: probability= 'x' of fault seeded is no probability",
    "rdmsr TME package=0": "1: MSR 'TME' of rdmsr is no register: a number, or IA32_TME_CAPABILITY",
    f"wrmsr 1 0x1{'0' * 16} package=0": "of wrmsr does not fit into 64 bits",
    "machine tme=maybe\ngc": "1: tme= 'maybe' of machine is unknown; known: on, off, bypass",
    "machine keyids=0\ngc": "1: keyids= '0' of machine must not be 0",
    "show table": "1: WHAT 'table' of show is unknown (did you mean tables?)",
    "owner maybe": "1: OWNER 'maybe' of owner is unknown; known: answers, silent",
    'gc "now': "1: a quotation has no end",
    "gc\ngc 'now": "2: a quotation has no end",
    "gc\\": "1: a quotation has no end",
    "k =": "1: there is no command",
    "=> ok": "1: there is no command",
    "1k = mmap 4K": "1: '1k' is no name of a variable",
    "k = gc": "1: gc gives nothing that a variable could hold",
    "read $a 4": "1: no line before gives $a",
    "a = mmap 4K\nread $b 4": "2: no line before gives $b; known: $a",
    "gc => $k": "1: no line before gives $k",
    "gc\ndesign rfc-v2": "2: design comes after the first command",
    "gc\nmachine": "2: machine comes after the first command",
    "design rfc-v2\ndesign rfc-v2\ngc": "2: the design was given before",
    "design rfc-v2 => ok\ngc": "1: design has no answer to expect",
    "race\ngc\ngc": "1: the race has no end",
    "race\ngc\nend": "1: a race needs two lines or more",
    "race => ok\ngc\ngc\nend": "1: what a race answers is expected where it ends",
    "end": "1: there is no race that ends here",
    "race\ngc\nrace\nend": "3: race cannot be in a race",
    "race\ngc\nshow map\nend": "3: show cannot be in a race",
    "race\ngc => ok\ngc\nend": "2: a line of a race has no answer of its own",
    "race\nfork child\ngc\nend\nas child": "5: unknown process 'child'",
    "gc => ENOKEYY": "1: unknown errno ENOKEYY (did you mean ENOKEY?)",
    "gc => fine": "1: 'fine' is no answer; known: ok, hangs, garbage, zeros, GP, an errno",
    "gc =>": "1: one answer is expected after =>",
    "gc => 1 2 3": "1: one answer is expected after =>",
    "gc => 3 apples": "1: 'apples' cannot be counted; known: findings,",
    "gc => many keys": "1: 'many' is no number of keys: a number, no or some",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_wrong_line_is_refused_with_its_number(text):
    with pytest.raises(ScriptError) as refusal:
        script("x.sim", text)
    message = str(refusal.value)
    assert message.startswith("x.sim:")
    assert REFUSALS[text] in message
    assert "\n" not in message


# Key bytes

IN_LINES = [
    f"keyctl add mktme name {USER} @u",
    f"keyctl update 5 {USER}",
    f"keyctl extend 5 package=1 {USER}",
    f'keyctl add mktme name "key={KEY}zz tweak={TWEAK[:9]}" @u',
    f'keyctl add user name "{KEY}" @u',
]


@pytest.mark.parametrize("text", IN_LINES)
def test_what_a_line_says_is_shown_without_its_keys(text):
    shown = only(text).text
    assert KEY[:6] not in shown
    assert TWEAK[:6] not in shown
    assert "<" in shown


def test_key_and_tweak_are_shown_with_the_fingerprint_of_the_key_tables():
    expected_text = (
        'keyctl add mktme name "type=user algorithm=aes-xts-128 key=<630d> tweak=<630d>" @u'
    )
    assert expected_text == only(f"keyctl add mktme name {USER} @u").text


def test_a_payload_of_another_type_is_shown_as_length_and_fingerprint():
    assert (
        "keyctl add user name (6 bytes, <2bb8>) @u" == only("keyctl add user name secret @u").text
    )


def test_unknown_words_of_a_payload_are_not_shown():
    shown = only('keyctl add mktme name "type=usr secret other=secret" @u').text
    assert "secret" not in shown
    assert "usr" not in shown


MISPLACED = [
    f"{USER}",
    f"keyctl {USER}",
    f"keyctl add mktme name {USER}",
    f"keyctl add mktme {USER} @u now {USER}",
    f"keyctl update {USER} 5",
    f"keyctl revoke {USER}",
    f"mmap {KEY}",
    f"mmap key={KEY}",
    f"gc => {KEY}",
    f"read ${KEY} 8",
    f"k{KEY} = gc",
]


@pytest.mark.parametrize("text", MISPLACED)
def test_no_refusal_quotes_a_key(text):
    with pytest.raises(ScriptError) as refusal:
        script("x.sim", text)
    assert KEY[:6] not in str(refusal.value)


def test_no_refusal_quotes_a_key_however_a_line_is_garbled():
    random = Random(1)
    texts = [*IN_LINES, "write $a hello => ok", "k = mmap 4K at=0x1000", "race faults=1", "=>", "="]
    words = [word for text in texts for word in text.split(" ")]
    refused = 0
    for _ in range(3000):
        text = " ".join(random.choices(words, k=random.randint(1, 7)))
        try:
            (line, *_) = lines(text)
            shown = line.text
        except ScriptError as refusal:
            shown, refused = str(refusal), refused + 1
        assert KEY[:8] not in shown, text
        assert TWEAK[:8] not in shown, text
    assert 2000 < refused < 3000


def test_messages_about_tokens_are_left_alone():
    text = "cannot add key: a token is unknown; known: algorithm=, key=, tweak=, type="
    assert text == redact.without_keys(text)


# Expectations

ANSWERS = {
    "ok": Answer(),
    "refused": Answer("ENOKEY", "cannot add key: it is so"),
    "hangs": Answer("hangs", "waits for the map lock, held by itself"),
    "fault": Answer("GP", "cannot write: it is locked"),
    "five": Answer(said="5", value=5),
    "text": Answer(said='"hello"', text="hello"),
    "garbage": Answer(said="garbage (8 bytes, <1234>)", text="ab", looks="garbage"),
    "zeros": Answer(said="zeros (2 bytes)", text="\0\0", looks="zeros"),
    "three": Answer(said="3 findings", counts={"findings": 3}),
    "none": Answer(said="0 findings", counts={"findings": 0}),
    "none so far": Answer(counts={"findings": 0}, is_complete=False),
    "three so far": Answer(counts={"findings": 3}, is_complete=False),
}
MET = {
    "ok": set(ANSWERS) - {"refused", "hangs", "fault"},
    "ENOKEY": {"refused"},
    "EINVAL": set(),
    "hangs": {"hangs"},
    "GP": {"fault"},
    "5": {"five"},
    "0x5": {"five"},
    "6": set(),
    '"hello"': {"text"},
    '"hell"': set(),
    '"5"': {"five"},
    "garbage": {"garbage"},
    "3 findings": {"three"},
    "no findings": {"none"},
    "0 findings": {"none"},
    "some findings": {"three", "three so far"},
    "zeros": {"zeros"},
    '"\\0\\x00"': {"zeros"},
    "'\\0\\x00'": set(),
    "no deadlocks": set(),
}


@pytest.mark.parametrize("wanted", MET)
def test_an_expectation_is_met_by_these_answers_and_no_others(wanted):
    one = expected(words_of(wanted))
    value = one.value if isinstance(one.value, int) else None
    assert MET[wanted] == {name for name, answer in ANSWERS.items() if one.is_met(answer, value)}


def test_one_of_something_is_expected_in_the_singular():
    assert (1, "keys") == expected(words_of("1 key")).counted
