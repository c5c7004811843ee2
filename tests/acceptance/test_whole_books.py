"""The main job on real input: whole books through two real slots, one of which is killed on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import Client
from producer.books.reader import read_book
from tasks.media.audio import measure, probe
from tasks.messages import BookResult, ChapterResult
from tasks.redis import keys
from tasks.text.split import split
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

EXAMPLES = ROOT / "examples"


def as_request(path: Path) -> list[dict[str, str]]:
    return [{"title": chapter.title, "text": chapter.text} for chapter in read_book(path).chapters]


def check_chapter(client: Client, job_id: str, text: str, result: ChapterResult, path: Path) -> None:
    """Every piece of the text once, in order, spoken or skipped; the file as long as its parts and pauses."""
    pieces = split(text)
    outcomes = client.ledger.queries.outcomes(job_id)
    assert sorted(outcomes) == list(range(1, len(pieces) + 1))
    for part, piece in enumerate(pieces, 1):
        assert ("audio" in outcomes[part]) == piece.speakable
    spoken = [part for part, piece in enumerate(pieces, 1) if piece.speakable]
    frames = sum(outcomes[part]["audio"]["frames"] for part in spoken)
    opens, pauses_s = False, []
    for piece in pieces:
        opens = opens or piece.opens_paragraph
        if piece.speakable:
            pauses_s.append(0.6 if opens else 0.15)
            opens = False
    expected_s = frames / 22050 + sum(pauses_s[1:])
    levels = measure(path)
    assert result.audio is not None
    assert probe(path) == (22050, result.audio.frames, 1)
    assert levels.duration_s == pytest.approx(expected_s, rel=0.01)
    assert levels.duration_s == pytest.approx(result.duration_s, abs=0.01)
    assert levels.clipped == 0
    assert -40 < levels.rms_db < -10
    assert result.parts == len(pieces)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_whole_novel_is_read_though_a_slot_is_killed_in_the_middle(
    client: Client, start_worker: StartWorker, wait_until: WaitUntil, tmp_path: Path
) -> None:
    start_worker("-Q", "flow", name="flow")
    doomed = start_worker("--model", "espeak", name="doomed")
    start_worker("--model", "espeak", name="slot")
    chapters = as_request(EXAMPLES / "love-among-the-chickens.epub")
    assert len(chapters) == 23
    book = client.submit_book(chapters, model="espeak", voice="en-us", title="Love Among the Chickens")
    wait_until(lambda: book.progress().done >= 5, limit_s=120, what="five chapters")
    doomed.kill()
    start_worker("--model", "espeak", name="heir", env={"SLOTLINE_CPU_SLOTS": "3"})
    result = book.wait(timeout_s=300)
    assert isinstance(result, BookResult)
    assert [chapter.title for chapter in result.chapters] == [chapter["title"] for chapter in chapters]
    files = book.save(tmp_path / "novel")
    for number, (chapter, made, path) in enumerate(zip(chapters, result.chapters, files, strict=True), 1):
        check_chapter(client, f"{book.id}.{number}", chapter["text"], made, path)
    redis = client.connection.redis
    assert wait_until(lambda: redis.hlen(keys.HELD) == 0, limit_s=10, what="nothing is held")
    assert redis.zcard(keys.LEASES) == 0
    assert redis.keys("slotline:hand:*") == []


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_vietnamese_chapters_are_read_and_read_again_without_computing(
    client: Client, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker("-Q", "flow", name="flow")
    start_worker("--model", "espeak", name="slot-a")
    start_worker("--model", "espeak", name="slot-b")
    chapters = as_request(EXAMPLES / "chi-pheo.txt")
    assert [chapter["title"] for chapter in chapters] == ["CHƯƠNG I", "CHƯƠNG II"]
    first = client.submit_book(chapters, model="espeak", voice="vi")
    result = first.wait(timeout_s=GIVE_UP_S)
    assert isinstance(result, BookResult)
    for number, (chapter, made, path) in enumerate(
        zip(chapters, result.chapters, first.save(tmp_path / "chi-pheo"), strict=True), 1
    ):
        check_chapter(client, f"{first.id}.{number}", chapter["text"], made, path)
    assert [skip.words for skip in result.chapters[1].skipped] == ["***"]
    again = client.submit_book(chapters, model="espeak", voice="vi").wait(timeout_s=GIVE_UP_S)
    assert isinstance(again, BookResult)
    assert [chapter.computed for chapter in again.chapters] == [0, 0]
    assert [chapter.audio for chapter in again.chapters] == [chapter.audio for chapter in result.chapters]
    chapters[1]["text"] = chapters[1]["text"].replace("Thúy Kiều là chị", "Thúy Vân là chị")
    edited = client.submit_book(chapters, model="espeak", voice="vi").wait(timeout_s=GIVE_UP_S)
    assert isinstance(edited, BookResult)
    assert [chapter.computed for chapter in edited.chapters] == [0, 1]
