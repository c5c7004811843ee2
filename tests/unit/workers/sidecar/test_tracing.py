"""What each request comes to for the parent: its own result, also where Redis or pickle refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Reject
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tasks.errors import SlotlineError
from tasks.flow import attempts
from tests.unit.workers.child.rehearsals import call
from workers.sidecar import tracing
from workers.wire.call import TraceResult


class Buffer:
    """A write buffer that answers as a test says."""

    def __init__(self, answer: dict[str, Exception] | Exception | None = None) -> None:
        self.answer = answer or {}
        self.released: list[tuple[str, str]] = []

    def open(self) -> None:
        """Nothing is kept."""

    def release(self, artifact: str, tag: str) -> None:
        """Note it."""
        self.released.append((artifact, tag))

    def send(self) -> dict[str, Exception]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def app() -> Celery:
    return Celery("unused", set_as_current=False)


def traced_as(monkeypatch: pytest.MonkeyPatch, buffer: Buffer, *comes: TraceResult | BaseException) -> None:
    """Let Celery's tracer come to that, one call after the other."""
    coming = iter(comes)

    def trace(*_: Any) -> TraceResult:
        result = next(coming)
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(tracing, "trace", trace)
    monkeypatch.setattr(tracing, "write_buffer", lambda app: buffer)


def errors_of(results: Sequence[TraceResult]) -> list[Any]:
    return [getattr(value.exception, "exc", value.exception) if failed else None for failed, value, _ in results]


def test_what_one_request_raises_is_its_result_alone(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    away = RedisConnectionError("connection refused")
    traced_as(monkeypatch, Buffer(), (0, "fine", 0.5), away, Reject("set aside", requeue=False), (0, "fine", 0.5))
    results = tracing.trace_all(app, [call(text) for text in "abcd"])
    assert (results[0], results[3]) == ((0, "fine", 0.5), (0, "fine", 0.5))
    back, set_aside = errors_of(results)[1:3]
    assert (type(back), back.requeue) == (Reject, True)
    assert (type(set_aside), set_aside.requeue) == (Reject, False)


def test_what_the_model_took_before_is_part_of_each_requests_run(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    traced_as(monkeypatch, Buffer())
    before: list[float] = []

    def trace(*given: Any) -> TraceResult:
        before.append(given[-1])
        return 0, "fine", 0.5

    monkeypatch.setattr(tracing, "trace", trace)
    tracing.trace_all(app, [call(text) for text in "ab"], [2.0, 0.25])
    tracing.trace_all(app, [call("c")])
    assert before == [2.0, 0.25, 0.0]


def test_claims_are_released_with_what_is_written(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    buffer = Buffer()
    traced_as(monkeypatch, buffer, (0, "fine", 0.5))
    tracing.trace_all(app, [call("a")], claims=[("artifact", "tag")])
    assert buffer.released == [("artifact", "tag")]


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(3)])
def test_an_error_that_would_end_the_process_is_recorded_as_the_requests_failure(
    monkeypatch: pytest.MonkeyPatch, app: Celery, error: BaseException
) -> None:
    recorded: list[Exception] = []

    def record(app: Celery, task: str, headers: Any, error: Exception) -> str:
        recorded.append(error)
        return "recorded"

    traced_as(monkeypatch, Buffer(), error)
    monkeypatch.setattr(tracing, "record_failure", record)
    monkeypatch.setattr(tracing, "is_terminated", lambda: False)
    assert tracing.trace_all(app, [call("text")])[0][0] == 1
    assert [isinstance(one, SlotlineError) for one in recorded] == [True]


def test_the_end_of_the_process_itself_passes_through(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    traced_as(monkeypatch, Buffer(), SystemExit(0))
    monkeypatch.setattr(tracing, "is_terminated", lambda: True)
    with pytest.raises(SystemExit):
        tracing.trace_all(app, [call("text")])


def test_a_request_whose_write_is_refused_goes_back_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch, app: Celery
) -> None:
    traced_as(monkeypatch, Buffer({"two": ResponseError("OOM")}), (0, None, 0.1), (0, None, 0.1))
    one, two = errors_of(tracing.trace_all(app, [call("a", "one"), call("b", "two")]))
    assert one is None
    assert (type(two), two.requeue, str(two.reason)) == (Reject, True, "OOM")


@pytest.mark.parametrize(("error", "uncounted"), [(RedisConnectionError("away"), 0), (ResponseError("full"), 1)])
def test_all_go_back_where_nothing_can_be_written_and_only_who_answers_takes_attempts_back(
    monkeypatch: pytest.MonkeyPatch, app: Celery, error: Exception, uncounted: int
) -> None:
    asked: list[int] = []
    traced_as(monkeypatch, Buffer(error), (0, None, 0.1), (0, None, 0.1))
    monkeypatch.setattr(tracing, "REFUSED_PAUSE_S", 0)
    monkeypatch.setattr(tracing, "ledger", lambda app: None)
    monkeypatch.setattr(attempts, "uncount", lambda ledger, calls: asked.append(len(calls)))
    assert all(found.requeue for found in errors_of(tracing.trace_all(app, [call("a"), call("b")])))
    assert asked == [2] * uncounted


def test_a_result_that_cannot_be_pickled_crosses_in_words(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    class Unpicklable:
        def __reduce__(self) -> str:
            raise TypeError("no")

        def __repr__(self) -> str:
            return "a socket"

    traced_as(monkeypatch, Buffer(), (1, Unpicklable(), 0.5))
    (result,) = tracing.trace_all(app, [call("text")])
    assert (result[0], result[2]) == (1, 0.5)
    assert "a socket" in str(errors_of([result])[0])
