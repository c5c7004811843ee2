"""The thread that makes batches ready: what it sends to the child, and what it hands on instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Dropped
from tasks.redis import keys
from tests.unit.workers.child.rehearsals import call
from tests.unit.workers.sidecar.sidecars import Around, around, use_ledger
from workers.sidecar import ready
from workers.sidecar.shared.done import NoRun, NotBegunCalls, RecallDone, Refused
from workers.wire.page import Stage
from workers.wire.work_line import LoadVariant, ModelOffers, Run


@pytest.fixture
def it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Around]:
    use_ledger(monkeypatch, ledger)
    with around() as found:
        found.knows_the_model()
        yield found


def attempts_of(raw_redis: Any, task_id: str) -> bytes | None:
    found: bytes | None = raw_redis.hget(keys.attempts(task_id), "0")
    return found


def test_each_input_is_claimed_and_sent_in_order(it: Around, raw_redis: Any) -> None:
    calls = [call("one"), call("two")]
    ready.Readying(it.sidecar, it.batch(4, *calls)).run()
    for index, text in enumerate(("one", "two")):
        given = it.child.next()
        assert isinstance(given, Run)
        assert (given.batch, given.calls, given.items[0].text) == (4, [(index,)], text)
        assert given.revision == "rehearsal"
    assert [attempts_of(raw_redis, one.task_id) for one in calls] == [b"1", b"1"]
    assert it.sidecar.done.rest() == []
    assert it.sidecar.page.stage(Stage.READY).since is None


def test_a_batch_of_a_paused_model_goes_back_whole_and_nothing_of_it_is_counted(it: Around, raw_redis: Any) -> None:
    calls = [call("one"), call("two"), replace(call("three"), task="a.task.of.somebody")]
    raw_redis.hset(keys.PAUSED, "model", "{}")
    ready.Readying(it.sidecar, it.batch(1, *calls)).run()
    handed_on = it.sidecar.done.take()
    assert {index for one in handed_on if isinstance(one, NoRun) for index in one.ran.returned} == {0, 1, 2}
    assert it.sidecar.outbox.recall() == []
    assert not any(attempts_of(raw_redis, one.task_id) for one in calls)


def test_a_task_without_a_craft_is_handed_on_for_its_trace(it: Around) -> None:
    ready.Readying(it.sidecar, it.batch(1, replace(call("one"), task="a.task.of.somebody"))).run()
    (handed_on,) = it.sidecar.done.take()
    assert isinstance(handed_on, NoRun)
    assert handed_on.others == [0]


def test_what_is_cancelled_by_now_is_dropped_and_its_attempt_does_not_count(it: Around, raw_redis: Any) -> None:
    calls = [call("unwanted"), call("wanted")]
    batch = it.batch(1, *calls)
    batch.cancel([0], "")
    ready.Readying(it.sidecar, batch).run()
    (handed_on,) = it.sidecar.done.take()
    assert isinstance(handed_on, NoRun)
    assert handed_on.ran.outcomes == {0: Dropped()}
    assert [attempts_of(raw_redis, one.task_id) for one in calls] == [b"0", b"1"]


def test_what_is_recalled_while_it_is_made_ready_is_handed_on_and_then_the_recall_ends(it: Around) -> None:
    it.sidecar.incoming.put(it.batch(1, call("one")))
    batch = it.sidecar.incoming.next()
    assert batch is not None
    it.sidecar.incoming.recall(8)
    ready.Readying(it.sidecar, batch).run()
    ready.finish_recalls(it.sidecar)
    back, ended = it.sidecar.done.take()
    assert isinstance(back, NotBegunCalls)
    assert back.run is not None
    assert (back.run.calls, ended) == ((0,), RecallDone(8))
    assert it.sidecar.outbox.recall() == []


def test_a_model_that_is_not_known_is_asked_for_and_a_recall_ends_the_wait(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_ledger(monkeypatch, ledger)
    with around() as it:
        genuine = it.sidecar.outbox.load

        def load(variant: str | None) -> int:
            number = genuine(variant)
            assert it.sidecar.page.stage(Stage.READY).since is None, "the child's time is not the stage's"
            it.sidecar.known.recall()
            return number

        monkeypatch.setattr(it.sidecar.known, "_ask", load)
        batch = it.batch(1, call("one"), call("two"))
        ready.Readying(it.sidecar, batch).run()
        assert it.child.next() == LoadVariant(1, None)
        assert it.sidecar.done.take() == [NotBegunCalls(batch, [0, 1])]


def test_a_model_whose_files_were_replaced_is_asked_for(it: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(it.sidecar.known, "is_replaced", lambda model, now: True)

    def load(variant: str | None) -> int:
        asked.append(variant)
        it.knows_the_model()
        found = it.sidecar.known.find(variant)
        assert found is not None
        it.sidecar.known.told(ModelOffers(found.offer, variant, 7))
        return 7

    monkeypatch.setattr(it.sidecar.known, "_ask", load)
    ready.Readying(it.sidecar, it.batch(1, call("one"))).run()
    assert asked == [None]
    assert isinstance(it.child.next(), Run)


def test_what_redis_refuses_is_handed_on_whole(it: Around, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    error = redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    def full(claims: object) -> None:
        raise error

    monkeypatch.setattr(ledger.claims, "claim_all", full)
    batch = it.batch(1, call("one"), call("two"))
    ready.Readying(it.sidecar, batch).run()
    assert it.sidecar.done.take() == [Refused(batch, [0, 1], error)]


def test_an_error_that_ends_the_process_leaves_the_batch_on_the_page(
    it: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **others: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ready, "make_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ready.Readying(it.sidecar, it.batch(4, call("one"))).run()
    assert it.sidecar.page.stage(Stage.READY).works_on(4)
