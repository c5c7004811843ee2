"""One sentence for each thing that can be wrong with the broker, and no password in any of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from tasks.errors import BrokerUnavailable
from tasks.redis import broker as plain


def test_a_silent_broker_is_one_line_without_its_password() -> None:
    url = "redis://:secret@127.0.0.1:1/0"
    with pytest.raises(BrokerUnavailable) as refused, plain.speaking(url):
        plain.client(url).ping()
    line = str(refused.value)
    assert line.startswith("no Redis answers at redis://:**@127.0.0.1:1/0 (")
    assert line.endswith("start one with `slotline up`, or set CELERY_BROKER_URL")


def test_the_redis_of_the_tests_is_new_enough(broker: str) -> None:
    with Redis.from_url(broker) as client:
        plain.check_version(client)


@pytest.mark.parametrize(("version", "is_new_enough"), [("6.0.16", False), ("6.2.0", True), ("10.0.1", True)])
def test_an_old_redis_is_refused_by_its_version(version: str, is_new_enough: bool) -> None:
    client: Any = SimpleNamespace(info=lambda section: {"redis_version": version})
    if is_new_enough:
        plain.check_version(client)
        return
    with pytest.raises(BrokerUnavailable, match=r"6\.2 or newer.*6\.0\.16"):
        plain.check_version(client)
