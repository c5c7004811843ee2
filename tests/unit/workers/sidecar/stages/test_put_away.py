"""A batch's last stage: results are stored, each call gets its outcome, outcomes are left in order."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from tasks.errors import InvalidInput, ModelChanged, ModelError, StoreError, TimeLimitOver
from tasks.flow import outcomes
from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.store import artifacts
from tasks.store.artifacts import Store
from tasks.store.names import Artifact
from tests.fixtures.waiting import GIVE_UP_S
from tests.unit.workers.child.rehearsals import OneRehearsal, call, entry
from tests.unit.workers.sidecar.in_one_process import known
from workers.adapters.base import Cancelled
from workers.adapters.outputs import Sound
from workers.adapters.rehearsal import Rehearsal
from workers.adapters.weights import mark_of
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.put_away import forget, leave, put_away
from workers.sidecar.stages.work import Computed, ReadyBatch, Work
from workers.wire.call import Call

SOUND = Sound(np.zeros(10, np.float32), 8000)


def ready_for(ledger: Ledger, models: OneRehearsal, *calls: Call) -> ReadyBatch:
    requests = take(ledger, entry(), calls, has_company=True).by_variant[None]
    return make_ready(ledger, known(models), requests, has_company=True)


def wanted(index: int) -> bool:
    return False


def test_each_result_is_stored_and_its_claim_is_named_for_the_release(ledger: Ledger, models: OneRehearsal) -> None:
    ready = ready_for(ledger, models, call("one"), call("two"))
    first, second = ready.work
    ran = put_away([Computed(first, SOUND), Computed(second, SOUND)], wanted)
    assert all(artifacts.store().find(work.artifact) for work in ready.work)
    assert ran.claims == [work.claim for work in ready.work]
    assert ran.worked
    assert [type(outcome) for outcome in ran.outcomes.values()] == [Done, Done]


def test_results_are_stored_at_the_same_time(
    ledger: Ledger, models: OneRehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = ready_for(ledger, models, call("one"), call("two"))
    both, put_bytes = threading.Barrier(2), Store.put_bytes

    def put_when_both_are_here(*args: Any) -> Artifact:
        both.wait(20)  # one after the other would break it, and fail both
        return put_bytes(*args)

    monkeypatch.setattr(Store, "put_bytes", put_when_both_are_here)
    ran = put_away([Computed(work, SOUND) for work in ready.work], wanted)
    assert [type(outcome) for outcome in ran.outcomes.values()] == [Done, Done]


class Finishing(Rehearsal):
    """Its `finish` notes what it gets, and waits for another one at the same time."""

    def __init__(self, both: threading.Barrier) -> None:
        super().__init__(entry(), "cpu")
        self.both = both
        self.finished: list[tuple[str, Any]] = []

    def finish(self, item: Any, made: Any) -> Any:
        self.finished.append((item.text, made))
        self.both.wait(20)  # one after the other would break it, and fail both
        if made == "bad":
            raise ValueError("no film")
        return SOUND


def test_what_the_model_made_is_finished_by_the_adapter_of_this_process_several_at_once(
    ledger: Ledger, models: OneRehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = Finishing(threading.Barrier(2))
    good, bad, cancelled, failed = (
        replace(work, model=replace(the_model(work), adapter=adapter))
        for work in ready_for(ledger, models, *map(call, ("good", "bad", "cancelled", "failed"))).work
    )
    results = [(good, "good"), (bad, "bad"), (cancelled, Cancelled()), (failed, ModelError("no"))]
    ran = put_away([Computed(*one) for one in results], wanted)
    assert sorted(adapter.finished) == [("bad", "bad"), ("good", "good")], "nothing is finished that has no result"
    assert isinstance(ran.outcomes[0], Done)
    broken = ran.outcomes[1]
    assert isinstance(broken, Failed)
    assert "no film" in str(broken.error)
    assert (ran.outcomes[2], type(ran.outcomes[3])) == (Dropped(), Failed)
    assert artifacts.store().find(bad.artifact) is None
    assert "the result of «bad» could not be stored" in caplog.text


def the_model(work: Work) -> KnownModel:
    assert work.model is not None
    return work.model


def test_a_result_that_cannot_be_finished_because_the_models_files_were_replaced_is_made_again(
    ledger: Ledger, models: OneRehearsal, tmp_path: Path
) -> None:
    face = tmp_path / "anna"
    face.mkdir()
    ready = ready_for(ledger, models, *map(call, ("one", "two", "three")))
    model = the_model(ready.work[0])
    model = replace(model, entry=model.entry.model_copy(update={"path": str(face)}), mark=mark_of(face))
    work = [replace(one, model=model) for one in ready.work]
    errors = [ModelError("no picture"), InvalidInput("no"), StoreError("full")]
    results = [Computed(*one) for one in zip(work, errors, strict=True)]

    def made() -> list[type]:
        outcomes = put_away(results, wanted).outcomes.values()
        return [type(one.error) for one in outcomes if isinstance(one, Failed)]

    assert made() == [ModelError, InvalidInput, StoreError]
    (face / "other").write_text("new")
    assert made() == [ModelChanged, InvalidInput, StoreError]


def test_the_first_request_alone_has_computed_it_and_has_the_attempt(ledger: Ledger, models: OneRehearsal) -> None:
    ready = ready_for(ledger, models, call("same"), call("same"), call("bad"), call("bad"))
    good, bad = ready.work
    error = ModelError("no")
    ran = put_away([Computed(good, SOUND), Computed(bad, error)], wanted)
    first, second, failed, failed_too = (ran.outcomes[index] for index in range(4))
    assert isinstance(first, Done)
    assert (first.computed, first.attempt) == (True, 1)
    assert second == Done(first.artifact, computed=False)
    assert (failed, failed_too) == (Failed(error, 1), Failed(error, 0))


def test_a_call_took_as_long_as_its_run_and_what_came_after_it(ledger: Ledger, models: OneRehearsal) -> None:
    (work,) = ready_for(ledger, models, call("one")).work
    ran = put_away([Computed(work, SOUND, ended_at=monotonic() - 2.0, took_s=3.0)], wanted)
    assert 5.0 <= ran.took_s[0] < 5.0 + GIVE_UP_S


@pytest.mark.parametrize(
    ("result", "counts"),
    [(ModelError("bad"), True), (InvalidInput("bad"), False), (StoreError("bad"), False), (ModelChanged("new"), False)],
)
def test_the_models_own_faults_alone_count_against_it(
    ledger: Ledger, models: OneRehearsal, result: Exception, counts: bool
) -> None:
    ready = ready_for(ledger, models, call("text", "the-task"))
    ran = put_away([Computed(ready.work[0], result)], wanted)
    assert (ran.failed, ran.worked) == (("the-task",) if counts else (), False)


def test_what_was_cancelled_is_dropped_and_stored_all_the_same_for_another(
    ledger: Ledger, models: OneRehearsal
) -> None:
    ready = ready_for(ledger, models, call("same"), call("same"), call("given up"))
    same, given_up = ready.work
    ran = put_away([Computed(same, SOUND), Computed(given_up, Cancelled())], {0}.__contains__)
    assert (ran.outcomes[0], ran.outcomes[2]) == (Dropped(), Dropped())
    assert isinstance(ran.outcomes[1], Done)


def test_outcomes_are_left_in_the_order_of_the_calls_and_what_no_body_took_is_forgotten() -> None:
    twice = [call("same", "id", "tag-1"), call("same", "id", "tag-2")]
    outcomes.put("forgotten", Dropped())
    forget()
    leave(twice, {1: Waiting(), 0: Dropped()}, {})
    assert [outcomes.take(name) for name in ("forgotten", "id", "id", "id")] == [None, Dropped(), Waiting(), None]


def test_what_was_dropped_because_its_senders_limit_is_over_fails_with_that_limit() -> None:
    calls = [call("late", "late", "tag-1"), call("gone", "gone", "tag-2")]
    leave(calls, {0: Dropped(), 1: Dropped()}, {0: "time_limit=0.2 s, set by the sender"})
    late = outcomes.take("late")
    assert isinstance(late, Failed)
    assert (type(late.error), str(late.error)) == (TimeLimitOver, "time_limit=0.2 s, set by the sender, is over")
    assert outcomes.take("gone") == Dropped()
