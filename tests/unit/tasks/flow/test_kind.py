"""What a kind sees of its parts: those that did not fail, in order, and how many were computed."""

from __future__ import annotations

from typing import Any

from tasks.flow.kind import Gathered


def test_the_good_parts_come_in_order_and_those_computed_are_counted() -> None:
    record: Any = None
    outcomes: dict[int, dict[str, Any]] = {
        3: {"audio": 3, "computed": False},
        1: {"audio": 1, "computed": True},
        2: {"error": {}},
        4: {"skipped": ""},
    }
    gathered = Gathered(record, {}, ["a", "b", "c", "d"], outcomes)
    assert list(gathered.good) == [1, 3, 4]
    assert gathered.computed == 1
