"""The broker as a producer sees it."""

from __future__ import annotations

import pytest
import redis

from producer.connection import Connection
from tasks.errors import BrokerUnavailable
from tasks.offers import Offers, Published


def test_a_broker_that_does_not_answer_is_named_without_its_password(own_environment: None) -> None:
    connection = Connection("redis://me:secret@127.0.0.1:1/0")
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1/0.*slotline up") as raised:
        connection.check()
    assert "secret" not in str(raised.value)


def test_it_answers_what_a_models_worker_published(broker: str) -> None:
    connection = Connection(broker)
    connection.check()
    assert connection.offer("quick") is None
    with redis.Redis.from_url(broker) as raw:
        Offers(raw).publish(Published("quick", "rehearsal", "1", 22_050, {"anna": "en"}))
    offer = connection.offer("quick")
    assert offer is not None
    assert offer.voices == {"anna": "en"}
