"""Which key `%type:desc` means, whatever else the listing has."""

from __future__ import annotations

from simulations import CPU, simulate

# The process does not possess what lies in another session's keyring: only the listing finds it.
AWAY = f"""
    process other caps=CAP_SYS_RESOURCE
    as other
    dead = keyctl add mktme dead {CPU} @s => ok
    keyctl setperm $dead 0x3f3f0000 => ok
    live = keyctl add mktme live {CPU} @s => ok
    keyctl setperm $live 0x3f3f0000 => ok
"""


def test_a_key_of_another_process_is_found_by_its_name():
    assert 0 == simulate(AWAY + "as root\nkeyctl describe %mktme:live => ok")[0]


def test_a_name_that_no_key_has_is_enokey():
    assert 0 == simulate(AWAY + "as root\nkeyctl describe %mktme:none => ENOKEY")[0]
    assert 0 == simulate(AWAY + "as root\nkeyctl describe %user:live => ENOKEY")[0]


def test_a_dead_key_that_comes_earlier_in_the_listing_is_skipped():
    for ending in ("revoke $dead", "timeout $dead 1"):
        text = f"""{AWAY}
            keyctl {ending} => ok
            sleep 2
            as root
            keyctl describe %mktme:live => ok
            keyctl describe %mktme:none => ENOKEY
        """
        assert (0, "") == simulate(text)[::2]


def test_a_dead_key_answers_for_its_name_if_no_live_one_has_it():
    for ending, errno in {"revoke $dead": "EKEYREVOKED", "timeout $dead 1": "EKEYEXPIRED"}.items():
        text = f"""{AWAY}
            keyctl {ending} => ok
            sleep 2
            as root
            keyctl describe %mktme:dead => {errno}
        """
        assert (0, "") == simulate(text)[::2]


def test_a_live_key_answers_for_its_name_although_a_dead_one_has_it_too():
    text = f"""{AWAY}
        keyctl revoke $dead => ok
        as root
        keyctl newring mine @u => ok
        process third caps=CAP_SYS_RESOURCE
        as third
        again = keyctl add mktme dead {CPU} @s => ok
        keyctl setperm $again 0x3f3f0000 => ok
        as root
        keyctl describe %mktme:dead => ok
    """
    assert (0, "") == simulate(text)[::2]
