"""A process's leases on messages: reserve, acknowledge, give back, renew, reclaim.

One `Leases` a process and broker, over one lasting plain client, so that an
acknowledgement that comes after its channel was closed still reaches Redis. It knows
nothing of Celery and starts no thread or timer; `renewal.py` renews on time. All decisions
are made by Lua scripts (`lua/*.lua`; each head names its keys and guarantee),
and all times are Redis' own clock.

Guarantee: acknowledgements and returns are kept until Redis has answered, however often
the connection is lost in between; sending one twice changes nothing.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError

from tasks.redis import keys
from tasks.redis.broker import check_server
from tasks.redis.scripts import Scripts
from tasks.settings import beat_s
from workers.transport.holdings import Loaded

IDLE_S = 0.6
"""For how long messages are left to a slot that found none; such a slot looks again every third of this."""

UNKNOWN_SERVER = "unknown"


def steady_s() -> float:
    """Seconds on a clock that only goes forward, also while the host is suspended. Not the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


@dataclass(frozen=True)
class Held:
    """A message that this process holds: its key, the list that it came from, and its bytes."""

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
    """What one reserve brought. `more` says that it stopped at a limit, so another may bring more.

    `held_back` says that messages were left to idle slots, `paused` that a queue is paused and was left alone.
    """

    taken: Sequence[Held] = ()
    set_aside: Sequence[SetAside] = ()
    more: bool = False
    held_back: bool = False
    paused: bool = False


@dataclass(frozen=True)
class Share:
    """With whom a slot shares what waits: the key of who is idle (`keys.idle`), and the messages of one batch.

    `loaded` is what it has loaded, `default_word` that of a registry's default model (`lua/_prefer.lua`).
    """

    idle_key: str
    batch_size: int
    loaded: Loaded = ""
    default_word: str = ""


class Leases:
    """The messages that this process holds; safe to use from several of its threads, never after a fork."""

    def __init__(
        self,
        client: Redis,
        lease_s: float,
        holder: str | None = None,
        renewal_client: Redis | None = None,
        fair_share: float = 0.1,
    ) -> None:
        self.client = client
        self._fair_share = fair_share
        self._scripts = Scripts(client, "workers.transport", shared=("set_aside", "delayed"))
        # Renewal has its own: it must not wait behind a command that waits for a silent server.
        self._renewal_client = renewal_client or client
        self.lease_s = lease_s
        # Host and process are for people; the token makes the name unique.
        self.holder = holder or f"{_word(socket.gethostname())}:{os.getpid()}:{secrets.token_hex(8)}"
        self._lock = threading.Lock()
        # One thread sends at a time: a late return would give back a message that was taken again since then.
        self._sending = threading.Lock()
        self._held: dict[str, int] = {}  # key -> sequence number, in the order of taking
        self._acks: dict[str, None] = {}
        self._returns: dict[str, int] = {}
        self._sequence = itertools.count(1)
        self._server_clock: tuple[float, float] | None = None  # Redis' clock, and the steady one at that moment

    @property
    def redis_time(self) -> float:
        """Redis' clock in seconds since 1970, as of the last answer; this host's clock before the first one."""
        if self._server_clock is None:
            return time.time()
        server_s, at = self._server_clock
        return server_s + steady_s() - at

    def held_keys(self) -> tuple[str, ...]:
        """Keys of the messages that are held: neither acknowledged nor given back. In the order of taking."""
        with self._lock:
            return tuple(self._held)

    @property
    def count(self) -> int:
        """How many messages are held."""
        return len(self._held)

    @property
    def has_unsent(self) -> bool:
        """Whether acknowledgements or returns wait to be sent."""
        return bool(self._acks or self._returns)

    def reserve(self, lists: Sequence[str], k: int, share: Share | None = None) -> Reserved:
        """Take up to `k` messages from `lists`, the most urgent list first, and send what was not sent yet.

        While it has something, each less urgent list gets `fair_share` of what is taken.
        With `share`, no more than this slot's share while other slots are idle (hold nothing).
        An answer that comes later than the lease (the process was frozen) is given back, not taken.
        """
        with self._sending:
            return self._reserve(lists, k, share)

    def _reserve(self, lists: Sequence[str], k: int, share: Share | None = None) -> Reserved:
        self._send_returns()
        asked = steady_s()
        with self._lock:
            acks = tuple(self._acks)
        script_keys = [keys.SET_ASIDE, share.idle_key if share else keys.NOTHING, *lists]
        shared: list[float | str] = [share.batch_size if share else 0, self.count, int(IDLE_S * 1000), self._fair_share]
        shared += [share.loaded, share.default_word] if share else ["", ""]
        taken, aside, more, held_back, now_ms, paused = self._run(
            "reserve", script_keys, [self._lease_ms, k if lists else 0, *shared, *acks]
        )
        answered = steady_s()
        self._server_clock = (int(now_ms) / 1000, (asked + answered) / 2)
        held = [
            Held(_text(key), _text(queue_list), message)
            for key, queue_list, message in zip(taken[0::3], taken[1::3], taken[2::3], strict=True)
        ]
        with self._lock:
            for key in acks:
                self._acks.pop(key, None)
            self._held.update((one.key, next(self._sequence)) for one in held)
        if answered - asked > self.lease_s:
            self.give_back(one.key for one in held)
            held, more = [], 1
        refused = [SetAside(_text(name), _text(why)) for name, why in zip(aside[0::2], aside[1::2], strict=True)]
        return Reserved(held, refused, bool(more), bool(held_back), bool(paused))

    def ack(self, key: str) -> None:
        """Let go of a message for good: it is done. Sent with the next `reserve` or `flush`."""
        with self._lock:
            self._held.pop(key, None)
            self._acks[key] = None

    def give_back(self, tags: Iterable[str]) -> None:
        """Let go of messages, to the front of their lists; sent with the next `reserve` or `flush`.

        Those of one sending keep the order in which they were taken, whatever the order of these calls.
        """
        with self._lock:
            for key in tags:
                number = self._held.pop(key, 0)
                self._returns[key] = number or self._returns.get(key, 0)

    def flush(self) -> None:
        """Send what was not sent yet, unless another thread does; keeps it where redis-py raises an error."""
        if self.has_unsent and self._sending.acquire(blocking=False):
            try:
                self._reserve([], 0)
            finally:
                self._sending.release()

    def renew(self, tags: Sequence[str]) -> set[str]:
        """Renew the leases of `tags`; returns those that this process no longer holds."""
        if not tags:
            return set()
        return {_text(key) for key in self._run("renew", [], [self._lease_ms, *tags], self._renewal_client)}

    def reclaim(self, limit: int, server: str = "", unwatched_s: float = 0.0) -> list[str]:
        """Put up to `limit` messages whose lease has ended, of any holder, back to the front of their lists.

        With `server` (see `server_id`) only while holders had the chance to renew: when no worker has renewed
        or reclaimed for longer than `unwatched_s`, or not at this server, nothing is moved for one lease.
        Returns the former holders, one for each message that was moved.
        """
        arguments = [limit, server, self._lease_ms, int(unwatched_s * 1000)]
        return [_text(holder) for holder in self._run("reclaim", [keys.BEAT], arguments, self._renewal_client)]

    def set_aside(self, key: str, reason: str) -> bool:
        """Set aside a message that is held, with the reason; False when this process no longer held it."""
        moved = bool(self._run("set_aside", [keys.SET_ASIDE], [key, reason]))
        with self._lock:
            self._held.pop(key, None)
        return moved

    def server_id(self) -> str:
        """The server's run id: another one after each of its starts, and after a failover.

        The same word for every server where the user may not run INFO: then only the time without a look shows that
        holders had no chance to renew.
        """
        try:
            return str(self._renewal_client.info("server")["run_id"])
        except NoPermissionError:
            return UNKNOWN_SERVER

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

    def _run(self, name: str, more_keys: Sequence[str], arguments: Sequence[Any], client: Redis | None = None) -> Any:
        script_keys = [keys.HELD, keys.LEASES, *more_keys]
        return self._scripts.run(name, script_keys, [self.holder, *arguments], client)


def _word(name: str) -> str:
    """A host's name without what would end a line or a field."""
    return re.sub(r"[^!-~]", "_", name)


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw


_by_broker: dict[str, Leases] = {}


def leases_of_process(
    broker: str, connect: Callable[[float | None], Redis], lease_s: float, fair_share: float = 0.1
) -> Leases:
    """This process's leases at `broker`, made the first time; raises `BrokerRefused` for too old a server.

    `connect(seconds)` makes a client of its own that waits at most so long for an answer (None: as long as any other).
    """
    leases = _by_broker.get(broker)
    if leases is None:
        leases = Leases(connect(None), lease_s, renewal_client=connect(beat_s(lease_s)), fair_share=fair_share)
        check_server(leases.client)
        _by_broker[broker] = leases
    return leases


def all_leases_of_process() -> tuple[Leases, ...]:
    """Every `Leases` of this process: one for each broker, so usually one."""
    return tuple(_by_broker.values())


# A child must share neither the socket nor the holder's name with its parent.
os.register_at_fork(after_in_child=_by_broker.clear)
