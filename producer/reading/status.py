"""How far a job is, chapter by chapter: one look into the ledger at a time.

Reads only; writes no file and draws nothing. A book's chapters are jobs of their own,
named `<book>.<number>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from producer import results
from producer.client import Client
from tasks.flow.ledger.record import DONE, FAILED, SENT, Record

_ENDED_WELL_OR_NOT = frozenset({DONE, FAILED})


@dataclass(frozen=True)
class Look:
    """A job at one moment. `final` is Celery's stored result once it is final.

    `ended` are the parts (from 1) that are done or failed; `open` the records of a book's
    chapters that are under way.
    """

    record: Record | None
    final: dict[str, Any] | None
    ended: frozenset[int]
    open: Mapping[int, Record]


@dataclass(frozen=True)
class FailedPart:
    """A paragraph that failed for good (`part` None: the chapter as a whole), its first words and why."""

    part: int | None
    words: str
    reason: str


def chapter_id(book_id: str, part: int) -> str:
    """The job id of a book's chapter."""
    return f"{book_id}.{part}"


def look(client: Client, job_id: str) -> Look:
    """The job as it is now; raises `BrokerUnavailable`."""
    with client.connection.speaking():
        # The result first: what is final when the marks are read cannot miss a mark.
        meta = client.ledger.queries.stored_result(job_id)
        final = meta if meta and meta["status"] in results.FINAL else None
        record = client.ledger.queries.record(job_id)
        marks = client.ledger.queries.states(job_id) if record else ""
        under_way = {}
        if record and record.kind == "book":
            sent = [part for part, mark in enumerate(marks, 1) if mark == SENT]
            found = {part: client.ledger.queries.record(chapter_id(job_id, part)) for part in sent}
            under_way = {part: one for part, one in found.items() if one is not None and one.state != "sent"}
    ended = frozenset(part for part, mark in enumerate(marks, 1) if mark in _ENDED_WELL_OR_NOT)
    return Look(record, final, ended, under_way)


def failures(client: Client, job_id: str, error: Mapping[str, Any]) -> list[FailedPart]:
    """The failed parts of a chapter that ended with `error`; the chapter itself where no part is to blame."""
    with client.connection.speaking():
        outcomes = client.ledger.queries.outcomes(job_id)
        payloads = client.ledger.queries.payloads(job_id)
    failed = [
        FailedPart(part, _words(payloads, part), _line(outcome["error"].get("message", "")))
        for part, outcome in sorted(outcomes.items())
        if "error" in outcome
    ]
    return failed or [FailedPart(None, "", _line(error.get("message", "")))]


def _words(payloads: list[str], part: int) -> str:
    """The first words of a part: its payload without the flag character."""
    text = payloads[part - 1][1:] if part <= len(payloads) else ""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


def _line(words: str) -> str:
    return " ".join(words.split())
