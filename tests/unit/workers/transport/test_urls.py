"""The URL under which a worker reads."""

from __future__ import annotations

import pytest

from tasks.errors import SettingsError
from workers.transport import reading_url


@pytest.mark.parametrize(
    ("broker_url", "expected"),
    [
        ("redis://:pw@host:1/2", "slotline://:pw@host:1/2"),
        ("rediss://host/0?ssl_cert_reqs=required", "slotlines://host/0?ssl_cert_reqs=required"),
        ("redis+socket:///run/redis.sock?virtual_host=3", "slotline+socket:///run/redis.sock?virtual_host=3"),
        ("sentinel://a:1/0;sentinel://b:2/0", "slotline-sentinel://a:1/0;slotline-sentinel://b:2/0"),
        ("slotline://host/0", "slotline://host/0"),
    ],
)
def test_a_broker_url_becomes_the_url_that_workers_read_from(broker_url: str, expected: str) -> None:
    assert reading_url(broker_url) == expected


@pytest.mark.parametrize(
    ("broker_url", "said"),
    [("amqp://host//", "amqp"), ("rediss://host/0", "ssl_cert_reqs"), ("unix:///run/redis.sock", r"redis\+socket")],
)
def test_a_broker_that_cannot_be_read_by_lease_is_refused_with_what_would_do(broker_url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"CELERY_BROKER_URL.*{said}"):
        reading_url(broker_url)
