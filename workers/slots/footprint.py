"""A footprint: the GPU memory that one slot of a model takes. Measured once, kept in Redis, guessed until then.

A measure belongs to a model, its revision, the type of GPU and the precision. This module
asks no driver, and decides nothing about slots. Sizes are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.offers import Offers
from tasks.redis import keys
from workers.slots.nvml import Gpu, User
from workers.slots.plan import GB, Footprint

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings


def precision(chosen: Settings) -> str:
    """The precision of models on a GPU: `fp16` or `fp32`."""
    return "fp16" if chosen.fp16 else "fp32"


def known(client: Redis, entry: ModelEntry, gpu_type: str, chosen: Settings) -> Footprint:
    """What one slot of the model takes on such a GPU: as measured, else by the catalog, else by the settings.

    A slot of many small models may grow to the catalog's `max_memory_gb`, however little it took at first.
    """
    found = _measured(client, entry, gpu_type, precision(chosen))
    if found is None or (entry.max_memory_gb is not None and found < entry.max_memory_gb * GB):
        return guessed(entry, chosen)
    return Footprint(found, "measured")


def guessed(entry: ModelEntry, chosen: Settings) -> Footprint:
    """What one slot of the model may take where nothing was measured: by the catalog, else by the settings."""
    if entry.max_memory_gb is not None:
        return Footprint(int(entry.max_memory_gb * GB), "by max_memory_gb")
    if entry.memory_gb is not None:
        return Footprint(int(entry.memory_gb * GB), "by memory_gb")
    if chosen.estimated_model_gb is not None:
        return Footprint(int(chosen.estimated_model_gb * GB), "by GPU_ESTIMATED_MODEL_SIZE_GB")
    return Footprint(None)


def remember(client: Redis, model: str, revision: str, gpu_type: str, precise: str, size_bytes: int) -> None:
    """Keep a measure; it replaces the one before."""
    seconds, micros = client.time()
    measure = json.dumps({"bytes": size_bytes, "at": seconds + micros / 1e6})
    client.hset(keys.footprint(model), _field(revision, gpu_type, precise), measure)


def measured(before: Gpu, after: Gpu, pid: int, is_first: bool) -> int | None:
    """The memory that the process `pid` took between two looks at a GPU, or None when it is not known.

    Alone on the GPU, it is the decrease of the driver's free memory. Beside others, that decrease
    contains their work too. Then the driver's figure for the process counts, where it gives one
    (not in a container), and the decrease only while nothing better is known (`is_first`).
    """
    fell = before.free_bytes - after.free_bytes
    if before.users:
        own = None
        if pid not in {user.pid for user in before.users}:
            own = next((user.used_bytes for user in after.users if user.pid == pid), None)
        if own is None and not is_first:
            return None
        fell = own or fell
    return fell if fell > 0 else None


def own_bytes(users: Sequence[User], pid: int) -> int | None:
    """How much of a GPU the process uses, of what the driver shows; None where the driver does not show it.

    A process that none of the users is may not have begun to use the GPU, or has another pid there: so only where there
    are no users it is 0.
    """
    if not users:
        return 0
    return next((user.used_bytes for user in users if user.pid == pid), None)


def _measured(client: Redis, entry: ModelEntry, gpu_type: str, precise: str) -> int | None:
    """The measure for the revision that was served last; where no revision is known, the newest measure."""
    table: Any = client.hgetall(keys.footprint(entry.name))
    if not table:
        return None
    offer = Offers(client).published(entry.name)
    if offer is not None:
        if entry.revision and entry.revision not in offer.revision:  # the catalog has changed since then
            return None
        raw = table.get(_field(offer.revision, gpu_type, precise).encode())
        return None if raw is None else int(json.loads(raw)["bytes"])
    here = [json.loads(raw) for field, raw in table.items() if field.decode().endswith(f"|{gpu_type}|{precise}")]
    return int(max(here, key=lambda one: float(one["at"]))["bytes"]) if here else None


def _field(revision: str, gpu_type: str, precise: str) -> str:
    return f"{revision}|{gpu_type}|{precise}"
