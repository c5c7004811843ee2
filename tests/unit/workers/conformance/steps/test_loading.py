"""What is said of a load, and of what there is to check with."""

from __future__ import annotations

import pytest

from tests.unit.workers.conformance.checked import check_faults, entry_of, here, lines_of
from workers.conformance.step import Mark


@pytest.mark.usefixtures("installed")
def test_a_load_that_gives_no_offer_is_wrong_and_all_that_needs_it_is_left_out() -> None:
    check_faults("NoOffer", {"load": "it returned None; it has to return an Offer"})
    lines = lines_of(here(entry_of("NoOffer")), entry_of("NoOffer"))
    assert lines["unload"].mark is Mark.LEFT_OUT


@pytest.mark.usefixtures("installed")
def test_without_examples_an_adapter_for_any_model_is_told_how_to_name_some() -> None:
    check_faults("NoExamples", {"examples": "add inputs that it can compute to its class: examples ="})


@pytest.mark.usefixtures("installed")
def test_a_load_says_its_time_its_memory_and_its_revision() -> None:
    assert lines_of(here(entry_of("Right")), entry_of("Right"))["load"].words.endswith(" MB, revision right-1")
