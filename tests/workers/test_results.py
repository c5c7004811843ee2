"""A batch's results reach Celery's clients as ever, though they were written together."""

from __future__ import annotations

from pathlib import Path

from celery import Celery, chord, group

from tests.conftest import StartWorker

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
