"""Decides how many requests are handed over together, from how long their model computes one. Pure.

It is a number of its own, beside the model's `batch_size`: a model that computes one input at a time is handed several,
so that they share the round trips around it. It follows the seconds of a job: it falls at once when a job is slow, and
grows slowly, because what was handed over waits for what is computed before it.
"""

from __future__ import annotations

AT_ONCE_S = 0.05
"""Work that is handed over together takes about so long."""

MOST = 64
"""No more are handed over together, unless the model's batches are larger."""

STEP = 0.2
"""How far one measurement moves the average where jobs have become faster."""

SURPLUS = 1.25
"""A number grows only when the average allows so many times as many; else it would change with each measurement."""


def depth_of(is_pipelined: bool) -> int:
    """How many batches are in flight: one for each stage, or one at all."""
    return 3 if is_pipelined else 1


def prefetched(batch_size: int, is_pipelined: bool) -> int:
    """How many messages a slot worker ever holds: those in flight, and what is handed over next."""
    return (depth_of(is_pipelined) + 1) * (max(batch_size, MOST) if is_pipelined else batch_size)


class HandOver:
    """How many requests a hand-over has. `batch_size` is the model's; with `is_fixed` it stays that."""

    def __init__(self, batch_size: int, *, is_fixed: bool = False) -> None:
        self._least = batch_size
        self._is_fixed = is_fixed
        self._job_s = AT_ONCE_S
        self._number = 1

    @property
    def number(self) -> int:
        """How many requests are handed over together now, at most."""
        return self._least if self._is_fixed else max(self._least, self._number)

    def computed(self, seconds: float, jobs: int) -> bool:
        """So many jobs took the model so long, together. Whether the number is another one now."""
        return self._measured(seconds / jobs) if jobs > 0 and seconds >= 0 else False

    def computes(self, seconds: float, jobs: int) -> bool:
        """A run of so many jobs has taken so long, and has not ended. Whether the number is another one now."""
        return self._measured(seconds / jobs) if jobs > 0 and seconds / jobs > self._job_s else False

    def _measured(self, job_s: float) -> bool:
        before = self.number
        job_s = min(job_s, AT_ONCE_S)  # more than this means one at a time, however much more it is
        self._job_s = job_s if job_s > self._job_s else self._job_s + STEP * (job_s - self._job_s)
        wanted = AT_ONCE_S / max(self._job_s, 1e-9)
        self._number = _power(wanted) if wanted < self._number else max(self._number, _power(wanted / SURPLUS))
        return self.number != before


def _power(wanted: float) -> int:
    """The largest power of two that is not above: few numbers, because each change is written to Redis."""
    number = 1
    while number * 2 <= min(wanted, MOST):
        number *= 2
    return number
