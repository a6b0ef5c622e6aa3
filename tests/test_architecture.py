"""Which package may import which, and which may use which library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

OWN: dict[str, set[str]] = {
    "designs": set(),
    "checker": set(),
    "model": {"checker", "designs"},
    "properties": {"checker", "designs", "model"},
    "impl": {"designs"},
    "conformance": {"checker", "designs", "impl", "model", "properties"},
    "mktme": {"checker", "conformance", "designs", "impl", "model", "properties"},
}
"""Package to the other packages of ours that it may import."""

LIBRARIES: dict[str, set[str]] = {
    "designs": set(),
    "checker": {"cvc5", "numpy", "pysat", "z3"},
    "model": {"z3"},
    "properties": {"z3"},
    "impl": {"cryptography"},
    "conformance": set(),
    "mktme": {
        "distributed",
        "jinja2",
        "junitparser",
        "markupsafe",
        "matplotlib",
        "platformdirs",
        "prompt_toolkit",
        "pydantic",
        "rich",
        "starlette",
        "typer",
        "uvicorn",
        "vcd",
    },
}
"""Package to the libraries beyond Python's own that it may import."""


def imports_of(source: str) -> set[str]:
    """The top-level packages that a text imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0] if node.module and not node.level else ".")
    return found


def imports_by_module(package: str) -> dict[str, set[str]]:
    """Module file to what it imports, without Python's own library and the package itself."""
    known = sys.stdlib_module_names | {package}
    return {
        str(path.relative_to(ROOT)): imports_of(path.read_text(encoding="utf-8")) - known
        for path in sorted((ROOT / package).rglob("*.py"))
    }


CHECKER: dict[str, set[str]] = {
    "systems": set(),
    "answers": {"systems"},
    "exchange": {"systems"},
    "exploring": {"answers", "systems"},
    "reducing": {"answers", "systems"},
    "solving": {"answers", "exploring", "systems"},
    "ic3": {"answers", "solving", "systems"},
    "anysize": {"answers", "exploring", "ic3", "solving", "systems"},
    "certifying": {"answers", "anysize", "killable", "reducing", "systems"},
    "comparing": {
        "answers",
        "engines",
        "limits",
        "portfolio",
        "question",
        "settling",
        "solving",
        "systems",
    },
}
"""Package inside the checker to the others that it uses; the modules above them may use all."""


@pytest.mark.parametrize("package", OWN)
def test_a_package_imports_only_what_its_arrows_allow(package: str) -> None:
    allowed = OWN[package] | LIBRARIES[package]
    found = imports_by_module(package)
    assert f"{package}/__init__.py" in found
    assert {} == {name: used - allowed for name, used in found.items() if used - allowed}


@pytest.mark.parametrize("package", OWN)
def test_every_arrow_is_used(package: str) -> None:
    used = set().union(*imports_by_module(package).values())
    optional = {"properties"} if package == "conformance" else set()
    assert set() == (OWN[package] | LIBRARIES[package]) - used - optional


def parts_used_by(source: str) -> set[str]:
    """The packages inside the checker that a text imports from."""
    names = [
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    ]
    return {name.split(".")[1] for name in names if name.startswith("checker.")}


@pytest.mark.parametrize("package", CHECKER)
def test_a_package_inside_the_checker_uses_exactly_those_below_it(package: str) -> None:
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "checker" / package).glob("*.py")]
    used = set().union(*map(parts_used_by, texts)) - {package}
    assert CHECKER[package] == used


def test_every_package_inside_the_checker_has_its_arrows() -> None:
    assert set(CHECKER) == {path.parent.name for path in (ROOT / "checker").glob("*/__init__.py")}


def test_the_checker_of_closed_sets_knows_nothing_of_ours() -> None:
    source = (ROOT / "checker/certifying/closed_set.py").read_text(encoding="utf-8")
    assert {"numpy"} == imports_of(source) - sys.stdlib_module_names
    assert len(source.splitlines()) < 300


def test_model_and_implementation_never_meet() -> None:
    model = set().union(*imports_by_module("model").values())
    impl = set().union(*imports_by_module("impl").values())
    assert "impl" not in model
    assert {"model", "checker", "properties"} & impl == set()


def test_the_arrows_have_no_circle() -> None:
    left = {package: set(arrows) for package, arrows in OWN.items()}
    while left:
        ready = {package for package, arrows in left.items() if not arrows & left.keys()}
        assert ready
        left = {package: arrows for package, arrows in left.items() if package not in ready}


def test_every_package_in_the_tree_has_its_arrows() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(OWN) == packages


def test_no_package_imports_a_test_library_and_only_mktme_speaks_to_a_terminal() -> None:
    users: dict[str, set[str]] = {}
    for package in OWN:
        for used in imports_by_module(package).values():
            for library in used - set(OWN):
                users.setdefault(library, set()).add(package)
    assert {
        "cryptography": {"impl"},
        "cvc5": {"checker"},
        "distributed": {"mktme"},
        "jinja2": {"mktme"},
        "junitparser": {"mktme"},
        "markupsafe": {"mktme"},
        "matplotlib": {"mktme"},
        "numpy": {"checker"},
        "platformdirs": {"mktme"},
        "prompt_toolkit": {"mktme"},
        "pydantic": {"mktme"},
        "pysat": {"checker"},
        "rich": {"mktme"},
        "starlette": {"mktme"},
        "typer": {"mktme"},
        "uvicorn": {"mktme"},
        "vcd": {"mktme"},
        "z3": {"checker", "model", "properties"},
    } == users


def test_the_parser_of_imports_sees_every_form() -> None:
    source = "import a.b\nfrom c.d import e\ndef f():\n    import g as h, i\nfrom . import j\n"
    assert {"a", "c", "g", "i", "."} == imports_of(source)
