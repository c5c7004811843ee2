"""A user without one right that a command needs: one line that names the right, never a traceback, never a wait."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from producer import Client
from tasks.catalog import catalog
from tasks.errors import BrokerRefused
from tasks.redis.rights import PRODUCER
from tasks.settings import settings
from tests.fixtures.commands import Slotline
from tests.fixtures.redis_users import RedisUser
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING

MODEL = "rehearsal"
FAILED = {"error": {"type": "ModelError", "message": "no", "attempt": 3}}

NEEDS = {
    "health": "+scan ~slotline:*",
    "slots": "+scan +time",
    "jobs": "+zrevrange +hgetall ~slotline:*",
    "failed": "+zrevrange +hget +lindex +lrange",
    "retry failed.1": "+evalsha +hgetall +hset +persist +setrange +lpush ~rehearsal*",
    "retry --all": "+zrevrange +lrange",
    "watch failed": "+get +exists",
    "cancel failed": "+evalsha +hget +unlink +zrem +set ~celery*",
    "prune": "+evalsha",
}
"""What each command needs, as far as it gets without a worker."""


@pytest.fixture
def failed_job(broker: str, raw_redis: Any, own_environment: None) -> Callable[[], None]:
    """`failed_job()`: a job with a part that failed, on an empty Redis."""

    def make() -> None:
        raw_redis.flushall()
        ledger = Client(broker).ledger
        of_model = replace(OPENING, model=MODEL, part_queue=MODEL, part_list=MODEL, payloads=["POne."])
        ledger.transitions.open("failed", of_model)
        ledger.transitions.settle("failed", 1, "failed", FAILED)

    return make


@pytest.mark.parametrize("words", NEEDS)
def test_a_command_without_a_right_is_one_line_that_names_it(
    words: str,
    failed_job: Callable[[], None],
    slotline: Slotline,
    redis_user: RedisUser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = PRODUCER.rights(0, catalog())
    for right in NEEDS[words].split():
        failed_job()
        url = redis_user("asker", *(other for other in every if other != right))
        monkeypatch.setenv("CELERY_BROKER_URL", url)
        settings.cache_clear()
        said = slotline(*words.split())
        assert said.status == 1, (right, said)
        assert "Traceback" not in said.err, said
        last = said.err.splitlines()[-1]
        assert "Redis at redis://asker:**@127.0.0.1:" in last, said
        assert f"the Redis user 'asker' lacks rights that a producer needs: {right} (docs/redis.md" in last, said


@pytest.mark.parametrize("right", ["+lpush", "+evalsha", "+hset", "+zadd", "~slotline:*", "~flow*"])
def test_a_submission_without_a_right_is_refused_by_its_name(right: str, redis_user: RedisUser) -> None:
    url = redis_user("asker", *(other for other in PRODUCER.rights(0, catalog()) if other != right))
    with pytest.raises(BrokerRefused, match=re.escape(f"lacks rights that a producer needs: {right} (docs")):
        Client(url).submit_chapter("One.", model=MODEL)


def test_a_wrong_password_is_one_line_at_once(
    broker: str, slotline: Slotline, redis_user: RedisUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", redis_user("asker").replace(":pw@", ":no@"))
    settings.cache_clear()
    for words in ("health", "jobs", "say Hello. -o x.wav", "up --flow 0"):
        said = slotline(*words.split())
        assert said.status == 1, said
        assert said.err.endswith("the user or the password is wrong, or the user is disabled\n"), said
        assert said.err.count("\n") == 1, said
