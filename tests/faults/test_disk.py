"""The store's disk is full, read-only or slow: its own words, another try, and nothing half-written is taken."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from producer import Client
from producer.job import Job
from tasks import health
from tasks.errors import PartsFailed, SlotlineError
from tasks.flow import repair
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.messages import ChapterResult
from tasks.store.artifacts import Store
from tests.faults.moods import Mood, on_a_sick_disk
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartFlow, StartPair, StartWorker

CATALOG = '[models.quick]\nadapter = "rehearsal"\n'
TEXT = "\n\n".join(f"Paragraph {word} of a chapter on a sick disk." for word in ("one", "two", "three"))
RETRY_S = 1.5
LIMIT_S = 60.0
FULL, READ_ONLY = "No space left on device", "Read-only file system"


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", str(RETRY_S))
    use_catalog(CATALOG)


@pytest.fixture
def mood(tmp_path: Path, broker: str, monkeypatch: pytest.MonkeyPatch) -> Mood:
    """`mood("full speech/")`: how the disk below the store is from now on."""
    return on_a_sick_disk(tmp_path, monkeypatch)


@pytest.fixture
def workers(mood: Mood, start_pair: StartPair) -> tuple[Process, Process]:
    """A flow and a slot worker on the sick disk, which is well while they start."""
    return start_pair("quick")


@pytest.fixture
def client(mood: Mood) -> Client:
    return Client()


def assert_whole(client: Client, job: Job) -> None:
    """The chapter's audio is there, verified, as long as its paragraphs and pauses are."""
    result = job.wait(LIMIT_S)
    assert isinstance(result, ChapterResult)
    assert result.audio is not None
    assert len(client.store.read_bytes(result.audio.artifact)) == result.audio.bytes
    record = client.ledger.queries.record(job.id)
    assert record is not None
    assert (record.label, record.done, record.failed) == ("SUCCESS", 3, 0)


@pytest.mark.parametrize("suffers", ["speech/", "chapter/"])
def test_a_disk_that_was_full_for_a_moment_costs_a_try_and_its_halves_are_never_taken(
    client: Client, mood: Mood, workers: tuple[Process, Process], tmp_path: Path, wait_until: WaitUntil, suffers: str
) -> None:
    mood(f"full {suffers}")
    job = client.submit_chapter(TEXT, model="quick")
    store = tmp_path / "store"
    wait_until(lambda: any(suffers in str(file) for file in store.rglob("*") if file.is_file()), what="half a file")
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > RETRY_S / 2, what="more than a moment")
    assert job.status() == "PROGRESS", "a full disk is no reason to give up"
    mood("well")
    assert_whole(client, job)


def test_a_disk_that_stays_read_only_fails_the_job_in_the_stores_words_and_a_retry_heals_it(
    client: Client, mood: Mood, workers: tuple[Process, Process]
) -> None:
    mood("readonly speech/")
    job = client.submit_chapter(TEXT, model="quick")
    with pytest.raises(PartsFailed, match=rf"3 of 3 paragraphs failed: 1 .*cannot write speech/.*{READ_ONLY}"):
        job.wait(LIMIT_S)
    assert {failure.attempts for failure in repair.failures(client.ledger)} == {3}
    mood("well")
    assert repair.retry(client.ledger, job.id) == 3
    assert_whole(client, job)


def test_a_slow_disk_costs_only_time(client: Client, mood: Mood, workers: tuple[Process, Process]) -> None:
    mood("slow=0.4 store/")
    job = client.submit_chapter(TEXT, model="quick")
    assert_whole(client, job)
    assert all("Traceback" not in worker.log() for worker in workers)


def test_a_store_that_hangs_is_named_by_health_and_ended_by_its_own_limit(
    client: Client, mood: Mood, start_flow: StartFlow, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    start_flow()
    slot = start_worker("--model", "quick", env={"SLOTLINE_STAGE_LIMIT_S": "6"})
    slot.wait_for_log("ready: quick")
    mood("slow=60 speech/")
    job = client.submit_chapter(TEXT, model="quick")
    wait_until(
        lambda: any("putting away for" in one.why for one in health.read(client.connection.redis)), what="health"
    )
    slot.wait_for_log("is killed: putting away took longer than SLOTLINE_STAGE_LIMIT_S = 6")
    mood("well")
    assert_whole(client, job)


def test_a_file_that_the_kernel_cuts_short_is_no_artifact_and_the_words_are_the_kernels(
    broker: str, start_flow: StartFlow, start_process: StartProcess, tmp_path: Path
) -> None:
    start_flow()
    limited = "ulimit -f 200 && exec python -m celery -A workers worker --model quick -l WARNING"
    bin_first = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    slot = start_process("sh", "-c", limited, env={"PATH": bin_first}, name="slot")
    client = Client()
    long = "A paragraph that makes more sound than a file of this worker may hold. " * 2
    job = client.submit_chapter(f"A short one.\n\n{long}\n\nAnother short one.", model="quick")
    with pytest.raises(SlotlineError, match=r"1 of 3 paragraphs failed: 2 .*cannot write speech/.*File too large"):
        job.wait(LIMIT_S)
    assert slot.returncode is None
    spoken = [path for path in (tmp_path / "store" / "speech").rglob("*") if path.is_file()]
    assert len(spoken) == 2, f"two artifacts, and no draft: {spoken}"
    store = Store(str(tmp_path / "store"))
    assert all(store.find(str(path.relative_to(tmp_path / "store"))) for path in spoken)


def test_a_file_that_kills_whoever_reads_it_costs_three_attempts_and_no_worker(
    client: Client, mood: Mood, workers: tuple[Process, Process], tmp_path: Path
) -> None:
    mood("kill-reader speech/")
    job = client.submit_chapter("Deadly to look for.", model="quick")
    with pytest.raises(PartsFailed, match="its worker died in all 3 attempts before it began; the last time: .*KILL"):
        job.wait(LIMIT_S)
    assert len((tmp_path / "mood.kills").read_text().splitlines()) == ATTEMPTS_ALLOWED
    mood("well")
    assert_whole(client, client.submit_chapter(TEXT, model="quick"))
    assert [worker.returncode for worker in workers] == [None, None]
