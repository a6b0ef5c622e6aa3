"""A path in one line: what is written is read, and what is no path is refused kindly."""

from __future__ import annotations

import math
import re

import pytest
from explored import BROKEN, session_at

from conformance.lockstep import ground
from designs import DESIGNS, DesignError, design_from_text
from mktme.explore import world
from mktme.explore.opening import design_of_settings
from mktme.explore.paths import (
    CALLS_MAX,
    TEXT_MAX,
    Path,
    PathError,
    path_from_text,
)
from mktme.explore.world import world_of
from mktme.traces.recorded import RecordedCall
from model import SYSTEMS, Scope, ScopeError

ADD = RecordedCall("instantiate", (("key", "0"), ("kind", "no_encrypt"), ("fails[1]", "yes")))


def test_what_is_written_is_read():
    for path in (
        Path(DESIGNS["rfc-v2"]),
        Path(design_from_text("rfc-v2,savekeys=on"), calls=(ADD, RecordedCall("nul"))),
        Path(DESIGNS["per-package"], "locks", Scope(threads=3)),
        Path(DESIGNS["resupply"], "", Scope(3, 1, 2, 1, 1), (1, 2), True, (ADD,)),
    ):
        assert path == path_from_text(str(path))
        assert str(path) == str(path_from_text(str(path)))


def test_only_what_is_not_usual_is_written():
    path = Path(DESIGNS["resupply"], "", Scope(packages=3), (2,), True, (ADD,))
    expected = (
        "design=resupply&packages=3&absent=2&bypass=yes"
        "&run=instantiate(key=0,kind=no_encrypt,fails.1)"
    )
    assert expected == str(path)


def test_nothing_is_the_posted_design():
    assert Path(DESIGNS["rfc-v2"]) == path_from_text("") == path_from_text("#")


def test_an_address_is_read_as_browsers_and_chats_write_it():
    expected = path_from_text(BROKEN)
    assert expected == path_from_text(f"http://127.0.0.1:8000/#{BROKEN}")
    assert expected == path_from_text(f"http://127.0.0.1:8000/?token=x#{BROKEN}")
    assert expected == path_from_text(BROKEN.replace("(", "%28").replace(")", "%29"))


def test_no_label_of_any_system_means_something_to_a_path():
    for design in DESIGNS.values():
        for system in SYSTEMS:
            for action in ground(design, Scope(), system).system.actions:
                for parameter in action.parameters:
                    assert re.fullmatch(r"\w+(\[\w+\])?", parameter.name)
                    assert all(re.fullmatch(r"[\w-]+", label) for label in parameter.labels)


REFUSALS = {
    "desing=rfc-v2": "a path has no part 'desing' (did you mean design?); known: design, system,",
    "rfc-v2": "a path has no part 'rfc-v2'",
    "design=rfc-v2&design=rfc-v2": "the path has two parts design",
    "system=lock": "unknown system 'lock' (did you mean locks?); known: payload, locks",
    "packages=two": "packages is a number, not 'two'",
    "packages=-1": "packages is a number, not '-1'",
    "absent=x": "absent is a number, not 'x'",
    "bypass=perhaps": "bypass is yes or no, not 'perhaps'",
    "run=destroy(key=0": "step 1: 'destroy(key=0' is no call such as destroy(key=0)",
    "run=nul;destroy(key=0,key=1)": "step 2, destroy: key is given twice",
    f"run={';'.join(['nul'] * (CALLS_MAX + 1))}": f"a path has at most {CALLS_MAX} calls",
    "x" * (TEXT_MAX + 1): f"a path has at most {TEXT_MAX} signs; this one has {TEXT_MAX + 1}",
    "http://127.0.0.1:8000/": "the address 'http://127.0.0.1:8000/' has no path behind its #; ",
    "http://127.0.0.1:8000/?token=x# ": "the address 'http://127.0.0.1:8000/?token=x' has no path",
    f"run={'x' * 99}(": f"step 1: '{'x' * 57}…' is no call",
}


@pytest.mark.parametrize("text", REFUSALS, ids=lambda text: text[:40])
def test_what_is_no_path_is_refused_with_what_is_known(text):
    with pytest.raises(PathError) as refusal:
        path_from_text(text)
    assert str(refusal.value).startswith(REFUSALS[text])


def test_designs_and_scopes_that_do_not_exist_are_refused_as_elsewhere():
    with pytest.raises(DesignError, match="unknown design 'rfc-v3'"):
        path_from_text("design=rfc-v3")
    with pytest.raises(ScopeError, match="packages=9 is out of range"):
        path_from_text("packages=9")


def test_a_boot_that_no_machine_has_is_refused():
    with pytest.raises(PathError, match=r"no machine of .* boots with absent=0"):
        session_at("absent=0")
    with pytest.raises(PathError, match="boots with bypass"):
        session_at("system=locks&bypass=yes")


def test_a_scope_that_is_too_large_to_read_in_time_is_refused(monkeypatch):
    monkeypatch.setattr("mktme.explore.world.SECONDS_MAX", 0.01)
    with pytest.raises(PathError, match="too large to explore by hand \\(out of time"):
        session_at("design=rfc-v2,savekeys=on&packages=4&keyids=4")


def test_a_scope_with_too_many_choices_is_refused():
    expected = r"by hand \(84,922 choices of arguments, and at most 50,000 can be\)"
    with pytest.raises(PathError, match=expected):
        session_at("design=per-package&packages=5&cpus=1&keyids=1&vmas=1")


def test_the_limits_count_what_would_be_read(monkeypatch):
    for text in ("", "design=per-package", "system=locks", "system=payload", "design=resupply"):
        path = path_from_text(text)
        read = ground(path.design, path.scope, path.system).system
        variables = len(read.variables)
        choices = sum(math.prod(p.size for p in a.parameters) for a in read.actions)
        world_of.cache_clear()
        monkeypatch.setattr(world, "VARIABLES_MAX", variables)
        monkeypatch.setattr(world, "CHOICES_MAX", choices)
        world_of(path.design, path.system, path.scope)
        world_of.cache_clear()
        for limit, most in (("CHOICES_MAX", choices), ("VARIABLES_MAX", variables)):
            monkeypatch.setattr(world, limit, most - 1)
            with pytest.raises(PathError, match=f"and at most {most - 1:,} can be"):
                world_of(path.design, path.system, path.scope)


def test_a_design_is_found_by_its_settings():
    for design in (DESIGNS["no-hotplug"], design_from_text("rfc-v2,savekeys=on")):
        assert design.name == design_of_settings(design.name, design.settings()).name
    found = design_of_settings("mine", DESIGNS["no-hotplug"].settings())
    assert (DESIGNS["no-hotplug"], "rfc-v2") == (found, found.name.split(",")[0])
    with pytest.raises(DesignError, match="unknown knob 'colour'"):
        design_of_settings("mine", {"colour": "blue"})
