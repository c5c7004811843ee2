"""A batch's results reach Celery's clients as ever, though they were written together."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, chord, group
from celery.app.task import Context
from celery.concurrency.base import BasePool
from celery.exceptions import WorkerShutdown
from celery.worker import request as celery_request
from celery.worker import state
from celery.worker.consumer import Consumer
from celery.worker.control import Panel, revoke
from celery.worker.request import create_request_cls
from kombu.message import Message
from kombu.utils.json import dumps
from kombu.utils.limits import TokenBucket
from redis import Redis
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from tasks.flow.connections import ledger, write_buffer
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker
from workers.upstream import celery as upstream
from workers.upstream.celery import (
    ReconnectingConsumer,
    begun_count,
    buffer_results,
    check_revoked,
    context_of,
    existing_requests,
    exit_status,
    has_active,
    has_reserved,
    is_cold_shutdown,
    is_recorded_as_revoked,
    is_stopping,
    keep_until_done,
    mark_done,
    stop_worker,
    store_though_ignored,
    wrap_command,
)
from workers.wire.call import Call

LIMIT_S = 30


def test_each_of_a_batch_has_its_own_result_and_its_own_failure(
    broker: str, catalog_file: Path, start_worker: StartWorker, client: Celery
) -> None:
    texts = ["one", "two", "⚡error", "four", "five", "one"]
    sent = [
        client.send_task("speech.paragraph", kwargs={"text": text, "model": "four"}, queue="four") for text in texts
    ]
    start_worker("--model", "four")
    results = [one.get(timeout=LIMIT_S, propagate=False) for one in sent]
    states = [one.state for one in sent]
    assert states == ["FAILURE" if "⚡" in text else "SUCCESS" for text in texts], results
    assert results[0]["audio"]["artifact"] == results[-1]["audio"]["artifact"]


def test_a_chord_of_parts_that_ran_as_one_batch_is_completed(
    broker: str,
    catalog_file: Path,
    start_worker: StartWorker,
    client: Celery,
) -> None:
    def said(text: str) -> object:
        return client.signature("speech.paragraph", kwargs={"text": text, "model": "four"}, queue="four")

    last = client.signature(
        "speech.paragraph", kwargs={"text": "the end", "model": "four"}, queue="four", immutable=True
    )
    done = chord(group(said(f"number {n}") for n in range(4)), app=client)(last)
    start_worker("--model", "four")
    assert done.get(timeout=LIMIT_S)["audio"]


@pytest.mark.parametrize("waited_for", ["chord", "errbacks"])
def test_what_celery_goes_on_from_at_once_is_stored_at_once(broker: str, redis_client: Redis, waited_for: str) -> None:
    with Celery("slot", broker=broker, backend=broker, set_as_current=False) as app:
        buffer_results(app)
        buffer = write_buffer(app)
        buffer.open()
        app.backend.store_result("alone", {}, "SUCCESS", request=Context())
        app.backend.store_result("waited-for", ValueError("no"), "FAILURE", request=Context({waited_for: [{}]}))
        assert redis_client.keys(keys.RESULT_PREFIX + "*") == [keys.RESULT_PREFIX + "waited-for"]
        assert buffer.send() == {}
        assert redis_client.exists(keys.RESULT_PREFIX + "alone")
        app.backend.client.close()


@pytest.mark.parametrize("followed_by", [{}, {"chord": {"task": "a", "options": {}}}, {"errbacks": [{}]}], ids=str)
@pytest.mark.parametrize("is_batch", [True, False])
def test_no_result_is_stored_over_a_revocation(
    broker: str, redis_client: Redis, followed_by: dict[str, Any], is_batch: bool
) -> None:
    with Celery("slot", broker=broker, backend=broker, set_as_current=False) as app:
        buffer_results(app)
        buffer = write_buffer(app)
        if is_batch:
            buffer.open()
        ledger(app).transitions.cancel("revoked", even_unknown=True)
        for result, state in (({}, "SUCCESS"), (ValueError("no"), "FAILURE")):
            app.backend.store_result("revoked", result, state, request=Context(followed_by))
        buffer.send()
        assert json.loads(str(redis_client.get(keys.RESULT_PREFIX + "revoked")))["status"] == "REVOKED"
        app.backend.client.close()


@pytest.mark.parametrize("followed_by", [{}, {"chord": {"task": "a", "options": {}}}, {"errbacks": [{}]}], ids=str)
@pytest.mark.parametrize("before", [1, 2, 3])
def test_a_revocation_that_comes_while_a_result_is_stored_is_not_covered_by_it(
    broker: str, raw_redis: Any, followed_by: dict[str, Any], before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revocation comes right before the command of this number that storing sends."""
    sent: list[Any] = []
    revoked: list[bool] = []
    send: Any = Connection.send_packed_command

    def revoking_send(connection: Any, *args: Any, **kwargs: Any) -> None:
        sent.append(args)
        if len(sent) == before:
            monkeypatch.setattr(Connection, "send_packed_command", send)
            revoked.append(bool(Ledger(raw_redis).transitions.cancel("late", even_unknown=True).ids))
            monkeypatch.setattr(Connection, "send_packed_command", revoking_send)
        send(connection, *args, **kwargs)

    with Celery("slot", broker=broker, backend=broker, set_as_current=False) as app:
        buffer_results(app)
        app.backend.store_result("earlier", {}, "SUCCESS")  # the connection is open, and the script known
        monkeypatch.setattr(Connection, "send_packed_command", revoking_send)
        app.backend.store_result("late", {}, "SUCCESS", request=Context(followed_by))
        monkeypatch.setattr(Connection, "send_packed_command", send)
        app.backend.client.close()
    stored = json.loads(raw_redis.get(keys.RESULT_PREFIX + "late"))
    assert (stored["status"] == "REVOKED") == (revoked == [True])
    assert len(sent) == 1, "one round trip"


@pytest.mark.parametrize("is_batch", [True, False])
def test_results_are_kept_published_and_not_replaced_after_a_success_as_by_celery(
    broker: str, raw_redis: Any, is_batch: bool, wait_until: WaitUntil
) -> None:
    heard: list[Any] = []

    def hears() -> bool:
        heard.extend(filter(None, [listener.get_message()]))
        return bool(heard)

    with Celery("slot", broker=broker, backend=broker, set_as_current=False) as app:
        listener: Any = raw_redis.pubsub()
        listener.subscribe(keys.RESULT_PREFIX + "made")
        wait_until(lambda: listener.get_message(), what="the subscription")
        app.conf.update(result_expires=1000, result_failure_expires=50)
        buffer_results(app)
        buffer = write_buffer(app)
        for task_id, result, status in (
            ("made", {"half": "\ud800"}, "SUCCESS"),
            ("made", ValueError("late"), "FAILURE"),
            ("failed", ValueError("no"), "FAILURE"),
        ):
            if is_batch:
                buffer.open()
            app.backend.store_result(task_id, result, status)
            buffer.send()
        app.backend.client.close()
        wait_until(hears, what="the published result")
    stored = raw_redis.get(keys.RESULT_PREFIX + "made")
    assert (json.loads(stored)["status"], heard[-1]["data"]) == ("SUCCESS", stored)
    assert [raw_redis.ttl(keys.RESULT_PREFIX + one) > 50 for one in ("made", "failed")] == [True, False]


class Capturing(BasePool):
    """A pool of Celery's own base that keeps what a request hands over."""

    def on_apply(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options


def note(a: int) -> int:
    """A task's body."""
    return a


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    """An app with a task of a name that no other test uses."""
    with Celery("upstream", broker=broker, backend=broker, set_as_current=False) as one:
        one.task(name="upstream.note", acks_late=True, shared=False)(note)
        yield one
        one.backend.client.close()


@pytest.fixture
def request_of(app: Celery) -> Callable[[str], Any]:
    """`request_of(id)`: Celery's request for a message that a producer sent, and the pool that it would run in."""
    pool = Capturing(app=app)
    task = app.tasks["upstream.note"]
    make = create_request_cls(celery_request.Request, task, pool, "host", None, app=app)

    def of(task_id: str) -> Any:
        body, headers = dumps([[], {"a": 1}, {}]), {"task": task.name, "id": task_id}
        message = Message(body, content_type="application/json", content_encoding="utf-8", headers=headers)
        message.delivery_info, message.properties = {}, {"delivery_tag": "tag"}
        request = make(message, app=app, task=task, hostname="host", headers=headers, decoded=False, body=body)
        request.pool = pool
        return request

    return of


def test_a_request_hands_the_pool_what_a_call_is_made_of(request_of: Callable[[str], Any]) -> None:
    request = request_of("one")
    request.execute_using_pool(request.pool)
    _, args, _ = request.pool.args
    call = Call(*args)
    assert (call.task, call.task_id, call.kwargs(), call.delivery_tag) == ("upstream.note", "one", {"a": 1}, "tag")
    assert (call.content_type, call.content_encoding) == ("application/json", "utf-8")
    assert {"callback", "error_callback", "accept_callback", "timeout"} <= request.pool.options.keys()


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # by Celery
def test_a_request_that_was_revoked_is_known_by_its_callback(request_of: Callable[[str], Any]) -> None:
    request = request_of("two")
    assert not check_revoked(request.on_accepted)
    state.revoked.add("two")
    try:
        assert not is_recorded_as_revoked(request.on_accepted)
        assert check_revoked(request.on_accepted)
        assert is_recorded_as_revoked(request.on_accepted)
    finally:
        state.revoked.discard("two")
    assert not check_revoked(print)


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # by Celery
def test_a_result_that_its_sender_ignores_can_be_stored_all_the_same(
    request_of: Callable[[str], Any], redis_client: Redis
) -> None:
    ignored, wanted = request_of("ignored"), request_of("wanted")
    ignored._ignore_result = True
    for request in (ignored, wanted):
        store_though_ignored(request.on_success, ValueError("no"))
    stored = redis_client.get(keys.RESULT_PREFIX + "ignored")
    assert '"FAILURE"' in str(stored)
    assert not redis_client.exists(keys.RESULT_PREFIX + "wanted"), "Celery stores this one"
    mark_done(wanted.on_success, {"made": 1})
    assert '"SUCCESS"' in str(redis_client.get(keys.RESULT_PREFIX + "wanted"))


def test_a_request_gives_what_its_task_would_find_in_its_own_request(request_of: Callable[[str], Any]) -> None:
    context = context_of(request_of("three").on_success)
    assert context is not None
    assert (context.id, context.task, context.kwargs) == ("three", "upstream.note", {"a": 1})
    assert context_of(print) is None


def test_a_job_s_message_is_kept_until_its_step_is_done_whatever_its_task_says(app: Celery) -> None:
    task = app.task(name="upstream.hasty", acks_late=False, reject_on_worker_lost=False, shared=False)(note)
    keep_until_done(task)
    assert (task.acks_late, task.reject_on_worker_lost, task.retry_on_worker_lost) == (True, True, False)


def test_a_request_exists_while_one_of_celerys_lists_has_it(request_of: Callable[[str], Any]) -> None:
    running, scheduled, limited = request_of("a"), request_of("b"), request_of("c")
    bucket = TokenBucket(1)
    bucket.add((limited, 1))
    consumer = SimpleNamespace(task_buckets={"upstream.note": bucket, "other": None})
    state.task_reserved(running)
    state.task_accepted(running)
    state.task_scheduled(scheduled)
    try:
        assert {one.task_id for one in existing_requests(consumer)} == {"a", "b", "c"}
        assert (has_reserved(), has_active(), begun_count()) == (True, True, 1)
    finally:
        state.reset_state()
    assert (has_reserved(), has_active(), begun_count()) == (False, False, 0)


def test_a_worker_that_was_asked_to_stop_ends_with_the_status_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "should_stop", None)
    monkeypatch.setattr(state, "should_terminate", None)
    assert (is_stopping(), is_cold_shutdown(), exit_status()) == (False, False, 0)
    stop_worker(0)
    assert (is_stopping(), exit_status()) == (True, 0)
    stop_worker(3)
    assert exit_status() == 3
    with pytest.raises(WorkerShutdown):
        state.maybe_shutdown()
    monkeypatch.setattr(state, "should_terminate", 1)
    assert is_cold_shutdown()


def test_a_remote_control_command_is_wrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[object] = []

    def wrap(command: Callable[..., Any]) -> Callable[..., Any]:
        wrapped.append(command)
        return functools.wraps(command)(lambda *args, **kwargs: command(*args, **kwargs))

    monkeypatch.setitem(Panel.data, "revoke", revoke)
    wrap_command("revoke", wrap)
    wrap_command("revoke", wrap)
    assert wrapped == [revoke]
    assert Panel.data["revoke"].__wrapped__ is revoke


@pytest.mark.parametrize(
    ("error", "pauses_s", "said"),
    [
        (NoPermissionError("this user has no permissions to run the 'psubscribe' command"), [3.0], "PSUBSCRIBE"),
        (RedisConnectionError("Connection closed by server."), [], ""),
    ],
)
def test_a_connection_that_redis_refuses_is_named_and_tried_again_after_a_pause(
    error: Exception,
    pauses_s: list[float],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(upstream, "hang_up", lambda: None)
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(Consumer, "on_connection_error_after_connected", lambda consumer, exc: None)
    ReconnectingConsumer.on_connection_error_after_connected(ReconnectingConsumer.__new__(ReconnectingConsumer), error)
    assert pauses == pauses_s
    assert said in caplog.text
    assert len(caplog.records) == len(pauses_s)
