"""What a slot's child does with its models while nothing runs: load, unload, tidy. The parent decides when.

Guarantee: a model that cannot be loaded ends the process, and the parent gets the reason.
"""

from __future__ import annotations

import logging
import os
import traceback
from typing import TYPE_CHECKING, NoReturn, assert_never

from tasks.errors import SlotlineError
from tasks.exit_codes import FAILED
from workers.adapters import hardware
from workers.child import offering
from workers.child.models import loading
from workers.wire.messages import FailedToLoad, Loaded, Operation, OperationRan
from workers.wire.state import State

if TYPE_CHECKING:
    from workers.child.models.lifecycle import Lifecycle
    from workers.child.process import ChildState
    from workers.wire.link import ChildEnd

logger = logging.getLogger(__name__)


def run_waiting(child: ChildState) -> None:
    """Run the operations that the parent has asked for, in their order, and send the answers."""
    while child.operations:
        message = child.operations.popleft()
        try:
            answer, error = run(child, message.operation), ""
        except Exception as exc:  # the boundary to the model's own code: the parent decides what follows
            logger.exception("the operation %s failed", message.operation)
            answer, error = None, " ".join(f"{type(exc).__name__}: {exc}".split())
        child.link.send(OperationRan(message.number, answer, error))


def run(child: ChildState, operation: Operation) -> float | None:
    """Run an operation; loads no model twice, and unloads none twice. Returns the result of `tidy`, else None."""
    match operation:
        case Operation.LOAD:
            load(child)
        case Operation.UNLOAD:
            unload(child)
        case Operation.TIDY:
            return child.models.tidy()
        case _:
            assert_never(operation)
    return None


def load(child: ChildState) -> None:
    """Load the model unless it is loaded, and send its offer; ends the process if the load fails."""
    if child.life.is_loaded:
        return
    entry, device, gpu = child.spec.entry, child.spec.device, child.spec.gpu
    try:
        load_s = child.models.load()
        offer = child.models.offer
        if gpu is not None and entry.is_registry:
            gpu.end_turn()  # its memory stays promised: its models are loaded and unloaded later
        child.life.enter(State.READY)
        published = offering.of_model(entry, device, offer) if offer else None
        child.link.send(Loaded(load_s, published, hardware.memory(device)["rss_bytes"]))
    except BaseException as exc:
        give_up(child.link, child.life, exc)


def unload(child: ChildState) -> None:
    """Unload the model if it is loaded, and log how much memory this freed."""
    if not child.life.is_loaded:
        return
    before = hardware.memory(child.spec.device)
    if child.spec.gpu is not None:
        child.spec.gpu.unloaded()  # promised first, so that no worker plans with memory that is free only now
    child.models.unload()
    after = hardware.memory(child.spec.device)
    names = ("rss_bytes",) if before["rss_bytes"] == before["reserved_bytes"] else tuple(before)
    change = ", ".join(f"{name} {before[name]} -> {after[name]}" for name in names)
    logger.info("unloaded: %s (%s)", child.spec.entry.name, change)


def give_up(link: ChildEnd, life: Lifecycle, error: BaseException) -> NoReturn:
    """Send the reason, and end the process. No exception, because Celery's pool would go on without a model."""
    try:
        life.enter(State.FAILED)
        link.send(
            FailedToLoad(
                " ".join(f"{type(error).__name__}: {error}".split()),
                is_permanent=not loading.can_be_retried(error),
                traceback=None if isinstance(error, SlotlineError) and not error.__cause__ else traceback.format_exc(),
            )
        )
    finally:
        os._exit(FAILED)
