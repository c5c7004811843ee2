"""Each kind of broker is reached: TCP with TLS, a Unix socket, a Sentinel."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection

from tasks.redis import broker, keys
from tasks.settings import settings
from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import drain, message
from workers.stack.embedded_redis import find_server
from workers.transport import install, reading_url
from workers.transport.transport import LeasingSentinelTransport, LeasingTransport


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
            (taken,) = drain(connection, 1)
            assert client.hkeys(keys.HELD) == [taken.delivery_tag.encode()]
            taken.ack()
            connection.default_channel.step()
        assert not client.exists(keys.HELD)
    app.close()


def test_it_finds_the_master_by_asking_a_sentinel_that_has_a_password_of_its_own(
    redis_url: str,
    redis_client: Any,
    unused_port: int,
    tmp_path: Path,
    start_process: StartProcess,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, master = unused_port, redis_url.split("/")[2].replace(":", " ")
    conf = tmp_path / "sentinel.conf"
    conf.write_text(f"port {port}\nbind 127.0.0.1\nrequirepass own\nsentinel monitor mymaster {master} 1\n")
    start_process(str(find_server()), str(conf), "--sentinel", cwd=tmp_path, name="sentinel")
    with redis.Redis(port=port, password="own") as sentinel:
        wait_until(lambda: _answers(sentinel), what="the sentinel")
    # The second one is not there: the first is enough.
    url = f"sentinel://127.0.0.1:{port}/0;sentinel://127.0.0.1:1/0"
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    monkeypatch.setenv("SLOTLINE_REDIS_OPTIONS", "sentinel_password=own")
    settings.cache_clear()
    with broker.connected(url) as client:
        assert client.ping()
    app = Celery("watched", broker=url, set_as_current=False)
    install(app)
    redis_client.lpush("q", message(tag="t"))
    with app.connection_for_read() as connection:
        assert isinstance(connection.transport, LeasingSentinelTransport)
        assert [taken.delivery_tag for taken in drain(connection, 1)] == ["t"]
    app.close()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
