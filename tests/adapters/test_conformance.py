"""What every adapter must do, tried on each that can run here.

A new adapter joins by a `Case` in `CASES`. Texts are taken from a Vietnamese story (Nam
Cao, 1941) and an English novel (P. G. Wodehouse, 1921), both in the public domain.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, ModelLoadError, SlotlineError, UnknownVoice
from workers.adapters import BUILT_IN, adapter_of, find
from workers.adapters.base import Adapter, Offer, Sound, SpeechInput

ENGLISH = (
    "A gentleman called to see you when you were out last night, sir, said my landlady.",
    "Did he leave his name?",
    "He was a big man with a very large voice, and he wanted breakfast at four in the afternoon.",
)
VIETNAMESE = (
    "Hắn vừa đi vừa chửi. Bao giờ cũng thế, cứ rượu xong là hắn chửi.",
    "Có hề gì? Trời có của riêng nhà nào?",
    "Tức mình, hắn chửi ngay tất cả làng Vũ Đại.",
)


@dataclass(frozen=True)
class Case:
    """One adapter, as the suite loads it."""

    adapter: str
    texts: tuple[str, ...]
    voices: tuple[str, str]
    """The default voice, and another."""
    failing_text: str
    options: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0
    """How far the length of the same text may differ from call to call, as a share of it."""
    package: str | None = None
    """The package that comes with the extra of the adapter's name."""

    def entry(self, **changed: Any) -> ModelEntry:
        table = {"name": "tried", "adapter": self.adapter, "voice": self.voices[0], "options": self.options}
        return ModelEntry.model_validate({**table, "place": "models.toml line 1: [models.tried]", **changed})


CASES = [
    Case("espeak", VIETNAMESE + ENGLISH, ("vi", "en-us"), "...", tolerance=0.02, package="espeakng_loader"),
    Case("rehearsal", VIETNAMESE + ENGLISH, ("a", "b"), "⚡error", {"voices": ["a", "b"], "faults": True}),
]


@pytest.fixture(params=CASES, ids=lambda case: case.adapter)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def adapter(case: Case) -> Iterator[Adapter]:
    made = adapter_of(case.entry(), "cpu")
    yield made
    made.unload()


@pytest.fixture
def offer(adapter: Adapter) -> Offer:
    loaded = adapter.load()
    adapter.warm_up()
    return loaded


def sound_of(outcome: Sound | Exception) -> Sound:
    assert isinstance(outcome, Sound), outcome
    return outcome


def length_of(adapter: Adapter, item: SpeechInput) -> int:
    return len(sound_of(adapter.run([item])[0]).samples)


def test_every_built_in_adapter_is_tried_by_this_suite() -> None:
    assert {case.adapter for case in CASES} == set(BUILT_IN)


def test_load_offers_a_revision_a_sample_rate_and_the_voices(case: Case, offer: Offer) -> None:
    assert offer.revision
    assert 8_000 <= offer.sample_rate <= 96_000
    assert set(case.voices) <= set(offer.voices)
    assert offer.default_voice == case.voices[0]


def test_the_revision_is_the_same_each_time_and_the_catalogs_where_it_has_one(case: Case, offer: Offer) -> None:
    again = adapter_of(case.entry(), "cpu")
    assert again.load().revision == offer.revision
    again.unload()
    named = adapter_of(case.entry(revision="r7"), "cpu")
    assert named.load().revision.startswith("r7")
    named.unload()


def test_sound_is_float32_mono_finite_and_within_one(case: Case, adapter: Adapter, offer: Offer) -> None:
    for outcome in adapter.run([SpeechInput(text) for text in case.texts]):
        sound = sound_of(outcome)
        assert sound.sample_rate == offer.sample_rate
        assert sound.samples.dtype == np.float32
        assert sound.samples.ndim == 1
        assert np.isfinite(sound.samples).all()
        assert np.abs(sound.samples).max() <= 1.0


@pytest.mark.usefixtures("offer")
def test_a_batch_gives_in_order_what_each_input_gives_alone(case: Case, adapter: Adapter) -> None:
    items = [SpeechInput(text, case.voices[i % 2], (1.0, 1.4)[i % 2]) for i, text in enumerate(case.texts)]
    together = [len(sound_of(outcome).samples) for outcome in adapter.run(items)]
    alone = [length_of(adapter, item) for item in items]
    assert together == pytest.approx(alone, rel=case.tolerance)
    assert len(set(together)) == len(items)


@pytest.mark.usefixtures("offer")
def test_an_empty_batch_gives_nothing(adapter: Adapter) -> None:
    assert list(adapter.run([])) == []


@pytest.mark.usefixtures("offer")
def test_an_input_that_fails_costs_itself_alone(case: Case, adapter: Adapter) -> None:
    good = case.texts[0]
    batch = [SpeechInput(good), SpeechInput(case.failing_text), SpeechInput(good, "no-such"), SpeechInput(good)]
    first, failing, unvoiced, last = adapter.run(batch)
    assert isinstance(failing, SlotlineError)
    assert str(failing).startswith("text: ")
    assert isinstance(unvoiced, UnknownVoice)
    assert len(sound_of(first).samples) == pytest.approx(len(sound_of(last).samples), rel=case.tolerance)


@pytest.mark.usefixtures("offer")
def test_an_unknown_voice_is_refused_before_computing_and_known_ones_pass(case: Case, adapter: Adapter) -> None:
    for voice in (None, *case.voices):
        adapter.check(SpeechInput("text", voice))
    with pytest.raises(UnknownVoice, match=rf"^voice: .*'no-such'.*{case.voices[0]}") as caught:
        adapter.check(SpeechInput("text", "no-such"))
    assert isinstance(caught.value, InvalidInput)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("offer")
def test_no_voice_means_the_default_voice(case: Case, adapter: Adapter) -> None:
    text = case.texts[0]
    lengths = [length_of(adapter, SpeechInput(text, voice)) for voice in (None, case.voices[0])]
    assert lengths[0] == pytest.approx(lengths[1], rel=case.tolerance)


@pytest.mark.usefixtures("offer")
def test_faster_is_shorter(case: Case, adapter: Adapter) -> None:
    for voice in case.voices:
        fast, normal, slow = (length_of(adapter, SpeechInput(case.texts[0], voice, s)) for s in (2.0, 1.0, 0.5))
        assert fast < 0.7 * normal
        assert slow > 1.4 * normal


@pytest.mark.usefixtures("offer")
def test_a_model_loads_and_runs_again_after_it_was_unloaded(case: Case, adapter: Adapter) -> None:
    before = length_of(adapter, SpeechInput(case.texts[0]))
    adapter.unload()
    adapter.load()
    adapter.warm_up()
    assert length_of(adapter, SpeechInput(case.texts[0])) == pytest.approx(before, rel=case.tolerance)


def test_unloading_is_harmless_when_nothing_is_loaded(adapter: Adapter) -> None:
    adapter.unload()
    adapter.load()
    adapter.unload()
    adapter.unload()


def test_a_default_voice_that_is_not_there_fails_the_load_and_leaves_nothing_loaded(case: Case) -> None:
    adapter = adapter_of(case.entry(voice="no-such"), "cpu")
    with pytest.raises(ModelLoadError, match=r"line 1: \[models\.tried\] voice: .*no-such"):
        adapter.load()
    adapter.unload()


def test_an_option_that_the_adapter_does_not_know_is_refused_by_its_name(case: Case) -> None:
    with pytest.raises(CatalogError, match=r"line 1: \[models\.tried\] colour: .*no such option"):
        adapter_of(case.entry(options={"colour": "red"}), "cpu")


WITHOUT_PACKAGE = """
import sys
sys.modules[sys.argv[1]] = None  # what Python itself puts there to refuse an import
from tasks.catalog import ModelEntry
from tasks.errors import MissingExtra
from workers.adapters import adapter_of
adapter = adapter_of(ModelEntry(name="tried", adapter=sys.argv[2]), "cpu")
try:
    adapter.load()
except MissingExtra as exc:
    print(exc)
"""


@pytest.mark.parametrize("case", [c for c in CASES if c.package], ids=lambda case: case.adapter)
def test_without_its_package_an_adapter_imports_and_load_says_what_to_install(case: Case) -> None:
    said = _python(WITHOUT_PACKAGE, case.package or "", case.adapter)
    assert f"pip install 'slotline[{case.adapter}]'" in said


def test_importing_the_adapters_loads_nothing_heavy() -> None:
    for case in CASES:
        find(case.adapter)  # so that a name that is misspelt below cannot pass
    script = (
        "import json, sys; from workers.adapters import find; [find(name) for name in sys.argv[1:]]; "
        "print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    )
    loaded = set(json.loads(_python(script, *(case.adapter for case in CASES))))
    packages = {case.package for case in CASES if case.package}
    assert not loaded & ({"torch", "onnxruntime", "transformers", "numpy"} | packages)


def _python(script: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
