"""Whoever waits on a noted socket can be made to stop waiting, from another thread, and connects again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.fixtures.waiting import WaitUntil, patience_s
from workers.upstream.redis_sockets import hang_up, note_alone, noted

NOTHING = "nothing:here"


@pytest.fixture
def connect(broker: str) -> Iterator[Callable[..., Any]]:
    """`connect(**arguments)`: a client that tries each command once, whose sockets are noted."""
    clients: list[redis.Redis] = []

    def make(**arguments: Any) -> Any:
        clients.append(redis.Redis.from_url(broker, **noted({"retry": Retry(NoBackoff(), 0)}) | arguments))
        clients[-1].ping()
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def _waits(redis_client: Any) -> bool:
    return bool(redis_client.info("clients")["blocked_clients"])


def test_a_thread_that_waits_for_an_answer_gets_an_error_at_once_and_its_client_serves_on(
    connect: Callable[..., Any], redis_client: Any, wait_until: WaitUntil
) -> None:
    client, errors = connect(socket_timeout=None), []

    def wait() -> None:
        try:
            client.blpop(NOTHING)
        except redis.RedisError as exc:
            errors.append(exc)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    wait_until(lambda: _waits(redis_client), what="a command that waits")
    hang_up()
    thread.join(patience_s())
    assert isinstance(errors[0], redis.ConnectionError)
    assert client.ping()


def test_a_time_limit_that_ran_out_hangs_up_on_what_was_connected_before_and_on_nothing_newer(
    connect: Callable[..., Any],
) -> None:
    older, silent = connect(), connect(socket_timeout=0.2)
    before = older.connection_pool.get_connection()
    with pytest.raises(redis.TimeoutError):
        silent.blpop(NOTHING, 1)
    newer = connect().connection_pool.get_connection()
    with pytest.raises(redis.ConnectionError):
        _ask(before)
    _ask(newer)


def test_a_client_of_less_patience_than_others_says_nothing_of_them(connect: Callable[..., Any]) -> None:
    older, hasty = connect(), connect(socket_timeout=0.2, redis_connect_func=note_alone)
    before = older.connection_pool.get_connection()
    with pytest.raises(redis.TimeoutError):
        hasty.blpop(NOTHING, 1)
    _ask(before)


def test_a_forked_child_does_not_end_its_parents_waiting(connect: Callable[..., Any]) -> None:
    connection = connect().connection_pool.get_connection()
    child = os.fork()
    if not child:
        try:
            hang_up()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    _ask(connection)


def _ask(connection: Any) -> None:
    connection.send_command("PING")
    assert connection.read_response() == b"PONG"
