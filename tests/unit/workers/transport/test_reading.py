"""The transport on a kombu connection without an event loop, and the URLs under which it reads."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection, Consumer, Queue

from tasks import keys
from tasks.errors import SettingsError
from tests.conftest import StartProcess, WaitUntil
from tests.unit.workers.transport.conftest import message
from workers.stack.embedded_redis import _free_port, find_server
from workers.transport import install, reading_url
from workers.transport.channel import LeasingSentinelTransport, LeasingTransport


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


def _drain(connection: Connection, count: int, **consuming: Any) -> list[Any]:
    """Take `count` messages from `q` and leave them in hand."""
    taken: list[Any] = []
    channel = connection.channel()
    if "prefetch" in consuming:
        channel.basic_qos(0, consuming.pop("prefetch"), False)
    with Consumer(channel, [Queue("q")], on_message=taken.append, accept=["json"], **consuming):
        while len(taken) < count:
            connection.drain_events(timeout=5)
    return taken


def _ids(client: Any) -> list[str]:
    return [json.loads(raw)["headers"]["id"] for raw in reversed(client.lrange("q", 0, -1))]


def test_a_rejected_message_is_the_next_to_be_taken(reading: Connection, redis_client: Any) -> None:
    for _ in range(3):
        redis_client.lpush("q", message())
    order = _ids(redis_client)
    (first,) = _drain(reading, 1, prefetch=1)
    assert _ids(redis_client) == order[1:]
    first.reject(requeue=True)
    first.channel.step()
    assert _ids(redis_client) == order


def test_a_message_rejected_for_good_is_gone(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    (only,) = _drain(reading, 1)
    only.reject(requeue=False)
    only.channel.step()
    assert not redis_client.exists("q", keys.HELD, keys.LEASES)


def test_an_ack_after_its_channel_was_closed_still_arrives(app: Celery, reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q", message())
    (only,) = _drain(reading, 1)
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
    _drain(reading, 1, prefetch=1)
    reading.close()
    with app.connection_for_read() as later:
        channel = later.channel()
        channel.basic_qos(0, 2, False)
        with Consumer(channel, [Queue("q")], on_message=lambda m: None):
            channel.step()
            assert channel.leases.count == 2
            channel.step()
            assert channel.leases.count == 2


def test_messages_that_need_no_ack_are_done_when_delivered(reading: Connection, redis_client: Any) -> None:
    for _ in range(3):
        redis_client.lpush("q", message())
    assert len(_drain(reading, 3, no_ack=True)) == 3
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
    assert [taken.delivery_tag for taken in _drain(reading, 1)] == ["good"]
    assert redis_client.llen(keys.SET_ASIDE) == 1


def test_waiting_for_nothing_ends_in_time(reading: Connection) -> None:
    with Consumer(reading.channel(), [Queue("q")]), pytest.raises(TimeoutError):
        reading.drain_events(timeout=0.5)


def test_lower_priorities_are_seen_without_a_peek_of_their_own(reading: Connection, redis_client: Any) -> None:
    redis_client.lpush("q\x06\x166", message(tag="low"))
    assert [taken.delivery_tag for taken in _drain(reading, 1)] == ["low"]


@pytest.mark.parametrize(
    ("broker_url", "expected"),
    [
        ("redis://:pw@host:1/2", "slotline://:pw@host:1/2"),
        ("rediss://host/0?ssl_cert_reqs=required", "slotlines://host/0?ssl_cert_reqs=required"),
        ("redis+socket:///run/redis.sock?virtual_host=3", "slotline+socket:///run/redis.sock?virtual_host=3"),
        ("sentinel://a:1/0;sentinel://b:2/0", "slotline-sentinel://a:1/0;slotline-sentinel://b:2/0"),
        ("slotline://host/0", "slotline://host/0"),
    ],
)
def test_a_broker_url_becomes_the_url_that_workers_read_from(broker_url: str, expected: str) -> None:
    assert reading_url(broker_url) == expected


@pytest.mark.parametrize(
    ("broker_url", "said"),
    [("amqp://host//", "amqp"), ("rediss://host/0", "ssl_cert_reqs"), ("unix:///run/redis.sock", r"redis\+socket")],
)
def test_a_broker_that_cannot_be_read_by_lease_is_refused_with_what_would_do(broker_url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"CELERY_BROKER_URL.*{said}"):
        reading_url(broker_url)


def test_a_key_prefix_is_refused(broker: str) -> None:
    app = Celery("prefixed", broker=broker, set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": "x:"}
    with pytest.raises(SettingsError, match="global_keyprefix"):
        install(app)


def test_tls_and_its_checks_are_read_from_the_url(app: Celery) -> None:
    url = reading_url("rediss://:pw@host:1/2?ssl_cert_reqs=required&ssl_ca_certs=/ca.pem")
    connection = Connection(url)
    assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/ca.pem"}
    assert isinstance(connection.transport, LeasingTransport)


def _server(start_process: StartProcess, folder: Path, *options: str) -> None:
    start_process(str(find_server()), *options, "--dir", str(folder), "--save", "", cwd=folder, name="redis")


def test_it_reads_over_a_unix_socket(tmp_path: Path, start_process: StartProcess, wait_until: WaitUntil) -> None:
    path = tmp_path / "r.sock"
    _server(start_process, tmp_path, "--port", "0", "--unixsocket", str(path))
    wait_until(path.exists, what="the socket")
    app = Celery("socket", broker=f"redis+socket://{path}?virtual_host=1", set_as_current=False)
    install(app)
    with redis.Redis(unix_socket_path=str(path), db=1) as client:
        wait_until(client.ping)
        app.send_task("note", queue="q")
        with app.connection_for_read() as connection:
            (taken,) = _drain(connection, 1)
            assert client.hkeys(keys.HELD) == [taken.delivery_tag.encode()]
            taken.ack()
            connection.default_channel.step()
        assert not client.exists(keys.HELD)
    app.close()


def test_it_finds_the_master_by_asking_a_sentinel(
    redis_url: str,
    redis_client: Any,
    tmp_path: Path,
    start_process: StartProcess,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CELERY_BROKER_URL")
    port, master = _free_port(), redis_url.split("/")[2].replace(":", " ")
    conf = tmp_path / "sentinel.conf"
    conf.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor mymaster {master} 1\n")
    start_process(str(find_server()), str(conf), "--sentinel", cwd=tmp_path, name="sentinel")
    with redis.Redis(port=port) as sentinel:
        wait_until(lambda: _answers(sentinel), what="the sentinel")
    # The second one is not there: the first is enough.
    app = Celery("watched", broker=f"sentinel://127.0.0.1:{port}/0;sentinel://127.0.0.1:1/0", set_as_current=False)
    app.conf.broker_transport_options = {"master_name": "mymaster"}
    install(app)
    redis_client.lpush("q", message(tag="t"))
    with app.connection_for_read() as connection:
        assert isinstance(connection.transport, LeasingSentinelTransport)
        assert [taken.delivery_tag for taken in _drain(connection, 1)] == ["t"]
    app.close()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
