"""The broker as a producer sees it: its Redis, the ledger in it, and one clear error when it does not answer.

Opens no connection by itself: that happens with the first command. Sends nothing.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tasks.flow.ledger import Ledger
from tasks.offers import Offers, Published
from tasks.redis import broker

if TYPE_CHECKING:
    from redis import Redis


class Connection:
    """The broker at `url`. Every use belongs inside `with connection.speaking():`."""

    def __init__(self, url: str) -> None:
        self.url = url

    @functools.cached_property
    def redis(self) -> Redis:
        """A client of the broker's database that answers in bytes."""
        return broker.client(self.url)

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger in the broker's database."""
        return Ledger(self.redis)

    @functools.cached_property
    def offers(self) -> Offers:
        """What the models offer."""
        return Offers(self.redis)

    def speaking(self) -> AbstractContextManager[None]:
        """Inside it, «Redis does not answer» is raised as `BrokerUnavailable`."""
        return broker.speaking(self.url)

    def check(self) -> None:
        """Raise `BrokerUnavailable` when no Redis answers."""
        with self.speaking():
            self.redis.ping()

    def offer(self, model: str) -> Published | None:
        """What the model's last ready worker published that it offers (voices, sample rate), or None."""
        with self.speaking():
            return self.offers.published(model)
