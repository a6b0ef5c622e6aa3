"""Everything in the running kernel can be taken in at once: the sizes that STYLE.md sets."""

from __future__ import annotations

import ast
from pathlib import Path

import impl

LINES_OF_FUNCTION_MAX = 40
LINES_OF_MODULE_MAX = 300

MODULES = sorted(Path(impl.__file__).parent.rglob("*.py"))


def test_a_function_fits_a_screen_and_a_module_a_sitting() -> None:
    assert 50 < len(MODULES)
    for module in MODULES:
        text = module.read_text()
        assert text.count("\n") <= LINES_OF_MODULE_MAX, module
        functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            lines = (function.end_lineno or 0) - function.lineno + 1
            assert lines <= LINES_OF_FUNCTION_MAX, f"{module}: {function.name}"
