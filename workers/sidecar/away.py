"""The sidecar's main thread: puts away what was computed, and answers the parent.

It takes all that there is to do at once, so fast jobs share round trips and a slow one holds up none: store the
results, let Celery trace the requests, write what they settle with the results and the releases in one round trip,
answer. Guarantees: an artifact is stored before its part is settled; a call is answered after all that it writes;
each call is answered once; when the child has died, what it computed is put away, and then all other calls are
answered.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from tasks.exit_codes import DONE
from tasks.flow.connections import ledger
from tasks.flow.outcomes import Done as Made
from workers.sidecar.batch_end import BatchEnd
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.shared.done import (
    ChildGone,
    Done,
    LostRun,
    NoRun,
    NotBegunCalls,
    RecallDone,
    Refused,
    RunCame,
    RunStored,
)
from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.stages.claim import give_up
from workers.sidecar.stages.put_away import forget, leave, store_all
from workers.sidecar.tracing import give_back_all, trace_all
from workers.wire.batches import CallsEnded, ModelRan, Recalled

if TYPE_CHECKING:
    from workers.sidecar.process import SidecarState

logger = logging.getLogger(__name__)


def run(sidecar: SidecarState, ready: threading.Thread) -> NoReturn:
    """Put away until the child has died, then say the last words and end the process."""
    while True:
        items = sidecar.done.take()
        is_last = any(isinstance(item, ChildGone) for item in items)
        put_away(sidecar, items)
        if is_last:
            last_words(sidecar, ready)
            os._exit(DONE)
        del items  # what a run was given and made, which may be large, is not kept while nothing comes


def put_away(sidecar: SidecarState, items: Sequence[Done]) -> None:
    """Do all this, and answer the parent."""
    ends: dict[int, BatchEnd] = {}
    recalls: list[int] = []
    models: list[KnownModel] = []
    for item in items:
        if isinstance(item, RecallDone):
            recalls.append(item.number)
        elif not isinstance(item, ChildGone):
            batch = item_batch(item)
            ends.setdefault(batch.number, BatchEnd(batch)).add(item)
            models += model_of(item)
    if ends:
        with sidecar.away_work.on(ends):
            _store(list(ends.values()))
            give_up(ledger(sidecar.app), [work for end in ends.values() for work in end.not_begun])
            _trace(sidecar, list(ends.values()))
            for end in ends.values():
                _answer(sidecar, end)
    for model in models:
        sidecar.known.leave(model)
    for number in recalls:
        sidecar.parent.send(Recalled(number))


def last_words(sidecar: SidecarState, ready: threading.Thread) -> None:
    """The child is dead: what it computed is put away; answer every call that is left."""
    sidecar.incoming.close()
    ready.join()
    left = sidecar.outbox.close()
    running = sidecar.page.running()
    number = running.number if running else None
    lost = [LostRun(run, sidecar.why_broken) for run in left if run.run.number == number]
    back = [NotBegunCalls(run.batch, run=run) for run in left if run.run.number != number]
    put_away(sidecar, [*sidecar.done.rest(), *lost, *back])
    rest = [NotBegunCalls(batch, sorted(batch.left)) for batch in list(sidecar.batches.values())]
    put_away(sidecar, rest)


def item_batch(item: NoRun | RunCame | RunStored | NotBegunCalls | LostRun | Refused) -> HeldBatch:
    """The batch whose calls end."""
    return item.run.batch if isinstance(item, (RunCame, RunStored, LostRun)) else item.batch


def model_of(item: NoRun | RunCame | RunStored | NotBegunCalls | LostRun | Refused) -> list[KnownModel]:
    """The model that the item's run was made ready for, and kept; none if it has no run."""
    run = item.run if isinstance(item, (RunCame, RunStored, LostRun, NotBegunCalls)) else None
    return [run.model] if run is not None and run.model is not None else []


def _store(ends: Sequence[BatchEnd]) -> None:
    """Store what the model made, of all batches at once."""
    came = [one for end in ends for one in end.came]
    stored = iter(store_all(came) if came else ())
    for end in ends:
        end.stored(itertools.islice(stored, len(end.came)))


def _trace(sidecar: SidecarState, ends: Sequence[BatchEnd]) -> None:
    """Let Celery trace what has an outcome, of all batches in one round trip."""
    forget()
    calls, took_s, claims, places = [], [], [], []
    for end in ends:
        ran, batch = end.ran, end.batch
        for outcome in ran.outcomes.values():
            if isinstance(outcome, Made) and outcome.computed:
                sidecar.stored.add(outcome.artifact, monotonic())
        claims += ran.claims
        leave(batch.calls, ran.outcomes, batch.over_limit)
        for index in sorted({*ran.outcomes, *end.others}):
            calls.append(batch.calls[index])
            took_s.append(ran.took_s.get(index, 0.0))
            places.append((end, index))
    if calls or claims:
        for (end, index), result in zip(places, trace_all(sidecar.app, calls, took_s, claims), strict=True):
            end.results[index] = result
    for end in ends:
        for indices, error in end.refused:
            logger.warning(
                "Redis is unreachable or refuses writes; %d messages are given back: %s", len(indices), error
            )
            back = give_back_all(sidecar.app, [end.batch.calls[index] for index in indices], error)
            end.results.update(zip(indices, back, strict=True))


def _answer(sidecar: SidecarState, end: BatchEnd) -> None:
    """Answer the calls that have ended, each once; before them, report the failures and the first success."""
    batch, ran = end.batch, end.ran
    if ran.failed or (ran.worked and sidecar.is_failing):
        sidecar.parent.send(ModelRan(ran.failed, ran.worked))
        sidecar.is_failing = not ran.worked
    results = [(index, result) for index, result in sorted(end.answers().items()) if index in batch.left]
    batch.left.difference_update(index for index, _ in results)
    if not batch.left:
        sidecar.batches.pop(batch.number, None)
    if results:
        sidecar.parent.send(CallsEnded(batch.number, results, end.computed_s, end.computed))
