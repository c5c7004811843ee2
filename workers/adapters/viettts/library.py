"""Imports viet-tts 0.1.0, and replaces what cannot run in a slot: its downloads, imports, file reading and fading.

It changes modules of this process; doing it again has no further effect.
`engine.py` runs the model; docs/models.md lists the traps.
"""

from __future__ import annotations

import io
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from tasks.errors import InvalidInput
from workers.adapters import hardware
from workers.adapters.viettts.normaliser import Normaliser

SAMPLE_RATE = 22_050
"""The sample rate of its sound; viet-tts's own server uses 24,000, which is wrong."""

PROMPT_RATE = 16_000
SHORTEST_PROMPT_S = 1.0


def import_viettts() -> None:
    """Import viet-tts so that it finds what it needs and downloads nothing; raises `ImportError`."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    absent = cast("dict[str, ModuleType | None]", sys.modules)
    # The extension in torchaudio's wheels needs CUDA's libraries and one version of torch. It is not needed here.
    absent["torchaudio.lib._torchaudio"] = None
    # viet-tts imports this name; the real package needs Python < 3.12, and is not safe (`normaliser.py`).
    stand_in = ModuleType("vinorm")
    stand_in.__dict__["TTSnorm"] = Normaliser.found()
    sys.modules["vinorm"] = stand_in

    from loguru import logger

    logger.disable("viettts")
    import viettts.model
    import viettts.tts
    import viettts.utils.file_utils
    import viettts.utils.frontend_utils

    viettts.utils.frontend_utils.TTSnorm = stand_in.__dict__["TTSnorm"]
    viettts.utils.file_utils.load_wav = _prompt_samples
    viettts.model.fade_in_out_audio = _faded


def onnxruntime_on(device: str, threads: int) -> SimpleNamespace:
    """Replaces onnxruntime in viet-tts's front end: sessions on the slot's device with the slot's threads.

    viet-tts' own sessions have one thread, and need CUDA whenever torch has it.
    """
    import onnxruntime

    def session(path: str, sess_options: Any, providers: list[str]) -> Any:
        sess_options.intra_op_num_threads = threads
        sess_options.inter_op_num_threads = 1
        # The speaker embedding stays on the CPU, as in viet-tts.
        chosen = hardware.providers(device) if "CUDAExecutionProvider" in providers else providers
        return onnxruntime.InferenceSession(path, sess_options=sess_options, providers=chosen)

    return SimpleNamespace(
        SessionOptions=onnxruntime.SessionOptions,
        GraphOptimizationLevel=onnxruntime.GraphOptimizationLevel,
        InferenceSession=session,
    )


def _prompt_samples(file: io.BytesIO, target_rate: int) -> Any:
    """A voice file as a float32 tensor `[1, samples]` at `target_rate` Hz, in place of viet-tts's `load_wav`.

    That one starts ffmpeg for all but wav, and asserts. Raises `InvalidInput`.
    """
    import soundfile
    import torch
    import torchaudio

    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as exc:
        raise InvalidInput(f"cannot be read as sound: {hardware.one_line(exc)}") from exc
    if rate < PROMPT_RATE:
        raise InvalidInput(f"has a sample rate of {rate} Hz; VietTTS needs at least {PROMPT_RATE}")
    if len(samples) < SHORTEST_PROMPT_S * rate:
        raise InvalidInput(f"is {len(samples) / rate:.2f} s long; VietTTS wants 3 to 5 s of speech")
    if not samples.any():
        raise InvalidInput("is silent")
    speech = torch.from_numpy(samples.mean(axis=1)).unsqueeze(0)
    return speech if rate == target_rate else torchaudio.transforms.Resample(rate, target_rate)(speech)


def _faded(sound: Any) -> Any:
    """The sound `[1, samples]` faded in and out over 0.1 s, or over all of it where it is shorter.

    viet-tts's own raises below 2,205 samples, and outside inference mode.
    """
    import torch

    faded = sound.squeeze(0).cpu().clone()
    ramp = torch.linspace(0, 1, min(int(SAMPLE_RATE * 0.1), len(faded)))
    faded[: len(ramp)] *= ramp
    faded[len(faded) - len(ramp) :] *= ramp.flip([0])
    return faded.unsqueeze(0).to(sound.device)
