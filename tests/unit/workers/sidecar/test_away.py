"""What was computed is stored, traced, written and answered, in this order; and the last words name every call."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

import pytest
import redis
from celery.exceptions import Reject

from tasks.errors import ModelError
from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Dropped
from tasks.redis import keys
from tests.unit.workers.child.rehearsals import call
from tests.unit.workers.sidecar.sidecars import Around, around, use_ledger
from workers.sidecar import away, ready, tracing
from workers.sidecar.shared.done import ChildGone, NoRun, NotBegunCalls, RecallDone, Refused, RunCame
from workers.sidecar.stages.work import Ran
from workers.wire.batches import CallsEnded, ModelRan, Recalled
from workers.wire.call import Call, Lost, NotBegun, NotRun, RunAlone
from workers.wire.page import Stage
from workers.wire.work_line import Run, RunEnded

FINE = 0, "fine", 0.1


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ids of the tasks of each round of traces; each is fine."""
    rounds: list[list[str]] = []

    def trace_all(app: object, calls: Sequence[Call], took_s: object, claims: object) -> list[Any]:
        rounds.append([one.task_id for one in calls])
        return [FINE] * len(calls)

    monkeypatch.setattr(away, "trace_all", trace_all)
    return rounds


@pytest.fixture
def it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Around]:
    use_ledger(monkeypatch, ledger)
    monkeypatch.setattr(tracing, "REFUSED_PAUSE_S", 0)
    with around() as found:
        found.knows_the_model()
        yield found


def made_ready(it: Around, number: int, *calls: Call) -> Any:
    """The runs of a batch that is made ready, and were not begun."""
    ready.Readying(it.sidecar, it.batch(number, *calls)).run()
    return it.sidecar.outbox.recall()


class _Waits(Exception):
    pass


def test_what_was_put_away_is_not_kept_while_nothing_comes(
    it: Around, traced: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [NoRun(it.batch(1, call("one")), Ran())]
    gone = weakref.ref(items[0])

    def take() -> list[NoRun]:
        if items:
            return [items.pop()]
        assert gone() is None
        raise _Waits

    monkeypatch.setattr(it.sidecar.done, "take", take)
    with pytest.raises(_Waits):
        away.run(it.sidecar, threading.Thread())


def test_a_model_is_kept_until_the_calls_of_its_last_run_have_ended(it: Around, traced: list[list[str]]) -> None:
    known = it.sidecar.known
    model = known.find(None)
    assert model is not None
    one, two = made_ready(it, 1, call("a"), call("b"))
    known.forget()
    for run in (one, two):
        assert known.parting.empty(), "its adapter still has a result to finish"
        away.put_away(it.sidecar, [RunCame(run, RunEnded(run.run.number, [ModelError("no")], 0.5), monotonic())])
    assert known.parting.get_nowait() is model.adapter


def test_a_model_is_kept_for_a_run_that_is_taken_back_and_not_for_a_batch_without_one(
    it: Around, traced: list[list[str]]
) -> None:
    known = it.sidecar.known
    ready.Readying(it.sidecar, it.batch(1, call("a"))).run()
    it.sidecar.recall()
    known.forget()
    assert known.parting.empty()
    away.put_away(it.sidecar, it.sidecar.done.rest())
    assert known.parting.qsize() == 1
    it.knows_the_model()
    ready.Readying(it.sidecar, it.batch(2, call(""))).run()
    known.forget()
    assert known.parting.qsize() == 2


def test_runs_of_several_batches_are_traced_in_one_round_and_each_batch_is_answered(
    it: Around, traced: list[list[str]]
) -> None:
    one, two = made_ready(it, 1, call("a", "a")), made_ready(it, 2, call("b", "b"))
    error = ModelError("no")
    came = [RunCame(run, RunEnded(run.run.number, [error], 0.5), monotonic()) for run in (*one, *two)]
    away.put_away(it.sidecar, [*came, NoRun(it.batch(3, call("c", "c")), Ran(alone=frozenset({0})))])
    assert traced == [["a", "b"]]
    assert it.heard() == [
        ModelRan(("a",), worked=False),
        CallsEnded(1, [(0, FINE)], 0.5, 1),
        ModelRan(("b",), worked=False),
        CallsEnded(2, [(0, FINE)], 0.5, 1),
        CallsEnded(3, [(0, RunAlone())]),
    ]
    assert it.sidecar.batches == {}
    assert it.sidecar.page.stage(Stage.AWAY).since is None


def test_the_page_names_all_batches_whose_results_are_stored(
    it: Around, traced: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[list[bool]] = []

    def store(ends: object) -> None:
        work = it.sidecar.page.stage(Stage.AWAY)
        named.append([work.works_on(number) for number in range(5)])

    monkeypatch.setattr(away, "_store", store)
    away.put_away(it.sidecar, [NotBegunCalls(it.batch(number, call(str(number)))) for number in (3, 2)])
    away.put_away(it.sidecar, [NotBegunCalls(it.batch(4, call("4")))])
    assert named == [[False, False, True, True, False], [False] * 4 + [True]]


def test_the_parent_hears_of_each_failure_and_of_the_first_success_after_it(
    it: Around, traced: list[list[str]]
) -> None:
    good, bad = Ran(worked=True, outcomes={0: Dropped()}), Ran(("a-task",), outcomes={0: Dropped()})
    for number, ran in enumerate((good, good, bad, bad, Ran(outcomes={0: Dropped()}), good, good)):
        away.put_away(it.sidecar, [NoRun(it.batch(number, call("a")), ran)])
    told = [message for message in it.heard() if isinstance(message, ModelRan)]
    worked, failed = ModelRan((), worked=True), ModelRan(("a-task",), worked=False)
    assert told == [worked, failed, failed, worked]


def test_what_has_not_begun_is_free_and_uncounted_before_its_answer_and_a_recall_ends_after_it(
    it: Around, traced: list[list[str]], raw_redis: Any
) -> None:
    (run,) = made_ready(it, 1, call("a", "a"))
    assert raw_redis.hget(keys.attempts("a"), "0") == b"1"
    away.put_away(it.sidecar, [NotBegunCalls(run.batch, run=run), RecallDone(7)])
    assert raw_redis.hget(keys.attempts("a"), "0") == b"0"
    assert not raw_redis.exists(keys.computed_by(run.work[0].artifact))
    assert it.heard() == [CallsEnded(1, [(0, NotBegun())]), Recalled(7)]


def test_a_batch_that_a_full_redis_refuses_goes_back_and_costs_no_attempts(it: Around, raw_redis: Any) -> None:
    calls = [call("one", "one"), call("two", "two")]
    made_ready(it, 1, calls[0])
    error = redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")
    away.put_away(it.sidecar, [Refused(it.batch(2, *calls), [0, 1], error)])
    (ended,) = it.heard()
    given_back = [
        getattr(result[1].exception, "exc", result[1].exception)
        for _, result in ended.results
        if not isinstance(result, NotRun)
    ]
    assert [(type(one), one.requeue) for one in given_back] == [(Reject, True)] * 2
    assert raw_redis.hget(keys.attempts("one"), "0") == b"0"


def test_a_call_is_answered_once(it: Around, traced: list[list[str]]) -> None:
    batch = it.batch(1, call("a"), call("b"))
    away.put_away(it.sidecar, [NotBegunCalls(batch, [0])])
    away.put_away(it.sidecar, [NotBegunCalls(batch, [0, 1])])
    assert it.heard() == [CallsEnded(1, [(0, NotBegun())]), CallsEnded(1, [(1, NotBegun())])]


def test_the_last_words_name_what_was_lost_and_give_back_all_else(it: Around, traced: list[list[str]]) -> None:
    ready.Readying(it.sidecar, it.batch(1, call("a"), call("b"))).run()
    it.batch(2, call("c"))
    it.sidecar.incoming.put(it.sidecar.batches[2])
    running = it.child.next()
    assert isinstance(running, Run)
    it.sidecar.page.begin_run(running.number, 1, [0], monotonic())
    it.sidecar.why_broken = "SystemExit(7)"
    it.sidecar.done.put(ChildGone())
    away.put_away(it.sidecar, it.sidecar.done.take())
    quiet = threading.Thread(target=lambda: None)
    quiet.start()
    away.last_words(it.sidecar, quiet)
    assert it.heard() == [
        CallsEnded(1, [(0, Lost("SystemExit(7)")), (1, NotBegun())]),
        CallsEnded(2, [(0, NotBegun())]),
    ]
