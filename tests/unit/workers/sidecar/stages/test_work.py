"""The values of a batch's stages: what is put together of them."""

from __future__ import annotations

from tasks.flow.outcomes import Dropped, Waiting
from workers.sidecar.stages.work import Ran


def test_the_parts_of_a_batch_are_one() -> None:
    parts = [
        Ran(outcomes={4: Dropped()}),
        Ran(("a",), False, frozenset({1}), {0: Waiting()}),
        Ran(("load of b",), True, frozenset({2}), {3: Dropped()}),
    ]
    whole = Ran()
    for part in parts:
        whole.add(part)
    assert whole == Ran(("a", "load of b"), True, frozenset({1, 2}), {0: Waiting(), 3: Dropped(), 4: Dropped()})
