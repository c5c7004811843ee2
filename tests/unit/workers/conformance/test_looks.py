"""The instance that looks at inputs."""

from __future__ import annotations

import pickle

import pytest

from tests.unit.workers.conformance.checked import entry_of
from workers.adapters.base import Offer
from workers.adapters.outputs import Written
from workers.conformance.example import example_of
from workers.conformance.failure import CallFailed
from workers.conformance.looks import Looks


def looking(adapter: str) -> Looks:
    made = Looks(entry_of(adapter), "cpu")
    made.find()
    made.make()
    made.attach(pickle.dumps(Offer("1")))
    return made


def test_an_input_is_prepared_and_finished_as_in_a_slot(installed: object) -> None:
    looks, given = looking("Right"), example_of({"text": "  one two "}, "tried")
    assert pickle.loads(looks.prepare(given)) == ["one", "two"]
    output = looks.finish(given, pickle.dumps(Written("ONE TWO", 2)))
    assert output.seen == {"text": "ONE TWO", "tokens_read": 2, "is_cut": False}
    assert output.size_bytes == 7


def test_a_file_that_an_input_names_is_read(installed: object) -> None:
    given = example_of({"input": {"file": b"12345678", "share": 0.5}}, "tried")
    assert pickle.loads(looking("Answers").prepare(given)) == 4


@pytest.mark.parametrize(
    ("adapter", "words"),
    [("Unsendable", "give plain values or numpy arrays"), ("ChangesRequest", "it changed its input")],
)
def test_what_cannot_be_prepared_says_why(installed: object, adapter: str, words: str) -> None:
    with pytest.raises(CallFailed) as caught:
        looking(adapter).prepare(example_of({"text": "One two"}, "tried"))
    assert words in caught.value.failure.said


def test_inputs_come_from_the_craft_and_groups_from_the_adapter(installed: object) -> None:
    looks = looking("Right")
    inputs = looks.inputs()
    assert len(inputs.good) == 3
    assert sorted(map(sorted, looks.groups(inputs.good))) == [[0, 1], [2]]
    assert looks.tolerance() == 0.001


def test_after_a_detach_it_is_made_anew(installed: object) -> None:
    looks = looking("Right")
    looks.detach()
    looks.attach(pickle.dumps(Offer("2")))
    assert looks.inputs().good
