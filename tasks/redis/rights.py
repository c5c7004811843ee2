"""The rights that a Redis user needs, in Redis' own words for them (`+get`, `~slotline:*`), and which of them it lacks.

`docs/redis.md` has them as lines to paste; a test compares the two. The look is harmless: each command is queued in a
transaction that is discarded, because Redis checks rights before it queues. No right of its own is needed for it,
beside those that slotline needs anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.errors import BrokerRefused
from tasks.redis import keys
from tasks.redis.refusals import refusal
from tasks.routing import FLOW_QUEUE, queue_of

if TYPE_CHECKING:
    from redis import Redis

PAGE = "docs/redis.md, «Rights»"

_ALL = (
    "select ping multi exec discard evalsha script|load script|exists time publish "
    "get set del exists llen lpush sadd srem zadd zrem zrangebyscore "
)
_WORKER = _ALL + (
    "append blmove blpop expire getrange hdel hexists hget hgetall hincrby hincrbyfloat hmget hset hsetnx lindex lpop "
    "lpos lrange lrem persist pexpire psubscribe pttl punsubscribe rpop rpush scan setrange sismember smembers "
    "ttl unlink zcard zcount zrange zremrangebyscore zscan zscore "
)
_PRODUCER = _ALL + (
    "brpop getrange hdel hget hgetall hincrby hmget hset hsetnx lindex lrange lrem mget persist pexpire pttl "
    "rpush scan setrange smembers subscribe unlink unsubscribe zcard zcount zrange zrevrange zscan "
)
_FLOWER = _ALL + "brpop mget psubscribe punsubscribe smembers zrange "

OPTIONAL = ("info", "config|get", "client|info", "client|setinfo")
"""Commands that slotline does without: it then cannot say whether Redis keeps its data when it restarts."""

_ARGUMENTS = {
    "append": "{key} ''", "blmove": "{key} {key} RIGHT RIGHT 0.01", "blpop": "{key} 0.01", "brpop": "{key} 0.01",
    "del": "{key}", "evalsha": "0 0", "exists": "{key}", "expire": "{key} 1", "get": "{key}", "getrange": "{key} 0 0",
    "hdel": "{key} a", "hexists": "{key} a", "hget": "{key} a", "hgetall": "{key}", "hincrby": "{key} a 0",
    "hincrbyfloat": "{key} a 0", "hmget": "{key} a", "hset": "{key} a 0", "hsetnx": "{key} a 0",
    "lindex": "{key} 0", "llen": "{key}", "lpop": "{key}", "lpos": "{key} a", "lpush": "{key} a",
    "lrange": "{key} 0 0",
    "lrem": "{key} 1 a", "mget": "{key}", "persist": "{key}", "pexpire": "{key} 1", "ping": "",
    "psubscribe": "{channel}", "pttl": "{key}", "publish": "{channel} a", "punsubscribe": "{channel}", "rpop": "{key}",
    "rpush": "{key} a", "sadd": "{key} a", "scan": "0", "script|exists": "0", "script|load": "return", "select": "{db}",
    "set": "{key} a XX", "setrange": "{key} 0 a", "sismember": "{key} a", "smembers": "{key}",
    "srem": "{key} a", "subscribe": "{channel}", "time": "", "ttl": "{key}", "unlink": "{key}",
    "unsubscribe": "{channel}", "zadd": "{key} 0 a", "zcard": "{key}", "zcount": "{key} 0 0", "zrange": "{key} 0 0",
    "zrangebyscore": "{key} 0 0", "zrem": "{key} a", "zremrangebyscore": "{key} 0 0", "zrevrange": "{key} 0 0",
    "zscan": "{key} 0", "zscore": "{key} a",
}  # fmt: skip
"""What each command is queued with. Three are not queued: the transaction is made of them."""

_TRANSACTION = ("multi", "exec", "discard")


@dataclass(frozen=True)
class Role:
    """What one kind of Redis' clients needs: commands, and patterns of keys and channels.

    In the patterns `{db}` stands for the number of the database. The queues of all models come beside them.
    """

    name: str
    commands: tuple[str, ...]
    key_patterns: tuple[str, ...]
    channels: tuple[str, ...]

    def rights(self, db: int, models: Iterable[str]) -> tuple[str, ...]:
        """All of them, as `ACL SETUSER` reads them."""
        queues = sorted({f"{queue_of(model)}*" for model in models})
        return (
            *(f"+{command}" for command in self.commands),
            *(f"~{pattern}" for pattern in (*self.key_patterns, *queues)),
            *(f"&{channel.format(db=db)}" for channel in self.channels),
        )


def _role(name: str, commands: str, key_patterns: str, channels: str) -> Role:
    return Role(name, tuple(sorted(set(commands.split()))), tuple(key_patterns.split()), tuple(channels.split()))


_SHARED_KEYS = f"celery* {FLOW_QUEUE}* _kombu.binding* *.celery.pidbox*"

WORKER = _role(
    "worker", _WORKER, f"{keys.PREFIX}* {_SHARED_KEYS}", "/{db}.celery.pidbox /{db}.celeryev/* celery-task-meta-*"
)
"""Slot workers and flow workers: whichever holds the sweep works for all."""

PRODUCER = _role(
    "producer",
    _PRODUCER,
    f"{keys.PREFIX}* {_SHARED_KEYS} unacked*",
    "/{db}.celery.pidbox /{db}.celeryev/* celery-task-meta-*",
)
"""`producer.Client`, every `slotline` command, and plain Celery clients."""

FLOWER = _role("flower", _FLOWER, f"{_SHARED_KEYS} unacked*", "/{db}.celery.pidbox /{db}.celeryev/*")


def lacking(client: Redis, role: Role, models: Iterable[str]) -> tuple[str, ...]:
    """The rights of the role that the client's user lacks, as `ACL SETUSER` reads them; raises redis-py's errors."""
    db = int(client.connection_pool.connection_kwargs.get("db") or 0)
    if refused := _lacks_transactions(client):
        return refused
    probes = list(_probes(role.rights(db, models), db))
    answers = _queue_and_discard(client, [words for _, words, _ in probes])
    return tuple(right for (right, _, what), answer in zip(probes, answers, strict=True) if _lacks(answer) == what)


def check(client: Redis, role: Role, models: Iterable[str]) -> None:
    """Raise `BrokerRefused` with one line that names every right of the role that the client's user lacks."""
    if found := lacking(client, role, models):
        raise BrokerRefused(f"CELERY_BROKER_URL: {sentence(client, role, found)}")


def sentence(client: Redis, role: Role, rights: Sequence[str]) -> str:
    """One line without an address: whose rights are missing, which, and where the whole list is."""
    user = client.connection_pool.connection_kwargs.get("username") or "default"
    return f"the Redis user {user!r} lacks rights that a {role.name} needs: {' '.join(rights)} ({PAGE})"


def _probes(rights: Iterable[str], db: int) -> Iterator[tuple[str, list[str], str]]:
    """Each right, the command that needs it, and what the refusal is about if the right is missing."""
    channel = f"/{db}.celery.pidbox"
    for right in rights:
        kind, name = right[0], right[1:]
        if kind == "+" and name not in _TRANSACTION:
            arguments = _ARGUMENTS[name].format(key=keys.RIGHTS, channel=channel, db=db)
            yield right, [*name.split("|"), *arguments.split()], "command"
        elif kind == "~":
            yield right, ["set", _example(name), "a", "XX"], "key"
        elif kind == "&":
            yield right, ["publish", _example(name), "a"], "channel"


def _example(pattern: str) -> str:
    """A name that only this pattern allows."""
    return pattern.replace("*", "slotline-rights")


def _lacks(answer: Any) -> str:
    """To what the user lacks a right, by the server's answer; empty where it does not."""
    found = refusal(answer) if isinstance(answer, Exception) else None
    return found.lacks if found else ""


def _lacks_transactions(client: Redis) -> tuple[str, ...]:
    """Which commands of a transaction may not be run; without them nothing else may be looked at."""
    answers = _ask(client, [["MULTI"], ["EXEC"], ["MULTI"], ["DISCARD"]])
    refused = [bool(_lacks(answer)) for answer in answers]
    if any(refused):
        client.connection_pool.disconnect()  # a transaction may still be open
    names = ("multi", "exec", "multi", "discard")
    return tuple(dict.fromkeys(f"+{name}" for name, is_refused in zip(names, refused, strict=True) if is_refused))


def _queue_and_discard(client: Redis, commands: Sequence[Sequence[str]]) -> list[Any]:
    return _ask(client, [["MULTI"], *commands, ["DISCARD"]])[1:-1]


def _ask(client: Redis, commands: Sequence[Sequence[str]]) -> list[Any]:
    """The plain answers, errors among them, of one connection in one round trip."""
    pipe: Any = client.pipeline(transaction=False)
    for name, *arguments in commands:
        pipe.execute_command(name.encode(), *arguments)  # as bytes, because redis-py would read «QUEUED» as an answer
    return list(pipe.execute(raise_on_error=False))
