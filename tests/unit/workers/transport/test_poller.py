"""Without an event loop: a wait ends in time, and lists that no peek watches are seen."""

from __future__ import annotations

from typing import Any

import pytest
from kombu import Connection, Consumer, Queue

from tests.unit.workers.transport.conftest import drain, message


def test_waiting_for_nothing_ends_in_time(reading: Connection) -> None:
    with Consumer(reading.channel(), [Queue("q")]), pytest.raises(TimeoutError):
        reading.drain_events(timeout=0.5)


def test_lower_priorities_are_seen_without_a_peek_of_their_own(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q\x06\x166", message(tag="low"))
    assert [taken.delivery_tag for taken in drain(reading, 1)] == ["low"]
