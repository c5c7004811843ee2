"""Whether this machine has room for a slot of a model, counted as `slotline slots` counts it. Takes nothing.

Works without Redis: then nothing is known of slots in use and of measured footprints, and the answer is a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError
from workers.slots import footprint, plan
from workers.slots.gpu import device_of, room_on, seen
from workers.slots.holders import holders
from workers.slots.nvml import Gpu, Survey
from workers.slots.plan import Room

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings


@dataclass(frozen=True)
class Fit:
    """How many further slots of a model this machine has room for, and the sum in words; `device` is empty for none."""

    more: int
    device: str
    why: str


class Machine:
    """This machine as it was when it was looked at: its GPUs, and how many of its CPU slots are free."""

    def __init__(self, client: Redis | None, chosen: Settings, found: Survey, held: int) -> None:
        self._client = client
        self._chosen = chosen
        self._found = found
        self._held = held
        """CPU slots in use."""

    @classmethod
    def looked_at(cls, client: Redis | None, chosen: Settings) -> Machine:
        """The machine now; without a client, as if no slot were in use."""
        held = 0 if client is None else sum(one.device == "cpu" for one in holders(client))
        return cls(client, chosen, seen(), held)

    def fit(self, entry: ModelEntry) -> Fit:
        """Room for slots of the model."""
        try:
            device = device_of(entry, self._chosen, lambda: self._found)
        except SlotlineError as exc:
            return Fit(0, "", str(exc))
        return self._on_gpus(entry) if device == "cuda" else self._on_cpu()

    def _on_cpu(self) -> Fit:
        """CPU slots are counted, not planned: nobody knows what a model takes of the host's memory."""
        free = max(0, self._chosen.cpu_slots - self._held)
        return Fit(free, "cpu", f"{free} of {self._chosen.cpu_slots} CPU slots free")

    def _on_gpus(self, entry: ModelEntry) -> Fit:
        answers = [(gpu, self._on(gpu, entry)) for gpu in self._found.gpus]
        lines: Sequence[str] = [f"{gpu.label}: {answer.reason}" for gpu, answer in answers]
        return Fit(sum(answer.more for _, answer in answers), "cuda", "; ".join(lines))

    def _on(self, gpu: Gpu, entry: ModelEntry) -> plan.Answer:
        if self._client is None:
            room, size = Room(gpu.label, gpu.free_bytes), footprint.guessed(entry, self._chosen)
        else:
            room = room_on(self._client, gpu)
            size = footprint.known(self._client, entry, gpu.name, self._chosen)
        return plan.instances(room, entry.name, size, plan.rules(self._chosen))
