"""Runs the text of a script through `mktme simulate`, in this process, for the tests of mktme."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

from mktme import cli

KEY = "000102030405060708090a0b0c0d0e0f"
TWEAK = "101112131415161718191a1b1c1d1e1f"
USER = f'"type=user algorithm=aes-xts-128 key={KEY} tweak={TWEAK}"'
CPU = '"type=cpu algorithm=aes-xts-128"'


def mktme(*arguments: str) -> tuple[int, str, str]:
    """(status, stdout, stderr) of a command line."""
    out, err = io.StringIO(), io.StringIO()
    redirected = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with mock.patch.object(sys, "argv", ["mktme", *arguments]), redirected[0], redirected[1]:
        try:
            cli.main()
        except SystemExit as end:
            return end.code, out.getvalue(), err.getvalue()
    raise AssertionError("the program did not exit")


def simulate(text: str, *options: str) -> tuple[int, str, str]:
    """(status, stdout, stderr) of a script, which is called x.sim."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.sim"
        path.write_text(text, encoding="utf-8")
        status, out, err = mktme("simulate", str(path), *options)
        return status, out.replace(f"{directory}/", ""), err.replace(f"{directory}/", "")


def answers(text: str, *options: str) -> list[dict]:
    """The records of a script that ends well."""
    status, out, err = simulate(text, "--json", *options)
    assert (0, "") == (status, err)
    return [json.loads(line) for line in out.splitlines()]
