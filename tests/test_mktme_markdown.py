"""The Markdown of a report, as GitHub shows it."""

from __future__ import annotations

from reports import proved, report, violated, without_answer

from mktme import baseline, expecting
from mktme.results import markdown
from model import Scope

MATRIX = """\
| property | rfc-v2 | rfc-v2-fixed |
| --- | --- | --- |
| `tables-agree` |  | ✓ this scope<br>(1,234) |
| `bitmap-exact` |  | ? unknown |
| `no-plaintext-unsaved` | ✗ 1 step |  |

* ✓ this scope proved, in every reachable state of this scope
* ✗ violated: the length of the shortest counterexample
* ? unknown: nobody could say; the note below has why
* (n) distinct states that the cell took

Scope: 2 packages, 2 CPUs each, 2 KeyIDs, 2 distinct user keys, 2 VMAs, 2 threads. 3 cells, 3.8 s\
 of checking.

### rfc-v2

* `no-plaintext-unsaved` ✗ 1 step: """


def test_the_matrix_comes_with_a_legend_and_a_note_for_each_cell_that_is_not_proved():
    cell = violated()
    cells = (cell, proved(extent="scope"), without_answer("UNKNOWN"))
    text = markdown.text(report(*cells))
    assert MATRIX == text[: len(MATRIX)]
    rest = text[len(MATRIX) :].splitlines()
    assert f"{cell.story} ⇒ {cell.because}. Replayed; trace {cell.trace_id}." == rest[0]
    assert [
        "",
        "### rfc-v2-fixed",
        "",
        r"* `bitmap-exact` ? unknown: the clock \| said so",
    ] == rest[1:]


def test_what_markdown_would_read_as_a_sign_is_escaped():
    assert r"a\|b \*c\* \<d\> \~ \`e\` \_f" == markdown.escaped("a|b *c* <d> ~ `e` _f")


def test_a_comparison_is_told_at_the_end():
    compared = expecting.compared("b_.json", baseline.of([violated()], Scope()), [violated()])
    text = markdown.text(report(violated(), comparison=compared))
    tail = "### Compared with a baseline\n\n* Baseline b\\_.json: 1 of 1 judged are as it says."
    assert tail == text[-len(tail) :]
