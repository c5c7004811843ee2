"""A process's leases on messages: reserve, acknowledge, give back, renew, reclaim.

One `Leases` a process and broker, over one lasting plain client, so that an
acknowledgement that comes after its channel was closed still reaches Redis. It knows
nothing of Celery and starts no thread or timer; `renewal.py` keeps the beat. What it
decides is decided by Lua scripts (`lua/*.lua`; each head names its keys and guarantee),
and all times are Redis' own clock.

Guarantee: acknowledgements and returns are kept until Redis has answered, however often
the connection is lost in between; sending one twice changes nothing.
"""

from __future__ import annotations

import functools
import itertools
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from redis import Redis
from redis.commands.core import Script

from tasks import keys
from tasks.errors import SettingsError

OLDEST_REDIS = (6, 2)
"""BLMOVE (the peek), RPOP with a count and ZRANGE BYSCORE came with it."""


@dataclass(frozen=True)
class Held:
    """A message that this process holds: its key, the list it came from, and itself as it came."""

    key: str
    queue_list: str
    message: bytes


@dataclass(frozen=True)
class SetAside:
    """A message that was moved out of the way unread, and why."""

    queue_list: str
    reason: str


@dataclass(frozen=True)
class Reserved:
    """What one reserve brought. `more` says that it stopped at a limit, so another may bring more."""

    taken: Sequence[Held] = ()
    set_aside: Sequence[SetAside] = ()
    more: bool = False


@functools.cache
def _source(name: str) -> str:
    folder = resources.files("workers.transport") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("_head", name))


class Leases:
    """The messages that this process has in hand; safe to use from several threads of it, never after a fork."""

    def __init__(self, client: Redis, lease_s: float, holder: str | None = None) -> None:
        self.client = client
        self.lease_s = lease_s
        # Host and process are for people; the token makes it nobody else's.
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._lock = threading.Lock()
        self._in_hand: dict[str, int] = {}  # key -> its turn: the how-manieth message this process has taken
        self._acks: dict[str, None] = {}
        self._returns: dict[str, int] = {}
        self._turns = itertools.count(1)

    def check_server(self) -> None:
        """Raise `SettingsError` when the server is too old for the scripts."""
        version = str(self.client.info("server")["redis_version"])
        if tuple(int(digits) for digits in version.split(".")[:2]) < OLDEST_REDIS:
            raise SettingsError(f"CELERY_BROKER_URL: Redis 6.2 or newer is needed, this one is {version}")

    def in_hand(self) -> tuple[str, ...]:
        """Keys of the messages reserved and neither acknowledged nor given back, in the order of their reserving."""
        with self._lock:
            return tuple(self._in_hand)

    @property
    def count(self) -> int:
        """How many messages are in hand."""
        return len(self._in_hand)

    @property
    def has_unsent(self) -> bool:
        """Whether acknowledgements or returns wait to be sent."""
        return bool(self._acks or self._returns)

    def reserve(self, lists: Sequence[str], k: int) -> Reserved:
        """Take up to `k` messages from `lists`, the most urgent list first, and send what is unsent on the way."""
        self._send_returns()
        with self._lock:
            acks = tuple(self._acks)
        taken, aside, more = self._run("reserve", [keys.SET_ASIDE, *lists], [self._lease_ms, k if lists else 0, *acks])
        held = [
            Held(_text(key), _text(queue_list), message)
            for key, queue_list, message in zip(taken[0::3], taken[1::3], taken[2::3], strict=True)
        ]
        with self._lock:
            for key in acks:
                self._acks.pop(key, None)
            self._in_hand.update((one.key, next(self._turns)) for one in held)
        refused = [SetAside(_text(name), _text(why)) for name, why in zip(aside[0::2], aside[1::2], strict=True)]
        return Reserved(held, refused, bool(more))

    def ack(self, key: str) -> None:
        """Let go of a message for good: it is done. Sent with the next `reserve` or `flush`."""
        with self._lock:
            self._in_hand.pop(key, None)
            self._acks[key] = None

    def give_back(self, tags: Iterable[str]) -> None:
        """Let go of messages, to the front of their lists; sent with the next `reserve` or `flush`.

        Those of one sending keep the order in which they were taken, whatever the order of these calls.
        """
        with self._lock:
            for key in tags:
                self._returns[key] = self._in_hand.pop(key, 0)

    def flush(self) -> None:
        """Send what is unsent; raises redis-py's own errors, and then keeps it."""
        if self.has_unsent:
            self.reserve([], 0)

    def renew(self, tags: Sequence[str]) -> set[str]:
        """Make the leases of `tags` last from now on; gives those that are not ours any more."""
        if not tags:
            return set()
        return {_text(key) for key in self._run("renew", [], [self._lease_ms, *tags])}

    def reclaim(self, limit: int, ended_within_s: float | None = None) -> list[str]:
        """Put up to `limit` messages whose lease has ended, of whatever holder, back to the front of their lists.

        `ended_within_s`: only leases that ended no longer ago. Gives the former holders,
        one a message: as many as were moved.
        """
        within_ms = -1 if ended_within_s is None else int(ended_within_s * 1000)
        return [_text(holder) for holder in self._run("reclaim", [], [limit, within_ms])]

    def set_aside(self, key: str, reason: str) -> bool:
        """Move a message in hand out of the way, with the reason; false when it was not ours any more."""
        moved = bool(self._run("set_aside", [keys.SET_ASIDE], [key, reason]))
        with self._lock:
            self._in_hand.pop(key, None)
        return moved

    def server_uptime_s(self) -> float:
        """How long the server has been up; whole seconds."""
        return float(self.client.info("server")["uptime_in_seconds"])

    @property
    def _lease_ms(self) -> int:
        return int(self.lease_s * 1000)

    def _send_returns(self) -> None:
        with self._lock:
            returns = sorted(self._returns, key=self._returns.__getitem__)
        if returns:
            self._run("give_back", [], returns)
            with self._lock:
                for key in returns:
                    self._returns.pop(key, None)

    @functools.cached_property
    def _scripts(self) -> dict[str, Script]:
        names = ("reserve", "give_back", "renew", "reclaim", "set_aside")
        return {name: self.client.register_script(_source(name)) for name in names}

    def _run(self, name: str, more_keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        return self._scripts[name](keys=[keys.HELD, keys.LEASES, *more_keys], args=[self.holder, *arguments])


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw


_of_process: dict[str, Leases] = {}


def of_process(broker: str, connect: Callable[[], Redis], lease_s: float) -> Leases:
    """This process's leases at `broker`, made the first time; raises `SettingsError` for too old a server."""
    leases = _of_process.get(broker)
    if leases is None:
        leases = Leases(connect(), lease_s)
        leases.check_server()
        _of_process[broker] = leases
    return leases


def all_of_process() -> tuple[Leases, ...]:
    """Every `Leases` of this process: one a broker, so one as a rule."""
    return tuple(_of_process.values())


# A child must share neither the socket nor the holder's name with its parent.
os.register_at_fork(after_in_child=_of_process.clear)
