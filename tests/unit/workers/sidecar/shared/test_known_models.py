"""The models that the child has loaded, as its sidecar knows them."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

from tasks.errors import CatalogError, ModelLoadError, UnknownVoice
from tests.unit.workers.child.rehearsals import entry
from workers.adapters.base import AnyAdapter, Offer
from workers.adapters.weights import mark_of
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.shared.known_models import Found, KnownModels, TakenBack
from workers.wire.work_line import ModelOffers

OFFER = Offer("r1", 22050)


def test_what_the_child_tells_is_known_with_an_adapter_of_its_own() -> None:
    known = KnownModels(entry(), "cpu", lambda variant: pytest.fail("asked"))
    assert known.find(None) is None
    known.told(ModelOffers(OFFER))
    found = known.find(None)
    assert found is not None
    assert (found.entry, found.offer, found.adapter.craft) == (entry(), OFFER, "speech")


def test_a_model_that_is_told_of_twice_keeps_its_adapter_and_one_that_offers_something_else_gets_another() -> None:
    known = KnownModels(entry(), "cpu", lambda variant: pytest.fail("asked"))
    known.told(ModelOffers(OFFER))
    first = known.find(None)
    known.told(ModelOffers(OFFER, entry=entry(), number=3))
    assert known.find(None) is first
    known.told(ModelOffers(Offer("r2", 22050)))
    second = known.find(None)
    assert second is not None
    assert second.offer.revision == "r2"


def parted(known: KnownModels) -> list[AnyAdapter]:
    """The adapters that were let go of since the last call."""
    return [known.parting.get_nowait() for _ in range(known.parting.qsize())]


@pytest.mark.parametrize("variant", [None, "anna"])
def test_what_was_unloaded_is_forgotten_and_its_adapter_freed(variant: str | None) -> None:
    known = KnownModels(entry(), "cpu", lambda variant: pytest.fail("asked"))
    known.forget(variant)
    known.told(ModelOffers(OFFER, variant))
    found = known.find(variant)
    assert found is not None
    held = weakref.ref(found.adapter)
    known.forget(variant)
    assert parted(known) == [found.adapter]
    del found
    gc.collect()
    assert (known.find(variant), held()) == (None, None)


def test_an_adapter_in_use_is_let_go_of_once_when_its_last_user_has_left() -> None:
    known = KnownModels(entry(path="/voices/{id}"), "cpu", lambda variant: 1)
    known.told(ModelOffers(OFFER, "anna"))
    model = known.take("anna")
    assert model is not None
    known.hold(model)
    known.leave(model)
    known.forget("anna")
    assert (known.take("anna"), parted(known)) == (None, [])
    known.told(ModelOffers(OFFER, "anna"))
    again = known.find("anna")
    assert again is not None
    assert again is not model, "it was unloaded in between, so what its adapter holds may be old"
    known.leave(model)
    assert parted(known) == [model.adapter]
    known.forget("anna")
    assert parted(known) == [again.adapter]


def test_what_nobody_uses_stays_as_long_as_it_is_loaded() -> None:
    known = KnownModels(entry(), "cpu", lambda variant: 1)
    known.told(ModelOffers(OFFER))
    model = known.find(None)
    assert model is not None
    for _ in range(2):
        assert known.take(None) is model
        known.leave(model)
    assert parted(known) == []
    known.told(ModelOffers(Offer("r2", 22050)))
    assert parted(known) == [model.adapter], "another one took its place"


def test_a_model_whose_files_were_replaced_is_noticed_soon_and_gets_another_adapter(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    table, mark = entry(path=str(tmp_path / "anna"), voice="anna"), mark_of(tmp_path / "anna")
    known = KnownModels(entry(path=str(tmp_path / "{id}")), "cpu", lambda variant: 1)
    known.told(ModelOffers(OFFER, "anna", entry=table, mark=mark))
    known.told(ModelOffers(OFFER, "anna", 1, entry=table, mark=mark))
    model = known.find("anna")
    assert model is not None
    assert not known.is_replaced(model, 100.0)
    (tmp_path / "anna" / "frame.png").touch()
    assert not known.is_replaced(model, 101.9), "it is not looked at each time"
    assert known.is_replaced(model, 102.0)
    known.told(ModelOffers(OFFER, "anna", entry=table, mark=mark_of(tmp_path / "anna")))
    again = known.find("anna")
    assert again is not None
    assert again is not model
    assert not known.is_replaced(again, 103.0)
    known.told(ModelOffers(OFFER))
    (only,) = [known.find(None)]
    assert only is not None
    assert not known.is_replaced(only, 999.0), "only a registry's models are looked at"


def test_who_asks_keeps_the_model_also_if_it_is_unloaded_before_he_reads_the_answer() -> None:
    def ask(variant: str | None) -> int:
        known.told(ModelOffers(OFFER, "anna", 7))
        known.forget("anna")
        return 7

    known = KnownModels(entry(path="/voices/{id}"), "cpu", ask)
    model = known.ask("anna")
    assert isinstance(model, KnownModel)
    assert parted(known) == []
    known.leave(model)
    assert parted(known) == [model.adapter]


def test_an_answer_that_nobody_waits_for_any_more_keeps_nothing() -> None:
    known = KnownModels(entry(path="/voices/{id}"), "cpu", lambda variant: 1)
    known.told(ModelOffers(OFFER, "anna", 1))
    unread = known.find("anna")
    assert unread is not None
    known.told(ModelOffers(OFFER, "bert", 2))
    known.forget("anna")
    assert parted(known) == [unread.adapter]


def test_a_registrys_model_has_its_own_table_and_is_forgotten_when_it_cannot_be_loaded() -> None:
    known = KnownModels(entry(path="/voices/{id}"), "cpu", lambda variant: 1)
    table = entry(path="/voices/anna", voice="anna")
    known.told(ModelOffers(OFFER, "anna", entry=table))
    found = known.find("anna")
    assert found is not None
    assert found.entry is table
    known.told(ModelOffers(UnknownVoice("voice: there is no 'anna'"), "anna"))
    assert known.find("anna") is None


@pytest.mark.parametrize("answer", [OFFER, UnknownVoice("voice: there is no 'anna'")])
def test_who_asks_waits_for_the_answer_to_its_own_question(answer: object) -> None:
    def ask(variant: str | None) -> int:
        known.told(ModelOffers(OFFER, "bert", 6))
        threading.Timer(0.05, known.told, [ModelOffers(answer, variant, 7)]).start()
        return 7

    known = KnownModels(entry(), "cpu", ask)
    found = known.ask("anna")
    assert found is answer if isinstance(answer, Exception) else isinstance(found, KnownModel)


def test_what_adapters_count_is_told_by_model_without_those_that_count_nothing_or_fail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = KnownModels(entry(path="/voices/{id}"), "cpu", lambda variant: 1)
    for name in ("anna", "bert", "carl"):
        known.told(ModelOffers(OFFER, name))
        model = known.find(name)
        assert model is not None
        if name != "bert":
            model.adapter.stats = (lambda: {"hits": 3}) if name == "anna" else (lambda: 1 / 0)  # type: ignore[method-assign, assignment, return-value]
    assert known.stats() == {"anna": {"hits": 3}}
    assert [record.message for record in caplog.records] == ["model does not tell what it counts"]


def test_a_question_that_is_recalled_has_no_answer() -> None:
    def ask(variant: str | None) -> int:
        threading.Timer(0.05, known.recall).start()
        return 1

    known = KnownModels(entry(), "cpu", ask)
    with pytest.raises(TakenBack):
        known.ask("anna")


def test_after_the_childs_death_nobody_waits_for_an_answer() -> None:
    known = KnownModels(entry(), "cpu", lambda variant: 1)
    known.close()
    with pytest.raises(TakenBack):
        known.ask("anna")


def test_an_adapter_that_cannot_be_told_is_the_error_of_the_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def attach(self: object, offer: Offer) -> None:
        raise KeyError("positions")

    monkeypatch.setattr("workers.adapters.rehearsal.Rehearsal.attach", attach, raising=False)
    found: list[Found] = []
    for table in (entry(), entry(adapter="nothing")):
        known = KnownModels(table, "cpu", lambda variant: 1)
        known.told(ModelOffers(OFFER, None, 1))
        found.append(known.ask(None))
    assert [type(one) for one in found] == [ModelLoadError, CatalogError]
