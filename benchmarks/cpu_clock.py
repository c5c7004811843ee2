"""Where CPU time goes while a benchmark runs: seconds of each process below a worker, and of Redis.

It reads /proc, so on systems without it the workers have no figures. It measures no wall time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import redis

REDIS = "Redis"
PARENT = "parent"
CHILD = "child"
BESIDE = "beside it"
"""The processes that a child started, like the one that makes ready and puts away for it."""
FLOW = "flow"
ROLES = (PARENT, CHILD, BESIDE, FLOW, REDIS)


class CpuClock:
    """Reads the CPU seconds of the roles: a worker's parent, its children, what they started, a flow worker, Redis."""

    def __init__(self, client: redis.Redis, worker: int, flow: int | None = None) -> None:
        self._client = client
        self._worker = worker
        self._flow = flow

    def read(self) -> dict[str, float]:
        """CPU seconds by role, since each process' start."""
        info = self._client.info("cpu")
        seconds = {REDIS: float(info["used_cpu_user"]) + float(info["used_cpu_sys"])}
        for pid, depth in family(self._worker):
            role = (PARENT, CHILD, BESIDE)[min(depth, 2)]
            seconds[role] = seconds.get(role, 0.0) + seconds_of(pid)
        if self._flow:
            seconds[FLOW] = sum(seconds_of(pid) for pid, _ in family(self._flow))
        return seconds


def per_job(before: Mapping[str, float], after: Mapping[str, float], jobs: int) -> dict[str, float]:
    """CPU seconds a job, by role."""
    return {role: (after[role] - before.get(role, 0.0)) / jobs for role in after}


def family(pid: int, depth: int = 0) -> Iterator[tuple[int, int]]:
    """A process and all below it, each with its depth."""
    yield pid, depth
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child), depth + 1)


def seconds_of(pid: int) -> float:
    """The CPU seconds of a process since its start; 0 if it is gone."""
    with contextlib.suppress(OSError):
        # The name in brackets may hold blanks; user and system time are the 12th and 13th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
