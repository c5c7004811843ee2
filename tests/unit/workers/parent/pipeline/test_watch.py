"""What is noticed on the page, and when it is looked at; what follows from it stands in `test_losses.py`."""

from __future__ import annotations

import pytest

from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.parent import losses
from workers.parent.pipeline.stages import SlowStage
from workers.wire.page import Stage


def test_celery_hears_that_a_request_has_begun_while_it_is_computed(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.watch.look()
    assert slot.started == []
    slot.sidecar.begin(batch, 1)
    slot.watch.look()
    slot.watch.look()
    assert slot.started == ["b"]


def test_a_timer_looks_soon_after_a_hand_over_and_until_nothing_is_in_flight(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a")
    assert slot.watch._timer is not None
    slot.watch._look_on_time()
    assert slot.watch._due_at < float("inf"), "it looks again"
    slot.finish(batch, RESULT)
    slot.watch._look_on_time()
    assert slot.watch._due_at == float("inf")


def test_it_goes_on_after_the_loop_has_forgotten_its_timers(slot: SmallSlot) -> None:
    slot.batch("a")
    slot.loop.reset()
    slot.watch.listen()
    assert slot.loop.timer


def test_a_child_whose_sidecar_has_ended_is_killed_also_after_the_loop_has_forgotten_its_timers(
    slot: SmallSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "ENDS_ITSELF_WITHIN_S", 0.0)
    slot.sidecar_ends()
    slot.loop.timer.clear()  # as Celery does after a lost connection
    slot.watch.listen()
    slot.turn()
    assert slot.child.kills == [False]


def test_a_sender_s_limit_is_looked_at_in_time(slot: SmallSlot) -> None:
    from workers.wire.limits import SENDER, TimeLimit

    slot.request("a", limit=TimeLimit(0.05, "time_limit", SENDER))
    slot.turn()
    slot.sidecar.begin(slot.sidecar.batches[0])
    assert slot.watch._next_s() <= 0.05


def test_a_slow_stage_is_named_from_a_third_of_its_limit_on(slot: SmallSlot) -> None:
    slot.sidecar.page.enter(Stage.AWAY, 1, 1.0)
    slot.watch.listen()
    slot.now = 19.0
    assert slot.watch.slow_stage() is None
    slot.now = 21.0
    found = slot.watch.slow_stage()
    assert isinstance(found, SlowStage)
    assert found.words == "putting away"


def test_a_stage_may_wait_as_long_as_a_model_is_loaded(slot: SmallSlot) -> None:
    slot.sidecar.page.enter(Stage.READY, 1, 1.0)
    slot.watch.listen()
    slot.supervisor.variants.began("a voice")
    slot.now = 100.0
    slot.watch.look()
    assert slot.watch.slow_stage() is None
    assert not slot.flight.pipelines[0].is_stuck


def test_a_run_that_goes_on_lowers_the_number_of_a_hand_over_before_it_ends(slot: SmallSlot) -> None:
    for _ in range(50):
        slot.hand_over.computed(0.001, 1)
    assert slot.hand_over.number > 2
    batch, _ = slot.running("a")
    slot.now = 1.0
    slot.watch.look()
    assert slot.hand_over.number == 2, "a batch of the model"
    assert batch.number == 1


def test_a_sidecar_that_hangs_after_its_childs_death_is_killed_by_the_limit_of_a_stage_and_not_before(
    slot: SmallSlot,
) -> None:
    slot.running("a")
    (pipeline,) = slot.flight.pipelines
    pipeline.moved_at = 0.0
    slot.child_dies()
    slot.watch.look()
    assert not pipeline.is_stuck, "it has just begun with its last words"
    slot.now = 61.0
    slot.watch.look()
    assert pipeline.is_stuck
