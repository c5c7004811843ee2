"""What a batch writes at its end goes out together, in order; what is refused is known by its task."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement, StoredResult
from tasks.flow.ledger.run_times import Ended
from tasks.flow.write_buffer import WriteBuffer
from tasks.redis import keys
from tasks.redis.scripts import ScriptRun
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, claim, opened


@pytest.fixture
def redis(raw_redis: Any) -> Any:
    return raw_redis


@pytest.fixture
def buffer(redis: Any) -> WriteBuffer:
    return WriteBuffer(Ledger(redis))


def result(task_id: str, status: str = "SUCCESS", keep_s: int = 60) -> StoredResult:
    return StoredResult(keys.RESULT_PREFIX + task_id, json.dumps({"status": status, "task_id": task_id}), keep_s)


def status(redis: Any, task_id: str) -> str | None:
    raw = redis.get(keys.RESULT_PREFIX + task_id)
    return json.loads(raw)["status"] if raw else None


def test_an_open_buffer_writes_nothing_until_it_is_sent(redis: Any, buffer: WriteBuffer) -> None:
    job = opened(Ledger(redis), 2)
    buffer.open()
    buffer.settle("first", Settlement(job, 1, "done", {"n": 1}))
    buffer.store("second", result("second"))
    assert redis.hget(keys.job(job), "done") == b"0"
    assert status(redis, "second") is None
    assert buffer.send() == {}
    assert redis.hget(keys.job(job), "done") == b"1"
    assert status(redis, "second") == "SUCCESS"


def test_a_closed_buffer_writes_at_once(redis: Any, buffer: WriteBuffer) -> None:
    buffer.store("one", result("one"))
    assert status(redis, "one") == "SUCCESS"


def test_a_late_failure_never_covers_a_success(redis: Any, buffer: WriteBuffer) -> None:
    buffer.store("one", result("one"))
    buffer.store("one", result("one", "FAILURE"))
    assert status(redis, "one") == "SUCCESS"


def test_a_success_covers_progress_and_an_earlier_failure(redis: Any, buffer: WriteBuffer) -> None:
    for earlier in ("PROGRESS", "FAILURE"):
        buffer.store(earlier, result(earlier, earlier))
        buffer.store(earlier, result(earlier))
        assert status(redis, earlier) == "SUCCESS"


def test_nothing_covers_the_end_of_a_task_that_was_cancelled_while_it_ran(redis: Redis, buffer: WriteBuffer) -> None:
    buffer.open()
    buffer.store("one", result("one"))
    Ledger(redis).transitions.cancel("one", even_unknown=True)
    buffer.send()
    assert status(redis, "one") == "REVOKED"


def test_a_result_is_told_to_who_listens_and_kept_as_long_as_asked(redis: Any, buffer: WriteBuffer) -> None:
    with redis.pubsub() as listener:
        listener.subscribe(keys.RESULT_PREFIX + "one")
        listener.get_message(timeout=5)
        buffer.store("one", result("one", keep_s=60))
        heard = listener.get_message(timeout=5)
    assert heard
    assert json.loads(heard["data"])["status"] == "SUCCESS"
    assert 50 < redis.ttl(keys.RESULT_PREFIX + "one") <= 60
    buffer.store("ever", result("ever", keep_s=0))
    assert redis.ttl(keys.RESULT_PREFIX + "ever") == -1


def test_what_redis_refuses_costs_only_the_task_that_it_belongs_to(redis: Any, buffer: WriteBuffer) -> None:
    redis.rpush(keys.RESULT_PREFIX + "odd", "not a string")
    buffer.open()
    buffer.store("good", result("good"))
    buffer.store("odd", result("odd"))
    buffer.store("also good", result("also good"))
    refused = buffer.send()
    assert set(refused) == {"odd"}
    assert isinstance(refused["odd"], ResponseError)
    assert status(redis, "good") == status(redis, "also good") == "SUCCESS"


@pytest.mark.parametrize("setting", [("maxmemory", "1"), ("min-replicas-to-write", "1")], ids=lambda pair: pair[0])
def test_a_server_that_refuses_everybody_refuses_no_single_task(
    redis: Redis, buffer: WriteBuffer, setting: tuple[str, str]
) -> None:
    buffer.open()
    buffer.store("one", result("one"))
    name, value = setting
    redis.config_set(name, value)
    try:
        with pytest.raises(ResponseError):
            buffer.send()
    finally:
        redis.config_set(name, 0)


def test_a_buffer_that_could_not_be_sent_keeps_nothing_for_the_next_batch(redis: Any, unused_port: int) -> None:
    lost = WriteBuffer(Ledger(Redis(port=unused_port)))
    lost.open()
    lost.store("one", result("one"))
    with pytest.raises(RedisConnectionError):
        lost.send()
    lost.open()
    assert lost.send() == {}


def test_a_claim_is_released_last_so_that_who_waits_finds_all_written(
    redis: Redis, buffer: WriteBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = buffer._ledger
    job = opened(ledger, 1)
    redis.zadd(keys.LEASES, {"mine": 2**45})
    assert claim(ledger, "artifact", "mine", (MODEL, "mine"), (job, 1)) == 1
    assert claim(ledger, "artifact", "other", (MODEL, "a copy"), ("other", 0)) == 0
    scripts: list[str] = []
    run_together = ledger.endings._scripts.run_together

    def noted(runs: Sequence[ScriptRun]) -> list[Any]:
        scripts.extend(name for name, _, _ in runs)
        return run_together(runs)

    monkeypatch.setattr(ledger.endings._scripts, "run_together", noted)
    buffer.open()
    buffer.release("artifact", "mine")
    buffer.store("one", result("one"))
    buffer.settle("one", Settlement(job, 1, "done", {}))
    assert redis.exists(keys.computed_by("artifact"))
    assert buffer.send() == {}
    assert scripts == ["settle", "result", "release"], "one round trip, whatever came first"
    assert not redis.exists(keys.computed_by("artifact"))
    assert redis.lrange(MODEL, -1, -1) == [b"a copy"], "who waited is in front"


def test_a_release_that_is_refused_costs_no_task_its_result(
    redis: Redis, buffer: WriteBuffer, caplog: pytest.LogCaptureFixture
) -> None:
    redis.set(keys.waiters("artifact"), "not a list")
    buffer.open()
    buffer.store("one", result("one"))
    buffer.release("artifact", "")
    with caplog.at_level(logging.WARNING):
        assert buffer.send() == {}
    assert status(redis, "one") == "SUCCESS"
    assert "artifact is not released" in caplog.text


def test_a_batch_is_one_round_trip_also_the_first_of_a_process(
    redis: Any, buffer: WriteBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = opened(buffer._ledger, 1)
    buffer.open()
    buffer.settle("task", Settlement(job, 1, "done", {}))
    buffer.store("task", result("task"))
    buffer.release("artifact", "tag")
    trips: list[str] = []
    pipeline = redis.pipeline

    def noted(**how: Any) -> Any:
        trips.append("pipeline")
        return pipeline(**how)

    monkeypatch.setattr(redis, "pipeline", noted)
    monkeypatch.setattr(redis, "execute_command", lambda *command, **_: pytest.fail(f"a trip of its own: {command}"))
    assert buffer.send() == {}
    assert trips == ["pipeline"]


class Told:
    """Endings that note what they are told of how long something took."""

    def __init__(self, ledger: Ledger) -> None:
        self._write = ledger.endings.write
        self.parts: list[list[tuple[str, int]]] = []

    def write(self, settlements: Any, results: Any, claims: Any, ended: Sequence[Ended] = ()) -> Any:
        self.parts.append([part for one in ended for part in one.parts])
        return self._write(settlements, results, claims, ended)


def test_how_long_parts_took_goes_with_their_ends_and_what_was_reused_or_never_claimed_ends_nothing(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(redis)
    monkeypatch.setattr(ledger, "endings", told := Told(ledger))
    clock = iter([100.0, 103.0, 107.0])
    monkeypatch.setattr("tasks.flow.write_buffer.monotonic", lambda: next(clock))
    buffer = WriteBuffer(ledger)
    buffer.settle("one", Settlement("job", 1, "done", {}, computed=1, attempt=1))
    buffer.settle("two", Settlement("job", 2, "done", {}, computed=0))
    buffer.store("three", result("three"))
    buffer.settle("four", Settlement("job", 4, "done", {}, computed=1, attempt=1))
    assert told.parts == [[("job", 1)], [], [], [("job", 4)]]
