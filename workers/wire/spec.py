"""What a slot worker runs, as its parent hands it to each child that it forks. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.slots.gpu import GpuSlot


@dataclass(frozen=True)
class SlotSpec:
    """What a slot worker runs: the model's table, the device, the worker's name, its batch, its tries to load.

    `gpu` is set where the slot is a share of a GPU; `device` is then what the child calls that GPU. A lazy slot's
    model is loaded by its first job.
    """

    entry: ModelEntry
    device: str
    worker: str
    batch_size: int
    load_attempts: int
    gpu: GpuSlot | None = None
    is_lazy: bool = False

    def limit_s(self, inputs: int) -> float:
        """What a batch of so many inputs may take; each may want a small model of its own, loaded in the midst of it.

        Such a load is bounded by itself (`ChildWatch`).
        """
        loads_s = inputs * self.entry.load_limit_s if self.entry.is_registry else 0.0
        return self.entry.time_limit_s + loads_s
