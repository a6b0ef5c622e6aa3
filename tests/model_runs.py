"""Runs of the modelled key service that many tests begin with."""

from __future__ import annotations

from typing import Any

from runs import Run


def supplies(kind: str) -> dict[str, str]:
    """A payload of this kind: user keys are A, others bring no key."""
    return {"kind": kind, "bytes": "A" if kind == "user" else "zeros"}


def everywhere(run: Run) -> dict[str, Any]:
    """With per-package KeyIDs, a key is wanted on every package."""
    is_per_package = run.design.keyid_scope == "per_package"
    return {"wanted": set(range(run.scope.packages))} if is_per_package else {}


def with_key(design: str, kind: str = "user", **more: Any) -> Run:
    """A run in which key 0 was given KeyID 1 (on every package)."""
    run = Run(design, **more)
    assert "ok" == run.do("instantiate", key=0, **supplies(kind), **everywhere(run))
    return run


def with_vma(design: str, kind: str = "user", **more: Any) -> Run:
    """A run in which VMA 0 was encrypted with key 0, which has KeyID 1."""
    run = with_key(design, kind, **more)
    assert "ok" == run.do("encrypt", vma=0, key=0)
    return run


def with_page(design: str, kind: str = "user", package: int = 0, **more: Any) -> Run:
    """The same, and its page was written on a package."""
    run = with_vma(design, kind, **more)
    assert "ok" == run.do("write", vma=0, package=package)
    return run


def with_two_keys(design: str, **more: Any) -> Run:
    """A run in which user keys 0 (A) and 1 (B) have KeyIDs 1 and 2, and VMA 0 uses key 0."""
    run = with_vma(design, **more)
    run.do("instantiate", key=1, kind="user", bytes="B", **everywhere(run))
    return run


def without_keyid(design: str = "rfc-v2") -> Run:
    """Key 1 is live and has no KeyID: a VMA that had lost its reference took the key's along."""
    run = with_vma(design)
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")  # gets KeyID 2, and is found at KeyID 1
    run.do("destroy", key=0)  # drops the VMA's reference, and frees KeyID 1
    run.do("instantiate", key=1, kind="cpu")
    assert "yes" == run("mapped", 1, 1)
    run.do("unmap", vma=0)
    assert ["yes", "no"] == [run("live", 1), run("mapped", 1, 1)]
    return run


def offered(design: str, *kinds: str) -> Run:
    """Package 1 was added after keys of these kinds were made; user keys are A."""
    run = Run(design, absent=1)
    for key, kind in enumerate(kinds):
        run.do("instantiate", key=key, **supplies(kind))
    run.do("package_add", package=1)
    return run


def unasked(design: str) -> dict[str, object]:
    """Where the gate asks no owner, none fails to answer."""
    return {"answered": True} if design == "resupply" else {}
