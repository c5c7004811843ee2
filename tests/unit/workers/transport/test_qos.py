"""What a message's acknowledgement and rejection do, and how many may be in hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from celery import Celery
from kombu import Connection, Consumer, Queue

from tasks.redis import keys
from tests.unit.workers.transport.conftest import drain, message
from workers.transport.leases import Leases
from workers.transport.qos import RESERVE_AT_MOST, LeasingQoS


def _ids(client: Any) -> list[str]:
    return [json.loads(raw)["headers"]["id"] for raw in reversed(client.lrange("q", 0, -1))]


def test_a_rejected_message_is_the_next_to_be_taken(reading: Connection, redis_client: Any) -> None:
    for _ in range(3):
        redis_client.lpush("q", message())
    order = _ids(redis_client)
    (first,) = drain(reading, 1, prefetch=1)
    assert _ids(redis_client) == order[1:]
    first.reject(requeue=True)
    first.channel.step()
    assert _ids(redis_client) == order


def test_a_message_rejected_for_good_is_gone(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    (only,) = drain(reading, 1)
    only.reject(requeue=False)
    only.channel.step()
    assert not redis_client.exists("q", keys.HELD, keys.LEASES)


def test_an_ack_after_its_channel_was_closed_still_arrives(app: Celery, reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    (only,) = drain(reading, 1)
    only.channel.close()
    assert redis_client.hlen(keys.HELD) == 1
    only.ack()
    with app.connection_for_read() as later:
        later.default_channel.step()
    assert not redis_client.exists("q", keys.HELD, keys.LEASES)


def test_the_prefetch_counts_what_an_earlier_connection_left_in_hand(
    app: Celery, reading: Connection, redis_client: Any
) -> None:
    for _ in range(3):
        redis_client.lpush("q", message())
    drain(reading, 1, prefetch=1)
    reading.close()
    with app.connection_for_read() as later:
        channel = later.channel()
        channel.basic_qos(0, 2, False)
        with Consumer(channel, [Queue("q")], on_message=lambda m: None):
            channel.step()
            assert channel.leases.count == 2
            channel.step()
            assert channel.leases.count == 2


def test_a_closed_gate_takes_nothing_whatever_the_prefetch_allows(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    channel = reading.channel()
    gate = {"is_open": False}
    channel.qos.gate(lambda: gate["is_open"], room=lambda: 1, shared_batch=lambda: 0)
    with Consumer(channel, [Queue("q")], on_message=lambda m: None):
        assert (channel.qos.can_consume(), channel.qos.can_consume_max_estimate(), channel.step()) == (False, 0, 0)
        gate["is_open"] = True
        assert channel.step() == 1


def test_no_more_is_asked_for_than_the_prefetch_leaves(leases_for: Callable[..., Leases], redis_client: Any) -> None:
    leases = leases_for()
    qos = LeasingQoS(SimpleNamespace(leases=leases, call_for_step=lambda: None), prefetch_count=3)
    for _ in range(2):
        redis_client.lpush("q", message())
    leases.reserve(["q"], 2)
    assert (qos.can_consume(), qos.can_consume_max_estimate()) == (True, 1)
    qos.prefetch_count = 2
    assert (qos.can_consume(), qos.can_consume_max_estimate()) == (False, 0)
    qos.prefetch_count = 0  # no limit: as many as one reserve takes
    assert (qos.can_consume(), qos.can_consume_max_estimate()) == (True, RESERVE_AT_MOST)


def test_a_slot_may_say_that_it_holds_fewer_than_the_prefetch(
    leases_for: Callable[..., Leases], redis_client: Any
) -> None:
    leases, room = leases_for(), {"now": 2}
    qos = LeasingQoS(SimpleNamespace(leases=leases, call_for_step=lambda: None), prefetch_count=5)
    qos.gate(lambda: True, room=lambda: room["now"], shared_batch=lambda: room["now"])
    assert (qos.can_consume_max_estimate(), qos.shared_batch) == (2, 2)
    room["now"] = 9
    assert (qos.can_consume_max_estimate(), qos.shared_batch) == (5, 9)


def test_a_resting_channel_takes_nothing_until_its_time_is_over(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    with Consumer(reading.default_channel, [Queue("q")], on_message=lambda m: None) as consumer:
        qos = consumer.channel.qos
        qos.rest(60)
        assert consumer.channel.step() == 0
        assert (qos.can_consume(), qos.can_consume_max_estimate()) == (False, 0)
        qos.rest(0)
        assert consumer.channel.step() == 1
