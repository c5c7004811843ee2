"""From a table to a model: its states in order, and one error of slotline's own whatever went wrong."""

from __future__ import annotations

import pytest

from tasks.errors import CatalogError, MissingExtra, ModelLoadError, OutOfMemory
from tests.unit.workers.child.rehearsals import entry
from workers.adapters.base import Offer
from workers.adapters.rehearsal import Rehearsal
from workers.child.models import loading
from workers.wire.state import State


@pytest.mark.parametrize(("warm_up", "entered"), [(True, [State.LOADING, State.WARMING]), (False, [State.LOADING])])
def test_a_model_is_loaded_and_then_run_once_if_it_is_to_be_warm(
    monkeypatch: pytest.MonkeyPatch, warm_up: bool, entered: list[State]
) -> None:
    warm: list[bool] = []
    monkeypatch.setattr(Rehearsal, "warm_up", lambda self: warm.append(True))
    states: list[State] = []
    model = loading.load(entry(), "cpu", warm_up, states.append)
    assert (states, warm) == (entered, [True] * warm_up)
    assert model.offer == model.adapter.load()
    assert model.load_s >= 0


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (MissingExtra("pip install it"), MissingExtra, "pip install it"),
        (MemoryError(), OutOfMemory, "memory ran out while model was loaded"),
        (RuntimeError("bad_alloc"), OutOfMemory, "memory ran out while model was loaded: bad_alloc"),
        (ValueError("two\n  lines"), ModelLoadError, "ValueError: two lines"),
        (ValueError(), ModelLoadError, "ValueError: no reason given"),
    ],
)
def test_what_goes_wrong_in_an_adapter_is_one_line_of_our_own(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception], words: str
) -> None:
    def load(self: Rehearsal) -> Offer:
        raise error

    monkeypatch.setattr(Rehearsal, "load", load)
    with pytest.raises(raised) as caught:
        loading.load(entry(), "cpu")
    assert str(caught.value) == words


def test_a_second_try_helps_but_for_a_missing_package_and_a_wrong_table() -> None:
    errors = [ModelLoadError("x"), MemoryError(), MissingExtra("x"), CatalogError("x")]
    assert [loading.can_be_retried(error) for error in errors] == [True, True, False, False]
