"""What a worker says of a Redis that may lose jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.fixtures.redis_users import RedisUser
from workers.durability import risks, warnings_about
from workers.stack.embedded_redis import EmbeddedRedis


@pytest.mark.parametrize(
    ("append_only", "settings", "said"),
    [
        (False, {}, ["Redis keeps nothing"]),
        (False, {"save": "60 1"}, []),
        (True, {}, []),
        (True, {"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}, ["Redis may throw jobs away"]),
        (True, {"maxmemory-policy": "allkeys-lru"}, []),  # without a limit nothing is evicted
    ],
)
def test_each_setting_that_may_lose_jobs_is_one_line(
    append_only: bool, settings: dict[str, str], said: list[str], tmp_path: Path
) -> None:
    with (
        EmbeddedRedis(tmp_path / "redis", append_only=append_only) as server,
        redis.Redis.from_url(server.url) as client,
    ):
        for name, value in settings.items():
            client.config_set(name, value)
        found = warnings_about(client)
    assert [line[: len(start)] for line, start in zip(found, said, strict=True)] == said
    assert not any("\n" in line for line in found)


@pytest.mark.parametrize(
    ("rights", "words"),
    [("+get", "may not run INFO"), ("+info", "may not run CONFIG GET"), ("+info +config|get", "keeps nothing")],
)
def test_without_the_rights_to_look_it_says_so(rights: str, words: str, redis_user: RedisUser) -> None:
    with redis.Redis.from_url(redis_user("looker", "allkeys", *rights.split())) as client:
        (found,) = risks(client)
    assert words in found.line
    assert found.is_known == ("keeps nothing" in words)
