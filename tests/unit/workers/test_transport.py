"""A Celery application is made to read by lease; what it sends still goes over plain Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tasks.errors import SettingsError
from tasks.redis.options import RedisOptions
from tasks.settings import settings
from workers.transport import install
from workers.transport.lease_step import LeaseStep
from workers.transport.transport import LeasingTransport


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    with Celery("one", broker=broker, set_as_current=False) as app:
        yield app


def test_an_application_reads_by_lease_and_sends_as_before(app: Celery, raw_redis: Any) -> None:
    install(app)
    with app.connection_for_read() as reading, app.connection_for_write() as writing:
        assert isinstance(reading.transport, LeasingTransport)
        assert not isinstance(writing.transport, LeasingTransport)
    app.send_task("note", queue="q")
    assert raw_redis.llen("q") == 1


def test_to_install_opens_no_connection_and_is_harmless_twice(unused_port: int, own_environment: None) -> None:
    with Celery("away", broker=f"redis://127.0.0.1:{unused_port}/0", set_as_current=False) as app:
        install(app)
        url = app.conf.broker_read_url
        install(app)
        assert url.startswith("slotline://")
        assert app.conf.broker_read_url == url
        assert list(app.steps["consumer"]).count(LeaseStep) == 1


def test_the_lease_and_the_share_are_those_of_the_settings_beside_the_brokers_own_options(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_LEASE_S", "7.5")
    monkeypatch.setenv("SLOTLINE_FAIR_SHARE", "0.2")
    settings.cache_clear()
    app.conf.broker_transport_options = {"master_name": "mymaster"}
    install(app)
    options = app.conf.broker_transport_options
    assert (options["master_name"], options["lease_s"], options["fair_share"]) == ("mymaster", 7.5, 0.2)
    assert options["socket_timeout"] == RedisOptions().socket_timeout


def test_a_key_prefix_is_refused(app: Celery) -> None:
    app.conf.broker_transport_options = {"global_keyprefix": "x:"}
    with pytest.raises(SettingsError, match="global_keyprefix"):
        install(app)


def test_a_broker_that_is_no_redis_is_refused(own_environment: None) -> None:
    with Celery("rabbit", broker="amqp://host//", set_as_current=False) as app:
        with pytest.raises(SettingsError, match="scheme 'amqp'"):
            install(app)
        assert not app.conf.broker_read_url.startswith("slotline")
