"""What redis-py raises for each refusal, as a real server sends it, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.redis import refusals
from workers.stack.embedded_redis import EmbeddedRedis

Ask = Callable[..., BaseException]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A server whose settings these tests change."""
    with EmbeddedRedis(tmp_path_factory.mktemp("refuses")) as server:
        yield server


@pytest.fixture
def admin(own: EmbeddedRedis) -> Iterator[Any]:
    with redis.Redis(port=own.port) as client:
        yield client
        client.replicaof("NO", "ONE")
        for name, value in {"maxmemory": "0", "maxclients": "1000", "requirepass": ""}.items():
            client.config_set(name, value)
        client.flushall()


@pytest.fixture
def error_of(own: EmbeddedRedis) -> Ask:
    """`error_of(*command, **connection)`: what redis-py raises for the command."""

    def ask(*command: Any, **connection: Any) -> BaseException:
        once = Retry(NoBackoff(), 0)
        with redis.Redis(port=own.port, retry=once, **connection) as client, pytest.raises(redis.RedisError) as raised:
            client.execute_command(*command)
        return raised.value

    return ask


def words_of(error: BaseException) -> str:
    found = refusals.refusal(error)
    assert found is not None, repr(error)
    return found.words


SCRIPT = ("EVAL", "return redis.call('SET', KEYS[1], '1')", 1)


def test_a_missing_right_to_a_command_a_key_and_a_channel_is_read(admin: Any, error_of: Ask) -> None:
    rights = "reset on >pw -@all resetchannels +get +eval +publish ~a:* &one"
    admin.execute_command("ACL", "SETUSER", "bob", *rights.split())
    bob = {"username": "bob", "password": "pw"}
    assert words_of(error_of("HGETALL", "a:1", **bob)) == "its user may not run the command HGETALL"
    assert words_of(error_of("GET", "b", **bob)) == "its user may not use a key of a command"
    assert words_of(error_of("PUBLISH", "two", "x", **bob)) == "its user may not use a channel of a command"
    assert words_of(error_of(*SCRIPT, "a:1", **bob)) == "its user may not run a command of a script"
    admin.execute_command("ACL", "SETUSER", "bob", "+set")
    inner = ("EVAL", "return redis.call('SET', 'b', '1')", 0)
    assert words_of(error_of(*inner, **bob)) == "its user may not use a key of a command"
    found = refusals.refusal(error_of("CONFIG", "GET", "save", **bob))
    assert found is not None
    assert found.lacks == "command"
    assert found.words.startswith("its user may not run the command CONFIG")


def test_a_wrong_password_and_a_missing_one_are_named(admin: Any, error_of: Ask) -> None:
    assert "the user or the password is wrong" in words_of(error_of("PING", username="eve", password="no"))
    admin.config_set("requirepass", "secret")
    assert "it asks for a password" in words_of(error_of("PING"))
    assert "it asks for a password" in words_of(error_of("PING", protocol=2))
    assert "the user or the password is wrong" in words_of(error_of("PING", password="no", protocol=2))


@pytest.mark.parametrize("command", [("SET", "a", "1"), (*SCRIPT, "a")])
def test_a_full_server_and_a_replica_are_named_also_from_inside_a_script(
    admin: Any, error_of: Ask, command: tuple[Any, ...]
) -> None:
    admin.config_set("maxmemory", "1")
    assert words_of(error_of(*command)).startswith("its memory is full")
    admin.config_set("maxmemory", "0")
    admin.replicaof("127.0.0.1", 1)
    found = refusals.refusal(error_of(*command))
    assert found is not None
    assert found.may_pass
    assert found.words.startswith("it is a replica, which takes no writes")


def test_a_database_that_is_not_there_and_a_limit_of_connections_are_named(admin: Any, error_of: Ask) -> None:
    assert "number of a database that it does not have" in words_of(error_of("PING", db=99))
    admin.config_set("maxclients", "1")
    assert "as many connections as it allows" in words_of(error_of("PING"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MOVED 3999 127.0.0.1:6381", "Redis Cluster"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "Redis Cluster"),
        ("ERR SELECT is not allowed in cluster mode", "Redis Cluster"),
        ("DENIED Redis is running in protected mode because protected mode is enabled", "protected mode"),
        ("MISCONF Redis is configured to save RDB snapshots", "cannot write to its own disk"),
        ("LOADING Redis is loading the dataset in memory", "reads its data"),
        ("MASTERDOWN Link with MASTER is down", "lost its master"),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
        ("BUSY Redis is busy running a script.", "a script that does not end"),
        ("ERR unknown command `INFO`, with args beginning with: ", "has no command INFO"),
        ("NOPERM User bob has no permissions to run the 'client|setname' command", "run the command CLIENT SETNAME"),
    ],
)
def test_words_of_servers_that_a_test_cannot_easily_start(text: str, words: str) -> None:
    assert words in words_of(redis.ResponseError(text))


@pytest.mark.parametrize(
    "error",
    [
        redis.ResponseError("user_script:3: attempt to index a nil value"),
        redis.ConnectionError("Error 111 connecting to localhost:1. Connection refused."),
        ValueError("NOPERM in a text of somebody else's"),
    ],
)
def test_any_other_error_stays_what_it_is(error: BaseException) -> None:
    assert refusals.refusal(error) is None
    assert refusals.words(error) == str(error)


def test_an_error_that_another_caused_is_found(error_of: Ask, admin: Any, tmp_path: Path) -> None:
    outer = OSError("kombu's own")
    outer.__cause__ = error_of("PING", db=99)
    assert "a database that it does not have" in words_of(outer)
    assert "Redis refuses: " in refusals.words(outer)


def test_refusals_for_a_missing_right_are_counted_and_others_are_not() -> None:
    before = refusals.rights_refused()
    refusals.words(redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"))
    refusals.words(ValueError("NOPERM in a text of somebody else's"))
    assert refusals.rights_refused() == before
    refusals.words(redis.ResponseError("NOPERM User bob has no permissions to run the 'get' command"))
    assert refusals.rights_refused() == before + 1
