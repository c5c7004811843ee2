"""How many inputs fitted: shared with other processes for a day, and never in the way of a batch."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tasks.redis import keys
from tests.unit.workers.child.rehearsals import OneRehearsal
from workers.child import batch_limit
from workers.child.batch_limit import BatchLimit
from workers.child.models.base import LoadedModel


@pytest.fixture
def model(models: OneRehearsal) -> LoadedModel:
    with models.use(None) as model:
        return model


def test_the_size_that_fitted_is_known_to_the_next_process_on_such_a_gpu_and_forgotten_after_a_day(
    raw_redis: Any, model: LoadedModel
) -> None:
    BatchLimit(raw_redis, "H200").learn(model, 2)
    (key,) = raw_redis.keys("slotline:fits:*")
    assert key.decode() == keys.fits("model", "rehearsal|H200|fp32")
    assert 86_000 < raw_redis.ttl(key) <= 86_400
    for gpu_type, size in (("H200", 2), ("RTX 4090", None)):
        limit = BatchLimit(raw_redis, gpu_type)
        assert limit.size(model) == size
        assert limit.last == size


def test_redis_is_read_once_in_a_while_and_not_before_every_batch(
    raw_redis: Any, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = BatchLimit(raw_redis)
    assert limit.size(model) is None
    BatchLimit(raw_redis).learn(model, 3)
    assert limit.size(model) is None
    monkeypatch.setattr(batch_limit, "READ_EVERY_S", -1.0)
    assert limit.size(model) == 3


def test_where_redis_does_not_answer_the_last_known_limit_holds(
    raw_redis: Any, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = BatchLimit(raw_redis)
    limit.learn(model, 3)
    monkeypatch.setattr(batch_limit, "READ_EVERY_S", -1.0)
    with redis.Redis(port=1) as nobody:
        limit.client = nobody
        assert limit.size(model) == 3


def test_a_limit_that_redis_does_not_store_holds_in_this_process(model: LoadedModel) -> None:
    with redis.Redis(port=1) as nobody:
        limit = BatchLimit(nobody)
        limit.learn(model, 5)
        assert limit.size(model) == 5
