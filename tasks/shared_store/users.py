"""Which store the workers of a broker use, recorded in Redis under each worker's lease.

A worker records its store before it takes a slot, and renews the record together with its slot. While one worker
lives, a worker with another store is refused. Knows nothing of files: a store is its id (`tasks/store/identity.py`).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tasks.errors import OtherStore
from tasks.redis import keys
from tasks.redis.scripts import Scripts
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis

MOST_USERS = 100_000
ONE_STORE = "all workers and clients of one Redis use one store (docs/stores.md)"


@dataclass(frozen=True)
class StoreUser:
    """A worker that uses a store: the store's URL without a password, what the worker is, and its process.

    `machine` is the same for all containers of a host. `token` is new for each process.
    """

    url: str
    what: str
    machine: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def __str__(self) -> str:
        return f"{self.what} on {self.host}, pid {self.pid}"

    @classmethod
    def read(cls, raw: bytes | str) -> StoreUser:
        """The user in a record, of this version or another."""
        found = json.loads(raw)
        known = {one.name for one in fields(cls)}
        return cls(**{"url": "?", "what": "a worker", "machine": ""} | {k: v for k, v in found.items() if k in known})


@dataclass(frozen=True)
class StoreUse:
    """The use of the store `store_id` by this process."""

    store_id: str
    user: StoreUser

    def renew(self, client: Redis, lease_s: float) -> str | None:
        """Record it for the length of a lease; the reason if live workers use another store, and then it is not."""
        args = [self.store_id, self._member, int(lease_s * 1000), keys.store_users("")]
        other = _scripts(client).run("use", self._keys, args)
        if not other:
            return None
        there = StoreUser.read(other)
        return (
            f"SLOTLINE_STORE_URL: this worker's store is {self.user.url} on {self.user.host}, but another one is in "
            f"use at this Redis: {there.url} ({there}); {ONE_STORE}"
        )

    def join(self, client: Redis, lease_s: float) -> None:
        """Record it for the first time; raises `OtherStore`."""
        if reason := self.renew(client, lease_s):
            raise OtherStore(reason)
        last = json.dumps([self.store_id, self._member])
        client.set(keys.LAST_STORE, last, px=int(settings().job_ttl_s * 1000))

    def leave(self, client: Redis) -> None:
        """The worker ends: a worker with another store may start now."""
        _scripts(client).run("leave", self._keys, [self.store_id, self._member])

    @property
    def _member(self) -> str:
        return json.dumps(asdict(self.user), sort_keys=True)

    @property
    def _keys(self) -> list[str]:
        return [keys.STORES, keys.store_users(self.store_id)]


def live_use(client: Redis) -> tuple[str, StoreUser] | None:
    """The id of the store that live workers use, and one of them; None if no worker lives, or only older ones."""
    found: list[Any] = _scripts(client).run("users", [keys.STORES], [keys.store_users(""), 1])
    return (found[0].decode(), StoreUser.read(found[1])) if found else None


def last_use(client: Redis) -> tuple[str, StoreUser] | None:
    """The id of the store that the last worker used, and that worker, which need not live; None if it is forgotten."""
    raw: Any = client.get(keys.LAST_STORE)
    if raw is None:
        return None
    store_id, user = json.loads(raw)
    return store_id, StoreUser.read(user)


def free_dead(client: Redis, machine: str, is_alive: Callable[[int], bool]) -> None:
    """Remove the records of dead processes of this machine, whose leases have not ended yet."""
    found: list[Any] = _scripts(client).run("users", [keys.STORES], [keys.store_users(""), MOST_USERS])
    for store_id, raw in zip(found[0::2], found[1::2], strict=True):
        user = StoreUser.read(raw)
        if user.machine == machine and not is_alive(user.pid):
            _scripts(client).run("leave", [keys.STORES, keys.store_users(store_id.decode())], [store_id, raw])


def _scripts(client: Redis) -> Scripts:
    return Scripts(client, "tasks.shared_store")
