"""Which work of a batch is computed together: one run for each call of `Adapter.run`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workers.adapters.grouping import groups
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.stages.work import Work


def runs_of(model: KnownModel, work: Sequence[Work], batch_size: int) -> list[list[Work]]:
    """The runs of this work, none larger than `batch_size`; each work is in one of them.

    A run's inputs are alike (`workers/adapters/grouping.py`). The run with the batch's first call comes first.
    """
    if batch_size == 1:
        return [[one] for one in work]
    pieces = [
        [work[number] for number in group[at : at + batch_size]]
        for group in groups(model.adapter, [one.part for one in work])
        for at in range(0, len(group), batch_size)
    ]
    return sorted(pieces, key=lambda piece: min(one.first.index for one in piece))
