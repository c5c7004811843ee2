"""`slotline health` on real workers: what it calls unhealthy, in which words, and how soon."""

from __future__ import annotations

import json
import re
import signal
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from celery import Celery

from producer import Client
from producer.job import Job
from tasks.errors import SlotlineError
from tasks.flow.envelope import new_message
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartFlow, StartSlot, StartWorker

CATALOG = """
[models.model]
adapter = "rehearsal"
faults = true
time_limit_s = 60
stall_s = 1.5

[models.slowload]
adapter = "rehearsal"
load_seconds = 4.0
"""

UNHEALTHY_WITHIN_S = 30.0

Health = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def catalog_file(use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.1")
    return use_catalog(CATALOG)


@pytest.fixture
def health(broker: str, slotline: Slotline) -> Health:
    """`health(*options)`: the command's exit status and what it printed."""

    def ask(*options: str) -> tuple[int, str]:
        said = slotline("health", *options)
        return said.status, said.out

    return ask


@pytest.fixture
def worker(start_slot: StartSlot) -> Process:
    """A slot worker whose model is ready."""
    return start_slot("model")


def says(health: Health, pattern: str, *options: str) -> Callable[[], bool]:
    """Whether it is unhealthy for a reason that matches."""

    def look() -> bool:
        status, printed = health(*options)
        return status == 1 and re.search(pattern, printed) is not None

    return look


def fail_on(client: Client, *names: str) -> None:
    """Have the model fail on each of these, one after another."""
    for name in names:
        with pytest.raises(SlotlineError):
            client.submit_paragraph(f"⚡error {name}", model="model").wait(GIVE_UP_S)


def test_no_worker_at_all_is_unhealthy(health: Health) -> None:
    assert health() == (1, "unhealthy  no worker is there\n")
    assert health("--model", "model", "--here")[0] == 1


def test_ready_workers_are_healthy_until_they_end(
    health: Health, start_flow: StartFlow, worker: Process, wait_until: WaitUntil
) -> None:
    start_flow()
    wait_until(lambda: re.findall("^healthy", health()[1], re.M) == ["healthy"] * 2, 10, "both to be healthy")
    status, printed = health("--json", "--here")
    told = json.loads(printed)
    assert (status, told["healthy"]) == (0, True)
    assert {one["model"]: one["state"] for one in told["workers"]} == {"model": "ready", None: "running"}
    assert health("--model", "model")[0] == 0
    assert health("--host", "elsewhere") == (1, "unhealthy  no worker on elsewhere is there\n")
    assert worker.stop() == 0
    assert health("--model", "model")[0] == 1, "it took its word back when it ended"


def test_a_model_that_loads_is_not_healthy_yet(
    health: Health, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    start_worker("--model", "slowload")
    wait_until(says(health, r"slowload-cpu-0@\S+: its model is not loaded \(loading for \d+ s\)"), 10)
    wait_until(lambda: health()[0] == 0, 20, "it to be healthy")


def test_a_batch_beyond_stall_s_is_unhealthy(
    health: Health, client: Client, worker: Process, wait_until: WaitUntil
) -> None:
    client.submit_paragraph("⚡hang", model="model")
    wait_until(says(health, r"busy with one batch for \d+ s, which is longer than stall_s = 1.5"), UNHEALTHY_WITHIN_S)


def test_a_frozen_worker_is_unhealthy(health: Health, worker: Process, wait_until: WaitUntil) -> None:
    worker.signal(signal.SIGSTOP)
    try:
        wait_until(says(health, r"no heartbeat for \d+ s"), UNHEALTHY_WITHIN_S)
    finally:
        worker.signal(signal.SIGCONT)
    wait_until(lambda: health()[0] == 0, 20, "it to be healthy again")


def test_two_machines_with_one_hostname_are_two_workers_and_the_killed_one_is_unhealthy(
    health: Health, worker: Process, start_slot: StartSlot, foreign: Celery, wait_until: WaitUntil
) -> None:
    other = start_slot("model", env={"SLOTLINE_MACHINE_ID": "another"})
    wait_until(lambda: re.findall("^healthy    model-cpu-([01])@", health()[1], re.M) == ["0", "1"], what="both")
    assert len({name for answer in foreign.control.ping(limit=2) for name in answer}) == 2
    assert health("--here")[1].count("model-cpu-") == 1, "the other machine's worker is not here"
    other.kill()
    wait_until(says(health, r"unhealthy  model-cpu-1@\S+: no heartbeat"), UNHEALTHY_WITHIN_S)
    assert worker.returncode is None
    assert "healthy    model-cpu-0@" in health()[1]


def test_a_slot_that_fails_five_parts_is_reloaded_once_and_then_takes_no_more_work(
    health: Health, client: Client, worker: Process, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    fail_on(client, *"abc")
    wait_until(says(health, "its model failed on the last 3 different parts"), UNHEALTHY_WITHIN_S)
    fail_on(client, *"de")
    worker.wait_for_log("ready: model", count=2)
    said = "ERROR MainProcess model-cpu-0@.*: model failed 5 different parts in a row"
    assert len(re.findall(f"{said}; no more messages are taken until it is loaded again", worker.log())) == 1
    assert worker.log().count("ERROR") == 1, "and nothing else is an error"
    wait_until(lambda: health()[0] == 0, 10, "it to be healthy again")

    fail_on(client, *"fghij")
    worker.wait_for_log(f"{said} after it was loaded again; no more messages are taken until this worker is restarted")
    assert len(re.findall(said, worker.log())) == 2
    wait_until(says(health, "failed 5 different parts in a row after it was loaded again"), 10)
    left: Job = client.submit_paragraph("Good.", model="model")
    wait_until(lambda: redis_client.llen("model") == 1 and not redis_client.hlen("slotline:held"), 10)
    assert worker.returncode is None

    worker.stop()
    assert redis_client.llen("model") == 1
    assert left.status() == "PENDING"


def test_a_success_between_and_inputs_at_fault_close_nothing(client: Client, worker: Process) -> None:
    fail_on(client, *"abcd")
    client.submit_paragraph("Good.", model="model").wait(GIVE_UP_S)
    fail_on(client, *"efgh")
    client.submit_paragraph("Good again.", model="model").wait(GIVE_UP_S)
    for _ in range(6):
        empty = new_message("speech.paragraph", uuid.uuid4().hex, {"text": "", "model": "model"}, "model")
        client.connection.redis.lpush("model", empty)
    client.submit_paragraph("Good at last.", model="model").wait(GIVE_UP_S)
    assert "ERROR" not in worker.log()
    assert worker.log().count("ready: model") == 1


def test_messages_that_no_worker_reads_are_unhealthy(
    health: Health, client: Client, worker: Process, wait_until: WaitUntil
) -> None:
    wait_until(lambda: health()[0] == 0, 10, "the slot to be healthy")
    client.submit_chapter("One.", model="model")
    status, printed = health()
    assert status == 1
    assert "unhealthy  1 message waits in the queue 'flow', and no worker reads it" in printed
    assert health("--model", "model")[0] == 0, "the slots themselves are well"
