"""What a client answers about jobs and models, and that importing it is cheap."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.errors import InvalidInput, UnknownJob
from tasks.redis import keys
from tasks.routing import FLOW_QUEUE, list_key
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def test_importing_the_producer_loads_nothing_heavy() -> None:
    heavy = "torch onnxruntime numpy soundfile workers celery fsspec lxml rich"
    code = f"import sys, producer; print([name for name in {heavy.split()!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_unknown_id_is_said_to_be_unknown(client: Client) -> None:
    with pytest.raises(UnknownJob, match="no job 'nope'"):
        client.job("nope")


def test_what_no_id_can_be_is_said_in_words(client: Client) -> None:
    for ask in (client.job, client.cancel):
        with pytest.raises(InvalidInput, match="^id: has half of a surrogate pair"):
            ask("\udcff")  # what Python makes of a byte on the command line that is no text


def test_a_job_is_found_again_by_its_id(client: Client) -> None:
    job = client.submit_chapter("Hello.", model="quick")
    assert client.job(job.id).status() == "PENDING"
    assert [record.job_id for record in client.jobs()] == [job.id]


def test_a_model_has_a_worker_once_one_is_ready(
    client: Client, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    assert not client.has_worker("quick")
    start_worker("--model", "quick").wait_for_log("ready: quick")
    wait_until(lambda: client.has_worker("quick"), 5, "what a thread of the worker writes when it is ready")
    assert client.offer("quick") is not None


def open_job(client: Client, job_id: str) -> None:
    """A job of four parts, one of which has ended."""
    opening = replace(OPENING, model="quick", payloads=["P"] * 4, sizes=[100] * 4, part_list=list_key("quick", 3))
    client.ledger.transitions.open(job_id, opening)
    client.ledger.transitions.settle(job_id, 1, "done", {})


def measured_and_served(raw_redis: Any) -> None:
    """Slots that live, and parts of 100 characters that took two seconds each."""
    now_ms = raw_redis.time()[0] * 1000
    for queue in ("quick", FLOW_QUEUE):
        raw_redis.zadd(keys.capacity(queue), {"one|4": now_ms + 60_000})
    raw_redis.hset(keys.pace("quick"), "s6", f"8 8 800 16000 {now_ms}")


def test_when_a_job_will_end_is_estimated_from_what_was_measured(client: Client, raw_redis: Any) -> None:
    open_job(client, "job")
    assert client.estimate("job").why == "no worker of quick is ready"
    measured_and_served(raw_redis)
    found = client.estimate(client.job("job"))
    assert found.seconds_left == pytest.approx(5.0)  # three parts of two seconds, one of which is half done
    assert found.ends_at == pytest.approx(time.time() + 5.0, abs=5)
    assert found.based_on == "8 samples of its pace, 1 slot, 0 other jobs"


def test_what_has_ended_has_no_time_left_and_what_is_not_recorded_no_estimate(client: Client, raw_redis: Any) -> None:
    open_job(client, "job")
    client.cancel("job")
    found = client.estimate("job")
    assert found.seconds_left == 0.0
    assert found.ends_at == pytest.approx(time.time(), abs=5)
    with pytest.raises(UnknownJob, match="no job 'nope'"):
        client.estimate("nope")
    alone = client.submit_paragraph("Hello.", model="quick")
    assert client.estimate(alone).seconds_left is None
    assert "only its message is known" in client.estimate(alone).why
    assert client.estimates([]) == client.estimates(["job"]) == {}
