"""What failed for good is listed with its reason; tried again, it heals its chapter and its book."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.errors import InvalidInput, PartsFailed, UnknownJob
from tasks.flow import repair
from tasks.messages import BookResult, ChapterResult
from tasks.redis import keys
from tasks.retention.retention import Retention
from tasks.retention.round import Limits
from tasks.store.artifacts import Store
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartFlow, StartPair, StartSlot, StartWorker

CATALOG = '[models.model]\nadapter = "rehearsal"\nfaults = {faults}\n'


@pytest.fixture
def catalog_file(use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.2")
    return use_catalog(CATALOG.format(faults="true"))


@pytest.fixture
def slot(catalog_file: Path, start_pair: StartPair) -> Process:
    return start_pair("model")[1]


def mended(slot: Process, catalog_file: Path, start_slot: StartSlot) -> None:
    """The slot's worker again, with a model that has got over its faults."""
    slot.stop()
    catalog_file.write_text(CATALOG.format(faults="false"))
    start_slot("model", name="mended")


def test_a_retried_paragraph_heals_its_chapter(
    client: Client, slot: Process, catalog_file: Path, start_slot: StartSlot
) -> None:
    job = client.submit_chapter("Good one.\n\nBad ⚡error.\n\nGood two.", model="model")
    with pytest.raises(PartsFailed, match="1 of 3 paragraphs failed"):
        job.wait(timeout_s=GIVE_UP_S)
    (failure,) = repair.failures(client.ledger)
    assert failure.id == f"{job.id}.2"
    assert failure.words == "Bad ⚡error."
    assert failure.worker.startswith("model-cpu-0@")
    assert "ModelError" in failure.reason
    mended(slot, catalog_file, start_slot)
    assert repair.retry(client.ledger, job.id) == 1
    result = job.wait(timeout_s=GIVE_UP_S)
    assert isinstance(result, ChapterResult)
    assert result.parts == 3
    assert job.status() == "SUCCESS"
    assert repair.failures(client.ledger) == []


def test_a_retried_paragraph_heals_its_chapter_and_the_book_above(
    client: Client, slot: Process, catalog_file: Path, start_slot: StartSlot
) -> None:
    chapters = [{"title": "I", "text": "Good."}, {"title": "II", "text": "Good.\n\n⚡error here."}]
    book = client.submit_book(chapters, model="model")
    with pytest.raises(PartsFailed, match="1 of 2 chapters failed: 2"):
        book.wait(timeout_s=GIVE_UP_S)
    (failure,) = repair.failures(client.ledger)
    assert failure.id == f"{book.id}.2.2"
    mended(slot, catalog_file, start_slot)
    assert repair.retry_all(client.ledger) == 1
    result = book.wait(timeout_s=GIVE_UP_S)
    assert isinstance(result, BookResult)
    assert [chapter.title for chapter in result.chapters] == ["I", "II"]
    assert result.chapters[1].parts == 2
    assert client.job(f"{book.id}.2").status() == "SUCCESS"


def test_a_bare_paragraph_that_kills_its_worker_is_set_aside_and_can_be_sent_again(
    client: Client, slot: Process, catalog_file: Path, start_slot: StartSlot
) -> None:
    job = client.submit_paragraph("Poison ⚡crash.", model="model")
    with pytest.raises(Exception, match="its worker died in all 3 attempts"):
        job.wait(timeout_s=GIVE_UP_S)
    (failure,) = repair.failures(client.ledger)
    assert failure.id.startswith("message-")
    assert "its worker died" in failure.reason
    mended(slot, catalog_file, start_slot)
    client.connection.redis.delete(keys.RESULT_PREFIX + job.id)
    assert repair.retry(client.ledger, failure.id) == 1
    assert job.wait(timeout_s=GIVE_UP_S).duration_s > 0
    assert repair.failures(client.ledger) == []


def test_what_did_not_fail_cannot_be_retried(client: Client, slot: Process) -> None:
    job = client.submit_chapter("Good.", model="model")
    job.wait(timeout_s=GIVE_UP_S)
    with pytest.raises(InvalidInput, match="has not failed"):
        repair.retry(client.ledger, job.id)
    with pytest.raises(UnknownJob, match="nothing that failed"):
        repair.retry(client.ledger, "nobody")


def test_a_purged_queue_and_a_lost_finish_are_made_good_by_the_sweep(
    client: Client,
    catalog_file: Path,
    start_flow: StartFlow,
    start_slot: StartSlot,
    wait_until: WaitUntil,
) -> None:
    start_flow()
    job = client.submit_chapter("\n\n".join(f"Paragraph {n}." for n in range(12)), model="model")
    redis: Any = client.connection.redis
    wait_until(lambda: redis.llen("model\x06\x163") >= 4, what="the first messages")
    assert redis.delete("model\x06\x163")
    start_slot("model")
    result = job.wait(timeout_s=GIVE_UP_S)
    assert isinstance(result, ChapterResult)
    assert (result.parts, result.computed) == (12, 12)


def test_pruning_keeps_what_an_open_job_needs(
    client: Client, catalog_file: Path, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    store = Store(client.store.place)
    forgotten = store.put_text("nobody asks for this any more")
    job = client.submit_chapter("Trăm năm trong cõi người ta. " * 1000, model="model")
    old = time.time() - 3600
    for path in Path(store.place).rglob("*.*"):
        os.utime(path, (old, old))
    done, _ = Retention(store, client.ledger, Limits(60, None, 0)).whole(time.time())
    assert (done.removed, done.needed) == (1, 1)
    assert store.find(forgotten) is None
    start_worker("-Q", "flow", name="flow")
    start_worker("--model", "model", name="slot")
    assert job.wait(timeout_s=GIVE_UP_S).duration_s > 0
    done, _ = Retention(store, client.ledger, Limits(0, None, 0)).whole(time.time())
    assert (done.needed, done.left) == (0, 0)
    assert done.removed > 1
