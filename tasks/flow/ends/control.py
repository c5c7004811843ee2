"""Celery's remote control of this application: a revocation is in Redis before any worker is asked.

Celery keeps revoked ids in the memory of the workers that hear of them: a worker that starts later, or starts again,
would run the task. Here the ledger has them (`tasks/flow/cancel.py`), for tasks without a job too. Other Celery
applications have Celery's own control; then a worker that hears the revocation records it (`workers/duties/cancel.py`).
"""

from __future__ import annotations

from typing import Any

from celery.app.control import Control
from celery.utils.functional import maybe_list

from tasks.errors import InvalidInput
from tasks.flow.cancel import broadcast, cancel
from tasks.flow.connections import ledger
from tasks.redis import task_id as task_ids


class LedgerControl(Control):
    """`app.control`; `AsyncResult.revoke`, `celery control revoke` and Flower's button use it too."""

    def revoke(self, task_id: Any, *args: Any, **kwargs: Any) -> Any:
        """Cancel each id in the ledger, then revoke as Celery does.

        Raises `InvalidInput` for what is no id, and redis-py's errors; then no worker was asked.
        """
        ids = list(maybe_list(task_id) or [])
        for one in ids:
            task_ids.check(one)
        for one in ids:
            cancel(ledger(self.app), one, broadcast(self.app), even_unknown=True)
        return super().revoke(task_id, *args, **kwargs)

    def revoke_by_stamped_headers(self, *args: Any, **kwargs: Any) -> Any:
        """Refused, as every worker refuses it."""
        raise InvalidInput("headers: a stamp is known to no ledger; revoke by id")
