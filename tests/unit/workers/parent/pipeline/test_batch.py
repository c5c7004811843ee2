"""Which requests of a hand-over have ended."""

from __future__ import annotations

from typing import Any

from workers.parent.pipeline.batch import Batch


def test_what_has_not_ended_is_left_in_order_with_its_index() -> None:
    requests: Any = ["a", "b", "c"]
    batch = Batch(1, requests, is_alone=False, sent_at=0.0)
    batch.answered.add(1)
    left: list[Any] = batch.left
    assert left == [(0, "a"), (2, "c")]
    found: list[Any] = batch.of([2, 1, 0, 7])
    assert found == ["a", "c"], "no index that it does not have"
