"""A part's task takes what the slot's child left for it: it settles its part, and raises what Celery is to store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery.app.task import Context
from celery.exceptions import Ignore

from tasks.errors import InvalidInput, OutOfMemory, SlotlineError, WorkerLost
from tasks.flow import outcomes, part_task
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.outcomes import Done, Dropped, Failed, Outcome, Waiting
from tasks.flow.write_buffer import WriteBuffer
from tasks.kinds.speech import PARTS
from tasks.store.names import Artifact
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, opened, record_of

MADE = Artifact("speech/ab/abc.wav", 16_044, "0" * 64, {"sample_rate": 8000, "frames": 8000})


class Retried(Exception):
    """Celery's own `Retry`, as `task.retry` gives it."""


class SlotTask:
    """The task of a slot as its body knows it; notes what it is asked for."""

    name = "speech.paragraph"

    def __init__(self, task_id: str) -> None:
        self.request = Context(
            {
                "id": task_id,
                "task": self.name,
                "kwargs": {"text": "Xin chào."},
                "hostname": "slot@here",
                "delivery_info": {"routing_key": MODEL},
            }
        )
        self.revoked: list[str] = []
        self.events: list[str] = []
        self.backend = SimpleNamespace(mark_as_revoked=lambda task_id, reason, request: self.revoked.append(task_id))

    def send_event(self, kind: str, **fields: Any) -> None:
        self.events.append(kind)

    def retry(self, exc: Exception, countdown: int, max_retries: int) -> Retried:
        assert (countdown, max_retries) == (0, self.request.retries + 1), "Celery's own limit is never met"
        return Retried(str(exc))


@pytest.fixture(autouse=True)
def own_ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The body's ledger is the test's; what no body took is forgotten."""
    monkeypatch.setattr(part_task, "ledger", lambda app: ledger)
    monkeypatch.setattr(part_task, "write_buffer", lambda app: WriteBuffer(ledger))
    yield
    outcomes.clear()


def concluded(task: SlotTask, outcome: Outcome | None, **fields: Any) -> Any:
    """What the body makes of an outcome that the child has left."""
    if outcome is not None:
        outcomes.put(task.request.id, outcome)
    as_celerys: Any = task
    return part_task.conclude(as_celerys, fields, PARTS)


def test_a_task_alone_returns_its_result_whole() -> None:
    made = concluded(SlotTask("alone"), Done(MADE, computed=True), text="Hello.", model="quick")
    assert (made["kind"], made["duration_s"], made["computed"]) == ("paragraph", 1.0, True)
    assert made["pieces"] == [["Hello.", 0.0, 1.0, []]]


def test_a_part_settles_in_its_job_with_what_it_made(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    concluded(SlotTask(f"{job}.2"), Done(MADE, computed=True), job=job, part=2)
    assert ledger.queries.states(job) == "qd"
    settled = ledger.queries.outcomes(job)[2]
    assert (settled["audio"]["artifact"], settled["computed"]) == (MADE.name, True)
    record = record_of(ledger, job)
    assert record.measure is not None
    assert (record.done, record.measure.amount) == (1, 1.0)


def test_a_part_that_fails_for_good_says_where_and_why_in_its_job(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    with pytest.raises(InvalidInput, match="too odd"):
        concluded(SlotTask(f"{job}.1"), Failed(InvalidInput("text: too odd"), attempt=1), job=job, part=1)
    assert ledger.queries.states(job) == "f"
    error = ledger.queries.outcomes(job)[1]["error"]
    assert (error["type"], error["message"]) == ("InvalidInput", "text: too odd")
    assert (error["attempt"], error["worker"]) == (1, "slot@here")
    assert len(error["traceback"]) <= part_task.TRACEBACK_CHARS


def test_a_part_that_may_do_better_later_is_sent_again_and_stores_no_result(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 1)
    raw_redis.delete(MODEL)
    with pytest.raises(Ignore, match="tried again"):
        concluded(SlotTask(f"{job}.1"), Failed(OutOfMemory("full"), attempt=1), job=job, part=1)
    assert ledger.queries.states(job) == "q"


def test_a_part_that_has_ended_meanwhile_stores_no_failure(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    with pytest.raises(Ignore):
        concluded(SlotTask(f"{job}.1"), Failed(InvalidInput("late"), attempt=1), job=job, part=1)
    assert ledger.queries.states(job) == "d"


def test_a_task_alone_is_retried_by_celery_until_its_attempts_are_used_up(ledger: Ledger) -> None:
    with pytest.raises(Retried, match="full"):
        concluded(SlotTask("alone"), Failed(OutOfMemory("full"), attempt=ATTEMPTS_ALLOWED - 1))
    assert ledger.set_asides.latest(10) == []


@pytest.mark.parametrize("retries", [-5, 0, 7])
def test_a_run_that_failed_before_it_was_counted_is_counted_whatever_the_sender_says_of_retries(
    ledger: Ledger, retries: int
) -> None:
    for number in range(ATTEMPTS_ALLOWED):
        task = SlotTask("alone")
        task.request.update(retries=retries, properties={"delivery_tag": f"tag-{number}"})
        with pytest.raises(Retried if number < ATTEMPTS_ALLOWED - 1 else OutOfMemory):
            concluded(task, Failed(OutOfMemory("full"), attempt=0))
    assert len(ledger.set_asides.latest(10)) == 1


@pytest.mark.parametrize("error", [OutOfMemory("full"), WorkerLost("it died each time")], ids=repr)
def test_the_message_of_a_task_alone_that_failed_every_time_is_set_aside(ledger: Ledger, error: SlotlineError) -> None:
    with pytest.raises(type(error)):
        concluded(SlotTask("alone"), Failed(error, attempt=ATTEMPTS_ALLOWED))
    (entry,) = ledger.set_asides.latest(10)
    about, _, message = entry.partition(b"\n")
    assert json.loads(about)["queue"] == MODEL
    assert json.loads(about)["reason"] == f"{type(error).__name__}: {error}"
    assert json.loads(message)["headers"]["id"] == "alone"


def test_an_input_that_is_at_fault_itself_is_not_set_aside(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput):
        concluded(SlotTask("alone"), Failed(InvalidInput("text: is empty"), attempt=1))
    assert ledger.set_asides.latest(10) == []


def test_a_cancelled_task_alone_is_revoked_and_a_part_leaves_that_to_its_job(ledger: Ledger) -> None:
    alone, part = SlotTask("alone"), SlotTask("job.1")
    with pytest.raises(Ignore):
        concluded(alone, Dropped())
    with pytest.raises(Ignore):
        concluded(part, Dropped(), job="job", part=1)
    assert (alone.revoked, alone.events) == (["alone"], ["task-revoked"])
    assert (part.revoked, part.events) == ([], [])


def test_what_waits_for_another_slot_changes_nothing(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    with pytest.raises(Ignore, match="another slot computes the same"):
        concluded(SlotTask(f"{job}.1"), Waiting(), job=job, part=1)
    assert ledger.queries.states(job) == "q"


def test_where_no_model_ran_the_task_came_to_a_wrong_queue() -> None:
    with pytest.raises(InvalidInput, match=r"^queue: a slot computes speech\.paragraph; send it to the queue named"):
        concluded(SlotTask("alone"), None)
