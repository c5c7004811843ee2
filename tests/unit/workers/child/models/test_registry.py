"""Many small models in one slot: loaded once, counted, within their bounds, and never taken from under its user."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.catalog import ModelEntry, parse
from tasks.errors import InvalidInput, MissingExtra, ModelLoadError, OutOfMemory, UnknownVoice
from tests.fixtures.waiting import WaitUntil
from workers.child.models import loading
from workers.child.models.base import LoadedModel
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.registry import Registry
from workers.child.models.sizes import Sizes
from workers.wire.state import State

TABLE = """
[models.voices]
adapter = "rehearsal"
path = "voices/{id}"
faults = true
pretended_bytes = 300_000_000
"""


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Slot:
    """A registry, ready, over folders made for it; it notes each load and can be made to wait in one."""

    def __init__(self, folder: Path, table: str) -> None:
        for name in ("anna", "bert", "carl", "dora"):
            (folder / "voices" / name).mkdir(parents=True, exist_ok=True)
        self.folder = folder / "voices"
        self.clock = Clock()
        self.loaded: list[str] = []
        self.may_load = threading.Event()
        self.may_load.set()
        entry = parse(table, "models.toml", folder)["voices"]
        life = Lifecycle()
        self.registry = Registry(entry, "cpu", life, self._load, self.clock)
        self.registry.load()
        life.enter(State.READY)

    def _load(self, entry: ModelEntry, name: str, tell: Callable[[State], None]) -> LoadedModel:
        self.loaded.append(name)
        assert self.may_load.wait(10)
        return loading.load(entry, "cpu", False, tell)

    def use(self, *names: str) -> None:
        for name in names:
            self.clock.now += 1
            with self.registry.use(name) as model:
                assert model.entry.voice == name
                assert model.entry.path == str(self.folder / name)
                self.clock.now += 0.5

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.registry.status()["registry"]
        return found

    def living(self) -> list[str]:
        return [one["id"] for one in self.status()["models"]]


@pytest.fixture
def slot(tmp_path: Path) -> Callable[..., Slot]:
    return lambda more="": Slot(tmp_path, TABLE + more)


def test_a_model_is_loaded_when_it_is_asked_for_and_then_kept(slot: Callable[..., Slot]) -> None:
    one = slot()
    assert one.living() == []
    one.use("anna", "bert", "anna")
    assert one.loaded == ["anna", "bert"]
    status = one.status()
    assert (status["hits"], status["misses"], status["evictions"], status["bytes"]) == (1, 2, 0, 600_000_000)
    anna = status["models"][0]
    assert (anna["id"], anna["state"], anna["uses"], anna["bytes"]) == ("anna", "ready", 2, 300_000_000)
    assert anna["total_inference_ms"] == pytest.approx(1000)
    assert (anna["loaded_at"], anna["last_used"]) == (1001.0, 1004.5)


def test_each_change_of_what_is_loaded_is_told_an_eviction_before_the_load_that_needs_it(
    slot: Callable[..., Slot],
) -> None:
    one = slot("max_models = 2")
    told: list[tuple[tuple[str, ...], int]] = []
    one.registry.changed = lambda holds: told.append((holds.variants, holds.room))
    assert one.registry.holds().load_s is None
    one.use("anna", "bert", "carl")
    assert told == [(("anna",), 1), (("anna", "bert"), 0), (("bert",), 1), (("bert", "carl"), 0)]
    assert one.registry.holds().load_s is not None
    one.registry.unload()
    assert told[-1] == ((), 2)


def test_each_model_that_is_unloaded_is_named_once(slot: Callable[..., Slot]) -> None:
    one = slot("max_models = 2\nidle_timeout_minutes = 1")
    gone: list[str] = []
    one.registry.gone = gone.append
    one.use("anna", "bert", "carl")
    assert gone == ["anna"]
    one.clock.now += 3600
    one.registry.tidy()
    assert sorted(gone) == ["anna", "bert", "carl"]
    one.use("dora")
    one.registry.unload()
    assert gone[3:] == ["dora"]


@pytest.mark.parametrize(("policy", "gone"), [("lru", "anna"), ("lfu", "bert")])
def test_the_bound_in_number_holds_by_the_policy(slot: Callable[..., Slot], policy: str, gone: str) -> None:
    one = slot(f'max_models = 2\neviction_policy = "{policy}"')
    one.use("anna", "anna", "bert", "carl")
    assert gone not in one.living()
    assert len(one.living()) == 2
    assert one.status()["evictions"] == 1
    one.use(gone)
    assert one.loaded == ["anna", "bert", "carl", gone]


def test_the_bound_in_memory_holds_and_what_is_larger_than_it_is_refused(slot: Callable[..., Slot]) -> None:
    one = slot("max_memory_gb = 0.6")
    one.use("anna", "bert", "carl")
    assert one.living() == ["bert", "carl"]


def test_a_model_larger_than_all_memory_is_refused_and_unloaded(slot: Callable[..., Slot]) -> None:
    one = slot("max_memory_gb = 0.2")
    with pytest.raises(ModelLoadError, match=r"anna takes 0.28 GB, which is more than max_memory_gb = 0.2"):
        one.use("anna")
    assert one.living() == []


def test_a_model_in_use_is_not_evicted_for_another(slot: Callable[..., Slot]) -> None:
    one = slot("max_models = 1\nidle_timeout_minutes = 1")
    with one.registry.use("anna"):
        one.clock.now += 3600
        one.use("bert")
        assert one.living() == ["anna", "bert"], "there is nothing that may go"
        assert [row["state"] for row in one.status()["models"]] == ["busy", "ready"]
        one.use("carl")
        assert one.living() == ["anna", "carl"]
    one.use("bert")
    assert one.living() == ["bert"]


def test_idle_models_go_in_time_and_the_next_look_is_known(slot: Callable[..., Slot]) -> None:
    one = slot("idle_timeout_minutes = 1")
    one.use("anna")
    one.clock.now += 40
    one.use("bert")
    assert one.registry.tidy() == pytest.approx(18.5)
    one.clock.now += 19
    assert one.registry.tidy() == pytest.approx(41.0 - 0.5 + 0.0, abs=1.0)
    assert one.living() == ["bert"]
    one.clock.now += 60
    assert one.registry.tidy() is None
    assert one.living() == []


def test_models_are_never_too_idle_where_the_table_says_so(slot: Callable[..., Slot]) -> None:
    one = slot("idle_timeout_minutes = 0")
    one.use("anna")
    one.clock.now += 3600
    assert one.registry.tidy() is None
    assert one.living() == ["anna"]


def test_two_who_ask_at_once_make_one_load(slot: Callable[..., Slot], wait_until: WaitUntil) -> None:
    one = slot()
    one.may_load.clear()
    results: list[Exception | None] = []

    def ask() -> None:
        with one.registry.use("anna"):
            results.append(None)

    asking = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in asking:
        thread.start()
    wait_until(lambda: one.loaded == ["anna"], 5)
    assert [row["state"] for row in one.status()["models"]] == ["unloaded"], "its status is known while it is loaded"
    one.may_load.set()
    for thread in asking:
        thread.join(5)
    assert results == [None] * 4
    assert one.loaded == ["anna"]
    assert (one.status()["hits"], one.status()["misses"]) == (3, 1)


def test_a_load_that_fails_is_its_askers_fault_and_is_tried_again(slot: Callable[..., Slot]) -> None:
    one = slot()
    one.use("bert")
    (one.folder / "anna" / "fault").write_text("⚡error")
    with pytest.raises(Exception, match="⚡error"):
        one.use("anna")
    assert one.living() == ["bert"]
    (one.folder / "anna" / "fault").unlink()
    one.use("anna")
    assert one.status()["models"][0]["failures"] == 1


@pytest.mark.parametrize("name", ["../anna", "anna/..", "a/b", "", ".hidden", "an..na", "x" * 200, "a\0b"])
def test_an_id_is_no_way_to_another_place(slot: Callable[..., Slot], name: str) -> None:
    with pytest.raises(InvalidInput, match="^voice: "):
        slot().use(name)


def test_an_unknown_id_names_the_near_ones(slot: Callable[..., Slot]) -> None:
    with pytest.raises(UnknownVoice, match="voice: voices has no voice 'berta'; it has bert"):
        slot().use("berta")


def test_a_folder_that_is_gone_is_no_fault_of_those_who_ask(slot: Callable[..., Slot]) -> None:
    one = slot()
    one.use("anna")
    one.folder.rename(one.folder.with_name("elsewhere"))
    with pytest.raises(
        FileNotFoundError, match=r"line 2: \[models.voices\] path: there is no folder .*voices any more"
    ):
        one.use("bert")
    with pytest.raises(InvalidInput):
        one.use("../bert")
    one.folder.with_name("elsewhere").rename(one.folder)
    one.use("anna", "bert")


def test_a_model_that_may_not_be_looked_at_is_named_and_the_others_are_served(
    slot: Callable[..., Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = slot()
    exists = Path.exists

    def denied(path: Path) -> bool:
        if path.name == "bert":
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", denied)  # the tests may run as root, who may look at everything
    with pytest.raises(ModelLoadError, match=r"voices/bert cannot be read \(Permission denied\)"):
        one.use("bert")
    one.use("anna")
    assert one.registry.names() == ["anna", "bert", "carl", "dora"]


def test_without_a_folder_the_slot_cannot_be_loaded(tmp_path: Path) -> None:
    entry = parse(TABLE, "models.toml", tmp_path)["voices"]
    with pytest.raises(ModelLoadError, match=r"models.toml line 2: \[models.voices\] path: there is no folder"):
        Registry(entry, "cpu", Lifecycle(), lambda *_: pytest.fail("nothing to load")).load()


def test_unloading_the_slot_gives_back_all(slot: Callable[..., Slot]) -> None:
    one = slot()
    one.use("anna", "bert")
    one.registry.unload()
    assert one.living() == []


def test_a_model_that_is_fetched_counts_as_no_use_and_its_first_use_as_no_hit(tmp_path: Path) -> None:
    slot = Slot(tmp_path, TABLE)
    assert slot.registry.fetch("anna") is slot.registry.fetch("anna")
    for _ in range(2):
        with slot.registry.use("anna"):
            pass
    found = slot.registry.status()["registry"]
    assert (found["misses"], found["hits"], found["models"][0]["uses"], slot.loaded) == (1, 1, 2, ["anna"])


def test_what_is_preloaded_is_loaded_before_the_slot_is_ready_and_its_uses_are_hits(slot: Callable[..., Slot]) -> None:
    one = slot('preload = ["carl", "anna"]')
    assert one.loaded == ["carl", "anna"]
    assert (one.status()["hits"], one.status()["misses"]) == (0, 0)
    one.use("anna")
    assert (one.status()["hits"], one.status()["misses"]) == (1, 0)
    one.registry.unload()
    one.registry.load()
    assert one.loaded == ["carl", "anna"] * 2


def test_what_cannot_be_preloaded_is_named_in_one_line_and_the_others_are_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "voices" / "bert").mkdir(parents=True)
    (tmp_path / "voices" / "bert" / "fault").write_text("⚡error")
    with caplog.at_level(logging.ERROR):
        one = Slot(tmp_path, TABLE + 'preload = ["gone", "bert", "anna"]')
    assert one.living() == ["anna"]
    place = "models.toml line 2: [models.voices] preload:"
    assert [record.message for record in caplog.records] == [
        f"{place} gone is not loaded: voice: voices has no voice 'gone'; it has anna, bert, carl, dora",
        f"{place} bert is not loaded: text: ⚡error stands in it",
    ]


def test_no_more_is_preloaded_than_fits_into_memory(
    slot: Callable[..., Slot], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        one = slot('max_memory_gb = 0.6\npreload = ["anna", "bert", "carl", "dora"]')
    assert one.loaded == ["anna", "bert", "carl"]
    assert [record.message for record in caplog.records] == [
        "models.toml line 2: [models.voices] preload: max_memory_gb = 0.6 has no room for more than 2 of them"
    ]


def test_what_would_fail_each_load_fails_the_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Slot, entry: ModelEntry, name: str, tell: object) -> LoadedModel:
        raise MissingExtra("run: pip install it")

    monkeypatch.setattr(Slot, "_load", load)
    with pytest.raises(MissingExtra):
        Slot(tmp_path, TABLE + 'preload = ["anna"]')


def test_memory_that_grows_while_models_are_used_counts_by_what_the_driver_shows(
    slot: Callable[..., Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = slot("max_memory_gb = 1.0")
    used = [0]
    one.registry._sizes = Sizes("cuda:0", lambda: used[0])
    one.use("anna", "bert")
    used[0] = 1_000_000_000
    one.registry.look_at_memory()
    assert one.status()["other_bytes"] == 400_000_000
    one.use("bert")
    assert one.living() == ["anna", "bert"], "1.0 GB are 1,073,741,824 bytes"
    used[0] = 1_100_000_000
    one.registry.look_at_memory()
    one.use("anna")
    assert one.living() == ["anna"], "what was used last stays"


def test_a_model_that_reports_that_it_has_grown_pushes_others_out(slot: Callable[..., Slot]) -> None:
    one = slot("max_memory_gb = 1.0")
    one.use("anna", "bert")
    with one.registry.use("bert") as model:
        model.adapter.memory_bytes = lambda: 900_000_000  # type: ignore[method-assign]
    assert one.living() == ["bert"]
    assert one.status()["bytes"] == 900_000_000


def test_a_load_without_memory_unloads_others_one_by_one_and_is_tried_again(
    slot: Callable[..., Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = slot()
    one.use("anna", "bert", "carl")
    genuine = one._load

    def load(entry: ModelEntry, name: str, tell: Callable[[State], None]) -> LoadedModel:
        if len(one.living()) > 2:
            raise OutOfMemory("the memory of cuda:0 ran out")
        return genuine(entry, name, tell)

    monkeypatch.setattr(one.registry, "_load", load)
    one.use("dora")
    assert one.living() == ["carl", "dora"]
    one.use("anna")
    with one.registry.use("dora"), one.registry.use("anna"), pytest.raises(OutOfMemory):
        one.use("bert")
    assert one.living() == ["anna", "dora"]
