"""What the reference says of verdicts, the marks of the matrix, and exit statuses."""

from __future__ import annotations

from manual.markdown import code, plain, table
from mktme import render, statuses
from mktme.results.shapes import VERDICTS
from mktme.traces.document import MARKS


def page() -> str:
    """Verdicts and marks."""
    return "\n".join(
        [
            "# Verdicts and marks\n",
            "A *cell* is one design judged by one property. Its answer is one word, as JSON has it."
            " `HOLDS_TO` and `UNKNOWN` are no pass, and `VACUOUS` is a failure.\n",
            table(
                ("word", "meaning"), [[code(word), plain(said)] for word, said in VERDICTS.items()]
            ),
            "## In the matrix\n",
            "No mark is told by its colour alone.\n",
            table(
                ("mark", "meaning"), [[code(m), plain(said)] for m, said in render.LEGEND.items()]
            ),
            "A number in brackets, where an exploration gave the answer, is how many distinct"
            " states the cell took, of the part of the system that the property depends on."
            " With “classes”, one state stands for all that a proved symmetry makes alike."
            " `! DISAGREES` means that two checkers, or model and implementation, contradict each"
            " other; believe neither.\n",
            "## In a counterexample\n",
            table(
                ("mark", "word", "meaning"),
                [[code(sign), mark, plain(said)] for mark, (sign, said) in MARKS.items()],
            ),
        ]
    )


def statuses_page() -> str:
    """Exit statuses."""
    return "\n".join(
        [
            "# Exit statuses\n",
            table(
                ("status", "meaning"),
                [[str(status), plain(said)] for status, said in statuses.MEANINGS.items()],
            ),
            f"{plain(statuses.ORDER)}\n",
            "Whatever goes wrong is said in one line on standard error, which begins with `mktme:`."
            " `compare` reports and never uses 1 for a violation; `check` gates.\n",
        ]
    )
