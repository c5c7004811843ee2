"""What a slot's child does with a run: computes it, and sends its results to the sidecar. It stores nothing.

The page shows which run is computed and since when, so no message is needed for its begin. Guarantees: a load is not
part of a run; a run has one result per input; an error crosses as a `SlotlineError`, and its traceback is logged here.
When the GPU itself fails, or the model's code ends the process, the sidecar is told why, and this process ends.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import pickle
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelChanged, SlotlineError
from tasks.flow.outcomes import as_slotline_error, words_of
from tasks.messages import PartRequest
from tasks.settings import settings
from workers.adapters import hardware
from workers.adapters.base import Cancelled
from workers.child import operations
from workers.child.compute import Computing
from workers.wire.messages import MemoryUsed
from workers.wire.socket_end import LinkClosed
from workers.wire.state import State
from workers.wire.work_line import LoadVariant, ModelOffers, Run, RunBroke, RunEnded

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel
    from workers.child.process import ChildState

logger = logging.getLogger(__name__)


def run(child: ChildState, given: Run) -> None:
    """Compute a run and send its results; ends the process if it cannot compute any more."""
    child.cancelled.forget_before(given.batch)
    operations.load(child)  # the parent has asked for this before, unless its message was lost
    child.life.enter(State.BUSY)
    try:
        results, took_s = computed(child, given)
    except LinkClosed:
        raise
    except BaseException as exc:
        end_with(child, given, exc)
        raise
    ended_at = monotonic()
    child.life.enter(State.READY)
    sent = [_portable(result, item) for result, item in zip(results, given.items, strict=True)]
    _count(child, given, sent)
    if child.spec.entry.recycle_rss_gb is not None:
        child.link.send(MemoryUsed(hardware.memory(child.spec.device)["rss_bytes"]))
    _answer(child, RunEnded(given.number, sent, took_s))
    child.page.end_run(ended_at)
    if settings().force_gc:
        gc.collect()


def load(child: ChildState, given: LoadVariant) -> None:
    """Load a model, and answer what it offers, or why it cannot be loaded."""
    operations.load(child)
    found: Any
    entry, mark = None, ""
    try:
        model = child.models.fetch(given.variant)
        found, entry, mark = model.offer, model.entry, model.mark
    except (SlotlineError, MemoryError) as exc:
        if not child.spec.entry.is_registry:
            raise
        found = _crossing(as_slotline_error(exc))
    child.line.answer(ModelOffers(found, given.variant, given.number, entry, mark=mark))


def computed(child: ChildState, given: Run) -> tuple[Sequence[Any], float]:
    """One result per input, and the seconds that they took; raises what ends the process."""
    count = len(given.items)

    def is_cancelled(number: int) -> bool:
        return child.cancelled.of(given.batch).issuperset(given.calls[number])

    if all(map(is_cancelled, range(count))):
        return [Cancelled()] * count, 0.0
    with _in_use(child, given.variant) as model:
        if isinstance(model, Exception):
            return [model] * count, 0.0
        if model.offer.revision != given.revision:
            return [ModelChanged(f"{model.entry.name} was loaded again, with other weights")] * count, 0.0
        began = monotonic()
        calls = [call for calls in given.calls for call in calls]
        child.page.begin_run(given.number, given.batch, calls, began)
        results = Computing(model, given.items, is_cancelled, child.limit).results()
        return results, monotonic() - began


def end_with(child: ChildState, given: Run, error: BaseException) -> None:
    """The process cannot compute any more: say why. What the page says of the run stays as it is."""
    with contextlib.suppress(LinkClosed):
        child.line.answer(RunBroke(given.number, f"{type(error).__name__}: {words_of(error)}".removesuffix(": ")))
        child.line.flush()


@contextlib.contextmanager
def _in_use(child: ChildState, variant: str | None) -> Iterator[LoadedModel | SlotlineError]:
    """The model, which stays loaded in the block; for a registry's model that cannot be loaded, the error.

    An error of the slot's only model is raised, because no input is at fault.
    """
    with contextlib.ExitStack() as stack:
        model: LoadedModel | SlotlineError
        try:
            model = stack.enter_context(child.models.use(variant))
        except (SlotlineError, MemoryError) as exc:
            if not child.spec.entry.is_registry:
                raise
            model = _crossing(as_slotline_error(exc))
            child.line.answer(ModelOffers(model, variant))  # so that the sidecar asks before its next run
        yield model


def _count(child: ChildState, given: Run, results: Sequence[Any]) -> None:
    jobs = [len(calls) for calls in given.calls]
    failed = [isinstance(result, Exception) and not isinstance(result, Cancelled) for result in results]
    child.counts.add(sum(jobs), sum(count for count, is_failed in zip(jobs, failed, strict=True) if is_failed))


def _answer(child: ChildState, ended: RunEnded) -> None:
    try:
        child.line.answer(ended)
    except LinkClosed:
        raise
    except Exception:  # pickling a model's own values may raise anything
        results = [_pickled(result) for result in ended.results]
        child.line.answer(RunEnded(ended.number, results, ended.took_s))


def _pickled(result: Any) -> Any:
    """The result; an error if it cannot be pickled."""
    try:
        pickle.dumps(result)
        return result
    except Exception as exc:
        logger.exception("a result of the model cannot be handed over")
        return as_slotline_error(exc)


def _portable(result: Any, item: Any) -> Any:
    """The result; an error that is none of slotline's is logged with its traceback, and becomes one."""
    if not isinstance(result, Exception):
        return result
    if isinstance(result, Cancelled):
        return Cancelled()
    if isinstance(result, SlotlineError):
        return _crossing(result)
    logger.error(
        "the model failed on «%.40s»", item.words() if isinstance(item, PartRequest) else item, exc_info=result
    )
    return as_slotline_error(result)


def _crossing(error: SlotlineError) -> SlotlineError:
    """The error, if it can be pickled and read again; else one of slotline's own with the same words."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return as_slotline_error(RuntimeError(f"{type(error).__name__}: {error}"))
