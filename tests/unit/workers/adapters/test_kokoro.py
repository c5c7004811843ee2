"""Kokoro's adapter: what it loads and refuses, its voices, and errors; on a small ONNX model that gives tones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, MissingExtra, ModelError, ModelLoadError, OutOfMemory
from tests.unit.workers.adapters.asked import run, to_speak
from tests.unit.workers.adapters.kokoro import tiny_onnx
from workers.adapters.base import Cancelled
from workers.adapters.kokoro import WARM_UP, Kokoro
from workers.adapters.kokoro.engine import FRAME, Engine
from workers.adapters.kokoro.files import ModelFiles
from workers.adapters.kokoro.prepared import Piece, PreparedText
from workers.adapters.kokoro.text.languages import Language
from workers.adapters.outputs import Sound

PLACE = "models.toml line 1: [models.kokoro]"
SENTENCE = "The night was cold, and the sea was calm."


def made(folder: Path, device: str = "cpu", **table: Any) -> Kokoro:
    entry = {"name": "kokoro", "adapter": "kokoro", "path": str(folder), "place": PLACE, **table}
    return Kokoro(ModelEntry.model_validate(entry), device)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a load sets it; undone after the test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def loaded(tiny_kokoro_folder: Path) -> Iterator[Kokoro]:
    adapter = made(tiny_kokoro_folder, options={"threads": 1})
    adapter.load()
    yield adapter
    adapter.unload()


@pytest.fixture
def kokoro(loaded: Kokoro) -> Kokoro:
    loaded.is_cancelled = lambda index: False
    return loaded


@pytest.fixture
def copied(tiny_kokoro_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own, to be changed."""
    return shutil.copytree(tiny_kokoro_folder, tmp_path / "model")


def engine_of(adapter: Kokoro) -> Engine:
    assert adapter._speaker is not None
    return adapter._speaker._engine


def spoken(adapter: Kokoro, text: str, voice: str | None = None, speed: float = 1.0) -> Sound:
    (outcome,) = run(adapter, [to_speak(text, voice, speed)])
    assert isinstance(outcome, Sound), outcome
    return outcome


def test_every_symbol_of_a_text_is_in_its_sound_and_the_pieces_add_up(kokoro: Kokoro) -> None:
    text = " ".join([SENTENCE] * 30)
    ready = kokoro.prepare(to_speak(text))
    assert len(ready.pieces) > 2
    sound = spoken(kokoro, text)
    assert len(sound.samples) == sum(len(piece.phonemes) + 2 for piece in ready.pieces) * tiny_onnx.FRAMES * FRAME
    assert sound.pieces[-1].end_s == len(sound.samples) / sound.sample_rate
    assert [piece.text for piece in sound.pieces] == [piece.text for piece in ready.pieces]


def test_the_same_input_gives_the_same_samples_and_a_blend_lies_between_its_voices(kokoro: Kokoro) -> None:
    assert np.array_equal(spoken(kokoro, SENTENCE).samples, spoken(kokoro, SENTENCE).samples)
    one, other = (spoken(kokoro, SENTENCE, voice).samples for voice in ("af_heart+am_adam", "am_adam(3),af_heart(3)"))
    assert np.array_equal(one, other)
    crossings = [
        np.count_nonzero(np.diff(np.sign(spoken(kokoro, SENTENCE, voice).samples)))
        for voice in ("am_adam", "af_heart+am_adam", "af_heart")
    ]
    assert crossings == sorted(set(crossings))


def test_a_load_offers_all_voices_with_their_languages_and_those_that_can_be_spoken(kokoro: Kokoro) -> None:
    offer = kokoro.load()
    assert offer.voices == {"af_heart": "en-us", "am_adam": "en-us", "bf_emma": "en-gb", "jf_alpha": "ja"}
    assert offer.default_voice == "af_heart"
    assert set(offer.languages) >= {"a", "b"}
    assert kokoro.idle_unload_s == 300


def test_the_default_voice_is_the_tables_which_may_be_a_blend_else_the_first_that_can_be_used(copied: Path) -> None:
    blended = made(copied, voice="am_adam(2)+AF_heart(2)")
    assert blended.load().default_voice == "af_heart+am_adam"
    (copied / "voices" / "af_heart.bin").write_bytes(b"short")
    first = made(copied)
    assert first.load().default_voice == "am_adam"
    with pytest.raises(InvalidInput, match="^voice: 'af_heart' cannot be used: .* cannot be read"):
        first.check(to_speak(SENTENCE, "af_heart"))
    with pytest.raises(ModelLoadError, match=r"\[models\.kokoro\] voice: 'af_heart' cannot be used"):
        made(copied, voice="af_heart").load()


def test_without_a_voice_in_the_table_the_default_speaks_a_language_that_is_installed(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {"en-us", "en-gb"}
    monkeypatch.setattr(Language, "lacks", lambda self: ["misaki"] if self.tag in lacking else [])
    offer = made(copied).load()
    assert (offer.default_voice, offer.languages) == ("jf_alpha", ["j"])
    lacking.add("ja")
    with pytest.raises(MissingExtra, match=r"\[models\.kokoro\] American English needs misaki"):
        made(copied).load()


def test_a_model_that_is_fetched_again_while_it_is_loaded_is_not_taken_for_the_other_one(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_slowly(self: Kokoro, model: ModelFiles) -> Engine:
        engine = load(self, model)
        tiny_onnx.write_model(copied / "model.onnx", loudness=0.2)
        return engine

    load = Kokoro._engine
    monkeypatch.setattr(Kokoro, "_engine", load_slowly)
    with pytest.raises(ModelLoadError, match=r"path: .*model\.onnx was changed while it was loaded"):
        made(copied).load()


def test_the_revision_follows_weights_engine_seed_and_trim(copied: Path) -> None:
    first = made(copied).load().revision
    assert first.endswith("-onnx")
    assert made(copied, options={"seed": 7}).load().revision == f"{first}-seed7"
    assert made(copied, options={"trim": False}).load().revision == f"{first}-untrimmed"
    assert made(copied, revision="v1").load().revision == "v1-onnx"
    tiny_onnx.write_model(copied / "model.onnx", loudness=0.2)
    assert made(copied).load().revision != first


def test_a_folder_without_voices_or_a_path_is_refused_with_what_would_do(
    copied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ModelLoadError, match=r"voices: .*/mine holds no voice .*slotline model pull kokoro"):
        made(copied, options={"voices": "mine"}).load()
    (copied / "voices" / "xf_other.bin").write_bytes(bytes(1024))
    assert "xf_other" not in made(copied).load().voices
    assert "no language has their first letter: xf_other" in caplog.text
    with pytest.raises(CatalogError, match=r"path: is missing; it names the folder of a Kokoro model"):
        Kokoro(ModelEntry(name="kokoro", adapter="kokoro", place=PLACE), "cpu")
    with pytest.raises(CatalogError, match=r"path: one folder has all voices of a Kokoro model, so it has no {id}"):
        made(copied / "{id}")
    with pytest.raises(CatalogError, match=r"engine: .*'onnx' or 'torch'"):
        made(copied, options={"engine": "tensorrt"})


def test_weights_that_are_no_kokoro_are_refused_by_their_inputs(copied: Path) -> None:
    tiny_onnx.write_model(copied / "model.onnx", tokens="mel")
    with pytest.raises(ModelLoadError, match=r"path: .*model\.onnx is no Kokoro: it has an input mel"):
        made(copied).load()


def test_a_language_that_is_not_installed_is_named_with_its_command(
    kokoro: Kokoro, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "misaki", None)
    with pytest.raises(MissingExtra, match=r"^models\.toml line 1: .*misaki.*pip install 'slotline\[kokoro-en\]'"):
        made(copied).load()
    with pytest.raises(InvalidInput, match=r"^voice: 'jf_alpha' speaks Japanese.*slotline\[kokoro-ja\]"):
        kokoro.check(to_speak("こんにちは", "jf_alpha"))


@pytest.mark.parametrize(("loudness", "why"), [(0.0, "no sound"), (float("nan"), "samples that are no numbers")])
def test_sound_that_is_none_is_an_error_of_its_input(copied: Path, loudness: float, why: str) -> None:
    tiny_onnx.write_model(copied / "model.onnx", loudness=loudness)
    adapter = made(copied)
    adapter.load()
    (failed,) = run(adapter, [to_speak(SENTENCE)])
    assert isinstance(failed, ModelError)
    assert str(failed).startswith(f"text: Kokoro gave {why}")
    with pytest.raises(ModelLoadError, match=rf"^models\.toml line 1: .*{why}"):
        adapter.warm_up()


def test_memory_that_runs_out_costs_its_input_alone_and_a_broken_gpu_the_batch(
    kokoro: Kokoro, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = engine_of(kokoro).speak

    def raises(error: Exception) -> Any:
        return lambda ids, *rest: genuine(ids, *rest) if len(ids) < 20 else throw(error)

    def throw(error: Exception) -> Any:
        raise error

    monkeypatch.setattr(engine_of(kokoro), "speak", raises(RuntimeError("std::bad_alloc")))
    failed, said = run(kokoro, [to_speak(SENTENCE), to_speak("Yes.")])
    assert isinstance(failed, OutOfMemory)
    assert isinstance(said, Sound)
    monkeypatch.setattr(engine_of(kokoro), "speak", raises(ValueError("midway\nin a kernel")))
    (failed,) = run(kokoro, [to_speak(SENTENCE)])
    assert isinstance(failed, ModelError)
    assert str(failed) == "text: Kokoro failed on it: ValueError: midway in a kernel"
    monkeypatch.setattr(engine_of(kokoro), "speak", raises(RuntimeError("CUDA error: device-side assert")))
    with pytest.raises(RuntimeError, match="CUDA error"):
        run(kokoro, [to_speak(SENTENCE)])


def test_a_text_that_is_cancelled_stops_between_two_pieces(kokoro: Kokoro) -> None:
    asked = iter([False, False])
    kokoro.is_cancelled = lambda index: next(asked, True)
    (outcome,) = run(kokoro, [to_speak(" ".join([SENTENCE] * 30))])
    assert isinstance(outcome, Cancelled)


def test_a_warm_up_on_a_gpu_speaks_all_sizes_of_a_piece() -> None:
    assert WARM_UP["cuda"][-1] == 510
    assert len(WARM_UP["cuda"]) > len(WARM_UP["cpu"])


def test_an_adapter_that_is_not_loaded_says_so(copied: Path) -> None:
    (outcome,) = made(copied).run([PreparedText("af_heart", 1.0, (Piece("Hi.", "hˈaɪ."),))])
    assert isinstance(outcome, ModelError)
    assert str(outcome) == "Kokoro is not loaded"
