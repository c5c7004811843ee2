"""Errors and ends of processes in billiard's forms."""

from __future__ import annotations

import pickle
import signal
from types import SimpleNamespace

import pytest
from celery.exceptions import Reject

from workers.upstream.billiard import (
    exception_info,
    how_it_ended,
    is_terminated,
    largest_memory_bytes,
    processes_of,
)


def test_an_error_crosses_from_the_child_as_it_is_however_often() -> None:
    error = Reject("not begun", requeue=True)
    for _ in range(2):
        sent = pickle.loads(pickle.dumps(exception_info(error)))
        got = getattr(sent.exception, "exc", sent.exception)
        assert (type(got), got.reason, got.requeue) == (Reject, "not begun", True)


@pytest.mark.parametrize(("code", "words"), [(1, "exitcode 1"), (-signal.SIGKILL, "signal 9 (SIGKILL)")])
def test_the_end_of_a_process_is_said_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_a_process_that_nobody_asked_to_end_is_not_terminated() -> None:
    assert not is_terminated()


def test_the_processes_of_a_pool_are_those_of_billiards_pool_within_and_none_where_there_is_none() -> None:
    inner = SimpleNamespace(_pool=["a", "b"])
    assert processes_of(SimpleNamespace(_pool=inner)) == ("a", "b")
    assert processes_of(SimpleNamespace(_pool=None)) == ()
    assert processes_of(object()) == ()


def test_memory_is_counted_in_bytes() -> None:
    before = largest_memory_bytes()
    block = bytearray(64 * 2**20)
    assert largest_memory_bytes() >= max(before, len(block))
