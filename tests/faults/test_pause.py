"""A paused model on real slots: what runs ends, nothing begins, no attempt is counted, all goes on when resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from celery import Celery
from click.testing import CliRunner

from tasks.redis import keys
from tests.faults.slots import MODEL, Slots
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from workers.commands.health import health
from workers.commands.pause import pause, resume


@pytest.fixture
def slots(start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slots:
    made = Slots(start_worker, tmp_path, seconds=0.1)
    monkeypatch.setenv("SLOTLINE_MODELS", str(made.catalog))
    return made


def queued(client: Any) -> list[str]:
    """The ids of what waits in the model's queue, the next first."""
    return [json.loads(raw)["headers"]["id"] for raw in reversed(client.lrange(MODEL, 0, -1))]


def test_while_a_model_is_paused_all_its_slots_end_what_runs_and_begin_nothing(
    slots: Slots, foreign: Celery, redis_client: Any, wait_until: WaitUntil
) -> None:
    for worker in [slots.begin("one"), slots.begin("two")]:
        worker.wait_for_log(f"ready: {MODEL}")
    texts = [f"⚡slow=4 {number}" for number in range(6)]
    sent = [ask(foreign, text, "aside") for text in texts]
    redis_client.rename("aside", MODEL)  # so each slot takes three, and computes the first of them
    wait_until(lambda: len(slots.runs()) == 2 and redis_client.hlen(keys.HELD) == 6, what="two that run, four taken")
    run(pause, MODEL)
    sent.append(ask(foreign, "sent meanwhile", MODEL))
    wait_until(lambda: redis_client.llen(MODEL) == 5, what="what was taken and not begun, back in its queue")
    waiting = [task_id for text, task_id in zip(texts, sent, strict=False) if not slots.runs(text)]
    assert set(queued(redis_client)[:4]) == set(waiting), "it is at the front"
    wait_until(lambda: "busy, paused" in run(health), what="the next heartbeat")
    third = slots.start("third")
    wait_until(lambda: not redis_client.exists(keys.HELD), what="the end of what ran")
    wait_until(lambda: redis_client.zcard(keys.idle(MODEL)) == 3, what="three idle slots, one of them new")
    assert len(slots.runs()) == 2
    third.wait_for_log("model is paused: nothing new begins")
    for task_id in waiting:
        assert redis_client.hget(keys.attempts(task_id), "0") in (None, "0"), "made ready, and never begun"
    run(resume, MODEL)
    for task_id in sent:
        foreign.AsyncResult(task_id).get(timeout=GIVE_UP_S)
    assert len(slots.runs()) == 7, "each once"


def ask(foreign: Celery, text: str, queue: str) -> str:
    """The id of one text, sent to this queue."""
    kwargs = {"text": text, "model": MODEL}
    return str(foreign.send_task("speech.paragraph", kwargs=kwargs, queue=queue).id)


def run(command: click.Command, *arguments: str) -> str:
    """What a command says; its status is 0."""
    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    assert (result.exception, result.return_value) == (None, 0), result.output
    return result.output
