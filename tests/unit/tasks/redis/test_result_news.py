"""A wait ends with the final result that Redis tells, with its limit, or with a stop signal; it never fails."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tasks.redis import keys
from tasks.redis.result_news import ResultNews
from tasks.terminal.interrupt import Interrupt, Interrupted
from tests.fixtures.redis_users import RedisUser
from tests.fixtures.waiting import wait_for

LONG_S = 600.0
"""Longer than a test may take."""


@pytest.fixture
def news(raw_redis: Any) -> Iterator[ResultNews]:
    with contextlib.closing(ResultNews(lambda: raw_redis, "job")) as made:
        yield made


def listeners(raw_redis: Any) -> int:
    return int(raw_redis.pubsub_numsub(keys.RESULT_PREFIX + "job")[0][1])


def publish(raw_redis: Any, stored: bytes | str) -> None:
    raw_redis.publish(keys.RESULT_PREFIX + "job", stored)


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "REVOKED"])
def test_a_wait_ends_with_the_final_result_and_not_with_progress(news: ResultNews, raw_redis: Any, status: str) -> None:
    news.wait(LONG_S)
    assert listeners(raw_redis) == 1, "the first one only begins to listen"
    told: list[str] = []

    def tell() -> None:
        for one in ("PROGRESS", "STARTED", status):
            told.append(one)
            publish(raw_redis, json.dumps({"status": one}))

    teller = threading.Thread(target=tell)
    teller.start()
    news.wait(LONG_S)
    assert told[-1] == status
    teller.join()


def test_what_nobody_can_read_is_worth_a_look(news: ResultNews, raw_redis: Any) -> None:
    news.wait(LONG_S)
    for strange in (b"\xff", b"[]", b"{}", b"3"):
        publish(raw_redis, strange)
        news.wait(LONG_S)


def test_a_wait_without_news_ends_at_its_limit_and_a_closed_one_leaves_nobody_listening(
    news: ResultNews, raw_redis: Any
) -> None:
    news.wait(LONG_S)
    began_s = time.monotonic()
    news.wait(0.05)
    assert time.monotonic() - began_s >= 0.05
    news.close()
    wait_for(lambda: listeners(raw_redis) == 0)


def test_where_redis_is_away_or_tells_nothing_it_is_a_pause(redis_user: RedisUser) -> None:
    mute = redis_user("mute", "+@all", "-subscribe", "~*")
    for url in (mute, "redis://127.0.0.1:1/0"):
        with Redis.from_url(url) as client, contextlib.closing(ResultNews(lambda: client, "job")) as news:
            began_s = time.monotonic()
            news.wait(0.05)
            news.wait(0.05)
            assert time.monotonic() - began_s >= 0.1, url


def test_after_a_connection_was_cut_the_next_wait_listens_again(news: ResultNews, raw_redis: Any) -> None:
    news.wait(LONG_S)
    (own,) = raw_redis.client_list(_type="pubsub")
    raw_redis.client_kill_filter(_id=own["id"])
    news.wait(0.05)
    news.wait(LONG_S)
    assert listeners(raw_redis) == 1


def test_a_stop_signal_ends_a_wait(news: ResultNews) -> None:
    with Interrupt():
        news.wait(LONG_S)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with pytest.raises(Interrupted):
            news.wait(LONG_S)
        timer.join()
