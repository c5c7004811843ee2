"""The slot's one child process: started, watched while it loads, and started again when it dies.

`ChildPool` is Celery's own process pool with a line to each child it forks. `ChildWatch`
hears what the child says and decides, by `Tries`, when a new one may be started. Work is
handed over in `workers/pool.py`. Guarantees: a model that cannot load is tried a counted
number of times with growing pauses; then nothing more is started and the owner is told.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from billiard.common import human_status
from billiard.pool import RUN
from celery.concurrency.asynpool import AsynPool

from workers import child
from workers.link import Link, LinkClosed
from workers.models.lifecycle import LOADING, State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.slots.gpu import GpuSlot

logger = logging.getLogger(__name__)

COLLECT_EVERY_S = 0.02
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
DEATHS_WITHOUT_WORK = 10
"""A child that dies this often in a row, with no batch finished between, is not the fault of one message."""


@dataclass(frozen=True)
class SlotSpec:
    """What a slot worker runs: the model's table, the device, the worker's name, its batch, its tries to load.

    `gpu` is set where the slot is a share of a GPU; `device` is then what the child calls that GPU. A lazy slot's
    model is loaded by its first job.
    """

    entry: ModelEntry
    device: str
    worker: str
    batch_size: int
    load_attempts: int
    gpu: GpuSlot | None = None
    is_lazy: bool = False

    def limit_s(self, inputs: int) -> float:
        """What a batch of so many inputs may take; each may want a small model of its own, loaded in the midst of it.

        Such a load is bounded by itself (`ChildWatch`).
        """
        loads_s = inputs * self.entry.load_limit_s if self.entry.is_registry else 0.0
        return self.entry.time_limit_s + loads_s


ACCEPTED_WITHIN_S = 0.5
"""A child that is given something to do says so in milliseconds, unless it is frozen."""


class Tries:
    """How often, and after which pause, a child is started again. Pure: it neither waits nor starts."""

    def __init__(self, load_attempts: int) -> None:
        self._load_attempts = load_attempts
        self.failed_loads = 0
        self.deaths = 0

    def loaded(self) -> None:
        """The model is ready."""
        self.failed_loads = 0

    def worked(self) -> None:
        """A batch was finished."""
        self.deaths = 0

    def spared(self) -> None:
        """The child is about to be killed for a reason that is no fault of the model; that death does not count."""
        self.deaths -= 1

    def load_failed(self, permanent: bool) -> float | None:
        """Seconds to wait before the next try, or None for no more."""
        self.failed_loads += 1
        if permanent or self.failed_loads >= self._load_attempts:
            return None
        return float(min(FIRST_PAUSE_S * 2 ** (self.failed_loads - 1), LONGEST_PAUSE_S))

    def died(self) -> float | None:
        """As `load_failed`, for a child that had been ready: at once, as long as work gets done at all."""
        self.deaths += 1
        return None if self.deaths >= DEATHS_WITHOUT_WORK else 0.0


class ChildWatch:
    """What the parent knows of its child. The owner sets the loop and the callbacks, which all run in it."""

    def __init__(self, spec: SlotSpec) -> None:
        self.spec = spec
        self.state = State.UNLOADED
        self.tries = Tries(spec.load_attempts)
        self.on_ready: Callable[[dict[str, Any]], None] = lambda message: None
        self.on_offers: Callable[[dict[str, Any]], None] = lambda offer: None
        self.on_gone: Callable[[], None] = lambda: None
        self.on_ran: Callable[[Sequence[str], bool], None] = lambda failed, worked: None
        self.on_given_up: Callable[[str], None] = lambda reason: None
        self.start_again: Callable[[], None] = lambda: None
        self.loop: Any = None
        """The worker's event loop; set before the first child is started."""
        self.ready_at = 0.0
        """When the child was last ready after a load, by the monotonic clock."""
        self.stands_by = False
        """Whether the child has begun to serve, loaded or not: what is handed to it then may load the model first."""
        self._loads = ""
        """Which of a registry's models is being loaded."""
        self._fatal: Counter[str] = Counter()
        """How often the child died while it loaded which of them."""
        self._pid = 0
        self._link: Link | None = None
        self._failure: dict[str, Any] = {}
        self._not_before = 0.0
        self._load_ends = 0.0
        self._given_up = False
        self._questions = 0

    @property
    def may_start(self) -> bool:
        """Whether a child may be forked now."""
        return not self._given_up and time.monotonic() >= self._not_before

    @property
    def is_loading(self) -> bool:
        """Whether a child is there, or was, that has not been ready, or that loads its model (again)."""
        return not self.stands_by or self.state in LOADING or self.state is State.FAILED

    @property
    def refused(self) -> frozenset[str]:
        """Those of a registry's models that are not loaded again: each load of them so far has killed the child."""
        return frozenset(name for name, deaths in self._fatal.items() if deaths >= self.spec.load_attempts)

    @property
    def must_load(self) -> bool:
        """Whether the child serves and its model is to be loaded before it can compute."""
        return self.stands_by and self.state is State.UNLOADED

    def started(self, pid: int, link: Link) -> None:
        """A child was forked."""
        self._link, self._pid, self._failure, self.state = link, pid, {}, State.LOADING
        self.stands_by, self._loads = False, ""
        self.listen()
        self._watch_load()

    def listen(self) -> None:
        """Read the line when it has something; again after the event loop was reset."""
        if self._link is not None:
            self.loop.add_reader(self._link.fileno(), self._read, self._link)

    def catch_up(self) -> None:
        """Hear what the child has said by now."""
        if self._link is not None:
            self._read(self._link)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Tell the child something that it does not answer; a child that is gone need not know."""
        if self._link is not None:
            with contextlib.suppress(LinkClosed):
                self._link.send(message)

    def ask(self, question: str, wait_s: float = 1.0) -> dict[str, Any] | None:
        """Ask the child and wait for its answer, also while it computes; None when there is no answer in time."""
        if self._link is None:
            return None
        self._questions += 1
        deadline = time.monotonic() + wait_s
        try:
            self._link.send({"ask": question, "id": self._questions})
            while (left_s := deadline - time.monotonic()) > 0:
                answers = [self._hear(message) for message in self._link.pending(left_s)]
                if found := [a for a in answers if a and a["answer"] == self._questions]:
                    return found[0]
        except LinkClosed:
            pass
        return None

    def ended(self, exitcode: int, is_stopping: bool = False) -> None:
        """The child is gone and collected: say so, and decide when the next one starts; none when the worker stops."""
        self.catch_up()
        failed_to_load = self.is_loading
        if self._loads:
            self._fatal[self._loads] += 1
        self._hang_up()
        self.state, self.stands_by = State.UNLOADED, False
        if self.spec.gpu is not None:
            self.spec.gpu.child_ended()
        self.on_gone()
        if is_stopping:
            return
        if failed_to_load:
            self._load_failed(exitcode)
            return
        logger.warning("the child of %s died (%s); its model is loaded again", self.spec.worker, human_status(exitcode))
        pause_s = self.tries.died()
        if pause_s is None:
            self._give_up(f"its child died {DEATHS_WITHOUT_WORK} times without finishing a batch")

    def _load_failed(self, exitcode: int) -> None:
        model = self.spec.entry.name
        reason = self._failure.get("error") or f"its process died while loading ({human_status(exitcode)})"
        if traceback := self._failure.get("traceback"):
            logger.info("where %s failed to load:\n%s", model, traceback)
        pause_s = self.tries.load_failed(bool(self._failure.get("permanent")))
        tried = self.tries.failed_loads
        if pause_s is None:
            self._give_up(f"cannot load it (tried {tried} time{'s' * (tried > 1)}): {reason}")
            return
        allowed = self.spec.load_attempts
        logger.warning("%s: load %d of %d failed, again in %g s: %s", model, tried, allowed, pause_s, reason)
        self._not_before = time.monotonic() + pause_s
        self.loop.call_later(pause_s + 0.01, lambda: self.start_again())

    def _give_up(self, reason: str) -> None:
        self.state = State.FAILED
        self._given_up = True
        self.on_given_up(f"model {self.spec.entry.name}: {reason}")

    def _watch_load(self) -> None:
        """A load begins: it has its time from now on."""
        limit_s = self.spec.entry.load_limit_s
        self._load_ends = time.monotonic() + limit_s
        self.loop.call_later(limit_s, self._check_load, self._link)

    def _check_load(self, link: Link) -> None:
        if link is not self._link or not (self.is_loading or self._loads):
            return
        limit_s = self.spec.entry.load_limit_s
        left_s = self._load_ends - time.monotonic()
        if left_s > 0:
            # It was begun again, or waits for others.
            self.loop.call_later(min(left_s, limit_s), self._check_load, link)
            return
        self._failure = {"error": f"took longer than load_limit_s = {limit_s:g}"}
        if self._loads:
            logger.error("%s: %r %s; the child is killed", self.spec.worker, self._loads, self._failure["error"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def _read(self, link: Link) -> None:
        try:
            for message in link.pending():
                self._hear(message)
        except LinkClosed:
            if link is self._link:
                self._hang_up()

    def _hear(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Take in one message; an answer is handed back."""
        if "answer" in message:
            return message
        if "worked" in message:
            self.on_ran(message["failed"], message["worked"])
            return None
        if "offers" in message:
            self.on_offers(message["offers"])
        elif "loads" in message:
            if self._loads and message["is_loaded"]:
                self._fatal.pop(self._loads, None)
            self._loads = message["loads"]
            if self._loads:
                self._watch_load()
        elif holder := message.get("waits_for"):
            # Others load on this GPU first; that is no time of this model's.
            self.state, self._load_ends = State.UNLOADED, math.inf
            logger.info("%s waits to load: %s has the turn", self.spec.worker, holder)
        elif "stands_by" in message:
            self.state, self.stands_by = State.UNLOADED, True
            self.on_ready(message)
        else:
            self._entered(State(message["state"]), message)
        return None

    def _entered(self, state: State, message: dict[str, Any]) -> None:
        self.state = state
        if state is State.LOADING:
            self._watch_load()
        elif state is State.READY:
            self.stands_by, self.ready_at = True, time.monotonic()
            self.tries.loaded()
            self.on_ready(message)
        elif state is State.FAILED:
            self.stands_by, self._failure = False, message

    def _hang_up(self) -> None:
        if self._link is None:
            return
        if self._link.fileno() >= 0:
            self.loop.remove(self._link.fileno())
        self._link.close()
        self._link = None


class ChildPool(AsynPool):
    """Celery's pool of processes, of one: each child gets a line, and no child is started out of turn."""

    def __init__(self, *args: Any, watch: ChildWatch, **kwargs: Any) -> None:
        self.watch = watch
        super().__init__(*args, **kwargs)

    @property
    def has_child(self) -> bool:
        """Whether the child's process lives."""
        return any(process._is_alive() for process in self._pool)

    def kill(self, number: int = signal.SIGKILL, is_planned: bool = False) -> None:
        """Send a signal to the child, if there is one; `is_planned`: it runs nothing, and its end is no error."""
        for process in self._pool:
            if is_planned:
                process._controlled_termination = True  # billiard's own mark
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Hand over, and write it at once; Celery would do so after the transport's next round trip."""
        result = super().apply_async(*args, **kwargs)
        write = self.watch.loop.consolidate_callback
        if write is not None and self.outbound_buffer and (idle := self._all_inqueues - self._active_writes):
            with contextlib.suppress(OSError):  # it has just died, which we hear of by itself
                write(list(idle))
        return result

    def hear(self, until: Callable[[], bool], limit_s: float = ACCEPTED_WITHIN_S) -> None:
        """Take in what the child has sent, until `until()` holds; for a moment in which the event loop does not run."""
        deadline, poller = time.monotonic() + limit_s, select.poll()
        for process in self._pool:
            poller.register(process.outqR_fd, select.POLLIN)
        while not until() and (left_s := deadline - time.monotonic()) > 0:
            for pipe, event in poller.poll(left_s * 1000):
                if not event & select.POLLIN:  # it has died
                    return
                self.handle_result_event(pipe)

    def _create_worker_process(self, i: int) -> Any:
        link, childs_end = Link.pair()
        spec = self.watch.spec
        self._initializer = functools.partial(child.begin, childs_end, link, spec, self.watch.refused)
        try:
            process = super()._create_worker_process(i)
        finally:
            childs_end.close()
        self.watch.started(process.pid, link)
        return process

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        super()._event_process_exit(hub, proc)
        # Its pipe closes a moment before it can be collected (longer with a core dump); Celery looks
        # once, and again only every five seconds.
        if proc in self._pool and self._state == RUN:
            hub.call_later(COLLECT_EVERY_S, self._event_process_exit, hub, proc)

    def _join_exited_workers(self, shutdown: bool = False) -> Any:
        before = list(self._pool)
        codes = super()._join_exited_workers(shutdown)
        # What Celery has collected, not what was dead when we looked: it may have died in between.
        for process in before:
            if process not in self._pool:
                self.watch.ended(process.exitcode or 0, is_stopping=self._state != RUN)
        return codes

    def _repopulate_pool(self, exitcodes: Any) -> None:
        if self.watch.may_start:
            super()._repopulate_pool(exitcodes)
