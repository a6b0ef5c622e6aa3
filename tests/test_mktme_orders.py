"""What a person may order of a judgement, and how an order that makes no sense is refused."""

from __future__ import annotations

import pytest

from checker import ENGINES
from mktme import orders
from mktme.executors import ExecutorError, executor
from mktme.orders import OrderError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("512", 512),
        ("1K", 1024),
        ("2M", 2 << 20),
        ("1.5G", 3 << 29),
        ("8 GiB", 8 << 30),
        ("1t", 1 << 40),
    ],
)
def test_memory_is_a_number_with_a_unit(text, number):
    assert number == orders.bytes_from_text(text)


@pytest.mark.parametrize("text", ["", "0", "G", "-1G", "1X", "many", "0.1"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(OrderError, match="no amount of memory; known: a number with K, M, G or T"):
        orders.bytes_from_text(text)


def test_every_engine_can_be_asked_for_by_name():
    assert ("auto", *ENGINES) == orders.ENGINE_NAMES
    assert [*orders.ENGINE_NAMES] == [orders.engine_from_text(n) for n in orders.ENGINE_NAMES]


def test_an_unknown_engine_is_refused_with_the_nearest():
    with pytest.raises(OrderError, match=r"unknown engine 'ic4' \(did you mean ic3\?\)"):
        orders.engine_from_text("ic4")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OrderError, match="cannot keep certificates in"):
        orders.folder_from_text(str(tmp_path / "file" / "folder"), "certificates")


@pytest.mark.parametrize(("number", "said"), [(7, "7 B"), (2048, "2 KiB"), (5 << 30, "5 GiB")])
def test_memory_is_told_in_its_unit(number, said):
    assert said == orders.amount(number)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("ssh://host", "unknown executor 'ssh://host'; known: processes"),
        ("processes:0", "does not say how many"),
        ("processes:x", "does not say how many"),
        ("dask:host", "unknown executor"),
        ("dask://host", "names no host and port"),
        ("dask://host:port", "names no host and port"),
    ],
)
def test_an_executor_that_makes_no_sense_is_refused(text, refusal):
    with pytest.raises(ExecutorError, match=refusal), executor(text):
        pass


def test_a_cluster_that_does_not_answer_is_refused(monkeypatch):
    monkeypatch.setattr("mktme.executors.CONNECT_SECONDS", 0.2)
    refusal = "no Dask scheduler answers at 127.0.0.1:9"
    with pytest.raises(ExecutorError, match=refusal), executor("dask://127.0.0.1:9"):
        pass


def test_processes_run_what_they_are_given():
    with executor("processes:1") as pool:
        assert 5 == pool.submit(len, "abcde").result()
