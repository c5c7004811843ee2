"""`slotline jobs`, `watch` and `cancel` without workers; cancelling with them: `tests/faults/test_cancel.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis

from producer import Client
from tasks import pauses
from tasks.errors import JobCancelled
from tasks.messages import ChapterResult
from tasks.redis import keys
from tests.fixtures.commands import Said
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING

Slotline = Callable[..., Said]


@pytest.fixture
def client(broker: str, catalog_file: object) -> Client:
    return Client()


def test_the_command_says_what_it_did(client: Client, slotline: Slotline) -> None:
    jobs = [client.submit_chapter("One.\n\nTwo.", model="quick").id for _ in range(2)]
    said = slotline("cancel", *jobs)
    assert (said.status, said.out) == (0, "".join(f"{job}: cancelled\n" for job in jobs))
    again = slotline("cancel", jobs[0])
    assert (again.status, again.out) == (0, f"{jobs[0]}: had ended already\n")
    assert slotline("jobs").out.count("revoked") == 2


def test_an_id_that_left_no_trace_is_cancelled_because_its_message_may_wait(client: Client, slotline: Slotline) -> None:
    said = slotline("cancel", "nobody")
    assert said.status == 0
    assert said.out == "nobody: cancelled; nothing is known of it yet, so its message will be dropped\n"
    assert client.ledger.queries.cancelled(["nobody"])
    assert slotline("cancel", "nobody").out == "nobody: had ended already\n"


def test_a_wait_for_a_cancelled_job_ends(client: Client) -> None:
    book = client.submit_book([{"title": "A", "text": "One."}], model="quick")
    text = client.submit_paragraph("Two.", model="quick")
    for job in (book, text):
        assert job.cancel()
        with pytest.raises(JobCancelled, match=job.id):
            job.wait(5)
        assert not job.cancel()


def test_without_jobs_the_list_says_so(client: Client, slotline: Slotline) -> None:
    said = slotline("jobs")
    assert (said.status, said.out) == (0, "no jobs are recorded\n")


def test_messages_that_wait_for_their_time_are_counted_below(
    client: Client, slotline: Slotline, redis_client: redis.Redis
) -> None:
    redis_client.zadd(keys.DELAYED, {"flow\nmessage": 1})
    said = slotline("jobs").out
    assert said == "no jobs are recorded\n1 message waits for its time; the next one is due now\n"


def test_the_list_is_limited_and_shows_chapters_of_books_only_when_asked(client: Client, slotline: Slotline) -> None:
    for title in ("First", "Second", "Third"):
        client.submit_chapter("One.", model="quick", title=title)
    client.ledger.transitions.open("book", replace(OPENING, payloads=["CBelow"], kind="book", title="Above"))
    client.ledger.transitions.open("book.1", replace(OPENING, payloads=["POne."], title="Below", parent=("book", 1)))
    assert len(slotline("jobs", "--limit", "2").out.splitlines()) == 3
    assert len(slotline("jobs").out.splitlines()) == 5
    assert "Below" not in slotline("jobs").out
    assert "Below" in slotline("jobs", "--all").out


def test_jobs_are_listed_in_the_order_in_which_they_were_submitted(client: Client, slotline: Slotline) -> None:
    ids = [client.submit_chapter("One.", model="quick").id for _ in range(20)]
    assert [line.split()[0] for line in slotline("jobs").out.splitlines()[1:]] == ids[::-1]


def test_a_job_without_a_title_is_listed_by_its_first_words(client: Client, slotline: Slotline) -> None:
    client.submit_chapter("Hắn vừa đi\nvừa chửi.", model="quick")
    assert "Hắn vừa đi vừa chửi." in slotline("jobs").out


def test_a_book_whose_chapter_never_opened_stands_above_it_with_the_reason(client: Client, slotline: Slotline) -> None:
    book = client.submit_book([{"title": "Một", "text": "One."}], model="quick", title="Chí Phèo").id
    error = {"type": "ArtifactMissing", "message": "artifact x is not in /store"}
    place = {"title": "Một", "model": "quick", "parent_job": book, "parent_part": "1"}
    client.ledger.transitions.end(f"{book}.1", "chapter", "FAILURE", None, error, about=place)
    _, first, second = slotline("jobs", "--all").out.splitlines()
    assert first.split()[:2] == [book, "book"]
    assert second.split()[:5] == [f"{book}.1", "chapter", "Một", "quick", "failure"]
    assert second.endswith("0 s  artifact x is not in /store")
    assert len(slotline("jobs").out.splitlines()) == 2


def test_a_job_that_ended_is_watched_at_once(client: Client, slotline: Slotline, redis_client: redis.Redis) -> None:
    job = client.submit_chapter("One.", model="quick")
    made = ChapterResult(duration_s=2.5, paragraphs=1, parts=1, computed=1)
    stored = {"status": "SUCCESS", "result": made.fields()}
    redis_client.set(keys.RESULT_PREFIX + job.id, json.dumps(stored))
    said = slotline("watch", job.id)
    assert (said.status, said.out) == (0, f"{job.id}: done, 2.5 s of audio\n")


def test_a_watched_job_that_waits_for_a_worker_says_so(
    client: Client, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks(*args: object, **options: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("producer.commands.jobs.looks", looks)
    job = client.submit_chapter("One.", model="quick")
    said = slotline("watch", job.id)
    lines = said.err.splitlines()
    assert [line.partition(" is ready yet")[0] for line in lines[:2]] == [
        "slotline: no flow worker",
        "slotline: no worker of quick",
    ]
    assert (said.status, lines[-1]) == (130, f"slotline: detached; follow it: slotline watch {job.id}")


def test_a_watched_job_that_failed_is_named_with_its_error(client: Client, slotline: Slotline) -> None:
    job = client.submit_chapter("One.", model="quick")
    job.cancel()
    said = slotline("watch", job.id)
    assert said.status == 1
    assert said.err.splitlines()[-1] == f"slotline: job {job.id} was cancelled"


def test_of_several_ids_each_is_tried(client: Client, slotline: Slotline) -> None:
    job = client.submit_chapter("One.", model="quick").id
    said = slotline("cancel", "no\x1bone:parts", job, "x" * 600)
    assert (said.status, said.out) == (2, f"{job}: cancelled\n")
    assert said.err.splitlines() == [
        "slotline: id: ends in ':parts', as a key of another job does",
        "slotline: id: has 600 bytes; it may have 512",
    ]


def test_who_watches_a_job_of_a_paused_model_is_told_once_and_when_it_is_resumed(
    client: Client, slotline: Slotline, raw_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.submit_chapter("One.", model="quick")
    pauses.pause(raw_redis, "quick", "me")
    looks = iter((lambda: None, lambda: pauses.resume(raw_redis, "quick"), job.cancel))
    monkeypatch.setattr("tasks.terminal.interrupt.pause", lambda seconds: next(looks)())
    said = slotline("watch", job.id).err
    assert said.count("quick is paused since") == 1
    assert said.count("; this waits until: slotline resume quick\n") == 1
    assert said.count("quick is resumed\n") == 1
