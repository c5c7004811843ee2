"""What the child says: results for the away thread, what it offers, why it broke; and its death is the last of it."""

from __future__ import annotations

import threading

import pytest

from tests.unit.workers.sidecar.sidecars import around, computed, run_of
from workers.adapters.base import Offer
from workers.sidecar import results
from workers.sidecar.shared.done import ChildGone, RunCame
from workers.wire.work_line import ModelGone, ModelOffers, RunBroke, RunEnded


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


def test_what_the_child_has_unloaded_is_let_go_of() -> None:
    with around() as it:
        for variant in ("anna", "bert"):
            results.hear(it.sidecar, ModelOffers(Offer("r2", 22050), variant))
        found = it.sidecar.known.find("anna")
        assert found is not None
        results.hear(it.sidecar, ModelGone("anna"))
        assert it.sidecar.known.find("anna") is None
        assert it.sidecar.known.find("bert") is not None
        assert it.sidecar.known.parting.get_nowait() is found.adapter


def test_a_child_that_waits_goes_on_when_its_offer_is_known() -> None:
    with around() as it:
        child = threading.Thread(target=it.child.offer, args=(ModelOffers(Offer("r2", 22050)),))
        child.start()
        offers = it.sidecar.line.receive()
        assert child.is_alive()
        results.hear(it.sidecar, offers)
        child.join(10)
        assert not child.is_alive()
        assert it.sidecar.known.find(None) is not None


class Unreadable:
    """It can be sent, and not be read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)


def test_the_page_names_the_batch_whose_results_cannot_be_read_and_none_after_those_that_can() -> None:
    with around() as it:
        runs = [run_of(it.batch(number), it.sidecar.outbox.number(), size=1) for number in (4, 5)]
        it.sidecar.outbox.send(runs)
        computed(it.child, "a sound")
        results.hear(it.sidecar, results.receive(it.sidecar))
        assert it.sidecar.page.reading[0] == 0
        computed(it.child, Unreadable())
        with pytest.raises(ValueError, match="no number"):
            results.receive(it.sidecar)
        assert it.sidecar.page.reading[0] == 5
