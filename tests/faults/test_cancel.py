"""Cancelling on real workers: revoked at once, stopped at a safe point or by force, never at another job's price."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import redis
from celery import Celery
from celery.exceptions import TaskRevokedError

from producer import Client
from producer.job import Job
from tasks.errors import JobCancelled, PartsFailed
from tasks.flow.cancel import cancel
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, at_most
from tests.fixtures.workers import StartPair

CATALOG = """
[models.patient]
adapter = "rehearsal"
faults = true
time_limit_s = 60

[models.shared]
adapter = "rehearsal"
faults = true
batch_size = 4
time_limit_s = 4
"""

WITHIN_S = 1.0
"""The slot takes other work within this."""


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.2")
    use_catalog(CATALOG)


def begun(redis_client: redis.Redis, job_id: str, part: int) -> Callable[[], bool]:
    """Whether a run of the part was begun (0: of a task that stands alone)."""
    return lambda: bool(redis_client.hget(keys.attempts(job_id), str(part)))


def seconds_until_another_is_done(client: Client, model: str = "patient") -> float:
    began = time.monotonic()
    client.submit_paragraph("Something else.", model=model).wait(GIVE_UP_S)
    return time.monotonic() - began


def test_a_cancelled_chapter_of_thousands_is_revoked_at_once_and_its_slot_is_free_within_a_second(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_pair("patient")[1]
    child = worker.child()
    job = client.submit_chapter("\n\n".join(f"⚡slow=30 number {n}" for n in range(3000)), model="patient")
    wait_until(begun(redis_client, job.id, 1), 20)
    began = time.monotonic()
    assert job.cancel()
    took_s = time.monotonic() - began
    assert job.status() == "REVOKED"
    with pytest.raises(JobCancelled):
        job.wait(1)
    free_s = seconds_until_another_is_done(client)
    print(f"\ncancelled in {took_s:.3f} s, the slot had done another text after {free_s:.3f} s")
    assert free_s < at_most(WITHIN_S)
    assert worker.child() == child, "stopped at a safe point"
    wait_until(lambda: not redis_client.llen("flow"), 10, "its own message to be taken")
    assert redis_client.zcard(keys.OPEN) == 0
    assert job.status() == "REVOKED"


def test_a_part_that_does_not_stop_is_ended_by_force_and_never_runs_again(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_pair("patient")[1]
    child = worker.child()
    client.submit_paragraph("The first input pays for imports.", model="patient").wait(GIVE_UP_S)
    job = client.submit_chapter("⚡hang", model="patient")
    wait_until(begun(redis_client, job.id, 1), 20)
    assert client.cancel(job.id)
    free_s = seconds_until_another_is_done(client)
    print(f"\nby force: another text after {free_s:.3f} s, with the model's load")
    worker.wait_for_log("did not stop within 0.5 s")
    assert worker.child() != child
    assert worker.has_logged("ready: patient", 2)
    wait_until(lambda: not redis_client.hlen(keys.HELD), 10, "nothing to be held")
    assert redis_client.llen("patient") == 0
    assert job.status() == "REVOKED"


def test_another_jobs_part_in_the_same_batch_is_finished(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_pair("shared")[1]
    child = worker.child()
    first, unwanted, wanted = in_one_batch(client, worker, "⚡slow=3", "⚡slow=2 wanted")
    first.wait(GIVE_UP_S)
    wait_until(begun(redis_client, unwanted.id, 0), 10)
    unwanted.cancel()
    wanted.wait(GIVE_UP_S)
    assert worker.child() == child
    assert unwanted.status() == "REVOKED"


def test_the_child_is_not_killed_while_another_job_has_a_part_in_its_batch(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_pair("shared")[1]
    first, unwanted, wanted = in_one_batch(client, worker, "⚡hang", "wanted")
    first.wait(GIVE_UP_S)
    wait_until(begun(redis_client, unwanted.id, 0), 10)
    unwanted.cancel()
    wanted.wait(GIVE_UP_S)
    worker.wait_for_log("killed after time_limit_s = 4")  # the model's own limit
    assert "did not stop within" not in worker.log()


def in_one_batch(client: Client, worker: Process, one: str, other: str) -> tuple[Job, Job, Job]:
    """A job that keeps the child busy, and two that run together after it."""
    first = client.submit_paragraph("⚡slow=1 first", model="shared")
    worker.wait_for_log("received")
    jobs = first, client.submit_paragraph(one, model="shared"), client.submit_paragraph(other, model="shared")
    worker.wait_for_log("received", count=3)
    return jobs


def test_cancelling_a_book_cancels_its_chapters(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    start_pair("patient")
    chapters = [{"title": f"C{n}", "text": f"⚡slow=20 {n}\n\nmore of {n}"} for n in range(6)]
    book = client.submit_book(chapters, model="patient")
    wait_until(begun(redis_client, f"{book.id}.1", 1), 20)
    assert book.cancel()
    assert seconds_until_another_is_done(client) < at_most(WITHIN_S)
    for record in client.jobs():
        assert record.label == "REVOKED", record
    wait_until(lambda: not redis_client.llen("flow"), 10, "messages to be taken")
    assert redis_client.zcard(keys.OPEN) == 0


def test_one_cancelled_chapter_fails_in_its_book_and_the_others_are_read(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    start_pair("patient")
    book = client.submit_book([{"title": "A", "text": "⚡slow=20 a"}, {"title": "B", "text": "Good."}], model="patient")
    wait_until(begun(redis_client, f"{book.id}.1", 1), 20)
    assert client.cancel(f"{book.id}.1")
    with pytest.raises(PartsFailed, match=r"1 of 2 chapters failed: 1 \(«A»\): cancelled"):
        book.wait(GIVE_UP_S)


def test_a_job_that_waits_is_never_begun(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    chapter = client.submit_chapter("One.\n\nTwo.", model="patient")
    text = client.submit_paragraph("Three.", model="patient")
    assert chapter.cancel()
    assert text.cancel()
    worker = start_pair("patient")[1]
    wait_until(lambda: not redis_client.llen("flow") and not redis_client.llen("patient"), 10, "the queues to be empty")
    wait_until(lambda: not redis_client.hlen(keys.HELD), 10, "nothing to be held")
    assert (chapter.status(), text.status()) == ("REVOKED", "REVOKED")
    assert "succeeded" not in worker.log()
    assert not chapter.cancel(), "it had ended"


def test_celerys_own_revoke_of_a_job_cancels_it(
    foreign: Celery, client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    start_pair("patient")
    kwargs = {"text": "⚡slow=30 one\n\ntwo", "model": "patient"}
    result = foreign.send_task("speech.chapter", kwargs=kwargs, queue="flow")
    wait_until(begun(redis_client, result.id, 1), 20)
    result.revoke()
    wait_until(lambda: result.state == "REVOKED", 10, "it to be revoked")
    assert isinstance(result.result, TaskRevokedError)
    assert seconds_until_another_is_done(client) < at_most(WITHIN_S)
    assert result.state == "REVOKED"
    assert redis_client.zcard(keys.OPEN) == 0


def test_a_part_that_celery_revokes_fails_in_its_job_which_goes_on(
    foreign: Celery, client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    start_pair("patient")
    job = client.submit_chapter("⚡slow=30 one\n\ntwo", model="patient")
    wait_until(begun(redis_client, job.id, 1), 20)
    foreign.control.revoke(f"{job.id}.1")
    with pytest.raises(PartsFailed, match="1 of 2 paragraphs failed.*: cancelled"):
        job.wait(GIVE_UP_S)


SEND_CHORD = """
import sys
from celery import Celery, chord
app = Celery("foreign", broker=sys.argv[1], backend=sys.argv[1])
speak = [
    app.signature("speech.chapter", kwargs={"text": text, "model": "patient"}, queue="flow")
    for text in ("⚡slow=30 one", "two")
]
body = app.signature("speech.paragraph", kwargs={"text": "three", "model": "patient"}, queue="patient")
result = chord(speak, body, app=app)()
print(result.parent.results[0].id, result.id)
"""


def test_a_chord_hears_that_one_of_its_jobs_was_cancelled(
    broker: str, client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    start_pair("patient")
    # From a process of its own: a chord's results cling to their Celery for longer than Redis lives here.
    command = [sys.executable, "-c", SEND_CHORD, broker]
    first, body = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    wait_until(begun(redis_client, first, 1), 20)
    assert client.cancel(first)
    told = str(wait_until(lambda: redis_client.get(keys.RESULT_PREFIX + body), 20, "the chord's body to fail"))
    assert "ChordError" in told
    assert "cancelled" in told


def test_what_no_worker_heard_of_is_stopped_on_the_next_beat(
    client: Client, start_pair: StartPair, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_pair("patient")[1]
    child = worker.child()
    job = client.submit_chapter("⚡slow=40 one", model="patient")
    wait_until(begun(redis_client, job.id, 1), 20)
    assert cancel(client.ledger, job.id, notify=lambda ids: None)
    assert seconds_until_another_is_done(client) < at_most(10), "long before the 40 s that it would have taken"
    assert worker.child() == child
