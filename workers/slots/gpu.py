"""A worker's slot on a GPU: chosen and claimed by what the memory allows, loaded in turn, measured.

`device_of` says whether a model gets a GPU at all, `claim` takes a slot, and `GpuSlot` sees
to each load of it, in the child, and to what a dead child leaves, in the parent. CUDA is
never initialised here: all figures are the driver's. Guarantees: a model that does not fit
is not loaded, and says so with the numbers; what one load takes is never counted as free
by another.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from redis import RedisError

from tasks import keys
from tasks.errors import NoFreeSlot, SettingsError, SlotlineError
from tasks.settings import settings
from workers.adapters import adapter_of
from workers.slots import footprint, nvml, plan
from workers.slots.claim import Claim, claim_gpu
from workers.slots.holders import on_gpu
from workers.slots.nvml import Gpu
from workers.slots.plan import Footprint, Room, gb
from workers.slots.turn import POLL_S, Turn

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings
    from workers.wire.spec import Model

logger = logging.getLogger(__name__)

SETTLE_S = 3.0
"""A process that has ended, or has unloaded its model, gives its memory back up to 1.5 s later."""

CUDA = "cuda:0"
"""What a pinned process calls its GPU: it sees no other."""


def seen() -> nvml.Survey:
    """The GPUs that this process may use: all that the driver shows and CUDA_VISIBLE_DEVICES does not hide."""
    return nvml.survey(os.environ.get("CUDA_VISIBLE_DEVICES"))


def device_of(entry: ModelEntry, chosen: Settings, look: Callable[[], nvml.Survey] = seen) -> str:
    """`cuda` or `cpu`, by MODEL_DEVICE, by what the model's adapter can use, and by what is there.

    `look` is asked only where the answer depends on it. Raises `SettingsError` for a device that
    cannot be had, and `CatalogError` for a table that its adapter does not take.
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
    """A GPU as the planner sees it: the driver's free memory, and what living workers hold there."""
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


def claim(
    client: Redis,
    entry: ModelEntry,
    node: str,
    chosen: Settings,
    parts: int,
    gpus: Sequence[Gpu],
    tell: Callable[[str], None],
) -> tuple[Claim, GpuSlot]:
    """A slot on that of these GPUs which has the most room, with the turn to load there.

    Waits while others load on a GPU, and says so by `tell`. Raises `NoFreeSlot` with the sum for each GPU.
    """
    left = sorted(gpus, key=lambda gpu: -gpu.free_bytes)
    refusals: list[str] = []
    told: set[str] = set()
    while left:
        for gpu in list(left):
            turn = Turn.of(gpu.uuid, entry.name, node, chosen.lease_s)
            if holder := turn.take(client):
                if holder not in told:
                    told.add(holder)
                    tell(f"{gpu.label}: {holder} loads; {entry.name} waits for its turn")
                continue
            got = _claim_in_turn(client, entry, node, chosen, parts, gpu, turn)
            if isinstance(got, Claim):
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
) -> Claim | str:
    """Plan and claim while nobody loads there; the turn is kept with a claim, else ended. A refusal in words."""
    claimed: Claim | None = None
    try:
        size = footprint.known(client, entry, gpu.name, chosen)
        answer = _answer(client, entry, size, chosen, gpu, turn)
        if not answer.more:
            return answer.reason + _by_whom(client, gpu)
        got = claim_gpu(client, entry.name, node, gpu.label, turn, chosen.lease_s, parts)
        if not isinstance(got, Claim):
            return f"its {len(got)} slots are all held"
        _promise(client, got, size)
        claimed = got
        return got
    finally:
        if claimed is None:
            turn.end(client)


def _answer(client: Redis, entry: ModelEntry, size: Footprint, chosen: Settings, gpu: Gpu, turn: Turn) -> plan.Answer:
    """The planner's answer; a no is asked again for as long as memory may still be on its way back."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        # Nobody renews it before there is a slot, and a lease may be shorter than this.
        turn.wait(client, lambda holder: None)
        room = room_on(client, nvml.read(gpu.uuid, gpu.label))
        answer = plan.instances(room, entry.name, size, plan.rules(chosen))
        if answer.more or time.monotonic() > deadline:
            return answer
        time.sleep(POLL_S)


def _by_whom(client: Redis, gpu: Gpu) -> str:
    held = ", ".join(f"{one.worker} (pid {one.pid})" for one in on_gpu(client, gpu.uuid))
    return f", held by {held}" if held else ""


def _promise(client: Redis, claimed: Claim, size: Footprint) -> None:
    if claimed.turn:
        client.hset(keys.promised(claimed.turn.gpu), claimed.worker, str(size.size_bytes or 0))


def used_by(gpu: Gpu) -> str:
    """Who is on a GPU, as the driver tells: `pid 12 uses 7.4 GB, …`; empty when nobody is, or it does not tell."""
    said = (
        f"pid {one.pid}" + ("" if one.used_bytes is None else f" uses {gb(one.used_bytes)} GB") for one in gpu.users
    )
    return ", ".join(said)


class GpuSlot:
    """A claimed share of a GPU. The parent keeps it, and its child, forked from it, loads by it."""

    def __init__(self, client: Redis, entry: ModelEntry, gpu: Gpu, claimed: Claim, chosen: Settings) -> None:
        self.uuid = gpu.uuid
        self.label = gpu.label
        self.gpu_type = gpu.name
        self.precision = footprint.precision(chosen)
        self._client = client
        self._entry = entry
        self._claim = claimed

    def load(self, load: Callable[[], Model], waits: Callable[[str], None]) -> Model:
        """Load the model when it is our turn on the GPU, and measure what it takes; to be called in the child.

        `waits` hears whom we wait for. Raises `NoFreeSlot` with the numbers when the GPU has no room for
        it any more, and what `load` raises. The turn ends in any case.
        """
        turn = self._claim.turn
        assert turn is not None
        turn.wait(self._client, waits)
        try:
            before = self._look_for_room()
            model = load()
            self._loaded(before, model.offer.revision)
            return model
        finally:
            self.end_turn()

    def end_turn(self) -> None:
        """Let others load on the GPU. For a worker that loads later (its memory stays promised), and after a load."""
        turn = self._claim.turn
        try:
            if turn:
                turn.end(self._client)
        except RedisError as exc:
            logger.warning("the turn to load on %s could not be ended, it ends by itself: %s", self.label, exc)

    def unloaded(self) -> None:
        """The model left the GPU, or its process did: its memory is kept for it. Safe to call again."""
        try:
            _promise(self._client, self._claim, self._size())
        except RedisError as exc:
            logger.warning("the memory of %s on %s could not be promised: %s", self._entry.name, self.label, exc)

    def child_ended(self) -> None:
        """The child is dead, whatever it was doing: nobody waits for it, and its memory is kept for the next one."""
        self.end_turn()
        self.unloaded()

    def _size(self) -> Footprint:
        return footprint.known(self._client, self._entry, self.gpu_type, settings())

    def _look_for_room(self) -> Gpu:
        """The GPU as it stands, when the model fits into what is free. The buffer is not asked for again:
        the work of the slots that run may have taken it by now."""
        size = self._size()
        deadline = time.monotonic() + SETTLE_S
        while True:
            now = nvml.read(self.uuid, self.label)
            if size.size_bytes is None or size.size_bytes <= now.free_bytes:
                return now
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        users = used_by(now)
        raise NoFreeSlot(
            f"{self._entry.name} does not fit on {self.label} ({self.gpu_type}): {size}, "
            f"{gb(now.free_bytes)} of {gb(now.total_bytes)} GB are free" + (f"; {users}" if users else "")
        )

    def _loaded(self, before: Gpu, revision: str) -> None:
        """Note that the memory is taken, and how much it is. A model that is loaded is not given up for this."""
        name = self._entry.name
        try:
            is_first = self._size().source != "measured"
            took = footprint.measured(before, nvml.read(self.uuid, self.label), os.getpid(), is_first)
            if took is not None:
                footprint.remember(self._client, name, revision, self.gpu_type, self.precision, took)
                logger.info("%s takes %s GB of %s", name, gb(took), self.label)
            self._client.hdel(keys.promised(self.uuid), self._claim.worker)
        except (RedisError, SlotlineError) as exc:
            logger.warning("what %s takes of %s could not be noted: %s", name, self.label, exc)
