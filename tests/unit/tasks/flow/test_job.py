"""A job's task runs twice: it opens the job, then puts it together; a message that comes again changes nothing.

The tasks run here in the test's own process, on a real ledger; nobody computes the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from celery import Celery, Task
from celery.result import EagerResult

from tasks.errors import ArtifactMissing, InvalidInput, PartsFailed, SlotlineError, StoreError, WorkerLost
from tasks.flow.cancel import cancel
from tasks.flow.ends.outside import Failing, fail
from tasks.flow.job import NAMED_FAILURES, run
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, More, Plan
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import OwnMessage
from tasks.messages import ChapterRequest
from tasks.offers import Offers
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, opened, parts_sent, progress, record_of

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own backend

FIELDS = {"model": MODEL, "text": "One two three"}
FAILED = {"error": {"type": "ModelError", "message": "no sound"}}


class Words(Kind[ChapterRequest]):
    """A kind whose parts are words, put together in their order; `fault` is raised in place of each step."""

    request = ChapterRequest
    unit = "word"

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.steps: list[str] = []

    def plan(self, request: ChapterRequest, offers: Offers, is_part: bool) -> Plan:
        self._step("plan")
        payloads = [f"P{word}" for word in str(request.text).split()]
        return Plan("Words", request.model, payloads, "speech.paragraph", MODEL, 0, {"model": MODEL})

    def gather(self, gathered: Gathered) -> Made:
        self._step("gather")
        return Made({"words": len(gathered.good)}, gathered.computed, "The others are kept")

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if self.fault:
            raise self.fault


Work = Callable[[Kind[Any], str], EagerResult[Any]]


@pytest.fixture
def work(ledger: Ledger, broker: str) -> Iterator[Work]:
    """`work(kind, job)`: what one run of the job's task comes to."""
    kinds: list[Kind[Any]] = []
    with Celery("flow", broker=broker, backend=broker, set_as_current=False) as app:

        @app.task(bind=True, shared=False, throws=(SlotlineError,))
        def task(self: Task, **fields: Any) -> Mapping[str, Any]:
            return run(self, kinds[-1], ledger, fields)

        def one_run(kind: Kind[Any], job: str) -> EagerResult[Any]:
            kinds.append(kind)
            return task.apply(kwargs=FIELDS, task_id=job)

        yield one_run


def settle_all(ledger: Ledger, job: str, verdict: Any = "done", outcome: Mapping[str, Any] | None = None) -> None:
    for part in range(1, record_of(ledger, job).total + 1):
        ledger.transitions.settle(job, part, verdict, outcome or {"computed": 1})


def test_the_first_run_opens_the_job_and_the_second_puts_it_together(
    work: Work, ledger: Ledger, raw_redis: Any
) -> None:
    kind = Words()
    assert work(kind, "job").state == "IGNORED"
    assert (record_of(ledger, "job").state, parts_sent(raw_redis, "job")) == ("open", [1, 2, 3])
    settle_all(ledger, "job")
    assert raw_redis.llen(FLOW) == 1, "its own message comes again when the last part has been settled"
    assert work(kind, "job").result == {"words": 3}
    assert (record_of(ledger, "job").label, kind.steps) == ("SUCCESS", ["plan", "gather"])


def test_a_message_that_comes_twice_opens_nothing_twice_and_gives_the_same_result_again(
    work: Work, ledger: Ledger, raw_redis: Any
) -> None:
    kind = Words()
    work(kind, "job")
    assert work(kind, "job").state == "IGNORED"
    assert parts_sent(raw_redis, "job") == [1, 2, 3]
    settle_all(ledger, "job")
    first, again = work(kind, "job"), work(kind, "job")
    assert first.result == again.result == {"words": 3}
    assert kind.steps == ["plan", "gather"]


def test_a_job_with_failed_parts_fails_and_names_some_of_them_and_what_is_kept(work: Work, ledger: Ledger) -> None:
    work(Words(), "job")
    ledger.transitions.settle("job", 1, "done", {"computed": 1})
    for part in (2, 3):
        ledger.transitions.settle("job", part, "failed", FAILED)
    failed = work(Words(), "job")
    assert (failed.state, type(failed.result)) == ("FAILURE", PartsFailed)
    assert str(failed.result) == ("2 of 3 words failed: 2 («two»), 3 («three»): no sound. The others are kept")
    again = work(Words(), "job")
    assert (type(again.result), str(again.result)) == (PartsFailed, str(failed.result))


class Stretches(Words):
    """A kind with a plural of its own."""

    unit, units = "stretch", "stretches"


def test_a_kind_may_have_another_plural_for_its_parts_than_an_s(work: Work, ledger: Ledger) -> None:
    work(Stretches(), "job")
    settle_all(ledger, "job", "failed", FAILED)
    assert str(work(Stretches(), "job").result).startswith("3 of 3 stretches failed: 1 ")


def test_an_error_names_the_first_failed_parts_and_counts_the_others(
    work: Work, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FIELDS, "text", "word " * (NAMED_FAILURES + 2))
    work(Words(), "job")
    settle_all(ledger, "job", "failed", FAILED)
    said = str(work(Words(), "job").result)
    assert said.count("«word»") == NAMED_FAILURES
    assert "; and 2 more. The others" in said


@pytest.mark.parametrize("step", ["plan", "gather"])
def test_a_step_is_tried_again_while_the_store_is_not_well_and_then_fails(
    work: Work, ledger: Ledger, step: str
) -> None:
    if step == "gather":
        work(Words(), "job")
        settle_all(ledger, "job")
    unwell = Words(StoreError("no room"))
    assert [work(unwell, "job").state for _ in range(ATTEMPTS_ALLOWED)] == ["IGNORED"] * (ATTEMPTS_ALLOWED - 1) + [
        "FAILURE"
    ]
    assert unwell.steps == [step] * ATTEMPTS_ALLOWED


@pytest.mark.parametrize("error", [InvalidInput("voice: there is none"), ArtifactMissing("text x is not in /store")])
def test_what_waiting_cannot_mend_is_said_at_once(work: Work, error: SlotlineError, raw_redis: Any) -> None:
    kind = Words(error)
    refused = work(kind, "job")
    assert (refused.state, str(refused.result)) == ("FAILURE", str(error))
    assert (kind.steps, raw_redis.zcard(keys.DELAYED)) == (["plan"], 0)


def test_parts_whose_artifacts_are_gone_are_computed_again(work: Work, ledger: Ledger, raw_redis: Any) -> None:
    work(Words(), "job")
    settle_all(ledger, "job")
    raw_redis.delete(MODEL)
    assert work(Words(Incomplete([2])), "job").state == "IGNORED"
    assert (record_of(ledger, "job").state, ledger.queries.states("job")) == ("open", "dqd")
    assert parts_sent(raw_redis, "job") == [2]


def test_a_kind_may_add_further_parts_to_its_job(work: Work, ledger: Ledger, raw_redis: Any) -> None:
    work(Words(), "job")
    settle_all(ledger, "job")
    raw_redis.delete(MODEL)
    assert work(Words(More(["Pfour"])), "job").state == "IGNORED"
    assert (record_of(ledger, "job").total, parts_sent(raw_redis, "job")) == (4, [4])
    ledger.transitions.settle("job", 4, "done", {})
    assert work(Words(), "job").result == {"words": 4}


def test_a_run_of_a_job_that_was_cancelled_before_it_was_opened_sends_no_part(
    work: Work, ledger: Ledger, raw_redis: Any
) -> None:
    cancel(ledger, "job", notify=lambda ids: None, even_unknown=True)
    assert work(Words(), "job").state == "IGNORED"
    assert parts_sent(raw_redis, "job") == []
    assert progress(raw_redis, "job")["status"] == "REVOKED"


class CancelledMeanwhile(Words):
    """A kind whose job is cancelled while its parts are put together."""

    def __init__(self, ledger: Ledger, job: str, fault: SlotlineError | None) -> None:
        super().__init__(fault)
        self._ledger, self._job = ledger, job

    def gather(self, gathered: Gathered) -> Made:
        cancel(self._ledger, self._job, notify=lambda ids: None)
        return super().gather(gathered)


@pytest.mark.parametrize("error", [None, SlotlineError("broken"), StoreError("full")], ids=repr)
def test_a_job_that_is_cancelled_while_it_is_put_together_stays_revoked_for_celery(
    work: Work, ledger: Ledger, raw_redis: Any, error: SlotlineError | None
) -> None:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {"audio": 1})
    raw_redis.delete(keys.RESULT_PREFIX + job)
    assert work(CancelledMeanwhile(ledger, job, error), job).state == "IGNORED"
    assert progress(raw_redis, job)["status"] == "REVOKED"
    assert record_of(ledger, job).label == "REVOKED"


def test_artifacts_that_are_gone_each_time_are_not_computed_for_ever(work: Work, ledger: Ledger) -> None:
    work(Words(), "job")
    settle_all(ledger, "job")
    lossy = Words(Incomplete([2]))
    for _ in range(ATTEMPTS_ALLOWED - 1):
        assert work(lossy, "job").state == "IGNORED"
        ledger.transitions.settle("job", 2, "done", {})
    failed = work(lossy, "job")
    assert type(failed.result) is ArtifactMissing
    assert "the artifacts of 1 words (2) are missing again" in str(failed.result)
    assert record_of(ledger, "job").label == "FAILURE"


@pytest.mark.parametrize("step", ["plan", "gather"])
def test_an_error_that_is_not_slotlines_ends_the_job_in_the_ledger_too(work: Work, ledger: Ledger, step: str) -> None:
    if step == "gather":
        work(Words(), "job")
        settle_all(ledger, "job")
    failed = work(Words(KeyError("voice")), "job")
    assert (failed.state, str(failed.result)) == ("FAILURE", "KeyError: 'voice'")
    assert record_of(ledger, "job").error == {"type": "SlotlineError", "message": "KeyError: 'voice'"}


def test_memory_that_runs_out_is_tried_again_and_does_not_leave_the_task(work: Work, ledger: Ledger) -> None:
    unwell = Words(MemoryError())
    states = [work(unwell, "job").state for _ in range(ATTEMPTS_ALLOWED)]
    assert states == [*["IGNORED"] * (ATTEMPTS_ALLOWED - 1), "FAILURE"]


def test_a_run_that_comes_after_the_jobs_end_answers_what_the_ledger_has(work: Work, ledger: Ledger) -> None:
    work(Words(), "job")
    settle_all(ledger, "job")

    class EndedMeanwhile(Words):
        def gather(self, gathered: Gathered) -> Made:
            fail(ledger, Failing("job", "chapter", None, WorkerLost("its worker died")))
            return super().gather(gathered)

    late = work(EndedMeanwhile(), "job")
    assert (late.state, type(late.result), str(late.result)) == ("FAILURE", WorkerLost, "its worker died")
    again = work(Words(), "job")
    assert (again.state, str(again.result)) == ("FAILURE", "its worker died")


def test_a_job_whose_runs_were_lost_without_a_trace_fails_and_is_listed(work: Work, ledger: Ledger) -> None:
    own = OwnMessage("", "", FLOW)
    for tag in "abc":
        ledger.claims.begin("job", tag, own, None)
    ledger.claims.lost("job", "c", "signal 9 (SIGKILL)", is_job=True)
    kind = Words()
    failed = work(kind, "job")
    assert kind.steps == []
    assert str(failed.result) == ("its worker died in all 3 attempts to open it; the last time: signal 9 (SIGKILL)")
    assert ledger.queries.failed()[0][:2] == ("job", 0)
