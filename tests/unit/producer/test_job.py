"""A submitted job: its progress, its wait, its result or its own error."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client, Job, Progress
from tasks import pauses
from tasks.errors import (
    ArtifactMissing,
    InvalidInput,
    JobCancelled,
    OtherStore,
    PartsFailed,
    SlotlineError,
    UnknownJob,
    UnknownVoice,
)
from tasks.messages import Audio, ChapterResult
from tasks.redis import keys
from tasks.shared_store.users import StoreUse
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartPair
from workers.stack.embedded_redis import EmbeddedRedis


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def store_result(redis_client: redis.Redis, job_id: str, status: str, result: object) -> None:
    """What Celery stores when a task ends."""
    redis_client.set(keys.RESULT_PREFIX + job_id, json.dumps({"status": status, "result": result}))


def test_settled_parts_are_those_that_have_ended() -> None:
    assert Progress("PROGRESS", total=9, done=3, failed=1, skipped=2).settled == 6


def test_the_progress_of_an_open_job_says_that_its_model_is_paused(client: Client, raw_redis: redis.Redis) -> None:
    job = client.submit_chapter("One.", model="quick")
    assert job.progress().pause is None
    pauses.pause(raw_redis, "quick", "me")
    assert job.progress().pause == client.pause_of("quick") == client.pauses()["quick"]
    job.cancel()
    assert job.progress().pause is None


def test_a_look_at_a_job_is_one_round_trip(client: Client, raw_redis: Any) -> None:
    def reads() -> int:
        return int(raw_redis.info("stats")["total_reads_processed"])

    job = client.submit_chapter("One.", model="quick")
    job.progress()
    before = reads()
    job.progress()
    assert reads() - before == 2, "the look, and this question itself"


def test_a_job_whose_part_failed_raises_its_own_error(client: Client, start_pair: StartPair) -> None:
    start_pair("faulty")
    job = client.submit_chapter("Fine.\n\nBad ⚡error here.\n\nFine again.", model="faulty")
    with pytest.raises(PartsFailed, match=r"1 of 3 paragraphs failed: 2 .*Bad"):
        job.wait(60)
    assert job.status() == "FAILURE"


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


@pytest.mark.parametrize("what", ["a chapter that is open", "a chapter that waits", "a single text that waits"])
def test_a_wait_ends_when_the_record_is_gone(client: Client, redis_client: redis.Redis, what: str) -> None:
    is_chapter = what.startswith("a chapter")
    job = (client.submit_chapter if is_chapter else client.submit_paragraph)("Hello.", model="quick")
    if what.endswith("is open"):
        store_result(redis_client, job.id, "PROGRESS", {})

    def empty(progress: Progress) -> None:
        redis_client.flushdb()

    with pytest.raises(UnknownJob, match="no longer recorded"):
        job.wait(30, on_progress=empty)


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


def succeeded(client: Client, redis_client: redis.Redis) -> Job:
    """A chapter that ended as SUCCESS, whose audio is not in this client's store."""
    job = client.submit_chapter("Hello.", model="quick")
    audio = Audio(artifact=f"chapter/ab/{'ab' * 32}.wav", sample_rate=22_050, frames=1, bytes=46)
    made = ChapterResult(audio=audio, duration_s=0, paragraphs=0, parts=0, computed=0)
    store_result(redis_client, job.id, "SUCCESS", made.fields())
    return job


def test_a_job_of_workers_with_another_store_is_not_saved_and_both_stores_are_named(
    client: Client, redis_client: redis.Redis, raw_redis: Any, other_store: StoreUse, tmp_path: Path
) -> None:
    job = succeeded(client, redis_client)
    other_store.join(raw_redis, 30)
    with pytest.raises(OtherStore, match=f"another one: /their/store .* job {job.id} is not saved"):
        job.save(tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()
    with pytest.raises(OtherStore, match=f"another one: /their/store .* the pieces of job {job.id} are not read"):
        job.pieces()


def test_a_job_whose_text_the_workers_could_not_read_says_that_the_stores_differ(
    client: Client, redis_client: redis.Redis, raw_redis: Any, other_store: StoreUse
) -> None:
    """It was sent before a worker was there, so nothing could be refused."""
    job = client.submit_chapter("Hello.", model="quick")
    missing = {"exc_type": "ArtifactMissing", "exc_message": ["artifact x is not in /y"], "exc_module": "tasks.errors"}
    store_result(redis_client, job.id, "FAILURE", missing)
    with pytest.raises(ArtifactMissing, match="is not in /y"):
        job.wait(5)
    other_store.join(raw_redis, 30)
    with pytest.raises(OtherStore, match=f"/their/store .* job {job.id} failed"):
        job.wait(5)


def test_what_workers_left_in_another_store_before_they_ended_names_that_store(
    client: Client, redis_client: redis.Redis, raw_redis: Any, other_store: StoreUse, tmp_path: Path
) -> None:
    job = succeeded(client, redis_client)
    with pytest.raises(ArtifactMissing):
        job.save(tmp_path / "out.wav")
    other_store.join(raw_redis, 30)
    other_store.leave(raw_redis)
    with pytest.raises(OtherStore, match=f"the workers last used another one: /their/store .* job {job.id} is not"):
        job.save(tmp_path / "out.wav")
