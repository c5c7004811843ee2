"""One batch through a slot's models, inside its child: what waits runs together, each input for itself.

Five steps: take (the ledger hands out the text), look (the artifact may be there), claim
(the attempt is counted; another slot may have it in hand), compute (`workers/child/compute.py`),
store. Take, claim and release are one round trip each, however many there are. Each
request's outcome is left in `tasks/flow/outcomes` for its task's body. Guarantees:

- nothing here raises for a single input; nothing here settles: the task's body does, when
  Celery traces it;
- a request that is cancelled on the way is dropped at the adapter's next safe point;
- what was begun before, and may have killed its process, shares no batch: it is handed
  back (`Ran.alone`) to be run alone, and no attempt is counted for that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from tasks.errors import BrokerUnavailable, InvalidInput, SlotlineError, StoreError, WorkerLost
from tasks.flow import envelope, outcomes
from tasks.flow.job import as_slotline_error, part_of
from tasks.flow.ledger import ATTEMPTS_ALLOWED, FOLLOWS, SPENT, TOO_SOON, Ledger
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.flow.record import Claim, Taken
from tasks.media import audio
from tasks.routing import list_key
from tasks.store import artifacts
from workers.adapters.base import Cancelled
from workers.child import crafts
from workers.child.batch_limit import Fits
from workers.child.compute import Computing
from workers.child.crafts.base import Asked, Craft
from workers.wire.call import Call

if TYPE_CHECKING:
    from workers.child.models.lifecycle import LoadedModel, Models

logger = logging.getLogger(__name__)

AnyCraft = Craft[Any, Any, Any]
IsCancelled = Callable[[str], bool]


@dataclass(frozen=True)
class Asking:
    """One request of the batch: where it stands in it, what it is a run of, and how many runs were begun before."""

    index: int
    call: Call
    craft: AnyCraft
    run_of: tuple[str, int]
    fields: Mapping[str, Any]
    asked: Any = None
    variant: str | None = None
    runs: int = 0


@dataclass(frozen=True)
class Work:
    """One artifact to be made, for all that asked for it: the first of them makes it, the others get the same."""

    artifact: str
    item: Any
    askings: Sequence[Asking]
    attempt: int = 0

    @property
    def first(self) -> Asking:
        """Whose attempt it is."""
        return self.askings[0]


@dataclass(frozen=True)
class Ran:
    """What a batch says of the model: what it failed on by a fault of its own, and whether it made any.

    `failed` holds ids of tasks, and those of many small models that could not be loaded.

    `alone` are the numbers (from 0) of the calls that were not run, for each is to run alone.
    """

    failed: tuple[str, ...] = ()
    worked: bool = False
    alone: frozenset[int] = frozenset()


@dataclass
class _Batch:
    """What the steps share, and what came of them."""

    ledger: Ledger
    models: Models
    is_cancelled: IsCancelled
    fits: Fits
    size: int
    failed: list[str] = field(default_factory=list)
    worked: bool = False
    alone: set[int] = field(default_factory=set)

    def leave(self, asking: Asking, outcome: outcomes.Outcome) -> None:
        outcomes.put(asking.call.task_id, outcome)

    def fail(self, asking: Asking, error: BaseException) -> None:
        self.leave(asking, Failed(as_slotline_error(error), 0))


def run(
    models: Models,
    ledger: Ledger,
    calls: Sequence[Call],
    is_cancelled: IsCancelled = lambda tag: False,
    fits: Fits | None = None,
) -> Ran:
    """Compute all parts of the batch and leave one outcome a request; other tasks are left alone.

    `is_cancelled` is asked, with a request's delivery tag, whether its job was cancelled meanwhile.
    """
    outcomes.clear()
    batch = _Batch(ledger, models, is_cancelled, fits or Fits(), len(calls))
    by_variant: dict[str | None, list[Asking]] = {}
    for asking in _take(batch, calls):
        by_variant.setdefault(asking.variant, []).append(asking)
    for variant, askings in by_variant.items():
        _run_on(batch, variant, askings)
    return Ran(tuple(batch.failed), batch.worked, frozenset(batch.alone))


def warm_up() -> None:
    """Import and open all that the first batch would, so that it is as fast as the second. Touches no job."""
    import numpy as np

    audio.encode_wav(np.zeros(1, np.float32), 8000)
    try:
        artifacts.store().find(artifacts.name_of("speech", "wav", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)


def _take(batch: _Batch, calls: Sequence[Call]) -> list[Asking]:
    """Step one: what each request asks for. Those of jobs that have ended are dropped."""
    askings = [one for index, call in enumerate(calls) if (one := _read(batch, index, call))]
    if not askings:
        return []
    taken = batch.ledger.take_all([one.run_of for one in askings])
    return [found for one, what in zip(askings, taken, strict=True) if (found := _asked(batch, one, what))]


def _read(batch: _Batch, index: int, call: Call) -> Asking | None:
    craft = crafts.OF_TASK.get(call.task)
    if craft is None:
        return None
    asking = Asking(index, call, craft, (call.task_id, 0), {})
    try:
        fields = call.kwargs()
        return Asking(index, call, craft, part_of(fields) or asking.run_of, fields)
    except InvalidInput as exc:
        batch.fail(asking, exc)
        return None


def _asked(batch: _Batch, one: Asking, taken: Taken | Exception | None) -> Asking | None:
    if taken is None:
        batch.leave(one, Dropped())
        return None
    try:
        if isinstance(taken, Exception):
            raise taken
        asked: Asked = one.craft.asked_of_part(taken) if one.run_of[1] else one.craft.asked(one.fields)
        own = batch.models.entry.name
        if asked.model != own:
            raise InvalidInput(f"model: {asked.model!r} was sent to the queue of {own!r}")
        return replace(one, asked=asked, variant=one.craft.variant(batch.models.entry, asked), runs=taken.runs)
    except Exception as exc:  # one input's failure, in its own words
        _log_unless_ours(exc, one)
        batch.fail(one, exc)
        return None


def _run_on(batch: _Batch, variant: str | None, askings: Sequence[Asking]) -> None:
    """Steps two to five, for those that want the same model."""
    with ExitStack() as stack:
        try:
            model = stack.enter_context(batch.models.use(variant))
        except (SlotlineError, MemoryError) as exc:
            if variant is None and not batch.models.entry.is_registry:
                raise  # the slot's one model: nobody's input is at fault
            if not isinstance(exc, InvalidInput):
                batch.failed.append(f"load of {variant}")  # once, however many asked: one bad model is not all of them
            for one in askings:
                batch.fail(one, exc)
            return
        work = _claim(batch, _look(batch, model, askings))
        try:
            if work:
                _compute_and_store(batch, model, work)
        finally:
            _release(batch.ledger, [(one.artifact, one.first.call.delivery_tag) for one in work])


def _look(batch: _Batch, model: LoadedModel, askings: Sequence[Asking]) -> list[Work]:
    """Step two: what is to be made, each artifact once; requests whose artifact is there have their outcome."""
    wanted: dict[str, tuple[Any, list[Asking]]] = {}
    made: dict[str, artifacts.Artifact] = {}
    for one in askings:
        try:
            item = one.craft.item(model, one.asked)
            model.adapter.check(item)
            name = artifact_name(model, one.craft, item)
            found = None if name in wanted else made.get(name) or artifacts.store().find(name)
        except Exception as exc:  # one input's failure, in its own words
            _log_unless_ours(exc, one)
            batch.fail(one, exc)
            continue
        if found is None:
            wanted.setdefault(name, (item, []))[1].append(one)
        else:
            made[name] = found
            batch.leave(one, Done(found, computed=False))
    # Whoever made them may have died with them in hand, and others wait for them.
    _release(batch.ledger, [(name, "") for name in made])
    return [Work(name, item, asked) for name, (item, asked) in wanted.items() if not _is_for_alone(batch, asked)]


def _is_for_alone(batch: _Batch, askings: Sequence[Asking]) -> bool:
    """A run of it was begun and did not end well: in company it could cost the others theirs."""
    if batch.size == 1 or not any(one.runs for one in askings):
        return False
    batch.alone.update(one.index for one in askings)
    return True


def _claim(batch: _Batch, wanted: Sequence[Work]) -> list[Work]:
    """Step three: what this batch is to make; the others' outcome is left.

    In one round trip; only where the first of many for one artifact has to wait, the next of them asks in another.
    """
    work: list[Work] = []
    while wanted:
        attempts = batch.ledger.claim_all([_claim_of(one) for one in wanted])
        again: list[Work] = []
        for one, attempt in zip(wanted, attempts, strict=True):
            if isinstance(attempt, int) and attempt > 0:
                work.append(replace(one, attempt=attempt))
                continue
            _not_now(batch, one, attempt)
            if len(one.askings) > 1:
                again.append(replace(one, askings=one.askings[1:]))
        wanted = again
    return work


def _claim_of(work: Work) -> Claim:
    call = work.first.call
    came_by = call.headers.get("delivery_info") or {}
    queue = str(came_by.get("routing_key") or "")
    # To the list that it came from: there the sweep looks for it.
    copy = (list_key(queue, int(came_by.get("priority") or 0)), envelope.copy_of(call.headers, call.body, queue))
    return Claim(work.artifact, call.delivery_tag, copy, work.first.run_of)


def _not_now(batch: _Batch, work: Work, attempt: int | Exception) -> None:
    """The outcome of a request that may not compute."""
    asking = work.first
    if attempt in (FOLLOWS, TOO_SOON):
        batch.leave(asking, Waiting())
    elif attempt == SPENT:
        _release(batch.ledger, [(work.artifact, asking.call.delivery_tag)])
        why = batch.ledger.loss(asking.run_of)
        last = f"; the last time: {why}" if why else ""
        batch.fail(asking, WorkerLost(f"its worker died each of {ATTEMPTS_ALLOWED} times that it was tried{last}"))
    else:
        batch.fail(asking, cast(Exception, attempt))


def _compute_and_store(batch: _Batch, model: LoadedModel, work: Sequence[Work]) -> None:
    """Steps four and five; what a group made is stored before the next group is computed, which cannot cost it."""

    def is_cancelled(number: int) -> bool:
        return all(batch.is_cancelled(one.call.delivery_tag) for one in work[number].askings)

    computing = Computing(model, [one.item for one in work], is_cancelled, batch.fits)
    for number, result in computing.results():
        one = work[number]
        outcome = _store(one, result)
        for asking in one.askings:
            _leave_one(batch, one, asking, outcome)


def _leave_one(batch: _Batch, work: Work, asking: Asking, outcome: outcomes.Outcome) -> None:
    is_first = asking is work.first
    if batch.is_cancelled(asking.call.delivery_tag):
        outcome = Dropped()
    elif isinstance(outcome, Done) and not is_first:
        outcome = Done(outcome.artifact, computed=False)
    elif isinstance(outcome, Failed) and not is_first:
        outcome = Failed(outcome.error, 0)
    if _is_the_models_fault(outcome):
        batch.failed.append(asking.call.task_id)
    batch.worked = batch.worked or isinstance(outcome, Done)
    batch.leave(asking, outcome)


def _is_the_models_fault(outcome: outcomes.Outcome) -> bool:
    """Neither the input's nor the store's nor the broker's: another input would fare no better."""
    return isinstance(outcome, Failed) and not isinstance(outcome.error, (InvalidInput, StoreError, BrokerUnavailable))


def _release(ledger: Ledger, hands: Iterable[tuple[str, str]]) -> None:
    """Let go of artifacts; one that cannot be is let go of by its lease's end."""
    if wanted := list(hands):
        for (name, _), answer in zip(wanted, ledger.release_all(wanted), strict=True):
            if isinstance(answer, Exception):
                logger.warning("%s is not let go of: %s", name, answer)


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


def _store(work: Work, result: Any) -> outcomes.Outcome:
    if isinstance(result, Cancelled):
        return Dropped()
    craft = work.first.craft
    try:
        if isinstance(result, Exception):
            raise result
        made = artifacts.store().put_bytes(work.artifact, *craft.encode(result))
        return Done(made, computed=True, attempt=work.attempt)
    except Exception as exc:  # one input's failure, in its own words
        if not isinstance(exc, SlotlineError):
            logger.exception("the model failed on «%.40s»", craft.words(work.item))
        return Failed(as_slotline_error(exc), work.attempt)


def _log_unless_ours(error: Exception, asking: Asking) -> None:
    if not isinstance(error, SlotlineError):
        logger.error("%s[%s] cannot be read", asking.call.task, asking.call.task_id, exc_info=error)
