"""The thread that makes batches ready: read, take, look, claim, group; then it sends their runs to the child.

One batch at a time, in order. The steps are in `stages/`; what needs no run goes to the away thread. Guarantees:

- nothing begins while the model is paused: the claim finds out, counts no attempt, and the call goes back;
- a call with an earlier attempt may have killed its process, so it is made ready only in a batch that is alone;
- a call that is cancelled before its run is sent is dropped, and its attempt does not count;
- what is recalled meanwhile is not sent; a run that was claimed is always either sent, or handed on to be given up.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from tasks.exit_codes import FAILED
from tasks.flow.connections import ledger
from tasks.flow.outcomes import Dropped
from workers.sidecar import crafts
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.shared.done import NoRun, NotBegunCalls, RecallDone, Refused
from workers.sidecar.shared.held import HeldBatch, HeldRun
from workers.sidecar.shared.known_models import Found, TakenBack
from workers.sidecar.stages.claim import give_up
from workers.sidecar.stages.make_ready import make_ready, take, without_made
from workers.sidecar.stages.runs import runs_of
from workers.sidecar.stages.work import Ran, ReadyBatch, Work
from workers.sidecar.tracing import BROKER_REFUSES
from workers.wire.page import Stage
from workers.wire.work_line import Run

if TYPE_CHECKING:
    from tasks.flow.ledger import Ledger
    from workers.sidecar.process import SidecarState

logger = logging.getLogger(__name__)


def run(sidecar: SidecarState) -> None:
    """Make batches ready until the child has died; any other error ends the process."""
    try:
        while (batch := sidecar.incoming.next()) is not None:
            Readying(sidecar, batch).run()
            finish_recalls(sidecar)
    except BaseException:  # the boundary of the thread; a SystemExit would end it without a word
        logger.exception("the sidecar cannot make batches ready any more")
        os._exit(FAILED)


def finish_recalls(sidecar: SidecarState) -> None:
    """End the recalls that came while the last batch was made ready, which may have sent runs since then."""
    if recalls := sidecar.incoming.done():
        sidecar.recall()
        sidecar.done.put(*map(RecallDone, recalls))


class Readying:
    """One batch on its way to the child; `run` is called once."""

    def __init__(self, sidecar: SidecarState, batch: HeldBatch) -> None:
        self._sidecar = sidecar
        self._batch = batch
        self._open = set(range(len(batch.calls)))
        """The calls that were neither sent nor handed on."""

    def run(self) -> None:
        """Make the batch ready; each call is sent to the child or handed on to the away thread."""
        self._enter()
        try:
            self._make_ready(ledger(self._sidecar.app))
        except TakenBack:
            self._sidecar.done.put(NotBegunCalls(self._batch, sorted(self._open)))
        except BROKER_REFUSES as exc:
            self._sidecar.done.put(Refused(self._batch, sorted(self._open), exc))
        # Not in a `finally`: any other error ends the process, and then the page must say of which batch.
        self._leave()

    def _make_ready(self, of: Ledger) -> None:
        batch, entry = self._batch, self._sidecar.spec.entry
        others = frozenset(index for index, call in enumerate(batch.calls) if call.task not in crafts.by_task())
        returned = others if others and of.queries.is_paused(entry.name) else frozenset()
        taken = take(of, entry, batch.calls, has_company=not batch.is_alone)
        self._hand_on(Ran(outcomes=dict(taken.outcomes), alone=taken.alone, returned=returned), others - returned)
        for variant, requests in taken.by_variant.items():
            with self._model(variant) as model:
                began = monotonic()
                ready = make_ready(of, model, requests, has_company=not batch.is_alone)
                names = [work.artifact for work in ready.work]
                ready = without_made(of, ready, self._sidecar.stored.since(names, began))
                self._hand_on(Ran(ready.failed, False, ready.alone, dict(ready.outcomes), ready.returned))
                self._send(of, ready, variant)

    @contextmanager
    def _model(self, variant: str | None) -> Iterator[Found]:
        """The model as the child has it, kept in the block; the child loads it first where it has not told of it."""
        known = self._sidecar.known
        found: Found | None = known.take(variant)
        if isinstance(found, KnownModel) and known.is_replaced(found, monotonic()):
            known.leave(found)
            found = None
        if found is None:
            found = self._asked(variant)
        try:
            yield found
        finally:
            if isinstance(found, KnownModel):
                known.leave(found)

    def _asked(self, variant: str | None) -> Found:
        if self._sidecar.incoming.is_recalled:
            raise TakenBack
        self._leave()
        try:
            return self._sidecar.known.ask(variant)
        finally:
            self._enter()

    def _send(self, of: Ledger, ready: ReadyBatch, variant: str | None) -> None:
        """Send the runs of one model, without those that nobody wants any more."""
        batch, outbox = self._batch, self._sidecar.outbox
        unwanted = [work for work in ready.work if batch.is_unwanted(work)]
        give_up(of, unwanted)
        self._hand_on(Ran(outcomes={index: Dropped() for work in unwanted for index in work.calls}))
        wanted = [work for work in ready.work if work not in unwanted]
        if ready.model is None or not wanted:
            return
        revision = ready.model.offer.revision
        pieces = runs_of(ready.model, wanted, self._batch_size)
        runs = [self._held(work, variant, revision, ready.model) for work in pieces]
        self._open -= {index for run in runs for index in run.calls}
        if self._sidecar.incoming.is_recalled:
            self._sidecar.done.put(*(NotBegunCalls(batch, run=run) for run in runs))
        else:
            outbox.send(runs)

    @property
    def _batch_size(self) -> int:
        return self._sidecar.spec.batch_size

    def _held(self, work: Sequence[Work], variant: str | None, revision: str, model: KnownModel) -> HeldRun:
        self._sidecar.known.hold(model)
        number = self._sidecar.outbox.number()
        calls, items = [one.calls for one in work], [one.item for one in work]
        return HeldRun(Run(number, self._batch.number, calls, items, variant, revision), self._batch, work, model)

    def _hand_on(self, ran: Ran, others: frozenset[int] = frozenset()) -> None:
        """To the away thread, unless there is nothing."""
        ended = ran.alone | ran.returned | ran.outcomes.keys() | others
        self._open -= ended
        if ended:
            self._sidecar.done.put(NoRun(self._batch, ran, sorted(others)))

    def _enter(self) -> None:
        self._sidecar.page.enter(Stage.READY, self._batch.number, monotonic())

    def _leave(self) -> None:
        self._sidecar.page.leave(Stage.READY, monotonic())
