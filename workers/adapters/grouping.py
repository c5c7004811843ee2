"""What of a batch may run together in one pass of a model: what wants the same of it, sorted by length. Pure.

The one place that groups: the slot's batches go through it (`workers/child/stages/compute.py`), and an
adapter whose passes must be of one kind uses it for whatever it is handed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from workers.adapters.base import AnyAdapter


def groups(adapter: AnyAdapter, items: Sequence[Any]) -> list[list[int]]:
    """The numbers (from 0) of the items that run together, each in one group.

    A group is of one `Adapter.group`, the longest first, and none of it is so short that
    more than `Adapter.most_padding` times its length would be computed for it.
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
