"""Claims: which worker of this host holds which slot, and which worker has which name, in Redis under a lease.

A claim takes a slot and its worker's name in one step. `workers/slots/claim_renewal.py` renews it while its
worker lives, and releases it when the worker ends; after SIGKILL both are free when the lease ends, or when
another worker of this machine needs them and sees that their process is dead. A renewal
also says how many parts the worker takes at once, but only while the worker is ready. Guarantee: no two
workers of one Redis have the same name, whatever their machines are called: health, capacity, promised memory and
remote control go by it. Loads no model and knows nothing of Celery. All times are Redis' own.

`node` is where a worker is, in Celery's notation: a host (the worker is named after its slot), or `NAME@host`; `%i` in
NAME stands for the slot, such as `cpu-0`.
"""

from __future__ import annotations

import functools
import json
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from tasks.compact_json import dumps
from tasks.errors import NameTaken, NoFreeSlot
from tasks.redis import keys
from tasks.settings import settings
from workers.living import identity, is_dead
from workers.slots.turn import Turn, scripts

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MAX_FLOW_WORKERS = 256
MAX_SLOTS_A_GPU = 64


def host_id() -> str:
    """What all containers of this machine share, and no other machine has: a setting, else the kernel's boot id."""
    return settings().machine_id or _boot_id()


@functools.cache
def _boot_id() -> str:
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
    """How many parts this worker takes at once while it is ready, as far as it is known at the claim."""
    turn: Turn | None = None
    """A GPU slot's turn to load; renewed and released together with the slot."""

    def renew(self, client: Redis, lease_s: float, ready: bool, parts: int | None = None) -> str | None:
        """Renew the lease; who holds the slot or the worker's name instead of us, or None when both are ours.

        `parts` is how many this worker takes at once by now; None: as at the claim.
        """
        names = [self.key, keys.worker_name(self.worker), keys.capacity(self.model)]
        args: list[str | int] = [self.value, _ms(lease_s), self._member(parts), int(ready)]
        if self.turn:
            names.append(self.turn.key)
            args.append(self.turn.value)
        held = scripts(client).run("renew", names, args)
        return described(json.loads(held)) if held else None

    def release(self, client: Redis) -> bool:
        """Free the slot; False when another worker holds it by now."""
        names = [self.key, keys.worker_name(self.worker), keys.capacity(self.model)]
        args = [self.value, self._member()]
        if self.turn:
            names += [self.turn.key, keys.promised(self.turn.gpu)]
            args += [self.turn.value, self.worker]
        return bool(scripts(client).run("release", names, args))

    def _member(self, parts: int | None = None) -> str:
        return f"{self.worker}|{self.parts if parts is None else parts}"


def claim_cpu(client: Redis, model: str, node: str, slots: int, lease_s: float, parts: int) -> SlotClaim:
    """The next free CPU slot of this host, shared by all models; the worker is named `model-cpu-N@node`.

    Raises `NoFreeSlot` or `NameTaken`, which say who holds them.
    """
    device = keys.slot(host_id(), "cpu", "%d")
    got = _claim(client, device, slots, f"{model}-%i", "cpu-%d", node, model, lease_s, parts)
    if isinstance(got, SlotClaim):
        return got
    raise NoFreeSlot(
        f"no free slot: this host has {slots} CPU slot{'s' * (slots > 1)}, held by {', '.join(got)}; "
        "stop one of them, or raise SLOTLINE_CPU_SLOTS"
    )


def claim_gpu(
    client: Redis, model: str, node: str, label: str, turn: Turn, lease_s: float, parts: int
) -> SlotClaim | list[str]:
    """The lowest free slot of a GPU; when there is none, the workers that hold them. Raises `NameTaken`.

    The caller has the GPU's turn, and saw that the model fits. The worker is named `model-gpuN-M@node`. The slot
    belongs to the GPU's UUID, so all containers mean the same one.
    """
    device = keys.slot("gpu", turn.gpu, "%d")
    slot = f"{label}-%d"
    return _claim(client, device, MAX_SLOTS_A_GPU, f"{model}-%i", slot, node, model, lease_s, parts, label, turn)


def claim_flow(client: Redis, node: str, lease_s: float) -> SlotClaim:
    """The lowest free number for a flow worker of this host, which is named `flow-N@node`.

    Raises `NoFreeSlot` or `NameTaken`.
    """
    device = keys.slot(host_id(), "flow", "%d")
    got = _claim(client, device, MAX_FLOW_WORKERS, "flow-%i", "%d", node, "flow", lease_s, 0)
    if isinstance(got, SlotClaim):
        return got
    raise NoFreeSlot(f"{MAX_FLOW_WORKERS} flow workers run on this host already; raise -c of one instead")


def described(holder: Mapping[str, Any]) -> str:
    """Who holds a slot or a name, for people: the worker, its process and its machine."""
    machine = f" on {holder['machine']}" if holder.get("machine") else ""
    address = f" ({holder['address']})" if holder.get("address") else ""
    return f"{holder['worker']} (pid {holder['pid']}{machine}{address})"


def _claim(
    client: Redis,
    device: str,
    count: int,
    default: str,
    slot: str,
    node: str,
    model: str,
    lease_s: float,
    parts: int,
    label: str = "",
    turn: Turn | None = None,
) -> SlotClaim | list[str]:
    """Claim the first free one of `count` slots; their keys are `device % index`, and `slot % index` is their `%i`."""
    given, _, host = node.rpartition("@")
    template = f"{given or default}@{host}"
    workers = [template.replace("%i", slot % index) for index in range(count)]
    holder = _holder(client, model, parts)
    if turn:
        holder |= {"device": label, "turn": turn.value}
    slots = [device % index for index in range(count)]
    values = [dumps({**holder, "worker": worker, "slot": key}) for worker, key in zip(workers, slots, strict=True)]
    script_keys = [*slots, *(keys.worker_name(worker) for worker in workers)]
    index, *held = scripts(client).run("claim", script_keys, [_ms(lease_s), *values])
    if index < 0 and _free_dead(client, [value for values in held for value in values]):
        index, *held = scripts(client).run("claim", script_keys, [_ms(lease_s), *values])
    if index >= 0:
        return SlotClaim(slots[index], values[index], workers[index], index, model, parts, turn)
    by_slot, by_name = ([json.loads(value) for value in values] for values in held)
    if by_name:
        raise NameTaken(_taken(by_name[0], bool(given)))
    return [described(one) for one in by_slot]


def _free_dead(client: Redis, held: Iterable[bytes]) -> int:
    """Free what dead processes of this machine hold: so a killed worker can be started again before its lease ends."""
    freed = 0
    for value in held:
        holder = json.loads(value)
        if holder.get("host") != host_id() or "slot" not in holder or not is_dead(holder):
            continue
        *_, device, index = holder["slot"].split(":")
        turn = Turn(device, holder["turn"], 0.0) if "turn" in holder else None
        claim = SlotClaim(
            holder["slot"], value.decode(), holder["worker"], int(index), holder["model"], holder["parts"], turn
        )
        freed += claim.release(client)
    return freed


def _taken(holder: Mapping[str, Any], is_given: bool) -> str:
    """Why a worker cannot have its name; `holder` has it."""
    name, _, host = str(holder["worker"]).partition("@")
    if is_given:
        return f"-n: {described(holder)} has this name; give another, or one with the slot in it: -n {name}-%i@{host}"
    return (
        f"the name is taken: {described(holder)} is another machine with the same hostname, or was this one before "
        "it was booted; change one of the hostnames, or name the workers of one: -n NAME-%i@%h"
    )


def _holder(client: Redis, model: str, parts: int) -> dict[str, Any]:
    """Who claims: what Redis keeps of this process, without the worker's name."""
    return {
        "model": model,
        "parts": parts,
        **identity(),
        "host": host_id(),
        "machine": socket.gethostname(),
        "address": _address(client),
        "since": _now_s(client),
        "token": secrets.token_hex(8),
    }


def _address(client: Redis) -> str:
    """This machine's address as Redis sees it; empty if Redis may not say it."""
    try:
        return str(client.client_info()["addr"]).rpartition(":")[0]
    except (RedisError, KeyError):
        return ""


def _now_s(client: Redis) -> int:
    seconds: int = client.time()[0]
    return seconds


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
