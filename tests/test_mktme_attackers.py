"""What the attackers look for, and what they say that they did not look for."""

from __future__ import annotations

from simulations import CPU, KEY, answers, simulate

from mktme import statuses

TEXT = "a secret of one process"

# The process touches the second page first, so that the frames lie the wrong way round.
CROSSING = f"""
    machine packages=1 tme=bypass
    a = mmap 8K
    write $a+4K "x marks the second page"
    write $a+4084 "{TEXT}"
"""


def test_a_text_across_a_page_boundary_is_found_although_its_frames_are_not_adjacent():
    for attacker in ("cold-boot", "disclosure"):
        status, out, err = simulate(f"{CROSSING}{attacker} => 2 findings")
        assert (0, "") == (status, err)
        assert "part 1 of the text of line 5: live page" in out
        assert "part 2 of the text of line 5: live page" in out


def test_a_part_that_is_too_short_is_named_and_the_other_is_found():
    text = CROSSING.replace("4084", "4090")
    status, out, _ = simulate(f"{text}cold-boot => some findings")
    assert statuses.HOLDS == status
    assert "not looked for: part 1 of the text of line 5, shorter than 8 bytes" in out
    assert "part 2 of the text of line 5: live page" in out


def test_no_number_of_findings_is_met_by_what_was_not_looked_for():
    text = 'a = mmap 4K\nwrite $a "seven77"\ndisclosure'
    status, out, err = simulate(text)
    assert (statuses.HOLDS, "") == (status, err)
    said = "0 findings; not looked for: text of line 2, shorter than 8 bytes"
    assert f"disclosure → {said}\n" in out
    expected = f"mktme: x.sim:3: expected no findings, got {said}\n"
    assert (statuses.VIOLATED, expected) == simulate(f"{text} => no findings")[::2]
    longer = text.replace("seven77", "eight888")
    assert statuses.HOLDS == simulate(f"{longer} => 1 finding")[0]


def test_a_short_payload_is_named_too():
    (_, record) = answers("keyctl add user note short @u\ncold-boot")
    assert ["payload of line 1"] == record["found"]["not_looked_for"]
    assert not record["complete"]


def test_findings_are_objects_for_programs():
    text = f'machine tme=off\nkeyctl add mktme k "type=user key={KEY}" @u\ncold-boot'
    *_, record = answers(text)
    finding = record["found"]["findings"][0]
    assert {
        "needle",
        "state",
        "object",
        "area",
        "offset",
        "package",
        "address",
        "bits_in_error",
    } == set(finding)
    assert len(record["found"]["findings"]) == record["counts"]["findings"]


def test_a_reset_keeps_what_the_modules_store_and_draws_new_tme_keys():
    for tme, found in {"bypass": "1 finding", "on": "no findings"}.items():
        text = f"""
            machine tme={tme}
            a = mmap 4K
            write $a "{TEXT}"
            disclosure => 1 finding
            reset
            cold-boot => {found}
        """
        assert (0, "") == simulate(text)[::2]


def test_a_reset_empties_the_key_tables():
    text = f"machine packages=1 keyids=1\nkeyctl add mktme k {CPU} @u\nreset\nshow tables"
    *_, record = answers(text)
    packages = [{"package": 0, "mode": "TME", "algorithm": None, "key": None}]
    assert [{"keyid": 1, "packages": packages}] == record["found"]["tables"]
