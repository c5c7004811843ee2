"""A slot's one model: it comes, goes and comes again, and is not used while it is away."""

from __future__ import annotations

import pytest

from tests.unit.workers.child.rehearsals import entry
from workers.adapters.base import Offer
from workers.adapters.rehearsal import Rehearsal
from workers.child.models import loading
from workers.child.models.base import LoadedModel
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.one import OneModel
from workers.wire.state import State


def test_it_is_loaded_unloaded_and_loaded_again() -> None:
    states: list[State] = []
    life = Lifecycle(states.append)
    table = entry(options={"voices": ["vi"]})
    one = OneModel(table, "cpu", life, lambda: loading.load(table, "cpu", enter=life.enter))
    one.unload()
    nothing: dict[str, object] = {"voices": [], "languages": [], "available_languages": []}
    assert (states, one.offer, one.status()) == ([], None, {"load_s": None, **nothing})
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
        assert (one.status()["load_s"], one.status()["voices"]) == (None, ["vi"]), "its voices are still known"
    up_and_down = [State.LOADING, State.WARMING, State.READY, State.UNLOADING, State.UNLOADED]
    assert states == 2 * up_and_down
    with pytest.raises(RuntimeError, match="model is not loaded"), one.use(None):
        pytest.fail("used")


@pytest.mark.parametrize(("own", "available"), [((), ["en-gb", "fr"]), (("b",), ["b"])])
def test_what_it_can_speak_now_is_named_by_the_adapter_else_by_its_voices(
    own: tuple[str, ...], available: list[str]
) -> None:
    offer = Offer("1", voices={"bella": "en-gb", "celine": "fr"}, languages=own)
    one = OneModel(entry(), "cpu", Lifecycle(), lambda: LoadedModel(entry(), Rehearsal(entry(), "cpu"), offer, 0.5))
    one.load()
    assert (one.status()["languages"], one.status()["available_languages"]) == (["en-gb", "fr"], available)


def test_one_model_is_never_idle_in_part() -> None:
    assert OneModel(entry(), "cpu", Lifecycle(), lambda: pytest.fail("loaded")).tidy() is None
