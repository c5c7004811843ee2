"""Batches on their way to the ready thread, and recalls that come before, while and after one is made ready."""

from __future__ import annotations

from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.shared.incoming import Incoming


def test_batches_come_in_order_and_a_recall_takes_those_that_nobody_has_begun() -> None:
    incoming = Incoming()
    one, two, three = (HeldBatch(number, []) for number in (1, 2, 3))
    for batch in (one, two, three):
        incoming.put(batch)
    assert incoming.next() is one
    assert not incoming.is_recalled
    assert incoming.recall(7) == ([two, three], True)
    assert incoming.is_recalled
    assert incoming.done() == [7]
    assert (incoming.is_recalled, incoming.done()) == (False, [])


def test_a_recall_while_nothing_is_made_ready_is_its_askers_to_end() -> None:
    incoming = Incoming()
    assert incoming.recall(1) == ([], False)
    assert incoming.done() == []


def test_after_the_childs_death_nothing_comes_and_what_is_made_ready_counts_as_recalled() -> None:
    incoming = Incoming()
    batch = HeldBatch(1, [])
    incoming.put(batch)
    assert incoming.close() == [batch]
    assert incoming.is_recalled
    assert incoming.next() is None
