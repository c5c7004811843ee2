"""What this machine's GPUs are to a worker: which it may use, whether a model gets one, and what is free there.

Claims nothing, loads nothing, and never initialises CUDA: all figures are the driver's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tasks.errors import SettingsError
from tasks.redis import keys
from workers.adapters import adapter_of
from workers.slots import nvml
from workers.slots.holders import on_gpu
from workers.slots.nvml import Gpu
from workers.slots.plan import Room, gb

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings

CUDA = "cuda:0"
"""The name of its GPU in a process that is pinned to it: it sees no other."""

SETTLE_S = 3.0
"""A process that has ended, or has unloaded its model, gives its memory back up to 1.5 s later."""


def seen() -> nvml.Survey:
    """The GPUs that this process may use: all that the driver shows and CUDA_VISIBLE_DEVICES does not hide."""
    return nvml.survey(os.environ.get("CUDA_VISIBLE_DEVICES"))


def device_of(entry: ModelEntry, chosen: Settings, look: Callable[[], nvml.Survey] = seen) -> str:
    """`cuda` or `cpu`, by MODEL_DEVICE, by what the model's adapter can use, and by what this machine has.

    `look` is called only where the answer depends on it. Raises `SettingsError` for a device that is not
    available, and `CatalogError` for a table that its adapter does not take.
    """
    devices = adapter_of(entry, "cpu").devices
    if chosen.device != "auto" and chosen.device not in devices:
        can = " or ".join(devices)
        raise SettingsError(
            f"MODEL_DEVICE={chosen.device}: the adapter {entry.adapter!r} of {entry.name} runs on {can} only; "
            "set MODEL_DEVICE=auto"
        )
    if chosen.device == "cpu" or "cuda" not in devices:
        return "cpu"
    found = look()
    if found.gpus:
        return "cuda"
    if chosen.device == "auto" and "cpu" in devices:
        return "cpu"
    raise SettingsError(
        f"MODEL_DEVICE={chosen.device}: there is no GPU for {entry.name} ({found.reason}); "
        + ("set MODEL_DEVICE=cpu" if "cpu" in devices else f"the adapter {entry.adapter!r} needs one")
    )


def room_on(client: Redis, gpu: Gpu) -> Room:
    """A GPU as the planner sees it: the driver's free memory, and what live workers hold there."""
    held = on_gpu(client, gpu.uuid)
    promised: Any = client.hgetall(keys.promised(gpu.uuid))
    kept = {name.decode(): int(size) for name, size in promised.items()}
    unloaded = [kept[one.worker] for one in held if one.worker in kept]
    models = [one.model for one in held]
    return Room(
        label=gpu.label,
        free_bytes=gpu.free_bytes,
        promised_bytes=sum(unloaded),
        unloaded=len(unloaded),
        held={model: models.count(model) for model in models},
    )


def used_by(gpu: Gpu) -> str:
    """The processes on a GPU: `pid 12 uses 7.4 GB, …`; empty when there is none, or the driver does not show them."""
    users = (
        f"pid {one.pid}" + ("" if one.used_bytes is None else f" uses {gb(one.used_bytes)} GB") for one in gpu.users
    )
    return ", ".join(users)
