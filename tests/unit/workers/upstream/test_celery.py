"""A batch's results reach Celery's clients as ever, though they were written together."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery, chord, group
from celery.app.task import Context
from redis import Redis

from tasks import keys
from tasks.flow.connections import write_buffer
from tests.fixtures.workers import StartWorker
from workers.upstream.celery import buffer_results

LIMIT_S = 30


def test_each_of_a_batch_has_its_own_result_and_its_own_failure(
    broker: str, catalog_file: Path, start_worker: StartWorker, client: Celery
) -> None:
    texts = ["one", "two", "⚡error", "four", "five", "one"]
    sent = [
        client.send_task("speech.paragraph", kwargs={"text": text, "model": "four"}, queue="four") for text in texts
    ]
    start_worker("--model", "four")
    results = [one.get(timeout=LIMIT_S, propagate=False) for one in sent]
    states = [one.state for one in sent]
    assert states == ["FAILURE" if "⚡" in text else "SUCCESS" for text in texts], results
    assert results[0]["audio"]["artifact"] == results[-1]["audio"]["artifact"]


def test_a_chord_of_parts_that_ran_as_one_batch_is_completed(
    broker: str,
    catalog_file: Path,
    start_worker: StartWorker,
    client: Celery,
) -> None:
    def said(text: str) -> object:
        return client.signature("speech.paragraph", kwargs={"text": text, "model": "four"}, queue="four")

    last = client.signature(
        "speech.paragraph", kwargs={"text": "the end", "model": "four"}, queue="four", immutable=True
    )
    done = chord(group(said(f"number {n}") for n in range(4)), app=client)(last)
    start_worker("--model", "four")
    assert done.get(timeout=LIMIT_S)["audio"]


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # by Celery
@pytest.mark.parametrize("waited_for", ["chord", "errbacks"])
def test_what_celery_goes_on_from_at_once_is_stored_at_once(broker: str, redis_client: Redis, waited_for: str) -> None:
    with Celery("slot", broker=broker, backend=broker, set_as_current=False) as app:
        buffer_results(app)
        buffer = write_buffer(app)
        buffer.open()
        app.backend.store_result("alone", {}, "SUCCESS", request=Context())
        app.backend.store_result("waited-for", ValueError("no"), "FAILURE", request=Context({waited_for: [{}]}))
        assert redis_client.keys(keys.RESULT_PREFIX + "*") == [keys.RESULT_PREFIX + "waited-for"]
        assert buffer.send() == {}
        assert redis_client.exists(keys.RESULT_PREFIX + "alone")
        app.backend.client.close()
