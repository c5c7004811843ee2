"""Claims: which worker of this host holds which slot, kept in Redis under a lease.

A claim is taken in one step, renewed every few seconds by a thread of the worker's main
process, and released when the worker ends; after SIGKILL it is free within the lease. On
the same beat the worker says how many parts it takes at once, but only while it is ready.
It loads no model and knows nothing of Celery. All times are Redis' own.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from tasks import keys
from tasks.errors import NoFreeSlot
from tasks.settings import beat_s
from workers.slots.turn import Turn, source

logger = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MAX_FLOW_WORKERS = 256
MAX_SLOTS_A_GPU = 64


@functools.cache
def host_id() -> str:
    """What all containers of one host share, and no other host has: the kernel's boot id, else the host's name."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return socket.gethostname()


@dataclass(frozen=True)
class Claim:
    """A slot that is ours. `value` is what Redis holds, with a token that no other claim has."""

    key: str
    value: str
    worker: str
    index: int
    model: str
    parts: int
    """How many parts this worker takes at once while it is ready."""
    turn: Turn | None = None
    """A GPU slot's; renewed and let go of together with the slot."""

    def renew(self, client: Redis, lease_s: float, ready: bool) -> str | None:
        """Renew the lease; the name of the worker that holds the slot instead of us, or None when it is ours."""
        names = [self.key, keys.capacity(self.model)]
        args: list[str | int] = [self.value, _ms(lease_s), self._member, int(ready)]
        if self.turn:
            names.append(self.turn.key)
            args.append(self.turn.value)
        held = client.eval(source("renew"), len(names), *names, *args)
        return _holder(held).split(" ")[0] if held else None

    def release(self, client: Redis) -> bool:
        """Let go; False when the slot was no longer ours."""
        names = [self.key, keys.capacity(self.model)]
        args = [self.value, self._member]
        if self.turn:
            names += [self.turn.key, keys.promised(self.turn.gpu)]
            args += [self.turn.value, self.worker]
        return bool(client.eval(source("release"), len(names), *names, *args))

    @property
    def _member(self) -> str:
        return f"{self.worker}|{self.parts}"


def claim_cpu(client: Redis, model: str, node: str, slots: int, lease_s: float, parts: int) -> Claim:
    """The next free CPU slot of this host, shared by all models; the worker is named `model-cpu-N@node`.

    Raises `NoFreeSlot` that names who holds them.
    """
    names = f"{_escaped(model)}-cpu-%d@{_escaped(node)}"
    got = _claim(client, [keys.slot(host_id(), "cpu", i) for i in range(slots)], names, model, lease_s, parts)
    if isinstance(got, Claim):
        return got
    raise NoFreeSlot(
        f"no free slot: this host has {slots} CPU slot{'s' * (slots > 1)}, held by {', '.join(got)}; "
        "stop one of them, or raise SLOTLINE_CPU_SLOTS"
    )


def claim_gpu(
    client: Redis, model: str, node: str, label: str, turn: Turn, lease_s: float, parts: int
) -> Claim | list[str]:
    """The lowest free slot of a GPU, for whoever has its turn and saw that the model fits; else who holds them all.

    The worker is named `model-gpuN-M@node` and the slot belongs to the GPU's UUID, whatever container asks.
    """
    slots = [keys.slot("gpu", turn.gpu, index) for index in range(MAX_SLOTS_A_GPU)]
    names = f"{_escaped(model)}-{_escaped(label)}-%d@{_escaped(node)}"
    return _claim(client, slots, names, model, lease_s, parts, label, turn)


def claim_flow(client: Redis, node: str, lease_s: float) -> Claim:
    """The lowest free number for a flow worker of this host, which is named `flow-N@node`; raises `NoFreeSlot`."""
    numbers = [keys.slot(host_id(), "flow", i) for i in range(MAX_FLOW_WORKERS)]
    got = _claim(client, numbers, f"flow-%d@{_escaped(node)}", "flow", lease_s, 0)
    if isinstance(got, Claim):
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
) -> Claim | list[str]:
    who = {"model": model, "pid": os.getpid(), "since": _now_s(client), "token": secrets.token_hex(8)}
    if turn:
        who |= {"host": host_id(), "device": label, "turn": turn.value}
    got: list[Any] = client.eval(source("claim"), len(slots), *slots, json.dumps(who), names, _ms(lease_s))
    if got[0] < 0:
        return [_holder(value) for value in got[1:]]
    value = got[1].decode()
    return Claim(slots[got[0]], value, json.loads(value)["worker"], got[0], model, parts, turn)


def _now_s(client: Redis) -> int:
    seconds: int = client.time()[0]
    return seconds


def _holder(value: bytes) -> str:
    held = json.loads(value)
    return f"{held['worker']} (pid {held['pid']})"


def _escaped(name: str) -> str:
    return name.replace("%", "%%")


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


class Keeper:
    """Renews a claim while its worker lives, by a daemon thread with a connection of its own.

    It is no timer of the worker's event loop, so a busy or blocked loop loses no slot.
    `on_lost` is called once, in that thread, with a sentence, when another worker holds
    the slot. The thread does not survive a fork: a child neither renews nor releases.
    """

    def __init__(self, claim: Claim, client: Redis, lease_s: float, on_lost: Callable[[str], None]) -> None:
        self.claim = claim
        self._client = client
        self._lease_s = lease_s
        self._on_lost = on_lost
        self._pid = os.getpid()
        self._ready = False
        self._is_away = False
        self._changed = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="slot-lease", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def set_ready(self, ready: bool) -> None:
        """Say whether this worker takes parts now; told to Redis at once."""
        self._ready = ready
        self._changed.set()

    def step(self) -> bool:
        """Renew once; False when the slot is lost."""
        with self._lock:
            if self._stopping:
                return False
            try:
                holder = self.claim.renew(self._client, self._lease_s, self._ready)
            except RedisError as exc:
                if not self._is_away:
                    logger.warning("the slot's lease cannot be renewed: %s", exc)
                self._is_away = True
                return True
            self._is_away = False
        if holder is None:
            return True
        self._on_lost(
            f"slot lost: {holder} holds it by now (the lease of {self._lease_s:g} s ran out before it was renewed)"
        )
        return False

    def stop(self) -> None:
        """Stop renewing and free the slot; again, or in a forked child, it does nothing."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
        self._changed.set()
        try:
            self.claim.release(self._client)
        except RedisError as exc:
            logger.warning("the slot could not be released, it is free in %g s: %s", self._lease_s, exc)

    def _run(self) -> None:
        try:
            while self.step():
                self._changed.wait(beat_s(self._lease_s))
                self._changed.clear()
        except Exception:  # the thread's boundary; without it the slot would be lost in silence
            logger.exception("the slot's lease is no longer renewed")
