"""Without an event loop: a wait ends in time, and lists that no peek watches are seen. A network that is silent."""

from __future__ import annotations

import contextlib
from time import monotonic
from typing import Any

import pytest
import redis
from celery import Celery
from celery.events import EventDispatcher, EventReceiver
from kombu import Connection, Consumer, Queue

from tests.faults.proxy import Proxy
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import drain, message
from workers.transport import install, install_plain, poller
from workers.transport.poller import POLL_S
from workers.upstream.kombu import has_answer


def test_waiting_for_nothing_ends_in_time(reading: Connection) -> None:
    with Consumer(reading.channel(), [Queue("q")]), pytest.raises(TimeoutError):
        reading.drain_events(timeout=0.5)


def test_a_time_limit_shorter_than_the_peek_does_not_end_it(app: Celery) -> None:
    options = {"socket_timeout": POLL_S / 4}
    with (
        app.connection_for_read(transport_options=options) as reading,
        Consumer(reading.channel(), [Queue("q")]),
        pytest.raises(TimeoutError),
    ):
        reading.drain_events(timeout=4 * POLL_S)


def test_lower_priorities_are_seen_without_a_peek_of_their_own(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q\x06\x166", message(tag="low"))
    assert [taken.delivery_tag for taken in drain(reading, 1)] == ["low"]


def test_a_peek_that_never_gets_its_answer_ends_the_connection(
    broker: str, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(broker) as line, Celery("watched", set_as_current=False) as app:
        monkeypatch.setenv("CELERY_BROKER_URL", line.url)
        app.conf.broker_transport_options = {"socket_timeout": 1.0}
        install(app)
        with app.connection_for_read() as connection, Consumer(connection.channel(), [Queue("q")]) as consumer:
            cycle, channel = connection.transport.cycle, consumer.channel
            cycle.on_poll_start()
            wait_until(lambda: has_answer(channel._in_poll), what="the peek's answer")
            # It came, and was not read for long: the process was frozen.
            assert channel.unanswered_s(monotonic() + 60) == 0.0
            cycle.check_peeks()
            line.swallow()
            channel._in_poll.read_response()
            channel._in_poll = None
            cycle.on_poll_start()
            assert channel.unanswered_s(monotonic()) == 0.0
            wait_until(lambda: channel.unanswered_s(monotonic()), what="an answer that is overdue")
            with pytest.raises(redis.ConnectionError, match=r"^Redis has not answered for \d+\.\d s$"):
                cycle.check_peeks()
            with pytest.raises(redis.ConnectionError):
                channel._in_poll.read_response()


def test_flowers_subscription_that_hears_nothing_any_more_is_made_again(
    broker: str, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plain()
    monkeypatch.setattr(poller, "LISTEN_LOOK_S", 0.1)
    heard: list[str] = []
    options = {"health_check_interval": 1}
    app = Celery("listener", set_as_current=False)
    with Proxy(broker) as line, Connection(line.url, transport_options=options) as connection:
        receiver = EventReceiver(connection, handlers={"*": lambda event: heard.append(event["hostname"])}, app=app)
        with Connection(broker) as other, receiver.consumer_context() as (listening, _, _):
            events = EventDispatcher(other, hostname="before", app=app)

            def is_heard() -> bool:
                """Whether an event that is sent now arrives: one that was sent in the silence is lost."""
                events.send("worker-heartbeat")
                with contextlib.suppress(TimeoutError):
                    listening.drain_events(timeout=0.2)
                return events.hostname in heard

            wait_until(is_heard, what="an event")
            line.swallow()
            events.hostname = "after"
            wait_until(is_heard, what="an event after the silence")
