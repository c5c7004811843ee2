"""A run in the child: computed, shown on the page, answered; and nothing that an input does ends in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tasks.errors import ModelChanged, ModelError, SlotlineError, UnknownVoice
from tests.unit.workers.adapters.asked import to_speak
from tests.unit.workers.child.rehearsals import OneRehearsal, child_with, entry
from workers.adapters.base import Cancelled
from workers.adapters.outputs import Sound
from workers.adapters.rehearsal import Rehearsal
from workers.child import serving
from workers.child.process import ChildState
from workers.wire.link import ParentEnd, pair
from workers.wire.messages import MemoryUsed
from workers.wire.state import State
from workers.wire.work_line import LoadVariant, ModelOffers, Run, RunBroke, RunEnded, SidecarEnd, work_line


@dataclass
class Served:
    """A child without a process, and who hears it."""

    child: ChildState
    sidecar: SidecarEnd
    parent: ParentEnd

    def run(self, *texts: str, **more: Any) -> RunEnded:
        """The answer to a run of these texts, each of one call."""
        calls = [(index,) for index in range(len(texts))]
        given = Run(5, 2, calls, [to_speak(text) for text in texts], **{"revision": "rehearsal", **more})
        serving.run(self.child, given)
        found = self.sidecar.receive()
        assert isinstance(found, RunEnded)
        return found


def served_by(models: OneRehearsal) -> Iterator[Served]:
    parent, link = pair()
    sidecar, line = work_line()
    child = child_with(models, link, line)
    child.life.state = State.READY
    yield Served(child, sidecar, parent)
    for end in (parent, link, sidecar, line):
        end.close()


@pytest.fixture
def served(models: OneRehearsal) -> Iterator[Served]:
    yield from served_by(models)


@pytest.fixture
def registry() -> Iterator[Served]:
    yield from served_by(OneRehearsal(entry(path="/voices/{id}")))


class Odd(ValueError):
    """An error that can be written, but not read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


class OddOfSlotline(ModelError):
    """The same, as an adapter's own kind of a `SlotlineError`."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def gives(monkeypatch: pytest.MonkeyPatch, *results: Any) -> None:
    monkeypatch.setattr(Rehearsal, "run", lambda self, batch: list(results))


def test_a_run_is_on_the_page_while_it_is_computed_and_has_a_result_per_input(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, seen = Rehearsal.run, []

    def run(self: Rehearsal, batch: Any) -> Any:
        seen.append(served.child.page.running())
        return genuine(self, batch)

    monkeypatch.setattr(Rehearsal, "run", run)
    ended = served.run("one", "two")
    assert [type(result) for result in ended.results] == [Sound, Sound]
    (running,) = seen
    assert running is not None
    assert (running.number, running.batch, running.calls) == (5, 2, frozenset({0, 1}))
    assert served.child.page.running() is None
    assert (served.child.counts.jobs, served.child.counts.failures) == (2, 0)
    assert served.child.life.state is State.READY


def test_what_is_cancelled_before_it_begins_is_not_computed(served: Served, models: OneRehearsal) -> None:
    served.child.cancelled.add(1, [0])
    served.child.cancelled.add(2, [0])
    ended = served.run("one")
    assert [type(result) for result in ended.results] == [Cancelled]
    assert (models.runs, served.child.page.last_batch) == ([], 0)
    assert served.child.cancelled.of(1) == frozenset()


def test_errors_cross_as_slotlines_own_and_their_traceback_is_logged_here(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gives(monkeypatch, Odd("odd", "one"), UnknownVoice("voice: no"), OddOfSlotline("odd", "one"), lambda: "a result")
    with caplog.at_level(logging.ERROR):
        odd, unknown, own, unpicklable = served.run("a", "b", "c", "d").results
    assert [type(one) for one in (odd, unknown, own)] == [ModelError, UnknownVoice, ModelError]
    assert [str(one) for one in (odd, unknown)] == ["Odd: odd", "voice: no"]
    assert isinstance(unpicklable, SlotlineError)
    assert [record.message for record in caplog.records] == [
        "the model failed on «a»",
        "a result of the model cannot be handed over",
    ]
    assert served.child.counts.failures == 3


def test_what_was_made_ready_for_other_weights_is_made_ready_again(served: Served, models: OneRehearsal) -> None:
    (result,) = served.run("one", revision="older").results
    assert isinstance(result, ModelChanged)
    assert result.retryable
    assert models.runs == []


def test_what_ends_the_process_is_told_first_and_stays_on_the_page(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Rehearsal, batch: Any) -> Any:
        raise SystemExit(7)

    monkeypatch.setattr(Rehearsal, "run", run)
    with pytest.raises(SystemExit):
        served.run("one")
    assert served.sidecar.receive() == RunBroke(5, "SystemExit: 7")
    running = served.child.page.running()
    assert running is not None
    assert running.number == 5


def test_the_memory_is_told_before_the_results_where_it_is_limited(broker: str) -> None:
    for served in served_by(OneRehearsal(entry(recycle_rss_gb=1.0))):
        served.run("one")
        (told,) = served.parent.pending(0.0)
        assert isinstance(told, MemoryUsed)


def test_a_model_that_is_asked_for_is_told_with_its_table(registry: Served) -> None:
    serving.load(registry.child, LoadVariant(3, "anna"))
    found = registry.sidecar.receive()
    assert isinstance(found, ModelOffers)
    assert (found.variant, found.number, found.entry) == ("anna", 3, registry.child.models.entry)


def test_a_registrys_model_that_cannot_be_loaded_costs_its_inputs_alone_and_is_told(registry: Served) -> None:
    error = UnknownVoice("voice: there is no 'anna'")
    models: Any = registry.child.models
    models.fails["anna"] = error
    serving.load(registry.child, LoadVariant(3, "anna"))
    found = registry.sidecar.receive()
    assert isinstance(found, ModelOffers)
    assert (str(found.found), found.number) == (str(error), 3)
    serving.run(registry.child, Run(4, 1, [(0,)], [to_speak("one")], "anna", "rehearsal"))
    told, ended = registry.sidecar.receive(), registry.sidecar.receive()
    assert isinstance(told, ModelOffers)
    assert (told.variant, told.number, type(told.found)) == ("anna", 0, UnknownVoice)
    assert isinstance(ended, RunEnded)
    assert [type(result) for result in ended.results] == [UnknownVoice]


def test_a_load_of_the_only_model_that_fails_is_no_inputs_fault(served: Served, models: OneRehearsal) -> None:
    models.fails[None] = ModelError("gone")
    with pytest.raises(ModelError, match="gone"):
        serving.load(served.child, LoadVariant(3, None))
