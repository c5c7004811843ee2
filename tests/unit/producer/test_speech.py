"""Speech from the Python API, with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import Client, Progress
from tasks.errors import PartsFailed
from tasks.media import audio as sound
from tasks.messages import BookResult, ChapterResult, ParagraphResult
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair

LONG = "\n\n".join(f"Đoạn văn số {number}, khá dài và có dấu." for number in range(70))


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def test_jobs_of_every_kind_end_in_a_result_and_a_file(client: Client, start_pair: StartPair, tmp_path: Path) -> None:
    start_pair("quick")
    seen: list[Progress] = []

    paragraph = client.submit_paragraph("Hello.", model="quick")
    chapter = client.submit_chapter("One.\n\nTwo.\n\n***", model="quick", voice="anna", title="Two words")
    book = client.submit_book(
        [{"title": "A", "text": "One.\n\nTwo."}, {"title": "B", "text": LONG}], model="quick", title="Both"
    )
    spoken = paragraph.wait(60)
    assert isinstance(spoken, ParagraphResult)
    made = chapter.wait(60, on_progress=seen.append)
    assert isinstance(made, ChapterResult)
    assert (made.title, made.paragraphs, [one.part for one in made.skipped]) == ("Two words", 3, [3])
    assert seen[-1] == Progress("SUCCESS", total=3, done=2, skipped=1, computed=2, measure=seen[-1].measure)
    read = book.wait(120)
    assert isinstance(read, BookResult)
    assert [one.title for one in read.chapters] == ["A", "B"]

    assert book.result() == read
    assert chapter.status() == "SUCCESS"
    [flac] = chapter.save(tmp_path / "out" / "chapter.flac")
    rate, frames, _ = sound.probe(flac)
    assert frames / rate == pytest.approx(made.duration_s, abs=0.01)
    assert [path.name for path in book.save(tmp_path / "book", "wav")] == ["01 - A.wav", "02 - B.wav"]


def test_a_chapter_without_a_sound_costs_its_book_nothing_else(
    client: Client, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("faulty")
    words = {"Empty": "* * *", "Bad": "⚡error", "C": "Fine."}
    chapters = [{"title": title, "text": text} for title, text in words.items()]
    with pytest.raises(PartsFailed, match=r"1 of 3 chapters failed: 2 .*⚡error stands in it"):
        client.submit_book(chapters, model="faulty").wait(GIVE_UP_S)
    book = client.submit_book([chapters[0], chapters[2]], model="faulty")
    read = book.wait(60)
    assert [one.audio is None for one in read.chapters] == [True, False]
    assert [path.name for path in book.save(tmp_path / "book", "wav")] == ["02 - C.wav"]
