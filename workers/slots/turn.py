"""Turns: models load on one GPU one at a time, so that two starting workers don't count the same free memory.

A turn is a lease in Redis on the GPU's UUID, held from before the free memory is read
until the model is loaded and measured. `ClaimRenewal` renews it together with the slot;
nothing here renews, loads or measures. When its holder dies, it ends within the lease.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis, RedisError

from tasks.redis import keys
from tasks.redis.refusals import words
from tasks.redis.scripts import Scripts

POLL_S = 0.2


def scripts(client: Redis) -> Scripts:
    """The scripts about slots and turns."""
    return Scripts(client, "workers.slots")


@dataclass(frozen=True)
class Turn:
    """One worker's turns on one GPU (UUID). `value` is what Redis holds: the worker in words, and a token."""

    gpu: str
    value: str
    lease_s: float

    @classmethod
    def of(cls, gpu: str, model: str, node: str, lease_s: float) -> Turn:
        """The turns of this process' worker; takes none."""
        return cls(gpu, f"{model} (pid {os.getpid()} on {node}) {secrets.token_hex(8)}", lease_s)

    @property
    def key(self) -> str:
        """Where Redis keeps the turn on this GPU."""
        return keys.turn(self.gpu)

    def take(self, client: Redis) -> str:
        """Take the turn, or keep it; gives the worker that has it, empty when it is ours."""
        held = scripts(client).run("take_turn", [self.key], [self.value, int(self.lease_s * 1000)])
        return str(held.decode()).rpartition(" ")[0] if held else ""

    def wait(self, client: Redis, waits: Callable[[str], None]) -> None:
        """Wait until the turn is ours, as long as others load; `waits` is called once for each worker we wait for.

        It also waits while Redis does not answer: that is not the model's fault.
        """
        named = ""
        while holder := self._holder(client):
            if holder != named:
                waits(holder)
                named = holder
            time.sleep(POLL_S)

    def _holder(self, client: Redis) -> str:
        try:
            return self.take(client)
        except RedisError as exc:
            return f"Redis ({words(exc)})"

    def end(self, client: Redis) -> None:
        """Let the next worker load; harmless when the turn is not ours."""
        scripts(client).run("end_turn", [self.key], [self.value])
