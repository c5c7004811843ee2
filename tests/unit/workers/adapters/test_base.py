"""What all adapters have in common: their options, and which inputs may run together."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.base import Offer, Options
from workers.adapters.inference import InferenceAdapter
from workers.adapters.rehearsal import Rehearsal


class Own(Options):
    """The options of some adapter."""

    beams: int = 4


class NoneOfItsOwn(Options):
    """Those of an adapter that has none."""


def entry(**options: Any) -> ModelEntry:
    return ModelEntry(name="m", adapter="theirs", options=options, place="models.toml line 3: [models.m]")


def test_options_are_read_from_the_models_table() -> None:
    assert (Own.of(entry()).beams, Own.of(entry(beams=2)).beams) == (4, 2)


@pytest.mark.parametrize(
    ("options", "wrong", "said"),
    [
        (Own, {"beams": "2"}, "beams: Input should be a valid integer (got '2')"),
        (Own, {"beam": 2}, "beam: the adapter 'theirs' has no such option; it has beams"),
        (NoneOfItsOwn, {"beam": 2}, "beam: the adapter 'theirs' has no options of its own"),
    ],
)
def test_a_wrong_option_is_refused_with_the_line_of_its_table(
    options: type[Options], wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        options.of(entry(**wrong))
    assert str(caught.value) == f"models.toml line 3: [models.m] {said}"


def test_inputs_that_differ_in_more_than_their_text_do_not_run_together() -> None:
    adapter = Rehearsal(ModelEntry(name="m", adapter="rehearsal"), "cpu")
    assert adapter.group(to_speak("a", "anna")) == adapter.group(to_speak("b", "anna"))
    assert adapter.group(to_speak("a", "anna")) != adapter.group(to_speak("a", "bert"))
    assert adapter.length(to_speak("four")) == 4


def test_a_model_that_makes_no_sound_need_not_say_so() -> None:
    assert Offer("1").sample_rate == 0


class Plain(InferenceAdapter):
    """Declares no options."""

    version = "1"

    def load(self) -> Offer:
        """Nothing."""
        return Offer("1")

    def run(self, batch: Any) -> Any:
        """The inputs."""
        return batch

    def unload(self) -> None:
        """Nothing."""


class WithOptions(Plain):
    """Declares some."""

    options_model = Own


def test_an_adapter_has_the_options_that_it_declares_and_refuses_all_others() -> None:
    assert WithOptions(entry(beams=2), "cpu").options == Own(beams=2)
    with pytest.raises(CatalogError, match=r"line 3: \[models\.m\] beam: the adapter 'theirs' has no such option"):
        WithOptions(entry(beam=2), "cpu")
    with pytest.raises(CatalogError, match=r"line 3: \[models\.m\] beam: .* has no options of its own"):
        Plain(entry(beam=2), "cpu")
