"""A job of one input gives its output when it has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from producer.inference.job import InferJob
from tasks.errors import ModelError, OtherStore
from tasks.messages.infer import InferResult
from tasks.redis import keys
from tasks.shared_store.users import StoreUse
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import ANSWER_CATALOG

PICTURE = InferResult(artifact="infer/ab/ab.bin", media_type="image/png", bytes=3, computed=True)
VALUE = InferResult(
    artifact="infer/cd/cd.bin", media_type="application/json", bytes=4, computed=True, is_inline=True, output=None
)


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(ANSWER_CATALOG)
    return Client()


def ended(client: Client, redis_client: redis.Redis, status: str, result: object) -> InferJob:
    job = client.infer("ask", {"n": 1})
    redis_client.set(keys.RESULT_PREFIX + job.id, json.dumps({"status": status, "result": result}))
    return job


def test_the_output_is_waited_for_and_saved(client: Client, redis_client: redis.Redis, tmp_path: Path) -> None:
    assert ended(client, redis_client, "SUCCESS", VALUE.fields()).output(5) is None
    job = ended(client, redis_client, "SUCCESS", PICTURE.fields())
    client.store.put_bytes(PICTURE.artifact, b"PNG")
    assert job.output(5) == b"PNG"
    assert job.save(tmp_path / "a.png") == [tmp_path / "a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"PNG"


def test_a_failed_job_raises_its_own_error(client: Client, redis_client: redis.Redis) -> None:
    error = {"exc_type": "ModelError", "exc_message": ["scores.3: NaN"], "exc_module": "tasks.errors"}
    with pytest.raises(ModelError, match=r"^scores.3: NaN"):
        ended(client, redis_client, "FAILURE", error).output(5)
    with pytest.raises(TimeoutError):
        client.infer("ask", 1).output(0.1)


def test_the_output_of_workers_with_another_store_is_not_read(
    client: Client, redis_client: redis.Redis, raw_redis: Any, other_store: StoreUse
) -> None:
    job = ended(client, redis_client, "SUCCESS", PICTURE.fields())
    other_store.join(raw_redis, 30)
    with pytest.raises(OtherStore, match=f"the output of job {job.id} is not read"):
        job.output(5)
