"""Celery's request of a message that was reserved: it waits for no time any more, and expires by Redis' clock.

The reserve has kept the message in Redis until its eta came, by Redis' clock (`ms_of` in `tasks/redis/lua/delayed.lua`;
what that cannot read is refused, with the words of `fault_of_eta`). So Celery must not put it into its own timer, where
it would wait once more if this host's clock is behind, beyond the prefetch and out of others' reach. The task still
reads its eta in `self.request.eta`, and Flower shows it from the moment when the task begins. Messages that another
transport has delivered are left to Celery.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from celery.worker.request import Request
from celery.worker.state import revoked

from tasks.flow.ledger.queries import Queries

_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([T ](?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)(Z|[+-](?P<zone>[0-9]{2}(:?[0-9]{2})?))?)?"
)


class DueRequest(Request):
    """A request whose eta has come. Found by Celery through the attribute `Request` of its tasks."""

    def __init__(self, message: Any, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self._due: Any = None
        self._leases: Any = getattr(message.channel, "leases", None)
        # In Celery's first protocol the eta is inside the body, where the reserve does not see it.
        if self._leases is not None and isinstance(message.headers, dict) and message.headers.get("eta"):
            self._due = self.eta
            self._eta = None

    def send_event(self, type: str, **fields: Any) -> Any:
        """Send an event of this task, with its eta."""
        if self._due is not None:
            fields.setdefault("eta", self._due.isoformat())
        return super().send_event(type, **fields)

    def maybe_expire(self) -> Any:
        """Whether the request has expired, by Redis' clock; a job that has begun does not expire."""
        if self._leases is None:
            return super().maybe_expire()
        expires = self.expires
        now = datetime.fromtimestamp(self._leases.redis_time, UTC)
        if expires is None or now <= expires or self._has_begun():
            return False
        revoked.add(self.id)  # as Celery does it
        return True

    def _has_begun(self) -> bool:
        """Its message came again, because the worker that had opened the job died, or is sent again for its end."""
        record = Queries(self._leases.client).record(self.id)
        return record is not None and record.state in ("open", "finishing")


def fault_of_eta(eta: str) -> str | None:
    """Why the text is no time that slotline reads, in words; None when it is one. Without a zone it is UTC."""
    if (match := _TIME.fullmatch(eta)) and _is_in_range(match):
        return None
    return f"headers.eta: {eta[:40]!r} is no time such as 2026-01-31T12:00:00+07:00"


def _is_in_range(match: re.Match[str]) -> bool:
    hours, minutes = (match["zone"] or "00")[:2], (match["zone"] or "00")[2:].lstrip(":") or "00"
    try:
        datetime.fromisoformat(f"{match['date']}T{(match['time'] or '00:00')[:8]}")
    except ValueError:
        return False
    return int(hours) < 24 and int(minutes) < 60
