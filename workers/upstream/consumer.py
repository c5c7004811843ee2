"""Celery's consumer, but that it looks for a lost broker every few seconds for ever.

Stock Celery waits two seconds longer after every try, up to 30, and gives up after a
hundred. Decides nothing else.
"""

from __future__ import annotations

import functools
from typing import Any

from celery.worker.consumer import Consumer

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 3.0


class RejoiningConsumer(Consumer):
    """Named by `worker_consumer`; `broker_connection_max_retries` is None beside it."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long it takes; a signal to stop ends it."""
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=FIRST_PAUSE_S,
            interval_step=FIRST_PAUSE_S,
            interval_max=LONGEST_PAUSE_S,
        )
        return super().ensure_connected(conn)
