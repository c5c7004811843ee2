"""When each open job will end, from a snapshot: what is left of it, what waits beside it, the slots, their pace. Pure.

Where something is not known that the answer needs, there is none, and it says why: no number comes from hope.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.estimates.pace import Pace
from tasks.estimates.snapshot import KindNow, ModelNow, OpenJob, Snapshot
from tasks.estimates.turns import Sequel, Work, ends
from tasks.messages.lookup import inputs_are_parts
from tasks.routing import ALONE, OF_NESTED_JOB
from tasks.terminal.printable import counted

_ALONE = "\0alone"
"""The name of the single inputs that wait; no job's id has this character first."""


@dataclass(frozen=True)
class Forecast:
    """The seconds until a job ends, and what that is based on; or None, and why it is not known."""

    seconds_left: float | None
    based_on: str = ""
    why: str = ""


def forecasts(now: Snapshot, wanted: Collection[str], fair_share: float) -> dict[str, Forecast]:
    """The forecast of each wanted job that is open in the snapshot."""
    open_ = [now.jobs[job_id] for job_id in wanted if job_id in now.jobs]
    found: dict[str, Forecast] = {}
    for model in sorted({job.model for job in open_}):
        here = [job for job in open_ if job.model == model]
        if why := _why_none(now, model):
            found |= {job.job_id: Forecast(None, why=why) for job in here}
        else:
            found |= _of_model(now, model, here, fair_share)
    return found


def _why_none(now: Snapshot, model: str) -> str:
    about = now.models[model]
    if about.pause:
        return about.pause.advice()
    if not about.slots:
        return f"no worker of {model} is ready"
    if not now.has_flow:
        return "no flow worker is ready"
    if about.pace is None:
        return f"not known yet: no part of {model} was measured so far"
    return ""


def _of_model(now: Snapshot, model: str, wanted: Sequence[OpenJob], fair_share: float) -> dict[str, Forecast]:
    about = now.models[model]
    assert about.pace is not None
    queue = _Queue(about.pace, now.kinds, _jobs_of(now, model))
    queue.fill(about)
    at_s = ends(about.slots, queue.work, queue.sequels, fair_share)
    found = {}
    for job in wanted:
        of = now.jobs[job.parent] if job not in queue.jobs else job  # a part that is tried again stands in its parent
        if why := _why_later(now, of) or queue.why_unknown(of):
            found[job.job_id] = Forecast(None, why=why)
        else:
            found[job.job_id] = Forecast(at_s[job.job_id], _basis(about, len(queue.jobs) - 1))
    return found


def _why_later(now: Snapshot, job: OpenJob) -> str:
    """Why nothing can be said of a job whose first step another model computes; empty if none does."""
    others = {one.model for one in now.jobs.values() if one.parent == job.job_id and one.model != job.model}
    return f"not known yet: {', '.join(sorted(others))} comes first, and says how much is left" if others else ""


def _jobs_of(now: Snapshot, model: str) -> list[OpenJob]:
    """The open jobs of a model, without parts of nested jobs that are tried again: those count as not opened yet."""
    jobs = [job for job in now.jobs.values() if job.model == model]
    return [job for job in jobs if not (job.state == "sent" and job.parent in now.jobs)]


def _basis(about: ModelNow, others: int) -> str:
    """What the estimates of this model are based on, in words."""
    samples = about.pace.samples if about.pace else 0
    alone = f", {counted(about.alone, 'single input')}" if about.alone else ""
    measured, slots, beside = counted(samples, "sample"), counted(about.slots, "slot"), counted(others, "other job")
    return f"{measured} of its pace, {slots}, {beside}{alone}"


@dataclass
class _Queue:
    """The open jobs of one model as work: leaves run in slots, and a nested job is a sequel of its parts."""

    pace: Pace
    kinds: Mapping[str, KindNow]
    jobs: Sequence[OpenJob]
    work: list[Work] = field(default_factory=list)
    sequels: list[Sequel] = field(default_factory=list)
    _children_of: dict[str, list[OpenJob]] = field(default_factory=lambda: defaultdict(list))

    _ranks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for job in self.jobs:
            self._children_of[job.parent].append(job)
        # While nothing of a job has ended, all that it has sent lies behind that of those who came before it.
        fresh = sorted((job for job in self.jobs if job.sent and not job.ended), key=lambda job: job.opened_s)
        self._ranks = {job.job_id: rank for rank, job in enumerate(fresh, 1)}

    def fill(self, about: ModelNow) -> None:
        for job in self.jobs:
            if job.is_nested and job.state == "open":
                self.sequels.append(self._sequel(job))
            else:
                self.work.append(self._leaf(job))
        if about.alone:
            seconds = self.pace.seconds(about.alone, about.alone * self.pace.mean_size)
            self.work.append(Work(_ALONE, ALONE, about.alone, seconds))

    def why_unknown(self, job: OpenJob) -> str:
        """Why nothing can be said of a job, though its model is measured; empty if something can."""
        if job.state == "finishing" or job.left is not None or (job.state == "open" and not job.is_nested):
            return ""
        if job.is_nested and (not self._unopened(job) or self._mean_child(job) is not None):
            return ""
        return "not known yet: it is not opened, and how much there is in it was not told"

    def _leaf(self, job: OpenJob) -> Work:
        parts, size = self._left(job)
        width, end_s = job.width or float("inf"), self._end_s(job.kind, max(job.total, parts))
        after_s = max(0.0, end_s - job.finishing_s)
        return Work(
            job.job_id,
            job.priority,
            parts,
            self.pace.seconds(parts, size),
            width,
            after_s,
            turn=job.parent,
            place=job.parent_part,
            is_begun=job.sent > 0,
            sent=job.sent,
            rank=self._ranks.get(job.job_id, 0),
        )

    def _left(self, job: OpenJob) -> tuple[float, float]:
        """How many parts are left, with those that it will be extended by, and their size."""
        if job.state == "finishing" or job.is_nested:
            return 0.0, 0.0
        further = self._further(job)
        if job.left is None:
            parts = len(job.parts_left) + further
            return parts, parts * self.pace.mean_size
        size = float(sum(job.left.values()))
        if job.state == "sent":
            return len(job.left) if inputs_are_parts(job.kind) else self.pace.parts_in(size), size
        return len(job.left) + further, size + further * job.whole / max(job.total, 1)

    def _further(self, job: OpenJob) -> float:
        """How many parts an open job will be extended by, as jobs of its kind were."""
        if job.state != "open" or job.opened_total < 2 or job.kind not in self.kinds:
            return 0.0
        return max(0.0, self.kinds[job.kind].growth * job.opened_total - job.total)

    def _end_s(self, kind: str, parts: float) -> float:
        """How long it takes to put a job together after its last part; 0 while that was never measured."""
        end = self.kinds[kind].end if kind in self.kinds else None
        return end.seconds(1, parts) if end else 0.0

    def _sequel(self, job: OpenJob) -> Sequel:
        children = self._children_of[job.job_id]
        kind = next((child.kind for child in children), "")
        priority = next((child.priority for child in children), OF_NESTED_JOB)
        waiting = [self._child(job, part, priority, kind) for part in self._unopened(job)]
        opened, width = [child.job_id for child in children], job.width or max(1, len(job.parts_left))
        return Sequel(job.job_id, opened, waiting, width, self._end_s(job.kind, job.total))

    def _child(self, job: OpenJob, part: int, priority: int, kind: str) -> Work:
        """A part of a nested job that is a job to come."""
        size = float(job.left[part]) if job.left is not None else self._mean_child(job) or 0.0
        parts = self.pace.parts_in(size)
        seconds = self.pace.seconds(parts, size) if size else 0.0
        after_s = self._end_s(kind, parts)
        return Work(f"{job.job_id}.{part}", priority, parts, seconds, after_s=after_s, turn=job.job_id, place=part)

    def _unopened(self, job: OpenJob) -> list[int]:
        opened = {child.job_id for child in self._children_of[job.job_id]}
        return [part for part in job.parts_left if f"{job.job_id}.{part}" not in opened]

    def _mean_child(self, job: OpenJob) -> float | None:
        """The mean size of the parts of a nested job that are open; None if none is, or their sizes are not known."""
        sizes = [child.whole for child in self._children_of[job.job_id] if child.whole]
        return sum(sizes) / len(sizes) if sizes else None
