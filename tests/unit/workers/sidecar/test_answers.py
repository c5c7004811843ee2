"""What the parent says: batches are held, calls are marked, what has not begun comes back; and its death is the end."""

from __future__ import annotations

import os

import pytest

from tasks.messages import ParagraphRequest
from tests.unit.workers.child.rehearsals import call
from tests.unit.workers.sidecar.sidecars import around, run_of
from workers.sidecar import answers
from workers.sidecar.shared.done import NotBegunCalls, RecallDone
from workers.wire.batches import AdapterStats, AskStats, CancelCalls, Recall, RunBatch


def test_a_batch_is_held_and_its_calls_are_marked() -> None:
    with around() as it:
        answers.hear(it.sidecar, RunBatch(3, [call("a"), call("b")], is_alone=True))
        answers.hear(it.sidecar, CancelCalls(3, (1,), "time_limit=1 s, set by its task"))
        answers.hear(it.sidecar, CancelCalls(2, (0,)))
        batch = it.sidecar.incoming.next()
        assert batch is not None
        assert batch is it.sidecar.batches[3]
        assert (batch.is_alone, batch.cancelled) == (True, {1})
        assert batch.over_limit == {1: "time_limit=1 s, set by its task"}


def test_what_the_adapters_count_is_told_at_once() -> None:
    with around() as it:
        it.knows_the_model()
        model = it.sidecar.known.find(None)
        assert model is not None
        model.adapter.prepare(ParagraphRequest(model="model", text="a"))
        answers.hear(it.sidecar, AskStats(4))
        assert it.heard() == [AdapterStats(4, {None: {"prepared": 1}})]


def test_a_recall_hands_on_what_nobody_has_begun_and_ends() -> None:
    with around() as it:
        sent = run_of(it.batch(1), it.sidecar.outbox.number(), size=1)
        it.sidecar.outbox.send([sent])
        answers.hear(it.sidecar, RunBatch(2, [call("a"), call("b")]))
        answers.hear(it.sidecar, Recall(5))
        unread = it.sidecar.batches[2]
        assert it.sidecar.done.take() == [
            NotBegunCalls(sent.batch, run=sent),
            NotBegunCalls(unread, range(2)),
            RecallDone(5),
        ]


def test_a_recall_while_a_batch_is_made_ready_is_ended_by_who_makes_it_ready() -> None:
    with around() as it:
        answers.hear(it.sidecar, RunBatch(1, [call("a")]))
        assert it.sidecar.incoming.next() is not None
        answers.hear(it.sidecar, Recall(5))
        assert it.sidecar.done.rest() == []
        assert it.sidecar.incoming.is_recalled


def test_without_a_parent_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    with around() as it:
        it.parent.close()
        answers.run(it.sidecar)
    assert exits == [1]
