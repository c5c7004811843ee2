"""The sizes of a job's parts: kept as one string, from the opening to the job's end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.sizes import LARGEST, packed, size_of, unpacked
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING


def sizes(raw_redis: Any, job: str) -> list[int]:
    return list(unpacked(raw_redis.get(keys.sizes(job))))


def test_what_is_packed_is_read_again_and_bounded() -> None:
    assert list(unpacked(packed([0, 1, 258, LARGEST + 7, -3]))) == [0, 1, 258, LARGEST, 0]
    assert packed([258]) == b"\0\0\1\2"


def test_what_is_no_string_of_sizes_has_none() -> None:
    assert [list(unpacked(raw)) for raw in (None, b"", b"abc")] == [[], [], []]


def test_the_size_of_a_payload_is_that_of_its_text() -> None:
    assert (size_of("Pxin chào"), size_of("")) == (8, 0)


def test_an_opened_job_has_the_sizes_of_its_parts_and_an_extended_one_those_of_the_further_ones(
    ledger: Ledger, raw_redis: Any
) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["Pa", "Pbb"], sizes=[1, 2]))
    for part in (1, 2):
        ledger.transitions.settle("job", part, "done", {})
    assert ledger.transitions.extend("job", 2, ["2four"])
    assert sizes(raw_redis, "job") == [1, 2, 4]


def test_what_the_producer_has_told_stays_until_the_opening_knows_better(ledger: Ledger, raw_redis: Any) -> None:
    for job, known in (("book", None), ("chapter", [3, 4])):
        ledger.transitions.submit(job, "book", "", MODEL, "", FLOW, "{}", sizes=[700, 900])
        ledger.transitions.open(job, replace(OPENING, payloads=["C1", "C2"], sizes=known))
    assert sizes(raw_redis, "book") == [700, 900]
    assert sizes(raw_redis, "chapter") == [3, 4]


def test_sizes_end_with_their_job(ledger: Ledger, raw_redis: Any) -> None:
    jobs = ("done", "failed", "cancelled", "forgotten")
    for job in jobs:
        ledger.transitions.open(job, replace(OPENING, payloads=["Pa"], sizes=[1]))
    ledger.transitions.settle("done", 1, "done", {})
    ledger.transitions.settle("failed", 1, "failed", {})
    ledger.transitions.end("done", "chapter", "SUCCESS", {}, None)
    ledger.transitions.end("failed", "chapter", "FAILURE", None, {"message": "no"})
    ledger.transitions.cancel("cancelled")
    ledger.transitions.forget("forgotten")
    assert [job for job in jobs if raw_redis.exists(keys.sizes(job))] == ["failed"]
    assert raw_redis.pttl(keys.sizes("failed")) > 0
    ledger.transitions.reopen("failed", [1])
    assert raw_redis.pttl(keys.sizes("failed")) == -1
