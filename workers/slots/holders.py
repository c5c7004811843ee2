"""Who holds which slot of this host now, read from the claims in Redis.

Takes no slot and renews none. It frees a slot only for a caller that knows its holder to be dead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks import keys
from workers.slots.claim import Claim, host_id

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Holder:
    """A held slot: `device` and `index` name it, `since` is in seconds since 1970, `ready` when it takes work."""

    device: str
    index: int
    worker: str
    model: str
    pid: int
    since: float
    ready: bool
    claim: Claim

    @property
    def slot(self) -> str:
        """The slot's name on its host: `cpu-0`."""
        return f"{self.device}-{self.index}"


def holders(client: Redis) -> list[Holder]:
    """The held slots of this host, by device and index; flow workers hold a number of the device `flow`."""
    pattern = keys.slot(host_id(), "*", "*")
    found = [_holder(client, raw.decode()) for raw in client.scan_iter(match=pattern, count=1000)]
    return sorted((one for one in found if one is not None), key=lambda one: (one.device, one.index))


def free(client: Redis, holder: Holder) -> bool:
    """Free the slot of a worker that is known to be dead; False when another holds it by now."""
    return holder.claim.release(client)


def _holder(client: Redis, key: str) -> Holder | None:
    value: Any = client.get(key)
    if value is None:  # let go of since we looked
        return None
    told = json.loads(value)
    device, index = key.split(":")[-2:]
    parts = _parts_at_once(client, told["model"], told["worker"])
    return Holder(
        device=device,
        index=int(index),
        worker=told["worker"],
        model=told["model"],
        pid=int(told["pid"]),
        since=float(told["since"]),
        ready=parts is not None,
        claim=Claim(key, value.decode(), told["worker"], int(index), told["model"], parts or 0),
    )


def _parts_at_once(client: Redis, model: str, worker: str) -> int | None:
    """How many parts the worker takes at once, or None while it is not ready."""
    seconds, micro = client.time()
    live: Any = client.zrangebyscore(keys.capacity(model), seconds * 1000 + micro // 1000, "+inf")
    said = [member.decode().rpartition("|") for member in live]
    return next((int(parts) for name, _, parts in said if name == worker), None)
