"""The progress of a book's chapters, read from the ledger at each call.

Only reads; writes no file and draws nothing. Each chapter of a book is a job with the id
`<book>.<number>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from producer import results
from producer.connection import Connection
from tasks.flow.ledger.record import DONE, FAILED, SENT, Record

_ENDED = frozenset({DONE, FAILED})


@dataclass(frozen=True)
class BookStatus:
    """A book's job at one moment. `final` is Celery's stored result once it is final.

    `ended` are the chapters (from 1) that are done or failed; `open` has the records of those
    that are open. `is_known`: whether anything is recorded of the job.
    """

    final: dict[str, Any] | None
    ended: frozenset[int]
    open: Mapping[int, Record]
    is_known: bool


@dataclass(frozen=True)
class FailedPart:
    """A paragraph that failed for good (`part` None: the chapter as a whole), its first words and why."""

    part: int | None
    words: str
    reason: str


def chapter_id(book_id: str, part: int) -> str:
    """The job id of a book's chapter."""
    return f"{book_id}.{part}"


def book_status(connection: Connection, job_id: str) -> BookStatus:
    """The book as it is now; raises `BrokerUnavailable`."""
    queries = connection.ledger.queries
    with connection.speaking():
        # The result is read first: if it is final, the states that are read after it are complete.
        meta = queries.stored_result(job_id)
        final = meta if meta and meta["status"] in results.FINAL else None
        marks = queries.states(job_id)
        sent = [part for part, mark in enumerate(marks, 1) if mark == SENT]
        is_known = meta is not None or queries.exists(job_id)
        records = {part: queries.record(chapter_id(job_id, part)) for part in sent}
    under_way = {part: record for part, record in records.items() if record is not None and record.state != "sent"}
    ended = frozenset(part for part, mark in enumerate(marks, 1) if mark in _ENDED)
    return BookStatus(final, ended, under_way, is_known)


def failed_parts(connection: Connection, job_id: str, error: Mapping[str, Any]) -> list[FailedPart]:
    """The failed parts of a chapter that ended with `error`; the chapter as a whole if no part failed."""
    with connection.speaking():
        outcomes = connection.ledger.queries.outcomes(job_id)
        payloads = connection.ledger.queries.payloads(job_id)
    failed = [
        FailedPart(part, _words(payloads, part), _line(outcome["error"].get("message", "")))
        for part, outcome in sorted(outcomes.items())
        if "error" in outcome
    ]
    return failed or [FailedPart(None, "", _line(error.get("message", "")))]


def _words(payloads: list[str], part: int) -> str:
    """The first words of a part: its payload without the flag character."""
    text = payloads[part - 1][1:] if part <= len(payloads) else ""
    line = _line(text)
    return line if len(line) <= 40 else line[:39] + "…"


def _line(words: str) -> str:
    return " ".join(words.split())
