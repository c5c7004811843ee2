"""What is said of a failure in the ledger, and whether the job may be tried again as a whole. Pure."""

from __future__ import annotations

from typing import Any

from tasks.errors import InvalidInput, JobCancelled, PartsFailed, SlotlineError, TimeoutOver


def error_fields(error: BaseException) -> dict[str, Any]:
    """The error as the ledger keeps it."""
    return {"type": type(error).__name__, "message": str(error)}


def may_be_tried_again(error: SlotlineError) -> bool:
    """Whether the same job may succeed later as a whole; one whose parts failed is tried again by its parts."""
    return not isinstance(error, (InvalidInput, PartsFailed, JobCancelled, TimeoutOver))
