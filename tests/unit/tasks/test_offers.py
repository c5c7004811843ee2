"""What models offer, as it is kept in Redis."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tasks.offers import Offers, Published
from tasks.redis import keys
from tasks.settings import settings

OFFER = Published("aloud", "adapter", "1", 22_050, {"anna": "en", "hà": "vi"}, "anna")


def test_an_offer_is_read_as_it_was_published(raw_redis: Any) -> None:
    offers = Offers(raw_redis)
    assert offers.published("aloud") is None
    offers.publish(OFFER)
    assert offers.published("aloud") == OFFER
    assert offers.published("other") is None


def test_it_is_kept_as_long_as_an_ended_job_unless_a_shorter_time_is_given(raw_redis: Any) -> None:
    offers = Offers(raw_redis)
    offers.publish(OFFER)
    assert raw_redis.ttl(keys.offer("aloud")) > settings().job_ttl_s - 60
    offers.publish(OFFER, kept_s=5)
    assert raw_redis.ttl(keys.offer("aloud")) <= 5


def test_an_offer_of_an_older_worker_which_named_less_is_read(raw_redis: Any) -> None:
    old = {"model": "aloud", "adapter": "adapter", "revision": "1", "sample_rate": 22_050}
    raw_redis.set(keys.offer("aloud"), json.dumps(old))
    assert Offers(raw_redis).published("aloud") == Published("aloud", "adapter", "1", 22_050)


def test_an_offer_of_a_newer_worker_which_names_more_is_read(raw_redis: Any) -> None:
    new = {"model": "aloud", "adapter": "adapter", "revision": "1", "sample_rate": 22_050, "smells_of": "roses"}
    raw_redis.set(keys.offer("aloud"), json.dumps(new))
    assert Offers(raw_redis).published("aloud") == Published("aloud", "adapter", "1", 22_050)


def test_a_schema_is_published_beside_the_offer_and_goes_with_it(raw_redis: Any) -> None:
    offers = Offers(raw_redis)
    schema = '{"type": "object", "title": "Đầu vào"}'
    offers.publish(replace(OFFER, input_schema=schema), kept_s=5)
    assert offers.published("aloud") == replace(OFFER, input_schema=schema)
    assert 0 < raw_redis.pttl(keys.input_schema("aloud")) <= 5000
    offers.publish(OFFER)
    assert offers.published("aloud") == OFFER
    raw_redis.set(keys.input_schema("other"), schema)
    assert offers.published("other") is None, "a schema alone is no offer"


def test_an_offer_can_be_read_by_an_older_client_which_takes_exactly_these_fields(raw_redis: Any) -> None:
    Offers(raw_redis).publish(replace(OFFER, input_schema="{}"))
    first = "model adapter revision sample_rate voices default_voice reads_tokens chars_per_token craft is_registry"
    assert " ".join(json.loads(raw_redis.get(keys.offer("aloud")))) == first
