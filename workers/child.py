"""Inside a slot's child: load and warm the model, run batches, answer the parent while computing.

The one process that imports an adapter's heavy packages. It is forked by
`workers/children.py`, which reads what it says over its line; it decides nothing about
being started again. Guarantees: it takes no batch before the model is warm; a model that
cannot load ends it; whatever one request raises is that request's result.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from billiard.compat import mem_rss
from celery.concurrency.prefork import process_initializer

from tasks.errors import SlotlineError
from tasks.flow.desk import ledger
from tasks.settings import settings
from workers import batch
from workers.calls import Alone, Call
from workers.fits import Fits
from workers.link import Link, LinkClosed
from workers.models import lifecycle
from workers.models.lifecycle import LoadedModel, OneModel, State
from workers.tracing import BROKER_AWAY, Result, give_back_all, trace_all

if TYPE_CHECKING:
    from celery import Celery

    from tasks.catalog import ModelEntry
    from workers.slots.gpu import GpuSlot

logger = logging.getLogger(__name__)


@dataclass
class Child:
    """This process: its model, its line to the parent, and what it can tell of itself."""

    app: Celery
    link: Link
    model_name: str
    model: LoadedModel | None = None
    fits: Fits = field(default_factory=Fits)
    state: State = State.UNLOADED
    since: float = field(default_factory=time.time)
    batches: int = 0
    jobs: int = 0
    failures: int = 0
    cancelled: set[str] = field(default_factory=set)
    """Delivery tags of requests of the running batch, or of the one on its way, that nobody wants any more."""
    is_failing: bool = True
    """Whether the parent may know of a failure of the model (also in the child before) and of no success since."""

    def enter(self, state: State) -> None:
        """Note a new state and when it began."""
        self.state, self.since = state, time.time()

    def announce(self, state: State, **more: Any) -> None:
        """Enter a state and tell the parent."""
        self.enter(state)
        self.link.send({"state": state, **more})

    def report(self, ran: batch.Ran) -> None:
        """Tell the parent how the model fared: of failures, and of the first success after them."""
        if ran.failed or (ran.worked and self.is_failing):
            self.link.send({"failed": ran.failed, "worked": ran.worked})
            self.is_failing = not ran.worked

    def status(self) -> dict[str, Any]:
        """How it stands: times in seconds since 1970, memory in bytes."""
        return {
            "pid": os.getpid(),
            "model": self.model_name,
            "state": self.state,
            "since": self.since,
            "batches": self.batches,
            "jobs": self.jobs,
            "failures": self.failures,
            "load_s": self.model.load_s if self.model else None,
            "rss_bytes": mem_rss() * 1024,
        }


_child: Child | None = None


def begin(
    link: Link, parents_end: Link, entry: ModelEntry, device: str, gpu: GpuSlot | None, app: Celery, hostname: str
) -> None:
    """The pool's initializer: become Celery's child, then load the model; ends the process when that fails."""
    global _child
    parents_end.close()
    _child = child = Child(app, link, entry.name)
    try:
        process_initializer(app, hostname)
        child.fits = Fits(ledger(app).client, gpu.gpu_type if gpu else "cpu")
        threading.Thread(target=_answer, args=(child,), name="answers", daemon=True).start()
        child.model = _in_turn(child, gpu, lambda: lifecycle.load(entry, device, settings().warm_up, child.announce))
        batch.warm_up()
    except BaseException as exc:
        _give_up(child, exc)
    offer = child.model.offer
    child.announce(
        State.READY,
        load_s=child.model.load_s,
        offer={
            "model": entry.name,
            "adapter": entry.adapter,
            "revision": offer.revision,
            "sample_rate": offer.sample_rate,
            "voices": dict(offer.voices),
            "default_voice": offer.default_voice,
        },
    )


def _in_turn(child: Child, gpu: GpuSlot | None, load: Callable[[], LoadedModel]) -> LoadedModel:
    """Load; on a GPU when no other worker loads there. The parent's watch on the time runs from the load itself."""
    if gpu is None:
        return load()
    return gpu.load(load, lambda holder: child.announce(State.UNLOADED, waits_for=holder))


def _give_up(child: Child, error: BaseException) -> NoReturn:
    """Say why, and end. Not by an exception: Celery's pool would swallow it and serve without a model."""
    try:
        child.announce(
            State.FAILED,
            error=" ".join(f"{type(error).__name__}: {error}".split()),
            permanent=not lifecycle.can_be_retried(error),
            traceback=None if isinstance(error, SlotlineError) and not error.__cause__ else traceback.format_exc(),
        )
    finally:
        os._exit(1)


def _answer(child: Child) -> None:
    """Hear the parent as long as it lives; without a parent this process has no purpose."""
    try:
        for message in child.link.messages():
            if "cancel" in message:
                child.cancelled.update(message["cancel"])
                continue
            answer = child.status() if message.get("ask") == "status" else {"error": f"{message.get('ask')}: not known"}
            child.link.send({"answer": message.get("id"), **answer})
    except LinkClosed:
        pass
    except Exception:  # the thread's boundary
        logger.exception("the child no longer answers its parent")
        return
    os._exit(1)


def run_batch(calls: Sequence[Call]) -> list[Result | Alone]:
    """Run the calls as one batch through the model, then trace each; one result a call, in order.

    A batch that could not be begun because Redis is away gives its messages back. Any
    other failure of the machinery itself is raised, and costs the parent this child.
    """
    child = _child
    if child is None or child.model is None:
        raise RuntimeError("no model is loaded in this process")
    child.enter(State.BUSY)
    try:
        results = _computed(child, child.model, calls)
    finally:
        # The parent hands over the next batch, and cancels what is in it, only after it has this one's results.
        child.cancelled.clear()
        child.enter(State.READY)
    child.batches += 1
    child.jobs += len(results)
    child.failures += sum(result[0] for result in results if not isinstance(result, Alone))
    return results


def _computed(child: Child, model: LoadedModel, calls: Sequence[Call]) -> list[Result | Alone]:
    try:
        ran = batch.run(OneModel(model), ledger(child.app), calls, child.cancelled.__contains__, child.fits)
    except BROKER_AWAY as exc:
        logger.warning("the broker is away, %d messages go back: %s", len(calls), exc)
        return [*give_back_all(calls, str(exc))]
    child.report(ran)
    traced = iter(trace_all(child.app, [call for number, call in enumerate(calls) if number not in ran.alone]))
    return [Alone() if number in ran.alone else next(traced) for number in range(len(calls))]
