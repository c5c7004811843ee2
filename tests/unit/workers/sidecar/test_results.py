"""What the child says: results for the away thread, what it offers, why it broke; and its death is the last of it."""

from __future__ import annotations

from tests.unit.workers.sidecar.sidecars import around, computed, run_of
from workers.adapters.base import Offer
from workers.sidecar import results
from workers.sidecar.shared.done import ChildGone, RunCame
from workers.wire.work_line import ModelOffers, RunBroke, RunEnded


def test_results_are_handed_on_with_their_run_until_the_child_has_died() -> None:
    with around() as it:
        run = run_of(it.batch(1), it.sidecar.outbox.number(), size=1)
        it.sidecar.outbox.send([run])
        ended = computed(it.child, "a sound")
        it.child.answer(RunEnded(99, ["of nobody"], 0.1))
        it.child.answer(RunBroke(2, "SystemExit(7)"))
        it.child.close()
        results.run(it.sidecar)
        came, gone = it.sidecar.done.take()
        assert isinstance(came, RunCame)
        assert (came.run, came.ended, gone) == (run, ended, ChildGone())
        assert it.sidecar.why_broken == "SystemExit(7)"


def test_what_the_child_offers_is_known() -> None:
    with around() as it:
        results.hear(it.sidecar, ModelOffers(Offer("r2", 22050)))
        found = it.sidecar.known.find(None)
        assert found is not None
        assert found.offer.revision == "r2"
