"""VietTTS's own: what it cannot say, its thread, its voices, its speed; on the real class with a small model."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, ModelError, ModelLoadError, OutOfMemory
from tests.fixtures.waiting import at_most
from tests.unit.workers.adapters.asked import to_speak
from tests.unit.workers.adapters.viettts.tiny_viettts import SAMPLE_RATE, write_voice
from workers.adapters.base import Cancelled
from workers.adapters.outputs import Sound
from workers.adapters.viettts import VietTTS
from workers.adapters.viettts.engine import Engine

SHORT = "Dạ."
SENTENCE = "Hắn vừa đi vừa chửi."


def made(folder: Path, **table: Any) -> VietTTS:
    place = "models.toml line 1: [models.viettts]"
    entry = {"name": "viettts", "adapter": "viettts", "path": str(folder), "place": place, **table}
    return VietTTS(ModelEntry.model_validate(entry), "cpu")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a load sets it; undone after the test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def loaded(viettts_folder: Path) -> Iterator[VietTTS]:
    adapter = made(viettts_folder, voice="quynh", options={"threads": 1})
    adapter.load()
    yield adapter
    adapter.unload()


@pytest.fixture
def viettts(loaded: VietTTS) -> VietTTS:
    loaded.is_cancelled = lambda index: False
    return loaded


@pytest.fixture
def copied(viettts_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own, to be changed."""
    return shutil.copytree(viettts_folder, tmp_path / "model")


def engine_of(adapter: VietTTS) -> Engine:
    assert adapter._engine is not None
    return adapter._engine


def spoken(adapter: VietTTS, text: str, voice: str | None = None, speed: float = 1.0) -> Sound:
    outcome = adapter.run([to_speak(text, voice, speed)])[0]
    assert isinstance(outcome, Sound), outcome
    return outcome


def test_the_same_input_gives_the_same_samples_wherever_it_stands_in_a_batch(viettts: VietTTS) -> None:
    alone = spoken(viettts, SHORT)
    _, second = viettts.run([to_speak("Có hề gì?"), to_speak(SHORT)])
    assert isinstance(second, Sound)
    assert np.array_equal(alone.samples, second.samples)
    assert alone.sample_rate == second.sample_rate == SAMPLE_RATE


def test_another_seed_and_another_voice_read_it_in_another_way(viettts: VietTTS, viettts_folder: Path) -> None:
    other = made(viettts_folder, voice="quynh", options={"seed": 5})
    assert other.load().revision.endswith("-seed5")
    samples = spoken(viettts, SHORT).samples
    for another in (spoken(other, SHORT).samples, spoken(viettts, SHORT, "nguyen.ngoc-ngan").samples):
        assert another.shape == samples.shape
        assert not np.array_equal(another, samples)
    other.unload()


@pytest.mark.parametrize(
    "text",
    ["", " ", "😀😀", "中文，こんにちは", "https://example.org/a?b=c", "...", "!!!", "— « »", "<|vi|><|endoftext|>"],
)
def test_a_text_that_cannot_be_said_is_refused_for_itself_alone(viettts: VietTTS, text: str) -> None:
    refused, said = viettts.run([to_speak(text), to_speak(SHORT)])
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith("text: nothing in it that VietTTS can say")
    assert isinstance(said, Sound)


@pytest.mark.parametrize("text", ["Ừ", "Ừ. " * 3, "1"])
def test_the_shortest_texts_are_spoken_also_at_the_greatest_speed(viettts: VietTTS, text: str) -> None:
    assert 0 < len(spoken(viettts, text, speed=4.0).samples) < 4 * SAMPLE_RATE


def test_a_fault_in_the_language_models_thread_is_an_error_and_not_half_a_sentence(
    viettts: VietTTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(viettts)
    genuine = engine._job._inference

    def breaks_midway(**inputs: Any) -> Iterator[int]:
        for count, token in enumerate(genuine(**inputs)):
            if count == 40:
                raise RuntimeError("midway\nin the thread")
            yield token

    monkeypatch.setattr(engine._job, "_inference", breaks_midway)
    failed = viettts.run([to_speak(SENTENCE)])[0]
    monkeypatch.undo()
    assert isinstance(failed, ModelError)
    assert str(failed) == "text: VietTTS failed on it: RuntimeError: midway in the thread"
    model = engine._tts.model
    assert not any((model.tts_speech_token_dict, model.llm_end_dict, model.mel_overlap_dict, model.hift_cache_dict))
    assert len(spoken(viettts, SHORT).samples) > 0


def test_memory_that_runs_out_costs_its_input_alone_and_says_so(
    viettts: VietTTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    engine = engine_of(viettts)
    genuine = engine._tts.model.flow.inference

    def too_large(**inputs: Any) -> Any:
        if inputs["token"].shape[1] > 100:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return genuine(**inputs)

    monkeypatch.setattr(engine._tts.model.flow, "inference", too_large)
    failed, said = viettts.run([to_speak(SENTENCE), to_speak(SHORT)])
    assert isinstance(failed, OutOfMemory)
    assert "2.00 GiB" in str(failed)
    assert isinstance(said, Sound)


def test_a_broken_cuda_context_is_the_batchs_error(viettts: VietTTS, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**inputs: Any) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(engine_of(viettts)._tts.model.flow, "inference", broken)
    with pytest.raises(RuntimeError, match="CUDA error"):
        viettts.run([to_speak(SHORT)])


@pytest.mark.parametrize(("spoilt", "words"), [(np.nan, "no numbers"), (0.0, "no sound"), (None, "only 0.0")])
def test_sound_that_is_none_is_tried_once_more_and_then_an_error(
    viettts: VietTTS, monkeypatch: pytest.MonkeyPatch, spoilt: float | None, words: str
) -> None:
    hift = engine_of(viettts)._tts.model.hift
    genuine, asked = hift.inference, []

    def spoils(**inputs: Any) -> Any:
        sound, source = genuine(**inputs)
        asked.append(sound)
        return (sound[:, :256] if spoilt is None else sound * spoilt), source

    monkeypatch.setattr(hift, "inference", spoils)
    failed = viettts.run([to_speak(SENTENCE)])[0]
    assert isinstance(failed, ModelError)
    assert words in str(failed)
    assert len(asked) == 2


def test_an_input_that_is_cancelled_stops_in_the_middle_of_a_sentence(viettts: VietTTS) -> None:
    asked = iter([False] * 30)
    viettts.is_cancelled = lambda index: next(asked, True)
    began = time.monotonic()
    assert isinstance(viettts.run([to_speak(SENTENCE * 20)])[0], Cancelled)
    assert time.monotonic() - began < at_most(1.0)


def test_a_gpu_slot_where_torch_sees_no_gpu_is_refused(viettts_folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    adapter = VietTTS(made(viettts_folder).entry, "cuda:0")
    with pytest.raises(ModelLoadError, match=r"cuda:0, but torch sees no GPU .*MODEL_DEVICE=cpu"):
        adapter.load()


def test_a_voice_goes_by_its_files_whole_name_in_any_case(viettts: VietTTS) -> None:
    for name in ("nguyen.ngoc-ngan", "Nguyen.Ngoc-Ngan"):
        viettts.check(to_speak(SHORT, name))
    assert (
        viettts.ingredients(to_speak(SHORT, "nguyen.ngoc-ngan"))
        == viettts.ingredients(to_speak(SHORT, "NGUYEN.ngoc-ngan"))
        != viettts.ingredients(to_speak(SHORT))
    )


def test_a_voices_digest_is_its_files_and_stays_while_the_model_is_loaded(copied: Path) -> None:
    def digest(adapter: VietTTS) -> object:
        return adapter.ingredients(to_speak(SHORT, "quynh"))["voice_digest"]

    adapter = made(copied)
    adapter.load()
    first = digest(adapter)
    write_voice(copied / "samples" / "quynh.wav", 222.0)
    assert digest(adapter) == first
    adapter.load()
    assert digest(adapter) != first
    adapter.unload()


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_a_voice_may_be_compressed_without_ffmpeg(copied: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = copied / "samples"
    sound, rate = soundfile.read(samples / "quynh.wav")
    soundfile.write(samples / f"stereo.{suffix}", np.stack([sound, sound], axis=1), rate)
    monkeypatch.setenv("PATH", "")
    adapter = made(copied, voice="stereo")
    assert adapter.load().default_voice == "stereo"
    assert len(spoken(adapter, SHORT).samples) > 0
    adapter.unload()


def test_a_voice_file_that_cannot_serve_costs_its_inputs_alone_and_is_named(copied: Path) -> None:
    samples = copied / "samples"
    (samples / "a-broken.wav").write_bytes(b"RIFF and nothing more")
    write_voice(samples / "low.wav", 200.0, sample_rate=8_000)
    write_voice(samples / "short.wav", 200.0, seconds=0.5)
    soundfile.write(samples / "silent.wav", np.zeros(48_000, dtype=np.float32), 16_000)
    adapter = made(copied, voice="quynh")
    adapter.load()
    names = ("a-broken", "low", "short", "silent")
    *refused, said = adapter.run([to_speak(SHORT, name) for name in (*names, "quynh")])
    assert isinstance(said, Sound)
    for name, why, failed in zip(names, ("cannot be read", "8000 Hz", "0.50 s", "silent"), refused, strict=True):
        assert isinstance(failed, InvalidInput)
        assert f"voice: {name!r} cannot be used: {samples}" in str(failed)
        assert why in str(failed)
        assert "\n" not in str(failed)
    adapter.unload()
    with pytest.raises(ModelLoadError, match=r"\[models\.viettts\] voice: 'low' cannot be used: .*at least 16000"):
        made(copied, voice="low").load()


def test_a_voice_that_the_model_itself_fails_on_is_an_error_of_one_line(
    viettts: VietTTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(content: bytes) -> Any:
        raise RuntimeError("session\nfailed")

    monkeypatch.setattr(engine_of(viettts), "voice", breaks)
    monkeypatch.setattr(viettts, "_voices", {})
    (failed,) = viettts.run([to_speak(SHORT, "quynh")])
    assert isinstance(failed, ModelError)
    assert re.fullmatch(r"voice: VietTTS failed on .*quynh\.wav: RuntimeError: session failed", str(failed))


def test_a_folder_without_voices_or_files_is_refused_with_what_would_do(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"samples: .*/mine holds no voice; a voice is a \.wav"):
        made(copied, options={"samples": "mine"}).load()
    with pytest.raises(ModelLoadError, match=r"there is no folder .*/nowhere; get it with: slotline model pull"):
        made(tmp_path / "nowhere").load()
    with pytest.raises(ModelLoadError, match=r"lacks llm\.text_encoder\.fp16\.zip, llm\.llm\.fp16\.zip, flow\.encoder"):
        made(copied, options={"load_jit": True}).load()
    with pytest.raises(ModelLoadError, match=r"lacks flow\.decoder\.estimator\.fp32\.onnx"):
        made(copied, options={"load_onnx": True}).load()
    with pytest.raises(CatalogError, match=r"\[models\.viettts\] path: is missing; .*folder of a VietTTS model"):
        VietTTS(ModelEntry(name="viettts", adapter="viettts", place="models.toml line 1: [models.viettts]"), "cpu")


def test_weights_of_another_model_are_refused_with_torchs_words(copied: Path) -> None:
    shutil.copy(copied / "flow.pt", copied / "hift.pt")
    with pytest.raises(ModelLoadError, match=r"cannot be loaded: RuntimeError: .*HiFTGenerator") as caught:
        made(copied).load()
    assert "\n" not in str(caught.value)
