"""What a client answers about jobs and models, and that importing it is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from producer import Client
from tasks.errors import InvalidInput, UnknownJob
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker


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
