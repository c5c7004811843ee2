"""Supervises the child: reads its messages, keeps its state, and decides when a new child is started.

`dispatcher.py` sends runs to the child, `child_process.py` forks it. Guarantees: a load that takes too long is ended
(`load_watch.py`); a model that cannot be loaded is tried a limited number of times with growing pauses
(`restart_policy.py`). Then no child is started any more, and the listener gets the reason.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from workers.parent.listener import NoListener, SlotListener
from workers.parent.load_watch import LoadWatch
from workers.parent.restart_policy import DEATHS_WITHOUT_WORK, Recycling, RestartPolicy, VariantLoads
from workers.upstream.billiard import how_it_ended
from workers.wire.link import ParentEnd
from workers.wire.messages import (
    AskStatus,
    FailedToLoad,
    FromChild,
    FromParent,
    Loaded,
    MemoryUsed,
    OfModel,
    OperationRan,
    RegistryHolds,
    RegistryOffer,
    StandsBy,
    StateEntered,
    Status,
    VariantLoadBegan,
    VariantLoadEnded,
    WaitsForTurn,
)
from workers.wire.socket_end import LinkClosed
from workers.wire.spec import SlotSpec
from workers.wire.state import LOADING, State

logger = logging.getLogger(__name__)


class Supervisor:
    """The state of the slot's child, whose process may be replaced. Everything runs in `loop`, the worker's event loop.

    `start_again` starts a child, unless there is one.
    """

    def __init__(self, spec: SlotSpec, loop: Any, start_again: Callable[[], None]) -> None:
        self.spec = spec
        self.loop = loop
        self.state = State.UNLOADED
        self.restarts = RestartPolicy(spec.load_attempts)
        self.variants = VariantLoads(spec.load_attempts)
        self.recycling = Recycling(spec.entry.recycle_rss_gb)
        self.listener: SlotListener = NoListener()
        self.operation_ran: Callable[[OperationRan], None] = lambda message: None
        self._start_again = start_again
        self.ready_at = 0.0
        """When the child was last ready after a load, by the monotonic clock."""
        self.stands_by = False
        """Whether the child takes runs, with or without a loaded model; a run may have to wait for the load."""
        self.holds: RegistryHolds | None = None
        """Which of a registry's models the child has loaded; None before it has said so."""
        self.load_s: float | None = None
        """How long the last load of the slot's one model took, in seconds."""
        self._pid = 0
        self._link: ParentEnd | None = None
        self._failure: FailedToLoad | None = None
        self._not_before = 0.0
        self._load_watch: LoadWatch | None = None
        self._given_up = False
        self._questions = 0
        self._answer: Status | None = None

    @property
    def may_start(self) -> bool:
        """Whether a child may be forked now."""
        return not self._given_up and time.monotonic() >= self._not_before

    @property
    def is_loading(self) -> bool:
        """Whether the child has not been ready yet, or loads its model (again), or failed to load it."""
        return not self.stands_by or self.state in LOADING or self.state is State.FAILED

    @property
    def must_load(self) -> bool:
        """Whether the child takes runs, but its model must be loaded first."""
        return self.stands_by and self.state is State.UNLOADED

    @property
    def is_loaded(self) -> bool:
        """Whether the slot's one model is loaded; a registry is, too, when it takes runs."""
        return self.stands_by and self.state is State.READY

    def started(self, pid: int, link: ParentEnd) -> None:
        """A child was forked."""
        self._link, self._pid, self._failure, self.state = link, pid, None, State.LOADING
        self.stands_by = False
        self.recycling.started()
        self.listen()
        self._load_watch = self._new_load_watch()
        self._load_watch.begin()

    def listen(self) -> None:
        """Read the link when it has messages; called again after the event loop was reset."""
        if self._link is not None:
            self.loop.add_reader(self._link.fileno(), self._read, self._link)

    def catch_up(self) -> None:
        """Read all messages that the child has sent so far."""
        if self._link is not None:
            self._read(self._link)

    def send(self, message: FromParent) -> bool:
        """Send the child a message, and do not wait for an answer; False if the child has died."""
        if self._link is not None:
            with contextlib.suppress(LinkClosed):
                self._link.send(message)
                return True
        return False

    def ask_status(self, wait_s: float = 1.0) -> Mapping[str, Any] | None:
        """Ask the child for its status, also while it computes; None if there is no answer in time."""
        if self._link is None:
            return None
        self._questions += 1
        deadline = time.monotonic() + wait_s
        try:
            self._link.send(AskStatus(self._questions))
            while (left_s := deadline - time.monotonic()) > 0:
                for message in self._link.pending(left_s):
                    self._hear(message)
                if self._answer is not None and self._answer.number == self._questions:
                    return self._answer.fields
        except LinkClosed:
            pass
        return None

    def ended(self, exitcode: int, is_stopping: bool = False) -> None:
        """The child has died and was collected: notify the listener, and decide when the next one starts."""
        self.catch_up()
        failed_to_load, variant = self.is_loading, self.variants.current
        self.variants.child_ended()
        self._hang_up()
        self.state, self.stands_by, self.holds = State.UNLOADED, False, None
        if self.spec.gpu is not None:
            self.spec.gpu.child_ended()
        self.listener.gone()
        if is_stopping:
            return
        if failed_to_load and variant in self.variants.refused:
            self._goes_on_without(variant, exitcode)
            return
        if failed_to_load:
            self._load_failed(exitcode)
            return
        if not self.recycling.is_reloading:
            how = how_it_ended(exitcode)
            logger.warning("the child of %s died (%s); its model is loaded again", self.spec.worker, how)
        pause_s = self.restarts.died()
        if pause_s is None:
            self._give_up(f"its child died {DEATHS_WITHOUT_WORK} times without finishing a batch")

    def _goes_on_without(self, variant: str, exitcode: int) -> None:
        """A preloaded model has ended the child each time: the next child does not load it."""
        how = how_it_ended(exitcode)
        logger.error("%s: the load of %r ended its process (%s); it starts without it", self.spec.worker, variant, how)
        self.restarts.loaded()
        self.loop.call_later(0.01, self._start_again)

    def _load_failed(self, exitcode: int) -> None:
        model = self.spec.entry.name
        died = FailedToLoad(f"its process died while loading ({how_it_ended(exitcode)})", is_permanent=False)
        failure = self._failure or died
        if failure.traceback:
            logger.info("where %s failed to load:\n%s", model, failure.traceback)
        pause_s = self.restarts.load_failed(failure.is_permanent)
        tried = self.restarts.failed_loads
        if pause_s is None:
            self._give_up(f"cannot load it (tried {tried} time{'s' * (tried > 1)}): {failure.error}")
            return
        allowed = self.spec.load_attempts
        logger.warning("%s: load %d of %d failed, again in %g s: %s", model, tried, allowed, pause_s, failure.error)
        self._not_before = time.monotonic() + pause_s
        self.loop.call_later(pause_s + 0.01, self._start_again)

    def _give_up(self, reason: str) -> None:
        self.state = State.FAILED
        self._given_up = True
        self.listener.given_up(f"model {self.spec.entry.name}: {reason}")

    def _new_load_watch(self) -> LoadWatch:
        def is_loading() -> bool:
            return self.is_loading or bool(self.variants.current)

        return LoadWatch(self.loop, self.spec.entry.load_limit_s, is_loading, self._load_is_overdue)

    def _load_begins(self) -> None:
        if self._load_watch is not None:
            self._load_watch.begin()

    def _load_is_overdue(self) -> None:
        too_long = f"took longer than load_limit_s = {self.spec.entry.load_limit_s:g}"
        self._failure = FailedToLoad(too_long, is_permanent=False)
        if variant := self.variants.current:
            logger.error("%s: %r %s; the child is killed", self.spec.worker, variant, too_long)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def _read(self, link: ParentEnd) -> None:
        try:
            for message in link.pending():
                self._hear(message)
        except LinkClosed:
            if link is self._link:
                self._hang_up()

    def _hear(self, message: FromChild) -> None:
        match message:
            case VariantLoadBegan(name):
                self.variants.began(name)
                self._load_begins()
            case VariantLoadEnded(name, is_loaded):
                self.variants.ended(name, is_loaded)
            case RegistryOffer(offer):
                self.listener.offers(offer)
            case RegistryHolds():
                self.holds = message
                self.listener.holds()
            case MemoryUsed(rss_bytes):
                self.recycling.used(rss_bytes)
            case OperationRan():
                self.operation_ran(message)
            case Status():
                self._answer = message
            case _:
                self._hear_of_model(message)

    def _hear_of_model(self, message: OfModel) -> None:
        match message:
            case StateEntered(state):
                self.state = state
                if state is State.LOADING:
                    self._load_begins()
                elif state in (State.UNLOADING, State.UNLOADED):
                    self.listener.holds()
            case Loaded():
                self.state, self.stands_by, self.ready_at = State.READY, True, time.monotonic()
                self.load_s = message.load_s
                self.restarts.loaded()
                if warning := self.recycling.ready(message.rss_bytes):
                    logger.error("%s: %s", self.spec.worker, warning)
                self.listener.ready(message)
            case StandsBy():
                self.state, self.stands_by = State.UNLOADED, True
                self.recycling.ready(0)
                self.listener.ready(None)
            case FailedToLoad():
                self.state, self.stands_by, self._failure = State.FAILED, False, message
            case WaitsForTurn(holder):
                # Another worker loads on this GPU first; this time does not count for this model.
                self.state = State.UNLOADED
                if self._load_watch is not None:
                    self._load_watch.pause()
                logger.info("%s waits to load: %s has the turn", self.spec.worker, holder)
            case _:
                assert_never(message)

    def _hang_up(self) -> None:
        if self._load_watch is not None:
            self._load_watch.end()
        if self._link is None:
            return
        if self._link.fileno() >= 0:
            self.loop.remove(self._link.fileno())
        self._link.close()
        self._link = None
