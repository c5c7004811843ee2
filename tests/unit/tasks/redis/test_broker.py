"""One sentence for each thing that can be wrong with the broker, and no password in any of them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from producer import Client
from tasks.errors import BrokerRefused, BrokerUnavailable
from tasks.redis import broker as plain
from tasks.redis import tls
from tasks.settings import settings
from tests.fixtures.commands import Slotline
from tests.fixtures.ports import free_port
from workers.stack.embedded_redis import EmbeddedRedis


def test_a_silent_broker_is_one_line_without_its_password() -> None:
    url = "redis://:secret@127.0.0.1:1/0"
    with pytest.raises(BrokerUnavailable) as refused, plain.speaking(url):
        plain.client(url).ping()
    line = str(refused.value)
    assert line.startswith("no Redis answers at redis://:**@127.0.0.1:1/0 (")
    assert line.endswith("start one with `slotline up`, or set CELERY_BROKER_URL")


def test_where_no_broker_is_set_and_no_stack_runs_the_line_says_so(own_environment: None) -> None:
    default = "redis://localhost:6379/0"
    line = str(plain.unavailable(default, ConnectionError("refused")))
    assert line.startswith("no broker is set, no stack runs here, and no Redis answers at redis://localhost:6379/0 (")
    assert "no broker is set" not in str(plain.unavailable("redis://localhost:6380/0", ConnectionError("refused")))


def test_the_redis_of_the_tests_is_new_enough(broker: str) -> None:
    with Redis.from_url(broker) as client:
        plain.check_server(client)


def by_command(url: str) -> None:
    with plain.connected(url):
        pass


@pytest.mark.parametrize("ask", [by_command, lambda url: Client(url).check()], ids=["command", "client"])
def test_a_redis_that_hangs_is_asked_once_before_a_command_gives_up(
    own_environment: None, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], None]
) -> None:
    monkeypatch.setattr(tls, "LIMIT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # the kernel accepts, nobody answers
        url = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        monkeypatch.setenv("CELERY_BROKER_URL", url)
        monkeypatch.setenv("SLOTLINE_REDIS_OPTIONS", "socket_timeout=0.2")
        settings.cache_clear()
        with pytest.raises(BrokerUnavailable, match="no Redis answers"):
            ask(url)
        assert [said[:1] for said in received(hanging)].count(b"*") == 1


def received(server: socket.socket) -> Iterator[bytes]:
    """What came by each connection that was made until now."""
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = server.accept()
            with connection:
                yield connection.recv(4096)


def test_after_the_first_question_a_client_tries_again_as_ever(broker: str) -> None:
    with plain.connected(broker) as client:
        retry = client.get_retry()
        assert retry is not None
        retry.call_with_retry(Moody(RedisTimeoutError("lost")).ask, lambda error: None)


class Moody:
    """Fails once."""

    def __init__(self, error: Exception) -> None:
        self._errors = [error]

    def ask(self) -> None:
        if self._errors:
            raise self._errors.pop()


def answers(hello: Any = None, info: Any = None) -> Any:
    """A client whose server knows HELLO, or INFO alone."""

    def execute_command(name: str) -> Any:
        if hello is None:
            raise ResponseError(f"unknown command '{name}'")
        return hello

    def info_of(section: str) -> Any:
        if info is None:
            raise NoPermissionError("this user has no permissions to run the 'info' command")
        return info

    return SimpleNamespace(execute_command=execute_command, info=info_of)


@pytest.mark.parametrize(("version", "is_new_enough"), [("6.0.16", False), ("6.2.0", True), ("10.0.1", True)])
def test_an_old_redis_is_refused_by_its_version(version: str, is_new_enough: bool) -> None:
    for client in (
        answers(hello=[b"server", b"redis", b"version", version.encode(), b"mode", b"standalone"]),
        answers(hello={b"version": version.encode()}),
        answers(info={"redis_version": version}),
    ):
        if is_new_enough:
            plain.check_server(client)
            continue
        with pytest.raises(BrokerRefused, match=r"6\.2 or newer.*6\.0\.16"):
            plain.check_server(client)


def test_a_server_that_says_nothing_about_itself_is_not_checked() -> None:
    plain.check_server(answers())


def test_a_wrong_call_stays_what_it_is(broker: str) -> None:
    with Redis.from_url(broker) as client:
        client.set("a", "1")
    with pytest.raises(ResponseError, match="wrong kind"), plain.connected(broker) as client:
        client.lpush("a", "1")


class ClusterRedis(EmbeddedRedis):
    """A whole cluster of one server."""

    def _arguments(self) -> list[str]:
        return [*super()._arguments(), "--cluster-enabled", "yes"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL. It has all hash slots, so single keys can be read and written."""
    # A cluster's servers speak to each other on their port + 10000, so not every port is low enough.
    with ClusterRedis(tmp_path_factory.mktemp("cluster"), port=free_port()) as server:
        with Redis(port=server.port) as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        yield server.url


def test_a_cluster_is_refused_by_that_name(cluster: str) -> None:
    with pytest.raises(BrokerRefused, match="Redis Cluster"), plain.connected(cluster):
        pass


@pytest.mark.parametrize("words", ["health", "slots", "jobs", "failed", "model status", "watch x", "retry x", "prune"])
def test_each_command_refuses_a_cluster_in_one_line(
    cluster: str, slotline: Slotline, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", cluster)
    settings.cache_clear()
    said = slotline(*words.split())
    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "Redis Cluster" in said.err
