"""Real slots leave work to the slot that has the model: many models in turn load once each, a lazy slot is spared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import redis
from celery import Celery

from producer import Client
from tasks.messages import ParagraphRequest
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartFlow, StartSlot, StartWorker
from workers.duties.remote_control import STATUS

SLOTS, MODELS_A_SLOT = 4, 5
NAMES = [f"m{number}" for number in range(SLOTS * MODELS_A_SLOT)]
ROUNDS = 3
CATALOG = f"""
[models.many]
adapter = "rehearsal"
path = "voices/{{id}}"
seconds = 0.02
load_seconds = 0.3
max_models = {MODELS_A_SLOT}

[models.one]
adapter = "rehearsal"
load_seconds = 0.5
faults = true
"""


@pytest.fixture
def catalog(use_catalog: UseCatalog) -> None:
    path = use_catalog(CATALOG)
    for name in NAMES:
        (path.parent / "voices" / name).mkdir(parents=True)


Statuses = Callable[[int], list[Mapping[str, Any]]]


@pytest.fixture
def statuses(foreign: Celery) -> Statuses:
    """`statuses(workers)`: what `slotline model status` knows of the slots among so many workers."""

    def ask(workers: int) -> list[Mapping[str, Any]]:
        replies = foreign.control.broadcast(STATUS, reply=True, timeout=GIVE_UP_S, limit=workers) or []
        return [answer for reply in replies for answer in reply.values() if "model" in answer]

    return ask


@pytest.mark.usefixtures("catalog")
def test_models_in_turn_over_several_slots_are_loaded_once_each_and_none_starves(
    client: Client, start_worker: StartWorker, start_flow: StartFlow, statuses: Statuses
) -> None:
    workers: list[Process] = [
        start_worker("--model", "many", env={"SLOTLINE_CPU_SLOTS": str(SLOTS)}) for _ in range(SLOTS)
    ]
    start_flow()
    for worker in workers:
        worker.wait_for_log("ready: many")
    inputs = [{"text": f"{turn} {name}", "voice": name} for turn in range(ROUNDS) for name in NAMES]
    assert len(client.map("many", inputs).wait(GIVE_UP_S)) == len(inputs)
    singles = [client.submit(ParagraphRequest(model="many", text="alone", voice=name)) for name in NAMES]
    assert all(job.wait(GIVE_UP_S).computed for job in singles)
    loads = [status["registry"]["misses"] for status in statuses(SLOTS + 1)]
    assert len(loads) == SLOTS
    assert sum(loads) <= 1.2 * len(NAMES), loads


@pytest.mark.usefixtures("catalog")
def test_a_lazy_slot_loads_only_when_the_wait_for_the_ready_one_exceeds_a_load(
    client: Client,
    start_slot: StartSlot,
    redis_client: redis.Redis,
    statuses: Statuses,
    wait_until: WaitUntil,
) -> None:
    start_slot("one")
    start_slot("one", "--lazy")
    wait_until(lambda: redis_client.zcard(keys.idle("one")) == 2, what="both idle")
    for number in range(8):
        assert client.submit_paragraph(f"{number}", model="one").wait(GIVE_UP_S).computed
    assert sorted(str(status["state"]) for status in statuses(2)) == ["ready", "unloaded"]
    slow = client.submit_paragraph("⚡slow=20", model="one")
    wait_until(lambda: redis_client.hlen(keys.HELD) == 1, what="the slow one to be taken")
    assert client.submit_paragraph("it cannot wait so long", model="one").wait(15).computed
    assert [status["state"] for status in statuses(2)].count("unloaded") == 0
    slow.cancel()
