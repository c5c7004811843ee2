"""A run's inputs through an adapter: halved where memory runs out, each with its own result."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, OutOfMemory
from tasks.messages import SummaryPartRequest
from tests.unit.workers.adapters.asked import to_summarise
from workers.adapters.base import Adapter, Cancelled, Offer
from workers.adapters.outputs import Written
from workers.child.batch_limit import BatchLimit
from workers.child.compute import Computing, ContextBroken
from workers.child.models.base import LoadedModel

DEVICE_ERROR = "CUDA error: device-side assert triggered"


class Echo(Adapter[SummaryPartRequest, Written]):
    """Gives each text back; what `run` is to do beside that is set from outside."""

    craft = "summary"
    version = "1"

    def __init__(self, before: Callable[[Sequence[SummaryPartRequest]], None]) -> None:
        super().__init__(ModelEntry(name="echo", adapter="echo"), "cpu")
        self.before = before
        self.runs: list[list[str]] = []

    def load(self) -> Offer:
        return Offer("1", 0)

    def run(self, batch: Sequence[SummaryPartRequest]) -> Sequence[Written | Exception]:
        self.runs.append([item.text for item in batch])
        self.before(batch)
        return [Cancelled() if self.is_cancelled(n) else Written(item.text, 1) for n, item in enumerate(batch)]

    def unload(self) -> None:
        """Nothing is held."""


@dataclass
class Slot:
    """An echo, and what it remembers."""

    before: Callable[[Sequence[SummaryPartRequest]], None] = lambda batch: None
    limit: BatchLimit = field(default_factory=BatchLimit)

    def __post_init__(self) -> None:
        self.echo = Echo(self.before)
        adapter: Any = self.echo  # a loaded model may be of any craft
        self.model = LoadedModel(self.echo.entry, adapter, self.echo.load(), 0.0)

    def run(
        self, items: Sequence[SummaryPartRequest], is_cancelled: Callable[[int], bool] = lambda number: False
    ) -> list[Any]:
        """One result an input, in order."""
        return list(Computing(self.model, items, is_cancelled, self.limit).results())

    @property
    def sizes(self) -> list[int]:
        """Of its runs."""
        return [len(texts) for texts in self.echo.runs]


def at_most(size: int) -> Callable[[Sequence[SummaryPartRequest]], None]:
    def before(batch: Sequence[SummaryPartRequest]) -> None:
        if len(batch) > size:
            raise MemoryError(f"{len(batch)} are too many")

    return before


def never(text: str) -> Callable[[Sequence[SummaryPartRequest]], None]:
    def before(batch: Sequence[SummaryPartRequest]) -> None:
        if any(item.text == text for item in batch):
            raise OutOfMemory("Tried to allocate 2.00 GiB.")

    return before


def texts(count: int) -> list[SummaryPartRequest]:
    return [to_summarise(f"text {n:03}") for n in range(count)]


@given(
    st.lists(st.builds(to_summarise, st.text(max_size=5), st.just(9)), max_size=25),
    st.integers(1, 30),
    st.sets(st.integers(0, 24)),
)
def test_each_input_gets_its_own_result_whatever_the_mix_the_memory_and_the_cancelled(
    items: list[SummaryPartRequest], size: int, unwanted: set[int]
) -> None:
    slot = Slot(at_most(size))
    for number, (item, result) in enumerate(zip(items, slot.run(items, unwanted.__contains__), strict=True)):
        if number in unwanted:
            assert isinstance(result, Cancelled)
        else:
            assert result.text == item.text


@pytest.mark.parametrize("size", [1, 8])
def test_a_loaded_model_keeps_nothing_of_its_last_run(size: int) -> None:
    slot = Slot(at_most(size))
    items = texts(2)
    gone = weakref.ref(items[1])
    slot.run(items)
    del items
    gc.collect()  # an error that was caught may be part of a cycle
    assert gone() is None


def test_what_does_not_fit_together_runs_in_halves_and_what_fitted_bounds_the_batches_after_it() -> None:
    slot = Slot(at_most(3))
    assert [result.text for result in slot.run(texts(8))] == [item.text for item in texts(8)]
    assert slot.sizes == [8, 4, 2, 2, 4, 2, 2]
    slot.echo.runs.clear()
    slot.run(texts(5))
    assert slot.sizes == [2, 2, 1]


@pytest.mark.parametrize(
    "words", ["CUDA out of memory. Tried to allocate 2.00 GiB.", "Failed to allocate memory for a buffer of size 9"]
)
def test_what_a_library_raises_without_memory_is_halved_though_the_adapter_knows_nothing_of_it(words: str) -> None:
    def before(batch: Sequence[SummaryPartRequest]) -> None:
        if len(batch) > 3:
            raise RuntimeError(words)

    slot = Slot(before)
    assert [result.text for result in slot.run(texts(8))] == [item.text for item in texts(8)]
    assert slot.sizes == [8, 4, 2, 2, 4, 2, 2]


def test_the_one_input_that_does_not_fit_alone_fails_and_is_no_reason_for_smaller_batches() -> None:
    slot = Slot(never("text 005"))
    results = slot.run(texts(8))
    assert [number for number, result in enumerate(results) if isinstance(result, Exception)] == [5]
    assert isinstance(results[5], OutOfMemory)
    assert str(results[5]) == "memory ran out, though the input ran alone: Tried to allocate 2.00 GiB."
    slot.echo.runs.clear()
    slot.run(texts(5))
    assert slot.sizes == [5]


def test_the_size_that_fitted_is_known_to_the_next_process_and_forgotten_after_a_day(broker: str) -> None:
    with Redis.from_url(broker) as client:
        Slot(at_most(2), BatchLimit(client, "H200")).run(texts(6))
        (key,) = client.keys("slotline:fits:*")
        assert 86_000 < client.ttl(key) <= 86_400
        for card, sizes in (("H200", [2, 2, 2]), ("RTX 4090", [6])):
            slot = Slot(limit=BatchLimit(client, card))
            slot.run(texts(6))
            assert slot.sizes == sizes
            assert slot.limit.last == (2 if card == "H200" else None)


def broken_by(error: Exception) -> Callable[[Sequence[SummaryPartRequest]], None]:
    def before(batch: Sequence[SummaryPartRequest]) -> None:
        raise error

    return before


def test_a_gpu_that_failed_is_nobodys_result() -> None:
    wrapped = ModelError("the model failed")
    wrapped.__cause__ = RuntimeError(DEVICE_ERROR)
    for error in (RuntimeError(DEVICE_ERROR), wrapped):
        with pytest.raises(ContextBroken, match="device-side assert"):
            Slot(broken_by(error)).run(texts(2))


def test_what_the_adapter_raises_is_every_inputs_and_a_wrong_number_of_results_too() -> None:
    assert [str(error) for error in Slot(broken_by(ValueError("odd"))).run(texts(2))] == ["odd", "odd"]
    slot = Slot()
    slot.echo.run = lambda batch: []  # type: ignore[method-assign]
    assert [str(error) for error in slot.run(texts(2))] == ["echo returned 0 results for 2 inputs"] * 2


def test_an_adapter_that_gives_up_on_an_input_that_is_wanted_has_failed_on_it() -> None:
    slot = Slot()
    slot.echo.run = lambda batch: [Cancelled()] * len(batch)  # type: ignore[method-assign]
    assert isinstance(slot.run(texts(1))[0], ModelError)


def test_what_crosses_is_as_the_adapter_says_and_an_error_of_that_fails_its_own_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crossing(self: Echo, made: Written) -> str:
        if made.text == "bad":
            raise ValueError(made.text)
        return made.text.upper()

    monkeypatch.setattr(Echo, "crossing", crossing)
    good, bad, cancelled = Slot().run([to_summarise(text) for text in ("good", "bad", "late")], lambda n: n == 2)
    assert good == "GOOD"
    assert isinstance(bad, ValueError)
    assert isinstance(cancelled, Cancelled)
