"""Where a worker's tasks leave their results: Celery's own Redis backend, which in a batch gives them to the post.

What a result looks like, how long it is kept and who is told stay Celery's. A part of a
chord is stored at once, because Celery counts it in the same moment, and so is what has
errbacks, because they are sent in the next and may ask for it. Uses private parts of
Celery 5.7: each upgrade runs the acceptance tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.backends.redis import RedisBackend, SentinelBackend
from kombu.utils.encoding import bytes_to_str

from tasks.flow.connections import post
from tasks.flow.ledger.record import StoredResult

if TYPE_CHECKING:
    from celery import Celery

BACKENDS = {
    "redis": "workers.upstream.celery:PostingBackend",
    "rediss": "workers.upstream.celery:PostingBackend",
    "sentinel": "workers.upstream.celery:PostingSentinelBackend",
}


def install(app: Celery) -> None:
    """Make `app` keep its results through the post where one is open; to be called before its backend is made."""
    app.loader.override_backends = BACKENDS


class Posting:
    """What both backends add."""

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **kwargs: Any
    ) -> Any:
        backend: Any = self
        letters = post(backend.app)
        if not letters.is_open or (request is not None and (request.chord or request.errbacks)):
            return super()._store_result(task_id, result, state, traceback, request, **kwargs)  # type: ignore[misc]
        meta = backend._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        value = backend.encode({**meta, "task_id": task_id})
        key = bytes_to_str(backend.get_key_for_task(task_id))
        letters.store(task_id, StoredResult(key, value, int(backend.expires or 0)))
        return result


class PostingBackend(Posting, RedisBackend):
    """`redis://`, `rediss://` and `redis+socket://`."""


class PostingSentinelBackend(Posting, SentinelBackend):
    """`sentinel://`."""
