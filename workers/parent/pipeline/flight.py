"""All pipelines of a slot: that of its child, and those of dead children whose sidecars still say their last words.

Reads their lines in the event loop, and kills. Guarantee: the lines are read again after the event loop was reset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.store.names import JSON
from workers.parent.child import Child
from workers.parent.pipeline.batch import Batch
from workers.parent.pipeline.pipeline import Pipeline
from workers.parent.slot_request import SlotRequest
from workers.wire.frames import FrameLink
from workers.wire.page import Page


class Flight:
    """What is in flight. `child` gives the slot's child, None before the pool starts and after it has stopped."""

    def __init__(self, loop: Any, child: Callable[[], Child | None]) -> None:
        self.child = child
        self.pipelines: list[Pipeline] = []
        self.hear: Callable[[Pipeline], None] = lambda pipeline: None
        """Called when a line has something to read, or a child has died."""
        self._loop = loop

    @property
    def current(self) -> Pipeline | None:
        """The one that takes batches; None while there is none."""
        last = self.pipelines[-1] if self.pipelines else None
        return last if last and not last.is_closed and last.ended_how is None else None

    @property
    def count(self) -> int:
        """How many requests were handed over and have not ended."""
        return sum(pipeline.in_flight for pipeline in self.pipelines)

    @property
    def is_busy(self) -> bool:
        """Whether any request is in flight, or waits for its pipeline's end."""
        return any(pipeline.batches or pipeline.returned for pipeline in self.pipelines)

    @property
    def has_child(self) -> bool:
        """Whether the child's process lives."""
        child = self.child()
        return child is not None and child.has_child

    @property
    def is_alive(self) -> bool:
        """Whether the child lives, or a sidecar that may still answer."""
        return self.has_child or any(not one.is_closed for one in self.pipelines)

    @property
    def requests(self) -> Iterator[tuple[Pipeline, Batch, int, SlotRequest]]:
        """All requests in flight, with where they are."""
        return ((pipeline, *found) for pipeline in self.pipelines for found in pipeline.requests)

    def find(self, request: SlotRequest) -> Pipeline | None:
        """Where this request is in flight; None if it is not."""
        return next((pipeline for pipeline, _, _, one in self.requests if one is request), None)

    def began(self, pid: int, line: FrameLink, page: Page) -> None:
        """A child was forked."""
        self.pipelines.append(Pipeline(pid, line, page))
        self.listen()

    def listen(self) -> None:
        """Read the lines when they have something; called again after the event loop was reset."""
        for pipeline in self.pipelines:
            if not pipeline.is_closed:
                self._loop.add_reader(pipeline.fileno(), self.hear_all)

    def hear_all(self) -> None:
        """Read every line."""
        for pipeline in list(self.pipelines):
            self.hear(pipeline)

    def ask_stats(self, wait_s: float) -> Mapping[str | None, Mapping[str, JSON]] | None:
        """What the adapters of the child's sidecar count of their own work; None if it does not answer in time."""
        if (pipeline := self.current) is None:
            return None
        found = pipeline.ask_stats(wait_s)
        self.hear(pipeline)  # what came meanwhile
        return found

    def child_died(self, pid: int, how: str, *, was_loading: bool) -> None:
        """The child was collected; `how` it ended, in words."""
        for pipeline in list(self.pipelines):
            if pipeline.pid == pid and pipeline.ended_how is None:
                self.hear(pipeline)
                pipeline.child_died_first = not pipeline.is_closed
                pipeline.ended_how, pipeline.died_loading = how, was_loading
                pipeline.moved_at = time.monotonic()
                self.hear(pipeline)

    def hang_up(self, pipeline: Pipeline) -> None:
        """Read this line no more: it is closed."""
        if pipeline.fileno() >= 0:
            self._loop.remove(pipeline.fileno())
        pipeline.close()

    def forget(self, pipeline: Pipeline) -> None:
        """Child and sidecar are dead, and everything has its end."""
        self.hang_up(pipeline)
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)

    def kill(self, *, is_planned: bool, is_error: bool = True) -> None:
        """Kill the child and all sidecars. `is_planned`: what they run is not at fault. From any thread."""
        for pipeline in list(self.pipelines):
            pipeline.is_planned = pipeline.is_planned or is_planned
            pipeline.kill_sidecar()
        if (child := self.child()) is not None:
            child.kill(is_planned=not is_error)
