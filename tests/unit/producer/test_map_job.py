"""Many inputs at once: one job, its results in order, and what is wrong named before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import Client
from producer.job import Progress
from tasks import keys
from tasks.errors import InvalidInput, ModelError, PartsFailed, UnknownModel, UnknownVoice
from tasks.messages import ParagraphResult, SummaryResult
from tests.conftest import StartPair, StartWorker, UseCatalog

CATALOG = """
[models.words]
adapter = "rehearsal"
gives = "text"
faults = true
batch_size = 16

[models.quick]
adapter = "rehearsal"
faults = true
voices = ["anna", "bert"]
batch_size = 16
"""


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(CATALOG)
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
    first, second = again.wait(timeout_s=30)
    assert isinstance(first, SummaryResult)
    assert isinstance(second, SummaryResult)
    assert (first.text, first.computed) == ("Text 5", False)
    assert (second.text, second.computed) == ("Text 6 is", True)


def test_a_speaking_models_inputs_are_what_a_paragraph_is(
    client: Client, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("quick")
    alone = client.submit_paragraph("Hello.", model="quick", voice="bert").wait(timeout_s=30)
    job = client.map("quick", [{"text": "Hello.", "voice": "bert"}, "Good bye."], voice="anna")
    first, second = job.wait(timeout_s=30)
    assert isinstance(alone, ParagraphResult)
    assert first == alone.model_copy(update={"computed": False})
    assert isinstance(second, ParagraphResult)
    assert [path.name for path in job.save(tmp_path / "out")] == ["01.wav", "02.wav"]


def test_an_input_that_fails_costs_itself_alone_and_can_be_tried_again(client: Client, start_pair: StartPair) -> None:
    start_pair("words")
    job = client.map("words", ["One good.", "⚡error bad", "Two good."])
    with pytest.raises(PartsFailed, match="^1 of 3 inputs failed: 2 "):
        job.wait(timeout_s=30)
    first, second, third = job.wait(timeout_s=30, return_errors=True)
    assert isinstance(second, ModelError)
    assert str(second).startswith("input 2: text: ⚡error")
    assert [one.text for one in (first, third) if isinstance(one, SummaryResult)] == ["One good.", "Two good."]
    assert [type(one) for one in job.outcomes()] == [type(first), ModelError, type(third)]


def test_a_wrong_input_is_named_by_its_number_before_anything_is_sent(client: Client) -> None:
    wrong = [
        ("words", ["Fine.", ""], InvalidInput, "input 2: text: is empty"),
        (
            "words",
            ["Fine.", {"text": "Fine.", "voice": "anna"}],
            InvalidInput,
            "input 2: voice: there is no such field",
        ),
        ("words", [{"words": "Fine."}], InvalidInput, "input 1: text: is missing"),
        ("quick", [{"text": "Fine.", "speed": 9}], InvalidInput, "input 1: speed: "),
        ("quick", [], InvalidInput, "inputs: "),
        ("words", ["Fine.", 3], InvalidInput, "input 2: is neither a text nor a mapping of fields, but int"),
        ("words", "Fine.", InvalidInput, "payloads: is one text; give a list of them"),
        ("nobody", ["Fine."], UnknownModel, "model: no model 'nobody'"),
    ]
    for model, inputs, error, words in wrong:
        with pytest.raises(error) as refused:
            client.map(model, inputs)  # type: ignore[arg-type]
        assert str(refused.value).startswith(words)
    with pytest.raises(InvalidInput, match="^texts: is one text; give a list of them"):
        client.submit_summaries("Fine.", model="words")
    assert client.connection.redis.llen("flow") == 0
    assert client.connection.redis.zcard(keys.JOBS) == 0


def test_a_wrong_voice_among_many_is_named_once_a_worker_told_its_voices(
    client: Client, start_worker: StartWorker
) -> None:
    start_worker("--model", "quick").wait_for_log("ready: quick")
    with pytest.raises(UnknownVoice, match="^input 3: voice: quick has no voice 'anne'; it has anna"):
        client.map("quick", ["One.", "Two.", {"text": "Three.", "voice": "anne"}])


def test_ten_thousand_inputs_are_one_small_message(client: Client) -> None:
    job = client.map("words", [f"Text {number}." for number in range(10_000)])
    assert client.connection.redis.llen("flow") == 1
    message = client.connection.redis.lindex("flow", 0)
    assert isinstance(message, bytes)
    assert len(message) < 2000
    assert job.status() == "PENDING"
