"""The instance that has the model."""

from __future__ import annotations

import pickle

import pytest

from tests.unit.workers.conformance.checked import entry_of
from workers.adapters.outputs import Written
from workers.conformance.computes import Computes
from workers.conformance.failure import CallFailed, Failure


def packed(*words: str) -> bytes:
    return pickle.dumps(list(words))


@pytest.fixture
def computes(installed: object) -> Computes:
    made = Computes(entry_of("Right"), "cpu")
    made.load()
    return made


def test_what_crosses_is_pickled_in_order(computes: Computes) -> None:
    ran = computes.run([packed("a", "b"), packed("c")])
    assert [pickle.loads(one) for one in ran.outcomes if isinstance(one, bytes)] == [Written("A B", 2), Written("C", 1)]
    assert ran.has_asked


def test_a_cancelled_input_is_told_and_forgotten_after_the_run(computes: Computes) -> None:
    first, second = computes.run([packed("a"), packed("b")], [1]).outcomes
    assert isinstance(first, bytes)
    assert isinstance(second, Failure)
    assert second.is_cancelled
    assert isinstance(computes.run([packed("b")]).outcomes[0], bytes)


def test_the_same_objects_run_twice(installed: object) -> None:
    made = Computes(entry_of("WritesToInput"), "cpu")
    made.load()
    (one,), (other,) = (ran.outcomes for ran in made.run_twice([packed("a", "b", "c")]))
    assert isinstance(one, bytes)
    assert isinstance(other, bytes)
    assert [pickle.loads(one).text, pickle.loads(other).text] == ["A B", "A"]


def test_what_crosses_is_what_the_adapter_makes_of_an_outcome_and_its_error_costs_one_input(installed: object) -> None:
    made = Computes(entry_of("Crossing"), "cpu")
    made.load()
    first, second = made.run([packed("a", "b"), packed("c")]).outcomes
    assert isinstance(first, bytes)
    assert pickle.loads(first) == Written("a b", 2)
    assert isinstance(second, Failure)
    assert second.by == "crossing"
    assert second.said.startswith("ValueError: one word is no text (broken.py line ")


def test_none_is_an_answer_of_infer_and_a_fault_elsewhere(installed: object) -> None:
    for adapter, given in (("Null", pickle.dumps("a")), ("Silent", packed("a"))):
        made = Computes(entry_of(adapter), "cpu")
        made.load()
        (outcome,) = made.run([given]).outcomes
        assert isinstance(outcome, Failure) == (adapter == "Silent")


@pytest.mark.parametrize(
    ("adapter", "words"),
    [("NoOffer", "it has to return an Offer"), ("WithoutPackage", "No module named 'nosuchpackage'")],
)
def test_a_load_that_fails_says_why(installed: object, adapter: str, words: str) -> None:
    with pytest.raises(CallFailed) as caught:
        Computes(entry_of(adapter), "cpu").load()
    assert words in caught.value.failure.said


def test_an_unload_tells_the_memory_after_it(computes: Computes) -> None:
    assert computes.warm_up() >= 0
    assert computes.unload().host_bytes > 0
