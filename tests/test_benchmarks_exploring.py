"""The explorer's baseline is a search of the same system: it counts the same."""

from __future__ import annotations

import pytest

from benchmarks.exploring import plain_search, question
from checker.exploring.explore import explore


@pytest.mark.parametrize("scope", [(1, 1, 1), (2, 1, 2), (2, 2, 2), (3, 2, 1)])
def test_the_plain_search_counts_what_the_explorer_counts(scope):
    grounding, claims = question(*scope)
    seen = explore(grounding.system, claims)
    assert (seen.states, seen.transitions, seen.depth) == plain_search(*scope)
    assert "PROVED" == seen.verdict(grounding.system, claims[0]).word
