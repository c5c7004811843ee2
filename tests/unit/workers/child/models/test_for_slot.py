"""The models of a slot's table, and what the parent hears while one is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelLoadError, UnknownFace, UnknownVoice
from tests.unit.workers.child.rehearsals import entry
from workers.child.models.for_slot import models_for
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.one import OneModel
from workers.child.models.registry import Registry
from workers.wire.link import ChildEnd, ParentEnd, pair
from workers.wire.messages import VariantLoadBegan, VariantLoadEnded, WaitsForTurn
from workers.wire.spec import SlotSpec
from workers.wire.state import State
from workers.wire.work_line import ModelGone, ModelOffers


@pytest.fixture
def ends() -> Iterator[tuple[ParentEnd, ChildEnd]]:
    parents_end, childs_end = pair()
    yield parents_end, childs_end
    parents_end.close()
    childs_end.close()


class BusyGpu:
    """A GPU on which another worker loads first."""

    label = gpu_type = "H200"

    def load(self, load: Callable[[], Any], waits: Callable[[str], None]) -> Any:
        waits("other@host")
        return load()

    def end_turn(self) -> None: ...

    def used_bytes(self) -> int | None:
        return None

    def unloaded(self) -> None: ...

    def child_ended(self) -> None: ...


def test_one_model_waits_for_its_turn_on_a_gpu_before_it_is_loading(ends: tuple[ParentEnd, ChildEnd]) -> None:
    parents_end, childs_end = ends
    life = Lifecycle()
    told: list[ModelOffers | ModelGone] = []
    spec = SlotSpec(entry(), "cpu", "w", 1, 3, BusyGpu())
    models = models_for(spec, life, childs_end, frozenset(), told.append, told.append)
    assert isinstance(models, OneModel)
    models.load()
    assert parents_end.pending(1.0) == [WaitsForTurn("other@host")]
    assert life.state is State.WARMING
    assert models.offer is not None
    assert told == [ModelOffers(models.offer, entry=entry())], "the sidecar knows it before the parent does"
    life.enter(State.READY)
    models.unload()
    assert told[1:] == [ModelGone()], "and that it need not be ready for inputs any more"


def test_each_load_of_a_registry_is_announced_with_its_end_and_one_that_kills_is_refused(
    ends: tuple[ParentEnd, ChildEnd], tmp_path: Path
) -> None:
    parents_end, childs_end = ends
    for name in ("good", "bad", "deadly"):
        (tmp_path / name).mkdir()
    (tmp_path / "bad" / "fault").write_text("⚡error")
    told: list[Any] = []
    spec = SlotSpec(entry(path=str(tmp_path / "{id}"), options={"faults": True}), "cpu", "w", 1, 3)
    models = models_for(spec, Lifecycle(), childs_end, frozenset({"deadly"}), told.append, told.append)
    assert isinstance(models, Registry)
    with models.use("good") as model:
        assert model.entry.voice == "good"
    assert [(one.variant, one.entry.voice, one.number) for one in told] == [("good", "good", 0)]
    with pytest.raises(Exception, match="⚡error"), models.use("bad"):
        pytest.fail("loaded")
    with (
        pytest.raises(ModelLoadError, match="^deadly: loading it ended this slot's process 3 times$"),
        models.use("deadly"),
    ):
        pytest.fail("loaded")
    assert models.holds().variants == ("good",)
    assert parents_end.pending(1.0) == [
        VariantLoadBegan("good"),
        VariantLoadEnded("good", is_loaded=True),
        models.holds(),
        VariantLoadBegan("bad"),
        VariantLoadEnded("bad", is_loaded=False),
    ]
    with pytest.raises(UnknownVoice, match="^voice: model has no voice 'x'"), models.use("x"):
        pytest.fail("loaded")
    told.clear()
    models._unload("good")
    assert told == [ModelGone("good")], "the sidecar lets go of what it holds for it"


@pytest.mark.parametrize(
    ("adapter", "options", "error"),
    [("rehearsal", {"gives": "film"}, UnknownFace), ("rehearsal", {}, UnknownVoice), ("nothing", {}, UnknownVoice)],
)
def test_a_registry_calls_its_models_as_the_requests_of_its_craft_do(
    ends: tuple[ParentEnd, ChildEnd], tmp_path: Path, adapter: str, options: dict[str, Any], error: type[Exception]
) -> None:
    table = entry(adapter=adapter, path=str(tmp_path / "{id}"), options=options)
    spec = SlotSpec(table, "cpu", "w", 1, 3)
    models = models_for(spec, Lifecycle(), ends[1], frozenset(), lambda told: None, lambda told: None)
    with pytest.raises(error, match="model has no"), models.use("x"):
        pytest.fail("loaded")


def test_a_model_whose_folder_is_replaced_is_loaded_again_and_one_that_is_removed_is_unknown(
    ends: tuple[ParentEnd, ChildEnd], tmp_path: Path
) -> None:
    for name in ("anna", "bert"):
        (tmp_path / "faces" / name).mkdir(parents=True)
    told: list[Any] = []
    spec = SlotSpec(entry(path=str(tmp_path / "faces" / "{id}"), options={"gives": "film"}), "cpu", "w", 1, 3)
    models = models_for(spec, Lifecycle(), ends[1], frozenset(), told.append, told.append)
    first = models.fetch("anna")
    assert models.fetch("anna") is first
    (tmp_path / "faces" / "anna").rename(tmp_path / "old")
    (tmp_path / "faces" / "anna").mkdir()
    second = models.fetch("anna")
    assert second is not first
    assert [(type(one), one.variant) for one in told] == [
        (ModelOffers, "anna"), (ModelGone, "anna"), (ModelOffers, "anna"),
    ]  # fmt: skip
    assert told[0].mark != told[2].mark == second.mark
    (tmp_path / "faces").rename(tmp_path / "away")
    assert models.fetch("anna") is second, "nothing is known of it while the whole folder is away"
    (tmp_path / "away").rename(tmp_path / "faces")
    (tmp_path / "faces" / "anna").rmdir()
    with pytest.raises(UnknownFace, match="has no face 'anna'; it has bert"):
        models.fetch("anna")
