"""What every adapter must do, tried on each that can run here: all steps of `slotline model check`, and what only a
test can say: with broken files, without packages, with every voice and speed.

A new adapter joins by a `Case` in `cases.py`.
"""

from __future__ import annotations

import functools
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import CatalogError, InvalidInput, ModelLoadError, SlotlineError, UnknownVoice
from tasks.messages import ParagraphRequest
from tests.unit.workers.adapters.asked import run, to_speak
from tests.unit.workers.adapters.cases import CASES, INSTALL, Case
from workers.adapters import built_in, find
from workers.adapters.base import AnyAdapter, Offer
from workers.adapters.grouping import groups
from workers.adapters.kokoro.text import phonemes
from workers.adapters.lipsync.prepared import Mouths
from workers.adapters.outputs import Sound, Written
from workers.conformance.check import check
from workers.conformance.computes import Computes
from workers.conformance.looks import Looks
from workers.conformance.side import Here
from workers.conformance.slot import Limits, Slot
from workers.conformance.step import Checking, Mark


def of(cases: list[Case]) -> list[Any]:
    """The cases as parameters; one with a model to build needs that model's packages."""
    return [pytest.param(case, id=case.title, marks=[pytest.mark.models] if case.folder else []) for case in cases]


LIMITS = Limits(600.0, 600.0, 600.0)
SPEAKING = pytest.mark.parametrize("case", of([case for case in CASES if case.voices]), indirect=True)
WITH_WEIGHTS = pytest.mark.parametrize("case", of([case for case in CASES if case.weights]), indirect=True)


@pytest.fixture(params=of(CASES))
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    found: Case = request.param
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as a load sets it; undone after the test
    return replace(found, path=str(request.getfixturevalue(found.folder))) if found.folder else found


@pytest.fixture(scope="module", autouse=True)
def g2ps_loaded_once() -> Iterator[None]:
    """What makes Kokoro's phonemes costs seconds, and each adapter would load it anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phonemes, "_g2p", functools.cache(phonemes._g2p))
        yield


@pytest.fixture
def adapter(case: Case) -> Iterator[AnyAdapter]:
    made = case.made()
    yield made
    made.unload()


@pytest.fixture
def offer(adapter: AnyAdapter) -> Offer:
    loaded = adapter.load()
    adapter.warm_up()
    return loaded


def sound_of(outcome: Sound | Exception) -> Sound:
    assert isinstance(outcome, Sound), outcome
    return outcome


def length_of(adapter: AnyAdapter, item: ParagraphRequest) -> int:
    return len(sound_of(run(adapter, [item])[0]).samples)


def shape_of(outcome: Sound | Written | Mouths | Exception) -> int | str:
    """What is compared of an outcome: a sound's length, the text itself, or the number of frames."""
    if isinstance(outcome, Mouths):
        return len(outcome.faces)
    return outcome.text if isinstance(outcome, Written) else len(sound_of(outcome).samples)


def same(case: Case, shape: int | str) -> Any:
    """That shape, as near as the adapter comes to it from call to call."""
    return shape if isinstance(shape, str) else pytest.approx(shape, rel=case.tolerance)


def test_every_built_in_adapter_is_tried_by_this_suite() -> None:
    assert {case.adapter for case in CASES} == set(built_in())


def test_it_passes_every_step_that_an_author_can_run(case: Case) -> None:
    """`slotline model check`, in this process: load, examples, batches, bad input, cancelling, unload, reload."""
    entry = case.entry()
    checking = Checking(entry, Slot(Here(Computes, entry, "cpu"), Here(Looks, entry, "cpu"), LIMITS))
    lines = list(check(checking))
    assert not [f"{line.name}: {line.words}" for line in lines if line.mark is Mark.WRONG]
    assert {line.name for line in lines if line.mark is Mark.LEFT_OUT} <= {"files", "bad input"}
    assert "noticed, and the others of the batch were computed" in [line.words for line in lines]


@SPEAKING
def test_load_offers_a_revision_a_sample_rate_and_the_voices(case: Case, offer: Offer) -> None:
    assert offer.revision
    assert 8_000 <= offer.sample_rate <= 96_000
    assert set(case.voices) <= set(offer.voices)
    assert offer.default_voice == case.voices[0]


def test_the_revision_is_the_same_each_time_and_the_catalogs_where_it_has_one(case: Case, offer: Offer) -> None:
    again = case.made()
    assert again.load().revision == offer.revision
    again.unload()
    named = case.made(revision="r7")
    assert named.load().revision.startswith("r7")
    named.unload()


@pytest.mark.usefixtures("offer")
def test_an_empty_batch_gives_nothing(adapter: AnyAdapter) -> None:
    assert list(run(adapter, [])) == []


@pytest.mark.usefixtures("offer")
def test_an_input_that_fails_costs_itself_alone(case: Case, adapter: AnyAdapter) -> None:
    good = case.texts[0]
    first, failing, last = run(adapter, [case.item(good), case.item(case.failing_text), case.item(good)])
    assert isinstance(failing, SlotlineError)
    assert str(failing).startswith(case.refusal)
    assert "\n" not in str(failing)
    assert shape_of(first) == same(case, shape_of(last))


@SPEAKING
@pytest.mark.usefixtures("offer")
def test_an_unknown_voice_costs_its_input_alone(case: Case, adapter: AnyAdapter) -> None:
    unvoiced, voiced = run(adapter, [to_speak(case.texts[0], "no-such"), to_speak(case.texts[0])])
    assert isinstance(unvoiced, UnknownVoice)
    assert len(sound_of(voiced).samples) > 0


@SPEAKING
@pytest.mark.usefixtures("offer")
def test_an_unknown_voice_is_refused_before_computing_and_known_ones_pass(case: Case, adapter: AnyAdapter) -> None:
    for voice in (None, *case.voices):
        adapter.check(to_speak("text", voice))
    with pytest.raises(UnknownVoice, match=rf"^voice: .*'no-such'.*{case.voices[0]}") as caught:
        adapter.check(to_speak("text", "no-such"))
    assert isinstance(caught.value, InvalidInput)
    assert "\n" not in str(caught.value)


@SPEAKING
@pytest.mark.usefixtures("offer")
def test_no_voice_means_the_default_voice(case: Case, adapter: AnyAdapter) -> None:
    text = case.texts[0]
    lengths = [length_of(adapter, to_speak(text, voice)) for voice in (None, case.voices[0])]
    assert lengths[0] == pytest.approx(lengths[1], rel=case.tolerance)


@SPEAKING
@pytest.mark.usefixtures("offer")
def test_faster_is_shorter(case: Case, adapter: AnyAdapter) -> None:
    for voice in case.voices:
        fast, normal, slow = (length_of(adapter, to_speak(case.texts[0], voice, s)) for s in (2.0, 1.0, 0.5))
        assert fast < 0.7 * normal
        assert slow > 1.4 * normal


def test_unloading_is_harmless_when_nothing_is_loaded(adapter: AnyAdapter) -> None:
    adapter.unload()
    adapter.load()
    adapter.unload()
    adapter.unload()


@WITH_WEIGHTS
def test_a_file_of_the_model_that_is_cut_short_or_missing_is_named(case: Case, tmp_path: Path) -> None:
    for name in case.weights:
        broken = tmp_path / name.replace(".", "-")
        shutil.copytree(case.path or "", broken)
        for file in case.beside:
            shutil.copy(Path(case.path or "").parent / file, broken.parent)
        content = (broken / name).read_bytes()
        (broken / name).write_bytes(content[: len(content) // 2])
        _refused(case, broken, name)
        (broken / name).write_bytes(b"")
        _refused(case, broken, name)
        (broken / name).unlink()
        _refused(case, broken, "" if case.adapter == "bart" else name)
        with pytest.raises(ModelLoadError, match=case.get_them):
            case.made(path=str(broken)).check_files()


def _refused(case: Case, folder: Path, name: str) -> None:
    adapter = case.made(path=str(folder))
    with pytest.raises(ModelLoadError, match=r"^models\.toml line 1: \[models\.tried\] path: ") as caught:
        adapter.load()
    said = str(caught.value)
    assert str(folder) in said
    assert name in said
    assert "\n" not in said
    adapter.unload()


@SPEAKING
def test_a_default_voice_that_is_not_there_fails_the_load_and_leaves_nothing_loaded(case: Case) -> None:
    adapter = case.made(voice="no-such")
    with pytest.raises(ModelLoadError, match=r"line 1: \[models\.tried\] voice: .*no-such"):
        adapter.load()
    adapter.unload()


def test_an_option_that_the_adapter_does_not_know_is_refused_by_its_name(case: Case) -> None:
    with pytest.raises(CatalogError, match=r"line 1: \[models\.tried\] colour: .*no such option"):
        case.made(options={"colour": "red"})


def test_an_instance_without_the_model_judges_inputs_as_the_loaded_one_does(case: Case, adapter: AnyAdapter) -> None:
    offer = pickle.loads(pickle.dumps(adapter.load()))  # it crosses to another process
    other = case.made()
    other.attach(offer)
    items = [case.item(text, voice) for text in case.texts for voice in (case.voices or (None,))]
    for item in items:
        other.check(item)
        assert other.ingredients(item) == adapter.ingredients(item)
        hash(other.group(item))
    # What runs together may be divided once more where the model is; it is never more than the other one says.
    assert sorted(number for group in groups(other, items) for number in group) == list(range(len(items)))
    other.attach(offer)
    other.unload()
    if case.voices:
        for one in (adapter, other):
            with pytest.raises(UnknownVoice, match="^voice: .*no voice"):
                one.check(case.item(case.texts[0], "no-such-voice"))


WITHOUT_PACKAGE = """
import sys
sys.modules[sys.argv[1]] = None  # what Python itself puts there to refuse an import
from tasks.catalog import ModelEntry
from tasks.errors import MissingExtra
from workers.adapters import adapter_of
adapter = adapter_of(ModelEntry(name="tried", adapter=sys.argv[2], path=sys.argv[3]), "cpu")
for step in (adapter.check_packages, adapter.load):
    try:
        step()
    except MissingExtra as exc:
        print(exc)
"""


@pytest.mark.parametrize("case", of([case for case in CASES if case.package]), indirect=True)
def test_without_its_package_an_adapter_imports_and_load_says_what_to_install(case: Case) -> None:
    said = _python(WITHOUT_PACKAGE, case.package or "", case.adapter, case.path or "none")
    assert said.count(INSTALL[case.adapter]) == said.count("\n") == 2


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
