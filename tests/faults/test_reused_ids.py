"""A task's id that is used again for another request: refused in words, and the first request's end stays its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from celery import Celery

from producer import Client
from tasks.errors import IdInUse
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair, StartSlot

CATALOG = """
[models.quick]
adapter = "rehearsal"
faults = true

[models.short]
adapter = "rehearsal"
gives = "text"
reads_tokens = 100
"""

FIRST: dict[str, tuple[str, dict[str, Any]]] = {
    "speech.paragraph": ("quick", {"model": "quick", "text": "One."}),
    "speech.chapter": ("flow", {"model": "quick", "text": "One.\n\nTwo."}),
    "speech.book": ("flow", {"model": "quick", "chapters": [{"text": "One."}]}),
    "summary.text": ("flow", {"model": "short", "text": "A text to summarise."}),
    "infer.map": ("flow", {"model": "quick", "craft": "speech", "inputs": [{"text": "One."}]}),
}
OTHER: dict[str, dict[str, Any]] = {
    "speech.paragraph": {"text": "Another text."},
    "speech.chapter": {"text": "Another text."},
    "speech.book": {"chapters": [{"text": "Another text."}]},
    "summary.text": {"text": "Another text."},
    "infer.map": {"inputs": [{"text": "Another text."}]},
}


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def stored(client: redis.Redis, task_id: str) -> dict[str, Any]:
    raw: Any = client.get(keys.RESULT_PREFIX + task_id)
    found: dict[str, Any] = json.loads(raw) if raw else {"status": "PENDING"}
    return found


def refusals(client: redis.Redis) -> list[str]:
    """The ids of the messages that were set aside because another request has their id."""
    entries: Any = client.lrange(keys.SET_ASIDE, 0, -1)
    found = [(json.loads(about)["reason"], message) for about, _, message in (one.partition("\n") for one in entries)]
    return sorted(json.loads(message)["headers"]["id"] for reason, message in found if "another request" in reason)


def send(app: Celery, task: str, task_id: str, **changes: Any) -> None:
    queue, kwargs = FIRST[task]
    app.send_task(task, kwargs={**kwargs, **changes}, queue=queue, task_id=task_id)


def test_after_its_end_an_id_answers_the_same_request_again_and_refuses_another(
    foreign: Celery, redis_client: Any, start_pair: StartPair, start_slot: StartSlot, wait_until: WaitUntil
) -> None:
    flow, slot = start_pair("quick")
    start_slot("short")
    for task in FIRST:
        send(foreign, task, task)
    wait_until(lambda: all(stored(redis_client, task)["status"] == "SUCCESS" for task in FIRST), what="the first ends")
    first = {task: stored(redis_client, task) for task in FIRST}
    for task in FIRST:
        send(foreign, task, task)
        send(foreign, task, task, **OTHER[task])
    send(foreign, "speech.paragraph", "speech.chapter")
    send(foreign, "speech.chapter", "speech.paragraph")
    expected = sorted([*FIRST, "speech.chapter", "speech.paragraph"])
    wait_until(lambda: refusals(redis_client) == expected, what="every other request to be refused")
    wait_until(lambda: not redis_client.exists(keys.HELD, "flow", "quick", "short"), what="nothing to be left")
    assert {task: stored(redis_client, task) for task in FIRST} == first
    assert "is the id of another request; send this one under an id of its own" in flow.log() + slot.log()
    assert redis_client.zcard(keys.OPEN) == 0


def test_while_the_first_runs_its_progress_and_its_result_stay_its_own(
    foreign: Celery, client: Client, redis_client: Any, start_pair: StartPair, wait_until: WaitUntil
) -> None:
    start_pair("quick")
    send(foreign, "speech.chapter", "runs", text="⚡slow=2 one\n\nTwo.")
    wait_until(lambda: stored(redis_client, "runs")["status"] == "PROGRESS", what="the chapter to be open")
    for task in ("speech.chapter", "speech.book"):
        send(foreign, task, "runs", **OTHER[task])
    send(foreign, "speech.book", "runs", chapters="no list")
    foreign.send_task("speech.chapter", args=["One."], queue="flow", task_id="runs")
    with pytest.raises(IdInUse):
        client.submit_book([{"text": "Another text."}], model="quick", job_id="runs")
    # A book whose chapter would have the id of somebody's job.
    send(foreign, "speech.chapter", "book.1", text="Somebody's.")
    wait_until(lambda: stored(redis_client, "book.1")["status"] in ("PROGRESS", "SUCCESS"), what="somebody's job")
    send(foreign, "speech.book", "book")
    wait_until(lambda: stored(redis_client, "book")["status"] == "FAILURE", what="the book to fail")
    assert "'book.1' is the id of another request" in str(stored(redis_client, "book")["result"])

    wait_until(lambda: redis_client.llen(keys.SET_ASIDE) == 4, what="all to be refused")
    assert client.job("runs").wait(GIVE_UP_S).fields()["parts"] == 2
    wait_until(lambda: stored(redis_client, "book.1")["status"] == "SUCCESS", what="somebody's job to succeed")
