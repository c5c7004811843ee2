"""viet-tts as it is after its import: what it would download, start or get wrong is replaced."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.errors import InvalidInput
from workers.adapters.viettts.library import PROMPT_RATE, SAMPLE_RATE, import_viettts, onnxruntime_on
from workers.adapters.viettts.normaliser import Normaliser


@pytest.fixture(autouse=True)
def imported(model_packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported once more, which changes nothing; the environment that it sets is undone after the test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    import_viettts()


def file_of(samples: Any, rate: int, form: str = "WAV") -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form)
    file.seek(0)
    return file


def tone(seconds: float, rate: int) -> Any:
    return (0.3 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_it_asks_no_hub_for_files_and_normalises_with_slotlines_own(imported: None) -> None:
    import viettts.utils.frontend_utils

    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert isinstance(viettts.utils.frontend_utils.TTSnorm, Normaliser)
    assert sys.modules["vinorm"].__spec__ is None, "the package itself is never imported"


@pytest.mark.parametrize(("rate", "form"), [(PROMPT_RATE, "WAV"), (24_000, "FLAC"), (48_000, "OGG")])
def test_a_voice_of_any_format_and_rate_is_read_as_mono_at_the_rate_that_is_asked_for(rate: int, form: str) -> None:
    import viettts.utils.file_utils

    stereo = np.stack([tone(1.5, rate)] * 2, axis=1)
    speech = viettts.utils.file_utils.load_wav(file_of(stereo, rate, form), PROMPT_RATE)
    assert tuple(speech.shape) == (1, round(1.5 * PROMPT_RATE))
    assert float(speech.abs().max()) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (io.BytesIO(b"RIFF and nothing more"), "cannot be read as sound"),
        (file_of(tone(2.0, 8_000), 8_000), "has a sample rate of 8000 Hz; VietTTS needs at least 16000"),
        (file_of(tone(0.5, 16_000), 16_000), "is 0.50 s long"),
        (file_of(np.zeros(32_000, np.float32), 16_000), "is silent"),
    ],
    ids=["no sound", "low", "short", "silent"],
)
def test_a_voice_that_cannot_serve_says_why(file: io.BytesIO, said: str) -> None:
    import viettts.utils.file_utils

    file.seek(0)
    with pytest.raises(InvalidInput, match=said):
        viettts.utils.file_utils.load_wav(file, PROMPT_RATE)


@pytest.mark.parametrize("samples", [SAMPLE_RATE, 2_205, 100, 1])
def test_sound_of_any_length_is_faded_in_and_out_and_stays_as_long(samples: int) -> None:
    import torch
    import viettts.model

    sound = torch.ones(1, samples)
    faded = viettts.model.fade_in_out_audio(sound)
    assert faded.shape == sound.shape
    assert float(faded[0, 0]) == 0.0
    assert float(faded.max()) <= 1.0
    assert bool((sound == 1.0).all()), "what it was given is not changed"
    if samples == SAMPLE_RATE:
        assert float(faded[0, samples // 2]) == 1.0


def test_a_session_has_the_slots_threads_and_device_and_not_what_viet_tts_asks_for(viettts_folder: Path) -> None:
    runtime = onnxruntime_on("cpu", 3)
    for wanted in (["CUDAExecutionProvider"], ["CPUExecutionProvider"]):
        options = runtime.SessionOptions()
        session = runtime.InferenceSession(str(viettts_folder / "speech_embedding.onnx"), options, wanted)
        assert session.get_providers() == ["CPUExecutionProvider"]
        assert session.get_session_options().intra_op_num_threads == 3
