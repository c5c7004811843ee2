"""What is said of Redis: absent, hanging, refusing, too old, forgetful; each on a real server but the old one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tasks.redis import broker as brokers
from tasks.redis import rights
from tasks.settings import read
from tests.fixtures.redis_users import RedisUser
from tests.unit.workers.doctor.conftest import said
from workers.doctor import broker
from workers.doctor.broker import BrokerCheck, of_server, of_writes
from workers.stack.embedded_redis import EmbeddedRedis


def look(url: str, known: bool = True) -> list[str]:
    chosen = read({"CELERY_BROKER_URL": url})
    return said(BrokerCheck(chosen.model_copy(update={"broker_is_known": known})).look(lambda: ("espeak",)))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone, which keeps its data."""
    with EmbeddedRedis(tmp_path / "own", append_only=True) as own:
        yield own


@pytest.fixture
def configure(server: EmbeddedRedis) -> Callable[..., None]:
    """`configure(**settings)`: CONFIG SET on that server; `_` stands for `-`."""

    def configure(**settings: str) -> None:
        with redis.Redis.from_url(server.url) as client:
            for name, value in settings.items():
                client.config_set(name.replace("_", "-"), value)

    return configure


def test_a_server_that_keeps_its_data_is_fine(server: EmbeddedRedis) -> None:
    (line,) = look(server.url)
    assert line.startswith(f"✓ broker {server.url}: Redis ")


def test_where_nothing_is_set_up_nothing_is_wrong_but_a_broker_that_was_named_must_answer(unused_port: int) -> None:
    url = f"redis://localhost:{unused_port}/0"
    assert look(url, known=False) == [
        f"– broker none is set, no stack runs here, and no Redis answers at {url} → {brokers.START_ONE}"
    ]
    (line,) = look(url)
    assert line.startswith(f"✗ broker no Redis answers at {url} (")
    assert line.endswith(f"refused) → {brokers.START_ONE}")


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_hangs_is_wrong(known: bool, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWERS_WITHIN_S", 0.3)
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    try:
        (line,) = look(server.url, known)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert line.startswith("✗ broker ")
    assert "Timeout" in line
    assert line.endswith(f" → {broker.HANGS}")


def test_a_password_that_lacks_or_is_wrong_is_named_and_never_shown(
    server: EmbeddedRedis, configure: Callable[..., None]
) -> None:
    configure(requirepass="right")
    (line,) = look(server.url)
    assert "it asks for a password, and the URL has none" in line
    (line,) = look(server.url.replace("redis://", "redis://:sesame@"))
    assert line.startswith("✗ broker ")
    assert "the user or the password is wrong" in line
    assert "sesame" not in line
    with redis.Redis.from_url(server.url, password="right") as client:
        client.config_set("requirepass", "")  # so that it can be stopped at once


def test_an_old_server_is_wrong(server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "_version_and_mode", lambda client: ("6.0.16", "standalone"))
    assert look(server.url) == [
        "✗ broker CELERY_BROKER_URL: slotline needs Redis 6.2 or newer, this one is 6.0.16 → see docs/redis.md"
    ]


def test_a_server_that_may_lose_jobs_is_wrong(server: EmbeddedRedis, configure: Callable[..., None]) -> None:
    configure(appendonly="no", maxmemory="1gb", maxmemory_policy="allkeys-lru")
    _, keeps_nothing, throws_away = look(server.url)
    assert keeps_nothing.startswith("✗ broker Redis keeps nothing: its restart loses every job")
    assert keeps_nothing.endswith("→ set `appendonly yes`, or `slotline up` brings one that does")
    assert throws_away == (
        "✗ broker Redis may throw jobs away when it is full: its maxmemory-policy is allkeys-lru → set "
        "`maxmemory-policy noeviction`"
    )


def test_a_server_that_takes_no_writes_is_wrong(server: EmbeddedRedis, configure: Callable[..., None]) -> None:
    configure(maxmemory="1mb")
    configure(maxmemory="1")
    assert look(server.url)[1:] == [
        "✗ broker its memory is full (`maxmemory`), and it takes no writes → raise `maxmemory`"
    ]
    replica, disk = said(of_writes({"role": "slave", "aof_last_write_status": "err"}))
    assert replica.startswith("✗ broker it is a replica, which takes no writes")
    assert disk.startswith("✗ broker it cannot write to its own disk")
    assert (
        said(of_writes({"role": "master", "maxmemory": 1, "maxmemory_policy": "allkeys-lru", "used_memory": 2})) == []
    )


def test_a_user_with_too_few_rights_is_wrong_and_one_that_may_only_send_is_noted(redis_user: RedisUser) -> None:
    none = look(redis_user("poor", "+ping", "+hello", "+multi", "+exec", "+discard"))
    assert any(line.startswith("✗ broker the Redis user 'poor' lacks rights that a producer needs:") for line in none)
    producer = rights.PRODUCER.rights(0, ["espeak"])
    some = look(redis_user("sender", "-@all", *producer))
    assert any(
        line.startswith("– broker jobs can be sent from here, but the Redis user 'sender' lacks") for line in some
    )
    assert any(line.startswith("– broker whether Redis keeps its jobs is not known") for line in some)
    assert not any(line.startswith("✗") for line in some)


def test_a_machine_without_a_server_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert said(of_server())[0].startswith("✓ Redis server /")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (line,) = said(of_server())
    assert line.startswith("– Redis server no Redis server on this machine, which only `slotline up` needs → install")
