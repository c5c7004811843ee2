"""What `Client.map` refuses, and what it sends."""

from __future__ import annotations

import pytest

from producer import Client
from tasks.errors import InvalidInput, UnknownModel, UnknownVoice
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.workers import StartWorker
from tests.unit.producer.messages import MAP_CATALOG


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(MAP_CATALOG)
    return Client()


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
    assert client.connection.redis.llen("flow") == 0
    assert client.connection.redis.zcard(keys.JOBS) == 0


def test_a_wrong_voice_among_many_is_named_once_a_worker_published_its_voices(
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
