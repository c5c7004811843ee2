"""What follows when a flow worker's child died: counted, given back, failed for good, or no fault of the task."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore

from tasks.errors import StoreError, TimeLimitOver, WorkerLost
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tasks.settings import settings
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, opened, record_of
from workers.flow.losses import FlowLosses
from workers.flow.request import FlowRequest
from workers.upstream.billiard import exception_info
from workers.wire.call import Call
from workers.wire.limits import SENDER, WORKER, TimeLimit


@dataclass
class Bench:
    """The losses of a flow worker on a real ledger, and what Celery gets of each request."""

    ledger: Ledger
    deaths: int = 0
    answers: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.losses = FlowLosses(lambda: self.ledger, self._died)

    def _died(self) -> None:
        self.deaths += 1

    def _failed(self, einfo: Any) -> None:
        self.answers.append(getattr(einfo.exception, "exc", einfo.exception))

    def request(self, task_id: str, tag: str = "tag", kind: str | None = "chapter", **kwargs: Any) -> FlowRequest:
        headers = {"id": task_id, "task": "speech.chapter", "properties": {"delivery_tag": tag}}
        call = Call("speech.chapter", task_id, headers, [[], kwargs, {}], "", "")
        return FlowRequest(call, kind, self.answers.append, self._failed)

    def lose(self, request: FlowRequest, error: BaseException | None = None) -> Any:
        self.losses.lost(request, exception_info(error or WorkerLostError("signal 9 (SIGKILL) Job: 3.")))
        return self.answers[-1]


@pytest.fixture
def bench(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    return Bench(Ledger(raw_redis))


def finishing(ledger: Ledger) -> str:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    return job


def test_a_job_whose_child_died_three_times_fails_with_what_ended_the_last(bench: Bench) -> None:
    job = finishing(bench.ledger)
    answers = [bench.lose(bench.request(job, tag)) for tag in "abc"]
    assert [type(one) for one in answers] == [WorkerLostError, WorkerLostError, WorkerLost]
    assert str(answers[-1]) == "its worker died in all 3 attempts to finish it; the last time: signal 9 (SIGKILL)"
    assert record_of(bench.ledger, job).error == {"type": "WorkerLost", "message": str(answers[-1])}
    assert bench.deaths == 3


def test_a_chapter_that_fails_fails_its_part_of_the_book(bench: Bench) -> None:
    bench.ledger.transitions.open("book", replace(OPENING, payloads=["CI"], part_queue=FLOW, part_list=FLOW))
    for tag in "abc":
        bench.lose(bench.request("book.1", tag, job="book", part=1))
    assert bench.ledger.queries.states("book") == "f"


def test_a_run_that_the_worker_ends_as_planned_costs_nothing(bench: Bench) -> None:
    job = finishing(bench.ledger)
    for tag in "abcd":
        request = bench.request(job, tag)
        request.is_planned = True
        assert isinstance(bench.lose(request), WorkerLostError)
    assert isinstance(bench.lose(bench.request(job, "e"), Terminated(15)), Terminated)
    assert bench.deaths == 0
    assert [type(bench.lose(bench.request(job, tag))) for tag in "xyz"][-1] is WorkerLost


def test_a_memory_error_outside_the_task_is_a_loss_and_not_the_end_of_the_worker(bench: Bench) -> None:
    answers = [bench.lose(bench.request(finishing(bench.ledger)), MemoryError())]
    assert [str(one) for one in answers] == ["memory ran out"]
    assert isinstance(answers[0], WorkerLostError)


def test_a_limit_of_the_senders_ends_the_job_at_once(bench: Bench) -> None:
    request = bench.request(job := finishing(bench.ledger))
    request.limit = TimeLimit(0.2, "time_limit", SENDER)
    answer = bench.lose(request, TimeLimitExceeded(0.2))
    assert (type(answer), str(answer)) == (TimeLimitOver, "time_limit=0.2 s, set by the sender, is over")
    assert record_of(bench.ledger, job).label == "FAILURE"
    assert bench.deaths == 0


def test_a_limit_of_the_worker_is_one_more_death(bench: Bench) -> None:
    request = bench.request(job := finishing(bench.ledger))
    request.limit = TimeLimit(5.0, "soft_time_limit", WORKER)
    answer = bench.lose(request, TimeLimitExceeded(5.0))
    assert (type(answer), str(answer)) == (WorkerLostError, "killed after soft_time_limit=5 s, set for this worker")
    assert record_of(bench.ledger, job).state == "finishing"
    assert bench.deaths == 1


def test_another_task_is_set_aside_whole_after_three_deaths(bench: Bench) -> None:
    task = uuid.uuid4().hex
    # Its message comes again under its old tag.
    answers = [bench.lose(bench.request(task, kind=None, text="x")) for _ in range(3)]
    assert str(answers[-1]) == "its worker died in all 3 attempts; the last time: signal 9 (SIGKILL)"
    (entry,) = bench.ledger.set_asides.latest(10)
    assert b"WorkerLost: its worker died" in entry
    assert task.encode() in entry


def test_a_job_that_another_worker_has_ended_meanwhile_is_answered_as_the_ledger_has_it(bench: Bench) -> None:
    job = finishing(bench.ledger)
    bench.ledger.transitions.end(job, "chapter", "SUCCESS", {"made": 1}, None)
    for tag in "abc":
        bench.lose(bench.request(job, tag))
    assert bench.answers[-1] == (0, {"made": 1}, 0.0)
    failed = finishing(bench.ledger)
    bench.ledger.transitions.end(failed, "chapter", "FAILURE", None, {"type": "StoreError", "message": "full"})
    for tag in "abc":
        bench.lose(bench.request(failed, tag))
    assert (type(bench.answers[-1]), str(bench.answers[-1])) == (StoreError, "full")


def test_a_sender_that_limits_a_job_which_is_open_by_now_loses_nothing(bench: Bench) -> None:
    request = bench.request(job := opened(bench.ledger, 1))
    request.limit = TimeLimit(0.2, "time_limit", SENDER)
    assert isinstance(bench.lose(request, TimeLimitExceeded(0.2)), Ignore)
    assert record_of(bench.ledger, job).state == "open"


def test_a_redis_that_is_away_gives_the_message_back(bench: Bench, unused_port: int) -> None:
    from redis import Redis

    bench.ledger = Ledger(Redis(port=unused_port))
    request = bench.request("job")
    request.limit = TimeLimit(0.2, "time_limit", SENDER)
    assert isinstance(bench.lose(request), WorkerLostError)
    assert isinstance(bench.lose(request, TimeLimitExceeded(0.2)), WorkerLostError)


def test_an_attempt_that_was_counted_in_the_child_is_not_counted_again(bench: Bench, raw_redis: Any) -> None:
    from tasks.flow.ledger.record import OwnMessage

    job = finishing(bench.ledger)
    for tag in "ab":
        bench.ledger.claims.begin(job, tag, OwnMessage("", "", FLOW), None)
        bench.lose(bench.request(job, tag))
    assert raw_redis.hget(keys.attempts(job), "step:finishing") == b"2"
