"""How the bytes that a process reads are shown, and what of them never is."""

from __future__ import annotations

import pytest
from simulations import KEY, USER, simulate

from mktme.simulation import redact
from mktme.simulation.contents import bytes_in_words
from mktme.simulation.expectations import expected
from mktme.simulation.lines import words_of

NO_SECRETS = redact.Secrets()


def said(data: bytes) -> str:
    return bytes_in_words(data, 0, 0, NO_SECRETS).said


SHOWN = {
    b"": '""',
    b"text": '"text"',
    "Grüße".encode(): '"Grüße"',
    b"a\n\x1b[31m\x9b".replace(b"\x9b", "\x9b".encode()): '"a\\n\\x1b[31m\\x9b"',
    b'say "a\\b"': '"say \\"a\\\\b\\""',
    b"ab\0": '"ab\\0"',
    b"ab" + bytes(6): '"ab" and 6 zero bytes',
    bytes(8): "zeros (8 bytes)",
    b"\xff\xfe": f"2 bytes, no text {redact.of_bytes(bytes([255, 254]))}",
}


@pytest.mark.parametrize("data", SHOWN)
def test_bytes_are_text_zeros_or_a_fingerprint(data):
    assert SHOWN[data] == said(data)


@pytest.mark.parametrize("data", [b"text", b"a\n\x1b[m", b'say "a\\n\\\\b"', b"ab\0\0", b"\\0"])
def test_a_text_may_be_expected_as_it_is_shown(data):
    answer = bytes_in_words(data, 0, 0, NO_SECRETS)
    assert expected(words_of(answer.said)).is_met(answer, None)
    longer = bytes_in_words(data + b"\0", 0, 0, NO_SECRETS)
    assert not expected(words_of(answer.said)).is_met(longer, None)


def test_intact_data_that_is_no_plain_text_is_not_garbage():
    status, _, err = simulate('a = mmap 4K\nwrite $a "Ünïcode"\nread $a 9 => garbage')
    assert 1 == status
    assert 'expected garbage, got "Ünïcode"' in err
    # Half a sign is no text, and intact all the same.
    assert 1 == simulate('a = mmap 4K\nwrite $a "Ü"\nread $a 1 => garbage')[0]


def test_only_bytes_that_differ_from_what_was_stored_are_garbage():
    clobbered = bytes_in_words(b"good", 4, 3, NO_SECRETS)
    print_ = redact.of_bytes(b"good")
    assert f"garbage (4 bytes, {print_}): 3 of the 4 stored differ" == clobbered.said
    assert expected(words_of("garbage")).is_met(clobbered, None)
    assert not expected(words_of("zeros")).is_met(clobbered, None)


def test_stored_bytes_are_forgotten_where_the_mapping_goes_or_its_key_changes():
    text = """
        a = mmap 8K
        write $a "first"
        munmap $a 8K
        mmap 8K at=$a
        read $a 5 => zeros
        write $a "second"
        k = keyctl add mktme k "type=cpu algorithm=aes-xts-128" @u
        encrypt_mprotect $a 8K rw $k
        read $a 6 => zeros
    """
    assert (0, "") == simulate(text)[::2]


def test_a_child_ought_to_read_what_its_parent_stored_and_each_its_own():
    text = """
        a = mmap 4K
        write $a "both"
        fork child
        write $a "mine"
        as child
        read $a 4 => "both"
        write $a "hers"
        as root
        read $a 4 => "mine"
    """
    assert (0, "") == simulate(text)[::2]


# Pieces of keys


def test_eight_digits_of_a_key_in_a_text_are_hidden_and_seven_are_not():
    for number, is_shown in {7: True, 8: False, 9: False}.items():
        piece = KEY[12 : 12 + number]
        text = f"""
            a = mmap 4K
            write $a "{piece.upper()}."
            read $a {number} => ok
            keyctl add user {piece} "a payload" @u
            keyctl add mktme k {USER} @u
        """
        status, out, err = simulate(text)
        assert (0, "") == (status, err)
        told = "".join(line for line in out.lower().splitlines() if "user" not in line)
        assert is_shown == (piece in told)


def test_a_payload_of_another_type_is_hidden_in_texts_too():
    _, out, _ = simulate(
        'a = mmap 4K\nwrite $a "dear diary"\nread $a 10\nread $a 9 => "dear dia"'
        '\nkeyctl add user d "dear diary" @u'
    )
    assert "diar" not in out


def test_a_long_number_in_a_text_is_hidden_when_it_is_read_in_pieces():
    _, out, _ = simulate(f'a = mmap 4K\nwrite $a "{KEY}"\nread $a 16\nread $a+16 16\nread $a 7')
    assert 1 == out.count(KEY[:7])
    assert KEY[:8] not in out
    assert KEY[20:28] not in out


def test_key_bytes_that_look_like_text_are_hidden_from_eight_on():
    secrets = redact.Secrets()
    secrets.payload(f"type=user key={b'0penSesame!!4242'.hex()}")
    assert "with a piece of a key" in bytes_in_words(b"the 0penSesa me", 0, 0, secrets).said
    assert '"the 0penSes me"' == bytes_in_words(b"the 0penSes me", 0, 0, secrets).said


def test_control_characters_never_reach_the_terminal():
    status, out, err = simulate(
        'a = mmap 4K\nwrite $a "\x1b[31mred\x9b"\nkeyctl add user "\x07" x @u'
    )
    assert (0, "") == (status, err)
    assert '"\\x1b[31mred\\x9b"' in out
    _, json_, _ = simulate('a = mmap 4K\nwrite $a "\x1b[31m\x9b"', "--json")
    _, _, refusal = simulate("gc \x1b[31m")
    for text in (out, json_, refusal):
        assert all(sign.isprintable() or sign == "\n" for sign in text)
