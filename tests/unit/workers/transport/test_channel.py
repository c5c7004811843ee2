"""How a worker's channel takes and delivers messages."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Consumer, Queue
from kombu.asynchronous import Hub
from kombu.utils import json as kombu_json
from redis.connection import Connection as RedisConnection
from redis.exceptions import NoPermissionError

from tasks.redis import keys
from tasks.redis.rights import WORKER
from tasks.routing import OF_JOB, list_key
from tests.fixtures.redis_users import RedisUser
from tests.unit.workers.transport.conftest import drain, message
from workers.transport.poller import POLL_S


def test_messages_that_need_no_ack_are_done_when_delivered(reading: Connection, redis_client: Any) -> None:
    for _ in range(3):
        redis_client.lpush("q", message())
    assert len(drain(reading, 3, no_ack=True)) == 3
    reading.default_channel.step()
    assert not redis_client.exists("q", keys.HELD, keys.LEASES)


def test_a_message_can_be_got_without_a_consumer(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message(tag="t"))
    got = reading.default_channel.basic_get("q")
    assert got.delivery_tag == "t"
    assert redis_client.hlen(keys.HELD) == 1
    assert reading.default_channel.basic_get("q") is None


def test_a_body_that_cannot_be_decoded_is_set_aside(reading: Connection, redis_client: Any) -> None:
    broken = json.loads(message())
    broken["properties"]["body_encoding"] = "rot13"
    redis_client.lpush("q", json.dumps(broken))
    redis_client.lpush("q", message(tag="good"))
    assert [taken.delivery_tag for taken in drain(reading, 1)] == ["good"]
    assert redis_client.llen(keys.SET_ASIDE) == 1


def test_a_paused_queue_is_looked_at_without_a_peek_that_would_wake_at_once(
    reading: Connection, redis_client: Any
) -> None:
    redis_client.lpush("q", message(tag="kept"))
    redis_client.hset(keys.PAUSED, "q", "{}")
    channel = reading.default_channel
    heard: list[bool] = []
    channel.qos.gate(lambda: True, lambda: 1, lambda: 0, heard.append)
    redis_client.config_resetstat()
    with Consumer(channel, [Queue("q")], on_message=lambda message: pytest.fail("taken")):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                reading.drain_events(timeout=0.3)
    asked = redis_client.info("commandstats")
    assert "cmdstat_blpop" in asked
    assert "cmdstat_blmove" not in asked
    assert set(heard) == {True}
    assert redis_client.llen("q") == 1


def test_the_peek_watches_the_list_that_the_last_message_came_from(
    reading: Connection, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_jobs, channel = list_key("q", OF_JOB), reading.default_channel
    watched: list[str] = []
    taken: list[Any] = []
    send: Any = RedisConnection.send_command

    def sent(self: RedisConnection, command: str, *given: Any, **how: Any) -> None:
        if command == "BLMOVE":
            watched.append(given[0])
        send(self, command, *given, **how)

    monkeypatch.setattr(RedisConnection, "send_command", sent)
    with Consumer(channel, [Queue("q")], on_message=taken.append):
        for number, came_by in enumerate((of_jobs, "q"), 1):
            redis_client.lpush(came_by, message())
            while len(taken) < number:
                reading.drain_events(timeout=10)
            watched.clear()
            with pytest.raises(TimeoutError):
                reading.drain_events(timeout=3 * POLL_S)
            assert set(watched) == {came_by}
    watched.clear()
    redis_client.lpush(of_jobs, message())
    with Consumer(channel, [Queue("other")], on_message=taken.append), pytest.raises(TimeoutError):
        reading.drain_events(timeout=3 * POLL_S)
    assert set(watched) == {"other"}, "a queue that it does not read any more is not watched"


ODD_TAGS = ["a\nb", 'quote " and \\', "tab\t, nul\0", "Chí Phèo", "x" * 10_000, "esc \x1b[2J", 12.5]


def test_any_tag_a_sender_chose_is_a_short_word_as_a_key_and_its_message_is_settled(
    reading: Connection, redis_client: Any
) -> None:
    for tag in ODD_TAGS:
        odd = json.loads(message())
        odd["properties"]["delivery_tag"] = tag
        redis_client.lpush("q", json.dumps(odd))
    taken = drain(reading, len(ODD_TAGS))
    for one in taken:
        assert re.fullmatch(r"[!-~]{1,210}", one.delivery_tag), one.delivery_tag
        one.channel.leases.renew([one.delivery_tag])
        one.ack()
    reading.default_channel.step()
    assert not redis_client.exists("q", keys.HELD, keys.LEASES, keys.SET_ASIDE)


def test_bytes_that_are_no_text_in_a_tag_are_set_aside_and_end_no_worker(reading: Connection, raw_redis: Any) -> None:
    raw_redis.lpush("q", message(tag="here").encode().replace(b"here", b"\xff\xed\xa0\x80"))
    raw_redis.lpush("q", message(tag="good"))
    assert [taken.delivery_tag for taken in drain(reading, 1)] == ["good"]
    assert raw_redis.llen(keys.SET_ASIDE) == 1
    assert raw_redis.hkeys(keys.HELD) == [b"good"]


def test_half_a_surrogate_pair_is_left_to_the_worker_to_judge(reading: Connection, redis_client: Any) -> None:
    odd = json.loads(message())
    odd["headers"]["argsrepr"] = "\ud800"
    redis_client.lpush("q", json.dumps(odd))
    (taken,) = drain(reading, 1)
    assert taken.headers["argsrepr"] == "\ud800"


def test_what_kombu_writes_in_types_of_its_own_is_read_as_kombu_reads_it(
    reading: Connection, redis_client: Any
) -> None:
    sent = json.loads(message())
    sent["headers"]["stamp"] = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    redis_client.lpush("q", kombu_json.dumps(sent))
    (taken,) = drain(reading, 1)
    assert taken.headers["stamp"] == sent["headers"]["stamp"]


def test_a_message_knows_the_queue_and_priority_it_came_by_whatever_its_sender_wrote(
    reading: Connection, redis_client: Any
) -> None:
    odd = json.loads(message())
    odd["properties"].update(priority="high", delivery_info={"exchange": "x", "routing_key": "other\nqueue"})
    redis_client.lpush("q\x06\x163", json.dumps(odd))
    (taken,) = drain(reading, 1)
    assert taken.delivery_info == {"exchange": "", "routing_key": "q"}
    assert taken.properties["priority"] == 3


def test_a_step_that_redis_refuses_is_one_line_and_a_rest_not_the_loops_next_turn(
    app: Celery, redis_user: RedisUser, redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    every = WORKER.rights(0, ["q"])
    app.conf.broker_read_url = redis_user("reader", *every).replace("redis://", "slotline://")
    with app.connection_for_read() as connection, contextlib.closing(Hub()) as loop:
        channel, received = connection.channel(), list[Any]()
        connection.register_with_event_loop(loop)
        with Consumer(channel, [Queue("q")], on_message=received.append):
            redis_user("reader", *(right for right in every if right != "+evalsha"))
            redis_client.lpush("q", message())
            for _ in range(3):
                channel.call_for_step()
                loop.fire_timers()
            assert channel.qos.is_resting
            assert [record.levelname for record in caplog.records] == ["ERROR"]
            assert "may not run the command EVALSHA" in caplog.text
            redis_user("reader", *every)
            channel.qos.rest(0)
            channel.call_for_step()
            loop.fire_timers()
            assert len(received) == 1


def test_a_right_that_is_missing_while_celery_connects_is_tried_again(reading: Connection) -> None:
    assert NoPermissionError in reading.connection_errors
