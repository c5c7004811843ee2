"""What is sent for a summary; `tests/unit/tasks/kinds/test_summary.py` has what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from producer import Client
from tasks.errors import IdInUse, InvalidInput
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import sent

CATALOG = """
[models.words]
adapter = "rehearsal"
gives = "text"

[models.quick]
adapter = "rehearsal"
"""


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(CATALOG)
    return Client()


def test_one_text_is_one_job_with_its_options(client: Client, redis_client: redis.Redis) -> None:
    client.submit_summary("Some words.", model="words", title="Words", max_length=9)
    fields = {"text": "Some words.", "model": "words", "title": "Words", "max_length": 9}
    assert sent(redis_client, "flow") == [("summary.text", fields)]
    assert client.jobs()[0].kind == "summary"


def test_many_texts_are_one_job_and_a_second_time_nothing(client: Client, redis_client: redis.Redis) -> None:
    texts: list[Any] = ["One.", {"title": "B", "text": "Two."}]
    job = client.submit_summaries(texts, model="words")
    client.submit_summaries(texts, model="words", job_id=job.id)
    with pytest.raises(IdInUse):
        client.submit_summaries(["One."], model="words", job_id=job.id)
    [(task, fields)] = sent(redis_client, "flow")
    assert task == "summary.texts"
    assert [one["text"] for one in fields["texts"]] == ["One.", "Two."]
    assert client.jobs()[0].kind == "texts"


def test_a_model_that_speaks_is_refused_before_anything_is_sent(client: Client, redis_client: redis.Redis) -> None:
    with pytest.raises(InvalidInput, match="model: 'quick' does not write"):
        client.submit_summary("Some words.", model="quick")
    with pytest.raises(InvalidInput, match="^texts: is one text; give a list of them"):
        client.submit_summaries("Fine.", model="words")
    assert sent(redis_client, "flow") == []
