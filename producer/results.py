"""Celery's stored results, read without Celery: a typed result, or the job's own error raised again."""

from __future__ import annotations

from typing import Any

from tasks import errors
from tasks.errors import JobCancelled, SlotlineError
from tasks.messages import Result
from tasks.messages.lookup import result_of

NOT_RECORDED = "job {} is no longer recorded: its Redis was emptied or replaced"

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


def of(job_id: str, meta: dict[str, Any]) -> Result:
    """The result in a final entry; raises the error in it."""
    if meta["status"] == "SUCCESS":
        return result_of(meta["result"])
    if meta["status"] == "REVOKED":
        raise JobCancelled(f"job {job_id} was cancelled")
    raise error_of(meta.get("result"))


def error_of(stored: Any) -> SlotlineError:
    """The stored error: slotline's own class if it is one, else the base class with the error's name."""
    if not isinstance(stored, dict):
        return SlotlineError(str(stored))
    message = stored.get("exc_message")
    words = " ".join(map(str, message)) if isinstance(message, (list, tuple)) else str(message or "")
    name = str(stored.get("exc_type") or "")
    if stored.get("exc_module") == errors.__name__:
        return errors.named(name)(words)
    return SlotlineError(f"{name}: {words}" if words else name)
