"""A task whose id belongs to another request fails for Celery, and leaves no trace under the id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Context

from tasks.errors import IdInUse
from tasks.flow.ends.own_run import JobRun
from tasks.flow.ends.refusal import refused, refused_job
from tasks.flow.ledger import Ledger
from tasks.kinds.speech import ChapterKind
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own backend

LATER = {"task": "speech.paragraph", "args": [], "kwargs": {}, "options": {"task_id": "later"}}


@pytest.fixture
def task(broker: str) -> Iterator[Any]:
    """A task that runs under the id `mine`, the first of a chain."""
    with Celery("refusing", broker=broker, backend=broker, set_as_current=False) as app:
        request = Context({"id": "mine", "task": "speech.chapter", "kwargs": {"text": "One."}, "chain": [LATER]})
        yield SimpleNamespace(name="speech.chapter", request=request, backend=app.backend)
        app.backend.client.close()


def set_asides(raw_redis: Any) -> list[tuple[str, str]]:
    """Queue and task id of what was set aside."""
    entries = [entry.partition(b"\n") for entry in raw_redis.lrange(keys.SET_ASIDE, 0, -1)]
    return [(json.loads(about)["queue"], json.loads(message)["headers"]["id"]) for about, _, message in entries]


def test_it_is_set_aside_and_its_chain_hears_of_it_but_nothing_is_stored_under_its_id(
    task: Any, ledger: Ledger, raw_redis: Any
) -> None:
    error = refused(task, ledger, "quick", IdInUse("id: taken"))
    assert (str(error), task.request.ignore_result) == ("id: taken", True)
    assert raw_redis.keys(keys.RESULT_PREFIX + "*") == [b"celery-task-meta-later"]
    assert json.loads(raw_redis.get(keys.RESULT_PREFIX + "later"))["result"]["exc_type"] == "IdInUse"
    assert set_asides(raw_redis) == [("quick", "mine")]


def test_a_job_is_set_aside_for_the_flow(task: Any, ledger: Ledger, raw_redis: Any) -> None:
    error = refused_job(JobRun(task, ChapterKind(), ledger, {}, "mine"))
    assert str(error) == "id: 'mine' is the id of another request; send this one under an id of its own"
    assert set_asides(raw_redis) == [("flow", "mine")]


def test_a_part_fails_in_the_job_above_and_is_not_kept(task: Any, ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("book", replace(OPENING, payloads=["Cone", "Ctwo"]))
    refused_job(JobRun(task, ChapterKind(), ledger, {}, "book.1", ("book", 1)))
    assert ledger.queries.states("book") == "fq"
    assert ledger.queries.outcomes("book")[1]["error"]["type"] == "IdInUse"
    assert set_asides(raw_redis) == []
