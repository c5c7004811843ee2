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

import itertools
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from tasks import keys
from tasks.broker import check_version
from tasks.scripts import Scripts
from tasks.settings import beat_s

ANSWER_LIMIT_S = 10.0
"""A server that takes longer than this over one script counts as gone."""

IDLE_S = 0.6
"""For how long work is left to a slot that found none; it looks again three times as often."""


def passing_s() -> float:
    """Seconds on a clock that only goes forward, also while the host is suspended; no wall clock moves it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


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
    """What one reserve brought. `more` says that it stopped at a limit, so another may bring more.

    `held_back` says that messages were left to idle slots.
    """

    taken: Sequence[Held] = ()
    set_aside: Sequence[SetAside] = ()
    more: bool = False
    held_back: bool = False


@dataclass(frozen=True)
class Share:
    """With whom a slot shares what waits: the key of who is idle (`keys.idle`), and the messages of one batch."""

    idle_key: str
    batch_size: int


class Leases:
    """The messages that this process has in hand; safe to use from several threads of it, never after a fork."""

    def __init__(
        self, client: Redis, lease_s: float, holder: str | None = None, beat_client: Redis | None = None
    ) -> None:
        self.client = client
        self._scripts = Scripts(client, "workers.transport")
        # The beat's own: it must not wait behind a command that waits for a silent server.
        self._beat_client = beat_client or client
        self.lease_s = lease_s
        # Host and process are for people; the token makes it nobody else's.
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._lock = threading.Lock()
        # One sends at a time: a return sent late would give back what was taken again meanwhile.
        self._sending = threading.Lock()
        self._in_hand: dict[str, int] = {}  # key -> its turn: the how-manieth message this process has taken
        self._acks: dict[str, None] = {}
        self._returns: dict[str, int] = {}
        self._turns = itertools.count(1)

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

    def reserve(self, lists: Sequence[str], k: int, share: Share | None = None) -> Reserved:
        """Take up to `k` messages from `lists`, the most urgent list first, and send what is unsent on the way.

        With `share` no more than is this slot's while others are idle; idle is who has nothing in hand.
        What comes later than its lease (the process was frozen meanwhile) is given back, not taken.
        """
        with self._sending:
            return self._reserve(lists, k, share)

    def _reserve(self, lists: Sequence[str], k: int, share: Share | None = None) -> Reserved:
        self._send_returns()
        asked = passing_s()
        with self._lock:
            acks = tuple(self._acks)
        script_keys = [keys.SET_ASIDE, share.idle_key if share else keys.NOTHING, *lists]
        shared = [share.batch_size if share else 0, self.count, int(IDLE_S * 1000)]
        taken, aside, more, held_back = self._run(
            "reserve", script_keys, [self._lease_ms, k if lists else 0, *shared, *acks]
        )
        held = [
            Held(_text(key), _text(queue_list), message)
            for key, queue_list, message in zip(taken[0::3], taken[1::3], taken[2::3], strict=True)
        ]
        with self._lock:
            for key in acks:
                self._acks.pop(key, None)
            self._in_hand.update((one.key, next(self._turns)) for one in held)
        if passing_s() - asked > self.lease_s:
            self.give_back(one.key for one in held)
            held, more = [], 1
        refused = [SetAside(_text(name), _text(why)) for name, why in zip(aside[0::2], aside[1::2], strict=True)]
        return Reserved(held, refused, bool(more), bool(held_back))

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
                turn = self._in_hand.pop(key, 0)
                self._returns[key] = turn or self._returns.get(key, 0)

    def flush(self) -> None:
        """Send what is unsent, unless another thread does; raises redis-py's own errors, and then keeps it."""
        if self.has_unsent and self._sending.acquire(blocking=False):
            try:
                self._reserve([], 0)
            finally:
                self._sending.release()

    def renew(self, tags: Sequence[str]) -> set[str]:
        """Make the leases of `tags` last from now on; gives those that are not ours any more."""
        if not tags:
            return set()
        return {_text(key) for key in self._run("renew", [], [self._lease_ms, *tags], self._beat_client)}

    def reclaim(self, limit: int, server: str = "", unwatched_s: float = 0.0) -> list[str]:
        """Put up to `limit` messages whose lease has ended, of whatever holder, back to the front of their lists.

        With `server` (see `server_id`) only while holders had the chance to renew: when nobody has looked
        after the leases for longer than `unwatched_s`, or not at this server, nothing is moved for one
        lease. Gives the former holders, one a message: as many as were moved.
        """
        arguments = [limit, server, self._lease_ms, int(unwatched_s * 1000)]
        return [_text(holder) for holder in self._run("reclaim", [keys.BEAT], arguments, self._beat_client)]

    def set_aside(self, key: str, reason: str) -> bool:
        """Move a message in hand out of the way, with the reason; false when it was not ours any more."""
        moved = bool(self._run("set_aside", [keys.SET_ASIDE], [key, reason]))
        with self._lock:
            self._in_hand.pop(key, None)
        return moved

    def server_id(self) -> str:
        """Which server answers: another one after each of its starts, and after a failover."""
        return str(self._beat_client.info("server")["run_id"])

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


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw


_of_process: dict[str, Leases] = {}


def of_process(broker: str, connect: Callable[[float], Redis], lease_s: float) -> Leases:
    """This process's leases at `broker`, made the first time; raises `BrokerUnavailable` for too old a server.

    `connect` gives a client of its own that waits so many seconds for an answer, at most.
    """
    leases = _of_process.get(broker)
    if leases is None:
        leases = Leases(connect(ANSWER_LIMIT_S), lease_s, beat_client=connect(beat_s(lease_s)))
        check_version(leases.client)
        _of_process[broker] = leases
    return leases


def all_of_process() -> tuple[Leases, ...]:
    """Every `Leases` of this process: one a broker, so one as a rule."""
    return tuple(_of_process.values())


# A child must share neither the socket nor the holder's name with its parent.
os.register_at_fork(after_in_child=_of_process.clear)
