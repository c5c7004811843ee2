"""Celery's stored results, read without Celery: a typed result, or the job's own error raised again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from tasks import errors, keys
from tasks.errors import JobCancelled, SlotlineError
from tasks.messages import (
    BookResult,
    ChapterResult,
    MapResult,
    ParagraphResult,
    SummariesResult,
    SummaryResult,
    TextSummaryResult,
)

if TYPE_CHECKING:
    from redis import Redis

Spoken: TypeAlias = "ParagraphResult | ChapterResult | BookResult"
Summarised: TypeAlias = "SummaryResult | TextSummaryResult | SummariesResult"
Result: TypeAlias = "Spoken | Summarised | MapResult"

_SIGNS: tuple[tuple[str, type[Result]], ...] = (
    ("chapters", BookResult),
    ("summaries", SummariesResult),
    ("levels", TextSummaryResult),
    ("tokens_read", SummaryResult),
    ("total", MapResult),
    ("parts", ChapterResult),
    ("audio", ParagraphResult),
)
"""A field that only this result has, of those that come later."""

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


def stored(client: Redis, job_id: str) -> dict[str, Any] | None:
    """What Celery has stored under the job's id (`status`, `result`, …), or None."""
    raw: Any = client.get(keys.RESULT_PREFIX + job_id)
    found: dict[str, Any] | None = json.loads(raw) if raw else None
    return found


def of(job_id: str, meta: dict[str, Any]) -> Result:
    """The result in a final entry; raises the error it holds."""
    if meta["status"] == "SUCCESS":
        return typed(meta["result"])
    if meta["status"] == "REVOKED":
        raise JobCancelled(f"job {job_id} was cancelled")
    raise error_of(meta.get("result"))


def typed(fields: dict[str, Any]) -> Result:
    """A result's fields as the model they belong to."""
    kind = next(kind for sign, kind in _SIGNS if sign in fields)
    return kind.parse(fields)


def words_of(result: Result) -> str:
    """What was made, for a person: how long it is."""
    match result:
        case ParagraphResult() | ChapterResult() | BookResult():
            return f"{result.duration_s:.1f} s of audio"
        case SummaryResult() | TextSummaryResult():
            return f"a summary of {len(result.text):,} characters"
        case SummariesResult():
            return f"{len(result.summaries)} summaries"
        case MapResult():
            return f"{result.total} inputs"


def error_of(told: Any) -> SlotlineError:
    """The error that Celery stored: slotline's own class where it is one, else the base with its name."""
    if not isinstance(told, dict):
        return SlotlineError(str(told))
    said = told.get("exc_message")
    words = " ".join(map(str, said)) if isinstance(said, (list, tuple)) else str(said or "")
    name = str(told.get("exc_type") or "")
    if told.get("exc_module") == errors.__name__:
        return errors.named(name)(words)
    return SlotlineError(f"{name}: {words}" if words else name)
