"""The end that a run of a job's own task brings; `test_job.py` runs whole tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore

from tasks.errors import StoreError
from tasks.flow.ends.own_run import EndedElsewhere, JobRun, answer, answer_again, end
from tasks.flow.ledger import Ledger
from tasks.kinds.speech import ChapterKind
from tests.unit.tasks.flow.ledger.opened_jobs import opened, progress, record_of


@pytest.fixture
def app(broker: str) -> Any:
    with Celery("flow", broker=broker, backend=broker, set_as_current=False) as app:
        yield app


pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own backend


def nothing() -> None:
    """What the task would do."""


def run_of(app: Celery, ledger: Ledger, job: str, ignore_result: bool = False) -> JobRun:
    task = app.task(nothing, name="task", shared=False)
    task.push_request(id=job, task="task", args=[], kwargs={}, ignore_result=ignore_result)
    return JobRun(task, ChapterKind(), ledger, {}, job)


def finishing(ledger: Ledger) -> str:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    return job


def test_a_run_that_is_too_late_learns_how_the_job_has_ended(app: Celery, ledger: Ledger) -> None:
    job = finishing(ledger)
    ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "StoreError", "message": "full"})
    with pytest.raises(EndedElsewhere) as found:
        end(run_of(app, ledger, job), "SUCCESS", {"made": 1})
    with pytest.raises(StoreError, match="full"):
        answer_again(run_of(app, ledger, job), found.value.record)


def test_a_run_that_is_too_late_for_a_job_that_is_open_again_ends_nothing(app: Celery, ledger: Ledger) -> None:
    job = opened(ledger, 1)
    with pytest.raises(Ignore, match="too late"):
        end(run_of(app, ledger, job), "SUCCESS", {"made": 1})
    assert record_of(ledger, job).state == "open"


class Telling(ChapterKind):
    """A kind that adds to what the ledger keeps."""

    def answer(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**result, "told": 2}


def test_what_the_ledger_does_not_keep_is_added_each_time_for_a_job_that_is_no_part(
    app: Celery, ledger: Ledger
) -> None:
    job = finishing(ledger)
    this = replace(run_of(app, ledger, job), kind=Telling())
    end(this, "SUCCESS", {"made": 1})
    assert record_of(ledger, job).result == {"made": 1}
    for answered in (answer(this, {"made": 1}), answer_again(this, record_of(ledger, job))):
        assert answered == {"made": 1, "told": 2}
    assert answer(replace(this, parent=("book", 1)), {"made": 1}) == {"made": 1}


def test_the_result_of_a_job_is_stored_though_its_sender_ignores_it(
    app: Celery, ledger: Ledger, raw_redis: Any
) -> None:
    job = finishing(ledger)
    end(run_of(app, ledger, job, ignore_result=True), "SUCCESS", {"made": 1})
    assert progress(raw_redis, job)["status"] == "SUCCESS", "PROGRESS must not stay for ever"
