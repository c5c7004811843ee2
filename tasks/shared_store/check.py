"""Whether a client's store is the one that the workers of its broker use. Sends and writes nothing."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from tasks.errors import OtherStore
from tasks.shared_store.users import StoreUser, last_use, live_use
from tasks.store import identity

if TYPE_CHECKING:
    from redis import Redis

    from tasks.store.artifacts import Store

VALID_FOR_S = 5.0
"""How long a client believes a check that succeeded: the store of the workers changes only when all of them end."""


class StoreCheck:
    """The check of one client's store. Without a live worker nothing is known, and nothing is refused."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._valid_until_s = 0.0

    def check(self, client: Redis, consequence: str, now_s: float | None = None) -> None:
        """Raise `OtherStore` if the store is another; `consequence` says what was not done, such as «nothing was sent».

        May raise redis-py's errors, and `StoreError`.
        """
        now_s = time.monotonic() if now_s is None else now_s
        if now_s < self._valid_until_s:
            return
        used = live_use(client)
        if used is None:
            return
        self._compare(*used, "the workers use", consequence)
        self._valid_until_s = now_s + VALID_FOR_S

    def explain(self, client: Redis, consequence: str) -> None:
        """Raise `OtherStore` if that explains why an artifact is missing: it counts what dead workers used, too."""
        if used := live_use(client) or last_use(client):
            self._compare(*used, "the workers last used", consequence)

    def _compare(self, store_id: str, user: StoreUser, what: str, consequence: str) -> None:
        if identity.known(self.store) != store_id:
            raise OtherStore(
                f"SLOTLINE_STORE_URL: the store here is {self.store.place} on {socket.gethostname()}, but {what} "
                f"another one: {user.url} ({user}); {consequence}. Set SLOTLINE_STORE_URL to their store"
            )
