"""Looks at a job: their pace is that of its progress. What a wait makes of them: test_job.py."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import redis

from producer import Client
from producer.looks import Progress, look, looks
from tasks.errors import BrokerUnavailable
from tasks.redis import keys


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def test_looks_follow_a_job_to_its_end_and_only_changes_are_told(client: Client, redis_client: redis.Redis) -> None:
    job = client.submit_chapter("One.", model="quick")
    told: list[Progress] = []
    following = looks(client.connection, job.id, on_progress=told.append, poll_max_s=0.1)
    assert [next(following).progress.state for _ in range(3)] == ["PENDING"] * 3
    redis_client.set(keys.RESULT_PREFIX + job.id, json.dumps({"status": "SUCCESS", "result": {}}))
    [last] = following
    assert last.final == {"status": "SUCCESS", "result": {}}
    assert [one.state for one in told] == ["PENDING", "SUCCESS"]


def test_the_end_of_a_job_is_seen_at_once_and_not_with_the_next_look_in_turn(
    client: Client, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.looks.POLL_S", 600.0)
    job = client.submit_chapter("One.", model="quick")
    following = looks(client.connection, job.id, poll_max_s=600.0)
    assert [next(following).final for _ in range(2)] == [None, None]
    stored = json.dumps({"status": "SUCCESS", "result": {}})

    def store() -> None:
        redis_client.set(keys.RESULT_PREFIX + job.id, stored)
        redis_client.publish(keys.RESULT_PREFIX + job.id, stored)

    storing = threading.Thread(target=store)
    storing.start()
    assert next(following).final is not None
    storing.join()


def test_nothing_is_known_of_an_id_that_nobody_used(client: Client) -> None:
    found = look(client.connection, "nobody")
    assert (found.progress, found.final, found.is_known) == (Progress("PENDING"), None, False)


def test_the_patience_with_a_redis_that_is_away_has_an_end(own_environment: None, tmp_path: Path) -> None:
    away = Client("redis://127.0.0.1:1/0", str(tmp_path))
    with pytest.raises(BrokerUnavailable):
        list(looks(away.connection, "x", patience_s=0.0))
    with pytest.raises(TimeoutError):
        list(looks(away.connection, "x", timeout_s=0.0))
