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
from workers.wire.messages import CancelRequests
from workers.wire.spec import SlotSpec
from workers.wire.state import State


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


def test_what_the_parent_cancels_is_known_by_its_delivery_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    parents_end, childs_end = pair()
    child = child_with(OneRehearsal(), childs_end)
    parents_end.send(CancelRequests(("one", "two")))
    parents_end.send(CancelRequests(("three",), "time_limit=3 s, set by the sender"))
    parents_end.close()
    answers.listen(child)
    assert child.cancelled == {"one", "two", "three"}
    assert child.over_limit == {"three": "time_limit=3 s, set by the sender"}
    assert exits == [1], "without a parent"
    childs_end.close()
