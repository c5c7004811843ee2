"""A book that is read by real workers, step by step."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from producer import Client
from producer.books.formats.book import Chapter
from producer.reading.reading import Reading
from producer.reading.request import ReadingRequest
from tasks.media import audio as sound
from tasks.messages import Speaking
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartPair

CHAPTERS = [(1, Chapter("One", "The first.\n\nIts second.")), (3, Chapter("Three", "Fine.\n\nThis ⚡error breaks."))]


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def request(folder: Path, model: str) -> ReadingRequest:
    return ReadingRequest(Path("book.txt"), "Book", CHAPTERS, Speaking(model=model), folder, "wav")


def test_chapters_become_files_and_a_failed_paragraph_is_named(
    client: Client, start_pair: StartPair, tmp_path: Path, wait_until: WaitUntil
) -> None:
    start_pair("faulty")
    reading = Reading(client, request(tmp_path, "faulty"))
    reading.start()
    ended: list[int] = []

    def step() -> bool:
        ended.extend(row.number for row in reading.step(time.monotonic()))
        return reading.ended

    wait_until(step, 30, "the end of the reading")
    first, second = reading.rows
    assert sorted(ended) == [1, 3]
    assert (first.state, first.paragraphs, first.path) == ("done", 2, tmp_path / "01 - One.wav")
    assert sound.measure(tmp_path / "01 - One.wav").duration_s == pytest.approx(first.audio_s, abs=0.01)
    [failed] = second.failures
    assert (second.state, failed.part, failed.words) == ("failed", 2, "This ⚡error breaks.")
    assert second.path == tmp_path / "03 - Three.wav"
    assert (reading.ended_chapters, reading.has_failed, reading.error) == (2, True, None)
    assert reading.settled_chars == reading.chars


def test_an_open_reading_is_taken_up_and_one_that_was_cancelled_is_not(client: Client, tmp_path: Path) -> None:
    first, second, third = (Reading(client, request(tmp_path, "quick")) for _ in range(3))
    first.start()
    second.start()
    assert first.job is not None
    assert second.job is not None
    assert (first.is_taken_up, second.is_taken_up) == (False, True)
    assert second.job.id == first.job.id
    first.job.cancel()
    first.step(0.0)
    assert str(first.error) == "the job was cancelled"
    third.start()
    assert not third.is_taken_up


def test_a_reading_whose_redis_was_emptied_ends_with_an_error(
    client: Client, redis_client: redis.Redis, tmp_path: Path
) -> None:
    reading = Reading(client, request(tmp_path, "quick"))
    reading.start()
    reading.step(0.0)
    redis_client.flushdb()
    reading.step(1.0)
    assert reading.ended
    assert reading.has_failed
    assert "no longer recorded: its Redis was emptied or replaced" in str(reading.error)
