"""Groups the inputs of a batch that may run in one pass of a model: same parameters, similar length. Pure.

All grouping is here: `workers/child/compute.py` uses it for every batch, and an adapter
may use it for the inputs that it gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from workers.adapters.base import AnyAdapter


def groups(adapter: AnyAdapter, items: Sequence[Any]) -> list[list[int]]:
    """The groups of items that run together, by their numbers (from 0); each item is in one group.

    All items of a group have the same `Adapter.group`. The longest is first, and is at most
    `Adapter.most_padding` times as long as the shortest.
    """
    alike: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        alike.setdefault(adapter.group(item), []).append(index)
    return [group for same in alike.values() for group in _by_length(adapter, items, same)]


def _by_length(adapter: AnyAdapter, items: Sequence[Any], same: Sequence[int]) -> list[list[int]]:
    lengths = {index: adapter.length(items[index]) for index in same}
    made: list[list[int]] = []
    for index in sorted(same, key=lambda index: -lengths[index]):
        if made and lengths[made[-1][0]] <= adapter.most_padding * lengths[index]:
            made[-1].append(index)
        else:
            made.append([index])
    return made
