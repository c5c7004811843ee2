"""The slot of a slot worker, as its parent passes it to each child that it forks. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from workers.idle_timeout import NEVER, IdleTimeout

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

Model = TypeVar("Model", bound="HasRevision")


class HasRevision(Protocol):
    """A loaded model with the revision of its weights."""

    @property
    def offer(self) -> Any:
        """The model's offer; it has a `revision`."""


class GpuShare(Protocol):
    """A claimed share of a GPU, as parent and child use it; `workers/slots/gpu_slot.py` implements it."""

    @property
    def label(self) -> str:
        """A short name of the GPU, for people."""

    @property
    def gpu_type(self) -> str:
        """The GPU's name by its driver."""

    def load(self, load: Callable[[], Model], waits: Callable[[str], None]) -> Model:
        """In the child: load when it is this worker's turn; `waits` hears which worker has the turn instead."""

    def end_turn(self) -> None:
        """In the child: let others load on this GPU."""

    def used_bytes(self) -> int | None:
        """In the child: how much of the GPU's memory this process uses; None where the driver does not show it."""

    def unloaded(self) -> None:
        """In the child: the model left the GPU; its memory is kept for it."""

    def child_ended(self) -> None:
        """In the parent: the child is dead; its turn ends, and its memory is kept for the next child."""


@dataclass(frozen=True)
class SlotSpec:
    """What a slot worker runs: the model's table, the device, the worker's name, its largest batch, its load attempts.

    `gpu` is set if the slot is a share of a GPU; `device` is then the GPU's name in the child. The first job of a lazy
    slot loads its model.
    """

    entry: ModelEntry
    device: str
    worker: str
    batch_size: int
    load_attempts: int
    gpu: GpuShare | None = None
    is_lazy: bool = False
    idle_timeout: IdleTimeout = NEVER
    """As the worker starts; remote control may change it in the pool."""

    def limit_s(self, inputs: int) -> float:
        """The time limit in seconds of a batch of so many inputs. In a registry each input may load a model first.

        Each such load also has its own limit (`workers/parent/supervisor.py`).
        """
        loads_s = inputs * self.entry.load_limit_s if self.entry.is_registry else 0.0
        return self.entry.time_limit_s + loads_s
