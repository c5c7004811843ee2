"""For how long a stage has worked on one thing."""

from __future__ import annotations

import pytest

from tests.unit.workers.parent.small_slot import SmallSlot
from workers.parent.pipeline.stages import STANDSTILL, SlowStage, slow_stage
from workers.wire.page import Stage


def test_the_slower_stage_counts_and_no_time_before_a_load_or_a_new_connection(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    assert slow_stage(pipeline, 0.0, 100.0) is None
    slot.sidecar.page.enter(Stage.READY, 1, 10.0)
    slot.sidecar.page.enter(Stage.AWAY, 1, 40.0)
    assert slow_stage(pipeline, 0.0, 100.0) == SlowStage("making ready", 90.0)
    assert slow_stage(pipeline, 95.0, 100.0) == SlowStage("making ready", 5.0)
    slot.sidecar.page.leave(Stage.READY, 100.0)
    assert slow_stage(pipeline, 0.0, 100.0) == SlowStage("putting away", 60.0)


def test_what_is_in_flight_and_nobody_works_on_stands_still(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a")
    (pipeline,) = slot.flight.pipelines
    assert slow_stage(pipeline, 0.0, pipeline.moved_at + 30.0) == SlowStage(STANDSTILL, pytest.approx(30.0))  # type: ignore[arg-type]
    slot.sidecar.begin(batch)
    assert slow_stage(pipeline, 0.0, pipeline.moved_at + 30.0) is None, "the model works on it"


def test_a_sidecar_that_says_nothing_after_its_childs_death_stands_still_whatever_the_child_computed(
    slot: SmallSlot,
) -> None:
    batch, _ = slot.batch("a")
    (pipeline,) = slot.flight.pipelines
    slot.sidecar.begin(batch)
    pipeline.ended_how = "signal 9 (SIGKILL)"
    assert slow_stage(pipeline, 0.0, pipeline.moved_at + 30.0) == SlowStage(STANDSTILL, pytest.approx(30.0))  # type: ignore[arg-type]
    pipeline.close()
    assert slow_stage(pipeline, 0.0, pipeline.moved_at + 30.0) is None
