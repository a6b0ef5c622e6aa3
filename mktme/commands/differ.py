"""The command that compares designs by what they allow: the shortest scenario of each pair."""

from __future__ import annotations

from checker import Limits
from designs import KNOWN_DESIGNS, DesignError, design_from_text
from mktme import differing, executors, options, statuses
from mktme.commands.asking import console, once
from mktme.differences import LIMITS, SCOPE, of_pairs
from mktme.progress import progress
from model import Scope


def differ(
    designs: options.DesignsArgument = None,
    packages: options.Packages = SCOPE.packages,
    cpus: options.Cpus = SCOPE.cpus,
    keyids: options.KeyIds = SCOPE.keyids,
    values: options.Values = SCOPE.values,
    vmas: options.Vmas = SCOPE.vmas,
    states_max: options.StatesMax = LIMITS.states_max or 0,
    depth_max: options.DepthMax = LIMITS.depth_max,
    seconds_max: options.SecondsMax = LIMITS.seconds_max or 0.0,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Show for each pair of designs the shortest scenario that one allows and the other does not.

    A scenario is a boot and calls; a design allows what it answers with success. Each is made on
    the implementations of both designs.

    Example: mktme differ no-hotplug rfc-v2 per-package
    """
    chosen = once([design_from_text(text) for text in designs or KNOWN_DESIGNS])
    if len(chosen) < 2:
        raise DesignError(f"a pair needs two designs; there is only {chosen[0].name}")
    scope = Scope(packages, cpus, keyids, values, vmas, SCOPE.threads)
    limits = Limits(states_max, depth_max, seconds_max)
    directions = len(chosen) * (len(chosen) - 1)
    with (
        progress(directions) as bar,
        executors.executor(executor, most=directions) as pool,
    ):
        found = of_pairs(chosen, scope, limits, pool, bar.step)
    if as_json:
        print(differing.record(found, scope).written())
    else:
        for part in differing.told(found, scope):
            console().print(part)
    return statuses.for_differ(found)
