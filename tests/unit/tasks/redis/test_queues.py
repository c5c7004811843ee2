"""Which queues have messages: those that are known, and those that nobody named."""

from __future__ import annotations

from redis import Redis

from tasks.flow.envelope import new_message
from tasks.redis import keys, queues


def test_every_queue_is_found_whoever_filled_it(raw_redis: Redis) -> None:
    message = new_message("any.task", "an id", {}, "anywhere")
    for name in ("flow", "strange\x06\x169", "strange", "ünïcode", "7.reply.celery.pidbox"):
        raw_redis.lpush(name, message)
    raw_redis.lpush("flow", "no message, but a known queue's")
    raw_redis.lpush("a list", "of something else")
    raw_redis.lpush(keys.parts("job"), message)
    raw_redis.set("no list", message)
    assert queues.waiting(raw_redis, ["flow", "espeak"]) == {"flow": 2, "strange": 2, "ünïcode": 1}
