"""The ciphers against the vectors that their standards publish: XTS-AES-128 and AES key wrap."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

# House style puts the expected value first.
import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from cryptography_vectors import open_vector_file

from impl.hardware.engine import XtsAes128
from impl.service import vault

XTS_FILES = ("tweak-128hexstr", "tweak-dataunitseqno")

# Of each file's 1000 vectors, 200 have units of 130 bits and 200 of 200 bits. Those end in a
# partial block, which needs ciphertext stealing; a cache line is four whole blocks and never does.
XTS_LEFT_OUT = {130: 200, 200: 200}

KEY_BITS = (128, 192, 256)


def records(path: str) -> Iterator[dict[str, str]]:
    """The vectors of a CAVP file: one dictionary per COUNT, with its section's name."""
    record: dict[str, str] = {}
    section = ""
    with open_vector_file(path, "r") as lines:
        for line in [*lines, ""]:
            name, _, value = (part.strip() for part in line.partition("="))
            if name.startswith("["):
                section = line.strip()
            elif name == "FAIL" or value:
                record[name] = value
            elif not name and "COUNT" in record:
                yield {**record, "section": section}
                record = {}


@pytest.mark.parametrize("tweaks", XTS_FILES)
def test_the_engine_agrees_with_every_cavp_vector_of_whole_blocks(tweaks: str) -> None:
    run = 0
    left_out: dict[int, int] = {}
    for vector in records(f"ciphers/AES/XTS/{tweaks}/XTSGenAES128.rsp"):
        bits = int(vector["DataUnitLen"])
        if bits % 128:
            left_out[bits] = left_out.get(bits, 0) + 1
            continue
        key = bytes.fromhex(vector["Key"])
        if "i" in vector:
            unit = int.from_bytes(bytes.fromhex(vector["i"]), "little")
        else:
            unit = int(vector["DataUnitSeqNumber"])
        engine = XtsAes128(key[:16], key[16:])
        plaintext, ciphertext = (bytes.fromhex(vector[name]) for name in ("PT", "CT"))
        assert ciphertext == engine.encrypt(unit, plaintext)
        assert plaintext == engine.decrypt(unit, ciphertext)
        run += 1
    assert (600, XTS_LEFT_OUT) == (run, left_out)


# IEEE 1619-2007 annex B, vectors 1 to 3: data key, tweak key, data unit, plaintext, ciphertext.
IEEE_SHORT = {
    1: (
        "00" * 16,
        "00" * 16,
        0,
        "00" * 32,
        "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
    ),
    2: (
        "11" * 16,
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
    ),
    3: (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0",
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89",
    ),
}

# The ciphertexts of the vectors with 512 bytes, as SHA-256 digests of what the standard prints.
# Vectors 10 to 14 are of XTS-AES-256, 15 to 18 need ciphertext stealing.
COUNTING = bytes(range(256)) * 2
IEEE_CHAIN_KEYS = ("27182818284590452353602874713526", "31415926535897932384626433832795")
IEEE_CHAIN = {
    0x00: "ebee4d64dd2395bb2d6a2d37a0a48ecb2bf4913cfc99d27c2214f2f4144715ea",
    0x01: "bed1b9d9bf8ce83a2ae1981fbd5f2b0c40e21bba5d57df2ea16ecd0975f25215",
    0x02: "68f1e84faa401c9914a7fd6fc565eaa7b531cedbc22bd28269aa58b15ceec03f",
    0xFD: "e79164ec75ee2be22b85c9abec46d919916e0dae311ac7777ac37adc94abf2b5",
    0xFE: "21c28d54ece4f4696129f67e2e0f8a1a6f452fd6609cc9eeb3d3b56ca8ce6269",
    0xFF: "f4e8fa6b2cbf859268ce071a3f557dd1130e24748fe82d6c2ff34f0c5d52f57b",
}
IEEE_19_KEYS = ("e0e1e2e3e4e5e6e7e8e9eaebecedeeef", "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
IEEE_19_UNIT = int.from_bytes(bytes.fromhex("21436587a9"), "little")
IEEE_19 = "36e32e6ec26a4e2a05993f91af535f405e0317863a14aea7c0cfbdafed6442ca"


def engine_of(keys: tuple[str, str]) -> XtsAes128:
    return XtsAes128(*map(bytes.fromhex, keys))


@pytest.mark.parametrize("number", IEEE_SHORT)
def test_the_engine_agrees_with_the_short_vectors_of_ieee_1619(number: int) -> None:
    data_key, tweak_key, unit, plaintext, ciphertext = IEEE_SHORT[number]
    engine = engine_of((data_key, tweak_key))
    assert ciphertext == engine.encrypt(unit, bytes.fromhex(plaintext)).hex()
    assert plaintext == engine.decrypt(unit, bytes.fromhex(ciphertext)).hex()


def test_the_engine_agrees_with_vectors_4_to_9_of_ieee_1619() -> None:
    """The standard encrypts a text 256 times over, and prints the first and last three results."""
    engine = engine_of(IEEE_CHAIN_KEYS)
    text = COUNTING
    digests = {}
    for unit in range(256):
        ciphertext = engine.encrypt(unit, text)
        assert text == engine.decrypt(unit, ciphertext)
        text = ciphertext
        if unit in IEEE_CHAIN:
            digests[unit] = sha256(text).hexdigest()
    assert IEEE_CHAIN == digests


def test_the_engine_agrees_with_vector_19_of_ieee_1619() -> None:
    engine = engine_of(IEEE_19_KEYS)
    ciphertext = engine.encrypt(IEEE_19_UNIT, COUNTING)
    assert IEEE_19 == sha256(ciphertext).hexdigest()
    assert COUNTING == engine.decrypt(IEEE_19_UNIT, ciphertext)


KEK = bytes(range(32))
TEXT = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")

# RFC 3394 section 4: bytes of the wrapping key, bytes of the text, the wrapped text.
RFC_3394 = {
    "4.1": (16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    "4.2": (24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    "4.3": (32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    "4.4": (24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    "4.5": (32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    "4.6": (
        32,
        32,
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
    ),
}


@pytest.mark.parametrize("section", RFC_3394)
def test_the_vaults_wrapping_agrees_with_rfc_3394(section: str) -> None:
    key_bytes, text_bytes, wrapped = RFC_3394[section]
    key, text = KEK[:key_bytes], TEXT[:text_bytes]
    assert wrapped == vault.aes_key_wrap(key, text).hex()
    assert text == vault.aes_key_unwrap(key, bytes.fromhex(wrapped))


@pytest.mark.parametrize("bits", KEY_BITS)
def test_the_vaults_wrapping_agrees_with_every_cavp_vector(bits: int) -> None:
    run = 0
    for vector in records(f"keywrap/kwtestvectors/KW_AE_{bits}.txt"):
        key, text, wrapped = (bytes.fromhex(vector[name]) for name in "KPC")
        assert wrapped == vault.aes_key_wrap(key, text)
        run += 1
    assert 500 == run


@pytest.mark.parametrize("bits", KEY_BITS)
def test_the_vaults_unwrapping_agrees_with_every_cavp_vector(bits: int) -> None:
    run = {"accepted": 0, "refused": 0}
    for vector in records(f"keywrap/kwtestvectors/KW_AD_{bits}.txt"):
        key, wrapped = bytes.fromhex(vector["K"]), bytes.fromhex(vector["C"])
        if "FAIL" in vector:
            with pytest.raises(InvalidUnwrap):
                vault.aes_key_unwrap(key, wrapped)
            run["refused"] += 1
        else:
            assert bytes.fromhex(vector["P"]) == vault.aes_key_unwrap(key, wrapped)
            run["accepted"] += 1
    assert {"accepted": 400, "refused": 100} == run
