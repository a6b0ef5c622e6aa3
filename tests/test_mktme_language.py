"""Whether `mktme list commands` shows the whole language, and can be read."""

from __future__ import annotations

import pytest
from simulations import mktme

from mktme.simulation.expectations import COUNTED, MEANINGS
from mktme.simulation.kinds import FAILURES, KEYRINGS, KINDS, OWNERS, SHOWS
from mktme.simulation.language import FORMS, WITHIN_A_RACE
from mktme.simulation.vocabulary import SIGNS, WORDS


@pytest.fixture
def listed(monkeypatch):
    """The listing in a terminal of so many columns."""

    def run(columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        status, out, err = mktme("list", "commands")
        assert (0, "") == (status, err)
        return out

    return run


def test_every_kind_of_word_is_told():
    assert set(KINDS) == set(WORDS)


def test_the_listing_has_every_command_word_and_expectation(listed):
    out = " ".join(listed(250).split())
    texts = [*FORMS, *WORDS, *SIGNS, *MEANINGS, *FAILURES, *KEYRINGS, *OWNERS, *SHOWS, *COUNTED]
    texts += [*WITHIN_A_RACE, "$a+4K", "%type:desc", "%:desc", "packages=2", "cpus=2", "keyids=3"]
    texts += ["runs=20000", "tme=on", "0x3f3f0001", "PROT_READ|PROT_WRITE", "CAP_SYS_ADMIN"]
    assert [] == [text for text in texts if " ".join(text.split()) not in out]


def test_the_listing_fits_into_eighty_columns_and_breaks_no_word_of_a_usage(listed):
    lines = listed(80).splitlines()
    assert 80 == max(map(len, lines))
    words = {word for form in FORMS.values() for word in form.usage.split()}
    shown = {word for line in lines for word in line.replace("│", " ").split()}
    assert set() == words - shown
