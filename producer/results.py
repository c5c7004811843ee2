"""Celery's stored results, read without Celery: a typed result, or the job's own error raised again."""

from __future__ import annotations

from typing import Any

from tasks import errors
from tasks.errors import JobCancelled, SlotlineError
from tasks.messages import Result
from tasks.messages.lookup import result_of

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


def of(job_id: str, meta: dict[str, Any]) -> Result:
    """The result in a final entry; raises the error it holds."""
    if meta["status"] == "SUCCESS":
        return result_of(meta["result"])
    if meta["status"] == "REVOKED":
        raise JobCancelled(f"job {job_id} was cancelled")
    raise error_of(meta.get("result"))


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
