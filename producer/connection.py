"""A producer's connection to the broker: its Redis, its ledger, and a clear error if it does not answer or refuses.

Connects with the first command. Sends no job.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tasks.errors import ArtifactMissing
from tasks.flow.ledger import Ledger
from tasks.offers import Offers, Published
from tasks.redis import broker
from tasks.shared_store.check import StoreCheck

if TYPE_CHECKING:
    from redis import Redis

    from tasks.store.artifacts import Store


class Connection:
    """The broker at `url`. Use it only inside `with connection.speaking():`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._store_check: StoreCheck | None = None

    @functools.cached_property
    def redis(self) -> Redis:
        """A client of the broker's database that returns bytes; raises `BrokerRefused` for a Redis Cluster."""
        found = broker.client(self.url)
        broker.check_new(found)
        return found

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger in the broker's database."""
        return Ledger(self.redis)

    @functools.cached_property
    def offers(self) -> Offers:
        """The models' offers."""
        return Offers(self.redis)

    def speaking(self) -> AbstractContextManager[None]:
        """Inside this block a Redis that does not answer, or refuses, is `BrokerUnavailable` or `BrokerRefused`."""
        return broker.speaking(self.url)

    def check(self) -> None:
        """Raise `BrokerUnavailable` or `BrokerRefused` if no Redis answers, or it refuses."""
        with self.speaking():
            self.redis.ping()

    def check_store(self, store: Store, consequence: str) -> None:
        """Raise `OtherStore` if live workers use another store; `consequence` says what was not done, or failed."""
        with self.speaking():
            self._check_of(store).check(self.redis, consequence)

    def explain_missing(self, store: Store, consequence: str) -> None:
        """Raise `OtherStore` if an artifact is missing because the workers use, or last used, another store."""
        with self.speaking():
            self._check_of(store).explain(self.redis, consequence)

    @contextlib.contextmanager
    def explaining(self, store: Store, consequence: str) -> Iterator[None]:
        """Inside this block an artifact that is missing because the workers have another store is `OtherStore`."""
        try:
            yield
        except ArtifactMissing:
            self.explain_missing(store, consequence)
            raise

    def _check_of(self, store: Store) -> StoreCheck:
        if self._store_check is None or self._store_check.store is not store:
            self._store_check = StoreCheck(store)
        return self._store_check

    def offer(self, model: str) -> Published | None:
        """The offer of the model's last ready worker (voices, sample rate), or None."""
        with self.speaking():
            return self.offers.published(model)
