"""One batch through the model, inside a slot's child: what waits runs together, each input for itself.

Five steps: take (the ledger counts the attempt and hands out the text), look (the
artifact may be there), claim (another slot may have it in hand), compute (the adapter, on
all that is left at once), store. Each request's outcome is left in `tasks/flow/outcomes`
for its task's body. Nothing here raises for a single input; nothing here settles: the
task's body does, when Celery traces it. A request that is cancelled on the way is dropped
at the adapter's next safe point.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tasks import artifacts, audio
from tasks.errors import (
    BrokerUnavailable,
    InvalidInput,
    ModelError,
    SlotlineError,
    StoreError,
    WorkerLost,
)
from tasks.flow import envelope, outcomes
from tasks.flow.jobs import as_slotline_error, part_of
from tasks.flow.ledger import ATTEMPTS_ALLOWED, FOLLOWS, SPENT, TOO_SOON, Ledger
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.routing import list_key
from workers import crafts
from workers.adapters.base import Cancelled
from workers.calls import Call
from workers.crafts.base import Asked, Craft

if TYPE_CHECKING:
    from workers.models.lifecycle import LoadedModel, Models

logger = logging.getLogger(__name__)

AnyCraft = Craft[Any, Any, Any]


@dataclass(frozen=True)
class Work:
    """One input that this batch is to compute, and where what is made of it will lie."""

    call: Call
    craft: AnyCraft
    item: Any
    artifact: str
    attempt: int


@dataclass(frozen=True)
class Ran:
    """What a batch says of the model: the tasks that it failed on by a fault of its own, and whether it made any."""

    failed: tuple[str, ...] = ()
    worked: bool = False


def run(
    models: Models,
    ledger: Ledger,
    calls: Sequence[Call],
    is_cancelled: Callable[[str], bool] = lambda tag: False,
) -> Ran:
    """Compute all parts of the batch and leave one outcome a request; other tasks are left alone.

    `is_cancelled` is asked, with a request's delivery tag, whether its job was cancelled meanwhile.
    """
    outcomes.clear()
    mine = [(call, craft) for call in calls if (craft := crafts.OF_TASK.get(call.task))]
    if not mine:
        return Ran()
    with models.use(None) as model:
        work = [one for call, craft in mine if (one := _prepare(model, ledger, call, craft))]
        return _compute_and_store(model, ledger, work, is_cancelled) if work else Ran()


def _compute_and_store(
    model: LoadedModel, ledger: Ledger, work: Sequence[Work], is_cancelled: Callable[[str], bool]
) -> Ran:
    made: dict[str, outcomes.Outcome] = {}
    model.adapter.is_cancelled = lambda index: is_cancelled(work[index].call.delivery_tag)
    try:
        for one, result in zip(work, _compute(model, [one.item for one in work]), strict=True):
            made[one.call.task_id] = outcome = _store(one, result)
            outcomes.put(one.call.task_id, outcome)
    finally:
        for one in work:
            ledger.release(one.artifact, one.call.delivery_tag)
    failed = tuple(task_id for task_id, outcome in made.items() if _is_the_models_fault(outcome))
    return Ran(failed, worked=any(isinstance(outcome, Done) for outcome in made.values()))


def warm_up() -> None:
    """Import and open all that the first batch would, so that it is as fast as the second. Touches no job."""
    import numpy as np

    audio.encode_wav(np.zeros(1, np.float32), 8000)
    try:
        artifacts.store().find(artifacts.name_of("speech", "wav", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)


def _is_the_models_fault(outcome: outcomes.Outcome) -> bool:
    """Neither the input's nor the store's nor the broker's: another input would fare no better."""
    return isinstance(outcome, Failed) and not isinstance(outcome.error, (InvalidInput, StoreError, BrokerUnavailable))


def _prepare(model: LoadedModel, ledger: Ledger, call: Call, craft: AnyCraft) -> Work | None:
    """Steps one to three; None when the outcome is known without computing."""
    try:
        fields = call.kwargs()
        asked = None if _is_cancelled_alone(ledger, call, fields) else _take(model, ledger, craft, fields)
        if asked is None:
            outcomes.put(call.task_id, Dropped())
            return None
        item = craft.item(model, asked)
        model.adapter.check(item)
        name = artifact_name(model, craft, item)
        if (found := artifacts.store().find(name)) is not None:
            # Whoever made it may have died with it in hand, and others wait for it.
            ledger.release(name, "")
            outcomes.put(call.task_id, Done(found, computed=False))
            return None
        attempt = _claim(ledger, call, fields, name)
        return Work(call, craft, item, name, attempt) if attempt else None
    except (SlotlineError, MemoryError) as exc:
        outcomes.put(call.task_id, Failed(as_slotline_error(exc), 0))
        return None


def _is_cancelled_alone(ledger: Ledger, call: Call, fields: Mapping[str, Any]) -> bool:
    """Whether a task that is part of no job was cancelled; that of a job's part is known when it is taken."""
    return "job" not in fields and call.task_id in ledger.cancelled([call.task_id])


def _take(model: LoadedModel, ledger: Ledger, craft: AnyCraft, fields: Mapping[str, Any]) -> Asked | None:
    if part := part_of(fields):
        taken = ledger.take(*part)
        return None if taken is None else cast(Asked, craft.asked_of_part(taken))
    asked: Asked = craft.asked(fields)
    if asked.model != model.entry.name:
        raise InvalidInput(f"model: {asked.model!r} was sent to the queue of {model.entry.name!r}")
    return asked


def _claim(ledger: Ledger, call: Call, fields: Mapping[str, Any], name: str) -> int:
    """The number of this attempt, from 1; 0 when its time has not come, which is left as the outcome."""
    came_by = call.headers.get("delivery_info") or {}
    queue = str(came_by.get("routing_key") or "")
    # To the list that it came from: there the sweep looks for it.
    copy = (list_key(queue, int(came_by.get("priority") or 0)), envelope.copy_of(call.headers, call.body, queue))
    attempt = ledger.claim(name, call.delivery_tag, copy, part_of(fields) or (call.task_id, 0))
    if attempt == SPENT:
        ledger.release(name, call.delivery_tag)
        why = ledger.loss(part_of(fields) or (call.task_id, 0))
        last = f"; the last time: {why}" if why else ""
        raise WorkerLost(f"its worker died each of {ATTEMPTS_ALLOWED} times that it was tried{last}")
    if attempt in (FOLLOWS, TOO_SOON):
        outcomes.put(call.task_id, Waiting())
        return 0
    return attempt


def artifact_name(model: LoadedModel, craft: AnyCraft, item: Any) -> str:
    """Named by all that shapes what is made: the same input is computed once, whoever asks and whenever."""
    ingredients = {
        "adapter": model.entry.adapter,
        "version": model.adapter.version,
        "model": model.entry.name,
        "revision": model.offer.revision,
        **craft.ingredients(item),
        **model.adapter.ingredients(item),
    }
    return artifacts.name_of(craft.kind, craft.extension, ingredients)


def _compute(model: LoadedModel, items: Sequence[Any]) -> Iterator[Any]:
    """One result an input; what the adapter raises as a whole is every input's."""
    try:
        results: Sequence[Any] = list(model.adapter.run(items))
    except Exception as exc:  # the boundary to foreign model code
        logger.exception("the model failed on a batch of %d", len(items))
        results = [exc] * len(items)
    if len(results) != len(items):
        wrong = ModelError(f"{model.entry.adapter} gave {len(results)} results for {len(items)} inputs")
        results = [wrong] * len(items)
    return (_unless_wanted(model, index, result) for index, result in enumerate(results))


def _unless_wanted(model: LoadedModel, index: int, result: Any) -> Any:
    """An adapter that gives up on an input that is still wanted has failed on it."""
    if isinstance(result, Cancelled) and not model.adapter.is_cancelled(index):
        return ModelError(f"{model.entry.adapter} stopped at an input that nobody cancelled")
    return result


def _store(work: Work, result: Any) -> outcomes.Outcome:
    if isinstance(result, Cancelled):
        return Dropped()
    try:
        if isinstance(result, Exception):
            raise result
        made = artifacts.store().put_bytes(work.artifact, *work.craft.encode(result))
        return Done(made, computed=True, attempt=work.attempt)
    except Exception as exc:  # one input's failure, in its own words
        if not isinstance(exc, SlotlineError):
            logger.exception("the model failed on «%.40s»", work.craft.words(work.item))
        return Failed(as_slotline_error(exc), work.attempt)
