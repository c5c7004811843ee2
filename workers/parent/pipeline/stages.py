"""For how long a stage of a sidecar has worked on one thing, or the whole pipeline has stood still. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from workers.parent.pipeline.pipeline import Pipeline
from workers.wire.page import Stage

WORDS = {Stage.READY: "making ready", Stage.AWAY: "putting away"}
STANDSTILL = "the pipeline"
"""Something is in flight, or the child is dead, and neither the model nor a stage works."""


@dataclass(frozen=True)
class SlowStage:
    """What takes long, in words, and for how many seconds so far."""

    words: str
    seconds: float


def slow_stage(pipeline: Pipeline, not_before: float, now: float) -> SlowStage | None:
    """The stage that works on one thing for the longest time, counted from `not_before` at the earliest.

    None where no stage works, and nothing is in flight that should.
    """
    works = {stage: pipeline.page.stage(stage).since for stage in Stage}
    found = [
        SlowStage(WORDS[stage], now - max(since, not_before)) for stage, since in works.items() if since is not None
    ]
    if pipeline.is_waited_for and not (found or pipeline.is_at_work):
        found = [SlowStage(STANDSTILL, now - max(pipeline.moved_at, not_before))]
    return max(found, key=lambda one: one.seconds, default=None)
