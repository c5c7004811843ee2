"""A flow worker's child that dies each time it opens or finishes one job: it dies three times, and the job fails alone.

Real workers on a store that kills the process which reads or writes a certain file, and goes on
when a test says so.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from producer import Client
from tasks import health
from tasks.errors import PartsFailed, TimeLimitOver, WorkerLost
from tasks.flow import envelope, repair
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.messages import ChapterResult
from tasks.redis import keys
from tasks.routing import FLOW_QUEUE
from tests.faults.moods import Mood, on_a_sick_disk
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartFlow, StartPair

CATALOG = '[models.quick]\nadapter = "rehearsal"\n'
LIMIT_S = 60.0
KILLED = "its worker died in all 3 attempts to {} it; the last time: .*SIGKILL"
LONG = "A chapter that lies in the store, for it is too long for a message. " * 400


@pytest.fixture
def mood(tmp_path: Path, broker: str, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> Mood:
    """`mood("kill chapter/")`: which process dies from now on; `well`: none."""
    use_catalog(CATALOG)
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.5")
    return on_a_sick_disk(tmp_path, monkeypatch)


@pytest.fixture
def flow(mood: Mood, start_pair: StartPair) -> Process:
    return start_pair("quick")[0]


@pytest.fixture
def client(mood: Mood) -> Client:
    return Client()


def kills(tmp_path: Path) -> int:
    return len((tmp_path / "mood.kills").read_text().splitlines())


def test_a_chapter_that_kills_when_it_is_finished_fails_after_three_attempts_while_others_go_on(
    client: Client, foreign: Celery, mood: Mood, flow: Process, tmp_path: Path
) -> None:
    done = client.submit_chapter("One that is made before.", model="quick")
    done.wait(LIMIT_S)
    mood("kill chapter/")
    chapters = [{"title": "I", "text": "Deadly to join."}, {"title": "II", "text": "One that is made before."}]
    sick = client.submit_chapter("Deadly.\n\nTo join.", model="quick")
    book = client.submit_book(chapters, model="quick")
    assert client.submit_chapter("One that is made before.", model="quick").wait(LIMIT_S).duration_s > 0
    with pytest.raises(WorkerLost, match=KILLED.format("finish")):
        sick.wait(LIMIT_S)
    with pytest.raises(PartsFailed, match="1 of 2 chapters failed: 1 .*its worker died in all 3 attempts"):
        book.wait(LIMIT_S)
    assert kills(tmp_path) == 2 * ATTEMPTS_ALLOWED
    assert flow.returncode is None
    listed = {failure.id: failure.reason for failure in repair.failures(client.ledger)}
    assert listed.keys() == {sick.id, f"{book.id}.1"}
    mood("well")
    assert repair.retry_all(client.ledger) == 2
    assert isinstance(sick.wait(LIMIT_S), ChapterResult)
    assert len(book.wait(LIMIT_S).chapters) == 2
    assert foreign.AsyncResult(sick.id).state == "SUCCESS"
    assert repair.failures(client.ledger) == []


def test_a_chapter_that_kills_when_it_is_opened_fails_and_health_shows_the_row_of_deaths(
    client: Client, foreign: Celery, mood: Mood, flow: Process, tmp_path: Path, wait_until: WaitUntil
) -> None:
    kwargs = {"text_ref": client.store.put_text(LONG), "model": "quick"}
    mood(f"kill-reader {kwargs['text_ref']}")
    result = foreign.send_task("speech.chapter", kwargs=kwargs, queue="flow")
    with pytest.raises(Exception, match=KILLED.format("open")):
        result.get(timeout=LIMIT_S)
    assert kills(tmp_path) == ATTEMPTS_ALLOWED

    def is_shown() -> bool:
        said = [one.why for one in health.read(client.connection.redis) if one.beat.model is None]
        return said == ["its child died 3 times in a row without finishing a task"]

    wait_until(is_shown, what="the row of deaths in the heartbeat")
    mood("well")
    assert repair.retry(client.ledger, result.id) == 1
    wait_until(lambda: foreign.AsyncResult(result.id).state == "SUCCESS", what="the retried chapter")


def test_a_limit_of_the_senders_is_kept_once_and_named_and_the_ledger_agrees(
    client: Client, foreign: Celery, mood: Mood, flow: Process
) -> None:
    mood("slow=0.6 chapter/")
    kwargs = {"text": "Slow to join.", "model": "quick"}
    result = foreign.send_task("speech.chapter", kwargs=kwargs, queue="flow", time_limit=0.3)
    with pytest.raises(Exception, match=r"time_limit=0.3 s, set by the sender, is over"):
        result.get(timeout=LIMIT_S)
    record = client.ledger.queries.record(result.id)
    assert record is not None
    assert (record.label, record.error) == (
        "FAILURE",
        {"type": TimeLimitOver.__name__, "message": "time_limit=0.3 s, set by the sender, is over"},
    )
    assert flow.has_logged("fails: time_limit=0.3 s, set by the sender")
    assert repair.retry(client.ledger, result.id) == 1
    assert isinstance(client.job(result.id).wait(LIMIT_S), ChapterResult)


def test_a_job_that_no_worker_here_knows_is_set_aside_once_and_ends(
    client: Client, foreign: Celery, mood: Mood, start_flow: StartFlow, wait_until: WaitUntil
) -> None:
    start_flow()
    message = envelope.new_message("drawing.album", "unknown", {"shapes": [3]}, FLOW_QUEUE)
    client.ledger.transitions.submit("unknown", "album", "", "quick", "", FLOW_QUEUE, message)
    with pytest.raises(Exception, match="task: no task is called 'drawing.album'"):
        foreign.AsyncResult("unknown").get(timeout=LIMIT_S)
    record = client.ledger.queries.record("unknown")
    assert record is not None
    assert record.label == "FAILURE"
    assert client.ledger.queries.open_jobs(10) == [], "the sweep does not send it again"
    wait_until(lambda: [failure.job for failure in repair.failures(client.ledger)] == [None], what="the set-aside")


def test_a_worker_that_is_stopped_costs_the_job_that_it_finishes_no_attempt(
    client: Client, mood: Mood, start_pair: StartPair, start_flow: StartFlow, monkeypatch: pytest.MonkeyPatch,
    wait_until: WaitUntil
) -> None:  # fmt: skip
    monkeypatch.setenv("SLOTLINE_DRAIN_S", "0.1")
    worker, _ = start_pair("quick")
    mood("slow=30 chapter/")
    job = client.submit_chapter("Slow to join.", model="quick")
    redis: Any = client.connection.redis
    wait_until(lambda: redis.hget(keys.attempts(job.id), "step:finishing") == b"1", what="the run")
    assert worker.stop() == 0
    assert redis.hget(keys.attempts(job.id), "step:finishing") == b"0"
    mood("well")
    start_flow(name="next")
    assert isinstance(job.wait(LIMIT_S), ChapterResult)


def test_a_flow_worker_that_was_frozen_while_another_finished_changes_nothing(
    client: Client, foreign: Celery, mood: Mood, start_pair: StartPair, start_flow: StartFlow, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:  # fmt: skip
    monkeypatch.setenv("SLOTLINE_LEASE_S", "1")
    frozen, _ = start_pair("quick")
    mood("slow=0.5 chapter/")
    job = client.submit_chapter("Slow to join.", model="quick")
    frozen.wait_for_log(rf"speech.chapter\[{job.id}\] received", count=2)
    wait_until(lambda: client.connection.redis.hexists(keys.attempts(job.id), "step:finishing"), what="the run")
    os.killpg(frozen.pid, signal.SIGSTOP)
    mood("well")
    other = start_flow(name="other")
    assert isinstance(job.wait(LIMIT_S), ChapterResult)
    os.killpg(frozen.pid, signal.SIGCONT)
    frozen.wait_for_log("the child is killed, because others may run its work")
    again = client.submit_chapter("Another one.", model="quick")
    assert isinstance(again.wait(LIMIT_S), ChapterResult)
    assert foreign.AsyncResult(job.id).state == "SUCCESS"
    assert (frozen.returncode, other.returncode) == (None, None)
