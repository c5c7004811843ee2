"""Vietnamese speech by VietTTS (viet-tts 0.1.0) on torch and ONNX Runtime: 22,050 Hz mono, on a GPU or a CPU.

`path` is the model's folder with its six files; reading its `config.yaml` can create
any Python object, so use only files that you trust. A voice is an audio file in the samples
folder with 3 to 5 s of one speaker; its name is the file's without the suffix. The same input
gives the same sound on the same device (`seed`). The texts of a batch are spoken one by one.

A text that the model cannot speak gives `InvalidInput` for that input only. A run that never
ends is stopped by the batch's `time_limit_s`, not here. Importing this module is cheap.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, MissingExtra, ModelError, ModelLoadError
from tasks.messages import ParagraphRequest
from tasks.store.names import JSON
from workers.adapters import hardware, packages, weights
from workers.adapters.base import Adapter, Cancelled, Offer, Options
from workers.adapters.model_boundary import outcome_of
from workers.adapters.outputs import Sound
from workers.adapters.viettts import voices
from workers.adapters.viettts.engine import Engine, Voice
from workers.adapters.viettts.library import SAMPLE_RATE, import_viettts

logger = logging.getLogger(__name__)

FILES = ("config.yaml", "speech_embedding.onnx", "speech_tokenizer.onnx", "llm.pt", "flow.pt", "hift.pt")
JIT_FILES = ("llm.text_encoder.fp16.zip", "llm.llm.fp16.zip", "flow.encoder.fp32.zip")
ONNX_FILES = ("flow.decoder.estimator.fp32.onnx",)

INSTALL = (
    "pip install 'slotline[viettts,onnx]' && pip install --no-deps"
    " viet-tts==0.1.0 torchaudio==2.8.0 silero-vad==5.1.2 openai-whisper==20250625"
)
"""The packages of the second command pin other versions of almost everything, so it installs no dependencies."""

PACKAGES = ("torch", "onnxruntime", "viettts", "torchaudio", "silero_vad", "whisper")
GET_THEM = "get it with: slotline model pull viettts"
WARM_UP = "Xin chào."


class VietTTSOptions(Options):
    """Options in `[models.NAME]`."""

    samples: str = ""
    """The folder of voices, relative to `path`; `samples` in the model's own folder by default."""
    seed: int = Field(0, ge=0, lt=2**31)
    """The seed of each input's random numbers: another seed gives another reading of the same text."""
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of this slot; 0 divides the cores among the host's slots."""
    load_jit: bool = False
    """Load the language model from its TorchScript files (float16: for a GPU)."""
    load_onnx: bool = False
    """Load the estimator of viet-tts' `flow` from its ONNX file."""


class VietTTS(Adapter[ParagraphRequest, Sound]):
    """One VietTTS model."""

    craft = "speech"
    version = "1"
    options_model = VietTTSOptions
    options: VietTTSOptions
    devices = ("cuda", "cpu")

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._folder = weights.folder_of(entry.path, entry.place, "the folder of a VietTTS model")
        self._engine: Engine | None = None
        self._files: Mapping[str, Path] = {}
        self._voices: dict[str, Voice] = {}
        self._digests: Mapping[str, str] = {}
        """Voice name -> the SHA-256 of its file when the model was loaded; none for a file that could not be read."""
        self._default_voice = ""

    def check_files(self) -> None:
        """Raise `ModelLoadError` without one of the model's files, or without any voice."""
        weights.require(self._folder, self._needed, self.entry.place, GET_THEM)
        if not voices.in_folder(self._samples):
            kinds = " ".join(voices.SUFFIXES)
            raise ModelLoadError(
                f"{self.entry.place} samples: {self._samples} holds no voice; a voice is a {kinds} file of 3 to 5 s"
            )

    def check_packages(self) -> None:
        """Raise `MissingExtra` without a package that viet-tts imports, or without viet-tts."""
        packages.require(PACKAGES, self.entry.place, INSTALL)

    def load(self) -> Offer:
        """Load the model; raises `MissingExtra`, or `ModelLoadError` (also if the default voice cannot be used)."""
        self.unload()
        place = self.entry.place
        self.check_files()
        try:
            import_viettts()
        except ImportError as exc:
            raise MissingExtra(f"{place} viet-tts cannot be imported ({exc}); run: {INSTALL}") from exc
        hardware.check_torch(self.device, place)
        hardware.check_onnxruntime(self.device, place)
        try:
            with weights.unchanged(self._model_files, place):
                self._open()
                revision = self._revision()
        except BaseException:
            self.unload()
            raise
        return Offer(
            revision=revision,
            sample_rate=SAMPLE_RATE,
            voices=dict.fromkeys(self._files, "vi"),
            default_voice=self._default_voice,
            details={"digests": self._digests},
        )

    def attach(self, offer: Offer) -> None:
        """Keep the voices' names, and the digests of their files."""
        self._files = dict.fromkeys(offer.voices, self._folder)
        self._digests, self._default_voice = offer.details["digests"], offer.default_voice or ""

    def warm_up(self) -> None:
        """Speak two words in the default voice; raises `ModelLoadError` if this gives no sound."""
        outcome = self.run([ParagraphRequest(model=self.entry.name, text=WARM_UP)])[0]
        if isinstance(outcome, Exception):
            raise ModelLoadError(f"{self.entry.place} {outcome}") from outcome

    def check(self, item: ParagraphRequest) -> None:
        """Raise `UnknownVoice` for a voice that was not in the samples folder when the model was loaded."""
        voices.named(self._files, item.voice or self._default_voice)

    def ingredients(self, item: ParagraphRequest) -> Mapping[str, JSON]:
        """The digest of the voice's file; raises `InvalidInput` for a file that cannot be read."""
        name = voices.named(self._files, item.voice or self._default_voice)
        if name not in self._digests:
            raise InvalidInput(f"voice: {name!r} cannot be used: its file cannot be read")
        return {"voice_digest": self._digests[name]}

    def run(self, batch: Sequence[ParagraphRequest]) -> Sequence[Sound | Exception]:
        """Speak each text; returns `InvalidInput`, `ModelError`, `OutOfMemory` or `Cancelled` for one that failed.

        Raises what CUDA raises when its context is broken: nothing runs in this process after it.
        """
        return [self._outcome(index, item) for index, item in enumerate(batch)]

    def unload(self) -> None:
        """Free the model's memory; the packages stay imported."""
        if self._engine is None:
            return
        self._engine, self._voices = None, {}
        hardware.release(self.device)

    @property
    def _samples(self) -> Path:
        return self._folder / (self.options.samples or "samples")

    @property
    def _needed(self) -> tuple[str, ...]:
        jit = JIT_FILES if self.options.load_jit else ()
        return FILES + jit + (ONNX_FILES if self.options.load_onnx else ())

    @property
    def _model_files(self) -> list[Path]:
        return [self._folder / name for name in self._needed]

    def _open(self) -> None:
        """Load the engine and the voices, and read the default voice; raises `ModelLoadError`."""
        place = self.entry.place
        self._files = voices.in_folder(self._samples)
        self._digests = voices.digests(self._files)
        self._engine = self._loaded()
        if not self.device.startswith(self._engine.device):
            raise ModelLoadError(
                f"{place} viet-tts took the {self._engine.device}, but the slot's device is {self.device};"
                " CUDA_VISIBLE_DEVICES='' hides a GPU"
            )
        try:
            self._default_voice = voices.named(self._files, self.entry.voice or next(iter(self._files)))
            self._voice(None)
        except InvalidInput as exc:
            raise ModelLoadError(f"{place} {exc}") from exc

    def _loaded(self) -> Engine:
        options = self.options
        threads = hardware.threads(options.threads, self.device)
        self._check_config()
        try:
            return Engine(self._folder, self.device, threads, options.load_jit, options.load_onnx)
        except Exception as exc:  # the boundary to the model's code, whose packages have no common error
            if out_of_memory := hardware.memory_error(exc, self.device):
                raise out_of_memory from exc
            raise ModelLoadError(f"{self.entry.place} path: {weights.blame(self._model_files, exc)}") from exc

    def _check_config(self) -> None:
        """Raise `ModelLoadError` if `config.yaml` is not VietTTS's; creates no object that it names."""
        import yaml

        path = self._folder / "config.yaml"
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"))
            names = {key.value for key, _ in root.value}
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError, ValueError, TypeError) as exc:
            raise ModelLoadError(f"{self.entry.place} path: {path} cannot be read: {hardware.one_line(exc)}") from exc
        if missing := [name for name in ("llm", "flow", "hift") if name not in names]:
            raise ModelLoadError(
                f"{self.entry.place} path: {path} lacks {', '.join(missing)}: no, or half, a VietTTS model"
            )

    def _voice(self, name: str | None) -> Voice:
        """The voice, read at its first use; later changes of its file do not affect a loaded model."""
        if self._engine is None:
            raise ModelError("VietTTS is not loaded")
        name = voices.named(self._files, name or self._default_voice)
        if name not in self._voices:
            path = self._files[name]
            try:
                voice = self._engine.voice(path.read_bytes())
            except (OSError, InvalidInput) as exc:
                raise InvalidInput(f"voice: {name!r} cannot be used: {path} {exc}") from exc
            except Exception as exc:  # the boundary to the model's code; also called outside of a run
                failed = ModelError(f"voice: VietTTS failed on {path}: {type(exc).__name__}: {hardware.one_line(exc)}")
                raise hardware.memory_error(exc, self.device) or failed from exc
            if voice.digest != self._digests.get(name):
                raise InvalidInput(f"voice: {name!r} cannot be used: {path} was changed after the model was loaded")
            self._voices[name] = voice
        return self._voices[name]

    def _outcome(self, index: int, item: ParagraphRequest) -> Sound | Exception:
        if self.is_cancelled(index):
            return Cancelled()
        return outcome_of(lambda: self._speak(index, item), "VietTTS", item.text, self.device)

    def _speak(self, index: int, item: ParagraphRequest) -> Sound:
        """The sound of one text; if it fails, it is tried once more with other random numbers."""
        voice = self._voice(item.voice)
        if self._engine is None:
            raise ModelError("VietTTS is not loaded")
        seed = self.options.seed
        try:
            samples = self._engine.speak(item.text, voice, item.speed, seed, lambda: self.is_cancelled(index))
        except ModelError as exc:
            logger.warning("%s; once more", exc)
            samples = self._engine.speak(item.text, voice, item.speed, seed + 1, lambda: self.is_cancelled(index))
        return Sound(samples, SAMPLE_RATE)

    def _revision(self) -> str:
        """What else determines the sound. Precision and device are left out: they change less than another seed."""
        base = self.entry.revision or f"viet-tts-0.1.0-{weights.digest(self._model_files)}"
        normaliser = self._engine.normaliser if self._engine else "none"
        return f"{base}-{normaliser}-seed{self.options.seed}"
