"""How a worker's channel takes and delivers messages."""

from __future__ import annotations

import json
from typing import Any

from kombu import Connection

from tasks.redis import keys
from tests.unit.workers.transport.conftest import drain, message


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
