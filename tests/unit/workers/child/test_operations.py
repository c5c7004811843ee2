"""Load, unload, tidy: each does nothing where there is nothing to do, and a failed load is the parent's to judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.errors import MissingExtra, ModelLoadError
from tests.unit.workers.child.rehearsals import OneRehearsal, child_with, entry
from workers.child import operations
from workers.wire.link import ChildEnd, ParentEnd, pair
from workers.wire.messages import FailedToLoad, Loaded, Operation, OperationRan, RunOperation
from workers.wire.state import State


class Exited(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ParentEnd, ChildEnd]]:
    def exit_with(code: int) -> None:
        raise Exited(code)

    monkeypatch.setattr(os, "_exit", exit_with)
    parents_end, childs_end = pair()
    yield parents_end, childs_end
    parents_end.close()
    childs_end.close()


class Gpu:
    """A GPU's share that notes what is done with it."""

    label = gpu_type = "H200"

    def __init__(self, done: list[str]) -> None:
        self.done = done

    def load(self, load: Callable[[], Any], waits: Callable[[str], None]) -> Any:
        return load()

    def end_turn(self) -> None:
        self.done.append("end_turn")

    def unloaded(self) -> None:
        self.done.append("unloaded")

    def child_ended(self) -> None:
        self.done.append("child_ended")


def test_what_is_loaded_is_not_loaded_again_and_what_is_not_is_not_unloaded(ends: tuple[ParentEnd, ChildEnd]) -> None:
    parents_end, childs_end = ends
    models = OneRehearsal()
    child = child_with(models, childs_end)
    operations.run(child, Operation.UNLOAD)
    assert models.calls == []
    child.life.enter(State.LOADING)
    operations.run(child, Operation.LOAD)
    operations.run(child, Operation.LOAD)
    assert models.calls == ["load"]
    assert child.life.state is State.READY
    (loaded,) = parents_end.pending(1.0)
    assert isinstance(loaded, Loaded)
    assert (loaded.load_s, loaded.offer) == (0.5, None)
    assert loaded.rss_bytes > 0
    operations.run(child, Operation.UNLOAD)
    assert models.calls == ["load", "unload"]


def test_tidying_answers_when_to_ask_again(ends: tuple[ParentEnd, ChildEnd]) -> None:
    assert operations.run(child_with(OneRehearsal(), ends[1]), Operation.TIDY) == 7.0


def test_what_the_parent_asked_for_is_run_in_order_and_answered_and_an_error_is_an_answer(
    ends: tuple[ParentEnd, ChildEnd], monkeypatch: pytest.MonkeyPatch
) -> None:
    parents_end, childs_end = ends
    models = OneRehearsal()
    child = child_with(models, childs_end)
    child.life.state = State.READY

    def fails() -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(models, "unload", fails)
    child.operations.extend([RunOperation(1, Operation.TIDY), RunOperation(2, Operation.UNLOAD)])
    operations.run_waiting(child)
    assert parents_end.pending(1.0) == [
        OperationRan(1, 7.0),
        OperationRan(2, None, "ZeroDivisionError: division by zero"),
    ]
    assert not child.operations


def test_the_memory_of_a_model_is_promised_before_it_leaves_the_gpu(ends: tuple[ParentEnd, ChildEnd]) -> None:
    models = OneRehearsal()
    child = child_with(models, ends[1], gpu=Gpu(models.calls))
    child.life.enter(State.LOADING)
    operations.load(child)
    operations.unload(child)
    assert models.calls == ["load", "unloaded", "unload"]


def test_a_registry_that_is_ready_lets_others_load(ends: tuple[ParentEnd, ChildEnd]) -> None:
    models = OneRehearsal(entry(path="/voices/{id}"))
    child = child_with(models, ends[1], gpu=Gpu(models.calls))
    child.life.enter(State.LOADING)
    operations.load(child)
    assert models.calls == ["load", "end_turn"]


@pytest.mark.parametrize(
    ("error", "is_permanent", "has_traceback"),
    [
        (ModelLoadError("weights:\n gone"), False, False),
        (MissingExtra("pip install it"), True, False),
        (ZeroDivisionError("division by zero"), False, True),
    ],
)
def test_a_load_that_fails_is_reported_in_one_line_and_ends_the_process(
    ends: tuple[ParentEnd, ChildEnd], error: Exception, is_permanent: bool, has_traceback: bool
) -> None:
    parents_end, childs_end = ends
    child = child_with(OneRehearsal(fails={None: error}), childs_end)
    with pytest.raises(Exited, match="1"):
        operations.load(child)
    (failed,) = parents_end.pending(1.0)
    assert isinstance(failed, FailedToLoad)
    assert failed.error == f"{type(error).__name__}: {' '.join(str(error).split())}"
    assert failed.is_permanent is is_permanent
    assert (failed.traceback is not None) is has_traceback
    assert child.life.state is State.FAILED
