"""Many inputs at once: one job, its results in order, and what is wrong named before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import Client
from producer.job import Progress
from tasks.errors import ModelError, PartsFailed
from tasks.messages import ParagraphResult, SummaryResult
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair
from tests.unit.producer.messages import MAP_CATALOG


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(MAP_CATALOG)
    return Client()


def test_texts_become_summaries_in_their_order(client: Client, start_pair: StartPair) -> None:
    start_pair("words")
    seen: list[Progress] = []
    job = client.map("words", [f"Text {number} is here." for number in range(300)], max_length=2, title="Three hundred")
    made = job.wait(timeout_s=60, on_progress=seen.append)
    assert [one.text for one in made if isinstance(one, SummaryResult)] == [f"Text {number}" for number in range(300)]
    assert (seen[-1].done, seen[-1].computed) == (300, 300)
    record = client.ledger.queries.record(job.id)
    assert record is not None
    assert (record.kind, record.title) == ("map", "Three hundred")
    again = client.map("words", ["Text 5 is here.", {"text": "Text 6 is here.", "max_length": 3}], max_length=2)
    first, second = again.wait(timeout_s=GIVE_UP_S)
    assert isinstance(first, SummaryResult)
    assert isinstance(second, SummaryResult)
    assert (first.text, first.computed) == ("Text 5", False)
    assert (second.text, second.computed) == ("Text 6 is", True)


def test_a_speaking_models_inputs_are_what_a_paragraph_is(
    client: Client, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("quick")
    alone = client.submit_paragraph("Hello.", model="quick", voice="bert").wait(timeout_s=GIVE_UP_S)
    job = client.map("quick", [{"text": "Hello.", "voice": "bert"}, "Good bye."], voice="anna")
    first, second = job.wait(timeout_s=GIVE_UP_S)
    assert isinstance(alone, ParagraphResult)
    assert first == alone.model_copy(update={"computed": False, "pieces": None}), "whose pieces are in the store"
    assert isinstance(second, ParagraphResult)
    assert [path.name for path in job.save(tmp_path / "out")] == ["01.wav", "02.wav"]


def test_an_input_that_fails_costs_itself_alone_and_can_be_tried_again(client: Client, start_pair: StartPair) -> None:
    start_pair("words")
    job = client.map("words", ["One good.", "⚡error bad", "Two good."])
    with pytest.raises(PartsFailed, match="^1 of 3 inputs failed: 2 "):
        job.wait(timeout_s=GIVE_UP_S)
    first, second, third = job.wait(timeout_s=30, return_errors=True)
    assert isinstance(second, ModelError)
    assert str(second).startswith("input 2: text: ⚡error")
    assert [one.text for one in (first, third) if isinstance(one, SummaryResult)] == ["One good.", "Two good."]
    assert [type(one) for one in job.outcomes()] == [type(first), ModelError, type(third)]
