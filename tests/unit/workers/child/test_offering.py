"""What a slot offers: of a loaded model what it says, of a registry the names in its folder, now and later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.child.rehearsals import entry
from workers.adapters.rehearsal import SAMPLE_RATE, Rehearsal
from workers.child import offering
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.registry import Registry
from workers.wire.link import pair
from workers.wire.messages import FromChild, RegistryHolds, RegistryOffer


def test_a_loaded_model_offers_what_it_says_and_its_adapters_craft() -> None:
    offer = Rehearsal(entry(), "cpu").load()
    published = offering.of_model(entry(), "cpu", offer)
    assert (published.model, published.adapter, published.craft) == ("model", "rehearsal", "speech")
    assert (published.sample_rate, published.default_voice, published.is_registry) == (SAMPLE_RATE, "vi", False)


def test_a_registry_offers_its_names_though_none_is_loaded_nor_its_adapter_known() -> None:
    published = offering.of_registry(entry(path="/voices/{id}"), "cpu", ["anna", "bert"])
    assert (published.voices, published.craft) == ({"anna": "und", "bert": "und"}, "speech")
    assert (published.sample_rate, published.is_registry) == (None, True)
    assert offering.of_registry(entry(adapter="not-here"), "cpu", []).craft == ""


class Asked(BaseModel):
    n: int = Field(ge=1)


class Unsayable(BaseModel):
    call: Callable[[], None]


class Endless(BaseModel):
    kind: Literal[tuple(f"{number:0100}" for number in range(1000))]  # type: ignore[valid-type]


def test_the_schema_of_what_an_adapter_declares_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = Rehearsal(entry(), "cpu").load()
    assert offering.of_model(entry(), "cpu", offer).input_schema == ""
    monkeypatch.setattr(Rehearsal, "input_model", Asked)
    schema = json.loads(offering.of_model(entry(), "cpu", offer).input_schema)
    assert schema["properties"] == {"n": {"minimum": 1, "title": "N", "type": "integer"}}
    assert json.loads(offering.of_registry(entry(path="/m/{id}"), "cpu", ["a"]).input_schema) == schema


@pytest.mark.parametrize(
    ("declared", "said"), [(Unsayable, "Unsayable has no JSON schema: "), (Endless, "at most 65,536$")]
)
def test_what_has_no_schema_or_a_very_long_one_is_logged_once_and_checked_in_the_slot_alone(
    declared: type[BaseModel], said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Rehearsal, "input_model", declared)
    offer = Rehearsal(entry(), "cpu").load()
    assert [offering.of_model(entry(), "cpu", offer).input_schema for _ in range(2)] == ["", ""]
    (logged,) = caplog.messages
    assert re.search(said, logged)


def test_a_registrys_offer_is_sent_again_as_its_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(offering, "SENT_EVERY_S", 0.01)
    (tmp_path / "anna").mkdir()
    parents_end, childs_end = pair()
    registry = Registry(entry(path=str(tmp_path / "{id}")), "cpu", Lifecycle(), lambda *_: pytest.fail("loaded"))
    offering.keep_sending(childs_end, registry, "cpu")
    heard: list[FromChild] = list(parents_end.pending(1.0))
    assert isinstance(heard[0], RegistryOffer)
    assert list(heard[0].offer.voices) == ["anna"]
    assert heard[1] == RegistryHolds((), 16)
    (tmp_path / "bert").mkdir()

    def is_known() -> bool:
        heard.extend(parents_end.pending())
        offers = [one.offer for one in heard if isinstance(one, RegistryOffer)]
        return list(offers[-1].voices) == ["anna", "bert"]

    wait_until(is_known, 5, "the new name")
    parents_end.close()
    childs_end.close()
