"""The slot's pool: what the worker has reserved waits in line, and goes to the one child in batches.

A Celery pool for one model. A call keeps its own callbacks all the way, so each message
keeps its own acknowledgement, result, events and error. Knows nothing of the ledger or
the store. Guarantees, whatever dies:

- a call that was never handed over leaves the line by `Reject(requeue=True)`: its message
  goes back to the queue, and is never failed;
- when the child dies under a batch, or is killed by its time limit, each call of it gets
  `WorkerLostError`: Celery gives the message back (late acks, reject_on_worker_lost);
- nothing is handed to a child whose model is not ready.

A batch that exceeds its limit counts as a child that died, not as Celery's `TimeLimitExceeded`, which would
acknowledge a part that nothing has settled. Attempts are counted in Redis (`workers/child/batch.py`), so this ends.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.concurrency.prefork import TaskPool
from celery.exceptions import Ignore, Reject
from kombu.asynchronous import get_event_loop

from tasks.flow import attempts
from tasks.flow.connections import ledger
from tasks.settings import settings
from workers.parent.child_process import ChildPool
from workers.parent.failure_streak import Streak
from workers.parent.pending import BatchSizes, Line
from workers.parent.requests import Batch, Callback, Member
from workers.parent.supervisor import ChildWatch
from workers.wire.call import Call, Result, RunAlone
from workers.wire.child_entry import ChildEntry, Operation
from workers.wire.messages import Cancel
from workers.wire.spec import SlotSpec
from workers.wire.state import State

logger = logging.getLogger(__name__)


class SlotPool(TaskPool):
    """One child with one model; made for a slot by `for_slot`. Runs on Celery's event loop only."""

    Pool = ChildPool
    uses_semaphore = False
    spec: ClassVar[SlotSpec]
    entry: ClassVar[ChildEntry]

    @classmethod
    def for_slot(cls, spec: SlotSpec, entry: ChildEntry) -> type[SlotPool]:
        """The pool class that Celery's worker is to use for this slot, whose child runs the functions of `entry`."""
        return type(cls.__name__, (cls,), {"spec": spec, "entry": entry, "__module__": cls.__module__})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watch = ChildWatch(self.spec)
        self.options.update(watch=self.watch, entry=self.entry)
        self._line = Line(self.spec.batch_size, settings().max_delay_ms / 1000)
        self.batch_sizes = BatchSizes()
        self._running: Batch | None = None
        self._pump_is_due = False
        self._reload_is_due = False
        self._is_giving_back = False
        self.streak = Streak()
        self.unload_timeout_s = settings().unload_timeout_s
        """Idle for so long, the model is unloaded (`workers/duties/idle_unload.py`); 0: never."""
        self.done_at: float | None = None
        """When the last batch was finished, by the monotonic clock."""
        self.closed = ""
        """Why nothing is handed over though the model is loaded; empty while the gate is open."""

    def on_start(self) -> None:
        """Fork the child, which begins to load."""
        if (size := settings().queue_size) is not None:
            logger.warning("GPU_QUEUE_SIZE=%d is not used: what waits lies in Redis; a slot holds two batches", size)
        self.watch.start_again = self._start_again
        # Kept: after a lost connection there is no current loop, though it is this one that goes on.
        self.watch.loop = get_event_loop()
        super().on_start()
        # Celery's pool binds its own methods here; these go through the line.
        self.on_apply = self._join_line
        self.flush = self._flush
        # Celery means one request by it, which we hear of by itself (`_terminate_member`), and not the whole batch.
        self.terminate_job = lambda pid, signum=None: None

    def did_start_ok(self) -> bool:
        """Always: a child that cannot load is counted and reported by its watch."""
        return True

    def register_with_event_loop(self, loop: Any) -> None:
        """Take part in the event loop, also again after it was reset."""
        super().register_with_event_loop(loop)
        self.watch.listen()

    @property
    def is_ready(self) -> bool:
        """Whether the child takes work (what waits may load the model first), lives, and nobody has closed the gate."""
        return self.watch.stands_by and self.child_is_alive and not self.closed

    @property
    def child_is_alive(self) -> bool:
        """Whether there is a child process; the leases on what this worker holds are renewed only then."""
        return self._pool is not None and self._pool.has_child

    @property
    def busy_since(self) -> float | None:
        """When the running batch was begun, by the monotonic clock; None when idle, also while the model is loaded."""
        return self._running.since if self._running and not self._running.errand else None

    @property
    def errand(self) -> str:
        """What the child does between batches just now (`load`, `unload`, `tidy`); empty when it does nothing."""
        return self._running.errand if self._running else ""

    @property
    def idle_s(self) -> float | None:
        """For how long the loaded model has had nothing to do; None where it has, or is not loaded."""
        if self._running is not None or self._line or self.watch.state is not State.READY:
            return None
        return time.monotonic() - max(self.done_at or 0.0, self.watch.ready_at)

    def send(self, errand: str, told: Callable[[Any], None] = lambda answer: None) -> bool:
        """Have the idle child `unload` or `tidy`, what comes meanwhile waits in line; `told` hears its answer.

        False when it has something to do."""
        if self.idle_s is None or not self.is_ready or self._state != self.RUN:
            return False
        return self._hand_over_errand(errand, self.spec.entry.load_limit_s, told)

    def ask_status(self, wait_s: float = 1.0) -> Mapping[str, Any] | None:
        """How the child stands by its own account, also while it computes; None when it does not answer in time."""
        return self.watch.ask_status(wait_s)

    @property
    def running(self) -> Batch | None:
        """What was handed over and has not ended."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many calls stand in line."""
        return len(self._line)

    def shut(self, reason: str) -> None:
        """Take no more work from now on; what waits goes back to the queue, what runs goes on."""
        self.closed = reason
        self._give_back_line(reason)

    def open(self) -> None:
        """Take work again."""
        self.closed = ""
        self._pump_soon()

    def reload(self) -> None:
        """Replace the child, which loads the model anew; a running batch ends first."""
        self._reload_is_due = True
        self._reload_if_idle()

    def stop_running(self, batch: Batch, why: str) -> None:
        """Kill the child if it still runs this batch. Its model is loaded again; the members hear `WorkerLostError`."""
        if self._running is batch and self._pool is not None:
            logger.warning("%s: the child is killed, its model is loaded again", why)
            self.watch.tries.spared()
            self._pool.kill()

    def kill_child(self) -> None:
        """Kill the child for no fault of its own; from any thread. What it ran is given back, and the model loaded."""
        if self._pool is not None:
            self.watch.tries.spared()
            self._pool.kill()

    def give_back_running(self) -> None:
        """Kill the child; what it ran goes back to the front, and was no attempt. From any thread, when stopping."""
        self._is_giving_back = True
        self.kill_child()

    def child_ready(self) -> None:
        """The model is warm: hand over what waits."""
        self._pump_soon()

    def child_gone(self) -> None:
        """The child is dead: what it had not begun goes back to the queue, where another worker may have it."""
        if self._running is not None and self._running.since is None:
            self._drop_running()
        self._give_back_line("the slot's child died")

    def _join_line(
        self,
        target: Any,
        args: Sequence[Any],
        kwargs: Any,
        callback: Callback,
        error_callback: Callback,
        accept_callback: Callback,
        timeout: float | None = None,
        **_: Any,
    ) -> Member:
        """Celery's `apply_async`: `args` are its tracer's. Soft time limits mean nothing to a batch."""
        member = Member(Call(*args), callback, error_callback, accept_callback, timeout, self._terminate_member)
        self._line.join(member, time.monotonic())
        self._pump_soon()
        return member

    def _pump_soon(self) -> None:
        # With all that this moment brings, before the loop sleeps: in its timers, which receive, «soon» is after that.
        if not self._pump_is_due:
            self._pump_is_due = True
            self.watch.loop.call_soon(self._pump)
            self.watch.loop.call_later(0, self._pump)  # forgotten with a lost connection, unlike the other

    def _pump(self) -> None:
        is_due, self._pump_is_due = self._pump_is_due, False
        if not is_due or self._running is not None or self._state != self.RUN or not (self._line and self.is_ready):
            return
        if self.watch.must_load:
            self._hand_over_errand("load", None)  # the watch ends a load that takes too long
            return
        if (wait_s := self._line.wait_s(time.monotonic())) > 0:
            self.watch.loop.call_later(wait_s, self._pump_soon)
        elif members := self._line.next_batch():
            self._hand_over(Batch(members))

    def _hand_over(self, batch: Batch) -> None:
        limits = [member.timeout for member in batch.members if member.timeout]
        timeout = min([self.spec.limit_s(len(batch.members)), *limits])
        calls = [member.call for member in batch.members]
        if not self._begin(batch, self.entry.run_batch, calls, lambda results: self._finished(batch, results), timeout):
            self._line.put_back(batch.members)

    def _hand_over_errand(
        self, errand: str, timeout: float | None, told: Callable[[Any], None] = lambda answer: None
    ) -> bool:
        """Like a batch of no members: it ends, is lost or dropped as any other."""
        batch = Batch([], errand=errand)

        def done(answer: Any) -> None:
            self.watch.catch_up()  # the child said how it stands before it answered, on another line
            self._end(batch)
            told(answer)

        return self._begin(batch, self.entry.run_operation, Operation(errand), done, timeout)

    def _begin(self, batch: Batch, run: Callable[[Any], Any], what: Any, done: Callback, timeout: float | None) -> bool:
        """Hand it to the child; False where Celery's pool takes nothing any more."""
        self._running = batch
        batch.result = self._pool.apply_async(
            run,
            (what,),
            callback=done,
            error_callback=lambda einfo: self._lost(batch, einfo),
            accept_callback=lambda pid, accepted: self._accepted(batch, pid, accepted),
            timeout=timeout,
        )
        if batch.result is None:
            self._running = None
        return batch.result is not None

    def _accepted(self, batch: Batch, pid: int, accepted: float) -> None:
        batch.since = accepted
        for member in batch.members:
            member.accept(pid, accepted)

    def _finished(self, batch: Batch, results: list[Result | RunAlone]) -> None:
        self.done_at = time.monotonic()
        goes_on = not self._reload_is_due
        self._end(batch)
        ran = [(one, came) for one, came in zip(batch.members, results, strict=True) if not isinstance(came, RunAlone)]
        if ran:
            self.watch.tries.worked()
            self.batch_sizes.count(len(ran))
        if goes_on and len(ran) == len(results):
            self._pump()  # before the members are told, which takes longer than a small batch
        for member, result in ran:
            member.succeed(result)
        self._run_alone(
            [one for one, result in zip(batch.members, results, strict=True) if isinstance(result, RunAlone)]
        )

    def _run_alone(self, members: Sequence[Member]) -> None:
        """The next to be handed over, each in a batch of its own, with a time limit of its own."""
        for member in members:
            member.alone = True
            if member.is_cancelled:
                member.fail(Ignore("cancelled"))
        self._line.put_back([member for member in members if not member.is_cancelled])
        if self._state != self.RUN or not self.is_ready:
            self._give_back_line("the slot takes no more work")

    def _lost(self, batch: Batch, einfo: ExceptionInfo) -> None:
        """The batch did not end by itself: the child died, was killed, or its machinery failed."""
        self._end(batch)
        calls = [member.call for member in batch.members]
        if self._is_giving_back:
            attempts.uncount(ledger(self.app), calls)
        error = getattr(einfo.exception, "exc", einfo.exception)
        if isinstance(error, TimeLimitExceeded):
            error = WorkerLostError(f"killed after time_limit_s = {self.spec.entry.time_limit_s:g}")
        elif not isinstance(error, WorkerLostError):
            logger.error("the batch failed outside its requests, the child is replaced: %r\n%s", error, einfo.traceback)
            self._pool.kill()
            error = WorkerLostError(f"the batch failed: {error!r}")
        if not self._is_giving_back:
            attempts.note_loss(ledger(self.app), calls, error)
        for member in reversed(batch.members):  # the first goes back last, and so to the front
            member.fail(Ignore("cancelled") if member.is_cancelled else error)

    def _end(self, batch: Batch) -> None:
        if self._running is batch:
            self._running = None
        self._reload_if_idle()
        self._pump_soon()

    def _reload_if_idle(self) -> None:
        if self._reload_is_due and self._running is None and self._pool is not None:
            self._reload_is_due = False
            self.watch.tries.spared()
            self._pool.kill(is_planned=True)

    def _give_back_line(self, why: str) -> None:
        while self._line:
            self._line.pop_last().fail(Reject(why, requeue=True))

    def _drop_running(self) -> None:
        """Take back a batch that the child never began."""
        batch, self._running = self._running, None
        if batch is not None:
            batch.result.discard()
            if batch.result in self._pool.outbound_buffer:
                self._pool.outbound_buffer.remove(batch.result)
            for member in reversed(batch.members):
                member.fail(Reject("not begun", requeue=True))

    def _flush(self) -> None:
        """The broker's connection was lost: Celery drops what has not begun, so it goes back. What runs goes on."""
        self._give_back_line("the connection was lost")
        batch = self._running
        if batch is not None and batch.result not in self._pool.outbound_buffer:
            # The child has it, and begins it now, before we hear of that: given back, it would be begun twice.
            self._pool.hear(lambda: batch.since is not None)
        self._pool.flush()
        if batch is not None and batch.since is None:
            self._drop_running()

    def _terminate_member(self, member: Member) -> None:
        """Celery revokes a call: one in line leaves it. The child is killed when nobody wants any of its batch."""
        batch = self._running
        if self._line.leave(member):
            member.fail(Terminated(member.signal))
        elif batch is None or batch.since is None or member not in batch.members:
            return
        elif not member.was_revoked:
            self.give_back_running()  # Celery ends all that runs, in a cold shutdown
        else:
            self.cancel(batch, [member])
            if all(one.is_cancelled for one in batch.members):
                self.stop_running(batch, f"{member.call.task_id} was terminated")

    def cancel(self, batch: Batch, members: Sequence[Member]) -> None:
        """Tell the child that nobody wants these members of the running batch any more."""
        for member in members:
            member.is_cancelled = True
        self.watch.send(Cancel(tuple(member.call.delivery_tag for member in members)))

    def _start_again(self) -> None:
        if self._pool is not None and self._state == self.RUN:
            self._pool.maintain_pool()

    def on_close(self) -> None:
        """Warm shutdown begins: the running batch ends, what waits goes back at once."""
        self._give_back_line("the worker stops")
        super().on_close()

    def on_stop(self) -> None:
        """Wait for the running batch; a child that runs none is not asked twice, nor waited for while it loads."""
        self._give_back_line("the worker stops")
        if self._pool is not None and (self._running is None or self.errand):
            self._pool.kill(is_planned=True)
        super().on_stop()

    def on_terminate(self) -> None:
        """Cold shutdown: the child is killed, and all goes back."""
        self._give_back_line("the worker stops")
        self.kill_child()
        super().on_terminate()

    def _get_info(self) -> dict[str, Any]:
        info: dict[str, Any] = super()._get_info()
        info["slot"] = {
            "model": self.spec.entry.name,
            "device": self.spec.device,
            "state": self.watch.state,
            "batch_size": self.spec.batch_size,
            "batches": {**vars(self.batch_sizes), "mean": round(self.batch_sizes.mean, 2)},
            "waiting": len(self._line),
            "busy_s": round(time.monotonic() - self.busy_since, 3) if self.busy_since else 0.0,
            "parent": os.getpid(),
        }
        return info
