"""Placement: gives each wanted slot its GPU, or says with numbers why they do not fit together.

Done before anything is started, so that workers which start at the same time need not find
a place by trying. Takes no slot and no turn. If others take memory in this time, the workers see it:
they plan again when they claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, NoFreeSlot
from workers.slots import footprint, plan
from workers.slots.gpu import device_of, room_on, seen
from workers.slots.nvml import Gpu
from workers.slots.plan import GB, Footprint, Room, Rules, gb

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import Catalog
    from tasks.settings import Settings

MOST_WANTED = 256


@dataclass(frozen=True)
class Placement:
    """For each model on GPUs, the GPU's UUID of each of its slots; `lines` say the same for people."""

    uuids: Mapping[str, Sequence[str]]
    lines: Sequence[str] = ()


def place_all(client: Redis, wanted: Mapping[str, int], models: Catalog, chosen: Settings) -> Placement:
    """A place for every wanted slot; raises `NoFreeSlot` with the numbers when they do not fit together.

    Models that run on a CPU have no place: CPU slots are counted, not planned.
    """
    found = seen()
    on_gpus = {name: n for name, n in wanted.items() if device_of(models[name], chosen, lambda: found) == "cuda"}
    if not on_gpus:
        return Placement({})
    if sum(on_gpus.values()) > MOST_WANTED:
        raise InvalidInput(f"--model: at most {MOST_WANTED} GPU slots can be planned at once")
    rooms = [room_on(client, gpu) for gpu in found.gpus]
    sizes = [{name: footprint.known(client, models[name], gpu.name, chosen) for name in on_gpus} for gpu in found.gpus]
    allowed = plan.rules(chosen)
    placed = plan.place(rooms, on_gpus, sizes, allowed)
    if placed is None:
        raise NoFreeSlot(_refusal(found.gpus, rooms, on_gpus, sizes, allowed))
    uuids = {name: [found.gpus[index].uuid for index in indices] for name, indices in placed.items()}
    return Placement(uuids, _lines(found.gpus, rooms, placed, sizes, allowed))


def _lines(
    gpus: Sequence[Gpu],
    rooms: Sequence[Room],
    placed: Mapping[str, Sequence[int]],
    sizes: Sequence[Mapping[str, Footprint]],
    allowed: Rules,
) -> list[str]:
    """A line for each GPU that gets something: `gpu0 …: 2 × viettts (7.4 measured) = 14.8 of 22.0 GB`."""
    lines = []
    for index, (gpu, room) in enumerate(zip(gpus, rooms, strict=True)):
        here = {name: list(where).count(index) for name, where in placed.items() if index in where}
        if not here:
            continue
        total = sum(n * (sizes[index][name].size_bytes or 0) for name, n in here.items())
        each = " + ".join(f"{n} × {name} ({sizes[index][name]})" for name, n in here.items())
        lines.append(f"{_place(gpu)}: {each} = {gb(total)} of {gb(room.usable_bytes(allowed))} GB")
    return lines


def _refusal(
    gpus: Sequence[Gpu],
    rooms: Sequence[Room],
    wanted: Mapping[str, int],
    sizes: Sequence[Mapping[str, Footprint]],
    allowed: Rules,
) -> str:
    """One line: what each model needs, what each GPU has, and how many slots of one model alone it could hold."""
    needed = ", ".join(f"{name}={n} ({_sizes(name, sizes)} each)" for name, n in wanted.items())
    has = []
    for gpu, room, each in zip(gpus, rooms, sizes, strict=True):
        alone = ", ".join(f"{name} {plan.instances(room, name, each[name], allowed).reason}" for name in wanted)
        has.append(f"{_place(gpu)}: {gb(room.usable_bytes(allowed))} GB for models, each alone: {alone}")
    buffer = gb(allowed.buffer_bytes)
    return (
        f"these slots do not fit together: {needed}. {'; '.join(has)}. "
        f"Ask for fewer, or lower GPU_MODEL_MEMORY_BUFFER_GB ({buffer})"
    )


def _sizes(name: str, sizes: Sequence[Mapping[str, Footprint]]) -> str:
    return " or ".join(dict.fromkeys(str(each[name]) for each in sizes))


def _place(gpu: Gpu) -> str:
    return f"{gpu.label} ({gpu.name}, {gpu.total_bytes / GB:.0f} GB)"
