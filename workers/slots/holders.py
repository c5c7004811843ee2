"""Who holds which slot of this host now, read from the claims in Redis.

Takes no slot and renews none. It frees a slot only for a caller that knows its holder to be dead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from workers.slots.claim import SlotClaim, host_id
from workers.slots.turn import Turn

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Holder:
    """A held slot: `device` (`cpu`, `gpu0`, `flow`) and `index` name it, `since` is in seconds since 1970.

    `ready` says whether it takes work.
    """

    device: str
    index: int
    worker: str
    model: str
    pid: int
    since: float
    ready: bool
    claim: SlotClaim

    @property
    def slot(self) -> str:
        """The slot's name on its host: `cpu-0`."""
        return f"{self.device}-{self.index}"


def holders(client: Redis) -> list[Holder]:
    """The held slots of this host, by device and index; flow workers hold a number of the device `flow`."""
    host = host_id()
    found = [
        *_found(client, keys.slot(keys.literal(host), "*", "*")),
        *_found(client, keys.slot("gpu", "*", "*"), host),
    ]
    return sorted(found, key=lambda one: (one.device, one.index))


def on_gpu(client: Redis, uuid: str) -> list[Holder]:
    """The held slots of a GPU or MIG slice, by index, whichever container or machine holds them."""
    return sorted(_found(client, keys.slot("gpu", keys.literal(uuid), "*")), key=lambda one: one.index)


def free(client: Redis, holder: Holder) -> bool:
    """Free the slot of a worker that is known to be dead; False when another worker holds it by now."""
    return holder.claim.release(client)


def _found(client: Redis, pattern: str, host: str | None = None) -> Iterator[Holder]:
    """The held slots whose key has that pattern; with `host`, without the GPU slots of other hosts."""
    for raw in client.scan_iter(match=pattern, count=1000):
        value: Any = client.get(raw)
        if value is None:  # freed since the scan
            continue
        claimed = json.loads(value)
        if host is None or claimed.get("host") == host:
            yield _holder(client, raw.decode(), value.decode(), claimed)


def _holder(client: Redis, key: str, value: str, claimed: dict[str, Any]) -> Holder:
    device, index = key.split(":")[-2:]
    turn = Turn(device, claimed["turn"], 0.0) if "turn" in claimed else None
    parts = _parts_at_once(client, claimed["model"], claimed["worker"])
    return Holder(
        device=claimed.get("device", device),
        index=int(index),
        worker=claimed["worker"],
        model=claimed["model"],
        pid=int(claimed["pid"]),
        since=float(claimed["since"]),
        ready=parts is not None,
        claim=SlotClaim(key, value, claimed["worker"], int(index), claimed["model"], parts or 0, turn),
    )


def _parts_at_once(client: Redis, model: str, worker: str) -> int | None:
    """How many parts the worker takes at once, or None while it is not ready."""
    seconds, micro = client.time()
    live: Any = client.zrangebyscore(keys.capacity(model), seconds * 1000 + micro // 1000, "+inf")
    members = [member.decode().rpartition("|") for member in live]
    return next((int(parts) for name, _, parts in members if name == worker), None)
