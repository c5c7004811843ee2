"""What is said of the end of a model, and of its return."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.workers.conformance.broken import Leaks
from tests.unit.workers.conformance.checked import check_faults, entry_of, here
from workers.conformance.computes import Loaded
from workers.conformance.memory import Memory
from workers.conformance.slot import Slot
from workers.conformance.step import Checking, Wrong
from workers.conformance.steps.leaving import unload


@pytest.mark.usefixtures("installed")
def test_what_each_load_leaves_behind_is_named() -> None:
    check_faults("Leaks", {"memory": "each load and unload leaves 8 MB behind"})
    Leaks.kept.clear()


@pytest.mark.usefixtures("installed")
def test_another_revision_at_the_next_load_is_named() -> None:
    check_faults("OtherRevision", {"reload": "the revision was load-1 and is load-2; make it of the weights"})


@pytest.mark.usefixtures("installed")
def test_a_model_that_is_alive_after_the_unload_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entry_of("Right")
    slot = here(entry)
    slot.find()
    loaded = slot.load()
    after = Memory(0, held=Counter(InferenceSession=2, Parameter=1))
    monkeypatch.setattr(Slot, "unload", lambda self: after)
    monkeypatch.setattr(Slot, "unload_again", lambda self: after)
    before = Memory(0, held=Counter(Parameter=1))
    found = Loaded(loaded.offer, loaded.revision, 0.0, before, after)
    with pytest.raises(Wrong, match="2 InferenceSession are still alive after it; set to None what holds the model"):
        unload(Checking(entry, slot, loaded=found))
