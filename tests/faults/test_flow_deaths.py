"""A flow worker's child that dies each time it opens or finishes one job: it dies three times, and the job fails alone.

Real workers on a store that kills the process which reads or writes a certain file, and goes on
when a test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from celery import Celery

from producer import Client
from tasks import health
from tasks.errors import PartsFailed, TimeLimitOver, WorkerLost
from tasks.flow import envelope, repair
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.messages import ChapterResult
from tasks.routing import FLOW_QUEUE
from tasks.settings import settings
from tests.faults.sick_store import SickStore
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import ROOT, Process
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartFlow, StartPair

CATALOG = '[models.quick]\nadapter = "rehearsal"\n'
LIMIT_S = 60.0
KILLED = "its worker died in all 3 attempts to {} it; the last time: .*SIGKILL"
LONG = "A chapter that lies in the store, for it is too long for a message. " * 400

Mood = Callable[[str], None]


@pytest.fixture
def mood(tmp_path: Path, broker: str, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> Mood:
    """`mood("kill chapter/")`: which process dies from now on; `well`: none."""
    use_catalog(CATALOG)
    file = tmp_path / "mood"
    file.write_text("well")
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.5")
    monkeypatch.setenv("SICK_MOOD", str(file))
    monkeypatch.setenv("SLOTLINE_STORE_URL", f"sick://{tmp_path}/store")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "faults" / "sick"))
    settings.cache_clear()
    fsspec.register_implementation("sick", SickStore, clobber=True)

    def become(words: str) -> None:
        draft = file.with_suffix(".new")
        draft.write_text(words)
        draft.replace(file)

    return become


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
    mood("slow=1 chapter/")
    kwargs = {"text": "Slow to join.", "model": "quick"}
    result = foreign.send_task("speech.chapter", kwargs=kwargs, queue="flow", time_limit=0.6)
    with pytest.raises(Exception, match=r"time_limit=0.6 s, set by the sender, is over"):
        result.get(timeout=LIMIT_S)
    record = client.ledger.queries.record(result.id)
    assert record is not None
    assert (record.label, record.error) == (
        "FAILURE",
        {"type": TimeLimitOver.__name__, "message": "time_limit=0.6 s, set by the sender, is over"},
    )
    assert flow.log().count("fails: time_limit=0.6 s, set by the sender") == 1
    assert repair.retry(client.ledger, result.id) == 1
    assert isinstance(client.job(result.id).wait(LIMIT_S), ChapterResult)


def test_a_limit_of_the_worker_is_one_more_death(
    client: Client, mood: Mood, start_pair: StartPair, start_flow: StartFlow
) -> None:
    flow, _ = start_pair("quick")
    job = client.submit_chapter("Slow to join.", model="quick")
    job.wait(LIMIT_S)
    flow.stop()
    start_flow("--soft-time-limit", "0.6", name="limited")
    mood("slow=1 chapter/")
    sick = client.submit_chapter("Slow to join, too.", model="quick")
    with pytest.raises(
        WorkerLost, match=r"3 attempts to finish it; .* killed after soft_time_limit=0.6 s, set for this"
    ):
        sick.wait(LIMIT_S)


def test_a_job_that_no_worker_here_knows_is_set_aside_once_and_ends(
    client: Client, foreign: Celery, mood: Mood, start_flow: StartFlow
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
    assert [failure.job for failure in repair.failures(client.ledger)] == [None]
