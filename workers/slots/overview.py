"""The slots of this machine in one table: what each GPU has room for and why, and which worker holds which slot.

Only looks; takes nothing. `slotline slots` prints it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tasks.errors import SlotlineError
from tasks.pauses import Pause, paused
from workers.slots import footprint, plan
from workers.slots.gpu import device_of, room_on, seen, used_by
from workers.slots.holders import Holder, holders, on_gpu
from workers.slots.nvml import Gpu, Survey
from workers.slots.plan import gb

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import Catalog
    from tasks.settings import Settings


@dataclass(frozen=True)
class Row:
    """A line of the table; `what` is `gpu`, `plan`, `held` or `free`. Sizes in bytes, `for_s` in seconds.

    A `plan` says how many slots of a model one GPU has beside those held (`more`), and why.
    """

    what: str
    slot: str
    model: str = ""
    worker: str = ""
    pid: int | None = None
    for_s: float | None = None
    state: str = ""
    why: str = ""
    more: int | None = None
    uuid: str = ""
    free_bytes: int | None = None
    total_bytes: int | None = None

    def fields(self) -> dict[str, Any]:
        """As JSON shows it: without what is empty."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    def cells(self) -> list[str]:
        """As the table shows it: slot, worker, model, pid, for, state, why."""
        age = "" if self.for_s is None else time.strftime("%H:%M:%S", time.gmtime(self.for_s))
        return [self.slot, self.worker, self.model, str(self.pid or ""), age, self.state, self.why]


@dataclass(frozen=True)
class Overview:
    """The table; `note` says why there is no GPU, or which one was left out (empty: neither)."""

    rows: list[Row]
    note: str


def overview(client: Redis, models: Catalog, chosen: Settings) -> Overview:
    """The slots of this machine, GPUs first."""
    found = seen()
    now_s = float(client.time()[0])
    rows = [row for gpu in found.gpus for row in _gpu_rows(client, gpu, found, models, chosen, now_s)]
    shown = {row.worker for row in rows}
    rest = [holder for holder in holders(client) if holder.worker not in shown]
    rows += [_held(holder, now_s) for holder in rest]
    pauses = paused(client)
    rows = [_paused(row, pauses[row.model]) if row.what == "held" and row.model in pauses else row for row in rows]
    taken = {holder.index for holder in rest if holder.device == "cpu"}
    rows += [Row("free", f"cpu-{i}", worker="–", state="free") for i in range(chosen.cpu_slots) if i not in taken]
    return Overview(rows, found.reason)


def _gpu_rows(client: Redis, gpu: Gpu, found: Survey, models: Catalog, chosen: Settings, now_s: float) -> Iterator[Row]:
    yield Row(
        "gpu",
        gpu.label,
        worker=gpu.name,
        state=f"{gb(gpu.free_bytes)} of {gb(gpu.total_bytes)} GB free",
        why=used_by(gpu),
        uuid=gpu.uuid,
        free_bytes=gpu.free_bytes,
        total_bytes=gpu.total_bytes,
    )
    for holder in on_gpu(client, gpu.uuid):
        yield _held(holder, now_s)
    room = room_on(client, gpu)
    for name, entry in models.items():
        try:
            if device_of(entry, chosen, lambda: found) != "cuda":
                continue
        except SlotlineError as exc:
            yield Row("plan", gpu.label, name, worker="–", state="–", why=str(exc), more=0)
            continue
        size = footprint.known(client, entry, gpu.name, chosen)
        answer = plan.instances(room, name, size, plan.rules(chosen))
        state = f"{answer.more} more" if answer.more else "no more"
        yield Row("plan", gpu.label, name, worker="–", state=state, why=answer.reason, more=answer.more)


def _paused(row: Row, pause: Pause) -> Row:
    return replace(row, state=f"{row.state}, paused", why=pause.words())


def _held(holder: Holder, now_s: float) -> Row:
    return Row(
        "held",
        holder.slot,
        holder.model,
        holder.worker,
        holder.pid,
        max(0.0, now_s - holder.since),
        "ready" if holder.ready else "loading",
    )
