"""A slot's one model: it comes, goes and comes again, and is not used while it is away."""

from __future__ import annotations

import pytest

from tests.unit.workers.child.rehearsals import entry
from workers.child.models import loading
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.one import OneModel
from workers.wire.state import State


def test_it_is_loaded_unloaded_and_loaded_again() -> None:
    states: list[State] = []
    life = Lifecycle(states.append)
    table = entry(options={"voices": ["vi"]})
    one = OneModel(table, "cpu", life, lambda: loading.load(table, "cpu", enter=life.enter))
    one.unload()
    assert (states, one.offer, one.status()) == ([], None, {"load_s": None, "voices": [], "languages": []})
    for _ in range(2):
        one.load()
        life.enter(State.READY)
        assert one.offer is not None
        assert (one.status()["voices"], one.status()["languages"]) == (["vi"], ["und"])
        assert one.fetch(None).offer is one.offer
        with one.use(None) as model:
            assert model.offer is one.offer
        one.unload()
        assert one.offer is None
    up_and_down = [State.LOADING, State.WARMING, State.READY, State.UNLOADING, State.UNLOADED]
    assert states == 2 * up_and_down
    with pytest.raises(RuntimeError, match="model is not loaded"), one.use(None):
        pytest.fail("used")


def test_one_model_is_never_idle_in_part() -> None:
    assert OneModel(entry(), "cpu", Lifecycle(), lambda: pytest.fail("loaded")).tidy() is None
