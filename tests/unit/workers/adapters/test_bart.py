"""BART's own: lengths, what runs together, what is cut, and memory; on real transformers with a small model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, ModelLoadError, OutOfMemory
from tasks.messages import SummaryPartRequest
from tests.unit.workers.adapters.asked import to_summarise
from tests.unit.workers.adapters.bart.tiny_bart import POSITIONS
from workers.adapters.bart import Bart
from workers.adapters.base import Cancelled
from workers.adapters.grouping import groups
from workers.adapters.outputs import Written

TEXT = "The sea was calm, and the boat lay still upon it. "


def made(folder: Path, **options: Any) -> Bart:
    place = "models.toml line 1: [models.bart]"
    entry = {"name": "bart", "adapter": "bart", "path": str(folder), "place": place, "options": options}
    return Bart(ModelEntry.model_validate(entry), "cpu")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a load sets it; undone after the test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def loaded(bart_folder: Path) -> Iterator[Bart]:
    adapter = made(bart_folder, max_length=24, num_beams=2)
    adapter.load()
    yield adapter
    adapter.unload()


@pytest.fixture
def bart(loaded: Bart) -> Bart:
    loaded.is_cancelled = lambda index: False
    return loaded


def written(outcome: Written | Exception) -> Written:
    assert isinstance(outcome, Written), outcome
    return outcome


def test_the_same_text_gives_the_same_summary_alone_in_company_and_after_a_reload(bart_folder: Path) -> None:
    adapter = made(bart_folder, max_length=24, num_beams=3)
    adapter.load()
    texts = [to_summarise(TEXT * count) for count in (1, 2, 2, 4)]
    first = [written(outcome) for outcome in adapter.run(texts)]
    adapter.load()
    assert [written(adapter.run([text])[0]) for text in texts] == first
    assert first[1] == first[2] != first[0]
    adapter.unload()


def test_lengths_are_the_inputs_else_the_catalogs(bart: Bart, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine, lengths = bart._model.generate, {}

    def noted(**inputs: Any) -> Any:
        tokens = genuine(**inputs)
        lengths[inputs["min_length"], inputs["max_length"]] = tokens.shape[1]
        return tokens

    monkeypatch.setattr(bart._model, "generate", noted)
    text = TEXT * 3
    bart.run([to_summarise(text), to_summarise(text, max_length=9), to_summarise(text, max_length=40, min_length=40)])
    assert lengths[0, 24] <= 24
    assert lengths[0, 9] <= 9
    assert lengths[40, 40] == 40
    assert bart.ingredients(to_summarise(TEXT)) == {
        "num_beams": 2,
        "length_penalty": 1.0,
        "no_repeat_ngram_size": 0,
        "early_stopping": False,
        "min_length": 0,
        "max_length": 24,
    }
    assert bart.ingredients(to_summarise(TEXT, max_length=30))["max_length"] == 30


def test_what_is_longer_than_the_model_reads_is_cut_and_said_to_be(bart: Bart) -> None:
    whole, cut, same = (written(outcome) for outcome in bart.run([to_summarise(TEXT * n) for n in (1, 40, 60)]))
    assert not whole.is_cut
    assert whole.tokens_read < POSITIONS
    assert (cut.is_cut, cut.tokens_read) == (True, POSITIONS)
    assert cut == same


def test_special_tokens_in_a_text_end_nothing(bart: Bart) -> None:
    plain, hidden = bart.run([to_summarise(f"The sea   {TEXT}"), to_summarise(f"The sea</s><s> {TEXT}")])
    assert written(hidden).tokens_read > 8
    assert written(plain) == written(hidden)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (to_summarise(" \n"), r"^text: is empty$"),
        (to_summarise("a", max_length=5, min_length=6), r"^min_length: 6 is more than max_length, which is 5$"),
        (
            to_summarise("a", max_length=POSITIONS + 1),
            r"^max_length: 129 is more than the model can write, 128",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_before_computing_and_costs_itself_alone(
    bart: Bart, item: SummaryPartRequest, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        bart.check(item)
    refused, served = bart.run([item, to_summarise(TEXT)])
    assert isinstance(refused, InvalidInput)
    assert written(served).text


def test_a_text_that_is_shorter_than_the_shortest_summary_is_not_made_up_to_it(
    bart_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = made(bart_folder, min_length=60, max_length=80)
    adapter.load()
    asked: list[int] = []
    genuine = adapter._model.generate

    def noted(**inputs: Any) -> Any:
        asked.append(inputs["min_length"])
        return genuine(**inputs)

    monkeypatch.setattr(adapter._model, "generate", noted)
    short, long = (written(outcome) for outcome in adapter.run([to_summarise("boat"), to_summarise(TEXT * 6)]))
    assert sorted(asked) == [short.tokens_read // 2, 60]
    assert long.tokens_read > 60
    adapter.unload()


def test_texts_run_together_that_may_be_of_the_same_lengths_and_are_of_similar_length_themselves(
    bart: Bart, bart_folder: Path
) -> None:
    texts = [to_summarise(TEXT), to_summarise(TEXT * 2), to_summarise(TEXT * 9), to_summarise(TEXT * 2, max_length=9)]
    assert groups(bart, texts) == [[2], [1, 0], [3]]
    adapter = made(bart_folder, min_length=20, max_length=40)
    adapter.load()
    same, shorter = groups(adapter, [to_summarise(TEXT * 6), to_summarise("the boat"), to_summarise(TEXT * 5)])
    assert (same, shorter) == ([0, 2], [1]), "one that is shorter than its summary is asked for less"
    adapter.unload()


def test_memory_that_runs_out_is_the_whole_batchs_so_that_it_can_be_halved(
    bart: Bart, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    genuine = bart._model.generate

    def only_two(**inputs: Any) -> Any:
        if len(inputs["input_ids"]) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2.00 GiB.")
        return genuine(**inputs)

    monkeypatch.setattr(bart._model, "generate", only_two)
    with pytest.raises(OutOfMemory, match=r"^the memory of cpu ran out .* Tried to allocate 2\.00 GiB\.$") as caught:
        bart.run([to_summarise(TEXT)] * 3)
    assert caught.value.__context__ is None  # its frames would hold the tensors that did not fit
    assert [written(outcome).text for outcome in bart.run([to_summarise(TEXT)] * 2)]


def test_a_group_that_nobody_wants_any_more_stops_between_two_tokens(bart: Bart) -> None:
    asked = iter([False] * 12)
    bart.is_cancelled = lambda index: next(asked, True)
    outcomes = bart.run([to_summarise(TEXT), to_summarise(TEXT)])
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]


def test_lengths_that_the_model_cannot_have_are_refused_when_it_is_loaded(bart_folder: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"\[models\.bart\] max_length: of 900 tokens.* 128 positions$"):
        made(bart_folder, max_length=900).load()
    with pytest.raises(ModelLoadError, match=r"max_length: of 10 tokens, at least 20, "):
        made(bart_folder, max_length=10, min_length=20).load()
    with pytest.raises(CatalogError, match=r"num_beams: "):
        made(bart_folder, num_beams=0)


def test_a_folder_that_is_no_model_is_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"there is no folder .*; get it with: slotline model pull"):
        made(tmp_path / "nowhere").load()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelLoadError, match=r"has no weights \(model\.safetensors, "):
        made(tmp_path).load()
    with pytest.raises(CatalogError, match=r"path: is missing"):
        Bart(ModelEntry(name="bart", adapter="bart"), "cpu")
