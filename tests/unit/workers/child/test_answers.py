"""The child's thread that listens to its parent: it answers, hears what is cancelled, and ends without a parent."""

from __future__ import annotations

import os
import signal

import pytest
from kombu.asynchronous import Hub

from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.child.rehearsals import MODEL, OneRehearsal, child_with, entry
from workers.child import answers
from workers.parent.supervisor import Supervisor
from workers.wire.link import pair
from workers.wire.messages import CancelRequests, Operation, RunOperation
from workers.wire.spec import SlotSpec
from workers.wire.state import State
from workers.wire.work_line import work_line


def test_a_child_answers_its_parent_and_ends_without_one(wait_until: WaitUntil) -> None:
    link, other = pair()
    pid = os.fork()
    if pid == 0:
        link.close()
        answering = child_with(OneRehearsal(), other)
        answering.counts.jobs = 3
        answering.life.state = State.BUSY
        answers.listen(answering)
    other.close()
    supervisor = Supervisor(SlotSpec(entry(), "cpu", "w", 1, 3), Hub(), lambda: None)
    try:
        supervisor.started(pid, link)
        status = supervisor.ask_status(10.0)
        assert status is not None
        assert (status["pid"], status["model"], status["state"], status["jobs"]) == (pid, MODEL, "busy", 3)
        assert status["rss_bytes"] > 1_000_000
        link.close()
        wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 5, "the child to end")
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        link.close()
        supervisor.loop.close()


def test_what_the_parent_cancels_and_wants_done_is_known_and_wakes_the_main_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    parents_end, childs_end = pair()
    sidecar, line = work_line()
    child = child_with(OneRehearsal(), childs_end, line)
    parents_end.send(CancelRequests(3, (0, 2)))
    parents_end.send(RunOperation(1, Operation.TIDY))
    parents_end.close()
    answers.listen(child)
    assert child.cancelled.of(3) == {0, 2}
    assert list(child.operations) == [RunOperation(1, Operation.TIDY)]
    assert line.next() is None, "it was woken"
    assert exits == [1], "without a parent"
    for end in (childs_end, sidecar, line):
        end.close()
