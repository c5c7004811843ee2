"""A batch's last stage: stored before the next is computed, released whatever happens, left in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
import pytest

from tasks.errors import InvalidInput, ModelError, StoreError, TimeLimitOver
from tasks.flow import outcomes
from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.redis import keys
from tasks.store import artifacts
from tests.unit.workers.child.rehearsals import OneRehearsal, call, entry
from workers.adapters.base import Cancelled
from workers.adapters.outputs import Sound
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.put_away import leave, put_away
from workers.sidecar.stages.work import Computed, Ran, ReadyBatch
from workers.wire.call import Call

SOUND = Sound(np.zeros(10, np.float32), 8000)


def ready_for(ledger: Ledger, models: OneRehearsal, *calls: Call) -> ReadyBatch:
    requests = take(ledger, entry(), calls).by_variant[None]
    with models.use(None) as model:
        return make_ready(ledger, model, requests, has_company=True)


def wanted(tag: str) -> bool:
    return False


def is_claimed(ledger: Ledger, ready: ReadyBatch) -> list[bool]:
    redis: Any = ledger.claims._redis
    return [bool(redis.exists(keys.computed_by(work.artifact))) for work in ready.work]


def test_a_result_is_stored_before_the_next_is_asked_for_and_all_is_released_at_the_end(
    ledger: Ledger, models: OneRehearsal
) -> None:
    ready = ready_for(ledger, models, call("one"), call("two"))
    first, second = ready.work

    def computed() -> Iterator[Computed]:
        yield Computed(first, SOUND)
        assert artifacts.store().find(first.artifact), "what is computed next may end the process"
        yield Computed(second, SOUND)

    assert is_claimed(ledger, ready) == [True, True]
    ran = put_away(ledger, ready, computed(), wanted)
    assert is_claimed(ledger, ready) == [False, False]
    assert ran.worked
    assert [type(outcome) for outcome in ran.outcomes.values()] == [Done, Done]


def test_what_is_claimed_is_released_also_where_computing_fails(ledger: Ledger, models: OneRehearsal) -> None:
    ready = ready_for(ledger, models, call("one"), call("two"))

    def computed() -> Iterator[Computed]:
        yield Computed(ready.work[0], SOUND)
        raise RuntimeError("the GPU failed")

    with pytest.raises(RuntimeError, match="the GPU failed"):
        put_away(ledger, ready, computed(), wanted)
    assert is_claimed(ledger, ready) == [False, False]


def test_the_first_request_alone_has_computed_it_and_has_the_attempt(ledger: Ledger, models: OneRehearsal) -> None:
    ready = ready_for(ledger, models, call("same"), call("same"), call("bad"), call("bad"))
    good, bad = ready.work
    error = ModelError("no")
    ran = put_away(ledger, ready, [Computed(good, SOUND), Computed(bad, error)], wanted)
    first, second, failed, failed_too = (ran.outcomes[index] for index in range(4))
    assert isinstance(first, Done)
    assert (first.computed, first.attempt) == (True, 1)
    assert second == Done(first.artifact, computed=False)
    assert (failed, failed_too) == (Failed(error, 1), Failed(error, 0))


def test_each_request_ends_when_its_own_outcome_is_there(ledger: Ledger, models: OneRehearsal) -> None:
    ready = replace(ready_for(ledger, models, call("one"), call("two"), call("two")), outcomes={7: Waiting()})
    began, times = monotonic(), []

    def computed() -> Iterator[Computed]:
        for work in ready.work:
            times.append(monotonic())  # the model works until now
            yield Computed(work, SOUND)

    ran = put_away(ledger, ready, computed(), wanted)
    first, second = times
    assert began <= ran.ended_at[7] <= first <= ran.ended_at[0] <= second <= ran.ended_at[1] <= ran.ended_at[2]


@pytest.mark.parametrize(
    ("result", "counts"), [(ModelError("bad"), True), (InvalidInput("bad"), False), (StoreError("bad"), False)]
)
def test_the_models_own_faults_alone_count_against_it(
    ledger: Ledger, models: OneRehearsal, result: Exception, counts: bool
) -> None:
    ready = ready_for(ledger, models, call("text", "the-task"))
    ran = put_away(ledger, ready, [Computed(ready.work[0], result)], wanted)
    assert (ran.failed, ran.worked) == (("the-task",) if counts else (), False)


def test_what_was_cancelled_is_dropped_and_stored_all_the_same_for_another(
    ledger: Ledger, models: OneRehearsal
) -> None:
    ready = ready_for(ledger, models, call("same", tag="gone"), call("same"), call("given up"))
    same, given_up = ready.work
    ran = put_away(ledger, ready, [Computed(same, SOUND), Computed(given_up, Cancelled())], "gone".__eq__)
    assert (ran.outcomes[0], ran.outcomes[2]) == (Dropped(), Dropped())
    assert isinstance(ran.outcomes[1], Done)


def test_outcomes_that_were_settled_before_are_handed_on_with_those_to_be_run_alone(ledger: Ledger) -> None:
    ready = ReadyBatch(None, (), {3: Waiting()}, frozenset({1}), ("load of b",))
    ran = put_away(ledger, ready, [], wanted)
    assert ran == Ran(("load of b",), False, frozenset({1}), {3: Waiting()})


def test_outcomes_are_left_in_the_order_of_the_calls_and_what_no_body_took_is_forgotten() -> None:
    twice = [call("same", "id", "tag-1"), call("same", "id", "tag-2")]
    outcomes.put("forgotten", Dropped())
    leave(twice, {1: Waiting(), 0: Dropped()}, {})
    assert [outcomes.take(name) for name in ("forgotten", "id", "id", "id")] == [None, Dropped(), Waiting(), None]


def test_what_was_dropped_because_its_senders_limit_is_over_fails_with_that_limit() -> None:
    calls = [call("late", "late", "tag-1"), call("gone", "gone", "tag-2")]
    leave(calls, {0: Dropped(), 1: Dropped()}, {"tag-1": "time_limit=0.2 s, set by the sender"})
    late = outcomes.take("late")
    assert isinstance(late, Failed)
    assert (type(late.error), str(late.error)) == (TimeLimitOver, "time_limit=0.2 s, set by the sender, is over")
    assert outcomes.take("gone") == Dropped()
