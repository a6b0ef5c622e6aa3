"""A cluster of machines gives the same matrix as this machine's processes."""

from __future__ import annotations

import dataclasses

import distributed
import pytest

from designs import DESIGNS
from mktme.executors import executor
from mktme.matrix import judge_all
from mktme.orders import Orders
from model import Scope

ASKED = [
    (DESIGNS["rfc-v2"], "tables-agree"),
    (DESIGNS["rfc-v2-savekeys"], "no-plaintext-unsaved"),
    (DESIGNS["rfc-v2-fixed"], "bitmap-exact"),
    (DESIGNS["rfc-v2-fixed"], "hotplug-admitted"),
]


@pytest.fixture(scope="module")
def scheduler():
    """The address of a cluster of two workers of two threads, as a person would start them."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address.removeprefix("tcp://")


def judged(where):
    """The cells, without how long each took, and the names of those that were told of."""
    told = []
    with executor(where) as pool:
        cells = judge_all(ASKED, Scope(), Orders(), pool, told.append)
    assert sorted(c.property_id for c in cells) == sorted(c.property_id for c in told)
    return [dataclasses.replace(cell, seconds=0.0) for cell in cells]


def test_a_cluster_judges_as_this_machine_does(scheduler):
    assert judged("processes:2") == judged(f"dask://{scheduler}")
