"""The Python API, against a real Redis and, where a job has to end, real workers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client, Progress
from tasks import keys
from tasks.errors import (
    BrokerUnavailable,
    InvalidInput,
    JobCancelled,
    PartsFailed,
    SlotlineError,
    UnknownJob,
    UnknownModel,
    UnknownVoice,
)
from tasks.media import audio as sound
from tasks.messages import BookResult, ChapterResult, ParagraphResult
from tasks.offers import Offers, Published
from tests.conftest import StartWorker, WaitUntil
from workers.stack.embedded_redis import EmbeddedRedis

LONG = "\n\n".join(f"Đoạn văn số {number}, khá dài và có dấu." for number in range(600))


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def store_result(redis_client: redis.Redis, job_id: str, status: str, result: object) -> None:
    """What Celery stores when a task ends."""
    redis_client.set(keys.RESULT_PREFIX + job_id, json.dumps({"status": status, "result": result}))


def test_importing_the_producer_loads_nothing_heavy() -> None:
    heavy = "torch onnxruntime numpy soundfile workers celery fsspec lxml rich"
    code = f"import sys, producer; print([name for name in {heavy.split()!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_jobs_of_every_kind_end_in_a_result_and_a_file(
    client: Client, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker("--model", "quick")
    start_worker("-Q", "flow", "-c", "1")
    seen: list[Progress] = []

    paragraph = client.submit_paragraph("Hello.", model="quick")
    chapter = client.submit_chapter("One.\n\nTwo.\n\n***", model="quick", voice="anna", title="Two words")
    book = client.submit_book(
        [{"title": "A", "text": "One.\n\nTwo."}, {"title": "B", "text": LONG[:3000]}], model="quick", title="Both"
    )
    spoken = paragraph.wait(60)
    assert isinstance(spoken, ParagraphResult)
    told = chapter.wait(60, on_progress=seen.append)
    assert isinstance(told, ChapterResult)
    assert (told.title, told.paragraphs, [one.part for one in told.skipped]) == ("Two words", 3, [3])
    assert seen[-1] == Progress("SUCCESS", total=3, done=2, skipped=1, computed=2, audio_s=seen[-1].audio_s)
    read = book.wait(120)
    assert isinstance(read, BookResult)
    assert [one.title for one in read.chapters] == ["A", "B"]

    assert book.result() == read
    assert chapter.status() == "SUCCESS"
    [flac] = chapter.save(tmp_path / "out" / "chapter.flac")
    rate, frames, _ = sound.probe(flac)
    assert frames / rate == pytest.approx(told.duration_s, abs=0.01)
    assert [path.name for path in book.save(tmp_path / "book", "wav")] == ["01 - A.wav", "02 - B.wav"]


def test_a_job_whose_part_failed_raises_its_own_error(client: Client, start_worker: StartWorker) -> None:
    start_worker("--model", "faulty")
    start_worker("-Q", "flow", "-c", "1")
    job = client.submit_chapter("Fine.\n\nBad ⚡error here.\n\nFine again.", model="faulty")
    with pytest.raises(PartsFailed, match=r"1 of 3 paragraphs failed: 2 .*Bad"):
        job.wait(60)
    assert job.status() == "FAILURE"


def test_a_chapter_without_a_sound_costs_its_book_nothing_else(
    client: Client, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker("--model", "faulty")
    start_worker("-Q", "flow", "-c", "1")
    words = {"Empty": "* * *", "Bad": "⚡error", "C": "Fine."}
    chapters = [{"title": title, "text": text} for title, text in words.items()]
    with pytest.raises(PartsFailed, match=r"1 of 3 chapters failed: 2 .*⚡error stands in it"):
        client.submit_book(chapters, model="faulty").wait(60)
    book = client.submit_book([chapters[0], chapters[2]], model="faulty")
    read = book.wait(60)
    assert [one.audio is None for one in read.chapters] == [True, False]
    assert [path.name for path in book.save(tmp_path / "book", "wav")] == ["02 - C.wav"]


def test_a_long_text_passes_redis_by_reference(client: Client, redis_client: redis.Redis) -> None:
    client.submit_chapter(LONG, model="quick")
    client.submit_book([{"title": "A", "text": LONG}, {"title": "B", "text": "Short."}], model="quick")
    messages = redis_client.lrange("flow", 0, -1)
    assert len(messages) == 2
    assert sum(map(len, messages)) < 4096
    assert all("text_ref" in message and "Đoạn văn" not in message for message in messages)


def test_a_job_is_recorded_in_the_step_that_sends_it(client: Client, redis_client: redis.Redis) -> None:
    job = client.submit_chapter("Hello.", model="quick", title="Greeting")
    record = client.jobs()[0]
    assert (record.job_id, record.kind, record.state, record.title) == (job.id, "chapter", "sent", "Greeting")
    assert job.progress() == Progress("PENDING")
    client.submit_book([{"text": "Hello."}], model="quick", job_id=job.id)
    assert redis_client.llen("flow") == 1


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"text": ""}, InvalidInput, "text: is empty"),
        ({"text": "  \n "}, InvalidInput, "text: is empty"),
        ({"speed": 9}, InvalidInput, "speed"),
        ({"speed": float("nan")}, InvalidInput, "speed"),
        ({"model": "qick"}, UnknownModel, "did you mean 'quick'"),
        ({"model": "no model"}, InvalidInput, "model"),
        ({"voice": "ana"}, UnknownVoice, "voice: quick has no voice 'ana'; it has anna"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    client: Client,
    redis_client: redis.Redis,
    broker: str,
    fields: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    with redis.Redis.from_url(broker) as raw:
        Offers(raw).publish(Published("quick", "rehearsal", "1", 22_050, {"anna": "en", "bert": "en"}))
    before = set(redis_client.keys())
    request: dict[str, Any] = {"text": "Hello.", "model": "quick", **fields}
    text = request.pop("text")
    for submit in (client.submit_paragraph, client.submit_chapter):
        with pytest.raises(error, match=words):
            submit(text, **request)
    assert set(redis_client.keys()) == before


def test_a_model_that_only_a_worker_knows_is_taken(client: Client, broker: str) -> None:
    with redis.Redis.from_url(broker) as raw:
        Offers(raw).publish(Published("elsewhere", "viettts", "1", 24_000))
    assert client.submit_paragraph("Hello.", model="elsewhere").status() == "PENDING"


def test_a_wait_has_a_limit(client: Client) -> None:
    job = client.submit_paragraph("Hello.", model="quick")
    with pytest.raises(TimeoutError, match="not ended within"):
        job.wait(0.3)
    with pytest.raises(InvalidInput, match="not ended yet"):
        job.result()


@pytest.mark.parametrize(
    ("status", "result", "error", "words"),
    [
        ("REVOKED", None, JobCancelled, "cancelled"),
        (
            "FAILURE",
            {"exc_type": "UnknownVoice", "exc_message": ["voice: no"], "exc_module": "tasks.errors"},
            UnknownVoice,
            "^voice: no$",
        ),
        (
            "FAILURE",
            {"exc_type": "KeyError", "exc_message": ["x"], "exc_module": "builtins"},
            SlotlineError,
            "KeyError: x",
        ),
    ],
)
def test_a_stored_failure_is_raised_as_the_jobs_own_error(
    client: Client, redis_client: redis.Redis, status: str, result: object, error: type[Exception], words: str
) -> None:
    job = client.submit_paragraph("Hello.", model="quick")
    store_result(redis_client, job.id, status, result)
    with pytest.raises(error, match=words):
        job.wait(5)


def test_an_unknown_id_is_said_to_be_unknown(client: Client) -> None:
    with pytest.raises(UnknownJob, match="no job 'nope'"):
        client.job("nope")


def test_a_broker_that_does_not_answer_is_named_without_its_password(own_environment: None) -> None:
    client = Client("redis://me:secret@127.0.0.1:1/0")
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1/0.*slotline up") as raised:
        client.check()
    assert "secret" not in str(raised.value)


def test_a_wait_survives_a_restart_of_redis(
    own_environment: None, catalog_file: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    with EmbeddedRedis(tmp_path / "redis", append_only=True) as server:
        job = Client(server.url).submit_chapter("Hello.", model="quick")
        ended: list[object] = []
        waiting = threading.Thread(target=lambda: ended.append(job.wait(60)), daemon=True)
        waiting.start()
        server.stop()
        assert not ended
        server.start()
        with redis.Redis.from_url(server.url) as raw:
            made = ChapterResult(duration_s=0, paragraphs=0, parts=0, computed=0)
            store_result(raw, job.id, "SUCCESS", made.fields())
        wait_until(lambda: ended, 20, "the wait's result")
        waiting.join(5)
    assert isinstance(ended[0], ChapterResult)
