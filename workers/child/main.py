"""Inside a slot's child: load and warm the model, run batches, answer the parent while computing.

The one process that imports an adapter's heavy packages. It is forked by
`workers/parent/child_process.py`, which reads what it says over its line; it decides nothing about
being started again, nor when its model is unloaded. Guarantees: it computes nothing
before the model is warm; a model that cannot load ends it; whatever one request raises is
that request's result; every state that the parent hears was entered in `child.life`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, assert_never

from tasks.errors import ModelLoadError, SlotlineError
from tasks.flow.connections import ledger, redis_client
from tasks.settings import settings
from workers.adapters import hardware
from workers.child import batch, offering
from workers.child.batch_limit import BatchLimit
from workers.child.models import loading
from workers.child.models.base import LoadedModel, SlotModels
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.one import OneModel
from workers.child.models.registry import Registry
from workers.child.tracing import BROKER_REFUSES, give_back_all, trace_all
from workers.child.work import Ran
from workers.upstream.celery import begin_child
from workers.wire.call import Call, Result, RunAlone
from workers.wire.child_entry import Operation
from workers.wire.link import ChildEnd, LinkClosed, ParentEnd
from workers.wire.messages import (
    AskStatus,
    BatchRan,
    Cancel,
    FailedToLoad,
    Loaded,
    Offers,
    StandsBy,
    StateEntered,
    Status,
    VariantLoadBegan,
    VariantLoadEnded,
    WaitsForTurn,
)
from workers.wire.state import LOADING, State

if TYPE_CHECKING:
    from celery import Celery

    from tasks.catalog import ModelEntry
    from workers.wire.spec import GpuShare, SlotSpec

logger = logging.getLogger(__name__)

VOICES_EVERY_S = 5.0
"""How soon a voice that was put into a registry's folder is known to those who ask for work."""

SILENT = frozenset({State.READY, State.BUSY, State.FAILED})
"""Not sent as `StateEntered`: the parent knows what runs, and `Loaded` and `FailedToLoad` say more."""


@dataclass
class Child:
    """This process: its models, its line to the parent, and what it can tell of itself."""

    app: Celery
    link: ChildEnd
    model_name: str
    device: str = "cpu"
    gpu: GpuShare | None = None
    models: SlotModels | None = None
    life: Lifecycle = field(init=False)
    batches: int = 0
    jobs: int = 0
    failures: int = 0
    last_batch: int = 0
    largest_batch: int = 0
    limit: BatchLimit = field(default_factory=BatchLimit)
    cancelled: set[str] = field(default_factory=set)
    """Delivery tags of requests of the running batch, or of the one on its way, that nobody wants any more."""
    is_failing: bool = True
    """Whether the parent may know of a failure of the model (also in the child before) and of no success since."""

    def __post_init__(self) -> None:
        self.life = Lifecycle(self._announce)

    def _announce(self, state: State) -> None:
        if state not in SILENT:
            self.link.send(StateEntered(state))

    def report(self, ran: Ran) -> None:
        """Tell the parent how the model fared: of failures, and of the first success after them."""
        if ran.failed or (ran.worked and self.is_failing):
            self.link.send(BatchRan(ran.failed, ran.worked))
            self.is_failing = not ran.worked

    def count(self, results: Sequence[Result | RunAlone]) -> None:
        """Note a batch that was run."""
        ran = [result for result in results if not isinstance(result, RunAlone)]
        self.batches += bool(ran)
        self.jobs += len(ran)
        self.failures += sum(failed for failed, _, _ in ran)
        self.last_batch = len(ran) or self.last_batch
        self.largest_batch = max(self.largest_batch, len(ran))

    def status(self) -> dict[str, Any]:
        """How it stands: times in seconds since 1970, memory in bytes."""
        return {
            "pid": os.getpid(),
            "model": self.model_name,
            "state": self.life.state,
            "since": self.life.since,
            "is_loading": self.life.state in LOADING,
            "batches": self.batches,
            "jobs": self.jobs,
            "failures": self.failures,
            "last_batch": self.last_batch,
            "largest_batch": self.largest_batch,
            "largest_fit": self.limit.last,
            **hardware.memory(self.device),
            **(self.models.status() if self.models else {}),
        }


_child: Child | None = None


def begin(
    link: ChildEnd, parents_end: ParentEnd, spec: SlotSpec, refused: frozenset[str], app: Celery, hostname: str
) -> None:
    """The pool's initializer: become Celery's child, then load the model; ends the process when that fails.

    A lazy slot's child loads nothing yet: it stands by.
    """
    global _child
    parents_end.close()
    _child = child = Child(app, link, spec.entry.name, spec.device, spec.gpu)
    try:
        begin_child(app, hostname)
        child.models = _models(child, spec, refused)
        child.limit = BatchLimit(redis_client(app), spec.gpu.gpu_type if spec.gpu else "cpu")
        threading.Thread(target=_answer, args=(child,), name="answers", daemon=True).start()
        if isinstance(child.models, Registry):
            _tell_voices(child, child.models)
        batch.warm_up()
        if spec.is_lazy:
            link.send(StandsBy())
            return
    except BaseException as exc:
        _give_up(child, exc)
    _load(child)


def _models(child: Child, spec: SlotSpec, refused: frozenset[str]) -> SlotModels:
    entry, warm_up = spec.entry, settings().warm_up
    if entry.is_registry:

        def load(one: ModelEntry, name: str, tell: Callable[[State], None]) -> LoadedModel:
            if name in refused:
                raise ModelLoadError(f"{name}: loading it ended this slot's process {spec.load_attempts} times")
            child.link.send(VariantLoadBegan(name))
            model = None
            try:
                model = loading.load(one, spec.device, warm_up, tell)
                return model
            finally:
                child.link.send(VariantLoadEnded(name, is_loaded=model is not None))

        return Registry(entry, spec.device, child.life, load)
    one = functools.partial(loading.load, entry, spec.device, warm_up, child.life.enter)
    return OneModel(entry, spec.device, child.life, lambda: _in_turn(child, one))


def _in_turn(child: Child, load: Callable[[], LoadedModel]) -> LoadedModel:
    """Load; on a GPU when no other worker loads there. The parent's watch on the time runs from the load itself."""
    if child.gpu is None:
        return load()
    return child.gpu.load(load, lambda holder: child.link.send(WaitsForTurn(holder)))


def _load(child: Child) -> None:
    """Load the model and say so; ends the process when that fails."""
    models = child.models
    assert models is not None
    try:
        load_s = models.load()
        offer = models.offer
        if child.gpu is not None and models.entry.is_registry:
            child.gpu.end_turn()  # its memory stays promised: it comes and goes
        child.life.enter(State.READY)
        child.link.send(Loaded(load_s, offering.of_model(models.entry, child.device, offer) if offer else None))
    except BaseException as exc:
        _give_up(child, exc)


def _tell_voices(child: Child, models: Registry) -> None:
    """Say which voices there are, now and then again as long as this process lives: their files come and go."""

    def tell() -> None:
        child.link.send(Offers(offering.of_registry(models.entry, child.device, models.names())))

    def go_on() -> None:
        with contextlib.suppress(LinkClosed):
            while True:
                time.sleep(VOICES_EVERY_S)
                tell()

    tell()
    threading.Thread(target=go_on, name="voices", daemon=True).start()


def _give_up(child: Child, error: BaseException) -> NoReturn:
    """Say why, and end. Not by an exception: Celery's pool would swallow it and serve without a model."""
    try:
        child.life.enter(State.FAILED)
        child.link.send(
            FailedToLoad(
                " ".join(f"{type(error).__name__}: {error}".split()),
                is_permanent=not loading.can_be_retried(error),
                traceback=None if isinstance(error, SlotlineError) and not error.__cause__ else traceback.format_exc(),
            )
        )
    finally:
        os._exit(1)


def _answer(child: Child) -> None:
    """Hear the parent as long as it lives; without a parent this process has no purpose."""
    try:
        for message in child.link.messages():
            match message:
                case Cancel(delivery_tags):
                    child.cancelled.update(delivery_tags)
                case AskStatus(number):
                    child.link.send(Status(number, _status(child)))
                case _:
                    assert_never(message)
    except LinkClosed:
        pass
    except Exception:  # the thread's boundary
        logger.exception("the child no longer answers its parent")
        return
    os._exit(1)


def _status(child: Child) -> dict[str, Any]:
    """How the child stands; where a model's library raises, the little that needs none."""
    try:
        return child.status()
    except Exception:  # the boundary to a model's libraries
        logger.exception("the status of %s is not complete", child.model_name)
        return {"pid": os.getpid(), "state": child.life.state, "since": child.life.since}


def run_operation(operation: Operation) -> float | None:
    """Do what the parent asks for between batches; the answer is what `SlotModels.tidy` gives, else None."""
    child, models = _own()
    match operation:
        case Operation.LOAD:
            if not child.life.is_loaded:
                _load(child)
        case Operation.UNLOAD:
            if child.life.is_loaded:
                _unload(child, models)
        case Operation.TIDY:
            return models.tidy()
        case _:
            assert_never(operation)
    return None


def _unload(child: Child, models: SlotModels) -> None:
    before = hardware.memory(child.device)
    if child.gpu is not None:
        child.gpu.unloaded()  # promised first: what is free for a moment must not be planned with
    models.unload()
    after = hardware.memory(child.device)
    kinds = ("rss_bytes",) if before["rss_bytes"] == before["reserved_bytes"] else tuple(before)
    told = ", ".join(f"{kind} {before[kind]} -> {after[kind]}" for kind in kinds)
    logger.info("unloaded: %s (%s)", child.model_name, told)


def _own() -> tuple[Child, SlotModels]:
    if _child is None or _child.models is None:
        raise RuntimeError("no model belongs to this process")
    return _child, _child.models


def run_batch(calls: Sequence[Call]) -> list[Result | RunAlone]:
    """Run the calls as one batch through the model, then trace each; one result a call, in order.

    A batch that could not be begun because Redis is away, or refuses, gives its messages back. Any
    other failure of the machinery itself is raised, and costs the parent this child.
    """
    child, models = _own()
    if not child.life.is_loaded:  # the parent asks for a load first, unless a message of its own was lost
        _load(child)
    child.life.enter(State.BUSY)
    try:
        results = _computed(child, models, calls)
    finally:
        # The parent hands over the next batch, and cancels what is in it, only after it has this one's results.
        child.cancelled.clear()
        child.life.enter(State.READY)
    child.count(results)
    if settings().force_gc:
        gc.collect()
    return results


def _computed(child: Child, models: SlotModels, calls: Sequence[Call]) -> list[Result | RunAlone]:
    try:
        ran = batch.run(models, ledger(child.app), calls, child.cancelled.__contains__, child.limit)
    except BROKER_REFUSES as exc:
        logger.warning("the broker is away or refuses, %d messages go back: %s", len(calls), exc)
        return [*give_back_all(child.app, calls, exc)]
    child.report(ran)
    traced = iter(trace_all(child.app, [call for index, call in enumerate(calls) if index not in ran.alone]))
    return [RunAlone() if index in ran.alone else next(traced) for index in range(len(calls))]
