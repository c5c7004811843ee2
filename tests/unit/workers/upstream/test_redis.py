"""A child's commands wait for a Redis that is away, for a limited time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.fixtures.waiting import at_most, patience_s
from workers.stack.embedded_redis import EmbeddedRedis
from workers.upstream.redis import TimedRetry, answer_within, wait_for_redis
from workers.upstream.redis_sockets import hang_up


def test_a_command_waits_until_redis_is_back_and_is_then_done(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis", append_only=True) as server:
        app = Celery("child", backend=server.url, set_as_current=False)
        wait_for_redis(app)
        client = app.backend.client
        client.set("a", 1)
        server.stop()
        # In this thread a timer could not start it: the server ends with the thread that started it.
        waiting = threading.Thread(target=client.incr, args=("a",), daemon=True)
        waiting.start()
        waiting.join(1.0)
        assert waiting.is_alive()
        server.start()
        waiting.join(patience_s())
        assert not waiting.is_alive()
        assert client.get("a") == b"2"
        client.close()


def test_its_patience_ends_however_deep_its_retries_nest(tmp_path: Path) -> None:
    client = redis.Redis(port=1, retry=TimedRetry(limit_s=0.5, pause_s=0.05))
    began = time.monotonic()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert 0.4 < time.monotonic() - began < at_most(0.5)


def test_a_client_of_little_patience_tries_once_more_where_it_was_cut_and_not_where_its_time_is_over(
    broker: str,
) -> None:
    with redis.Redis.from_url(broker) as client:
        answer_within(client, 0.2)
        client.ping()
        hang_up()
        assert client.ping()
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.blpop(["nothing:here"], 5)
        assert time.monotonic() - began < at_most(0.2)
