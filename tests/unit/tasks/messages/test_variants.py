"""A message says which of a registry's models it needs, in one word, whoever writes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.catalog import ModelEntry
from tasks.compact_json import dumps
from tasks.errors import InvalidInput, UnknownFace, UnknownVoice
from tasks.flow.ledger import Ledger
from tasks.flow.payloads import input_payload
from tasks.kinds.map import MapKind
from tasks.kinds.speech import ChapterKind
from tasks.messages import ChapterRequest, MapRequest, ParagraphRequest, SummaryPartRequest
from tasks.messages.variants import HEADER, LONGEST_WORD, check_variant, headers_of, unknown_variant, word_of
from tasks.offers import Published
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, OPENING, messages

CATALOG = """
[models.many]
adapter = "rehearsal"
path = "{folder}/{{id}}"
voice = "anna"

[models.one]
adapter = "rehearsal"
"""

NAMES = ["anna", "Nữ miền Nam 1", 'a"b\\c\n\x01', "x" * 200, "chữ" * 60]


class NothingPublished:
    """No worker was ready."""

    def published(self, model: str) -> None:
        return None


NOTHING: Any = NothingPublished()


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    return Ledger(raw_redis)


@pytest.fixture
def catalog_file(use_catalog: UseCatalog, tmp_path: Path) -> Path:
    for name in ("anna", "bert"):
        (tmp_path / "voices" / name).mkdir(parents=True)
    return use_catalog(CATALOG.format(folder=tmp_path / "voices"))


def headers_in(raw_redis: Any, queue: str) -> list[str | None]:
    return [one["headers"].get(HEADER) for one in messages(raw_redis, queue)]


FACES = Published("faces", "lipsync", "", None, {"anna": "und", "bert": "und"}, craft="lipsync", is_registry=True)
NO_FACE = "^face: missing; 'faces' has a model for each face, and no default face$"


def test_a_face_that_a_registry_does_not_have_is_refused_with_the_nearest_as_a_face() -> None:
    check_variant("face", None, FACES, "anna")
    with pytest.raises(UnknownFace, match="^face: faces has no face 'berta'; it has bert …$") as refused:
        check_variant("face", None, FACES, "berta")
    assert refused.value.status == UnknownVoice("").status == 404
    with pytest.raises(UnknownFace, match="^face: faces has no face 'Anna'; it has anna …$"):
        check_variant("face", None, FACES, "Anna")  # names of folders differ in upper and lower case
    with pytest.raises(InvalidInput, match=NO_FACE):
        check_variant("face", None, FACES, None)
    check_variant("face", None, replace(FACES, default_voice="bert"), None)
    assert type(unknown_variant("style", "m", "x", [])) is InvalidInput
    assert str(unknown_variant("face", "m", "x", [])) == "face: m has no face 'x'; there is none"


def test_what_is_not_known_of_a_registry_is_left_to_its_slots() -> None:
    entry = ModelEntry(name="faces", adapter="lipsync", path="faces/{id}")
    check_variant("face", entry, None, "whose")
    check_variant("face", entry, replace(FACES, voices={}), "whose")
    check_variant("face", None, None, None)
    check_variant("face", None, replace(FACES, is_registry=False), "whose")
    with pytest.raises(InvalidInput, match=NO_FACE):
        check_variant("face", entry, None, None)


@pytest.mark.parametrize("name", NAMES, ids=["plain", "words", "odd", "long", "long and odd"])
def test_a_word_is_short_plain_and_of_one_name_alone(name: str) -> None:
    word = word_of(name)
    assert len(word) <= LONGEST_WORD
    assert word.isascii()
    assert not set(word) & set("\"\\' \n*:")
    assert word != word_of(name + "x")


def test_parts_that_name_their_models_themselves_say_the_same_words(ledger: Ledger, raw_redis: Any) -> None:
    payloads = [input_payload("w", {"text": "\n", "voice": name}) for name in NAMES]
    payloads += [input_payload("w", {"text": "no voice"}), 'Iw\n{"voice":"\\ud800"}', 'Iw\n{"voice":3}', "Pno fields"]
    raw_redis.zadd(keys.capacity(MODEL), {"slot|20": 9e15})
    ledger.transitions.open("job", replace(OPENING, payloads=payloads, width=20, variant="*voice"))
    assert headers_in(raw_redis, MODEL) == [*map(word_of, NAMES), None, None, None, None]


def test_all_parts_of_a_job_in_one_voice_need_its_model_also_when_they_are_sent_again(
    ledger: Ledger, raw_redis: Any
) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["Pone", "Ptwo"], width=1, variant=word_of("bert")))
    ledger.transitions.settle("job", 1, "done", {})
    ledger.transitions.reopen("job", [1])
    assert headers_in(raw_redis, MODEL) == ["bert", "bert"]
    ledger.transitions.open("other", replace(OPENING, payloads=["Pone"], part_queue="q", part_list="q"))
    assert headers_in(raw_redis, "q") == [None]


@pytest.mark.usefixtures("catalog_file")
def test_a_plan_names_the_models_of_a_registry_alone() -> None:
    def chapter(model: str, **fields: Any) -> str:
        request = ChapterRequest.parse({"model": model, "text": "Hello.", **fields})
        return ChapterKind().plan(request, NOTHING, is_part=False).variant

    assert (chapter("many"), chapter("many", voice="bert"), chapter("one", voice="bert")) == ("anna", "bert", "")
    for model, field in (("many", "voice"), ("one", "")):
        request = MapRequest.parse({"model": model, "inputs": [{"text": "Hello."}]})
        assert MapKind().plan(request, NOTHING, is_part=False).variant_field == field


def test_a_request_for_one_input_names_its_model_if_a_worker_or_the_catalog_says_that_it_is_a_registry(
    client: Client, catalog_file: Path, raw_redis: Any
) -> None:
    for model, voice in (("many", "Ngọc Lan"), ("many", None), ("one", "bert")):
        client.submit(ParagraphRequest(model=model, text="Hello.", voice=voice))
    assert headers_in(raw_redis, "many") == [word_of("Ngọc Lan"), None]
    assert headers_in(raw_redis, "one") == [None]
    offer = Published("many", "rehearsal", "", None, is_registry=True)
    assert headers_of(ParagraphRequest(model="many", text="a", voice="bert"), None, offer) == {HEADER: "bert"}
    assert headers_of(SummaryPartRequest(model="many", text="a"), None, offer) == {}
    assert dumps(headers_of(ParagraphRequest(model="many", text="a", voice="bert"), None, None)) == "{}"
