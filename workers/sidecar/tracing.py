"""Celery's part of a batch, inside a slot's sidecar: traces each request after the model has run.

So results, events, callbacks, links and chords are Celery's own. Knows nothing of the model. Guarantee: an error of
one request is that request's result, and reaches the parent; only the end of the process is raised further.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from celery.exceptions import Reject
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.errors import SlotlineError
from tasks.flow import attempts
from tasks.flow.connections import ledger, write_buffer
from tasks.flow.outcomes import as_slotline_error
from tasks.redis.refusals import words
from workers.upstream.billiard import exception_info, is_terminated
from workers.upstream.tracer import record_failure, trace

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.call import Call, TraceResult

logger = logging.getLogger(__name__)

BROKER_AWAY = (RedisConnectionError, RedisTimeoutError, OperationalError)
BROKER_REFUSES = (*BROKER_AWAY, ResponseError)
"""Redis is unreachable, or refuses every write: it is full, a replica, or cannot write to its disk."""

REFUSED_PAUSE_S = 1.0
"""Pause before messages are given back to a server that refuses writes; otherwise they would come again at once."""


def trace_all(
    app: Celery, calls: Sequence[Call], took_s: Sequence[float] = (), claims: Iterable[tuple[str, str]] = ()
) -> list[TraceResult]:
    """Trace each request as Celery's pool does; one result per call, in order.

    `took_s` are the seconds that each took before (none: it begins now); they count as part of its runtime. The
    requests' writes are sent together at the end, and after them the releases of `claims`, by artifact and delivery
    tag. If the write of a request fails, its message is given back.
    """
    buffer = write_buffer(app)
    buffer.open()
    for artifact, tag in claims:
        buffer.release(artifact, tag)
    results = [_traced(app, call, before_s) for call, before_s in zip(calls, took_s or [0.0] * len(calls), strict=True)]
    try:
        refused = buffer.send()
    except BROKER_REFUSES as exc:
        logger.warning(
            "the results of %d messages could not be written, so they are given back: %s", len(calls), words(exc)
        )
        return give_back_all(app, calls, exc)
    for index, call in enumerate(calls):
        if (error := refused.get(call.task_id)) is not None:
            logger.error("%s[%s] is given back, Redis refused its result: %s", call.task, call.task_id, error)
            results[index] = _given_back(str(error))
    return [_portable(result) for result in results]


def give_back_all(app: Celery, calls: Sequence[Call], error: Exception) -> list[TraceResult]:
    """Results that give each message back to its queue, after one of `BROKER_REFUSES`.

    If Redis answers, but refuses, the attempts are not counted; if it is unreachable, they stay counted.
    """
    if isinstance(error, ResponseError):
        attempts.uncount(ledger(app), calls)
        time.sleep(REFUSED_PAUSE_S)
    return [_given_back(str(error)) for _ in calls]


def _traced(app: Celery, call: Call, before_s: float) -> TraceResult:
    """Trace one request as Celery's pool does; raises only at the end of the process."""
    try:
        message = call.headers, call.body, call.content_type, call.content_encoding
        failed, value, took_s = trace(call.task, call.task_id, *message, before_s)
        return failed, value, before_s if took_s is None else took_s  # Celery says it of a success only
    except Reject as reject:
        return 1, exception_info(reject), 0.0
    except BROKER_AWAY as exc:
        logger.warning("Redis is unreachable; %s[%s] is given back: %s", call.task, call.task_id, exc)
        return _given_back(str(exc))
    except BaseException as exc:  # MemoryError or SystemExit would end the parent or lose the other results
        if is_terminated():
            raise
        return _failed(app, call, as_slotline_error(exc))


def _failed(app: Celery, call: Call, error: SlotlineError) -> TraceResult:
    """Store and report a failure that Celery's tracer raised, as it does with other failures."""
    return 1, record_failure(app, call.task, call.headers, error), 0.0


def _given_back(reason: str) -> TraceResult:
    return 1, exception_info(Reject(reason, requeue=True)), 0.0


def _portable(result: TraceResult) -> TraceResult:
    """The result; if it cannot be pickled, its text, because otherwise the parent would lose the whole batch."""
    failed, value, runtime = result
    if not failed:
        return result
    try:
        pickle.dumps(value)
    except Exception:  # pickling an unknown exception may raise anything
        return 1, exception_info(as_slotline_error(RuntimeError(repr(value)))), runtime
    return result
