"""What real workers serve first: urgent work, but no book starves; jobs by turns; and what is late is not served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from celery import Celery

from producer.client import Client
from tasks.errors import TimeoutOver
from tasks.pauses import pause, resume
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair
from workers.adapters.rehearsal.journal import digest

LONG, SHORT, URGENT, FIRST = 1000, 20, 150, 100


@pytest.fixture
def journal(use_catalog: UseCatalog, tmp_path: Path) -> Path:
    file = tmp_path / "journal"
    use_catalog(f'[models.quick]\nadapter = "rehearsal"\nseconds = 0.01\njournal = "{file}"\n')
    return file


def served(journal: Path) -> list[str]:
    """The digests of the texts that were begun, in order."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [line["text"] for line in lines if line["what"] == "began"]


def positions(journal: Path, texts: list[str]) -> list[int]:
    """At which place each of these texts was begun."""
    at = {text: place for place, text in enumerate(served(journal))}
    return [at[digest(text)] for text in texts]


def test_a_short_job_that_comes_after_a_long_one_is_served_between_its_parts(
    client: Client, start_pair: StartPair, journal: Path, wait_until: WaitUntil
) -> None:
    start_pair("quick")
    long = client.map("quick", [f"long {n}" for n in range(LONG)])
    wait_until(lambda: len(served(journal)) > 50 if journal.exists() else False, what="the long job to run")
    texts = [f"short {n}" for n in range(SHORT)]
    before = len(served(journal))
    short = client.map("quick", texts)
    short.wait(GIVE_UP_S)
    places = positions(journal, texts)
    assert places == sorted(places), "in its own order"
    between = places[-1] - places[0] - (SHORT - 1)
    assert between >= 5, "the long job went on meanwhile"
    assert places[-1] < before + 200
    assert long.status() == "PROGRESS"
    long.cancel()
    wait_until(lambda: not client.connection.redis.exists(keys.ring("quick\x06\x163")), what="the ring to be empty")


def test_a_book_beside_urgent_work_gets_a_tenth_and_its_chapter_keeps_its_order(
    client: Client, foreign: Celery, start_pair: StartPair, journal: Path, wait_until: WaitUntil
) -> None:
    start_pair("quick")
    pause(client.connection.redis, "quick", "test")
    paragraphs = [f"Paragraph number {n}." for n in range(50)]
    book = client.submit_book([{"title": "One", "text": "\n\n".join(paragraphs)}], model="quick")
    for n in range(URGENT):
        foreign.send_task("speech.paragraph", kwargs={"model": "quick", "text": f"urgent {n}"}, queue="quick")
    wait_until(lambda: client.connection.redis.exists(keys.ring_sent("quick\x06\x166")), what="the chapter to be open")
    resume(client.connection.redis, "quick")
    wait_until(lambda: journal.exists() and len(served(journal)) >= FIRST, what="most of the urgent work")
    first = served(journal)[:FIRST]
    of_book = [text for text in map(digest, paragraphs) if text in first]
    assert of_book == [text for text in first if text in of_book], "in its order"
    assert of_book == [digest(text) for text in paragraphs[: len(of_book)]]
    assert FIRST * 0.06 <= len(of_book) <= FIRST * 0.14
    book.cancel()


def test_what_is_not_computed_in_time_is_dropped_and_says_so(
    client: Client, foreign: Celery, start_pair: StartPair, journal: Path, wait_until: WaitUntil
) -> None:
    start_pair("quick")
    pause(client.connection.redis, "quick", "test")
    single = client.submit_paragraph("Too late.", model="quick", timeout_s=0.5)
    text = "\n\n".join(f"Paragraph number {n}." for n in range(20))
    book = client.submit_book([{"title": "One", "text": text}], model="quick", timeout_s=2.0)
    patient = client.submit_paragraph("In time.", model="quick", timeout_s=600)
    plain = foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": text, "timeout_s": 0.5}, queue="flow")
    for late in (single, book):
        with pytest.raises(TimeoutOver, match="^timeout_s: it was not computed within"):
            late.wait(GIVE_UP_S)
    wait_until(lambda: plain.state == "FAILURE", what="the chapter of a plain client to end")
    assert plain.result.args == (str(TimeoutOver.of(0.5)),)
    resume(client.connection.redis, "quick")
    assert patient.wait(GIVE_UP_S).computed
    wait_until(lambda: not client.connection.redis.exists("quick\x06\x166", keys.HELD), what="late parts to be dropped")
    assert served(journal) == [digest("In time.")]
