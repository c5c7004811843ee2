"""Celery's private parts: its consumer, its lists of requests, its tracer, its results, and the end of a worker.

Each function does one thing with them and decides nothing. What a result looks like, how
long it is kept and who hears of it stay Celery's.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import states
from celery.app.task import Context
from celery.backends.redis import RedisBackend, SentinelBackend
from celery.worker import state
from celery.worker.consumer import Consumer
from celery.worker.control import Panel
from celery.worker.request import Request
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import ResponseError

from tasks.flow.connections import ledger, write_buffer
from tasks.flow.ledger.record import StoredResult
from tasks.redis.refusals import refusal, words
from tasks.settings import settings
from workers.upstream.redis_sockets import hang_up, noted

if TYPE_CHECKING:
    from celery import Celery
    from redis import Redis

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 3.0

BACKENDS = {
    "redis": "workers.upstream.celery:BufferedBackend",
    "rediss": "workers.upstream.celery:BufferedBackend",
    "sentinel": "workers.upstream.celery:BufferedSentinelBackend",
}


class ReconnectingConsumer(Consumer):
    """Celery's consumer, which tries to reconnect to a lost broker every few seconds, without limit.

    Celery itself waits two seconds longer after every try, at most 30 s, and gives up after a hundred tries.
    """

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, without a time limit; a stop signal ends it."""
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=FIRST_PAUSE_S,
            interval_step=FIRST_PAUSE_S,
            interval_max=LONGEST_PAUSE_S,
        )
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """First hang up: what else is connected may be as dead, and would cost a time limit each in what follows.

        Celery logs the error's class. A refusal is named too, and would come again at once without a pause.
        """
        hang_up()
        super().on_connection_error_after_connected(exc)
        if refusal(exc):
            logger.error("%s", words(exc))
            time.sleep(LONGEST_PAUSE_S)


def reconnect_for_ever(app: Celery) -> None:
    """Let the workers of `app` try to reconnect to a lost broker without limit."""
    app.conf.update(worker_consumer="workers.upstream.celery:ReconnectingConsumer", broker_connection_max_retries=None)


class Buffered:
    """Shared by both result backends: if a batch's write buffer is open, results are written to it.

    The result of a chord's header task is stored at once, because Celery counts it at the same time. So is a result
    with errbacks, because they are sent next and may read it. Either way one script of the ledger stores it, in one
    step: a SUCCESS and a REVOKED stay. Its connections are noted, and the kernel watches them like all others.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        backend: Any = self
        over_tcp = {} if "path" in backend.connparams else settings().redis_options.tcp()
        backend.connparams = noted({**backend.connparams, **over_tcp})

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **kwargs: Any
    ) -> Any:
        backend: Any = self
        buffer = write_buffer(backend.app)
        meta = backend._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        value = backend.encode({**meta, "task_id": bytes_to_str(task_id)})
        key = bytes_to_str(backend.get_key_for_task(task_id))
        keep_s = backend.failure_expires if state == states.FAILURE else backend.expires
        if buffer.is_open and not (request is not None and (request.chord or request.errbacks)):
            buffer.store(task_id, StoredResult(key, value, int(keep_s or 0)))
        else:
            backend.set(key, value, keep_s)  # Celery's: it calls `_set`, and again where the connection was lost
        return result

    def _set(self, key: str | bytes, value: Any, expires: float | None = None) -> None:
        """Write and publish a value as Celery does, but leave a SUCCESS and a REVOKED as they are."""
        backend: Any = self
        keep_s = backend.expires if expires is None else expires
        result = StoredResult(bytes_to_str(key), value, int(keep_s or 0))
        (answer,) = ledger(backend.app).transitions.store_all([result])
        if isinstance(answer, ResponseError):
            raise answer


class BufferedBackend(Buffered, RedisBackend):
    """`redis://`, `rediss://` and `redis+socket://`."""


class BufferedSentinelBackend(Buffered, SentinelBackend):
    """`sentinel://`."""


def buffer_results(app: Celery) -> None:
    """Let `app` write results to the write buffer while it is open; must be called before its backend is made."""
    app.loader.override_backends = BACKENDS


def unshared_client(app: Celery) -> Redis:
    """A new client of the result database, which shares no connection and no lock with a forked process."""
    client: Redis = app._get_backend().client
    return client


def context_of(callback: Any) -> Context | None:
    """The context of the request behind a pool's callback: what its task would find in `self.request`."""
    request = getattr(callback, "__self__", None)
    return request._context if isinstance(request, Request) else None


def mark_done(callback: Any, result: Any) -> None:
    """Store the result of the request behind a pool's callback as Celery does after its task, chords counted."""
    request = getattr(callback, "__self__", None)
    if isinstance(request, Request):
        request.task.backend.mark_as_done(request.id, result, request=request._context)


def store_though_ignored(callback: Any, error: Exception) -> None:
    """Store this failure if the sender of the request behind a pool's callback ignores the result."""
    request = getattr(callback, "__self__", None)
    if isinstance(request, Request) and request.ignore_result:
        request.task.backend.store_result(request.id, error, states.FAILURE)


def keep_until_done(task: Any) -> None:
    """Have this task's messages acknowledged after its run, and given back when its process dies."""
    task.acks_late = task.reject_on_worker_lost = task.acks_on_failure = task.acks_on_timeout = True
    task.retry_on_worker_lost = False


def forget_revoked(task_id: str) -> None:
    """Forget that this worker has heard of a revocation of this id."""
    state.revoked.discard(task_id)


def existing_requests(consumer: Any) -> list[Any]:
    """Every request that still exists in this worker: running, waiting, scheduled, or held by a rate limit."""
    limited = limited_requests(consumer)
    return [*state.active_requests, *state.reserved_requests, *state.scheduled_requests, *limited]


def limited_requests(consumer: Any) -> list[Any]:
    """The requests that a rate limit of their task holds back in this worker."""
    return [request for bucket in consumer.task_buckets.values() if bucket for request, _ in bucket.contents]


def begun_count() -> int:
    """The number of tasks that this worker has begun since its start."""
    return sum(state.total_count.values())


def has_reserved() -> bool:
    """Whether a request of this worker waits or runs."""
    return bool(state.reserved_requests)


def has_active() -> bool:
    """Whether a request of this worker runs."""
    return bool(state.active_requests)


def check_revoked(accept_callback: Any) -> bool:
    """Whether the request behind a pool's callback was revoked or has expired; Celery then records and acknowledges it.

    Raises the result backend's errors when that cannot be recorded.
    """
    request = getattr(accept_callback, "__self__", None)
    return isinstance(request, Request) and bool(request.revoked())


def is_recorded_as_revoked(accept_callback: Any) -> bool:
    """Whether Celery has recorded and acknowledged the request as revoked; this can happen while it runs."""
    return bool(getattr(getattr(accept_callback, "__self__", None), "_already_revoked", False))


def stop_worker(status: int) -> None:
    """Let this worker stop as after SIGTERM, with this exit status; Celery's loop checks it in its next turn."""
    state.should_stop = status


def is_stopping() -> bool:
    """Whether this worker was asked to stop."""
    return state.should_stop is not None and state.should_stop is not False


def is_cold_shutdown() -> bool:
    """Whether this worker was asked to stop without waiting for running requests (SIGQUIT)."""
    return state.should_terminate is not None and state.should_terminate is not False


def exit_status() -> int:
    """The exit status of a worker that was asked to stop; 0 by default."""
    return int(state.should_stop or 0)


def gather_events(consumer: Any, at_most: int, on_gathered: Callable[[], None]) -> None:
    """Let the consumer's new event dispatcher gather task events; after `at_most` events it sends them by itself.

    `on_gathered` is called after each, and has to call `send_events` in time.
    """
    consumer.event_dispatcher.buffer_limit = at_most
    consumer.event_dispatcher.on_send_buffered = on_gathered


def send_events(consumer: Any) -> None:
    """Send the gathered task events; if this fails, Celery keeps them for the next connection."""
    consumer._flush_events()


def stop_gathering_events(consumer: Any) -> None:
    """Send the gathered events; later ones are sent in the loop's next turn, as Celery does it."""
    if consumer.event_dispatcher is not None:
        consumer.event_dispatcher.on_send_buffered = consumer.on_send_event_buffered
        send_events(consumer)


def refuse_through(consumer: Any, refuse: Callable[[Any, str], None]) -> None:
    """Call `refuse(message, why)` for each message that Celery's consumer would drop. Before its loop begins."""
    consumer.on_unknown_message = lambda body, message: refuse(message, "no task's message")
    consumer.on_unknown_task = lambda body, message, exc: refuse(message, f"task: no task is called {exc}")
    consumer.on_invalid_task = lambda body, message, exc: refuse(message, f"not a Celery message: {exc}")
    consumer.on_decode_error = lambda message, exc: refuse(message, f"body: cannot be read: {exc}")
    # Kombu has Celery's own callback, which it calls for messages that it cannot decompress.
    consumer.task_consumer.on_decode_error = consumer.on_decode_error


def guard_tasks(consumer: Any, guard: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace each task's `receive(message, body, …)` by `guard(receive)`. Before the consumer's loop begins."""
    for name, receive in consumer.strategies.items():
        consumer.strategies[name] = guard(receive)


def wrap_command(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a remote control command of Celery by `wrap(command)`; may be called twice."""
    command = Panel.data[name]
    if not hasattr(command, "__wrapped__"):
        Panel.data[name] = wrap(command)
