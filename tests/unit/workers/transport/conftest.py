"""What the transport's tests share: leases, messages as foreign producers write them, workers of a small app."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
import redis
from celery import Celery
from kombu import Connection, Consumer, Queue

from tasks.redis import keys
from tests.fixtures.environment import LEASE_S
from tests.fixtures.processes import Process
from tests.fixtures.workers import StartWorker
from workers.transport import install
from workers.transport import leases as leases_module
from workers.transport.leases import Leases

APP = "tests.unit.workers.transport.small_app"


def message(
    task: str = "note", args: tuple[Any, ...] = (), tag: str | None = None, queue: str = "q", **headers: Any
) -> str:
    """The least that Celery takes from a foreign producer, as JSON; `headers` are more of them."""
    return json.dumps(
        {
            "body": json.dumps([args, {}, {}]),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": uuid.uuid4().hex, **headers},
            "properties": {
                "delivery_tag": tag or uuid.uuid4().hex,
                "delivery_info": {"exchange": "", "routing_key": queue},
            },
        }
    )


def in_s(client: Any, seconds: float) -> str:
    """The time in so many seconds by Redis' clock, as Celery writes an eta."""
    now_s, micros = client.time()
    return (datetime.fromtimestamp(now_s, UTC) + timedelta(seconds=seconds, microseconds=micros)).isoformat()


def end_leases(client: Any, *held: str) -> None:
    """Let the leases on these end now. One that is short by itself may be over before a busy machine has taken it."""
    for key in held:
        client.zincrby(keys.LEASES, -3_600_000, key)


@pytest.fixture(autouse=True)
def _own_leases() -> Iterator[None]:
    """A test starts and ends with nothing in this process's hand."""
    leases_module._by_broker.clear()
    yield
    leases_module._by_broker.clear()


@pytest.fixture
def leases_for(broker: str) -> Iterator[Callable[..., Leases]]:
    """`leases_for(holder, lease_s)`: leases over a client of their own, closed at the end."""
    clients: list[redis.Redis] = []

    def make(holder: str = "one", lease_s: float = 30.0) -> Leases:
        clients.append(redis.Redis.from_url(broker))
        return Leases(clients[-1], lease_s, holder)

    yield make
    for client in clients:
        client.close()


class SmallWorker(Protocol):
    """See `small_worker`."""

    def __call__(self, name: str, *args: str, env: dict[str, str] | None = None) -> Process: ...


@pytest.fixture
def small_worker(start_worker: StartWorker) -> SmallWorker:
    """A ready worker of the small app: one stock prefork child, no gossip, leases of `LEASE_S`."""

    def start(name: str, *args: str, env: dict[str, str] | None = None) -> Process:
        given = ("--without-mingle", "--without-gossip", "-n", f"{name}@test", "-l", "INFO", *args)
        concurrency = () if "-c" in args else ("-c", "1")
        worker = start_worker(*given, *concurrency, app=APP, env={"SLOTLINE_LEASE_S": str(LEASE_S), **(env or {})})
        worker.wait_for_log(r" ready\.")
        return worker

    return start


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    """An app that reads by lease."""
    one = Celery("reading", broker=broker, set_as_current=False)
    install(one)
    yield one
    one.close()


@pytest.fixture
def reading(app: Celery) -> Iterator[Connection]:
    """Its connection for reading."""
    with app.connection_for_read() as connection:
        yield connection


def drain(connection: Connection, count: int, **consuming: Any) -> list[Any]:
    """Take `count` messages from `q` and leave them in hand; `prefetch` and the rest is the consumer's."""
    taken: list[Any] = []
    channel = connection.channel()
    if "prefetch" in consuming:
        channel.basic_qos(0, consuming.pop("prefetch"), False)
    with Consumer(channel, [Queue("q")], on_message=taken.append, accept=["json"], **consuming):
        while len(taken) < count:
            connection.drain_events(timeout=5)
    return taken
