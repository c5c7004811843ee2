"""How far a book is, from a ledger that is filled by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from producer.connection import Connection
from producer.reading.status import FailedPart, book_status, chapter_id, failed_parts
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING

BOOK = "book"
ERROR = {"error": {"type": "ModelError", "message": "it\n broke"}}


@pytest.fixture
def connection(broker: str) -> Connection:
    return Connection(broker)


def open_job(connection: Connection, job_id: str, payloads: list[str]) -> None:
    connection.ledger.transitions.open(job_id, replace(OPENING, payloads=payloads, width=len(payloads)))


def test_nothing_is_known_of_a_book_before_it_is_opened(connection: Connection) -> None:
    status = book_status(connection, BOOK)
    assert (status.final, status.ended, status.open) == (None, frozenset(), {})


def test_its_chapters_are_waiting_open_or_ended(connection: Connection) -> None:
    open_job(connection, BOOK, ["P1", "P2", "P3"])
    open_job(connection, chapter_id(BOOK, 2), ["PHello.", "PGood bye."])
    connection.ledger.transitions.settle(BOOK, 1, "done", {})
    connection.ledger.transitions.settle(BOOK, 3, "failed", ERROR)
    status = book_status(connection, BOOK)
    assert status.ended == {1, 3}
    assert {part: record.total for part, record in status.open.items()} == {2: 2}
    assert status.final is None


def test_celerys_result_is_final_only_when_the_job_has_ended(connection: Connection, raw_redis: Any) -> None:
    open_job(connection, BOOK, ["P1"])
    assert book_status(connection, BOOK).final is None
    raw_redis.set(keys.RESULT_PREFIX + BOOK, json.dumps({"status": "FAILURE", "result": None}))
    assert book_status(connection, BOOK).final == {"status": "FAILURE", "result": None}


def test_failed_paragraphs_are_named_by_their_first_words(connection: Connection) -> None:
    long = "This one is much longer than what a line about it can hold."
    open_job(connection, BOOK, ["PFine.", f"P{long}"])
    connection.ledger.transitions.settle(BOOK, 1, "done", {})
    connection.ledger.transitions.settle(BOOK, 2, "failed", ERROR)
    assert failed_parts(connection, BOOK, {"message": "x"}) == [FailedPart(2, long[:39] + "…", "it broke")]


def test_a_chapter_that_failed_as_a_whole_is_named_as_one(connection: Connection) -> None:
    assert failed_parts(connection, BOOK, {"message": "no such voice"}) == [FailedPart(None, "", "no such voice")]
