"""The commands that ask whether model and implementation agree, and whether faults are noticed."""

from __future__ import annotations

from conformance.edges import SMALLEST
from conformance.mutants.catalogue import MUTANTS, mutant_from_text
from designs import KNOWN_DESIGNS, design_from_text
from mktme import conforming, executors, mutation, options
from mktme.commands.asking import console, once
from mktme.progress import progress
from model import Scope


def conform(
    designs: options.DesignsArgument = None,
    packages: options.Packages = SMALLEST.packages,
    cpus: options.Cpus = SMALLEST.cpus,
    keyids: options.KeyIds = SMALLEST.keyids,
    values: options.Values = SMALLEST.values,
    vmas: options.Vmas = SMALLEST.vmas,
    histories: options.Histories = 1,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Make every transition of the key service's model on the implementation, and compare.

    The scope is the smallest one in which every action happens, if no other is given. There are
    some 12,000 transitions of no-hotplug and 2,000,000 of rfc-v2; a thousand take a second.

    Example: mktme conform rfc-v2-fixed per-package --histories 2
    """
    chosen = once([design_from_text(text) for text in designs or KNOWN_DESIGNS])
    scope = Scope(packages, cpus, keyids, values, vmas, SMALLEST.threads)
    with (
        progress(len(chosen)) as bar,
        executors.executor(executor, most=len(chosen)) as pool,
    ):
        found = conforming.all_walked(chosen, scope, histories, pool, bar.step)
    if as_json:
        print(conforming.record(found, scope, histories).written())
        return conforming.status(found)
    for part in conforming.told(found, scope):
        console().print(part)
    return conforming.status(found)


def mutants(
    ids: options.MutantsArgument = None,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Plant single faults in implementation, hardware and model, and say what notices each.

    Example: mktme mutants vault-stale tweak-has-keyid-bits model-update-leaves-bit
    """
    chosen = list(dict.fromkeys(mutant_from_text(text).id for text in ids or MUTANTS))
    with (
        progress(len(chosen)) as bar,
        executors.executor(executor, most=len(chosen)) as pool,
    ):
        found = mutation.all_tried(chosen, pool, bar.step)
    if as_json:
        print(mutation.record(found).written())
        return mutation.status(found)
    for part in mutation.told(found):
        console().print(part)
    return mutation.status(found)
