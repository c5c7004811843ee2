"""Loads and runs the real `viettts.tts.TTS`, and avoids all its known traps.

Each step says its purpose; docs/models.md lists the traps. It has
only the model: the adapter finds the voice files and handles errors.
For viet-tts 0.1.0, used by one thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput, ModelError
from workers.adapters import hardware
from workers.adapters.base import Cancelled
from workers.adapters.viettts.library import SAMPLE_RATE, onnxruntime_on
from workers.adapters.viettts.normaliser import Normaliser
from workers.adapters.viettts.sentences import is_sayable, sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FASTEST_CHARS_PER_S = 80.0
"""At speed 1.0; people reach 25. A sentence with less sound than this is not speech."""

DRAWS = 20
"""How often an end token that comes too early is sampled again before it is excluded."""


@dataclass(frozen=True)
class Voice:
    """A voice for the model: the SHA-256 of its file, and what viet-tts computed from it."""

    digest: str
    features: Mapping[str, Any]


class Engine:
    """A loaded VietTTS model; `folder` has its six files, which were checked before."""

    def __init__(self, folder: Path, device: str, threads: int, load_jit: bool, load_onnx: bool) -> None:
        import torch
        import viettts.frontend
        import viettts.utils.frontend_utils
        from viettts.tts import TTS

        self._normaliser: Normaliser = viettts.utils.frontend_utils.TTSnorm
        # The import of silero-vad limits the whole process to one thread.
        torch.set_num_threads(threads)
        genuine = viettts.frontend.onnxruntime
        viettts.frontend.onnxruntime = onnxruntime_on(device, threads)
        try:
            self._tts = TTS(str(folder), load_jit=load_jit, load_onnx=load_onnx)
        finally:
            viettts.frontend.onnxruntime = genuine
        # viet-tts puts the language model into float16 everywhere; its TorchScript files are float16 themselves.
        if not hardware.is_half(device) and not load_jit:
            self._tts.model.llm.float()
        self._job = _Job(self._tts.model)

    @property
    def device(self) -> str:
        """The device of the model: `cuda` or `cpu`."""
        return str(self._tts.model.device.type)

    @property
    def normaliser(self) -> str:
        """`vinorm` or `plain`."""
        return self._normaliser.name

    def voice(self, content: bytes) -> Voice:
        """What the model needs of a voice file (wav, flac, ogg, mp3); raises `InvalidInput` that says what is wrong."""
        import torch
        from viettts.utils.file_utils import load_prompt_speech_from_file

        with torch.inference_mode():
            # viet-tts takes 3 to 5 s of speech that its voice detector finds, else the first 5 s.
            prompt = load_prompt_speech_from_file(io.BytesIO(content))
            # Once per voice; viet-tts does it for every sentence.
            features = self._tts.frontend.frontend_tts(".", prompt)
        return Voice(hashlib.sha256(content).hexdigest(), features)

    def speak(
        self, text: str, voice: Voice, speed: float, seed: int, is_cancelled: Callable[[], bool]
    ) -> NDArray[np.float32]:
        """Sound of the text, `[samples]` at 22,050 Hz.

        Raises `InvalidInput` if nothing in the text can be spoken, `ModelError` for sound that is not
        speech, `Cancelled` as soon as `is_cancelled` is true, and torch's errors.
        """
        import numpy as np
        import torch

        pieces = self.sentences(text)
        if not pieces:
            raise InvalidInput(
                "text: nothing in it that VietTTS can say (it drops links, emoji, and Chinese, Japanese and Korean"
                f" letters; text begins {text[:40]!r})"
            )
        torch.manual_seed(seed)
        with torch.inference_mode():
            sounds = [self._spoken(piece, voice, speed, is_cancelled) for piece in pieces]
        return np.concatenate(sounds)

    def sentences(self, text: str) -> list[str]:
        """The pieces that the model speaks one after another."""
        from viettts.utils.frontend_utils import normalize_text, split_text

        # The sizes are those of viet-tts's own `preprocess_text`.
        split = partial(split_text, tokenize=self._tokens, token_max_n=30, token_min_n=10, merge_len=5)
        return sentences(text, normalize_text, split, lambda piece: len(self._tokens(piece)))

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tts.frontend.tokenizer.encode(text, allowed_special="all")
        return found

    def _spoken(self, piece: str, voice: Voice, speed: float, is_cancelled: Callable[[], bool]) -> NDArray[np.float32]:
        """One piece, as `TTS.inference_tts` does it."""
        import numpy as np

        frontend, model = self._tts.frontend, self._tts.model
        tokens, length = frontend._extract_text_token(piece)
        inputs = {**voice.features, "text": tokens, "text_len": length}
        with self._job.watched(is_cancelled):
            made = [output["tts_speech"] for output in model.tts(**inputs, stream=False, speed=speed)]
        samples = np.concatenate([sound.float().squeeze(0).numpy() for sound in made]).astype(np.float32, copy=False)
        return _checked(samples, piece, speed)


class _Job:
    """Catches the errors of the language model, which viet-tts runs in a thread without error handling.

    There an error is lost, and the sound so far is returned as if it were complete. Here the error
    is kept and raised; the run ends when it is cancelled; and it cannot sample without limit.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._llm_job = model.llm_job
        self._inference = model.llm.inference
        self._sampling = model.llm.sampling
        self._end_token = model.llm.speech_token_size
        self._fault: BaseException | None = None
        self._is_cancelled: Callable[[], bool] = lambda: False
        model.llm_job = self._run
        model.llm.inference = self._tokens
        model.llm.sampling_ids = self._draw

    @contextlib.contextmanager
    def watched(self, is_cancelled: Callable[[], bool]) -> Iterator[None]:
        """Runs in this block call `is_cancelled` at each token; an error of a run is raised at the end."""
        self._is_cancelled = is_cancelled
        try:
            yield
        finally:
            fault = self._fault
            self._forget()
            if fault is not None:
                raise fault

    def _forget(self) -> None:
        """What viet-tts keeps of each run, and does not remove when one fails."""
        self._fault, self._is_cancelled = None, lambda: False
        for kept in ("tts_speech_token_dict", "llm_end_dict", "mel_overlap_dict", "hift_cache_dict"):
            getattr(self._model, kept).clear()

    def _run(self, *arguments: Any) -> None:
        try:
            self._llm_job(*arguments)
        except BaseException as exc:  # the boundary of the thread: the waiting thread raises it
            self._fault = exc
        finally:
            self._model.llm_end_dict[arguments[-1]] = True

    def _tokens(self, embedding: Any, **inputs: Any) -> Iterator[int]:
        # viet-tts makes it float16 in any case.
        weights = self._model.llm.spk_embed_affine_layer.weight
        for token in self._inference(embedding=embedding.to(weights.dtype), **inputs):
            if self._is_cancelled():
                raise Cancelled
            yield token

    def _draw(self, scores: Any, decoded: list[int], sampling: int, ignore_eos: bool = True) -> Any:
        """One speech token; with `ignore_eos` not the end token, for which viet-tts would sample without limit."""
        drawn = self._sampling(scores, decoded, sampling)
        if not ignore_eos:
            return drawn
        for _ in range(DRAWS):
            if self._end_token not in drawn:
                return drawn
            drawn = self._sampling(scores, decoded, sampling)
        scores = scores.clone()
        scores[self._end_token] = float("-inf")
        return self._sampling(scores, decoded, sampling)


def _checked(samples: NDArray[np.float32], piece: str, speed: float) -> NDArray[np.float32]:
    """`samples`, if they can be speech; raises `ModelError`."""
    import numpy as np

    shown = f"«{piece[:40]}»"
    if not np.isfinite(samples).all():
        raise ModelError(f"text: VietTTS gave samples that are no numbers for {shown}")
    if not samples.any():
        raise ModelError(f"text: VietTTS gave no sound for {shown}")
    letters = sum(map(is_sayable, piece))
    if len(samples) / SAMPLE_RATE < letters / FASTEST_CHARS_PER_S / speed:
        raise ModelError(f"text: VietTTS gave only {len(samples) / SAMPLE_RATE:.2f} s of sound for {shown}")
    return samples
