"""Ids that a sender chose, through real workers and Celery's plain `send_task`: taken, or refused once in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartPair, StartSlot

CATALOG = """
[models.quick]
adapter = "rehearsal"

[models.short]
adapter = "rehearsal"
gives = "text"
reads_tokens = 100
"""

FORGED = "[2026-01-01 00:00:00,000: ERROR/MainProcess] all is lost"
TAKEN = ['quote " and \\', f"line\n{FORGED}", "tab\t nul\0 esc \x1b[2J", "Chí Phèo: a.1.2 *?[%41"]
REFUSED: dict[Any, str] = {
    "x" * 10_000: "headers.id: has 10000 bytes; it may have 512",
    "chapter:parts": "headers.id: ends in ':parts', as a key of another job does",
    7: "headers.id: is int, and must be text",
    "\ud800": "headers.id: has half of a surrogate pair, which no key in Redis can have",
}
CALLS = {
    "speech.paragraph": ("quick", {"model": "quick", "text": "One."}),
    "speech.chapter": ("flow", {"model": "quick", "text": "One.\n\nTwo."}),
    "speech.book": ("flow", {"model": "quick", "chapters": [{"text": "One."}, {"text": "Two.\n\nThree."}]}),
    "summary.part": ("short", {"model": "short", "text": "A text to summarise."}),
    "summary.text": ("flow", {"model": "short", "text": "A text to summarise. " * 50}),
    "infer.map": ("flow", {"model": "quick", "craft": "speech", "inputs": [{"text": "One."}, {"text": "Two."}]}),
}


@pytest.fixture
def sender(broker: str) -> Iterator[Celery]:
    """A Celery client that waits for no results: one that does refuses some of these ids itself."""
    with Celery("sender", broker=broker, set_as_current=False) as app:
        yield app


def stored(client: redis.Redis, task_id: str) -> dict[str, Any]:
    raw: Any = client.get(keys.RESULT_PREFIX + task_id)
    found: dict[str, Any] = json.loads(raw) if raw else {"status": "PENDING"}
    return found


def test_any_id_that_can_be_a_key_is_taken_and_the_others_are_refused_once_in_words(
    sender: Celery,
    redis_client: redis.Redis,
    use_catalog: UseCatalog,
    start_pair: StartPair,
    start_slot: StartSlot,
    wait_until: WaitUntil,
) -> None:
    use_catalog(CATALOG)
    workers = [*start_pair("quick"), start_slot("short")]
    for task, (queue, kwargs) in CALLS.items():
        for odd in TAKEN:
            sender.send_task(task, kwargs=kwargs, queue=queue, task_id=f"{odd} {task}")
    for refused in REFUSED:
        for queue in ("flow", "quick"):
            sender.send_task("speech.chapter", kwargs=CALLS["speech.chapter"][1], queue=queue, task_id=refused)

    taken = [f"{odd} {task}" for odd in TAKEN for task in CALLS]
    wait_until(lambda: all(stored(redis_client, one)["status"] == "SUCCESS" for one in taken), what="every result")
    wait_until(lambda: redis_client.llen(keys.SET_ASIDE) == 2 * len(REFUSED), what="every refusal")
    wait_until(lambda: not redis_client.exists(keys.HELD, "flow", "quick", "short"), what="nothing to be left")
    entries: Any = redis_client.lrange(keys.SET_ASIDE, 0, -1)
    assert {json.loads(one.partition("\n")[0])["reason"] for one in entries} == set(REFUSED.values())
    for refused, why in REFUSED.items():
        if refused != "\ud800":  # nothing can be stored under it
            answer = stored(redis_client, str(refused))
            assert (answer["status"], answer["result"]["exc_message"]) == ("FAILURE", [why])
    assert redis_client.zcard(keys.OPEN) == 0
    for worker in workers:
        assert not [line for line in worker.log().splitlines() if line.startswith(FORGED)], "a forged line"
        assert "\x1b" not in worker.log()
