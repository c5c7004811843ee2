"""Claims a worker's slot on a GPU: the one with the most free memory that has room for the model.

Guarantee: workers plan on one GPU one after the other (`workers/slots/turn.py`), so no two
of them count the same free memory. Loads nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tasks.errors import NoFreeSlot
from workers.slots import footprint, nvml, plan
from workers.slots.claim import SlotClaim, claim_gpu
from workers.slots.gpu import SETTLE_S, room_on
from workers.slots.gpu_slot import GpuSlot, promise
from workers.slots.holders import on_gpu
from workers.slots.nvml import Gpu
from workers.slots.plan import Footprint
from workers.slots.turn import POLL_S, Turn

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings


def claim_share(
    client: Redis,
    entry: ModelEntry,
    node: str,
    chosen: Settings,
    parts: int,
    gpus: Sequence[Gpu],
    say: Callable[[str], None],
) -> tuple[SlotClaim, GpuSlot]:
    """A slot on the GPU with the most free memory that has room for the model, and the turn to load there.

    Waits while others load on a GPU; `say` gets one line for each of them. Raises `NoFreeSlot` with the sum
    for each GPU.
    """
    left = sorted(gpus, key=lambda gpu: -gpu.free_bytes)
    refusals: list[str] = []
    named: set[str] = set()
    while left:
        for gpu in list(left):
            turn = Turn.of(gpu.uuid, entry.name, node, chosen.lease_s)
            if holder := turn.take(client):
                if holder not in named:
                    named.add(holder)
                    say(f"{gpu.label}: {holder} loads; {entry.name} waits for its turn")
                continue
            got = _claim_in_turn(client, entry, node, chosen, parts, gpu, turn)
            if isinstance(got, SlotClaim):
                return got, GpuSlot(client, entry, gpu, got, chosen)
            refusals.append(f"{gpu.label} ({gpu.name}): {got}")
            left.remove(gpu)
        if left:
            time.sleep(POLL_S)
    raise NoFreeSlot(
        f"no GPU has room for {entry.name}: {'; '.join(refusals)}. Stop what uses the memory, or change what is "
        "planned with (GPU_MODEL_MEMORY_BUFFER_GB, memory_gb of the model)"
    )


def _claim_in_turn(
    client: Redis, entry: ModelEntry, node: str, chosen: Settings, parts: int, gpu: Gpu, turn: Turn
) -> SlotClaim | str:
    """Plan and claim while no other worker loads there; returns the claim, or why not. Then the turn ends."""
    claimed: SlotClaim | None = None
    try:
        size = footprint.known(client, entry, gpu.name, chosen)
        answer = _plan(client, entry, size, chosen, gpu, turn)
        if not answer.more:
            return answer.reason + _held_by(client, gpu)
        got = claim_gpu(client, entry.name, node, gpu.label, turn, chosen.lease_s, parts)
        if not isinstance(got, SlotClaim):
            return f"its {len(got)} slots are all held"
        promise(client, got, size)
        claimed = got
        return got
    finally:
        if claimed is None:
            turn.end(client)


def _plan(client: Redis, entry: ModelEntry, size: Footprint, chosen: Settings, gpu: Gpu, turn: Turn) -> plan.Answer:
    """The planner's answer. A refusal is planned again while a process that ended may still give memory back."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        # Nothing renews the turn before there is a slot, and its lease may be shorter than this loop.
        turn.wait(client, lambda holder: None)
        room = room_on(client, nvml.read(gpu.uuid, gpu.label))
        answer = plan.instances(room, entry.name, size, plan.rules(chosen))
        if answer.more or time.monotonic() > deadline:
            return answer
        time.sleep(POLL_S)


def _held_by(client: Redis, gpu: Gpu) -> str:
    held = ", ".join(f"{one.worker} (pid {one.pid})" for one in on_gpu(client, gpu.uuid))
    return f", held by {held}" if held else ""
