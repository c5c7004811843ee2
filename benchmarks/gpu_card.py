"""The card that `benchmarks.gpu_check` looks at: a real GPU by its driver, or for a dry run this machine's CPU.

Both tell free memory, the busy share and who holds slots; a `hog` is a process that leaves
only so much of a GPU free. A CPU's «memory» is what its slots' children leave of the
machine's, so that what else runs here changes no figure.

    python -m benchmarks.gpu_card LEAVE_BYTES     the hog, on the GPU that it is pinned to
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks.rig import ROOT
from workers.slots import nvml
from workers.slots.holders import Holder, holders, on_gpu

if TYPE_CHECKING:
    from redis import Redis

SAMPLE_EVERY_S = 0.2
CHUNK_BYTES = 64 * 1024 * 1024


class Card(Protocol):
    """What the check asks of the device under its slots."""

    @property
    def name(self) -> str:
        """What it is, for the reader."""

    @property
    def free_bytes(self) -> int:
        """Of its memory, now."""

    @property
    def busy_share(self) -> float | None:
        """The share of the last moment in which it computed, 0..1; None where that is not told."""

    @property
    def settle_s(self) -> float:
        """How much later it tells of memory that was given back."""

    def holders(self) -> list[Holder]:
        """The slots on it that are held."""


class GpuCard:
    """A GPU, by its driver."""

    settle_s = 5.0

    def __init__(self, gpu: nvml.Gpu, client: Redis) -> None:
        self._gpu = gpu
        self._client = client

    @property
    def name(self) -> str:
        """As the driver has it."""
        return f"{self._gpu.name}, {self._gpu.total_bytes / 1024**3:.0f} GB"

    @property
    def free_bytes(self) -> int:
        """By the driver."""
        return nvml.read(self._gpu.uuid).free_bytes

    @property
    def busy_share(self) -> float | None:
        """By the driver."""
        return nvml.busy_share(self._gpu.uuid)

    def holders(self) -> list[Holder]:
        """By the claims in Redis."""
        return on_gpu(self._client, self._gpu.uuid)


class CpuCard:
    """This machine's CPU, where a dry run goes through every step but the card's own."""

    name = "dry run on a CPU: no figure of it is a GPU's"
    busy_share = None
    settle_s = 0.0

    def __init__(self, client: Redis) -> None:
        self._client = client

    @property
    def free_bytes(self) -> int:
        """The machine's memory less what the slots' children have resident."""
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return total - sum(_resident_bytes(child) for one in self.holders() for child in children_of(one.pid))

    def holders(self) -> list[Holder]:
        """By the claims in Redis."""
        return [one for one in holders(self._client) if one.device == "cpu"]


def children_of(pid: int) -> list[int]:
    """The processes that this one started; none where it is gone."""
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextlib.contextmanager
def busy(card: Card) -> Iterator[list[float]]:
    """The card's busy share, sampled while the block runs."""
    samples: list[float] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_EVERY_S):
            share = card.busy_share
            if share is not None:
                samples.append(share)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def hog(leave_bytes: int) -> Iterator[None]:
    """While the block runs, no more than that is free on the GPU that this process is pinned to; 0 leaves it alone."""
    if not leave_bytes:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.gpu_card", str(leave_bytes)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "taken\n":
                raise RuntimeError("the GPU's memory could not be taken")
            yield
        finally:
            process.kill()


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def main() -> None:
    """Take the memory, and keep it until killed."""
    import torch

    leave_bytes, taken = int(sys.argv[1]), []
    torch.zeros(1, device="cuda")
    while (left := torch.cuda.mem_get_info()[0] - leave_bytes) > 0:
        taken.append(torch.empty(min(left, CHUNK_BYTES), dtype=torch.uint8, device="cuda"))
        if left < CHUNK_BYTES:
            break
    print("taken", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
