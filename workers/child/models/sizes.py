"""How much memory a registry's models take: as their adapters report it, else as it was measured around their loads.

On a GPU the driver's figure for this process counts, because it has all that a load and its warm-up took, of any
library; where the driver does not show it (in a container), torch's figure does. On a CPU the process's memory is no
measure for one small model: a load also imports packages, and reuses freed memory. There the size of its files counts.
Measures; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetools import LRUCache

from workers.adapters import hardware

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel
    from workers.child.models.eviction import Candidate

REMEMBERED = 1024


@dataclass(frozen=True)
class Before:
    """What the process used before a load, in bytes; None where the driver does not show it."""

    driver_bytes: int | None
    torch_bytes: int


class Sizes:
    """The sizes of the models in one process. `used_bytes` is the driver's figure for it; None if it shows none."""

    def __init__(self, device: str, used_bytes: Callable[[], int | None] = lambda: None) -> None:
        self.others_bytes = 0
        """What the process uses of the GPU beside the sizes of its models, when it was last looked at."""
        self._device = device
        self._used_bytes = used_bytes
        self._measured: LRUCache[str, int] = LRUCache(REMEMBERED)

    def before(self) -> Before:
        """To be called before a load."""
        return Before(self._used_bytes(), hardware.memory(self._device)["allocated_bytes"])

    def after(self, name: str, model: LoadedModel, before: Before, files_bytes: int) -> int:
        """The size of the model that was loaded and warmed up since then; `files_bytes` is that of its files."""
        self._measured[name] = size_bytes = self._size(model, before, files_bytes)
        return size_bytes

    def expected(self, name: str, loaded: Sequence[Candidate]) -> int:
        """What a load will take: as this model took before, else as those that are loaded take on average."""
        if (known := self._measured.get(name)) is not None:
            return known
        return sum(one.size_bytes for one in loaded) // len(loaded) if loaded else 0

    def look(self, loaded: Sequence[Candidate]) -> None:
        """See what the process uses now: models may take more with their first inputs than when they were loaded."""
        if (used := self._used_bytes()) is not None:
            self.others_bytes = max(0, used - sum(one.size_bytes for one in loaded))

    def _size(self, model: LoadedModel, before: Before, files_bytes: int) -> int:
        if (reported := model.adapter.memory_bytes()) is not None:
            return reported
        if not hardware.is_cuda(self._device):
            return files_bytes
        if (used := self._used_bytes()) is not None:
            # Where the driver shows this process now and did not before, the process did not use the GPU yet.
            return max(0, used - (before.driver_bytes or 0))
        return max(hardware.memory(self._device)["allocated_bytes"] - before.torch_bytes, files_bytes)
