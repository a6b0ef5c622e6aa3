"""What the reference says of the language of simulator scripts."""

from __future__ import annotations

from manual.markdown import code, plain, table
from mktme.simulation import expectations, vocabulary
from mktme.simulation.language import FORMS


def page() -> str:
    """Commands, the words in them, and expectations."""
    words = {**vocabulary.SIGNS, **vocabulary.WORDS}
    return "\n".join(
        [
            "# The language of scripts\n",
            "`mktme simulate FILE` runs one command a line; `mktme list commands` prints these"
            " tables. Words in capitals are in the second table, what is in brackets may be left"
            " out. [How to write a script](../how-to/write-a-script.md) has examples.\n",
            "## Commands\n",
            table(
                ("command", "meaning"),
                [[code(form.usage), plain(form.meaning)] for form in FORMS.values()],
            ),
            "## Words\n",
            table(("word", "meaning"), [[code(w), plain(said)] for w, said in words.items()]),
            "## Expectations\n",
            "They stand at the end of a line, behind `=>`.\n",
            table(
                ("expectation", "met if"),
                [[code(e), plain(said)] for e, said in expectations.MEANINGS.items()],
            ),
        ]
    )
