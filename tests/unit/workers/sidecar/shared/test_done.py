"""What the away thread has to do: all that there is, in order."""

from __future__ import annotations

import threading

from workers.sidecar.shared.done import ChildGone, DoneQueue, RecallDone


def test_all_that_there_is_is_taken_at_once_in_order() -> None:
    queue = DoneQueue()
    queue.put(RecallDone(1), RecallDone(2))
    queue.put(ChildGone())
    assert queue.take() == [RecallDone(1), RecallDone(2), ChildGone()]
    assert queue.rest() == []


def test_who_takes_waits_for_something() -> None:
    queue = DoneQueue()
    later = threading.Timer(0.05, queue.put, [RecallDone(1)])
    later.start()
    assert queue.take() == [RecallDone(1)]
    later.join()
