"""Claims: which worker of this host holds which slot, kept in Redis under a lease.

A claim is taken in one step. `workers/slots/claim_renewal.py` renews it while its worker
lives, and releases it when the worker ends; after SIGKILL the slot is free when the lease
ends. A renewal also says how many parts the worker takes at once, but only while the worker
is ready. Loads no model and knows nothing of Celery. All times are Redis' own.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from tasks.errors import NoFreeSlot
from tasks.redis import keys
from workers.slots.turn import Turn, scripts

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MAX_FLOW_WORKERS = 256
MAX_SLOTS_A_GPU = 64


@functools.cache
def host_id() -> str:
    """A name that all containers of one host share: the kernel's boot id, else the host's name."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return socket.gethostname()


@dataclass(frozen=True)
class SlotClaim:
    """A slot that this worker holds. `value` is what Redis holds, with a token that no other claim has."""

    key: str
    value: str
    worker: str
    index: int
    model: str
    parts: int
    """How many parts this worker takes at once while it is ready."""
    turn: Turn | None = None
    """A GPU slot's turn to load; renewed and released together with the slot."""

    def renew(self, client: Redis, lease_s: float, ready: bool) -> str | None:
        """Renew the lease; the name of the worker that holds the slot instead of us, or None when it is ours."""
        names = [self.key, keys.capacity(self.model)]
        args: list[str | int] = [self.value, _ms(lease_s), self._member, int(ready)]
        if self.turn:
            names.append(self.turn.key)
            args.append(self.turn.value)
        held = scripts(client).run("renew", names, args)
        return _named(held).split(" ")[0] if held else None

    def release(self, client: Redis) -> bool:
        """Free the slot; False when another worker holds it by now."""
        names = [self.key, keys.capacity(self.model)]
        args = [self.value, self._member]
        if self.turn:
            names += [self.turn.key, keys.promised(self.turn.gpu)]
            args += [self.turn.value, self.worker]
        return bool(scripts(client).run("release", names, args))

    @property
    def _member(self) -> str:
        return f"{self.worker}|{self.parts}"


def claim_cpu(client: Redis, model: str, node: str, slots: int, lease_s: float, parts: int) -> SlotClaim:
    """The next free CPU slot of this host, shared by all models; the worker is named `model-cpu-N@node`.

    Raises `NoFreeSlot` that names who holds them.
    """
    names = f"{_escaped(model)}-cpu-%d@{_escaped(node)}"
    got = _claim(client, [keys.slot(host_id(), "cpu", i) for i in range(slots)], names, model, lease_s, parts)
    if isinstance(got, SlotClaim):
        return got
    raise NoFreeSlot(
        f"no free slot: this host has {slots} CPU slot{'s' * (slots > 1)}, held by {', '.join(got)}; "
        "stop one of them, or raise SLOTLINE_CPU_SLOTS"
    )


def claim_gpu(
    client: Redis, model: str, node: str, label: str, turn: Turn, lease_s: float, parts: int
) -> SlotClaim | list[str]:
    """The lowest free slot of a GPU; when there is none, the workers that hold them.

    The caller has the GPU's turn, and saw that the model fits. The worker is named `model-gpuN-M@node`. The slot
    belongs to the GPU's UUID, so all containers mean the same one.
    """
    slots = [keys.slot("gpu", turn.gpu, index) for index in range(MAX_SLOTS_A_GPU)]
    names = f"{_escaped(model)}-{_escaped(label)}-%d@{_escaped(node)}"
    return _claim(client, slots, names, model, lease_s, parts, label, turn)


def claim_flow(client: Redis, node: str, lease_s: float) -> SlotClaim:
    """The lowest free number for a flow worker of this host, which is named `flow-N@node`; raises `NoFreeSlot`."""
    numbers = [keys.slot(host_id(), "flow", i) for i in range(MAX_FLOW_WORKERS)]
    got = _claim(client, numbers, f"flow-%d@{_escaped(node)}", "flow", lease_s, 0)
    if isinstance(got, SlotClaim):
        return got
    raise NoFreeSlot(f"{MAX_FLOW_WORKERS} flow workers run on this host already; raise -c of one instead")


def _claim(
    client: Redis,
    slots: list[str],
    names: str,
    model: str,
    lease_s: float,
    parts: int,
    label: str = "",
    turn: Turn | None = None,
) -> SlotClaim | list[str]:
    holder = {"model": model, "pid": os.getpid(), "since": _now_s(client), "token": secrets.token_hex(8)}
    if turn:
        holder |= {"host": host_id(), "device": label, "turn": turn.value}
    got: list[Any] = scripts(client).run("claim", slots, [json.dumps(holder), names, _ms(lease_s)])
    if got[0] < 0:
        return [_named(value) for value in got[1:]]
    value = got[1].decode()
    return SlotClaim(slots[got[0]], value, json.loads(value)["worker"], got[0], model, parts, turn)


def _now_s(client: Redis) -> int:
    seconds: int = client.time()[0]
    return seconds


def _named(value: bytes) -> str:
    held = json.loads(value)
    return f"{held['worker']} (pid {held['pid']})"


def _escaped(name: str) -> str:
    return name.replace("%", "%%")


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
